"""Pushes by long-poll and their replies, with so many outstanding at any time.

The replies to what one request brought come with one answer.
"""

from __future__ import annotations

from typing import Any

from . import library
from .address import Address
from .bare_http import BareLongPoll
from .ping import BODY, through
from .stopwatch import Stopwatch


async def txphoenix(
    reactor: Any, where: Address, count: int, window: int
) -> dict[str, float]:
    """The callback of each push's Deferred pushes the next."""
    client = await library.connect(reactor, where, transport="longpoll")
    return await through(reactor, client, count, window)


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
