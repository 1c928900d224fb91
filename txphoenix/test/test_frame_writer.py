"""Tests of :mod:`txphoenix.transports.frame_writer`."""

from __future__ import annotations

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.frame_writer import MOST_PARTS, FrameWriter


class Owner:
    """Remembers what it is told and given."""

    transport: object = None

    def __init__(self) -> None:
        self.send_queue: list[bytes] = []
        self.behind: list[bytes] = []
        self.told: list[str] = []

    def write_behind(self, data: bytes) -> None:
        """Take what Autobahn is to write."""
        self.behind.append(data)

    def writes_full(self) -> None:
        """Remember it."""
        self.told.append("full")

    def writes_free(self) -> None:
        """Remember it."""
        self.told.append("free")


class FrameWriterTests(SynchronousTestCase):
    """What is collected, and what becomes of it."""

    def setUp(self) -> None:
        """Make a writer whose session is not open yet."""
        self.owner = Owner()
        self.transport = StringTransport()
        self.writer = FrameWriter(self.owner)

    def open(self, longest: int = 1000) -> None:
        """Open the session, with the longest payload of its frames."""
        self.writer.open(self.transport, longest)

    def collect(self, *frames: bytes) -> int:
        """Collect frames, and return the mark of the last."""
        for frame in frames:
            self.writer.parts += (frame, b"")
        return self.writer.written + len(self.writer.parts)

    def test_flush(self) -> None:
        """What was collected leaves in one write, in order, and has left then."""
        self.open()
        mark = self.collect(b"1", b"2", b"3")
        self.assertFalse(self.writer.has_left(mark))
        self.assertEqual(self.transport.value(), b"")
        self.writer.flush()
        self.writer.flush()
        self.assertEqual(self.transport.value(), b"123")
        self.assertTrue(self.writer.has_left(mark))
        self.assertEqual((self.writer.written, self.writer.parts), (6, []))

    def test_behind(self) -> None:
        """What Autobahn writes bit by bit goes first."""
        self.open()
        self.owner.send_queue = [b"a bit"]
        self.collect(b"1", b"2")
        self.writer.flush()
        self.assertEqual((self.owner.behind, self.transport.value()), ([b"12"], b""))

    def test_short(self) -> None:
        """What leaves in one write uncounted is never more than may wait."""
        self.assertEqual(self.writer.short, -1)
        self.open(longest=1000)
        self.assertEqual(self.writer.short, 1000)
        self.writer.limit_writes(MOST_PARTS * 10)
        self.assertEqual(self.writer.short, 20)
        self.writer.limit_frames(7)
        self.assertEqual((self.writer.short, self.writer.longest), (7, 7))

    def test_blocked(self) -> None:
        """While others wait nothing is short, and what waits can be taken back."""
        self.open()
        self.writer.limit_writes(100)
        self.transport.producer.pauseProducing()  # type: ignore[union-attr]
        marks = [self.collect(b"x" * 60), self.collect(b"y" * 60)]
        self.writer.flush()
        self.assertTrue(self.writer.is_blocked)
        self.assertEqual((self.writer.short, self.owner.told), (-1, ["full"]))
        self.assertTrue(self.writer.withdraw(marks[1]))
        self.assertEqual(self.owner.told, ["full", "free"])
        self.assertEqual([self.writer.has_left(mark) for mark in marks], [False] * 2)

    def test_end(self) -> None:
        """A loss counts what has not left, and lets go of the protocol."""
        self.open()
        self.collect(b"1")
        self.writer.flush()
        self.collect(b"2", b"3")
        self.assertEqual(self.writer.end(), 2)
        self.collect(b"4")
        self.writer.flush()
        self.assertEqual(self.transport.value(), b"1")
        self.assertIsNone(self.writer._owner)

    def test_not_open(self) -> None:
        """Before the session is open nothing waits, and a close is just that."""
        closed: list[str] = []
        self.writer.close(lambda: closed.append("closed"), abort=False)
        self.assertEqual(closed, ["closed"])
        self.assertFalse(self.writer.is_blocked or self.writer.has_left(0))
        signs = self.writer.signs_of_life(True, True)
        self.assertEqual(signs, (True, 0, False, False))
        self.assertEqual(self.writer.end(), 0)
