"""A WebSocket client protocol that takes short ways through its frames.

Autobahn parses every kind of frame there is, and pays for it on each one: it walks
a frame through a dozen calls and copies the rest of its buffer twice.
Nearly all frames on a connection to Phoenix are of the simplest kind, here called
*plain*: data in one whole frame, unmasked, no reserved bit set but for what the session
compresses, its length in the shortest form and within the limits.

Receiving
    Plain frames are found in the read buffer by offset, cut out and handed to
    ``onMessage``.
    The incomplete frame that a read ends in is put together from the reads that bring
    it (:mod:`~txphoenix.transports.incomplete_frames`).
    At any other frame Autobahn's parser takes over, up to the end of the message.
    Text that is not UTF-8 and frames over a limit are not plain, so it is always
    Autobahn that fails a connection, with its code and its reason.
Sending
    A data frame is a header, a mask and one exclusive or.
    Frames made in one turn of the reactor leave in one write
    (:mod:`~txphoenix.transports.frame_writer`), ahead of whatever Autobahn writes
    after them.
    So do those made while a read is worked off, by 32 at a time: a read may hold
    hundreds of messages, and the server need not wait for the answer to the last.
Pausing
    A paused transport reads no more, but one read can hold hundreds of messages.
    These wait in the buffer, and the control frames behind them.
    Pausing ends with the session: what had arrived before a loss is delivered before
    ``onClose``, and the answer to a close of ours can be read.

With ``fast_frames`` set to false, the client's option, all frames go Autobahn's way.
They do as well in a session of which more is asked than payloads
(:mod:`~txphoenix.transports.short_way`).
The short way knows nothing of Autobahn's counts of messages in ``trafficStats`` and
its hooks for parts of messages (``onMessageBegin`` and the like).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from autobahn.twisted.websocket import WebSocketClientProtocol
from twisted.internet.base import DelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from ..runtime.quiet_log import QuietLog
from .compressed_frames import COMPRESSED, DEFLATED_TEXT, CompressedFrames
from .fragments import FragmentLimitProtocol
from .frame_writer import MOST_PARTS, NO_LIMIT, FrameWriter
from .incomplete_frames import IncompleteFrame, begun_frame
from .interfaces import LifeSigns
from .masking import BINARY, PONG, TEXT, masked_frame
from .plain_frames import take_plain_frames
from .short_way import is_at_frame, is_plain_session

__all__ = ["FastFrameProtocol"]

_CLOSED: Final = WebSocketClientProtocol.STATE_CLOSED
_CLOSING: Final = WebSocketClientProtocol.STATE_CLOSING
_OPEN: Final = WebSocketClientProtocol.STATE_OPEN
# So many frames, of two parts each, are enough for a write in the middle of a read.
_MANY_PARTS: Final = 2 * 32


class FastFrameProtocol(FragmentLimitProtocol):
    """Autobahn's client protocol with short ways for plain frames.

    An exception out of ``onMessage`` goes to the reactor, which drops the connection.
    Where it does not, the messages behind that one are delivered with the next read.
    """

    log = QuietLog()

    unsent_frames = 0
    """How many frames had not left when the connection was lost."""

    fast_frames = True
    """Whether plain frames take the short way; looked at when the session opens."""

    coalesce = True
    """Whether frames made in one turn of the reactor leave in one write."""

    def __init__(self) -> None:
        super().__init__()
        self.set_frames_up()

    def set_frames_up(self) -> None:
        """Set all that is of a connection, but for what Autobahn sets."""
        self._writer = FrameWriter(self)
        # All are set here, for they are faster to read than those of the class.
        self._flush_call: DelayedCall | None = None
        self._is_paused = False
        self._is_plain = False
        self._is_receiving = False
        self._read_size = 0
        self._incomplete: IncompleteFrame | None = None
        self._compressed: CompressedFrames | None = None
        self._receive_limit = NO_LIMIT

    def _onOpen(self) -> None:
        """Find out what the session was opened with."""
        limits = [self.maxMessagePayloadSize, self.maxFramePayloadSize]
        self._receive_limit = min(filter(None, limits), default=NO_LIMIT)
        self._is_plain = self.fast_frames and is_plain_session(self)
        if self._is_plain and self._perMessageCompress is not None:
            self._compressed = CompressedFrames(self)
        longest = limits[0] or NO_LIMIT
        self._writer.open(
            self.transport,
            longest if self._is_plain else -1,
            collects=self._compressed is None,
        )
        # Autobahn would read all parts of the server's certificate first, for nobody.
        self.onOpen()

    # -- Receiving ----------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Take what was read, without Autobahn's line of log for each read."""
        if self.state != _CLOSED:
            # What still comes then would be kept until the transport is gone.
            self._read_size = len(data)
            self._dataReceived(data)

    def consumeData(self) -> None:
        """Work off what is in the buffer, as far as it goes."""
        if self.state != _OPEN and self.state != _CLOSING:
            super().consumeData()
        elif not self._is_receiving:
            self._is_receiving = True
            try:
                while self._may_consume() and self._consume_some():
                    pass
            finally:
                self._is_receiving = False
                writer = self._writer
                if writer.parts:
                    writer.flush()

    def _may_consume(self) -> bool:
        """Whether what is in the buffer may be delivered."""
        return not self._is_paused if self.state == _OPEN else self.state == _CLOSING

    def _consume_some(self) -> bool:
        """Go one step on; return whether another can follow."""
        if self._is_plain and is_at_frame(self):
            if self._incomplete is None:
                needed = take_plain_frames(self)
                if self._is_paused or self.state != _OPEN:
                    return True
                if needed:
                    if not self.data:
                        return False
                    # A callback may have had the transport deliver more.
                    if needed <= len(self.data):
                        return True
                    self._incomplete = begun_frame(self.data, self.utf8validator)
                    if self._incomplete is None:
                        return False
                    self.data = self.data[needed - self._incomplete.missing :]
            if self._incomplete is not None and self._go_on_with(self._incomplete):
                return bool(self.data)
        if self._incomplete is not None:
            # Autobahn's parser takes it, from its beginning.
            incomplete, self._incomplete = self._incomplete, None
            self.data = incomplete.taken() + self.data
        return self.processData()

    def _go_on_with(self, incomplete: IncompleteFrame) -> bool:
        """Add what has come to the incomplete frame, and deliver it once it is whole.

        :return: whether it is a plain frame so far.
        """
        data, missing = self.data, incomplete.missing
        if len(data) < missing:
            self.data = b""
            return incomplete.add(data)
        self.data = data[missing:]
        if not incomplete.add(data[:missing]) or incomplete.size > self._receive_limit:
            return False
        first = incomplete.first
        payload = incomplete.payload()
        if first & COMPRESSED and self._compressed is not None:
            inflated = self._compressed.inflate(payload, first == DEFLATED_TEXT)
            if inflated is None:
                return False
            payload = inflated
        self._incomplete = None
        self.onMessage(payload, first & BINARY == BINARY)
        return True

    def receiver_of(self, _read: bytes) -> Callable[[bytes, bool], None]:
        """What takes the plain frames in a read: ``onMessage``, but for subclasses."""
        return self.onMessage

    # -- Pausing ------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Deliver no further message until :meth:`resume_reading`.

        It does nothing once the closing handshake has begun.
        """
        if self.state == _OPEN:
            self._is_paused = True
            self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Deliver what was held back, in order, and read on.

        The messages are delivered before this returns, or behind the one that is being
        delivered when this is called; any of them may pause again.
        """
        if self._is_paused:
            self._is_paused = False
            try:
                self.consumeData()
            finally:
                if not self._is_paused and self.state != _CLOSED:
                    self.transport.resumeProducing()

    # -- Sending ------------------------------------------------------------------

    def send_frame(self, payload: bytes, is_binary: bool) -> int:
        """Send one message.

        :return: a mark for :meth:`has_left`.
        :raises autobahn.exception.Disconnected: the session is not open.
        :raises autobahn.exception.PayloadExceededError: the payload is longer than
            ``maxMessagePayloadSize`` bytes.
        """
        writer = self._writer
        if len(payload) > writer.short or self.state != _OPEN:
            return self._send_otherwise(payload, is_binary)
        parts = writer.parts
        parts += masked_frame(BINARY if is_binary else TEXT, payload)
        count = len(parts)
        mark = writer.written + count
        if self._is_receiving:
            if count >= _MANY_PARTS or not self.coalesce:
                self.flush_frames()
        elif self._flush_call is None:
            if self.coalesce:
                self._flush_call = self.factory.reactor.callLater(0, self._flush_due)
            else:
                self.flush_frames()
        elif count >= MOST_PARTS:
            self.flush_frames()
        return mark

    def _send_otherwise(self, payload: bytes, is_binary: bool) -> int:
        """Send a message that is long, or meets others that wait, or is not plain."""
        writer = self._writer
        if self.state != _OPEN or len(payload) > writer.longest:
            self.sendMessage(payload, is_binary)
        else:
            first = BINARY if is_binary else TEXT
            if self._compressed is not None:
                payload = self._compressed.deflate(payload)
                first |= COMPRESSED
            parts = writer.parts
            parts += masked_frame(first, payload)
            self.flush_frames()
        return writer.written

    def _flush_due(self) -> None:
        """Write what was sent in the turn of the reactor that is over."""
        self._flush_call = None
        self._writer.flush()

    def has_left(self, mark: int) -> bool:
        """Whether a message has been handed to the system, all of it.

        After the loss it tells what was so then.

        :param mark: what :meth:`send_frame` has returned.
        """
        return self._writer.has_left(mark)

    def withdraw(self, mark: int) -> bool:
        """Take a message back that waits to be written.

        A message that was compressed cannot be, for the next ones refer to it.

        :param mark: what :meth:`send_frame` has returned.
        :return: whether nothing of it has left, nor ever will.
        """
        is_alone = self._perMessageCompress is None and not self.autoFragmentSize
        if not is_alone or not self._writer.is_blocked:
            return False
        self.flush_frames()
        return self._writer.withdraw(mark)

    def follow_writes(self) -> None:
        """Have :meth:`signs_of_life` tell of what was sent up to now."""
        self.flush_frames()
        self._writer.follow()

    def signs_of_life(self) -> LifeSigns:
        """What the peer has shown of itself."""
        # It is set by each read, and read only while that is worked off.
        has_read, self._read_size = self._read_size > 0, 0
        return self._writer.signs_of_life(has_read, self._is_paused)

    def limit_writes(self, size: int) -> None:
        """Say from now on that it is enough when so many bytes wait."""
        self._writer.limit_writes(size)

    def limit_messages(self, size: int) -> None:
        """Take and send messages of at most so many bytes from now on."""
        self.maxMessagePayloadSize = self.maxFramePayloadSize = size
        self._receive_limit = size
        if self._is_plain:
            self._writer.limit_frames(size)

    def writes_full(self) -> None:
        """As many bytes wait as may; more are taken all the same."""

    def writes_free(self) -> None:
        """Fewer bytes wait again."""

    def flush_frames(self, is_last: bool = False) -> None:
        """Write at once what :meth:`send_frame` has collected.

        :param is_last: whether the connection is about to be aborted.
        """
        if self._flush_call is not None:
            if self._flush_call.active():
                self._flush_call.cancel()
            self._flush_call = None
        self._writer.flush(is_last)

    def write_behind(self, data: bytes) -> None:
        """Write behind what Autobahn writes bit by bit."""
        super().sendData(data)

    def sendData(
        self, data: bytes, sync: bool = False, chopsize: int | None = None
    ) -> None:
        """Write what Autobahn has made, after the frames that are older."""
        writer = self._writer
        if not writer.is_open or sync or chopsize or self.send_queue:
            self.flush_frames()
            if (sync or chopsize) and not self.send_queue:
                self.send_queue = deque()
            super().sendData(data, sync, chopsize)
            return
        parts = writer.parts
        parts += (data, b"")
        self.flush_frames()
        self.trafficStats.outgoingOctetsWireLevel += len(data)

    def sendPong(self, payload: bytes | None = None) -> None:
        """Answer a ping; while others wait to be written, the latest one alone."""
        if not self._writer.is_blocked or self.state != _OPEN:
            super().sendPong(payload)
        else:
            self._writer.pong(b"".join(masked_frame(PONG, payload or b"")))

    # -- Closing ------------------------------------------------------------------

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,
        isReply: bool = False,
    ) -> None:
        """Begin or answer the closing handshake, and read on for its end."""
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self._is_paused and self.state == _CLOSING:
            self.transport.resumeProducing()

    def _closeConnection(self, abort: bool = False) -> None:
        """Close the transport; unless it is aborted, what was sent goes out first."""
        # A transport that is aborted drops what it was given and has not written.
        self.flush_frames(abort)
        # The end of TLS is an answer that has to be read.
        if self._is_paused and not abort:
            self.transport.resumeProducing()
        self._writer.close(partial(super()._closeConnection, abort), abort=abort)

    def unregisterProducer(self) -> None:
        """Be no producer any more; Autobahn calls it before each end."""
        self._writer.unwatch()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Deliver what a pause held back, then tell of the end."""
        try:
            # What is delivered may pause again.
            while self._is_paused:
                self._is_paused = False
                self.consumeData()
        finally:
            self._incomplete = None
            self.unsent_frames = self._writer.end()
            self.flush_frames()
            super().connectionLost(reason)
