"""Plain frames that are compressed (permessage-deflate, RFC 7692 section 7).

What a session has agreed on, and both of its contexts, are Autobahn's object's.
Here it is asked by itself, without the dozen calls of Autobahn's parser around it.

A message that cannot be inflated, or not within the limit, and text that is not UTF-8
then, is Autobahn's parser's to refuse.
But a context takes no message twice; so the parser is given what became of this one.
"""

from __future__ import annotations

from typing import Any, Protocol

from autobahn.websocket.compress import PerMessageDeflate

from .frame_bytes import is_utf8
from .masking import BINARY, TEXT

__all__ = [
    "COMPRESSED",
    "DEFLATED_BINARY",
    "DEFLATED_TEXT",
    "CompressedFrames",
    "renew_ended",
]

COMPRESSED = 0x40
"""The bit in a frame's first byte that says so."""

DEFLATED_TEXT = TEXT | COMPRESSED
"""The first byte of a compressed text in one frame."""

DEFLATED_BINARY = BINARY | COMPRESSED
"""The first byte of a compressed binary message in one frame."""


class CompressedSession(Protocol):
    """The protocol whose messages are compressed."""

    maxMessagePayloadSize: int
    _perMessageCompress: Any


class CompressedFrames:
    """The compression of one session.

    :param session: has it.
    """

    __slots__ = ("_deflate", "_session")

    def __init__(self, session: CompressedSession) -> None:
        self._session = session
        self._deflate: PerMessageDeflate = session._perMessageCompress

    @staticmethod
    def is_for(session: CompressedSession) -> bool:
        """Whether a session's compression is the one that is known here."""
        return type(session._perMessageCompress) is PerMessageDeflate

    def deflate(self, payload: bytes) -> bytes:
        """Compress a message, which then has to be sent."""
        deflate = self._deflate
        deflate.start_compress_message()
        begun: bytes = deflate.compress_message_data(payload)
        end: bytes = deflate.end_compress_message()
        return begun + end

    def inflate(self, data: bytes, is_text: bool) -> bytes | None:
        """What a message holds that came in one frame.

        :return: None if it is Autobahn's parser's to refuse, by the same frame.
        """
        deflate = self._deflate
        limit = self._session.maxMessagePayloadSize
        payload: bytes = b""
        try:
            deflate.start_decompress_message()
            payload = deflate.decompress_message_data(
                data, max_output_len=limit or None
            )
            if 0 < limit == len(payload):
                # zlib may have read all, and keep to itself what is over the limit.
                payload += deflate.decompress_message_data(b"", max_output_len=1)
        except Exception as error:
            self._session._perMessageCompress = _Known(self._session, error=error)
            return None
        try:
            deflate.end_decompress_message()
        except Exception as error:
            known = _Known(self._session, payload, end_error=error)
            self._session._perMessageCompress = known
            return None
        is_too_large = 0 < limit < len(payload)
        if is_too_large or (is_text and not payload.isascii() and not is_utf8(payload)):
            self._session._perMessageCompress = _Known(self._session, payload)
            return None
        renew_ended(deflate)
        return payload


def renew_ended(deflate: Any) -> None:
    """Have the next message begin a context, if this one has ended the stream for zlib.

    A block with BFINAL does (RFC 7692 section 7.2.3.4), and zlib would find every later
    message empty.
    What refers to messages before it is then no valid data.
    """
    inflater = getattr(deflate, "_decompressor", None)
    if inflater is not None and inflater.eof:
        deflate._decompressor = None


class _Known:
    """Stands for the compression while Autobahn's parser takes one message.

    :param payload: what it holds.
    :param error: what was raised for its data instead.
    :param end_error: what was raised at its end.
    """

    EXTENSION_NAME = PerMessageDeflate.EXTENSION_NAME

    def __init__(
        self,
        session: CompressedSession,
        payload: bytes = b"",
        error: Exception | None = None,
        end_error: Exception | None = None,
    ) -> None:
        self._session = session
        self._deflate = session._perMessageCompress
        self._payload = payload
        self._error = error
        self._end_error = end_error

    def start_decompress_message(self) -> None:
        """The message begins."""

    def decompress_message_data(
        self, _data: bytes, max_output_len: int | None = None
    ) -> bytes:
        """All of it has come; what is asked for again is not there."""
        if self._error is not None:
            self._session._perMessageCompress = self._deflate
            raise self._error
        payload, self._payload = self._payload, b""
        return payload

    def end_decompress_message(self) -> None:
        """The message ends, and what follows is the session's own again."""
        self._session._perMessageCompress = self._deflate
        if self._end_error is not None:
            raise self._end_error
