"""The server answers each poll at once, with as many messages as ``batch`` says.

So it is where a server sends faster than a client takes.
Measured from the request until the last message has reached its hook.
"""

from __future__ import annotations

from typing import Any

from . import library
from .address import Address
from .bare_http import BareLongPoll
from .checks import Sequence
from .longpoll_server import flood_answers
from .stopwatch import Stopwatch


async def txphoenix(
    reactor: Any, where: Address, count: int, batch: int
) -> dict[str, float]:
    """One hook takes each message."""
    client = await library.connect(reactor, where, transport="longpoll")
    (channel,) = await library.join(client, 1)
    wanted = {"count": count, "batch": batch, "channels": 1}
    await channel.push("prepare", wanted)
    sequence = Sequence(count)
    channel.on("msg", sequence.take)
    stopwatch = Stopwatch()
    channel.push_async("flood", {})
    await sequence.wait(reactor)
    measured = stopwatch.rates(count)
    await channel.push("ping", {})
    sequence.check()
    await client.stopService()
    return measured


def bare(where: Address, count: int, batch: int) -> dict[str, float]:
    """As many answers of as many bytes."""
    server = BareLongPoll(where)
    answers = len(flood_answers(server.token, count, batch, 1, {}))
    wanted = f'{{"count":{count},"batch":{batch},"channels":1}}'
    server.publish("prepare", wanted)
    server.poll()
    server.publish("flood", "{}")
    stopwatch = Stopwatch()
    for _ in range(answers):
        server.poll()
    measured = stopwatch.rates(count)
    server.close()
    return measured
