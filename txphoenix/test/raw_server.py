r"""A server that answers a handshake with any bytes at all, and then says anything.

::

    class GarbageTests(RawTestCase):
        def test_garbage(self):
            self.raw.answer = b"220 mail.example.org ESMTP\r\n\r\n"
            client = self.make_client()
            ...

Its factory serves on a real port as well.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from typing import Any, cast

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from txphoenix.client.socket_client import SocketClient

from .support import ClientTestCase

__all__ = ["SWITCHING", "RawConnection", "RawServer", "RawTestCase", "server_frame"]

SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n"
)
"""The beginning of a yes; ``ACCEPT`` is replaced by what the client expects."""

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


def server_frame(opcode: int, payload: bytes = b"", first: int = 0x80) -> bytes:
    """One frame, unmasked as a server's are.

    :param first: the bits beside the opcode; by default the final one alone.
    """
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([first | opcode]) + length + payload


class RawConnection(Protocol):
    """The server's end of one connection.

    :ivar received: all that has come.
    :ivar request: the handshake, without its end; empty until it is complete.
    """

    def __init__(self, server: RawServer) -> None:
        self._server = server
        self.received = b""
        self.request = b""
        self.is_lost = False

    @property
    def rest(self) -> bytes:
        """What has come after the handshake."""
        return self.received[len(self.request) + 4 :]

    def dataReceived(self, data: bytes) -> None:
        """Answer the handshake as soon as it is complete."""
        self.received += data
        head, end, _ = self.received.partition(b"\r\n\r\n")
        if end and not self.request:
            self.request = head
            if self._server.answer is not None:
                self.send(self.answer())
            if self._server.closes:
                self.lose()

    def answer(self) -> bytes:
        """The server's answer to this handshake."""
        key = self.header("sec-websocket-key").encode("ascii")
        accept = b64encode(sha1(key + _MAGIC).digest())
        return self._server.answer_to(self).replace(b"ACCEPT", accept)

    def header(self, name: str) -> str:
        """The value of one of the request's headers; ``""`` if there is none."""
        for line in self.request.decode("utf-8").split("\r\n")[1:]:
            found, _, value = line.partition(": ")
            if found.lower() == name:
                return value
        return ""

    def send(self, data: bytes) -> None:
        """Send any bytes."""
        cast(Any, self.transport).write(data)

    def lose(self) -> None:
        """End the connection after what was sent."""
        cast(Any, self.transport).loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note of the end."""
        self.is_lost = True


class RawServer(Factory):
    """The server.

    :ivar answer: how handshakes are answered; None for not at all.
    :ivar closes: whether each connection is closed after the answer.
    :ivar connections: all there ever were, the oldest first.
    """

    noisy = False

    def __init__(self) -> None:
        self.answer: bytes | None = SWITCHING + b"\r\n"
        self.closes = False
        self.connections: list[RawConnection] = []

    def buildProtocol(self, addr: IAddress | None) -> RawConnection:
        """Make the end of a connection, and remember it."""
        connection = RawConnection(self)
        self.connections.append(connection)
        return connection

    def answer_to(self, connection: RawConnection) -> bytes:
        """The answer to a handshake; ``ACCEPT`` is still to be replaced."""
        return self.answer or b""

    def lose_http(self) -> None:
        """End all connections, as the server in memory asks when it stops."""
        for connection in self.connections:
            if not connection.is_lost:
                cast(Any, connection.transport).abortConnection()


class RawTestCase(ClientTestCase):
    """A test of a client against a raw server in memory.

    :ivar raw: the server.
    """

    def setUp(self) -> None:
        """Put the raw server in the place of Phoenix's."""
        super().setUp()
        self.raw = RawServer()
        # The rest of the server in memory does for this one as well.
        self.memory._server_factory = cast(Any, self.raw)

    @property
    def peer(self) -> RawConnection:
        """The server's end of the latest connection."""
        return self.raw.connections[-1]

    def refused_client(self, **options: Any) -> tuple[SocketClient, list[Exception]]:
        """A client that has made one attempt in vain, and will make no other.

        :return: the client, and what its ``on_error`` hooks were told.
        """
        client = self.make_client(reconnect=False, **options)
        errors: list[Exception] = []
        client.on_error(errors.append)
        client.startService()
        self.memory.flush()
        return client, errors
