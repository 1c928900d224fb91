"""What a transport has that not all have.

``isinstance`` with a :func:`~typing.runtime_checkable` protocol asks the same, for as
long as it takes to send a dozen messages.
"""

from __future__ import annotations

from collections.abc import Iterable

from twisted.logger import Logger

from ..runtime.package_log import package_log

__all__ = ["has_all", "number_of"]

log = Logger("txphoenix.connection", observer=package_log)


def has_all(transport: object, names: Iterable[str]) -> bool:
    """Whether something has methods of all of these names."""
    return all(callable(getattr(transport, name, None)) for name in names)


def number_of(transport: object, name: str) -> int:
    """The number that a transport tells by that name; 0 if it does not."""
    try:
        return int(getattr(transport, name, 0))
    except BaseException:
        # One of the user's own.
        log.failure("the transport raised")
        return 0
