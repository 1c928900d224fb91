"""The server's permessage-deflate (RFC 7692), with context takeover both ways.

That is what Phoenix's server agrees to where compression is on.
"""

from __future__ import annotations

import zlib

from .frames import DEFLATED, frame

__all__ = ["Deflate"]

_TAIL = b"\0\0\xff\xff"


class Deflate:
    """The two contexts of a connection."""

    answer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    """The answer to an offer."""

    def __init__(self) -> None:
        self._compress = zlib.compressobj(wbits=-15)
        self._decompress = zlib.decompressobj(wbits=-15)

    def frame(self, text: bytes) -> bytes:
        """The frame of the next message."""
        data = self._compress.compress(text) + self._compress.flush(zlib.Z_SYNC_FLUSH)
        return frame(data.removesuffix(_TAIL), DEFLATED)

    def text(self, data: bytes) -> bytes:
        """What the next frame of the client holds."""
        return self._decompress.decompress(data + _TAIL)
