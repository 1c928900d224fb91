"""What the parts of the WAMP router in memory ask of a session's connection."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Peer"]


class Peer(Protocol):
    """A session, as the router knows it."""

    @property
    def session_number(self) -> int:
        """The ID of the session."""

    def details(self) -> dict[str, object]:
        """What the meta API tells of the session."""

    def deliver(self, sent: Any, /) -> None:
        """Put a message on its way to the session."""

    def refuse(self, request: Any, error: str, /, *args: object) -> None:
        """Answer a request by an error."""
