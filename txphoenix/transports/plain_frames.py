"""The plain frames that a read buffer begins with, found by offset and delivered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from autobahn.twisted.websocket import WebSocketClientProtocol

from .compressed_frames import DEFLATED_BINARY, DEFLATED_TEXT, CompressedFrames
from .frame_bytes import has_whole_frame, is_utf8, long_header
from .masking import BINARY, TEXT

__all__ = ["PlainFrameReader", "take_plain_frames"]

_OPEN: Final = WebSocketClientProtocol.STATE_OPEN


class PlainFrameReader(Protocol):
    """The protocol whose frames they are."""

    data: bytes
    state: int
    _compressed: CompressedFrames | None
    _is_paused: bool
    _receive_limit: int

    @property
    def onMessage(self) -> Callable[[bytes, bool], Any]:
        """What takes any message."""

    def receiver_of(self, _read: bytes) -> Callable[[bytes, bool], None]:
        """What takes the messages that stand in a read."""


def take_plain_frames(protocol: PlainFrameReader) -> int:
    """Deliver the plain frames that the buffer begins with.

    :return: how many bytes the next frame or its header needs, if it is plain as far as
        it has come; otherwise 0.
    """
    data, protocol.data = protocol.data, b""
    size = len(data)
    limit = protocol._receive_limit
    # A read that only brings more of a large frame is not looked through.
    is_whole = has_whole_frame(data)
    on_message = protocol.receiver_of(data) if is_whole else protocol.onMessage
    offset = 0
    start = 2
    try:
        while start <= size and not protocol._is_paused and protocol.state == _OPEN:
            first = data[offset]
            length = data[offset + 1]
            if length > 125:
                start, length = long_header(data, offset)
            if not 0 <= length <= limit:
                return 0
            end = start + length
            if first == TEXT and end <= size:
                payload = data[start:end]
                if not payload.isascii() and not is_utf8(payload):
                    return 0
                offset = end
                start = end + 2
                on_message(payload, False)
            elif first == BINARY and end <= size:
                payload = data[start:end]
                offset = end
                start = end + 2
                on_message(payload, True)
            elif end > size:
                return end - offset if _is_plain(protocol, first) else 0
            else:
                inflated = _inflated(protocol, first, data[start:end])
                if inflated is None:
                    return 0
                offset = end
                start = end + 2
                # receiver_of() has looked for long numbers in the read, and cannot
                # have seen those in here: it was compressed.
                protocol.onMessage(inflated, first == DEFLATED_BINARY)
        return 2 if start > size else 0
    finally:
        # A callback may have had the transport deliver more.
        protocol.data = data[offset:] + protocol.data


def _is_plain(protocol: PlainFrameReader, first: int) -> bool:
    """Whether a plain frame begins so, or one that is but compressed."""
    return first in (TEXT, BINARY) or (
        protocol._compressed is not None and first in (DEFLATED_TEXT, DEFLATED_BINARY)
    )


def _inflated(protocol: PlainFrameReader, first: int, data: bytes) -> bytes | None:
    """What a compressed frame holds; None if it is Autobahn's parser's."""
    compressed = protocol._compressed
    if compressed is None or not _is_plain(protocol, first):
        return None
    return compressed.inflate(data, first == DEFLATED_TEXT)
