"""A WebSocket client made of plain bytes, to hold a server against the recordings.

It knows just enough of RFC 6455 to send any frame, right or wrong, and to say what came
back in the words of :mod:`.recordings`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from txphoenix.testing import MemoryServer

from .recordings import Closed, Happening, Pong, WireFrame

__all__ = [
    "CLOSE",
    "PING",
    "RawClient",
    "WireClient",
    "client_frame",
    "upgrade_request",
]

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3
_MASK = b"\x0a\x0b\x0c\x0d"


def client_frame(
    opcode: int, payload: bytes, is_final: bool = True, is_masked: bool = True
) -> bytes:
    """One frame as a client sends it."""
    first = opcode | (0x80 if is_final else 0)
    mask_bit = 0x80 if is_masked else 0
    size = len(payload)
    if size < 126:
        length = bytes([mask_bit | size])
    elif size < 65536:
        length = bytes([mask_bit | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([mask_bit | 127]) + size.to_bytes(8, "big")
    if not is_masked:
        return bytes([first]) + length + payload
    masked = bytes(byte ^ _MASK[i % 4] for i, byte in enumerate(payload))
    return bytes([first]) + length + _MASK + masked


def upgrade_request(target: str, method: str = "GET", **headers: str | None) -> bytes:
    """A request for an upgrade.

    :param headers: other headers, or other values, with ``_`` for ``-``; ``None``
        leaves one out.
    """
    wanted: dict[str, str | None] = {
        "host": "127.0.0.1:4000",
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec_websocket_key": KEY,
        "sec_websocket_version": "13",
        **headers,
    }
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [
        f"{name.replace('_', '-')}: {value}"
        for name, value in wanted.items()
        if value is not None
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class RawClient(Protocol):
    """Keeps the bytes that come.

    :ivar received: the bytes.
    :ivar lost: why the connection has ended, once it has.
    """

    def __init__(self) -> None:
        self.received = b""
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """Keep them."""
        self.received += data

    def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008
        """Keep the reason."""
        self.lost = reason

    def write(self, data: bytes) -> None:
        """Send bytes."""
        transport: Any = self.transport
        transport.write(data)

    @classmethod
    def connect(cls, server: MemoryServer, **kwargs: Any) -> Any:
        """A client of that class, connected to a server in memory."""
        client = cls(**kwargs)
        factory = Factory.forProtocol(lambda: client)
        connected: Deferred[Any] = server.endpoint.connect(factory)
        failures: list[Failure] = []
        connected.addErrback(failures.append)
        for failure in failures:
            failure.raiseException()
        return client


class WireClient(RawClient):
    """A client that opens a WebSocket and tells what comes over it.

    :param name: what it is called in the recordings.
    :ivar head: the head of the server's answer to the handshake.
    :ivar happenings: the frames, pongs and the end, in order.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.name = name
        self.head = b""
        self.happenings: list[Happening] = []
        self._is_closed = False

    def open(self, target: str) -> None:
        """Ask for the upgrade."""
        self.write(upgrade_request(target))

    def send(self, data: bytes, is_binary: bool = False) -> None:
        """Send a frame of data."""
        self.write(client_frame(BINARY if is_binary else TEXT, data))

    def send_close(self, code: int | None) -> None:
        """Begin the closing handshake."""
        payload = b"" if code is None else code.to_bytes(2, "big")
        self.write(client_frame(CLOSE, payload))

    def dataReceived(self, data: bytes) -> None:
        """Read the head of the answer, then frames."""
        super().dataReceived(data)
        if not self.head and b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            self.head = head + b"\r\n\r\n"
        while self.head and (frame := self._next_frame()) is not None:
            self._frame_received(*frame)

    def _next_frame(self) -> tuple[int, bytes] | None:
        data = self.received
        if len(data) < 2:
            return None
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start + size:
            return None
        self.received = data[start + size :]
        return data[0], data[start : start + size]

    def _frame_received(self, first: int, payload: bytes) -> None:
        opcode = first & 0x0F
        if opcode in (TEXT, BINARY):
            happening: Happening = WireFrame(True, self.name, payload, opcode == BINARY)
        elif opcode == PONG:
            happening = Pong(self.name, payload)
        else:
            code = int.from_bytes(payload, "big") if payload else 1005
            happening = Closed(self.name, code)
            self._is_closed = True
            # An answer, or nothing of consequence if it was the server that answered.
            self.write(client_frame(CLOSE, payload))
        self.happenings.append(happening)

    def connectionLost(self, reason: Failure = Failure(Exception())) -> None:  # noqa: B008
        """The end without a close frame is 1006 to a client."""
        super().connectionLost(reason)
        if not self._is_closed:
            self.happenings.append(Closed(self.name, 1006))
