"""The frames that are made in one turn of the reactor, which leave in one write.

::

    FastFrameProtocol.send_frame -> FrameWriter -> WriteBuffer -> transport
                                    collects       waits for a peer that reads slowly

Whoever makes a frame appends its two parts to :attr:`FrameWriter.parts`, as long as its
payload is no longer than :attr:`FrameWriter.short`: this is on the way of each push.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from .interfaces import LifeSigns
from .write_buffer import WriteBuffer, WriteBufferOwner
from .writing import bytes_received, has_room, unwritten

__all__ = ["MOST_PARTS", "NO_LIMIT", "FrameWriter", "FrameWriterOwner"]

NO_LIMIT: Final = 2**63 - 1
"""The longest payload that RFC 6455 knows."""

MOST_PARTS: Final = 2 * 1024
"""With so many there is a write before the turn of the reactor is over."""


class FrameWriterOwner(WriteBufferOwner, Protocol):
    """The protocol whose frames are written."""

    @property
    def transport(self) -> Any:
        """What it is written to."""

    @property
    def send_queue(self) -> Any:
        """What Autobahn writes bit by bit, ahead of all else."""

    def write_behind(self, data: bytes) -> None:
        """Write behind what Autobahn writes bit by bit."""


class FrameWriter:
    """Collects the frames of one connection, and writes them.

    :param owner: makes them, and is told how many wait.
    """

    __slots__ = (
        "_buffer",
        "_came",
        "_collects",
        "_counter",
        "_limit",
        "_owner",
        "longest",
        "parts",
        "short",
        "written",
    )

    def __init__(self, owner: FrameWriterOwner) -> None:
        # None after the loss.
        self._owner: FrameWriterOwner | None = owner
        # What waits for the transport, once the session is open.
        self._buffer: WriteBuffer | None = None
        # What is no descriptor of Twisted's may count what comes, as the kit's does.
        self._counter: Any = None
        # How many bytes had ever come from the peer, as far as the system tells.
        self._came = 0
        self._limit = NO_LIMIT
        self._collects = True
        self.parts: list[bytes] = []
        """Frames, each of two parts, until they are written."""
        self.written = 0
        """How many parts were."""
        self.longest = -1
        """The longest payload of a frame that may be collected here."""
        self.short = -1
        """The longest payload that need not be counted before it is written."""

    # -- How much of it -----------------------------------------------------------

    def open(self, transport: Any, longest: int, *, collects: bool = True) -> None:
        """The session is open.

        :param longest: the longest payload of its frames; -1 if Autobahn makes them.
        :param collects: whether frames are collected before they are written.
        """
        self._collects = collects
        if self._owner is not None:
            self._buffer = WriteBuffer(transport, self._limit, self._owner)
            if self._buffer.descriptor is None and hasattr(transport, "bytes_received"):
                self._counter = transport
        self.limit_frames(longest)

    def limit_frames(self, longest: int) -> None:
        """Let frames have payloads of another length from now on."""
        self.longest = longest
        self._set_short()

    def limit_writes(self, size: int) -> None:
        """Say from now on that it is enough when so many bytes wait."""
        self._limit = size
        if self._buffer is not None:
            self._set_short()
            self._buffer.limit(size)

    def _set_short(self) -> None:
        """Decide again which payloads are short.

        As many of them as leave in one write are no more than may wait.
        """
        if self.is_blocked or not self._collects:
            self.short = -1
        else:
            self.short = min(self._limit // (MOST_PARTS // 2), self.longest)

    # -- Writing ------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the session has been opened."""
        return self._buffer is not None

    @property
    def is_blocked(self) -> bool:
        """Whether the peer reads more slowly than is written."""
        return self._buffer is not None and self._buffer.is_blocked

    def flush(self, is_last: bool = False) -> None:
        """Write what has been collected.

        :param is_last: whether the connection is about to be aborted.
        """
        parts, buffer, owner = self.parts, self._buffer, self._owner
        if not parts or owner is None:
            return
        self.written += len(parts)
        # Whoever is told that there is room may send more.
        self.parts = []
        if buffer is None or owner.send_queue:
            owner.write_behind(b"".join(parts))
            return
        was_blocked = buffer.waiting
        buffer.write(parts, is_last)
        if was_blocked or buffer.waiting:
            self._set_short()

    def pong(self, frame: bytes) -> None:
        """Write a pong before the next frame, in place of one that has not left."""
        if self._buffer is not None:
            self._buffer.pong(frame)

    @property
    def unwritten(self) -> int:
        """How many bytes wait to be written, as far as the transport tells."""
        size = sum(map(len, self.parts))
        if self._buffer is None or self._owner is None:
            return size
        if self._buffer.descriptor is not None:
            size += unwritten(self._owner.transport)
        return size + self._buffer.waiting

    # -- What has become of it ----------------------------------------------------

    def has_left(self, mark: int) -> bool:
        """Whether so many parts have been handed to the system."""
        buffer = self._buffer
        return (
            buffer is not None and mark <= self.written and buffer.has_left(mark >> 1)
        )

    def withdraw(self, mark: int) -> bool:
        """Take the frame back with which there were so many parts.

        :return: whether nothing of it has left, nor ever will.
        """
        return self._buffer is not None and self._buffer.withdraw(mark >> 1)

    def follow(self) -> None:
        """Have :meth:`progress` tell of what has been written up to now."""
        if self._buffer is not None:
            self._buffer.follow()

    def signs_of_life(self, has_read: bool, is_paused: bool) -> LifeSigns:
        """What the peer has shown of itself.

        :param has_read: whether anything was read since this was asked last.
        :param is_paused: whether nothing is read for now.
        """
        buffer = self._buffer
        if buffer is None:
            return LifeSigns(has_read, 0, False)
        before = self._came
        if self._counter is None:
            self._came = bytes_received(buffer.descriptor)
            is_heard = is_paused and has_room(buffer.descriptor)
        else:
            self._came, is_heard = self._counter.bytes_received, is_paused
        has_read = has_read or before < self._came
        return LifeSigns(has_read, *buffer.progress(), is_heard)

    # -- The end ------------------------------------------------------------------

    def unwatch(self) -> None:
        """Ask the transport for no more news of what it has written."""
        if self._buffer is not None:
            self._buffer.unwatch()

    def close(self, close: Callable[[], None], *, abort: bool) -> None:
        """Close the transport, as :meth:`WriteBuffer.close` does."""
        if self._buffer is None:
            close()
        else:
            self._buffer.close(close, abort=abort)

    def end(self) -> int:
        """The transport is lost: forget what waits.

        :return: how many frames have not left.
        """
        lost = len(self.parts) >> 1
        self.parts.clear()
        self._owner = self._counter = None
        return lost if self._buffer is None else lost + self._buffer.end()
