"""What the number of sockets of one process does to the cost and memory of each.

Each has a channel.
Where there are few sockets the work is done again and again, so that it is long enough
to be measured.
"""

from __future__ import annotations

# Twisted and Autobahn have functions without types.
# mypy: allow-untyped-calls
import gc
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.task import Cooperator

from txphoenix import Channel, SocketClient

from . import library
from .checks import PATIENCE, Wrong
from .growth_costs import COLLECTORS, Cost, set_collector
from .memory import resident_kilobytes
from .server import allow_many_files

AT_A_TIME = 50
"""How many are opened, or come back, at a time."""

WARM = 20
"""How many were opened and closed before: what is made once is not a socket's."""


class Sockets:
    """Sockets of one process.

    :param where: the server.
    """

    def __init__(self, reactor: Any, where: Any) -> None:
        self._reactor = reactor
        self._where = where
        self.clients: list[SocketClient] = []
        self.channels: list[Rejoining] = []

    async def open(self, count: int) -> None:
        """Open so many, some at a time, and join a channel of each."""
        await self._each(self._open_one for _ in range(count))

    async def drop(self) -> None:
        """Have the server drop each, some at a time, and wait until they are back."""
        await self._each(partial(self._drop_one, channel) for channel in self.channels)

    async def close(self) -> None:
        """Close all, if all are there.

        :raises Wrong: some are not.
        """
        alive = [client for client in self.clients if client.connected]
        joined = [channel for channel in self.channels if channel.is_joined]
        if not len(alive) == len(joined) == len(self.clients):
            raise Wrong(
                f"{len(alive)} of {len(self.clients)} sockets are open, "
                f"and {len(joined)} channels joined"
            )
        await gatherResults([client.stopService() for client in self.clients])
        self.clients, self.channels = [], []

    async def _each(self, work: Iterator[Callable[[], Any]]) -> None:
        calls = (ensureDeferred(one()) for one in work)
        cooperator = Cooperator(scheduler=lambda call: self._reactor.callLater(0, call))
        await gatherResults([cooperator.coiterate(calls) for _ in range(AT_A_TIME)])

    async def _open_one(self) -> None:
        client = await library.connect(
            self._reactor,
            self._where,
            backoff=lambda attempt: 0.0,
            default_channel_class=Rejoining,
        )
        (channel,) = await library.join(client, 1)
        self.clients.append(client)
        self.channels.append(channel)  # type: ignore[arg-type]

    async def _drop_one(self, channel: Rejoining) -> None:
        back: Deferred[None] = Deferred()
        channel.back = back
        channel.push_async("drop", {})
        await back.addTimeout(PATIENCE, self._reactor)


class Rejoining(Channel):
    """A channel that can wait for its next join."""

    back: Deferred[None] | None = None

    def handle_join(self, response: Any) -> None:
        """Tell who waits."""
        back, self.back = self.back, None
        if back is not None:
            back.callback(None)


async def opened(
    reactor: Any, where: Any, count: int, sockets: int, collector: int = 0
) -> dict[str, float]:
    """They are opened, 50 at a time."""
    allow_many_files()
    many = Sockets(reactor, where)
    await many.open(WARM)
    await many.close()
    set_collector(COLLECTORS[collector])
    cost = Cost()
    rounds = -(-count // sockets)
    for _ in range(rounds):
        with cost.counted():
            await many.open(sockets)
        await many.close()
    return cost.of_one(rounds * sockets)


async def rejoins(
    reactor: Any, where: Any, count: int, sockets: int, collector: int = 0
) -> dict[str, float]:
    """The server drops them, 50 at a time, and each opens again and joins again."""
    allow_many_files()
    many = Sockets(reactor, where)
    await many.open(sockets)
    set_collector(COLLECTORS[collector])
    cost = Cost()
    rounds = -(-count // sockets)
    for _ in range(rounds):
        with cost.counted():
            await many.drop()
    await many.close()
    return cost.of_one(rounds * sockets)


async def memory(reactor: Any, where: Any, sockets: int) -> dict[str, float]:
    """What they take when idle: by how much the resident set has grown.

    Of fewer than a thousand it knows little, for Python has some memory in reserve.
    """
    return await _memory(reactor, where, sockets, resident_kilobytes)


async def objects(reactor: Any, where: Any, sockets: int) -> dict[str, float]:
    """What they take when idle: what Python has allocated for them, to the byte."""
    tracemalloc.start()
    return await _memory(reactor, where, sockets, _allocated_kilobytes)


async def _memory(
    reactor: Any, where: Any, sockets: int, taken: Callable[[], float]
) -> dict[str, float]:
    allow_many_files()
    many = Sockets(reactor, where)
    await many.open(WARM)
    await many.close()
    before = taken()
    await many.open(sockets)
    after = taken()
    await many.close()
    return {"kilobytes": (after - before) / sockets}


def _allocated_kilobytes() -> float:
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1024
