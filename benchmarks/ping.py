"""Pushes and their replies, with so many outstanding at any time (the window).

The server answers with the payload, so that the replies can be told apart.
"""

from __future__ import annotations

from typing import Any

from txphoenix import SocketClient

from . import library
from .address import Address
from .bare import BareSocket, client_frame
from .checks import Sequence
from .stock import connect_stock
from .stopwatch import Stopwatch

BODY = "x" * 40
"""What makes a push about 100 bytes long."""


async def txphoenix(
    reactor: Any, where: Address, count: int, window: int
) -> dict[str, float]:
    """The callback of each push's Deferred pushes the next."""
    client = await library.connect(reactor, where)
    return await through(reactor, client, count, window)


async def through(
    reactor: Any, client: SocketClient, count: int, window: int
) -> dict[str, float]:
    """Push by a client that is connected, whatever its transport is."""
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


async def stock(
    reactor: Any, where: Address, count: int, window: int
) -> dict[str, float]:
    """Each message that comes in sends the next."""
    client = await connect_stock(reactor, where)
    await client.join(1)
    sequence = Sequence(count)
    pushed = 0

    def push() -> None:
        nonlocal pushed
        client.push(pushed, "bench:0", "ping", {"n": pushed, "body": BODY})
        pushed += 1

    def answered(message: Any) -> None:
        sequence.take(message[4]["response"])
        if pushed < count:
            push()

    client.on_message = answered
    stopwatch = Stopwatch()
    for _ in range(min(window, count)):
        push()
    await sequence.wait(reactor)
    measured = stopwatch.rates(count)
    done = client.messages(1)
    client.push(count, "bench:0", "ping", {})
    await done
    sequence.check()
    return measured


def bare(where: Address, count: int, window: int) -> dict[str, float]:
    """The same frames again and again, a window of them in each write."""
    server = BareSocket(where)
    first = 1_000_000
    payload = f'{{"n":{first},"body":"{BODY}"}}'
    ping = client_frame(first, "bench:0", "ping", payload)
    size = len(server.ask(ping))
    pings = ping * window
    rounds = max(1, count // window)
    stopwatch = Stopwatch()
    for _ in range(rounds):
        server.send(pings)
        server.skip(size * window)
    measured = stopwatch.rates(rounds * window)
    server.close()
    return measured
