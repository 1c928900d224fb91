"""Call something in the reactor's thread, whichever thread wants to know."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, Queue
from typing import Any, TypeVar, cast

from twisted.internet.interfaces import IReactorFromThreads
from twisted.python import threadable

__all__ = ["in_reactor"]

_T = TypeVar("_T")

# How often a waiting thread looks whether the reactor still runs, in seconds.
_LOOK = 0.1


def in_reactor(function: Callable[[], _T]) -> _T:
    """What a function returns that is called in the reactor's thread.

    Where no reactor runs it is called at once, as there is nothing to disturb.
    Unlike ``blockingCallFromThread`` it does not wait for a reactor that has stopped:
    that waits for its threads.
    """
    if threadable.ioThread is None or threadable.isInIOThread():
        return function()
    # It is there: it has run.
    from twisted.internet import reactor

    answers: Queue[Callable[[], _T]] = Queue()

    def answer() -> None:
        try:
            found = function()
        except Exception as error:
            raised = error
            answers.put(lambda: _throw(raised))
        else:
            answers.put(lambda: found)

    cast(IReactorFromThreads, reactor).callFromThread(answer)
    while cast(Any, reactor).running:
        try:
            return answers.get(timeout=_LOOK)()
        except Empty:
            continue
    return function()


def _throw(error: Exception) -> Any:
    raise error
