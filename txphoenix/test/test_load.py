"""Many messages on one connection: none lost, none out of order, memory flat."""

from __future__ import annotations

import gc
import sys
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from txphoenix.channels.channel import Channel
from txphoenix.testing import PhoenixServer

from .network import TOPIC, NetworkTestCase

PUSHES = 10_000
BROADCASTS = 100_000

# How many are on their way at a time.
_BATCH = 500

# A leak of one object a message would be many times this.
_GROWTH = 3000


def blocks() -> int:
    """How many blocks of memory Python holds."""
    gc.collect()
    return sys.getallocatedblocks()


class LoadTests(NetworkTestCase):
    """One client on one connection over real TCP."""

    timeout = 600

    async def join(self, **options: Any) -> tuple[PhoenixServer, Channel]:
        """A server, and a channel that has joined it."""
        server = await self.serve()
        client = self.client(server.url, **options)
        _, channel = await client.join(TOPIC)
        return server, channel

    async def push(self, channel: Channel, count: int) -> list[int]:
        """Push numbers.

        :return: the replies, in the order they came.
        """
        replies: list[int] = []
        for start in range(0, count, _BATCH):
            numbers = range(start, start + _BATCH)
            pushes = [
                channel.push("echo", n).addCallback(replies.append) for n in numbers
            ]
            await gatherResults(pushes)
        return replies

    async def test_pushes(self) -> None:
        """Ten thousand pushes have their own replies, and leave nothing behind."""
        _, channel = await self.join(timeout=60)
        await self.push(channel, 1000)
        deadlines = len(channel._membership.manager.deadlines)
        before = blocks()
        replies = await self.push(channel, PUSHES)
        self.assertEqual(replies, list(range(PUSHES)))
        del replies
        self.assertLess(blocks() - before, _GROWTH)
        self.assertEqual(len(channel._membership.manager.deadlines), deadlines)

    async def broadcast(
        self, server: PhoenixServer, received: list[int], count: int
    ) -> None:
        """Broadcast numbers, and see that each comes, once and in order."""
        for start in range(0, count, _BATCH):
            for n in range(start, start + _BATCH):
                server.broadcast(TOPIC, "news", {"n": n})
            await self.until(lambda: len(received) >= _BATCH)
            self.assertEqual(received, list(range(start, start + _BATCH)))
            received.clear()

    async def test_broadcasts(self) -> None:
        """A hundred thousand broadcasts come to a hook, in order, and none stays."""
        server, channel = await self.join()
        received: list[int] = []
        channel.on("news", lambda payload: received.append(payload["n"]))
        await self.broadcast(server, received, 5000)
        before = blocks()
        await self.broadcast(server, received, BROADCASTS)
        self.assertLess(blocks() - before, _GROWTH)

    async def test_receive(self) -> None:
        """They come to a reader just so, who is slower than the server."""
        server, channel = await self.join(receive_buffer=100)
        numbers: list[int] = []

        async def read() -> None:
            async for message in channel:
                numbers.append(message.payload["n"])

        reading = Deferred.fromCoroutine(read())
        count = BROADCASTS // 10
        for n in range(count):
            server.broadcast(TOPIC, "news", {"n": n})
        await self.until(lambda: len(numbers) >= count)
        self.assertEqual(numbers, list(range(count)))
        await channel.leave()
        await reading
