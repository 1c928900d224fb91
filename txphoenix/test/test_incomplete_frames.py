"""Tests of :mod:`txphoenix.transports.incomplete_frames`."""

from __future__ import annotations

from autobahn.websocket.utf8validator import Utf8Validator
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.incomplete_frames import is_worth_waiting

from .frame_wire import BINARY, frame

KB = 1024


class IncompleteFramesTests(SynchronousTestCase):
    """:func:`txphoenix.transports.incomplete_frames.is_worth_waiting`."""

    def is_waited_for(
        self, data: bytes, needed: int, read_size: int = 100, reads_waited: int = 0
    ) -> bool:
        """Whether it is, of what has come and what it needs."""
        return is_worth_waiting(data, needed, read_size, reads_waited, Utf8Validator())

    def test_short(self) -> None:
        """A short frame is waited for, but for a few reads only."""
        begun = frame(b"x" * 100)[:50]
        waits = [
            self.is_waited_for(begun, 102, reads_waited=reads) for reads in range(5)
        ]
        self.assertEqual(waits, [True] * 4 + [False])

    def test_long(self) -> None:
        """One of more bytes is, if a few reads like the latest have all of it."""
        begun = frame(b"x" * 60 * KB)[: 20 * KB]
        self.assertTrue(self.is_waited_for(begun, 60 * KB, 20 * KB))
        self.assertFalse(self.is_waited_for(begun, 60 * KB, 10 * KB))

    def test_header(self) -> None:
        """A header that is not whole says nothing against it."""
        self.assertTrue(self.is_waited_for(b"\x81", 2))

    def test_text(self) -> None:
        """What is no UTF-8 is Autobahn's, which refuses it; bytes may be any."""
        good, bad = frame("é".encode() * 20), frame(b"\xff" * 40)
        self.assertTrue(self.is_waited_for(good[:7], 42))
        self.assertFalse(self.is_waited_for(bad[:7], 42))
        self.assertTrue(self.is_waited_for(frame(b"\xff" * 40, BINARY)[:7], 42))

    def test_long_text(self) -> None:
        """A long text is looked at by Autobahn, as it comes, unless it is all ASCII."""
        size = 20 * KB
        accented = frame("é".encode() * (size // 2))[: size // 2]
        self.assertFalse(self.is_waited_for(accented, size, size))
        self.assertTrue(self.is_waited_for(frame(b"x" * size)[:KB], size, size))
