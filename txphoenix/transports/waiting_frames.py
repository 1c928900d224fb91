"""The frames that wait for one connection, and the piece of them that is next."""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["LONGEST_PIECE", "WaitingFrames"]

LONGEST_PIECE: Final = 2**14
"""What a record of TLS holds, in bytes (RFC 8446 section 5.1)."""


class WaitingFrames:
    """Frames in order, the first of which may have been handed over in part.

    A pong may wait as well: it goes between two frames, before the next whole one.
    """

    __slots__ = ("_frames", "_offset", "_pong")

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        # How much of the first of them has been handed over.
        self._offset = 0
        self._pong = b""

    def __len__(self) -> int:
        """How many frames have not been handed over whole."""
        return len(self._frames)

    def add(self, parts: list[bytes], written: int) -> None:
        """Take frames, each of two parts.

        :param written: how many bytes of them need not wait; nothing else waits then.
        """
        self._frames.extend(
            parts[i] + parts[i + 1] if parts[i + 1] else parts[i]
            for i in range(0, len(parts), 2)
        )
        if written:
            self._skip(written)

    def pong(self, frame: bytes) -> int:
        """Take a pong, in place of the one that waits.

        :return: how many bytes more wait now.
        """
        more = len(frame) - len(self._pong)
        self._pong = frame
        return more

    def withdraw(self, index: int) -> int | None:
        """Take a frame back.

        :return: how many bytes it had; None if it is not here, whole.
        """
        frames = self._frames
        if not frames or index < 0 or (index == 0 and self._offset):
            return None
        size = len(frames[index])
        # It keeps its place, so that the others keep their numbers.
        frames[index] = b""
        if not self._offset:
            self._skip(0)
        return size

    def count_withdrawn(self) -> int:
        """How many of them were taken back, and keep their places."""
        return self._frames.count(b"")

    def take_piece(self, longest: int = LONGEST_PIECE) -> bytes:
        """Take what is to be handed over next: a pong, or as much as a record holds.

        :param longest: how much it may be of one frame alone, that has more.
        """
        if self._pong and not self._offset:
            piece, self._pong = self._pong, b""
            return piece
        piece = self._next_piece(longest)
        self._skip(len(piece))
        return piece

    def _next_piece(self, longest: int) -> bytes:
        frames = self._frames
        first = frames[0]
        start = self._offset
        # A pong goes between two frames.
        if self._pong or len(first) - start >= LONGEST_PIECE or len(frames) == 1:
            return first[start : start + longest]
        pieces, size = [], -start
        for frame in frames:
            pieces.append(frame)
            size += len(frame)
            if size >= LONGEST_PIECE:
                break
        return b"".join(pieces)[start : start + LONGEST_PIECE]

    def _skip(self, size: int) -> None:
        """Take so many bytes off the front."""
        frames = self._frames
        self._offset += size
        while frames and self._offset >= len(frames[0]):
            self._offset -= len(frames.popleft())
