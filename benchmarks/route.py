"""The way of a decoded message to the hook of its channel, one of 1000."""

from __future__ import annotations

from typing import Any

from txphoenix import Message
from txphoenix.client.hooks import HookLists
from txphoenix.client.router import MessageRouter

from . import library
from .address import Address
from .checks import Sequence
from .stopwatch import Stopwatch


async def txphoenix(
    reactor: Any, where: Address, count: int, channels: int
) -> dict[str, float]:
    """Given to the client's router, as what is no short way gives it."""
    client = await library.connect(reactor, where)
    joined = await library.join(client, channels)
    sequence = Sequence(count)
    for channel in joined:
        channel.on("msg", sequence.take)
    messages = [
        Message(channel.join_ref, None, channel.topic, "msg", {"n": number})
        for number in range(count)
        for channel in (joined[number % channels],)
    ]
    hooks = HookLists(client)
    router = MessageRouter(client.connection, client.channels, hooks, ())
    take = router.message_received
    stopwatch = Stopwatch()
    for message in messages:
        take(message)
    measured = stopwatch.rates(count)
    sequence.check()
    await client.stopService()
    return measured
