"""How to wait for a Deferred of others, and to give up waiting."""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from .package_log import package_log

__all__ = ["until_cancelled", "wait_for"]

log = Logger("txphoenix.waiters", observer=package_log)

_T = TypeVar("_T")


def until_cancelled(later: Deferred[_T]) -> Deferred[_T]:
    """Wait for a Deferred of the user's, which need not obey when it is cancelled.

    :return: a Deferred of the same result.
        Cancelling it cancels the user's as well, and ends the waiting whatever that
        does: it may stay silent, and its canceller may raise, which is logged.
        What comes of it later stays there for the next who waits for it.
    """

    def cancel(waiting: Deferred[_T]) -> None:
        # First, for a coroutine that is running right now takes this for a mistake.
        waiting.errback(CancelledError())
        try:
            later.cancel()
        except BaseException:
            log.failure("the canceller of {deferred!r} raised", deferred=later)

    waiting: Deferred[_T] = Deferred(cancel)

    def fired(result: Any) -> Any:
        if not waiting.called:
            waiting.callback(result)
        # Not as a failure, which would be logged when nobody takes it.
        return result.value if isinstance(result, Failure) else result

    later.addBoth(fired)
    return waiting


def wait_for(done: Deferred[None]) -> Deferred[None]:
    """Wait for what goes on whether somebody waits or not.

    :return: a Deferred of the same result; cancelling it ends the waiting alone.
    """
    waiting: Deferred[None] = Deferred()

    def fired(result: Any) -> Any:
        if waiting.called:
            return result
        waiting.callback(result)
        return None

    done.addBoth(fired)
    return waiting
