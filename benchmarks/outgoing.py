"""What the server sends: in pieces, each when the one before it is nearly gone.

A whole flood in one write would be encrypted before its first byte leaves, and moved
about in the transport's buffer with each send.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

__all__ = ["Outgoing", "cut"]

PIECE = 256 * 1024
"""The bytes of a piece."""

AT_ONCE = 1000
"""The frames, of some hundred bytes each, that are as good as a piece."""

MOST = 1024 * 1024
"""With more waiting than this, the transport asks to be left alone."""


def cut(frames: list[bytes]) -> list[bytes]:
    """The same bytes in pieces."""
    whole = memoryview(b"".join(frames))
    return [bytes(whole[at : at + PIECE]) for at in range(0, len(whole), PIECE)]


class Outgoing:
    """What waits to be written to one transport."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting: deque[Iterator[list[bytes]]] = deque()
        self._is_paused = False
        transport.set_write_buffer_limits(high=MOST)

    def write(self, data: bytes) -> None:
        """Write behind all that waits."""
        if self._waiting:
            self._waiting.append(iter([[data]]))
        else:
            self._transport.write(data)

    def write_all(self, pieces: Iterable[bytes]) -> None:
        """Write one piece after the other."""
        self._add([piece] for piece in pieces)

    def write_each(self, frames: Iterable[bytes]) -> None:
        """Write each frame by itself, which over TLS makes a record of it."""
        left = iter(frames)
        self._add(iter(lambda: list(islice(left, AT_ONCE)), []))

    def pause(self) -> None:
        """The transport has enough."""
        self._is_paused = True

    def resume(self) -> None:
        """The transport wants more."""
        self._is_paused = False
        self._go_on()

    def _add(self, pieces: Iterator[list[bytes]]) -> None:
        self._waiting.append(pieces)
        if len(self._waiting) == 1:
            self._go_on()

    def _go_on(self) -> None:
        while self._waiting and not self._is_paused:
            pieces = next(self._waiting[0], None)
            if pieces is None:
                self._waiting.popleft()
            else:
                self._transport.writelines(pieces)
