"""What a client has sent: whole frames, and large ones while they come.

Of a large frame only the start is unmasked, unless it is to be checked: otherwise the
server would be slower than its clients.
"""

from __future__ import annotations

from .frames import unmasked

__all__ = ["LARGE", "LargeFrame"]

LARGE = 16 * 1024
"""From so many bytes on a frame is large."""

_START = 512


class LargeFrame:
    """A large frame that is not all there.

    :ivar kind: its first byte.
    """

    def __init__(self, kind: int, mask: bytes, length: int) -> None:
        self.kind = kind
        self._mask = mask
        self._left = length
        self._pieces: list[bytes] = []

    @property
    def is_whole(self) -> bool:
        """Whether all of it has come."""
        return self._left == 0

    def take(self, data: bytes) -> bytes:
        """Take what belongs to it; return what follows."""
        mine = data if len(data) <= self._left else data[: self._left]
        self._pieces.append(mine)
        self._left -= len(mine)
        return data[len(mine) :]

    def content(self) -> bytes:
        """Its start, or all of it if its event is ``check``."""
        start = self._pieces[0]
        if len(start) < _START:
            start = b"".join(self._pieces)
        head = unmasked(start[:_START], self._mask)
        if b"check" in head[:64]:
            return unmasked(b"".join(self._pieces), self._mask)
        return head
