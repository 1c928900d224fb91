"""What the tests of :mod:`txphoenix.aio` share that need no process.

A loop of asyncio's that the test turns, a server in memory, and a clock.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from txphoenix.aio import Channel, Client

from .support import TOPIC, ClientTestCase

__all__ = ["AioMemoryTestCase"]

_T = TypeVar("_T")

# More turns of the loop than anything takes.
MOST_TURNS = 200


class AioMemoryTestCase(ClientTestCase):
    """A client for asyncio on a clock.

    :ivar loop: the loop.
    :ivar told: what the loop's exception handler was told, which must be nothing.
    """

    def setUp(self) -> None:
        """Make the loop, and a clock that takes triggers as a reactor does."""
        super().setUp()
        self.loop = asyncio.new_event_loop()
        self.told: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.told.append(context))
        reactor: Any = self.clock
        self.triggers: list[Any] = []
        reactor.addSystemEventTrigger = self.add_trigger
        reactor.removeSystemEventTrigger = self.triggers.remove
        self.addCleanup(self.close_loop)

    def add_trigger(self, *trigger: Any) -> Any:
        """As a reactor takes one."""
        self.triggers.append(trigger)
        return trigger

    def close_loop(self) -> None:
        """Nothing is left in the loop, and it was told of no fault."""
        self.turn(3)
        left = asyncio.all_tasks(self.loop)
        gc.collect()
        self.loop.close()
        self.assertEqual((left, self.told, self.triggers), (set(), [], []))

    def turn(self, times: int = 1) -> None:
        """Let the loop do what it has to, and the server answer."""
        for _ in range(times):
            self.loop.run_until_complete(asyncio.sleep(0))
            self.memory.flush()

    def begin(self, coroutine: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Have a task begin, and get as far as it does without the server."""
        task = self.loop.create_task(coroutine)
        self.loop.run_until_complete(asyncio.sleep(0))
        return task

    def finish(self, awaitable: Awaitable[_T]) -> _T:
        """Wait for what the server and the loop can bring to an end."""
        task = asyncio.ensure_future(awaitable, loop=self.loop)
        for _ in range(MOST_TURNS):
            if task.done():
                break
            self.turn()
        self.assertTrue(task.done(), task)
        return task.result()

    def open(self, **options: Any) -> Client:
        """A client that is connected, and left at the end of the test."""
        given: Any = {
            "endpoint": self.memory.endpoint,
            "backoff": lambda _: 0.5,
            **options,
        }

        async def opened() -> Client:
            client = Client(self.memory.url, self.clock, given)
            await client._begin(1)
            return client

        client = self.finish(opened())
        # Before the loop is closed.
        self.addCleanup(self.leave, client)
        return client

    def leave(self, client: Client) -> None:
        """Leave a client's block."""
        self.finish(client._end())

    def joined(self, **options: Any) -> Channel:
        """A channel that is joined, of a client that is made with the options."""
        _, channel = self.finish(self.open(**options).join(TOPIC))
        return channel
