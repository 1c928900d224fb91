"""Many sockets, each with a channel: the server drops them, and they come back.

Measured until the channel of each is joined again, 50 at a time, with no delay before
the first attempt.
A client that keeps its TLS session resumes it; phoenix.js does as it comes, and so does
stock Autobahn, and neither keeps one.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults

from txphoenix import Channel

from . import library
from .address import Address
from .checks import PATIENCE, Wrong
from .server import allow_many_files
from .sockets import open_many
from .stock import StockClient, connect_stock


class Waited(Channel):
    """A channel whose next join is waited for."""

    joined: Deferred[Any] | None = None

    def handle_join(self, response: Any) -> None:
        """Tell of it."""
        if self.joined is not None:
            self.joined.callback(None)


async def txphoenix(reactor: Any, where: Address, sockets: int) -> dict[str, float]:
    """The clients do it all by themselves."""
    allow_many_files()
    clients: list[Any] = []
    channels: list[Waited] = []

    async def open_one() -> None:
        client = await library.connect(
            reactor, where, backoff=lambda attempt: 0.0, default_channel_class=Waited
        )
        channels.extend(await library.join(client, 1))  # type: ignore[arg-type]
        clients.append(client)

    await open_many(reactor, sockets, lambda: ensureDeferred(open_one()))
    waiting = iter(list(channels))

    def drop_one() -> Deferred[Any]:
        channel = next(waiting)
        back: Deferred[Any] = Deferred()
        channel.joined = back
        channel.push_async("drop", {})
        return back.addTimeout(PATIENCE, reactor)

    measured = await open_many(reactor, sockets, drop_one)
    # Each of them works: its push goes out on its new connection.
    await gatherResults([channel.push("ping", {}) for channel in channels])
    await gatherResults([client.stopService() for client in clients])
    return measured


async def stock(reactor: Any, where: Address, sockets: int) -> dict[str, float]:
    """Another connection for each, and its join again."""
    allow_many_files()
    clients: list[StockClient] = []
    again: list[StockClient] = []

    async def open_one(kept: list[StockClient]) -> None:
        client = await connect_stock(reactor, where)
        await client.join(1)
        kept.append(client)

    await open_many(reactor, sockets, lambda: ensureDeferred(open_one(clients)))
    waiting = iter(clients)

    async def drop_one() -> None:
        client = next(waiting)
        client.push(1, "bench:0", "drop", {})
        await client.lost
        await open_one(again)

    measured = await open_many(reactor, sockets, lambda: ensureDeferred(drop_one()))
    if len(again) != sockets:
        raise Wrong(f"{len(again)} of {sockets} sockets came back")
    return measured
