"""Many sockets in one process, each with a channel that is joined.

How fast they open, 50 at a time, and how much memory each takes when idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import Cooperator

from . import library
from .address import Address
from .checks import Wrong
from .memory import resident_kilobytes
from .server import allow_many_files
from .stock import connect_stock
from .stopwatch import Stopwatch

__all__ = ["open_many"]

AT_A_TIME = 50


async def open_many(
    reactor: Any, sockets: int, open_one: Callable[[], Any]
) -> dict[str, float]:
    """Open so many, 50 at a time; return how many a second."""

    def work() -> Iterator[Any]:
        for _ in range(sockets):
            yield open_one()

    stopwatch = Stopwatch()
    every = work()
    cooperator = Cooperator(scheduler=lambda call: reactor.callLater(0, call))
    await gatherResults([cooperator.coiterate(every) for _ in range(AT_A_TIME)])
    return stopwatch.rates(sockets)


async def txphoenix(reactor: Any, where: Address, sockets: int) -> dict[str, float]:
    """A client each, with one channel joined."""
    allow_many_files()
    clients: list[Any] = []

    async def open_one() -> None:
        client = await library.connect(reactor, where)
        await library.join(client, 1)
        clients.append(client)

    await open_many(reactor, AT_A_TIME, lambda: ensureDeferred(open_one()))
    before = resident_kilobytes()
    rates = await open_many(reactor, sockets, lambda: ensureDeferred(open_one()))
    after = resident_kilobytes()
    alive = [client for client in clients if client.connected]
    if len(alive) != sockets + AT_A_TIME:
        raise Wrong(f"{len(alive)} of {sockets + AT_A_TIME} sockets are open")
    await gatherResults([client.stopService() for client in clients])
    return {**rates, "kilobytes": (after - before) / sockets}


async def stock(reactor: Any, where: Address, sockets: int) -> dict[str, float]:
    """A connection each, and a join."""
    allow_many_files()
    clients: list[Any] = []

    async def open_one() -> None:
        client = await connect_stock(reactor, where)
        await client.join(1)
        clients.append(client)

    await open_many(reactor, AT_A_TIME, lambda: ensureDeferred(open_one()))
    before = resident_kilobytes()
    rates = await open_many(reactor, sockets, lambda: ensureDeferred(open_one()))
    after = resident_kilobytes()
    return {**rates, "kilobytes": (after - before) / sockets}
