"""Who waits until a push would be sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from twisted.internet.defer import Deferred, fail, succeed

from ..errors import BufferFull, NotConnected

__all__ = ["NOT_YET", "Writers"]

_T = TypeVar("_T")

_WhyNot: TypeAlias = Callable[[], Exception | None]


NOT_YET = NotConnected("nothing can be sent yet")
"""Why a push would not be sent now, though it may be later: that is waited for."""


class Writers:
    """The Deferreds that ``when_writable()`` has handed out, the oldest first."""

    __slots__ = ("_due", "_is_checking", "_of_pusher", "waiting")

    def __init__(self) -> None:
        # Each with what it fires with, and what tells why it cannot fire yet.
        self.waiting: dict[Deferred[Any], tuple[Any, _WhyNot]] | None = None
        # The same by the id of what they fire with, so that a channel that joins is
        # no work for the thousands that do not.
        self._of_pusher: dict[int, dict[Deferred[Any], None]] = {}
        # Whose are still to be looked at: one pusher's, or None for all.
        self._due: dict[int | None, None] = {}
        self._is_checking = False

    def wait(self, pusher: _T, why_not: _WhyNot) -> Deferred[_T]:
        """Wait until what ``pusher`` pushes would be sent.

        :param why_not: returns why it would not be sent now: for :data:`NOT_YET` and a
            :exc:`~txphoenix.errors.BufferFull` it is waited, for another error not;
            None if it would be.
        :return: a Deferred of ``pusher``; it fails with that other error.
        """
        error = why_not()
        if error is None:
            return succeed(pusher)
        if not _is_passing(error):
            return fail(error)
        if self.waiting is None:
            self.waiting = {}
        waiting: Deferred[_T] = Deferred(self._forget)
        self.waiting[waiting] = (pusher, why_not)
        self._of_pusher.setdefault(id(pusher), {})[waiting] = None
        return waiting

    def check(self, pusher: object = None) -> None:
        """Tell those whose push would be sent, or would fail for good, one by one.

        Each may push, and so take the room that the next one has waited for.

        :param pusher: whose; by default all.
        """
        if self.waiting is None:
            return
        self._due[None if pusher is None else id(pusher)] = None
        if self._is_checking:
            return
        self._is_checking = True
        try:
            while self._due:
                key = next(iter(self._due))
                del self._due[key]
                due = self.waiting if key is None else self._of_pusher.get(key)
                self._check_each(list(due or ()))
        finally:
            self._is_checking = False

    def _check_each(self, every: list[Deferred[Any]]) -> None:
        for waiting in every:
            # One before may have cancelled it.
            if self.waiting is None or waiting not in self.waiting:
                continue
            pusher, why_not = self.waiting[waiting]
            error = why_not()
            if error is None:
                self._forget(waiting)
                waiting.callback(pusher)
            elif not _is_passing(error):
                self._forget(waiting)
                waiting.errback(error)

    def _forget(self, waiting: Deferred[Any]) -> None:
        if self.waiting is None or waiting not in self.waiting:
            return
        pusher, _ = self.waiting.pop(waiting)
        of_pusher = self._of_pusher[id(pusher)]
        del of_pusher[waiting]
        if not of_pusher:
            del self._of_pusher[id(pusher)]
        if not self.waiting:
            self.waiting = None


def _is_passing(error: Exception) -> bool:
    return error is NOT_YET or isinstance(error, BufferFull)
