"""A WebSocket server in memory that knows nothing of Phoenix.

It answers each handshake as it was told and keeps what clients send; a test says what
it sends, frame by frame.

::

    server = ScriptedServer(handshake)
    client = SocketClient(server.url, endpoint=server, reactor=server.clock)
    client.startService()
    server.flush()                   # bytes go both ways until all is quiet
    connection = server.connections[-1]
    connection.frames                # what the client has sent
    connection.send(b"[...]")
    server.advance(30.0)             # time passes: timers run, and bytes flow
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import Any, NamedTuple, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from txphoenix.testing.memory import MemoryConnection, MemoryTransport

from .recordings import Handshake
from .wire_client import BINARY, CLOSE, TEXT, client_frame

__all__ = ["ClientFrame", "ScriptedConnection", "ScriptedServer", "accept_key"]

_FINAL = 0x80
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3


def accept_key(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` that answers a ``Sec-WebSocket-Key``."""
    return b64encode(sha1((key + _MAGIC).encode("ascii")).digest()).decode("ascii")


class ClientFrame(NamedTuple):
    """A frame that a client has sent, unmasked.

    :ivar first: its first byte: the final bit, the reserved bits and the opcode.
    :ivar payload: its payload.
    """

    first: int
    payload: bytes


class ScriptedConnection(Protocol):
    """The server's end of one connection.

    :ivar target: what the handshake asked for.
    :ivar headers: the handshake's headers, their names in lower case.
    :ivar frames: the frames that came and that :meth:`take_frames` has not taken,
        those of the closing handshake included.
    :ivar close_code: what a client's close is answered with; ``None`` for what the
        client has sent.
    :ivar is_lost: whether the connection has ended.
    """

    def __init__(self, handshake: Handshake) -> None:
        self.target = ""
        self.headers: dict[str, str] = {}
        self.frames: list[ClientFrame] = []
        self.close_code: int | None = None
        self.is_lost = False
        self._handshake = handshake
        self._unread = b""
        self._is_closing = False

    def take_frames(self) -> list[ClientFrame]:
        """Take the frames that have come since the last time."""
        frames, self.frames = self.frames, []
        return frames

    def send(self, data: bytes, is_binary: bool = False) -> None:
        """Send a message in one frame."""
        self.send_frame(BINARY if is_binary else TEXT, data)

    def send_frame(self, opcode: int, payload: bytes, is_final: bool = True) -> None:
        """Send any frame.

        :param opcode: with the reserved bits, if they shall be set.
        """
        self._write(client_frame(opcode, payload, is_final, is_masked=False))

    def close(self, code: int) -> None:
        """Begin the closing handshake; the connection ends with the client's answer.

        :param code: 1005 for a close without a code, 1006 for an end without a close.
        """
        if code == 1006:
            self._lose()
        else:
            self._is_closing = True
            self.send_frame(CLOSE, _close_payload(code))

    def dataReceived(self, data: bytes) -> None:
        """Read the handshake, then frames."""
        self._unread += data
        if not self.target:
            head, blank, rest = self._unread.partition(b"\r\n\r\n")
            if not blank:
                return
            self._unread = rest
            self._shake_hands(head.decode("utf-8"))
        while (frame := self._next_frame()) is not None:
            self.frames.append(frame)
            if frame.first == _FINAL | CLOSE:
                self._close_received(frame.payload)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note of the end."""
        self.is_lost = True

    def _shake_hands(self, request: str) -> None:
        line, *headers = request.split("\r\n")
        _, self.target, _ = line.split(" ")
        pairs = [header.partition(": ") for header in headers]
        self.headers = {name.lower(): value for name, _, value in pairs}
        handshake = self._handshake
        accept = accept_key(self.headers["sec-websocket-key"])
        lines = [
            f"{name}: {accept if name.lower() == 'sec-websocket-accept' else value}"
            for name, value in handshake.headers
        ]
        answer = "\r\n".join([handshake.status, *lines, "", handshake.body])
        self._write(answer.encode("utf-8"))
        if handshake.is_closed:
            self._lose()

    def _next_frame(self) -> ClientFrame | None:
        data = self._unread
        if len(data) < 2:
            return None
        if data[1] < 0x80:
            raise ValueError("a client must mask its frames")
        size, start = data[1] & 0x7F, 2
        if size > 125:
            start += 2 if size == 126 else 8
            size = int.from_bytes(data[2:start], "big")
        end = start + 4 + size
        if len(data) < end:
            return None
        self._unread = data[end:]
        mask = data[start : start + 4]
        masked = data[start + 4 : end]
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))
        return ClientFrame(data[0], payload)

    def _close_received(self, payload: bytes) -> None:
        if not self._is_closing:
            code = self.close_code
            self.send_frame(CLOSE, payload if code is None else _close_payload(code))
        self._lose()

    def _write(self, data: bytes) -> None:
        cast(Any, self.transport).write(data)

    def _lose(self) -> None:
        cast(Any, self.transport).loseConnection()


def _close_payload(code: int) -> bytes:
    return b"" if code == 1005 else code.to_bytes(2, "big")


@implementer(IStreamClientEndpoint)
class ScriptedServer:
    """The server, and the endpoint that connects to it.

    :param handshake: how handshakes are answered, but for ``Sec-WebSocket-Accept``,
        which fits the client's key.
    :ivar clock: for the client's ``reactor``.
    :ivar connections: all there ever were, the oldest first.
    """

    url = "ws://127.0.0.1:4000/socket"

    def __init__(self, handshake: Handshake) -> None:
        self.handshake = handshake
        self.clock = Clock()
        self.connections: list[ScriptedConnection] = []
        self._pairs: list[MemoryConnection] = []

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect a client's factory."""
        here = IPv4Address("TCP", "127.0.0.1", 4000)
        there = IPv4Address("TCP", "127.0.0.1", 50_000 + len(self.connections))
        pair = MemoryConnection(
            MemoryTransport(there, here), MemoryTransport(here, there)
        )
        client = protocolFactory.buildProtocol(here)
        assert client is not None
        connection = ScriptedConnection(self.handshake)
        self.connections.append(connection)
        self._pairs.append(pair)
        for transport, protocol in ((pair.server, connection), (pair.client, client)):
            transport.protocol = protocol
            protocol.makeConnection(cast(Any, transport))
        return succeed(client)

    def flush(self) -> None:
        """Carry bytes both ways, and run what is due, until all is quiet."""
        self.clock.advance(0)
        while self._pump():
            self.clock.advance(0)

    def _pump(self) -> bool:
        moved = [pair.pump(None) for pair in self._pairs]
        return any(moved)

    def advance(self, seconds: float) -> None:
        """Let time pass from one delayed call to the next, with a flush after each."""
        end = self.clock.seconds() + seconds
        self.flush()
        while (due := self._next_call()) <= end:
            self.clock.advance(max(0.0, due - self.clock.seconds()))
            self.flush()
        self.clock.advance(end - self.clock.seconds())

    def wait_for(self, condition: Callable[[], object], timeout: float = 60.0) -> None:
        """Let time pass until a condition holds.

        :raises TimeoutError: it does not hold after ``timeout`` seconds.
        """
        end = self.clock.seconds() + timeout
        self.flush()
        while not condition():
            due = self._next_call()
            if due > end:
                raise TimeoutError(f"nothing within {timeout} s")
            self.clock.advance(max(0.0, due - self.clock.seconds()))
            self.flush()

    def _next_call(self) -> float:
        times = [call.getTime() for call in self.clock.getDelayedCalls()]
        return min(times, default=float("inf"))
