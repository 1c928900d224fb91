"""The plain frame that a read ends in, put together from the reads that bring it.

Each byte is looked at once and copied once or twice, however many reads there are.
A frame in few reads is joined of them, which is fastest; of one in many each read has
its place at once, so that the frame is there once.

Autobahn fails a connection at the first byte that is no UTF-8.
So a text is looked at as it comes, and where it is wrong, all of it is given back to
Autobahn's parser.
"""

from __future__ import annotations

from codecs import utf_8_decode
from typing import Any, Final

from .frame_bytes import long_header
from .growing_bytes import GrowingBytes
from .masking import TEXT

__all__ = ["IncompleteFrame", "begun_frame"]

# So many reads are joined: some hundred KiB, where the system has as much to give.
_FEW: Final = 8


class IncompleteFrame:
    """A plain frame whose header has come, and of its payload less than all.

    :param head: its header.
    :param length: how many bytes its payload has.
    :param validator: Autobahn's, of UTF-8.
    """

    __slots__ = (
        "_checks_text",
        "_cut",
        "_growing",
        "_head",
        "_pieces",
        "_validator",
        "first",
        "missing",
        "size",
    )

    def __init__(self, head: bytes, length: int, validator: Any) -> None:
        self._head = head
        self._validator = validator
        self.first = head[0]
        """Its first byte."""
        # What is compressed is looked at when it no longer is.
        self._checks_text = self.first == TEXT
        self.size = length
        """How many bytes its payload has, all in all."""
        self.missing = length
        """How many bytes of the payload have not come."""
        # What has come; in the latter once these are many.
        self._pieces: list[bytes] = []
        self._growing: GrowingBytes | None = None
        # The bytes of a character that is not whole.
        self._cut = b""

    def add(self, data: bytes) -> bool:
        """Take what comes next, which is no more than is missing.

        :return: whether it can be a plain frame so far, and at its end whether it is.
        """
        self.missing -= len(data)
        if self._growing is not None:
            self._growing.add(data)
        elif len(self._pieces) < _FEW:
            self._pieces.append(data)
        else:
            self._grow(data)
        return not self._checks_text or self._is_text(data)

    def payload(self) -> bytes:
        """What has come of the payload."""
        return (
            b"".join(self._pieces) if self._growing is None else self._growing.value()
        )

    def taken(self) -> bytes:
        """All that has come, with the header."""
        return self._head + self.payload()

    def _grow(self, data: bytes) -> None:
        """Have what has come, and comes, in one place."""
        pieces, self._pieces = [*self._pieces, data], []
        length = sum(map(len, pieces)) + self.missing
        self._growing = growing = GrowingBytes(length)
        for piece in pieces:
            growing.add(piece)

    def _is_text(self, data: bytes) -> bool:
        """Whether the text is valid UTF-8 so far."""
        if self._cut:
            data = self._cut + data
            self._cut = b""
        if data.isascii():
            return True
        try:
            _, length = utf_8_decode(data, "strict", not self.missing)
        except UnicodeDecodeError:
            return False
        if length < len(data):
            self._cut = data[length:]
            # Python's decoder sees a surrogate only when it is complete.
            self._validator.reset()
            return bool(self._validator.validate(self._cut)[0])
        return True


def begun_frame(data: bytes, validator: Any) -> IncompleteFrame | None:
    """The plain frame that begins in ``data``; None while its header is incomplete.

    Whether its first byte and its length are a plain frame's has been looked at.
    """
    if len(data) < 2:
        return None
    start, length = (2, data[1]) if data[1] < 126 else long_header(data, 0)
    if start > len(data):
        return None
    return IncompleteFrame(data[:start], length, validator)
