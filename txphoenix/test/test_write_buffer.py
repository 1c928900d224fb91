"""Tests of :mod:`txphoenix.transports.write_buffer`, on a descriptor in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports import write_buffer
from txphoenix.transports.write_buffer import WriteBuffer


class Descriptor(FileDescriptor):
    """Twisted's own, over a system that takes as many bytes as it is told to.

    :ivar room: how many more it takes.
    :ivar out: what it has taken.
    """

    def __init__(self) -> None:
        self.is_writing = False
        super().__init__(self)  # type: ignore[arg-type]
        self.connected = 1
        self.room = 0
        self.out = b""

    def addWriter(self, _descriptor: Any) -> None:
        """Be asked for a turn, as a reactor is."""
        self.is_writing = True

    def removeReader(self, _descriptor: Any) -> None:
        """Read nothing, as ever."""

    def removeWriter(self, _descriptor: Any) -> None:
        """Have no more to write."""
        self.is_writing = False

    def writeSomeData(self, data: Any) -> int:
        """Take what there is room for."""
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.out += taken
        return len(taken)

    def take(self, size: int) -> None:
        """Have room for so many bytes, and a turn for each part of them."""
        self.room += size
        while self.is_writing and self.room:
            self.doWrite()


class Owner:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def writes_full(self) -> None:
        """Remember it."""
        self.told.append("full")

    def writes_free(self) -> None:
        """Remember it."""
        self.told.append("free")


class WriteBufferTestCase(SynchronousTestCase):
    """A buffer in front of a descriptor."""

    def setUp(self) -> None:
        """Make both."""
        self.line = Descriptor()
        self.owner = Owner()

    def buffer(self, limit: int = 2**30) -> WriteBuffer:
        """A buffer of so many bytes."""
        return WriteBuffer(self.line, limit, self.owner)

    def left(self, buffer: WriteBuffer) -> int:
        """How many frames have left."""
        return sum(buffer.has_left(count) for count in range(1, buffer.accepted + 1))


class WritingTests(WriteBufferTestCase):
    """What leaves, and when."""

    def test_order(self) -> None:
        """All that is written leaves, in order, as the system takes it."""
        buffer = self.buffer()
        frames = [b"%d," % number * (number % 7 * 999 + 1) for number in range(200)]
        for frame in frames:
            buffer.write([frame[:1], frame[1:]])
        wanted = b"".join(frames)
        while self.line.out != wanted:
            before = len(self.line.out)
            self.line.take(10_001)
            self.assertGreater(len(self.line.out), before)
            self.assertTrue(wanted.startswith(self.line.out))
        self.assertFalse(buffer.is_blocked)
        self.assertIsNone(self.line.producer)

    def test_transport_has_little(self) -> None:
        """The transport is given what keeps it busy; the rest can be counted here."""
        buffer = self.buffer()
        for _ in range(100):
            buffer.write([b"x" * 100_000, b""])
        self.assertLess(self.line._tempDataLen, 100_000)
        self.assertEqual(buffer.waiting + self.line._tempDataLen, 10_000_000)

    def test_has_left(self) -> None:
        """A frame has left when the system has its last byte, and not before."""
        buffer = self.buffer()
        for size in (10, 20, 200_000, 5):
            buffer.write([b"h", b"x" * (size - 1)])
        for taken, left in ((9, 0), (1, 1), (19, 1), (1, 2), (199_999, 2), (6, 4)):
            self.line.take(taken)
            self.assertEqual(self.left(buffer), left)

    def test_has_left_at_the_end(self) -> None:
        """After the end it is told what had left before, and nothing is held."""
        buffer = self.buffer()
        for _ in range(5):
            buffer.write([b"x" * 50_000, b""])
        self.line.take(120_000)
        self.assertEqual(buffer.end(), 3)
        self.assertEqual(self.left(buffer), 2)
        self.assertEqual((buffer.waiting, buffer.descriptor), (0, None))
        self.assertEqual((buffer._frames, buffer._in_transit), (None, None))
        self.assertIsNone(buffer._owner)

    def test_closing(self) -> None:
        """A transport that is closed in order is given all that waits first."""
        buffer = self.buffer()
        buffer.write([b"x" * 500_000, b""])
        buffer.close(self.line.loseConnection, abort=False)
        self.assertTrue(self.line.disconnecting)
        self.line.take(10**6)
        self.assertEqual(len(self.line.out), 500_000)
        self.assertEqual(self.left(buffer), 1)

    def test_aborting(self) -> None:
        """What waits when a transport is aborted never leaves.

        What left before did so all the same.
        """
        buffer = self.buffer()
        buffer.write([b"x" * 500_000, b""])
        self.line.take(10**6)
        buffer.write([b"y" * 500_000, b""])
        given = self.line._tempDataLen
        buffer.close(self.line.loseConnection, abort=True)
        self.assertTrue(self.line.disconnecting)
        self.assertEqual(self.line._tempDataLen, given)
        self.assertEqual(buffer.end(), 1)
        self.assertEqual(self.left(buffer), 1)

    def test_other_producer(self) -> None:
        """Where somebody else feeds the transport, it is given everything."""
        self.line.registerProducer(StringTransport(), True)
        buffer = self.buffer()
        buffer.write([b"x" * 500_000, b""])
        self.assertFalse(buffer.is_blocked)


class AtOnceTests(WriteBufferTestCase):
    """A system that takes a frame, or its beginning, when it is written."""

    def setUp(self) -> None:
        """Have it so."""
        super().setUp()
        self.patch(write_buffer, "write_some", self.write_some)

    def write_some(self, line: Any, data: bytes) -> int:
        """Write before all else, as that for TCP does."""
        return 0 if line._tempDataLen else self.line.writeSomeData(data)

    def test_partly(self) -> None:
        """What it has not taken waits, and is counted from there."""
        buffer = self.buffer()
        self.line.room = 14
        buffer.write([b"01", b"23456789", b"ab", b"cdefghij"])
        self.assertEqual((self.line.out, self.left(buffer)), (b"0123456789abcd", 1))
        buffer.write([b"third", b""])
        self.assertEqual(buffer.progress()[0], 14)
        self.line.take(6)
        self.assertEqual((self.line.out[10:], self.left(buffer)), (b"abcdefghij", 2))
        self.line.take(5)
        self.assertEqual((buffer.progress()[0], self.left(buffer)), (25, 3))
        self.assertTrue(self.line.out.endswith(b"jthird"))

    def test_last(self) -> None:
        """What is the last before an abort is not given to it."""
        buffer = self.buffer()
        self.line.room = 100
        buffer.write([b"first", b""])
        buffer.write([b"last", b""], is_last=True)
        buffer.close(lambda: None, abort=True)
        self.assertEqual((buffer.end(), self.left(buffer)), (1, 1))
        self.assertEqual(self.line.out, b"first")


class LimitTests(WriteBufferTestCase):
    """The owner is told when it is enough, and when it is not any more."""

    def test_full_and_free(self) -> None:
        """It is told once of each, with the byte that makes the difference."""
        buffer = self.buffer(1000)
        buffer.write([b"x" * 999, b""])
        self.assertEqual(self.owner.told, [])
        for _ in range(3):
            buffer.write([b"y", b""])
        self.assertEqual(self.owner.told, ["full"])
        # What is left is the transport's, which tells when it has none.
        self.line.take(1002)
        self.assertEqual(self.owner.told, ["full", "free"])
        self.assertIsNone(self.line.producer)

    def test_other_limit(self) -> None:
        """Another limit holds at once, either way."""
        buffer = self.buffer(1000)
        buffer.write([b"x" * 500, b""])
        buffer.limit(500)
        buffer.limit(501)
        self.assertEqual(self.owner.told, ["full", "free"])

    def test_owner_that_writes(self) -> None:
        """Who is told that there is room may use it at once."""
        buffer = self.buffer(1000)

        def write_more() -> None:
            self.owner.told.append("free")
            buffer.write([b"more" * 1000, b""])

        self.owner.writes_free = write_more  # type: ignore[method-assign]
        buffer.write([b"x" * 1000, b""])
        self.line.take(1000)
        self.assertEqual(self.owner.told, ["full", "free", "full"])
        self.line.take(4000)
        self.assertEqual(self.line.out, b"x" * 1000 + b"more" * 1000)


class WithdrawingTests(WriteBufferTestCase):
    """What nobody waits for any more is taken back."""

    def test_withdraw(self) -> None:
        """A frame of which nothing was handed over never leaves; others do."""
        buffer = self.buffer(300_000)
        for letter in b"abcd":
            buffer.write([bytes([letter]) * 100_000, b""])
        self.assertFalse(buffer.withdraw(1), "it is on its way")
        self.assertTrue(buffer.withdraw(2))
        self.assertTrue(buffer.withdraw(4))
        self.assertEqual(self.owner.told, ["full", "free"])
        self.line.take(10**6)
        self.assertEqual(self.line.out, b"a" * 100_000 + b"c" * 100_000)
        self.assertFalse(buffer.withdraw(3), "it has left")
        self.assertFalse(buffer.is_blocked)

    def test_lost(self) -> None:
        """What was taken back is not among what a loss finds unsent."""
        buffer = self.buffer()
        for _ in range(4):
            buffer.write([b"x" * 100_000, b""])
        self.assertTrue(buffer.withdraw(3))
        self.assertEqual(buffer.end(), 3)

    def test_withdraw_all(self) -> None:
        """Nothing is left to wait for; what comes later is counted rightly."""
        buffer = self.buffer()
        buffer.write([b"x" * 2**16, b""])
        buffer.write([b"y" * 10, b""])
        self.assertTrue(buffer.withdraw(2))
        buffer.write([b"z" * 10, b""])
        self.line.take(2**16 + 9)
        self.assertFalse(buffer.has_left(3))
        self.line.take(1)
        self.assertTrue(buffer.has_left(3))
        self.assertTrue(self.line.out.endswith(b"xz" + b"z" * 9))


class PongTests(WriteBufferTestCase):
    """Answers to pings that are not read."""

    def test_latest(self) -> None:
        """Of pongs that wait the latest leaves, and only between two frames."""
        buffer = self.buffer()
        buffer.write([b"x" * 100_000, b""])
        buffer.write([b"y" * 100_000, b""])
        for number in range(1000):
            buffer.pong(b"<%d>" % number)
        self.assertLess(buffer.waiting, 200_005)
        self.line.take(10**6)
        self.assertEqual(self.line.out, b"x" * 100_000 + b"<999>" + b"y" * 100_000)
        self.assertFalse(buffer.is_blocked)

    def test_behind_the_last_frame(self) -> None:
        """It leaves too where no other frame waits."""
        buffer = self.buffer()
        buffer.write([b"x" * 100_000, b""])
        buffer.pong(b"<1>")
        self.line.take(10**6)
        self.assertEqual(self.line.out[100_000:], b"<1>")
        self.assertTrue(buffer.has_left(1))


class ProgressTests(WriteBufferTestCase):
    """What the peer has taken."""

    def test_followed(self) -> None:
        """What was followed is under way until its last byte has been taken."""
        buffer = self.buffer()
        buffer.write([b"x" * 200_000, b""])
        buffer.follow()
        buffer.write([b"y" * 200_000, b""])
        self.assertEqual(buffer.progress(), (0, True))
        self.line.take(150_000)
        self.assertEqual(buffer.progress(), (150_000, True))
        self.line.take(50_000)
        # Until it is asked, what has been handed over since counts as well.
        self.line.take(70_000)
        self.assertEqual(buffer.progress()[0], 270_000)
        self.line.take(130_000)
        self.assertEqual(buffer.progress(), (400_000, False))
        buffer.write([b"z" * 10, b""])
        buffer.follow()
        self.assertEqual(buffer.progress(), (400_000, True))
        self.line.take(10)
        self.assertEqual(buffer.progress(), (400_010, False))

    def test_withdrawn(self) -> None:
        """What is taken back is no progress, and holds nothing up."""
        buffer = self.buffer()
        buffer.write([b"x" * 100_000, b""])
        buffer.write([b"y" * 100_000, b""])
        buffer.write([b"beat", b""])
        buffer.follow()
        self.line.take(10)
        before = buffer.progress()
        buffer.withdraw(2)
        self.assertEqual(buffer.progress(), before)
        self.line.take(100_000)
        self.assertEqual(buffer.progress(), (100_004, False))

    def test_withdrawn_next(self) -> None:
        """Nor does what would have been handed over next."""
        buffer = self.buffer()
        buffer.write([b"x" * 2**16, b""])
        buffer.write([b"beat", b""])
        buffer.follow()
        self.assertTrue(buffer.withdraw(2))
        self.line.take(2**16)
        self.assertEqual(buffer.progress(), (2**16, False))


class OtherTransportTests(SynchronousTestCase):
    """A transport that cannot be asked what it holds."""

    def test_held(self) -> None:
        """It is given data until it says that it has enough, and then again."""
        transport = StringTransport()
        owner = Owner()
        buffer = WriteBuffer(transport, 10, owner)
        self.assertIs(transport.producer, buffer)
        buffer.write([b"1", b""])
        buffer.pauseProducing()
        buffer.write([b"2" * 10, b""])
        self.assertEqual((transport.value(), buffer.waiting), (b"1", 10))
        self.assertEqual(owner.told, ["full"])
        self.assertEqual((buffer.has_left(1), buffer.has_left(2)), (True, False))
        self.assertEqual(buffer.progress(), (1, False))
        buffer.resumeProducing()
        self.assertEqual(transport.value(), b"1" + b"2" * 10)
        self.assertEqual(owner.told, ["full", "free"])
        buffer.close(transport.loseConnection, abort=False)
        self.assertIsNone(transport.producer)

    def test_no_consumer(self) -> None:
        """One that cannot even say that is given everything."""

        class Plain:
            """Can write, and nothing else."""

            written: list[bytes] = []

            def write(self, data: bytes) -> None:
                """Keep it."""
                self.written.append(data)

        transport = Plain()
        buffer = WriteBuffer(transport, 10, Owner())
        buffer.write([b"x" * 100_000, b""])
        self.assertEqual(transport.written, [b"x" * 100_000])
