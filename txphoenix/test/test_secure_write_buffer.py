"""Tests of :mod:`txphoenix.transports.write_buffer` under TLS, in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory

from txphoenix.testing.tls import self_signed
from txphoenix.transports.write_buffer import WriteBuffer
from txphoenix.transports.writing import unwritten

from .test_write_buffer import WriteBufferTestCase
from .wire_client import RawClient

SIZE = 100
"""How many bytes a small frame has here."""


class SecureTests(WriteBufferTestCase):
    """A buffer in front of TLS, which is in front of a descriptor."""

    def setUp(self) -> None:
        """Have both sides shake hands."""
        super().setUp()
        credentials = self_signed()
        options: Any = optionsForClientTLS(
            "127.0.0.1", trustRoot=credentials.trust_root
        )
        self.peer = RawClient()
        self.tls = self.wrapped(options, True, RawClient())
        self.server = self.wrapped(credentials.server, False, self.peer)
        self.answers = StringTransport()
        self.server.makeConnection(self.answers)
        self.tls.makeConnection(self.line)
        self.seen = 0
        self.take(10**6)
        while self.answers.value():
            answer = self.answers.value()
            self.answers.clear()
            self.tls.dataReceived(answer)
            self.take(10**6)
        self.line.room = 0

    def wrapped(self, options: Any, is_client: bool, protocol: RawClient) -> Any:
        """One side of TLS."""
        factory = Factory.forProtocol(lambda: protocol)
        return TLSMemoryBIOFactory(options, is_client, factory).buildProtocol(None)

    def buffer(self, limit: int = 2**30) -> WriteBuffer:
        """A buffer of so many bytes."""
        return WriteBuffer(self.tls, limit, self.owner)

    def take(self, size: int) -> None:
        """Have the system take so many bytes, and the other side read them."""
        self.line.take(size)
        new, self.seen = self.line.out[self.seen :], len(self.line.out)
        if new:
            self.server.dataReceived(new)

    def write(self, buffer: WriteBuffer, count: int, size: int = SIZE) -> None:
        """Write frames."""
        for _ in range(count):
            buffer.write([b"h", b"x" * (size - 1)])

    def test_has_left(self) -> None:
        """A frame has left with its record: as many as the other side can read."""
        buffer = self.buffer()
        self.write(buffer, 3)
        self.assertEqual(self.left(buffer), 0)
        held = unwritten(self.tls)
        self.assertGreater(held, 3 * SIZE)
        for _ in range(held):
            self.take(1)
            self.assertEqual(self.left(buffer), len(self.peer.received) // SIZE)
        self.assertEqual(self.left(buffer), 3)

    def test_left_before(self) -> None:
        """What has left has done so, though it is asked for behind another frame."""
        buffer = self.buffer()
        self.write(buffer, 3)
        self.take(10**6)
        self.line.room = 0
        self.write(buffer, 1)
        self.assertEqual(self.left(buffer), 3)

    def test_large(self) -> None:
        """So it is with one of many records, and what is behind it."""
        buffer = self.buffer()
        self.write(buffer, 1, 200_000)
        self.write(buffer, 1)
        while len(self.peer.received) < 200_000 + SIZE:
            self.take(5000)
            ends = (200_000, 200_000 + SIZE)
            left = sum(len(self.peer.received) >= end for end in ends)
            self.assertEqual(self.left(buffer), left)
        self.assertFalse(buffer.is_blocked)

    def test_limit(self) -> None:
        """Small frames are counted as soon as TLS has them."""
        buffer = self.buffer(1000)
        self.write(buffer, 5)
        self.assertEqual(self.owner.told, [])
        self.write(buffer, 5)
        self.assertEqual(self.owner.told, ["full"])
        self.take(10**6)
        self.assertEqual(self.owner.told, ["full", "free"])
        self.assertEqual(len(self.peer.received), 10 * SIZE)

    def test_transport_has_little(self) -> None:
        """TLS is given what keeps the line busy; the rest can be taken back."""
        for size in (1000, 100_000):
            buffer = self.buffer()
            self.write(buffer, 1_000_000 // size, size)
            self.assertLess(unwritten(self.tls), 100_000)
            self.assertGreater(buffer.waiting, 800_000)
            self.assertTrue(buffer.withdraw(buffer.accepted))
            self.take(10**7)
            self.assertFalse(buffer.is_blocked)

    def test_at_once(self) -> None:
        """What is written is encrypted at once, and not in the reactor's next turn."""
        buffer = self.buffer()
        self.write(buffer, 1)
        self.take(10**6)
        self.assertEqual(len(self.peer.received), SIZE)
