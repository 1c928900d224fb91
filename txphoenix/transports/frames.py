"""A WebSocket client protocol that takes short ways through its frames.

Autobahn parses every kind of frame there is, and pays for it on each one: it
walks a frame through a dozen calls and copies the rest of its buffer twice.
Nearly all frames on a connection to Phoenix are of the simplest kind, here
called *plain*: data in one whole frame, unmasked, uncompressed, no reserved
bit set, its length written in the shortest form and within the limits.

Receiving
    Plain frames are found in the read buffer by offset, cut out and handed to
    ``onMessage``.
    The incomplete frame that a read ends in stays in the buffer.
    Autobahn's parser would take it too, but would then own the next read, which
    ends in the middle of a frame again.
    At the first byte of any other frame, Autobahn's own parser takes over, until
    it stands at the beginning of a frame again.
    Text that is not UTF-8 and frames over a limit are not plain, so that it is
    always Autobahn that fails a connection, and its code and reason are the same.
    Autobahn closes at the first wrong byte, before the frame is complete; so the
    text of an incomplete frame is looked at as well.
    That, and the buffer, would cost the square of a frame's size if it came in
    many small reads.
    So a long frame goes to Autobahn when it is incomplete: the short way would gain
    nothing on it.

Sending
    A data frame is a header, a mask and one exclusive or.
    Frames made while a read is worked off, or else in one turn of the reactor,
    leave in one write, ahead of whatever Autobahn writes after them.

Pausing
    A paused transport reads no more, but one read can hold hundreds of messages.
    While :meth:`FastFrameProtocol.pause_reading` is in force, these wait here,
    and control frames behind them.
    When a connection ends, pausing ends with it: what had arrived before a loss
    is delivered before ``onClose``, and after a close of our own the answer to it
    can be read.

Set ``fast_frames`` to false, and all frames go Autobahn's way.
They do as well if compression was negotiated, or if one of Autobahn's options
asks for more than a payload (see :meth:`FastFrameProtocol._is_plain_session`).
The short way leaves out Autobahn's counters of messages in ``trafficStats`` and its
hooks for parts of messages (``onMessageBegin`` and the like).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any, Final

from autobahn.twisted.websocket import WebSocketClientProtocol
from autobahn.websocket import USES_NVX
from autobahn.websocket.xormasker import (  # type: ignore[attr-defined]
    create_xor_masker,
)
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from .quiet_log import QuietLog

__all__ = ["FastFrameProtocol"]

_TEXT: Final = 0x81
"""First byte of a text message in one frame (RFC 6455 section 5.2)."""
_BINARY: Final = 0x82
_MASKED: Final = 0x80
_LENGTH_16: Final = 126
_LENGTH_64: Final = 127

_OPEN: Final = WebSocketClientProtocol.STATE_OPEN
_CLOSING: Final = WebSocketClientProtocol.STATE_CLOSING

_NO_LIMIT: Final = 2**63 - 1
"""The longest payload that RFC 6455 knows."""

_LONG_FRAME: Final = 16 * 1024
"""The size from which Autobahn's parser gets a frame that is incomplete."""

_NATIVE_MASKING_FROM: Final = 1500 if USES_NVX else _NO_LIMIT
"""The payload size from which Autobahn's native masking is faster than ours."""

_pack_16 = struct.Struct("!BBH").pack
_pack_64 = struct.Struct("!BBQ").pack


def _mask_keys() -> Iterator[bytes]:
    """Masking keys without end, as unpredictable as RFC 6455 section 10.3 asks.

    A call to the operating system costs several times what a key costs here.
    """
    while True:
        block = os.urandom(4096)
        for start in range(0, len(block), 4):
            yield block[start : start + 4]


_next_mask_key = _mask_keys().__next__


def _client_frame(first: int, payload: bytes) -> tuple[bytes, bytes]:
    """A masked frame in two parts, so that a long payload is not copied once more."""
    size = len(payload)
    if size < _LENGTH_16:
        head = bytes((first, _MASKED | size))
    elif size <= 0xFFFF:
        head = _pack_16(first, _MASKED | _LENGTH_16, size)
    else:
        head = _pack_64(first, _MASKED | _LENGTH_64, size)
    key = _next_mask_key()
    if size >= _NATIVE_MASKING_FROM:
        return head + key, create_xor_masker(key, size).process(payload)
    # The payload's number is four bytes shorter than the other.
    # So the key comes out whole in front of the masked payload.
    keys = (key * (size // 4 + 2))[: size + 4]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")
    return head, masked.to_bytes(size + 4, "big")


def _long_header(data: bytes, offset: int) -> tuple[int, int]:
    """Where the payload of the frame at ``offset`` begins, and its length.

    The length is negative if the frame is masked or its length takes more bytes than
    it needs, and 0 as long as the header is incomplete.
    """
    second = data[offset + 1]
    if second > _LENGTH_64:
        return offset, -1
    start = offset + (4 if second == _LENGTH_16 else 10)
    if start > len(data):
        return start, 0
    length = int.from_bytes(data[offset + 2 : start], "big")
    shortest = _LENGTH_16 if second == _LENGTH_16 else 0x10000
    return start, length if length >= shortest else -1


def _is_utf8(text: bytes) -> bool:
    """Whether the whole text is valid UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


class FastFrameProtocol(WebSocketClientProtocol):
    """Autobahn's client protocol with short ways for plain frames.

    Override ``onMessage`` and the other callbacks as in Autobahn's class, and send
    with :meth:`send_frame`.
    An exception out of ``onMessage`` goes to the reactor, which drops the
    connection.
    Where it does not, the messages behind that one are delivered with the next read.
    """

    # What Autobahn sets without saying so, or says too narrowly.
    transport: Any
    current_frame: Any
    maxMessagePayloadSize: int
    maxFramePayloadSize: int
    autoFragmentSize: int
    utf8validateIncoming: bool
    maskClientFrames: bool
    applyMask: bool
    logFrames: bool

    log = QuietLog()

    fast_frames = True
    """Whether plain frames take the short way; looked at when the session opens."""

    coalesce = True
    """Whether frames made in one turn of the reactor leave in one write."""

    _is_plain = False
    _is_receiving = False
    _is_paused = False
    _receive_limit = _NO_LIMIT
    _send_limit = _NO_LIMIT
    _read_size = 0
    _flush_call: IDelayedCall | None = None

    def __init__(self) -> None:
        super().__init__()
        self._outgoing: list[bytes] = []

    def _onOpen(self) -> None:
        """Find out what the session was opened with."""
        limits = [self.maxMessagePayloadSize, self.maxFramePayloadSize]
        self._receive_limit = min(filter(None, limits), default=_NO_LIMIT)
        self._send_limit = self.maxMessagePayloadSize or _NO_LIMIT
        self._is_plain = self.fast_frames and self._is_plain_session()
        super()._onOpen()

    def _is_plain_session(self) -> bool:
        """Whether a frame is no more than its payload, both ways."""
        return (
            self._perMessageCompress is None
            and self.utf8validateIncoming
            and self.maskClientFrames
            and self.applyMask
            and not self.autoFragmentSize
            and not self.logFrames
            and not self.trackTimings
        )

    # Receiving

    def dataReceived(self, data: bytes) -> None:
        """Take what was read, without Autobahn's line of log for each read."""
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
                self.flush_frames()

    def _may_consume(self) -> bool:
        """Whether what is in the buffer may be delivered."""
        if self.state == _OPEN:
            return not self._is_paused
        return self.state == _CLOSING

    def _consume_some(self) -> bool:
        """Go one step on; return whether another can follow."""
        if self._is_at_plain_frame():
            needed = self._take_plain_frames()
            if self._is_paused or self.state != _OPEN or 0 < needed <= len(self.data):
                return True
            if needed and self._is_worth_waiting(needed):
                return False
        return self.processData()

    def _is_at_plain_frame(self) -> bool:
        """Whether a frame begins here that may be a plain one."""
        return (
            self._is_plain
            and self.state == _OPEN
            and self.current_frame is None
            and not self.inside_message
            # Autobahn may take any frame for a sign of life, instead of the pong.
            and self.autoPingTimeoutCall is None
            # Somebody has asked Autobahn to be told of each message as well.
            and self._listeners is None
        )

    def _take_plain_frames(self) -> int:
        """Deliver the plain frames that the buffer begins with.

        :return: how many bytes the next frame or its header needs, if it is plain as
            far as it has come; otherwise 0.
        """
        data, self.data = self.data, b""
        size = len(data)
        limit = self._receive_limit
        on_message = self.onMessage
        offset = 0
        try:
            while not self._is_paused and self.state == _OPEN:
                start = offset + 2
                if start > size:
                    return 2
                first = data[offset]
                length = data[offset + 1]
                if length >= _LENGTH_16:
                    start, length = _long_header(data, offset)
                if first not in (_TEXT, _BINARY) or not 0 <= length <= limit:
                    return 0
                end = start + length
                if end > size:
                    return end - offset
                payload = data[start:end]
                if first == _TEXT and not (payload.isascii() or _is_utf8(payload)):
                    return 0
                offset = end
                on_message(payload, first == _BINARY)
            return 0
        finally:
            # A callback may have had the transport deliver more.
            self.data = data[offset:] + self.data

    def _is_worth_waiting(self, needed: int) -> bool:
        """Whether the incomplete frame in the buffer is good so far, and not too long.

        Each read looks at all of it again, so it may take only a few reads.
        """
        data = self.data
        if needed > max(_LONG_FRAME, 4 * self._read_size):
            return False
        if len(data) < 2 or data[0] != _TEXT:
            return True
        start = 2 if data[1] < _LENGTH_16 else _long_header(data, 0)[0]
        text = data[start:]
        if text.isascii():
            return True
        if needed > _LONG_FRAME:
            return False
        # Python's incremental decoder sees a surrogate only when it is complete.
        self.utf8validator.reset()
        return bool(self.utf8validator.validate(text)[0])

    def _onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Deliver a message that Autobahn's parser has put together.

        Its parser leaves a message only after ``onMessage`` has returned.
        An exception there would have it deliver the message again.
        """
        self.current_frame = None
        self.inside_message = False
        super()._onMessage(payload, isBinary)

    # Pausing

    def pause_reading(self) -> None:
        """Deliver no further message until :meth:`resume_reading`."""
        self._is_paused = True
        self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Deliver what was held back, in order, and read on.

        The messages are delivered before this returns, unless it is called while one
        is being delivered: then they follow that one.
        One of them may pause again.
        """
        self._is_paused = False
        try:
            self.consumeData()
        finally:
            if not self._is_paused:
                self.transport.resumeProducing()

    # Sending

    def send_frame(self, payload: bytes, is_binary: bool) -> None:
        """Send one message in one frame.

        :raises autobahn.exception.Disconnected: the session is not open.
        :raises autobahn.exception.PayloadExceededError: the payload is longer than
            ``maxMessagePayloadSize`` bytes.
        """
        if not self._is_plain or self.state != _OPEN or len(payload) > self._send_limit:
            self.sendMessage(payload, is_binary)  # type: ignore[no-untyped-call]
            return
        self._outgoing += _client_frame(_BINARY if is_binary else _TEXT, payload)
        if not self.coalesce:
            self.flush_frames()
        elif not self._is_receiving and self._flush_call is None:
            self._flush_call = self.factory.reactor.callLater(0, self._flush_late)

    def flush_frames(self) -> None:
        """Write at once what :meth:`send_frame` has collected."""
        if self._outgoing:
            data = b"".join(self._outgoing)
            self._outgoing.clear()
            if self.send_queue:
                super().sendData(data)
            else:
                self.transport.write(data)

    def _flush_late(self) -> None:
        """Write what was collected outside of a read."""
        self._flush_call = None
        self.flush_frames()

    def sendData(
        self, data: bytes, sync: bool = False, chopsize: int | None = None
    ) -> None:
        """Write what Autobahn has made, after the frames that are older."""
        self.flush_frames()
        super().sendData(data, sync, chopsize)

    # Closing

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,
        isReply: bool = False,
    ) -> None:
        """Begin or answer the closing handshake, and read on for its end."""
        super().sendCloseFrame(code, reasonUtf8, isReply)
        if self._is_paused:
            self.transport.resumeProducing()

    def _closeConnection(self, abort: bool = False) -> None:
        """Close the transport; unless it is aborted, what was sent goes out first."""
        if not abort:
            self.flush_frames()
        super()._closeConnection(abort)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Deliver what a pause held back, then tell of the end."""
        try:
            if self._is_paused:
                self._is_paused = False
                self.consumeData()
        finally:
            self._outgoing.clear()
            if self._flush_call is not None:
                self._flush_call.cancel()
                self._flush_call = None
            super().connectionLost(reason)
