"""What waits to be written to one connection, and what of it has left.

::

    write() --> the kernel                               nearly always, and at once
        |          ^
        v          | what the transport has not written: about 64 KiB
      frames --> transport
                   |
                   v  it has written everything
                resumeProducing(), which gives it more

A transport of Twisted's takes whatever it is given, and a server that does not read
would have it grow without end.
So it is given no more than keeps it busy, and the rest waits here, where it can be
counted, frame by frame: a frame that has not left whole was never sent, whatever comes
of the connection.

Under TLS it has left when its record has, for nobody can read the half of a record.
So what is handed over at a time fits into one; but a piece of a single long frame, of
which nothing counts before its end, may be several records of our own TLS.

A transport that is not Twisted's own cannot be asked what it holds.
It is given data until it says that it has enough, and that counts as written.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final, Protocol, cast

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import IConsumer, IPullProducer, IPushProducer
from zope.interface import implementer

from .fast_tls import FastTLSTransport
from .waiting_frames import LONGEST_PIECE, WaitingFrames
from .write_at_once import write_some
from .writing import (
    descriptor_of,
    in_kernel,
    unwritten,
    unwritten_by,
    write_through,
)

__all__ = ["WriteBuffer", "WriteBufferOwner"]

# With so many bytes the transport has enough to do until it asks for more.
_ENOUGH: Final = 2**16
# As much of one frame, its header included, is handed to our own TLS at a time.
_LONG_PIECE: Final = 2**16 + 16


class WriteBufferOwner(Protocol):
    """Who is told how the buffer fares."""

    def writes_full(self) -> None:
        """As many bytes wait as may."""

    def writes_free(self) -> None:
        """Fewer do again."""


@implementer(IPushProducer, IPullProducer)
class WriteBuffer:
    """The frames that wait for one transport.

    :param transport: is written to by nobody else.
    :param limit: how many bytes may wait; more are taken all the same.
    :param owner: is told.
    """

    __slots__ = (
        "_followed",
        "_followed_end",
        "_frames",
        "_handed_bytes",
        "_in_transit",
        "_is_full",
        "_is_held",
        "_is_tls",
        "_is_watching",
        "_left",
        "_limit",
        "_longest_piece",
        "_own_tls",
        "_owner",
        "_transport",
        "accepted",
        "descriptor",
        "waiting",
    )

    def __init__(self, transport: Any, limit: int, owner: WriteBufferOwner) -> None:
        self._transport = transport
        self._limit = limit
        self._owner: WriteBufferOwner | None = owner
        self.descriptor = descriptor_of(transport)
        self._is_tls = self.descriptor is not None and self.descriptor is not transport
        # It writes at once, and says what has become of it.
        self._own_tls: FastTLSTransport | None = None
        self._longest_piece = LONGEST_PIECE
        if self._is_tls and isinstance(transport, FastTLSTransport):
            self._own_tls = transport
            self._longest_piece = _LONG_PIECE
        self.accepted = 0
        """How many frames :meth:`write` has been given."""
        self.waiting = 0
        """How many bytes of them have not been handed to the transport."""
        # Made at its first use: an idle connection has nothing to write.
        self._frames: WaitingFrames | None = None
        # How many frames have left, and how many had been handed over whole once so
        # many bytes had been handed to the descriptor.
        self._left = 0
        self._in_transit: list[tuple[float, int]] | None = None
        self._handed_bytes = 0
        # The frames whose way is followed, and the byte with which the last was handed
        # over.
        self._followed = 0
        self._followed_end: int | None = None
        self._is_full = False
        # Whether the transport has said that it has enough, and whether it will tell
        # when it has not.
        self._is_held = False
        self._is_watching = False
        if self.descriptor is None and IConsumer.providedBy(transport):
            self._is_watching = True
            transport.registerProducer(self, True)

    # -- What the protocol calls --------------------------------------------------

    @property
    def is_blocked(self) -> bool:
        """Whether anything waits here: the peer reads more slowly than is written."""
        return self.waiting > 0

    def write(self, parts: list[bytes], is_last: bool = False) -> None:
        """Write frames, each of two parts.

        :param is_last: have them leave in the reactor's next turn at the earliest, so
            that an abort that follows keeps them here.
        """
        # To join one part with nothing would copy it.
        data = b"".join(parts) if parts[1] or len(parts) > 2 else parts[0]
        size = len(data)
        written = 0
        if self.waiting or is_last:
            self.accepted += len(parts) >> 1
        elif self._is_tls:
            # Of two frames in two records, the first may leave before the second.
            most = self._longest_piece if len(parts) == 2 else LONGEST_PIECE
            if size <= most and self._write_record(data, len(parts) >> 1):
                return
            self.accepted += len(parts) >> 1
        else:
            self.accepted += len(parts) >> 1
            if self.descriptor is not None:
                written = write_some(self._transport, data)
            elif not self._is_held:
                self._transport.write(data)
                written = size
            if written == size:
                self._handed_bytes += size
                return
        self._keep(parts, size, written, is_last)

    def pong(self, frame: bytes) -> None:
        """Write a pong before the next frame, in place of one that has not left.

        The answer to the latest ping is enough (RFC 6455 section 5.5.3).
        """
        if self._frames is None:
            self._frames = WaitingFrames()
        self.waiting += self._frames.pong(frame)

    def has_left(self, count: int) -> bool:
        """Whether so many frames have left this process, whole."""
        return count <= self._count_left()

    def withdraw(self, count: int) -> bool:
        """Take the frame back with which so many were accepted.

        :return: whether it could be: nothing of it has been handed over.
        """
        frames = self._frames
        if frames is None:
            return False
        size = frames.withdraw(count - 1 - (self.accepted - len(frames)))
        if size is None:
            return False
        self.waiting -= size
        self._tell()
        return True

    def follow(self) -> None:
        """Have :meth:`progress` tell of what has been accepted up to now."""
        self._followed = self.accepted
        self._followed_end = None

    def progress(self) -> tuple[int, bool]:
        """How many bytes the peer has acknowledged, as far as the system tells.

        :return: also whether it has not acknowledged all that was followed.
        """
        descriptor = self.descriptor
        taken = self._handed_bytes
        if descriptor is not None:
            taken -= unwritten(self._transport) + in_kernel(descriptor)
        if self.accepted - len(self._frames or ()) < self._followed:
            return taken, True
        if self._followed_end is None:
            self._followed_end = self._handed_bytes
        return taken, taken < self._followed_end

    def limit(self, limit: int) -> None:
        """Let another number of bytes wait."""
        self._limit = limit
        self._tell()

    def unwatch(self) -> None:
        """Ask the transport for no more news of what it has written."""
        if self._is_watching:
            self._is_watching = False
            (self.descriptor or self._transport).unregisterProducer()

    def close(self, close: Callable[[], None], *, abort: bool) -> None:
        """Close the transport.

        :param close: does it.
        :param abort: whether it drops what it has not written.
            Otherwise it is given first all that waits.
        """
        self.unwatch()
        while self.waiting and not abort:
            self._hand_over()
        self._count_left()
        if self.descriptor is None:
            close()
            return
        before = unwritten(self._transport)
        close()
        # TLS says goodbye, behind all that was handed over.
        if self._transport is not None:
            self._handed_bytes += unwritten(self._transport) - before

    def end(self) -> int:
        """The transport is lost: forget what waits, but not what has left.

        :return: how many frames have not.
        """
        lost = self.accepted - self._count_left()
        if self._frames is not None:
            # Those that were taken back are none.
            lost -= self._frames.count_withdrawn()
        self._is_watching = False
        self._frames = self._in_transit = self._owner = None
        self._transport = self.descriptor = self._own_tls = None
        self.waiting = 0
        return lost

    # -- What the transport calls -------------------------------------------------

    def pauseProducing(self) -> None:
        """Have the transport work off what it has."""
        self._is_held = True

    def resumeProducing(self) -> None:
        """Give the transport more: it has written everything."""
        self._is_held = False
        self._go_on()

    def stopProducing(self) -> None:
        """The connection is lost, as the protocol will be told."""

    # -- Inside -------------------------------------------------------------------

    def _keep(self, parts: list[bytes], size: int, written: int, is_last: bool) -> None:
        frames = self._frames
        if frames is None:
            frames = self._frames = WaitingFrames()
        frames.add(parts, written)
        self.waiting += size - written
        if written:
            self._handed_bytes += written
            self._left = self.accepted - len(frames)
        self._go_on(not is_last)

    def _go_on(self, at_once: bool = True) -> None:
        while self.waiting and self._may_hand_over():
            self._hand_over(at_once)
        if not self.waiting:
            # An empty queue takes 760 bytes.
            self._frames = None
        self._tell()

    def _may_hand_over(self) -> bool:
        if self.descriptor is None:
            return not self._is_held
        return unwritten(self._transport) < _ENOUGH

    def _hand_over(self, at_once: bool = True) -> None:
        """Give the transport the next piece.

        :param at_once: whether our own TLS may write it before the reactor's next turn.
        """
        self._count_left()
        piece = cast(WaitingFrames, self._frames).take_piece(self._longest_piece)
        self.waiting -= len(piece)
        transport = self._transport
        if self.descriptor is None:
            transport.write(piece)
            return
        self._note(write_through(transport, piece, at_once), len(piece))

    def _note(self, taken: int, size: int) -> None:
        """Remember with which byte what is now handed over will have left."""
        self._handed_bytes += taken
        # A transport that is closing drops what it is given.
        position = self._handed_bytes if taken >= size else inf
        handed = self.accepted - len(self._frames or ())
        if self._in_transit is None:
            self._in_transit = []
        self._in_transit.append((position, handed))

    def _write_record(self, data: bytes, count: int) -> bool:
        """Have TLS write frames, if it has not much to do.

        They fit into one record, but a single one may be several of our own TLS.
        It is what :meth:`_hand_over` does, in fewer steps: it is on the way of each
        message under TLS.
        """
        descriptor, own_tls = cast(FileDescriptor, self.descriptor), self._own_tls
        held = unwritten_by(descriptor)
        if own_tls is not None:
            held += own_tls.kept_bytes
        if held >= _ENOUGH:
            return False
        if not held and self._in_transit:
            self._in_transit.clear()
            self._left = self.accepted
        self.accepted += count
        size = len(data)
        if own_tls is None:
            taken = write_through(self._transport, data)
        else:
            taken = own_tls.write_out(data)
            if not held and taken >= size and not descriptor._tempDataLen:
                # It has left whole, as nearly all does.
                self._handed_bytes += taken
                return True
            if taken < size:
                # It has been kept, or dropped.
                taken = unwritten(self._transport) - held
        self._note(taken, size)
        if held + taken >= self._limit:
            self._tell()
        return True

    def _count_left(self) -> int:
        in_transit = self._in_transit
        if in_transit and self.descriptor is not None:
            written = self._handed_bytes - unwritten(self._transport)
            while in_transit and in_transit[0][0] <= written:
                self._left = max(self._left, in_transit.pop(0)[1])
        if not in_transit and self._transport is not None:
            # Whatever was handed over has been written.
            self._left = self.accepted - len(self._frames or ())
        return self._left

    def _tell(self) -> None:
        """Tell the owner what has changed, last of all: it may call anything."""
        waiting = self.waiting
        if self.descriptor is not None:
            waiting += unwritten(self._transport)
        is_full = waiting >= self._limit
        if self.waiting or is_full:
            self._watch()
        elif self.descriptor is not None:
            self.unwatch()
        owner = self._owner
        if owner is not None and is_full is not self._is_full:
            self._is_full = is_full
            if is_full:
                owner.writes_full()
            else:
                owner.writes_free()

    def _watch(self) -> None:
        descriptor = self.descriptor
        if self._is_watching or descriptor is None:
            return
        if descriptor.producer is not None:
            # Somebody else's, so that nobody would tell us; this is what is left.
            while self.waiting:
                self._hand_over()
            return
        self._is_watching = True
        descriptor.registerProducer(self, False)
