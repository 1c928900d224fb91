"""What a command that stays connected tells of its connection.

Such a command tries again whatever happens, and says so; but a server that says no to
the very first attempt would only say it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import telemetry
from ..channels.channel import Channel
from ..client.socket_client import SocketClient
from ..errors import ConnectionFailed, HandshakeRefused
from ..runtime.remover import Remover
from .options import explain

__all__ = ["RetryPolicy", "follow", "follow_channel"]


class RetryPolicy:
    """Whether to try again: the ``should_reconnect`` of a client.

    :param reconnect: whether to try again at all.
    :ivar has_connected: whether the client has ever been connected.
    """

    def __init__(self, reconnect: bool = True) -> None:
        self.reconnect = reconnect
        self.has_connected = False

    def opened(self) -> None:
        """Take note of a connection."""
        self.has_connected = True

    def __call__(self, reason: Exception) -> bool:
        """Decide; a refusal (HTTP 4xx) is final until there has been a connection."""
        refused = (
            isinstance(reason, HandshakeRefused)
            and reason.status is not None
            and 400 <= reason.status < 500
        )
        return self.reconnect and (self.has_connected or not refused)


def follow(client: SocketClient, tell: Callable[[str], object]) -> Remover:
    """Tell of each connection that opens or ends, each attempt, and each join.

    :param tell: takes a line.
    :return: a function that ends it.
    """
    failure = ""

    def take(
        _event: object,
        measurements: Mapping[str, Any],
        metadata: Mapping[str, Any],
        _config: object,
    ) -> None:
        nonlocal failure
        if metadata["client"] is not client:
            return
        action = metadata["action"]
        if action == "connected":
            tell(f"connected to {metadata['url']}")
        elif action == "disconnected":
            failure = f"connection lost: {explain(metadata['reason'])}"
        elif action == "connection_error":
            failure = f"not connected: {explain(metadata['error'])}"
        elif action == "reconnecting":
            tell(f"{failure}; trying again in {measurements['delay']:.1f} s")
        elif action == "joined":
            tell(f"joined {metadata['topic']}")

    # Any object of our own is an id that nobody else has.
    handler_id = object()
    telemetry.attach_many(handler_id, (telemetry.SOCKET, telemetry.CHANNEL), take)

    def stop() -> None:
        telemetry.detach(handler_id)

    return stop


def follow_channel(channel: Channel, tell: Callable[[str], object]) -> None:
    """Tell of what interrupts a channel, other than the connection's loss."""

    def take(error: BaseException) -> None:
        if not isinstance(error, ConnectionFailed):
            tell(f"{error}; joining again")

    channel.on_error(take)
