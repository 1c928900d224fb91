"""What the parts of the WAMP router in memory ask of a session's connection."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Peer"]


class Peer(Protocol):
    """A session, as the router knows it."""

    @property
    def session_id(self) -> int | None:
        """The ID of the session, as long as it has joined."""

    @property
    def session_number(self) -> int:
        """The ID of the session, which stays when it has gone."""

    @property
    def is_killed(self) -> bool:
        """Whether its process is gone."""

    def details(self) -> dict[str, object]:
        """What the meta API tells of the session."""

    def deliver(self, sent: Any, /) -> None:
        """Put a message on its way to the session."""

    def refuse(self, request: Any, error: str, /, *args: object) -> None:
        """Answer a request by an error."""
