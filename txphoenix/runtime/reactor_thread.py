"""Notice calls from another thread than the reactor's, where somebody debugs.

Nothing here may be called from there, as nothing of Twisted may; what becomes of it
shows somewhere else and much later.
To look for it on each push would cost all who do it right, so it is looked for with
Deferred debugging (``twisted.internet.defer.setDebugging(True)``, ``twistd --debug``)
or in Python's development mode (``python -X dev``).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python import threadable

from ..errors import ConfigurationError, PhoenixError

__all__ = ["DEV_MODE", "check_thread", "fails_its_deferred", "in_reactor_thread"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

DEV_MODE: Final = sys.flags.dev_mode
"""Whether calls are looked at whatever Deferreds are told."""


def check_thread(name: str) -> None:
    """Check that a call comes from the reactor's thread, once the reactor has run.

    :param name: what was called.
    :raises PhoenixError: it does not.
    """
    if threadable.ioThread is not None and not threadable.isInIOThread():
        thread = threading.current_thread().name
        raise PhoenixError(
            f"{name}() was called from the thread {thread!r}, and not from the"
            " reactor's: use reactor.callFromThread(), or"
            " twisted.internet.threads.blockingCallFromThread()"
        )


def in_reactor_thread(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Have a method look at its thread where somebody debugs."""
    name = method.__name__

    @wraps(method)
    def checked(*args: _P.args, **options: _P.kwargs) -> _T:
        if DEV_MODE or Deferred.debug:
            check_thread(name)
        return method(*args, **options)

    return checked


def fails_its_deferred(
    method: Callable[_P, Deferred[_T]],
) -> Callable[_P, Deferred[_T]]:
    """The same for a method that returns a Deferred, which wrong arguments fail.

    So there is one place where a caller looks for errors.
    """
    name = method.__name__

    @wraps(method)
    def checked(*args: _P.args, **options: _P.kwargs) -> Deferred[_T]:
        if DEV_MODE or Deferred.debug:
            check_thread(name)
        try:
            return method(*args, **options)
        except ConfigurationError:
            return fail()

    return checked
