"""What the number of channels of one socket does to the cost of each thing.

Where there are few channels the work is done again and again, so that it is long enough
to be measured.
"""

from __future__ import annotations

# Twisted and Autobahn have functions without types.
# mypy: allow-untyped-calls
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from txphoenix import Channel

from . import library
from .checks import PATIENCE, Sequence
from .growth_costs import COLLECTORS, Cost, set_collector

BODY = "x" * 40
"""What makes a push about 100 bytes long."""

WINDOW = 64
"""How many pushes are outstanding."""


async def messages(
    reactor: Any,
    where: Any,
    count: int,
    channels: int,
    collector: int = 0,
    speaking: int | None = None,
) -> dict[str, float]:
    """The server sends to each in turn, as fast as it can; each has one hook.

    :param speaking: to how many of them it sends; by default to all.
    """
    client = await library.connect(reactor, where)
    joined = await library.join(client, channels)
    told = min(channels, speaking or channels)
    await joined[0].push("prepare", {"count": count, "channels": told})
    sequence = Sequence(count)
    for channel in joined:
        channel.on("msg", sequence.take)
    set_collector(COLLECTORS[collector])
    cost = Cost()
    with cost.counted():
        joined[0].push_async("flood", {})
        await sequence.wait(reactor)
    await joined[0].push("ping", {})
    sequence.check()
    await client.stopService()
    return cost.of_one(count)


async def pushes(
    reactor: Any, where: Any, count: int, channels: int, collector: int = 0
) -> dict[str, float]:
    """Each channel in turn pushes, and is answered."""
    client = await library.connect(reactor, where)
    joined = await library.join(client, channels)
    sequence = Sequence(count)
    pushed = 0

    def push() -> None:
        nonlocal pushed
        channel = joined[pushed % channels]
        payload = {"n": pushed, "body": BODY}
        pushed += 1
        channel.push("ping", payload).addCallback(answered)

    def answered(payload: Any) -> None:
        sequence.take(payload)
        if pushed < count:
            push()

    set_collector(COLLECTORS[collector])
    cost = Cost()
    with cost.counted():
        for _ in range(min(WINDOW, count)):
            push()
        await sequence.wait(reactor)
    await joined[0].push("ping", {})
    sequence.check()
    await client.stopService()
    return cost.of_one(count)


async def rejoins(
    reactor: Any, where: Any, count: int, channels: int, collector: int = 0
) -> dict[str, float]:
    """The connection is lost, and from the next on they all join again."""
    left = 0
    back: Deferred[None] = Deferred()

    class Counted(Channel):
        def handle_join(self, response: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                back.callback(None)

    left = channels
    client = await library.connect(
        reactor, where, backoff=lambda attempt: 0.0, default_channel_class=Counted
    )
    joined = await library.join(client, channels)
    set_collector(COLLECTORS[collector])
    cost = Cost()
    rounds = -(-count // channels)
    for _ in range(rounds):
        left = channels
        back = Deferred()
        with cost.counted():
            joined[0].push_async("drop", {})
            await back.addTimeout(PATIENCE, reactor)
    await gatherResults([channel.push("ping", {}) for channel in joined])
    await client.stopService()
    return cost.of_one(rounds * channels)
