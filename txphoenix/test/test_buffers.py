"""Tests of :mod:`txphoenix.client.buffers`."""

from __future__ import annotations

from typing import Any

from txphoenix import Channel, Message, SocketClient
from txphoenix.client import Buffer, Buffers

from .support import TOPIC, ClientTestCase

LIMITS = {
    "push_buffer": 11,
    "send_buffer": 12,
    "write_buffer": 100_000,
    "receive_buffer": 14,
}


class BufferTests(ClientTestCase):
    """How full each is, how full the fullest, and how full it may be."""

    def setUp(self) -> None:
        """Two channels that are joined."""
        super().setUp()
        self.client, self.one, self.other = self.make_two()

    def make_two(self, **options: Any) -> tuple[SocketClient, Channel, Channel]:
        """A client and two channels of it."""
        client = self.connected_client(**LIMITS, **options)
        one, other = (
            self.joined_channel(f"{TOPIC}{number}", client=client)
            for number in range(2)
        )
        return client, one, other

    def assert_buffers(self, **expected: tuple[int, int]) -> None:
        """The buffers are as full as this, and all others are empty."""
        limits: dict[str, int | None] = {
            "awaiting_reply": None,
            "kept_pushes": 11,
            "kept_messages": 12,
            "unwritten": 100_000,
            "unread": 14,
            "waiting_joins": None,
        }
        self.assertEqual(
            self.client.buffers(),
            Buffers(
                **{
                    name: Buffer(*expected.get(name, (0, 0)), limit)
                    for name, limit in limits.items()
                }
            ),
        )

    def test_empty(self) -> None:
        """A client that is idle, and one that was never started, have nothing."""
        self.assert_buffers()
        self.client = self.make_client(**LIMITS)
        self.assert_buffers()

    def test_awaiting_reply(self) -> None:
        """Pushes that wait for their replies, until they come."""
        for channel, count in (self.one, 3), (self.other, 1):
            for _ in range(count):
                self.watch(channel.push("echo", {}))
        self.assertEqual(self.client.buffers().awaiting_reply, (4, 3, None))
        self.memory.flush()
        self.assert_buffers()

    def test_kept(self) -> None:
        """What waits for a connection: pushes with and without a reply, messages."""
        self.lose_connection()
        for channel, count in (self.one, 1), (self.other, 4):
            for _ in range(count):
                channel.push_async("echo", {})
        self.watch(self.other.push("echo", {}))
        for _ in range(3):
            self.client.push(Message(None, None, TOPIC, "echo", {}))
        self.assert_buffers(kept_pushes=(6, 5), kept_messages=(3, 3))
        self.reconnect()
        self.memory.flush()
        self.assert_buffers()

    def test_unread(self) -> None:
        """Messages that wait for receive()."""
        for channel, count in (self.one, 2), (self.other, 3):
            for number in range(count):
                self.memory.broadcast(channel.topic, "news", number)
        self.memory.flush()
        self.assert_buffers(unread=(5, 3))
        self.watch(self.other.receive())
        self.assert_buffers(unread=(4, 2))

    def test_unwritten(self) -> None:
        """Bytes that have not left, over each transport."""
        for transport in "websocket", "longpoll":
            self.client, channel, _ = self.make_two(transport=transport)
            channel.push_async("echo", "x" * 50)
            size = self.client.buffers().unwritten.size
            self.assertTrue(50 < size < 150, size)
            self.memory.advance(0)
            self.assert_buffers()

    def test_waiting_joins(self) -> None:
        """Channels whose join waits behind those of others."""
        self.client.reconfigure(join_window=1)
        for number in range(3):
            self.watch(self.client.join(f"rooms:{number}"))
        buffers = self.client.buffers()
        self.assertEqual(buffers.waiting_joins, (2, 2, None))
        self.memory.flush()
        self.assert_buffers()

    def test_own_transport(self) -> None:
        """A transport of the user's own does not tell, or raises: then it is 0."""
        link: Any = self.client.connection.link
        kept = link.transport

        class Own:
            @property
            def unwritten_bytes(self) -> int:
                raise ZeroDivisionError

        for own in object(), Own():
            link.transport = own
            self.assertEqual(self.client.buffers().unwritten.size, 0)
        link.transport = kept
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_is_a_value(self) -> None:
        """It does not change, and tells of the moment in which it was asked for."""
        before = self.client.buffers()
        self.watch(self.one.push("echo", {}))
        self.assertEqual(before.awaiting_reply.size, 0)
        with self.assertRaises(AttributeError):
            before.unread = Buffer(1, 1, 1)  # type: ignore[misc]
