"""Whether a transport has the methods that not all have.

``isinstance`` with a :func:`~typing.runtime_checkable` protocol asks the same, for as
long as it takes to send a dozen messages.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["has_all"]


def has_all(transport: object, names: Iterable[str]) -> bool:
    """Whether something has methods of all of these names."""
    return all(callable(getattr(transport, name, None)) for name in names)
