"""Tests of :mod:`txphoenix.transports.write_buffer` under TLS, in memory."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.testing import StringTransport
from twisted.protocols.tls import TLSMemoryBIOFactory

from txphoenix.testing.tls import self_signed
from txphoenix.transports.fast_tls_endpoint import FastTLSFactory
from txphoenix.transports.write_buffer import WriteBuffer
from txphoenix.transports.writing import unwritten

from .test_write_buffer import Owner, WriteBufferTestCase
from .tls_wire import Reluctant, TLSWireTestCase
from .wire_client import RawClient

SIZE = 100
"""How many bytes a small frame has here."""


class SecureTests(WriteBufferTestCase):
    """A buffer in front of TLS, which is in front of a descriptor."""

    is_fast = True

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
        if is_client and self.is_fast:
            return FastTLSFactory(options, factory).buildProtocol(cast(Any, None))
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


class StockSecureTests(SecureTests):
    """So it is with Twisted's own TLS."""

    is_fast = False


class AtOnceTests(TLSWireTestCase):
    """A buffer in front of our own TLS, which is in front of TCP."""

    def setUp(self) -> None:
        """Have a connection."""
        super().setUp()
        self.shake_hands()
        self.told = Owner()
        self.buffer = WriteBuffer(self.tls, 300_000, self.told)

    def write(self, *sizes: int) -> None:
        """Write a frame of each size."""
        for size in sizes:
            self.buffer.write([b"h", b"x" * (size - 1)])

    def test_at_once(self) -> None:
        """A frame of any size has left before the next turn, and is remembered no more.

        There is nobody to ask whether the socket takes it but the socket.
        """
        for size in (2, SIZE, 2**14, 2**14 + 1, 2**16, 10**6):
            self.write(size)
            self.assertTrue(self.buffer.has_left(self.buffer.accepted))
            self.assertFalse(self.buffer.is_blocked)
            self.assertFalse(self.buffer._in_transit)
        self.assertEqual(self.line.clock.writers, set())
        self.buffer.write([b"one", b"", b"two", b""])
        self.exchange()
        self.assertTrue(self.server.received.endswith(b"xonetwo"))

    def test_full_socket(self) -> None:
        """Frames leave as the socket takes them, each with its last record."""
        sizes = [100, 2**14, 50_000, 2**16, 10, 300_000, 7, 7]
        self.line.memory.room = 0
        self.write(*sizes)
        self.assertLess(unwritten(self.tls), 2**16 + 2**16 + 2000)
        self.assertTrue(self.buffer.is_blocked)
        self.assertEqual(self.told.told, ["full"])
        ends = [sum(sizes[: count + 1]) for count in range(len(sizes))]
        while len(self.server.received) < ends[-1]:
            self.line.memory.room = 3000
            self.server.feed(self.line.sent())
            for count, end in enumerate(ends, 1):
                has_come = len(self.server.received) >= end
                self.assertIs(self.buffer.has_left(count), has_come)
        self.assertEqual(self.told.told, ["full", "free"])
        self.assertIsNone(self.line.producer)

    def test_two_frames(self) -> None:
        """Of two frames in one write, the first leaves before the second."""
        self.line.memory.room = 0
        self.buffer.write([b"h", b"x" * 30_000, b"h", b"y" * 20_000])
        seen = set()
        while not self.buffer.has_left(2):
            self.line.memory.room = 1000
            self.server.feed(self.line.sent())
            self.assertIs(self.buffer.has_left(1), len(self.server.received) > 30_000)
            seen.add(self.buffer.has_left(1))
        self.assertEqual(seen, {False, True})
        self.assertEqual(len(self.server.received), 50_002)

    def test_kept_by_tls(self) -> None:
        """What TLS cannot encrypt for now has not left, and is known of."""
        calls = self.tls._calls = Reluctant(self.tls._calls)
        self.write(100, 100)
        calls.is_willing = True
        self.write(100)
        self.assertEqual(unwritten(self.tls), 300)
        for count in (1, 2, 3):
            self.assertFalse(self.buffer.has_left(count))
        self.server.write(b"go on")
        self.exchange()
        self.assertEqual(len(self.server.received), 300)
        self.write(100)
        for count in (1, 2, 3, 4):
            self.assertTrue(self.buffer.has_left(count))

    def test_progress(self) -> None:
        """What has been followed is under way until the system has it."""
        self.line.memory.room = 0
        self.write(1000)
        self.buffer.follow()
        self.assertEqual(self.buffer.progress()[1], True)
        self.line.memory.room = 10**6
        self.exchange()
        taken, is_under_way = self.buffer.progress()
        self.assertFalse(is_under_way)
        self.assertGreater(taken, 1000)

    def test_withdraw(self) -> None:
        """What has not been handed over can be taken back; a part of it cannot."""
        self.line.memory.room = 0
        self.write(200_000, 100)
        self.assertTrue(self.buffer.withdraw(2))
        self.assertFalse(self.buffer.withdraw(1))
        self.line.memory.room = 10**6
        self.exchange()
        self.assertEqual(len(self.server.received), 200_000)

    def test_closing(self) -> None:
        """A transport that is closing drops what it is given: that has not left."""
        self.tls.loseConnection()
        self.write(100)
        self.assertFalse(self.buffer.has_left(1))
        self.assertEqual(self.buffer.end(), 1)

    def test_abort(self) -> None:
        """What is written as the last thing waits for a turn, and can be dropped."""
        self.buffer.write([b"h", b"x" * (SIZE - 1)], is_last=True)
        self.assertEqual(self.line.memory.sent, b"")
        self.assertFalse(self.buffer.has_left(1))
        self.buffer.close(self.tls.abortConnection, abort=True)
        self.assertEqual(self.buffer.end(), 1)
        self.assertEqual(self.line.sent(), b"")
