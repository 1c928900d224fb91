"""The server sends as fast as it can, to one channel or in turn to many (fan-in).

Measured from the request until the last message has reached its hook.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import globalLogPublisher

from txphoenix import Channel, SocketClient

from . import library
from .address import Address
from .bare import BareSocket, client_frame
from .checks import Sequence
from .floods import flood_size
from .stock import StockClient, connect_stock
from .stopwatch import Stopwatch


async def txphoenix(
    reactor: Any, where: Address, count: int, channels: int, each: int = 0
) -> dict[str, float]:
    """One hook of each channel takes each message.

    :param each: whether each message is in a write of its own.
    """
    client = await library.connect(reactor, where)
    joined = await library.join(client, channels)
    prepare = ("prepare", {"count": count, "channels": channels})
    event = "flood-each" if each else "flood"
    return await through(reactor, client, joined, prepare, count, event)


async def through(
    reactor: Any,
    client: SocketClient,
    joined: list[Channel],
    prepare: tuple[str, Any],
    count: int,
    event: str = "flood",
) -> dict[str, float]:
    """Have a flood prepared and sent; lines of log are counted, too."""
    await joined[0].push(*prepare)
    sequence = Sequence(count)
    for channel in joined:
        channel.on("msg", sequence.take)
    lines: list[Any] = []
    observe: Any = lines.append
    globalLogPublisher.addObserver(observe)
    stopwatch = Stopwatch()
    joined[0].push_async(event, {})
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
    prepare = ("prepare", {"count": count, "channels": channels})
    event = "flood-each" if each else "flood"
    return await through_stock(reactor, client, prepare, count, event)


async def through_stock(
    reactor: Any,
    client: StockClient,
    prepare: tuple[str, Any],
    count: int,
    event: str = "flood",
) -> dict[str, float]:
    """The same with stock Autobahn."""
    prepared = client.messages(1)
    client.push(1, "bench:0", *prepare)
    await prepared
    sequence = Sequence(count)
    client.on_message = lambda message: sequence.take(message[4])
    stopwatch = Stopwatch()
    client.push(2, "bench:0", event, {})
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
    size = flood_size(count, channels)
    wanted = f'{{"count":{count},"channels":{channels}}}'
    server.ask(client_frame(1, "bench:0", "prepare", wanted))
    stopwatch = Stopwatch()
    server.send(client_frame(2, "bench:0", "flood", "{}"))
    server.skip(size)
    measured = stopwatch.rates(count)
    server.close()
    return measured
