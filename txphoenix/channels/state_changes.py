"""The new states of a client's channels, until telemetry has been told of them.

A channel acts first, and telemetry is told then: whoever is told may call any channel.
What follows from such a call is told when all have heard of what was before it, so that
each function is told in the order in which it happened.
"""

from __future__ import annotations

from collections import deque

from .. import telemetry
from ..protocol.channel_states import State
from .interfaces import ObservedChannel

__all__ = ["STATUS", "StateChanges"]

STATUS = {
    State.CLOSED: "left",
    State.JOINING: "joining",
    State.JOINED: "joined",
    State.LEAVING: "leaving",
    State.ERRORED: "errored",
}
"""What phoenix_socket_client calls a channel's state: a closed one is ``"left"``."""


class StateChanges:
    """Those that telemetry has not been told of, the oldest first.

    :param client: the client, as handlers are told of it.
    """

    __slots__ = ("_client", "_is_telling", "_waiting")

    def __init__(self, client: object) -> None:
        self._client = client
        self._waiting: deque[tuple[str, str, str]] = deque()
        self._is_telling = False

    def add(self, channel: ObservedChannel, old: State, new: State) -> None:
        """Take note of a channel's new state."""
        self._waiting.append((channel.topic, STATUS[old], STATUS[new]))

    def tell(self) -> None:
        """Tell telemetry, unless it is being told: then that goes on with these."""
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._waiting:
                telemetry.channel_status_changed(self._client, *self._waiting.popleft())
        finally:
            self._is_telling = False
