"""Messages of which one can tell that they are what was sent, and where to.

TCP's checksum is no proof, and the plan changes bytes on purpose; so each message has
its own, and one that was changed is not taken for one that went astray.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

__all__ = ["ECHO", "TICK", "is_whole", "sealed"]

TICK = "tick"
"""The event of what the server says by itself, numbered for each join."""

ECHO = "echo"
"""The event of a push that is answered with what it brought."""


def sealed(**fields: Any) -> dict[str, Any]:
    """A payload with its checksum."""
    return {**fields, "crc": _checksum(fields)}


def is_whole(payload: object, *names: str) -> bool:
    """Whether a payload has these fields, no others, and is as it was sent."""
    if not isinstance(payload, dict) or payload.keys() != {*names, "crc"}:
        return False
    fields = {name: payload[name] for name in names}
    return bool(payload["crc"] == _checksum(fields))


def _checksum(fields: dict[str, Any]) -> int:
    text = "\0".join(f"{name}={fields[name]!r}" for name in sorted(fields))
    return crc32(text.encode("utf-8", "surrogatepass"))
