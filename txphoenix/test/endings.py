"""What the tests of what connections leave behind share.

::

    self.make_clients(url, transport="longpoll")
    await self.end_often(self.cut)

Twenty-five clients have their connections ended time and again, each time in the same
way; whatever each ending leaves behind is there a hundred times more at the end.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import Any, cast
from urllib import parse
from weakref import ref

from twisted.internet.protocol import Protocol
from twisted.logger import globalLogPublisher

from txphoenix import SocketClient
from txphoenix.protocol.backoff import steps

from .network import NetworkTestCase, reactor

__all__ = ["EndingsTestCase", "Saying"]

CLIENTS = 25
ROUNDS = 4

# What there is more of at one moment than at another; whatever holds them is counted.
_UNSTEADY = {
    f"builtins.{name}"
    for name in ("cell", "dict", "function", "list", "method", "tuple")
}
# The reactor keeps some that were cancelled; what it may still call is counted.
_UNSTEADY.add("twisted.internet.base.DelayedCall")

# A traceback grows by some entries each time that its exception is raised.
_LONGEST_TRACEBACK = 60


class Saying(Protocol):
    """A server that answers whatever comes with the same bytes, and hangs up.

    :cvar answer: the bytes; None for silence, and no end.
    """

    answer: bytes | None = None

    def dataReceived(self, data: bytes) -> None:
        """Answer."""
        transport: Any = self.transport
        if self.answer is not None:
            transport.write(self.answer)
            transport.loseConnection()


class EndingsTestCase(NetworkTestCase):
    """A test of what is left after a hundred endings: nothing.

    :ivar clients: those of :meth:`make_clients`.
    """

    timeout = 600

    def setUp(self) -> None:
        """Log failures alone: who runs tests may keep what is logged."""
        super().setUp()
        # What was there before is no part of the counts, which take their time over it.
        gc.collect()
        gc.freeze()
        self.addCleanup(gc.unfreeze)
        self.clients: list[SocketClient] = []
        observers = tuple(cast(Any, globalLogPublisher)._observers)
        self.patch(globalLogPublisher, "_observers", [partial(_pass_on, observers)])

    def make_clients(self, url: str, **options: Any) -> None:
        """Make the clients, which come back at once, and start them."""
        options = {
            "backoff": steps([0.002]),
            "reconnect_interval": 0.002,
            **options,
        }
        self.clients = [SocketClient(url, **options) for _ in range(CLIENTS)]
        self.addCleanup(self.stop_all)
        for client in self.clients:
            client.startService()

    async def stop_all(self) -> None:
        """Stop the clients."""
        for client in self.clients:
            await client.stopService()

    async def disconnect_all(self) -> None:
        """Disconnect the clients."""
        for client in self.clients:
            await client.disconnect()

    async def end_often(self, end: Callable[[], Awaitable[None]]) -> None:
        """Have something end a hundred times, and see that nothing is left of it.

        :param end: ends it for each of the clients, and waits until it is so.
        """
        counts = []
        for rounds in (2, ROUNDS // 2, ROUNDS // 2):
            for _ in range(rounds):
                await end()
            # At rest: what is under way is another number of objects each time.
            await self.disconnect_all()
            counts.append(await self.objects())
        for _ in range(100):
            if not self.grown(*counts):
                break
            # The servers, which are counted as well, may need some time, and more of it
            # where the machine is busy.
            await self.sleep(0.1)
            counts[-1] &= await self.objects()
        self.assertEqual(self.grown(*counts), {})
        self.assert_short_tracebacks()
        await self.stop_all()
        left = [ref(client) for client in self.clients]
        self.clients.clear()
        await self.objects()
        self.assertEqual([it() for it in left if it() is not None], [])

    async def fail_often(self, times: int = 1) -> None:
        """Have the attempts to connect fail, each time in the same way.

        :param times: how many attempts of each client make one ending.
        """
        failures = [0]

        def hook(_reason: Exception) -> None:
            failures[0] += 1

        removers = [client.on_error(hook) for client in self.clients]

        async def end() -> None:
            enough = failures[0] + CLIENTS * times
            for client in self.clients:
                client.connect()
            await self.until(lambda: failures[0] >= enough)

        await self.end_often(end)
        del removers

    async def objects(self) -> Counter[str]:
        """How many objects there are, by their types."""
        cast(Any, parse).clear_cache()
        # What was cancelled stays with the reactor, up to a number.
        for _ in range(500):
            reactor.callLater(60, int).cancel()
        # Until the servers have done with it as well.
        await self.sleep(0.05)
        gc.collect()
        counted = Counter(
            f"{type(it).__module__}.{type(it).__qualname__}" for it in gc.get_objects()
        )
        counted["calls of the reactor"] = len(reactor.getDelayedCalls())
        return counted

    def grown(self, *counts: Counter[str]) -> dict[str, list[int]]:
        """The kinds of objects of which there were more, time and again.

        That is by one at least for every second ending: what ends in two ways may keep
        objects of two kinds.
        """
        return {
            name: [count[name] for count in counts]
            for name in counts[-1]
            if name not in _UNSTEADY
            and all(
                after[name] - before[name] >= CLIENTS * ROUNDS // 4
                for before, after in pairwise(counts)
            )
        }

    def assert_short_tracebacks(self) -> None:
        """No exception has been raised time and again."""
        for it in gc.get_objects():
            if isinstance(it, BaseException):
                self.assertLess(_length(it), _LONGEST_TRACEBACK, repr(it))


def _pass_on(observers: Iterable[Callable[[Any], None]], event: Any) -> None:
    """Log what has gone wrong."""
    if "log_failure" in event:
        for observer in observers:
            observer(event)


def _length(error: BaseException) -> int:
    """How many entries the traceback of an error has."""
    entry, length = error.__traceback__, 0
    while entry is not None:
        entry, length = entry.tb_next, length + 1
    return length
