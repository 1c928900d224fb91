"""The types of what a client is given as values or as callables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

__all__ = ["Headers", "Params", "Supplied"]

_T = TypeVar("_T")

Params: TypeAlias = Mapping[str, Any]
"""Parameters by their names."""

Headers: TypeAlias = Mapping[str, str]
"""Values of HTTP headers by their names."""

Supplied: TypeAlias = _T | Callable[[], _T | Awaitable[_T]]
"""A value, or a callable that returns it, a Deferred of it, or another awaitable."""
