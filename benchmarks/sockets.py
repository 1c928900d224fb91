"""Many sockets in one process, each with a channel where there are channels.

How fast they open, 50 at a time, and how much memory each takes when idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import Cooperator

from . import library
from .checks import Wrong
from .memory import resident_kilobytes
from .server import allow_many_files
from .stock import connect_stock
from .stopwatch import Stopwatch

AT_A_TIME = 50


async def _open(
    reactor: Any, sockets: int, open_one: Callable[[], Any]
) -> dict[str, float]:
    """Open them; return how many a second."""

    def work() -> Iterator[Any]:
        for _ in range(sockets):
            yield open_one()

    stopwatch = Stopwatch()
    every = work()
    cooperator = Cooperator(scheduler=lambda call: reactor.callLater(0, call))
    await gatherResults([cooperator.coiterate(every) for _ in range(AT_A_TIME)])
    return stopwatch.rates(sockets)


async def txphoenix(reactor: Any, port: int, sockets: int) -> dict[str, float]:
    """A client each, with one channel joined."""
    allow_many_files()
    clients: list[Any] = []

    async def open_one() -> None:
        client = await library.connect(reactor, port)
        await library.join(client, 1)
        clients.append(client)

    await _open(reactor, AT_A_TIME, lambda: ensureDeferred(open_one()))
    before = resident_kilobytes()
    rates = await _open(reactor, sockets, lambda: ensureDeferred(open_one()))
    after = resident_kilobytes()
    alive = [client for client in clients if client.connected]
    if len(alive) != sockets + AT_A_TIME:
        raise Wrong(f"{len(alive)} of {sockets + AT_A_TIME} sockets are open")
    await gatherResults([client.stopService() for client in clients])
    return {**rates, "kilobytes": (after - before) / sockets}


async def stock(reactor: Any, port: int, sockets: int) -> dict[str, float]:
    """A connection each."""
    allow_many_files()
    clients: list[Any] = []

    def open_one() -> Any:
        return connect_stock(reactor, port).addCallback(clients.append)

    await _open(reactor, AT_A_TIME, open_one)
    before = resident_kilobytes()
    rates = await _open(reactor, sockets, open_one)
    after = resident_kilobytes()
    return {**rates, "kilobytes": (after - before) / sockets}
