"""What a channel of Supabase is told, as values: broadcasts and ``system`` messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from txphoenix.errors import ConfigurationError

__all__ = ["Broadcast", "SystemMessage", "check_event"]


@dataclass(frozen=True)
class Broadcast:
    """What another client, or the database, has broadcast.

    :ivar event: the sender's event.
    :ivar payload: the sender's payload: any JSON value, or bytes.
    :ivar metadata: what the server says of it, such as its ``id``.
    """

    event: str
    payload: Any
    metadata: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, payload: Any) -> Broadcast:
        """Read the payload of a ``broadcast``.

        :raises ValueError: it is none; the text says what was expected.
        """
        if not isinstance(payload, dict) or not isinstance(payload.get("event"), str):
            raise ValueError("expected an object with an event")
        meta = payload.get("meta")
        metadata = meta if isinstance(meta, dict) else {}
        return cls(payload["event"], payload.get("payload"), metadata)


@dataclass(frozen=True)
class SystemMessage:
    """What the server says of a channel.

    :ivar status: ``"ok"`` or ``"error"``.
    :ivar message: for a person.
    :ivar extension: what it is about: ``"system"`` or ``"postgres_changes"``.
    """

    status: str
    message: str
    extension: str

    @classmethod
    def read(cls, payload: Any) -> SystemMessage:
        """Read the payload of a ``system`` message.

        :raises ValueError: it is none; the text says what was expected.
        """
        if not isinstance(payload, dict) or not isinstance(payload.get("status"), str):
            raise ValueError("expected an object with a status")
        message, extension = payload.get("message"), payload.get("extension")
        return cls(payload["status"], str(message or ""), str(extension or "system"))


def check_event(event: object) -> None:
    """Check the name of a user's event.

    :raises ConfigurationError: it is none.
    """
    if not isinstance(event, str) or not event:
        raise ConfigurationError("the event must be a str that is not empty")
    try:
        event.encode("utf-8")
    except UnicodeEncodeError:
        raise ConfigurationError(
            "the event holds a lone surrogate, which is not valid Unicode"
        ) from None
