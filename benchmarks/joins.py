"""Many channels join one socket, all at once, and then leave, all at once."""

from __future__ import annotations

# Twisted and Autobahn have functions without types.
# mypy: allow-untyped-calls
from typing import Any

import orjson

from . import library
from .address import Address
from .bare import BareSocket, client_frame
from .checks import Wrong
from .memory import resident_kilobytes
from .stock import connect_stock
from .stopwatch import Stopwatch


async def txphoenix(reactor: Any, where: Address, channels: int) -> dict[str, float]:
    """Made, joined, and left, each with a Deferred of its own."""
    client = await library.connect(reactor, where)
    before = resident_kilobytes()
    stopwatch = Stopwatch()
    made = await library.join(client, channels)
    measured = stopwatch.rates(channels, "joins")
    grown = resident_kilobytes(garbage=True) - before
    measured["kilobytes"] = grown / channels
    if not all(channel.is_joined for channel in made):
        raise Wrong("not all channels have joined")
    stopwatch = Stopwatch()
    await library.wait_for_each([channel.leave() for channel in made])
    measured |= stopwatch.rates(channels, "leaves")
    if any(client.channels.find(channel.topic) for channel in made):
        raise Wrong("not all channels have left")
    await client.stopService()
    return measured


async def stock(reactor: Any, where: Address, channels: int) -> dict[str, float]:
    """The messages alone: a reply to each join; a reply and a close to each leave."""
    client = await connect_stock(reactor, where)
    before = resident_kilobytes()
    stopwatch = Stopwatch()
    await client.join(channels)
    measured = stopwatch.rates(channels, "joins")
    grown = resident_kilobytes(garbage=True) - before
    measured["kilobytes"] = grown / channels
    stopwatch = Stopwatch()
    for number in range(channels):
        ref, topic = str(number), f"bench:{number}"
        leave_ref = str(channels + number)
        client.sendMessage(orjson.dumps((ref, leave_ref, topic, "phx_leave", {})))
    await client.messages(2 * channels)
    return measured | stopwatch.rates(channels, "leaves")


def bare(where: Address, channels: int) -> dict[str, float]:
    """The joins and leaves of one channel, again and again, 64 in each write."""
    server = BareSocket(where)
    rates: dict[str, float] = {}
    for name, event in (("joins", "phx_join"), ("leaves", "phx_leave")):
        frame = client_frame(10_000, "bench:0", event, "{}")
        size = len(server.ask(frame))
        rounds = max(1, channels // 64)
        stopwatch = Stopwatch()
        for _ in range(rounds):
            server.send(frame * 64)
            server.skip(size * 64)
        rates |= stopwatch.rates(rounds * 64, name)
    server.close()
    return rates
