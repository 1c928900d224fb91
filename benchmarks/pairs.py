"""A push that is not answered, and one that is, in two turns of the reactor.

The second write meets a first that the server has not acknowledged, since it has
nothing to say.
With Nagle's algorithm it waits for that, some 40 ms; the other workloads never see it,
as each of their writes follows an answer.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from . import library
from .address import Address
from .checks import Sequence
from .ping import BODY
from .stock import connect_stock
from .stopwatch import Stopwatch


async def txphoenix(reactor: Any, where: Address, count: int) -> dict[str, float]:
    """``push_async()``, and a turn later ``push()``."""
    client = await library.connect(reactor, where)
    (channel,) = await library.join(client, 1)
    sequence = Sequence(count)
    stopwatch = Stopwatch()
    for number in range(count):
        channel.push_async("note", {"body": BODY})
        await deferLater(reactor, 0)
        sequence.take(await channel.push("ping", {"n": number}))
    measured = stopwatch.rates(count)
    sequence.check()
    await client.stopService()
    return measured


async def stock(reactor: Any, where: Address, count: int) -> dict[str, float]:
    """The same with Autobahn's client as it comes."""
    client = await connect_stock(reactor, where)
    await client.join(1)
    sequence = Sequence(count)
    stopwatch = Stopwatch()
    for number in range(count):
        client.push(2 * number, "bench:0", "note", {"body": BODY})
        await deferLater(reactor, 0)
        answered: Deferred[Any] = Deferred()
        client.on_message = answered.callback
        client.push(2 * number + 1, "bench:0", "ping", {"n": number})
        sequence.take((await answered)[4]["response"])
    measured = stopwatch.rates(count)
    sequence.check()
    return measured
