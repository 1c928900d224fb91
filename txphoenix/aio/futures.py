"""What takes time, from Twisted's world to asyncio's and back.

A Deferred is awaited by a task, by :func:`wait`; a task is waited for by Twisted, by
:func:`deferred_of`.
Cancellation goes over both ways, each time as the error that is expected there.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, TypeVar

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

__all__ = ["deferred_of", "future_of", "wait"]

_Result = TypeVar("_Result")


async def wait(deferred: Deferred[_Result]) -> _Result:
    """Wait in a task of asyncio's for a Deferred.

    For Deferreds of Twisted's own, or of other libraries: what
    :mod:`txphoenix.aio` has can be awaited as it is.
    When the task is cancelled, so is the Deferred.

    :return: what it fires with.
        What it fails with is raised, but for Twisted's ``CancelledError``, for which
        it is asyncio's.
    """
    future = future_of(deferred)
    try:
        return await future
    except asyncio.CancelledError:
        deferred.cancel()
        raise


def future_of(deferred: Deferred[_Result]) -> asyncio.Future[_Result]:
    """Let a task wait for a Deferred by a future.

    When the future is cancelled, the Deferred is not.
    """
    future: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
    deferred.addCallbacks(partial(_succeed, future), partial(_fail, future))
    return future


def deferred_of(task: asyncio.Future[_Result]) -> Deferred[_Result]:
    """Let Twisted wait for a task, or for a future.

    When the Deferred is cancelled, so is the task.
    """
    deferred: Deferred[_Result] = Deferred(lambda _: _cancel(task))
    task.add_done_callback(partial(_fire, deferred))
    return deferred


def _cancel(task: asyncio.Future[Any]) -> None:
    task.cancel()


def _fire(deferred: Deferred[_Result], task: asyncio.Future[_Result]) -> None:
    if deferred.called:
        # It was cancelled, and has told so; what the task has raised all the same is
        # for asyncio to report, since nobody has asked for it.
        return
    if task.cancelled():
        deferred.errback(Failure(defer.CancelledError()))
        return
    error = task.exception()
    if error is not None:
        deferred.errback(Failure(error))
    else:
        deferred.callback(task.result())


def _succeed(future: asyncio.Future[_Result], result: _Result) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[_Result], failure: Failure) -> None:
    if future.done():
        return
    error = failure.value
    if isinstance(error, defer.CancelledError):
        future.cancel()
    elif isinstance(error, StopIteration):
        # No coroutine can raise it.
        future.set_exception(RuntimeError(f"StopIteration was raised: {error}"))
    else:
        future.set_exception(error or RuntimeError("an unknown failure"))
