"""Tests of :mod:`txphoenix.transports.frame_bytes`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.frame_bytes import has_whole_frame

from .frame_wire import BINARY, frame


class WholeFrameTests(SynchronousTestCase):
    """:func:`txphoenix.transports.frame_bytes.has_whole_frame`."""

    def test_cut_anywhere(self) -> None:
        """A frame is whole with its last byte, whatever is behind it."""
        for size in (0, 1, 125, 126, 300, 0xFFFF, 0x10000):
            data = frame(b"x" * size, BINARY)
            self.assertTrue(has_whole_frame(data))
            self.assertTrue(has_whole_frame(data + b"\x81"))
            for end in {0, 1, 2, 3, 4, 9, 10, len(data) // 2, len(data) - 1}:
                if end < len(data):
                    self.assertFalse(has_whole_frame(data[:end]), (size, end))

    def test_not_plain(self) -> None:
        """One that is masked, or whose length takes too many bytes, counts as none."""
        masked = frame(b"x" * 9)
        self.assertFalse(has_whole_frame(masked[:1] + b"\x89" + b"key!" + b"x" * 9))
        self.assertFalse(has_whole_frame(b"\x82\x7e\x00\x01x"))
