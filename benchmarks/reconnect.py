"""The server drops a connection with many channels, and all of them come back.

Measured from the loss until the last channel is joined again, with no delay before
the first attempt, so that the work and not the waiting is seen.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from txphoenix import Channel

from . import library
from .address import Address
from .checks import PATIENCE
from .stock import connect_stock
from .stopwatch import Stopwatch


async def txphoenix(reactor: Any, where: Address, channels: int) -> dict[str, float]:
    """The client does it all by itself."""
    back: Deferred[None] = Deferred()
    joins = 0

    class Counted(Channel):
        def handle_join(self, response: Any) -> None:
            nonlocal joins
            joins += 1
            if joins == 2 * channels:
                back.callback(None)

    client = await library.connect(
        reactor, where, backoff=lambda attempt: 0.0, default_channel_class=Counted
    )
    joined = await library.join(client, channels)
    lost: list[Stopwatch] = []
    client.on_close(lambda reason: lost.append(Stopwatch()))
    joined[0].push_async("drop", {})
    await back.addTimeout(PATIENCE, reactor)
    measured = lost[0].rates(channels)
    # Each of them works: its push goes out with its new join_ref.
    await gatherResults([channel.push("ping", {}) for channel in joined])
    await client.stopService()
    return measured


async def stock(reactor: Any, where: Address, channels: int) -> dict[str, float]:
    """Another connection, and the joins again."""
    client = await connect_stock(reactor, where)
    await client.join(channels)
    client.push(1, "bench:0", "drop", {})
    await client.lost
    stopwatch = Stopwatch()
    again = await connect_stock(reactor, where)
    await again.join(channels)
    return stopwatch.rates(channels)
