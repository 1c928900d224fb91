"""The user's functions, as the client calls them in an asyncio program.

A coroutine function becomes a task of the client's loop, so that it may await whatever
asyncio has.
Each is called in the context (:mod:`contextvars`) in which it was given to the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context, copy_context
from functools import partial
from inspect import isawaitable, iscoroutine
from typing import Any, NoReturn

from twisted.internet.defer import Deferred

from txphoenix.errors import NotConnected

from .futures import deferred_of

__all__ = ["Asked", "Call", "Calls"]


class Calls:
    """What a client calls, and the tasks that come of it.

    :param loop: where the tasks run.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.is_ending = False
        """Whether the client is being left."""
        # asyncio itself keeps no task alive.
        self._tasks: set[asyncio.Task[Any]] = set()

    def check_not_ended(self) -> None:
        """See that a connection may be asked for.

        :raises NotConnected: the client has been left.
        """
        if self.is_ending:
            # Nobody would be there to close the connection, or even to run the reactor.
            raise NotConnected(
                "the client's block has ended: enter another txphoenix.aio.connect()"
            )

    def of(self, given: Any, function: Callable[..., Any] | None = None) -> Any:
        """What the client calls in place of a function of the user's.

        :param given: the function; a value that is none stays as it is.
        :param function: what is called for ``given``, if that is not itself called.
        """
        if function is None:
            if not callable(given) or isinstance(given, Asked):
                return given
            function = given
        return Call(self, function, given)

    def run(
        self,
        context: Context,
        function: Callable[..., Any],
        *args: Any,
        **options: Any,
    ) -> Any:
        """Call a function; what it lets wait for is waited for in a task.

        :return: its result, or a Deferred of it.
        """
        # A copy each time, for a context is entered by one at a time.
        context = context.copy()
        try:
            result = context.run(function, *args, **options)
            is_here = result is None or isinstance(result, Deferred)
            if is_here or not isawaitable(result):
                return result
            # A task that begins eagerly may raise here, too.
            return self._start(result, context)
        except (KeyboardInterrupt, SystemExit) as error:
            # Twisted would log it and go on; the loop ends, as for one of its own.
            self._loop.call_soon(_raise, error)
            raise

    def at_work(self) -> list[asyncio.Task[Any]]:
        """The tasks that are at work now."""
        return list(self._tasks)

    def cancel(self) -> None:
        """Cancel all that is at work."""
        for task in self.at_work():
            task.cancel()

    async def end(self, seconds: float) -> None:
        """Wait until nothing is at work any more.

        :param seconds: how long to wait before the rest is cancelled, and then for
            what takes its time all the same.
        """
        for _ in range(2):
            if self._tasks:
                await asyncio.wait(self.at_work(), timeout=seconds)
            self.cancel()

    def report(self, message: str, error: BaseException) -> None:
        """Tell of an error as asyncio does where nobody waits for a result."""
        self._loop.call_exception_handler({"message": message, "exception": error})

    def _start(self, awaitable: Awaitable[Any], context: Context) -> Deferred[Any]:
        coroutine: Coroutine[Any, Any, Any] = (
            awaitable if iscoroutine(awaitable) else _await(awaitable)
        )
        task = self._loop.create_task(coroutine, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return deferred_of(task)


class Asked(partial[Any]):
    """A callable that answers at once, or by a Deferred, as the library asks it.

    It is a partial of what it calls, whose name the log finds by that.
    """

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Call(Asked):
    """Calls a function of the user's.

    It is equal to another of the same function, by which a hook is removed again.

    :param calls: has the tasks.
    :param function: the function.
    :param given: what the user has given, for which the function stands.
    """

    given: Any
    """What the user has given."""

    _calls: Calls
    _context: Context
    _function: Callable[..., Any]

    def __new__(cls, calls: Calls, function: Callable[..., Any], given: object) -> Call:
        """Make one: a partial has no ``__init__``."""
        made = super().__new__(cls, function)
        made._calls, made._context = calls, copy_context()
        # Of a partial, a partial has the function and the arguments apart.
        made._function = function
        made.given = given
        return made

    def __call__(self, /, *args: Any, **options: Any) -> Any:
        """Call it."""
        return self._calls.run(self._context, self._function, *args, **options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and self.given == other.given

    def __hash__(self) -> int:
        return hash(self.given)

    def __repr__(self) -> str:
        return repr(self.given)


async def _await(awaitable: Awaitable[Any]) -> Any:
    """Turn any awaitable into a coroutine."""
    return await awaitable


def _raise(error: BaseException) -> NoReturn:
    """Raise an error out of the loop."""
    raise error
