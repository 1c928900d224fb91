"""Pushes by long-poll and their replies, with so many outstanding at any time.

The replies to what one request brought come with one answer.
"""

from __future__ import annotations

from typing import Any

from . import library
from .address import Address
from .bare_http import BareLongPoll
from .checks import Sequence
from .ping import BODY
from .stopwatch import Stopwatch


async def txphoenix(
    reactor: Any, where: Address, count: int, window: int
) -> dict[str, float]:
    """The callback of each push's Deferred pushes the next."""
    client = await library.connect(reactor, where, transport="longpoll")
    (channel,) = await library.join(client, 1)
    sequence = Sequence(count)
    pushed = 0

    def push() -> None:
        nonlocal pushed
        payload = {"n": pushed, "body": BODY}
        pushed += 1
        channel.push("ping", payload).addCallback(answered)

    def answered(payload: Any) -> None:
        sequence.take(payload)
        if pushed < count:
            push()

    stopwatch = Stopwatch()
    for _ in range(min(window, count)):
        push()
    await sequence.wait(reactor)
    measured = stopwatch.rates(count)
    await channel.push("ping", {})
    sequence.check()
    await client.stopService()
    return measured


def bare(where: Address, count: int, window: int) -> dict[str, float]:
    """The same frames again and again, a window of them in each request."""
    server = BareLongPoll(where)
    payload = f'{{"n":1000000,"body":"{BODY}"}}'
    rounds = max(1, count // window)
    stopwatch = Stopwatch()
    for _ in range(rounds):
        server.publish("ping", payload, window)
        server.poll()
    measured = stopwatch.rates(rounds * window)
    server.close()
    return measured
