"""A blocking socket that does next to nothing, to see what the server can serve.

Its frames are made beforehand, with a mask of zeros, and of what comes back it
counts the bytes.
"""

from __future__ import annotations

import socket
import ssl

from .address import Address
from .checks import PATIENCE, Wrong
from .server import HOST

__all__ = ["BareSocket", "client_frame"]

_REQUEST = (
    b"GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def client_frame(ref: int, topic: str, event: str, payload: str) -> bytes:
    """The frame of a push."""
    text = f'["{ref}","{ref}","{topic}","{event}",{payload}]'.encode()
    if len(text) < 126:
        return b"\x81%c\0\0\0\0%b" % (128 | len(text), text)
    if len(text) < 65536:
        return b"\x81\xfe%b\0\0\0\0%b" % (len(text).to_bytes(2, "big"), text)
    return b"\x81\xff%b\0\0\0\0%b" % (len(text).to_bytes(8, "big"), text)


class BareSocket:
    """A connection to the server."""

    def __init__(self, where: Address) -> None:
        self._socket = socket.create_connection((HOST, where.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if where.authority is not None:
            context = ssl.create_default_context(cafile=where.authority)
            self._socket = context.wrap_socket(self._socket, server_hostname=HOST)
        self._buffer = bytearray(256 * 1024)
        self.send(_REQUEST)
        if not self.receive().endswith(b"\r\n\r\n"):
            raise Wrong("the server did not answer the handshake in one piece")

    def send(self, data: bytes) -> None:
        """Send it all."""
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """Receive what there is."""
        return bytes(self._buffer[: self._socket.recv_into(self._buffer)])

    def skip(self, size: int) -> None:
        """Receive and forget exactly so many bytes."""
        left = size
        while left > 0:
            try:
                received = self._socket.recv_into(self._buffer)
            except TimeoutError:
                received = 0
            if received == 0:
                raise Wrong(f"{left} of {size} bytes did not come")
            left -= received
        if left < 0:
            raise Wrong(f"expected {size} bytes, got {-left} more")

    def ask(self, frame: bytes) -> bytes:
        """Send a frame, and receive what there is."""
        self.send(frame)
        return self.receive()

    def close(self) -> None:
        """End it."""
        self._socket.close()
