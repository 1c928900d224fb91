"""Long-poll by a blocking socket, to see what the server can serve.

It makes its requests of bytes that are there, and looks at the length of an answer
alone.
"""

from __future__ import annotations

import re
import socket
from typing import Final

from .address import Address
from .checks import PATIENCE, Wrong
from .server import HOST

__all__ = ["BareLongPoll"]

_LENGTH: Final = re.compile(rb"\r\ncontent-length: ([0-9]+)")
_TOKEN: Final = re.compile(rb'"token":"([0-9]+)"')


class BareLongPoll:
    """A session with the server by one connection.

    :ivar token: the session's.
    """

    def __init__(self, where: Address) -> None:
        self._socket = socket.create_connection((HOST, where.port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._path = b"/socket/longpoll?vsn=2.0.0"
        found = _TOKEN.search(self.poll())
        if found is None:
            raise Wrong("the server opened no session")
        self.token = found[1]
        self._path += b"&token=" + self.token

    def poll(self) -> bytes:
        """Ask for messages, and wait for the answer."""
        return self._ask(b"GET", b"")

    def publish(self, event: str, payload: str, times: int = 1) -> None:
        """Send messages, all the same, and wait until they are taken."""
        line = f'["1","1","bench:0","{event}",{payload}]'.encode()
        self._ask(b"POST", b"\n".join([line] * times))

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def _ask(self, method: bytes, body: bytes) -> bytes:
        request = b"%b %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%b"
        self._socket.sendall(request % (method, self._path, len(body), body))
        came = self._socket.recv(256 * 1024)
        found = _LENGTH.search(came)
        if found is None:
            raise Wrong("the server did not answer")
        missing = came.find(b"\r\n\r\n") + 4 + int(found[1]) - len(came)
        while missing > 0:
            more = len(self._socket.recv(256 * 1024))
            if not more:
                raise Wrong("the server hung up")
            missing -= more
        return came
