"""Have what the reactor calls run in no caller's context (:mod:`contextvars`).

Twisted's reactors call in none, but asyncio's loop calls a timer, and what comes by a
socket, in the context in which that was begun: then all that a server ever sends would
be in the context of whoever has started the client.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

__all__ = ["without_context"]

_T = TypeVar("_T")


def without_context(function: Callable[..., _T], *args: Any) -> _T:
    """Call a function in an empty context, in which what it begins goes on."""
    return Context().run(function, *args)
