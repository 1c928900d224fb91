"""Tests of :mod:`txphoenix.transports.frames`."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any, NamedTuple

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.transports.frames import FastFrameProtocol

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Wire(StringTransport):
    """A transport in memory that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        """Remember one write."""
        self.writes.append(data)

    def abortConnection(self) -> None:
        """Remember the abort."""
        self.aborted = True

    def registerProducer(self, producer: object, streaming: bool) -> None:
        """Take no notice: Autobahn unregisters producers it never had."""

    def unregisterProducer(self) -> None:
        """Take no notice."""


class Frame(NamedTuple):
    """A frame as a client sent it, with its mask taken off."""

    fin: bool
    opcode: int
    payload: bytes


def sent_frames(data: bytes) -> list[Frame]:
    """The client's frames in ``data``; it must end with the last of them."""
    frames = []
    while data:
        first, second = data[:2]
        assert second & 0x80, "a client masks its frames"
        start, size = 2, second & 0x7F
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        key, masked = data[start : start + 4], data[start + 4 : start + 4 + size]
        assert len(masked) == size
        payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(masked))
        frames.append(Frame(bool(first & 0x80), first & 0x7F, payload))
        data = data[start + 4 + size :]
    return frames


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes = b"",
    form: int = 0,
) -> bytes:
    """A frame as a server sends it.

    :param form: the length's least form: 0 for one byte, 126 for two more, 127 for 8.
    """
    size = len(payload)
    form = max(form, size if size < 126 else 126 if size < 65536 else 127)
    second = (0x80 if mask else 0) | form
    length = b"" if form < 126 else struct.pack("!H" if form == 126 else "!Q", size)
    if mask:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    return bytes([first, second]) + length + mask + payload


class Recorder:
    """What an application sees, and does in answer: the part both protocols share."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[Any, ...]] = []
        self.acts: dict[int, str] = {}

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.seen.append(("message", payload, isBinary))
        act = self.acts.get(len(self.seen))
        me: Any = self
        if act == "echo":
            me.send(payload, isBinary)
        elif act == "ping":
            me.sendPing(b"?")
        elif act == "close":
            me.sendClose(3000, "enough")
        elif act == "drop":
            me.dropConnection(abort=False)
        elif act == "abort":
            me.dropConnection(abort=True)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:
        self.seen.append(("close", wasClean, code, reason))


class Stock(Recorder, WebSocketClientProtocol):
    """Autobahn's own protocol."""

    def send(self, payload: bytes, is_binary: bool) -> None:
        self.sendMessage(payload, is_binary)


class Fast(Recorder, FastFrameProtocol):
    """The protocol under test."""

    def send(self, payload: bytes, is_binary: bool) -> None:
        self.send_frame(payload, is_binary)


def opened(protocol_class: Any, **options: Any) -> Any:
    """A protocol whose handshake is done, on a :class:`Wire` with a clock."""
    extra = options.pop("headers", b"")
    factory = WebSocketClientFactory("ws://127.0.0.1:9/", reactor=Clock())
    factory.setProtocolOptions(
        openHandshakeTimeout=0,
        closeHandshakeTimeout=0,
        serverConnectionDropTimeout=0,
        **{"failByDrop": False, **options},
    )
    protocol = protocol_class()
    protocol.factory = factory
    protocol.makeConnection(Wire())
    request = b"".join(protocol.transport.writes)
    key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    protocol.dataReceived(
        b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n" + extra + b"\r\n"
    )
    assert protocol.state == protocol.STATE_OPEN
    protocol.transport.writes.clear()
    return protocol


def state_of(protocol: Any) -> dict[str, object]:
    """All that may not differ between two protocols."""
    return {
        "seen": list(protocol.seen),
        "sent": sent_frames(b"".join(protocol.transport.writes)),
        "state": protocol.state,
        "closed by me": protocol.localCloseCode,
        "closed by peer": (protocol.remoteCloseCode, protocol.remoteCloseReason),
        "failed": protocol.failedByMe,
        "why": protocol.wasNotCleanReason,
        "dropped": (protocol.transport.disconnecting, protocol.transport.aborted),
    }


def fed(protocol: Any, chunk: bytes) -> object:
    """Feed a protocol one read; the type of what it raises, if it does."""
    try:
        protocol.dataReceived(chunk)
    except Exception as error:
        return type(error), str(error)
    return None


payload_sizes = st.one_of(
    st.integers(0, 20),
    st.sampled_from([124, 125, 126, 127, 200, 999, 1000, 1001, 1501]),
    st.sampled_from([16380, 16384, 17000, 65535, 65536, 70000]),
)
texts = st.one_of(
    st.text(max_size=12).map(str.encode),
    st.builds(
        lambda size, tail: (b"x" * size + tail.encode()),
        payload_sizes,
        st.text(max_size=3),
    ),
)
not_texts = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"\xf4\x90\x80\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"ok \xe2\x82"]),
    st.builds(lambda size, tail: b"y" * size + tail, payload_sizes, st.binary(max_size=3)),
)
payloads = st.one_of(texts, not_texts)
close_payloads = st.one_of(
    st.sampled_from([b"", b"\x03"]),
    st.builds(
        lambda code, reason: struct.pack("!H", code) + reason,
        st.sampled_from([999, 1000, 1001, 1004, 1005, 1006, 1012, 2999, 3000, 4999, 5000]),
        st.one_of(texts.map(lambda text: text[:120]), st.binary(max_size=8)),
    ),
)
plain = st.one_of(
    st.builds(frame, texts),
    st.builds(frame, st.binary(max_size=30), st.just(BINARY)),
    st.builds(frame, payloads, st.just(BINARY)),
)
control = st.one_of(
    st.builds(frame, st.binary(max_size=125), st.sampled_from([PING, PONG])),
)


@st.composite
def fragmented(draw: Any) -> bytes:
    """A message in fragments, control frames between them."""
    payload = draw(payloads)
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), min_size=1, max_size=3)))
    out, opcode, start = b"", draw(st.sampled_from([TEXT, BINARY])), 0
    for cut in cuts:
        out += frame(payload[start:cut], opcode, fin=False)
        out += b"".join(draw(st.lists(control, max_size=2)))
        opcode, start = 0, cut
    return out + frame(payload[start:], 0)


wrong = st.one_of(
    st.builds(frame, not_texts),
    st.builds(frame, close_payloads, st.just(CLOSE)),
    st.builds(frame, payloads, st.integers(0, 15), st.booleans(), st.integers(0, 7)),
    st.builds(frame, payloads, st.integers(1, 2), mask=st.binary(min_size=4, max_size=4)),
    st.builds(frame, texts, st.integers(1, 2), form=st.sampled_from([126, 127])),
    st.binary(min_size=1, max_size=12),
    st.sampled_from([b"\x81\x7f" + b"\xff" * 8, b"\x82\x7f" + b"\x7f" * 8, b"\x81\x7e\x00"]),
)
streams = st.one_of(
    st.lists(st.one_of(plain, plain, plain, control, fragmented()), max_size=12),
    st.lists(st.one_of(plain, plain, control, fragmented(), wrong), max_size=8),
).map(b"".join)


@st.composite
def reads(draw: Any) -> list[bytes]:
    """A stream of frames, cut anywhere."""
    data = draw(streams)
    step = draw(st.sampled_from([0, 0, 1, 3, 50, 1460]))
    if step and len(data) // step < 3000:
        cuts = list(range(0, len(data), step))
    else:
        cuts = draw(st.lists(st.integers(0, len(data)), max_size=8))
    edges = [0, *sorted(cuts), len(data)]
    chunks = [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    return [chunk for chunk in chunks if chunk]


options = st.fixed_dictionaries(
    {
        "failByDrop": st.booleans(),
        "maxMessagePayloadSize": st.sampled_from([0, 0, 10, 1000, 66000]),
        "maxFramePayloadSize": st.sampled_from([0, 0, 0, 1000]),
        "acceptMaskedServerFrames": st.booleans(),
        "echoCloseCodeReason": st.booleans(),
    }
)
acts = st.dictionaries(
    st.integers(1, 12),
    st.sampled_from(["echo", "echo", "echo", "ping", "close", "drop", "abort"]),
    max_size=6,
)


class EquivalenceTests(SynchronousTestCase):
    """The fast protocol and Autobahn's do the same."""

    @settings(
        max_examples=200, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(chunks=reads(), options=options, acts=acts)
    def test_any_stream(
        self, chunks: list[bytes], options: dict[str, Any], acts: dict[int, str]
    ) -> None:
        """Any stream cut anywhere gives the same messages, writes and close."""
        stock, fast = opened(Stock, **options), opened(Fast, **options)
        stock.acts = fast.acts = acts
        for chunk in chunks:
            raised = fed(stock, chunk)
            self.assertEqual(fed(fast, chunk), raised)
            self.assertEqual(state_of(fast), state_of(stock))
            if raised:
                return
        for protocol in (stock, fast):
            protocol.connectionLost(Failure(ConnectionLost("gone")))
        self.assertEqual(state_of(fast), state_of(stock))
