"""What a link asks of who opens its transports, and whom it tells what happens."""

from __future__ import annotations

from typing import Protocol

from ..errors import ConnectionClosed, HeartbeatTimeout, SerializerError

__all__ = ["LinkListener", "LinkOwner"]


class LinkOwner(Protocol):
    """Who opens the transports of a link, and decides what follows their end."""

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""

    @property
    def status(self) -> str:
        """What the connection does, in a word."""

    @property
    def attempts(self) -> int:
        """How many attempts have begun: another number is another transport."""

    def transport_raised(self, lost: ConnectionClosed) -> None:
        """The transport has raised while it was in use: take it for lost, but later."""

    def transport_broke(self, lost: ConnectionClosed) -> None:
        """The transport has raised when it was to end: take it for lost."""

    def drop(self, reason: HeartbeatTimeout) -> None:
        """The server has not answered a heartbeat, or could not: begin anew."""

    def heartbeat_answered(self, round_trip: float) -> None:
        """The server has answered a heartbeat after ``round_trip`` seconds."""

    @property
    def listener(self) -> LinkListener:
        """Whom the owner tells what happens."""


class LinkListener(Protocol):
    """Who is told of what the owner has nothing to decide about."""

    def heartbeat_sent(self) -> None:
        """A heartbeat has gone out."""

    def heartbeat_unsent(self, error: SerializerError) -> None:
        """A heartbeat could not be made: the serializer is the user's."""

    def reading_paused(self) -> None:
        """Nothing is read until a reader has read."""

    def reading_resumed(self, duration: float) -> None:
        """The pause, or its connection, is over after ``duration`` seconds."""

    def messages_unsent(self, count: int) -> None:
        """The connection has ended before so many messages had left."""
