"""Bytes that come piece by piece, of which it is known how many there will be.

``BytesIO`` gives its bytes away without a copy, but grows by an eighth at a time: of
many MiB each is then copied several times.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

__all__ = ["GrowingBytes"]

# Room is made for four times what has come, and at least 64 KiB, but never beyond the
# announced length.
_ROOM_FACTOR: Final = 4
_LEAST_ROOM: Final = 64 * 1024


class GrowingBytes:
    """Bytes in the order in which they have come.

    :param length: how many there will be; no more memory is taken than for these, nor
        than for some times of what has come, whatever was announced.
    """

    __slots__ = ("_buffer", "_length", "_room")

    def __init__(self, length: int) -> None:
        self._length = length
        self._buffer = BytesIO()
        self._room = 0

    def add(self, data: bytes) -> None:
        """Take what comes next."""
        buffer = self._buffer
        start = buffer.tell()
        end = start + len(data)
        if end > self._room:
            self._room = max(
                end, min(self._length, max(_ROOM_FACTOR * end, _LEAST_ROOM))
            )
            # What is written behind its end is preceded by zeros.
            buffer.seek(self._room - 1)
            buffer.write(b"\0")
            buffer.seek(start)
        buffer.write(data)

    def value(self) -> bytes:
        """All that has come."""
        self._buffer.truncate()
        return self._buffer.getvalue()
