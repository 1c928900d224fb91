"""Both WebSocket protocols in memory, Autobahn's and ours, and frames for them."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any, NamedTuple

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from txphoenix.transports.frames import FastFrameProtocol

__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "PING",
    "PONG",
    "TEXT",
    "Fast",
    "Frame",
    "Stock",
    "Wire",
    "frame",
    "lost",
    "opened",
    "sent_frames",
]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class Wire(StringTransport):
    """A transport in memory that keeps its writes apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        """Keep one write."""
        self.writes.append(data)

    def abortConnection(self) -> None:
        """Remember the abort."""
        self.is_aborted = True

    def unregisterProducer(self) -> None:
        """Take no notice: Autobahn unregisters a producer it never had."""


class Frame(NamedTuple):
    """A frame as a client sent it, with its mask taken off."""

    fin: bool
    opcode: int
    payload: bytes


def sent_frames(data: bytes) -> list[Frame]:
    """The client's frames in ``data``, which must end with the last of them."""
    frames = []
    while data:
        first, second = data[:2]
        start, size = 2, second & 0x7F
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        key, masked = data[start : start + 4], data[start + 4 : start + 4 + size]
        if not second & 0x80 or len(masked) != size:
            raise AssertionError(f"expected whole masked frames, got {data[:20]!r}")
        payload = unmasked(key, masked)
        frames.append(Frame(bool(first & 0x80), first & 0x7F, payload))
        data = data[start + 4 + size :]
    return frames


def unmasked(key: bytes, payload: bytes) -> bytes:
    """Put a mask on or take it off (RFC 6455 section 5.3)."""
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    fin: bool = True,
    rsv: int = 0,
    key: bytes = b"",
    form: int = 0,
) -> bytes:
    """A frame as a server sends it.

    :param key: masks the payload, which a server must not do.
    :param form: 126 or 127 has the length take at least 2 or 8 bytes more.
    """
    size = len(payload)
    form = max(form, size if size < 126 else 126 if size < 65536 else 127)
    length = b"" if form < 126 else struct.pack("!H" if form == 126 else "!Q", size)
    head = bytes(
        [(0x80 if fin else 0) | rsv << 4 | opcode, (0x80 if key else 0) | form]
    )
    return head + length + key + (unmasked(key, payload) if key else payload)


class Recorder:
    """What an application sees, and what it does about it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Any, ...]] = []
        self.acts: dict[int, str] = {}

    @property
    def messages(self) -> list[bytes]:
        """The payloads that were delivered."""
        return [it[1] for it in self.seen if it[0] == "message"]

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Note the message, and do what is planned for it."""
        self.seen.append(("message", payload, isBinary))
        self.act(self.acts.get(len(self.messages)), payload, isBinary)

    def act(self, what: str | None, payload: bytes, is_binary: bool) -> None:
        """Do something in the middle of a delivery."""
        protocol: Any = self
        if what == "echo":
            protocol.send(payload, is_binary)
        elif what == "ping":
            protocol.sendPing(b"?")
        elif what == "close":
            protocol.sendClose(3000, "enough")
        elif what == "drop":
            protocol.dropConnection(abort=False)
        elif what == "abort":
            protocol.dropConnection(abort=True)
        elif what == "pause":
            protocol.pause_reading()
        elif what == "pause and resume":
            protocol.pause_reading()
            protocol.resume_reading()
        elif what == "raise":
            raise ZeroDivisionError("on purpose")

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Note the end."""
        self.seen.append(("close", wasClean, code, reason))


# Autobahn declares two attributes twice, in different ways.
class Stock(Recorder, WebSocketClientProtocol):  # type: ignore[misc]
    """Autobahn's own protocol."""

    def send(self, payload: bytes, is_binary: bool) -> None:
        """Send as Autobahn does."""
        self.sendMessage(payload, is_binary)


class Fast(Recorder, FastFrameProtocol):  # type: ignore[misc]
    """The protocol under test."""

    def send(self, payload: bytes, is_binary: bool) -> None:
        """Send the short way."""
        self.send_frame(payload, is_binary)


def opened(
    protocol_class: Any,
    headers: bytes = b"",
    rest: bytes = b"",
    attributes: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    """A protocol whose opening handshake is done, on a :class:`Wire` and a clock.

    :param headers: further headers of the server's answer.
    :param rest: what the server sends right behind it.
    :param attributes: set on the protocol before it connects.
    :param options: Autobahn's protocol options.
    """
    factory = WebSocketClientFactory("ws://127.0.0.1:9/", reactor=Clock())
    # Autobahn's timers would run on the global reactor.
    timeouts = ("openHandshake", "closeHandshake", "serverConnectionDrop")
    factory.setProtocolOptions(**{f"{name}Timeout": 0 for name in timeouts})
    factory.setProtocolOptions(**{"failByDrop": False, **options})
    protocol = protocol_class()
    protocol.factory = factory
    for name, value in (attributes or {}).items():
        setattr(protocol, name, value)
    protocol.makeConnection(Wire())
    request = b"".join(protocol.transport.writes)
    protocol.transport.writes.clear()
    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    accept = b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n"
    answer = b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    protocol.dataReceived(answer + accept + headers + b"\r\n" + rest)
    return protocol


def lost(protocol: Any) -> None:
    """Have the protocol's transport end."""
    protocol.connectionLost(Failure(ConnectionLost("gone")))
