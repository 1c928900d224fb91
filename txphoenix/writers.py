"""Who waits for room for a push."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from .errors import BufferFull, NotConnected

__all__ = ["NOT_YET", "Writers"]

_T = TypeVar("_T")

_WhyNot: TypeAlias = Callable[[], Exception | None]


NOT_YET = NotConnected("the client is not started")
"""Why nothing can be pushed to a client that may yet be started: it is waited for."""


class Writers:
    """The Deferreds that ``when_writable()`` has handed out, the oldest first."""

    __slots__ = ("_is_checking", "_must_repeat", "_waiting")

    def __init__(self) -> None:
        # Each with what it fires with, and what tells why it cannot fire yet.
        self._waiting: dict[Deferred[Any], tuple[Any, _WhyNot]] | None = None
        self._is_checking = self._must_repeat = False

    def wait(self, pusher: _T, why_not: _WhyNot) -> Deferred[_T]:
        """Wait until ``pusher`` could push.

        :param why_not: returns why a push would fail now: for a
            :exc:`~txphoenix.errors.BufferFull` it is waited, for another error not;
            None if it would be taken.
        :return: a Deferred of ``pusher``; it fails with that other error.
        """
        error = why_not()
        if error is None:
            return succeed(pusher)
        if not _is_passing(error):
            return fail(error)
        if self._waiting is None:
            self._waiting = {}
        waiting: Deferred[_T] = Deferred(self._forget)
        self._waiting[waiting] = (pusher, why_not)
        return waiting

    def check(self) -> None:
        """Tell those whose push would be taken, or would fail for good, one by one.

        Each may push, and so take the room that the next one has waited for.
        """
        self._must_repeat = True
        if self._is_checking:
            return
        self._is_checking = True
        try:
            while self._must_repeat and self._waiting:
                self._must_repeat = False
                self._check_each(list(self._waiting))
        finally:
            self._is_checking = False

    def _check_each(self, every: list[Deferred[Any]]) -> None:
        for waiting in every:
            # One before may have cancelled it.
            if self._waiting is None or waiting not in self._waiting:
                continue
            pusher, why_not = self._waiting[waiting]
            error = why_not()
            if error is None:
                self._forget(waiting)
                waiting.callback(pusher)
            elif not _is_passing(error):
                self._forget(waiting)
                waiting.errback(error)

    def _forget(self, waiting: Deferred[Any]) -> None:
        if self._waiting is not None:
            self._waiting.pop(waiting, None)
            if not self._waiting:
                self._waiting = None


def _is_passing(error: Exception) -> bool:
    return error is NOT_YET or isinstance(error, BufferFull)
