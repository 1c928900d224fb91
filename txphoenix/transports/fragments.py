"""Messages that come in many pieces, at a cost that their size bounds.

A message may come in any number of frames (RFC 6455 section 5.4), empty ones included,
and a frame in any number of reads.
Autobahn keeps a list of all the pieces, so that one of a byte each may take many times
the memory of the message, and empty ones any amount of it.
Here small pieces are put together as they come, and a message that has far more frames
than its size is a reason for fails the connection, with 1008.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

from autobahn.twisted.websocket import WebSocketClientProtocol

from .compressed_frames import renew_ended

__all__ = ["FragmentLimitProtocol"]

# A message may have so many frames, and one more for so many of its bytes.
_FREE_FRAMES: Final = 1024
_BYTES_A_FRAME: Final = 32
# So many pieces are kept apart: common messages have no more, and are copied once.
_MOST_PIECES: Final = 64


class FragmentLimitProtocol(WebSocketClientProtocol):
    """Autobahn's client protocol, with a limit on what a message's pieces cost."""

    __slots__ = ("_frame_count", "_gathered")

    # What Autobahn sets without telling the type, or telling it too narrowly.
    failedByMe: bool
    frame_data: Any
    message_data: Any
    message_data_total_length: int
    transport: Any
    current_frame: Any
    _listeners: Any
    _isMessageCompressed: bool
    _perMessageCompress: Any
    applyMask: bool
    autoFragmentSize: int
    logFrames: bool
    logOctets: bool
    maskClientFrames: bool
    maxFramePayloadSize: int
    maxMessagePayloadSize: int
    utf8validateIncoming: bool

    def onMessageBegin(self, isBinary: bool) -> None:
        """A message begins."""
        super().onMessageBegin(isBinary)
        self._frame_count = 0
        self._gathered = bytearray()

    def onMessageFrameBegin(self, length: int) -> None:
        """A frame of the message begins, which may be one too many."""
        super().onMessageFrameBegin(length)
        self._frame_count += 1
        most = _FREE_FRAMES + self.message_data_total_length // _BYTES_A_FRAME
        if self._frame_count > most and not self.failedByMe:
            self._forget_message()
            self._fail_connection(
                self.CLOSE_STATUS_CODE_POLICY_VIOLATION,
                f"received a message of {self.message_data_total_length} bytes in"
                f" more than {most} frames",
            )
            # There may be no end to them: the answer to the close is not waited for.
            self.dropConnection(abort=False)

    def onMessageFrameData(self, payload: bytes) -> None:
        """A piece of the message has come."""
        if self.failedByMe or not payload:
            return
        pieces = self.message_data
        pieces.append(payload)
        if len(pieces) >= _MOST_PIECES:
            self._gathered += b"".join(pieces)
            pieces.clear()

    def onFrameData(self, payload: bytes) -> bool | None:
        """A piece of a frame has come."""
        try:
            return super().onFrameData(payload)
        except zlib.error as error:
            return self._cannot_inflate(error)

    def onFrameEnd(self) -> bool | None:
        """A frame is complete."""
        try:
            return super().onFrameEnd()
        except zlib.error as error:
            return self._cannot_inflate(error)

    def _cannot_inflate(self, error: zlib.error) -> bool:
        """Fail the connection, as Autobahn does from release 26.10 on."""
        if not self.failedByMe:
            self._invalid_payload(
                f"received WebSocket message cannot be decompressed: {error}"
            )
        return False

    def onMessageFrameEnd(self) -> None:
        """A frame of the message ends; compressed, it may hold more than it has said.

        zlib keeps back what is over the limit, up to the longest match of its format,
        and Autobahn would deliver the message without that.
        """
        super().onMessageFrameEnd()
        size = self.maxMessagePayloadSize
        if (
            self._isMessageCompressed
            and 0 < size == self.message_data_total_length
            and not self.failedByMe
            and self._perMessageCompress.decompress_message_data(b"", max_output_len=1)
        ):
            self._forget_message()
            self._fail_connection(
                self.CLOSE_STATUS_CODE_MESSAGE_TOO_BIG,
                f"received a message that exceeds the limit of {size} bytes after"
                " decompression",
            )

    def onMessageEnd(self) -> None:
        """The message is complete."""
        if self._isMessageCompressed:
            renew_ended(self._perMessageCompress)
        if self._gathered and not self.failedByMe:
            self._gathered += b"".join(self.message_data)
            self.message_data = [bytes(self._gathered)]
            self._gathered = bytearray()
        super().onMessageEnd()

    def _onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Deliver a message that Autobahn's parser has put together."""
        # The parser leaves a message only when this has returned.
        # So after an exception it would deliver the message again.
        self.current_frame = None
        self.inside_message = False
        super()._onMessage(payload, isBinary)

    def _forget_message(self) -> None:
        self.message_data = []
        self._gathered = bytearray()
