"""What a client joins with: the ``config`` of its channel.

As ``RealtimeWeb.Channels.Payloads.Join`` in supabase/realtime reads it, what cannot be
read is as if it were not there.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["JoinConfig"]

_WAIT = 15_000


@dataclass(frozen=True)
class JoinConfig:
    """The config of one channel.

    :ivar ack: whether broadcasts are acknowledged.
    :ivar hears_itself: whether the client gets its own broadcasts (``self``).
    :ivar presence: whether it is told who is present.
    :ivar presence_key: the key of its own presence.
    :ivar private: whether the channel is private.
    :ivar changes: what it wants of the database, as it was given.
    :ivar is_of_2021: whether it was joined without a config.
    :ivar wait: seconds that the reply to the join waits for the database, or ``None``.
    """

    ack: bool = False
    hears_itself: bool = False
    presence: bool = False
    presence_key: str = field(default_factory=lambda: str(uuid.uuid1()))
    private: bool = False
    changes: tuple[Mapping[str, Any], ...] = ()
    wait: float | None = None
    is_of_2021: bool = False

    @classmethod
    def read(cls, topic: str, params: Any) -> JoinConfig:
        """The config in a join's payload.

        Without one, the topic says what is wanted of the database, as for clients of
        2021: ``realtime:schema:table:filter``.
        """
        if not isinstance(params, dict) or "config" not in params:
            names = ("schema", "table", "filter")
            parts = topic.split(":", 3)[1:]
            binding = dict(zip(names, parts, strict=False))
            return cls(changes=(binding,), is_of_2021=True)
        config = _map(params["config"])
        broadcast, presence = (
            _map(config.get("broadcast")),
            _map(config.get("presence")),
        )
        changes = config.get("postgres_changes")
        options = _map(config.get("postgres_changes_options"))
        timeout = options.get("timeout")
        key = presence.get("key")
        return cls(
            ack=_flag(broadcast.get("ack")),
            hears_itself=_flag(broadcast.get("self")),
            presence=_flag(presence.get("enabled")),
            presence_key=str(uuid.uuid1()) if key in (None, "") else str(key),
            private=_flag(config.get("private")),
            changes=tuple(
                it
                for it in (changes if isinstance(changes, list) else ())
                if isinstance(it, dict)
            ),
            wait=(timeout if isinstance(timeout, int) else _WAIT) / 1000.0
            if _flag(options.get("wait"))
            else None,
        )


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _flag(value: Any) -> bool:
    """A boolean, or the text of one, which the server takes too."""
    return value is True or (isinstance(value, str) and value.lower() == "true")
