"""``disconnect_when_idle`` over long-poll, after a fallback, and for asyncio."""

from __future__ import annotations

from .aio_memory import AioMemoryTestCase
from .fallback_case import FallbackTestCase
from .support import TOPIC

IDLE = ("disconnected", True)


class TransportTests(FallbackTestCase):
    """Over long-poll, and after a fallback."""

    def test_long_poll(self) -> None:
        """It is the same over both, and comes back over what it had."""
        for options in ({"transport": "longpoll", "longpoll_fallback": None}, {}):
            self.memory.is_deaf = not options
            client = self.begin(disconnect_when_idle=10, **options)
            self.memory.advance(3)
            self.assertTrue(client.connected)
            self.assertEqual(self.transports()[-1], "longpoll")
            self.memory.advance(10)
            self.memory.advance(3)
            self.assertEqual((client.status, self.memory.pairs), ("disconnected", []))
            self.assertTrue(client.get_state("idle"))
            joined = self.watch(client.join(TOPIC))
            self.memory.advance(3)
            self.assertEqual(joined.fired[0][0], {})
            self.assertEqual(self.transports()[-1], "longpoll")
            self.stop_client(client)


class AioTests(AioMemoryTestCase):
    """For asyncio."""

    def test_join(self) -> None:
        """A client that is idle comes back for a join, and for who waits for it."""
        client = self.open(disconnect_when_idle=10)
        self.memory.advance(11)
        self.assertEqual((client.status, client.get_state("idle")), IDLE)
        response, channel = self.finish(client.join(TOPIC))
        self.assertEqual((response, channel.is_joined), ({}, True))
        self.finish(channel.leave())
        self.memory.advance(11)
        self.assertEqual((client.status, client.get_state("idle")), IDLE)
        self.finish(client.when_connected())
        self.assertTrue(client.connected)
