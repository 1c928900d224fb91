"""The server sends as fast as it can, to one channel or in turn to many (fan-in).

Measured from the request until the last message has reached its hook.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import globalLogPublisher

from . import library
from .address import Address
from .bare import BareSocket, client_frame
from .checks import Sequence
from .server import flood_frames
from .stock import connect_stock
from .stopwatch import Stopwatch


async def txphoenix(
    reactor: Any, where: Address, count: int, channels: int, each: int = 0
) -> dict[str, float]:
    """One hook of each channel takes each message; lines of log are counted.

    :param each: whether each message is in a write of its own.
    """
    client = await library.connect(reactor, where)
    joined = await library.join(client, channels)
    await joined[0].push("prepare", {"count": count, "channels": channels})
    sequence = Sequence(count)
    for channel in joined:
        channel.on("msg", sequence.take)
    lines: list[Any] = []
    observe: Any = lines.append
    globalLogPublisher.addObserver(observe)
    stopwatch = Stopwatch()
    joined[0].push_async("flood-each" if each else "flood", {})
    await sequence.wait(reactor)
    measured = stopwatch.rates(count)
    globalLogPublisher.removeObserver(observe)
    await joined[0].push("ping", {})
    sequence.check()
    await client.stopService()
    return {**measured, "log_lines": len(lines)}


async def stock(
    reactor: Any, where: Address, count: int, channels: int, each: int = 0
) -> dict[str, float]:
    """One function takes the messages of all topics."""
    client = await connect_stock(reactor, where)
    await client.join(channels)
    prepared = client.messages(1)
    client.push(1, "bench:0", "prepare", {"count": count, "channels": channels})
    await prepared
    sequence = Sequence(count)
    client.on_message = lambda message: sequence.take(message[4])
    stopwatch = Stopwatch()
    client.push(2, "bench:0", "flood-each" if each else "flood", {})
    await sequence.wait(reactor)
    measured = stopwatch.rates(count)
    answered = client.messages(1)
    client.push(3, "bench:0", "ping", {})
    await answered
    sequence.check()
    return measured


def bare(where: Address, count: int, channels: int) -> dict[str, float]:
    """As many bytes; nobody has joined, so the join_refs are null."""
    server = BareSocket(where)
    size = sum(map(len, flood_frames(count, channels, {})))
    wanted = f'{{"count":{count},"channels":{channels}}}'
    server.ask(client_frame(1, "bench:0", "prepare", wanted))
    stopwatch = Stopwatch()
    server.send(client_frame(2, "bench:0", "flood", "{}"))
    server.skip(size)
    measured = stopwatch.rates(count)
    server.close()
    return measured
