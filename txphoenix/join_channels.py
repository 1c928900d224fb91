"""The channels that a client joins by itself: the option ``join_channels``.

Each topic is started once, at the first open or when ``reconfigure()`` names it for the
first time, and is then the manager's like any other channel.
What makes a channel is the user's code.
If it raises, that topic has no channel: the log and the client's ``on_error`` hooks
say so, the other topics are started all the same, and it is tried again when the next
connection opens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from .package_log import package_log

if TYPE_CHECKING:
    from .channels import ChannelManager

__all__ = ["JoinChannels"]

log = Logger(observer=package_log)


class JoinChannels:
    """Which topics have been started.

    :param channels: makes and joins the channels.
    :param tell_error: is called with the error where one cannot be made.
    """

    def __init__(
        self, channels: ChannelManager, tell_error: Callable[[BaseException], object]
    ) -> None:
        self._channels = channels
        self._tell_error = tell_error
        self._started: set[str] = set()

    def start(self, wanted: Mapping[str, Any]) -> None:
        """Start those that have not been started, if there is a connection.

        :param wanted: the option: topic -> params.
        """
        channels = self._channels
        self._started &= wanted.keys()
        for topic, params in wanted.items():
            if topic in self._started:
                continue
            # What is called here is the user's, and may have disconnected.
            if not channels.is_open:
                return
            self._started.add(topic)
            if channels.find(topic) is not None:
                continue
            try:
                channels.start_channel(topic, params)
            except BaseException as error:
                self._started.discard(topic)
                log.failure(
                    "{topic}: its channel could not be made, and is tried again with"
                    " the next connection",
                    topic=topic,
                )
                self._tell_error(error)

    def forget(self) -> None:
        """Start all of them again, since the service that they belonged to stops."""
        self._started.clear()
