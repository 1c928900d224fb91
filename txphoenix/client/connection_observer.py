"""What an observer of the connection is told."""

from __future__ import annotations

from ..errors import ConnectionFailed

__all__ = ["ConnectionObserver"]


class ConnectionObserver:
    """Is told what happens to the connection of a client, before the client acts on it.

    A subclass has the methods for what it wants to know.
    See :class:`txphoenix.client.connection_events.ConnectionEvents`.
    """

    __slots__ = ()

    def connection_connecting(self) -> None:
        """An attempt begins."""

    def connection_opened(self, duration: float) -> None:
        """The connection is open, ``duration`` seconds after its attempt began."""

    def connection_lost(self, reason: ConnectionFailed, was_asked: bool) -> None:
        """The open connection has ended; the user may have asked for it."""

    def connection_failed(self, reason: Exception) -> None:
        """An attempt has failed; with NotConnected it was given up."""

    def connection_retrying(self, attempt: int, delay: float) -> None:
        """The next attempt begins in ``delay`` seconds."""

    def connection_given_up(self) -> None:
        """There will be no connection until the user asks for one."""

    def heartbeat_sent(self) -> None:
        """A heartbeat has gone out."""

    def heartbeat_answered(self, round_trip: float) -> None:
        """The server has answered a heartbeat after ``round_trip`` seconds."""

    def reading_paused(self) -> None:
        """Nothing is read until a reader has read."""

    def reading_resumed(self, duration: float) -> None:
        """The pause, or its connection, is over after ``duration`` seconds."""

    def messages_unsent(self, count: int) -> None:
        """The connection has ended before so many messages had left."""

    def frame_dropped(self, reason: Exception) -> None:
        """A frame has come that is no message."""
