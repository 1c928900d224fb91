"""Tests of :mod:`txphoenix.transports.waiting_frames`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.waiting_frames import LONGEST_PIECE, WaitingFrames


def waiting(*frames: bytes, written: int = 0) -> WaitingFrames:
    """Frames that wait, but for so many bytes."""
    made = WaitingFrames()
    parts = [part for frame in frames for part in (frame[:1], frame[1:])]
    made.add(parts, written)
    return made


class WaitingFramesTests(SynchronousTestCase):
    """What waits, and the pieces that it leaves in."""

    def test_pieces(self) -> None:
        """A piece is of as many frames as fit, and of no more than a record holds."""
        frames = waiting(b"x" * (LONGEST_PIECE + 5), b"y" * 10, b"z" * LONGEST_PIECE)
        pieces = []
        while frames:
            pieces.append(frames.take_piece())
        self.assertEqual(max(map(len, pieces)), LONGEST_PIECE)
        self.assertEqual(len(pieces), 3)
        whole = b"x" * (LONGEST_PIECE + 5) + b"y" * 10 + b"z" * LONGEST_PIECE
        self.assertEqual(b"".join(pieces), whole)

    def test_written(self) -> None:
        """What was written before it was to wait does not come again."""
        frames = waiting(b"first", b"second", written=7)
        self.assertEqual(len(frames), 1)
        self.assertEqual(frames.take_piece(), b"cond")

    def test_pong(self) -> None:
        """The latest leaves before the next frame that is whole."""
        frames = waiting(b"x" * (LONGEST_PIECE + 1), b"next")
        frames.take_piece()
        self.assertEqual(frames.pong(b"<1>"), 3)
        self.assertEqual(frames.pong(b"<22>"), 1)
        self.assertEqual(
            [frames.take_piece() for _ in range(3)], [b"x", b"<22>", b"next"]
        )

    def test_withdraw(self) -> None:
        """A frame of which nothing has left is taken back, and keeps its place."""
        frames = waiting(b"first", b"second", b"third", written=1)
        self.assertEqual(
            [frames.withdraw(index) for index in (-1, 0, 1, 1)], [None, None, 6, 0]
        )
        self.assertEqual((len(frames), frames.count_withdrawn()), (3, 1))
        self.assertEqual(frames.take_piece(), b"irstthird")
        self.assertEqual(len(frames), 0)
        self.assertIsNone(frames.withdraw(0))

    def test_withdraw_first(self) -> None:
        """Those that were taken back at the front are gone at once."""
        frames = waiting(b"first", b"second")
        self.assertEqual((frames.withdraw(1), len(frames)), (6, 2))
        self.assertEqual((frames.withdraw(0), len(frames)), (5, 0))
