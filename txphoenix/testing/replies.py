"""What a channel answers with: a status and a response."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["NOTHING", "Reply", "error", "ok", "reply"]


class Reply(NamedTuple):
    """What ``handle_in`` returns for a reply."""

    status: str
    """Its status, such as ``"ok"`` or ``"error"``."""

    response: Any
    """What it says: any JSON value, or bytes for a binary reply."""


NOTHING: dict[str, Any] = {}
"""The response of a reply that has nothing to say."""


def ok(response: Any = NOTHING) -> Reply:
    """The reply of status ``ok``.

    :param response: any JSON value, or bytes for a binary reply; ``{}`` if not given.
    """
    return Reply("ok", response)


def error(response: Any = NOTHING) -> Reply:
    """The reply of status ``error``; see :func:`ok`."""
    return Reply("error", response)


def reply(status: str, response: Any = NOTHING) -> Reply:
    """A reply of any status; see :func:`ok`."""
    return Reply(status, response)
