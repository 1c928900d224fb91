"""How much memory an idle channel takes, many of them on one socket."""

from __future__ import annotations

from typing import Any

from . import library
from .address import Address
from .memory import resident_kilobytes
from .stock import connect_stock


async def txphoenix(reactor: Any, where: Address, channels: int) -> dict[str, float]:
    """The channels are made, joined and kept; a few others went before."""
    client = await library.connect(reactor, where)
    for channel in await library.join(client, 100):
        await channel.leave()
    before = resident_kilobytes()
    joined = await library.join(client, channels)
    after = resident_kilobytes()
    await client.stopService()
    return {"kilobytes": (after - before) / len(joined)}


async def stock(reactor: Any, where: Address, channels: int) -> dict[str, float]:
    """A set of the topics, so that there is something to keep."""
    client = await connect_stock(reactor, where)
    await client.join(100)
    before = resident_kilobytes()
    topics = {f"bench:{number}" for number in range(channels)}
    await client.join(channels)
    after = resident_kilobytes()
    return {"kilobytes": (after - before) / len(topics)}
