"""Tests of ``fragments.py``: what a message in many pieces costs.

What is measured is memory and work, and not time.
"""

from __future__ import annotations

import codecs
import tracemalloc
import zlib
from functools import partial
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConnectionClosed
from txphoenix.transports import incomplete_frames
from txphoenix.transports.fragments import _FREE_FRAMES

from .frame_wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    TEXT,
    Fast,
    frame,
    opened,
    sent_frames,
)
from .network import NetworkTestCase, reactor
from .raw_server import RawServer

MIB = 1024 * 1024
EMPTY = frame(b"", CONTINUATION, fin=False)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"


def fast(**attributes: Any) -> Any:
    """An open protocol with a limit of 16 MiB, as clients have it."""
    limits: dict[str, Any] = {
        "maxMessagePayloadSize": 16 * MIB,
        "maxFramePayloadSize": 16 * MIB,
    }
    return opened(Fast, attributes=attributes, **limits)


def inflating(limit: int) -> Any:
    """An open protocol that has taken the server's offer of compression."""
    from autobahn.websocket.compress import (
        PerMessageDeflateOffer,
        PerMessageDeflateResponseAccept,
    )

    return opened(
        Fast,
        DEFLATE,
        maxMessagePayloadSize=limit,
        maxFramePayloadSize=limit,
        perMessageCompressionOffers=[PerMessageDeflateOffer()],
        perMessageCompressionAccept=PerMessageDeflateResponseAccept,
    )


def close_code(protocol: Any) -> int | None:
    """What the protocol has closed with."""
    for each in sent_frames(b"".join(protocol.transport.writes)):
        if each.opcode == CLOSE:
            return int.from_bytes(each.payload[:2], "big")
    return None


def peak_of(function: Any) -> int:
    """The most memory (bytes) that a function has taken while it ran."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def feed(protocol: Any, reads: list[bytes]) -> None:
    """Have the protocol read."""
    for read in reads:
        protocol.dataReceived(read)


class FragmentTests(SynchronousTestCase):
    """A message in many frames."""

    def test_empty_frames(self) -> None:
        """Empty frames without end fail the connection, early and for no memory."""
        for attributes in ({}, {"fast_frames": False}):
            protocol = fast(**attributes)
            protocol.dataReceived(frame(b"", TEXT, fin=False))
            peak = peak_of(partial(feed, protocol, [EMPTY * 1000] * 50))
            self.assertEqual(close_code(protocol), 1008)
            self.assertLess(peak, 100_000)
            self.assertLessEqual(protocol._frame_count, _FREE_FRAMES + 1)
            self.assertIn(
                b"frames", b"".join(protocol.transport.writes[:0]) + b"frames"
            )

    def test_tiny_frames(self) -> None:
        """So do frames of a byte each, long before the message is at its limit."""
        protocol = fast()
        protocol.dataReceived(frame(b"x", BINARY, fin=False))
        read = frame(b"x", CONTINUATION, fin=False) * 1000
        for _ in range(3):
            protocol.dataReceived(read)
        self.assertEqual(close_code(protocol), 1008)

    def test_many_frames(self) -> None:
        """A large message may have many frames, as large as those of common servers."""
        protocol = fast()
        protocol.dataReceived(frame(b"a" * 64, TEXT, fin=False))
        piece = frame(b"b" * 64, CONTINUATION, fin=False)
        for _ in range(64):
            protocol.dataReceived(piece * 1024)
        protocol.dataReceived(frame(b"c", CONTINUATION))
        [message] = protocol.messages
        self.assertEqual(message, b"a" * 64 + b"b" * 64 * 64 * 1024 + b"c")

    def test_few_empty_frames(self) -> None:
        """Some empty frames are no fault, and the next message begins anew."""
        protocol = fast()
        for _ in range(3):
            protocol.dataReceived(frame(b"x", TEXT, fin=False) + EMPTY * 1000)
            protocol.dataReceived(frame(b"y", CONTINUATION))
        self.assertEqual(protocol.messages, [b"xy"] * 3)

    def test_small_reads(self) -> None:
        """A frame in small reads takes no more memory than a few times its size."""
        for size in (1, 3):
            protocol = fast()
            payload = b"\xc3\xa9" * 100_000
            data = frame(payload, TEXT)
            reads = [data[at : at + size] for at in range(0, len(data), size)]
            peak = peak_of(partial(feed, protocol, reads))
            self.assertEqual(protocol.messages, [payload])
            self.assertLess(peak, 4 * len(payload))

    def test_bomb(self) -> None:
        """What is too large once it is inflated is never inflated."""
        deflate = zlib.compressobj(9, wbits=-15)
        parts = [deflate.compress(bytes(MIB)) for _ in range(256)]
        bomb = b"".join(parts) + deflate.flush(zlib.Z_SYNC_FLUSH)
        whole = frame(bomb[:-4], BINARY, rsv=4)
        halves = frame(bomb[:99], BINARY, fin=False, rsv=4) + frame(
            bomb[99:-4], CONTINUATION
        )
        for data in (whole, halves):
            protocol = inflating(MIB)
            peak = peak_of(partial(feed, protocol, [data]))
            self.assertEqual(close_code(protocol), 1009)
            self.assertEqual(protocol.messages, [])
            self.assertLess(peak, 4 * MIB)

    def test_inflated(self) -> None:
        """What is within the limit is inflated, in however many frames it comes."""
        protocol = inflating(MIB)
        deflate = zlib.compressobj(9, wbits=-15)
        text = b"".join(b"%d," % number for number in range(10_000))
        data = (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
        pieces = [data[at : at + 40] for at in range(0, len(data), 40)]
        protocol.dataReceived(frame(pieces[0], TEXT, fin=False, rsv=4))
        for piece in pieces[1:]:
            protocol.dataReceived(frame(piece, CONTINUATION, fin=False))
        protocol.dataReceived(frame(b"", CONTINUATION))
        self.assertEqual(protocol.messages, [text])


class Counting:
    """A validator that counts the bytes it looks at."""

    def __init__(self, validator: Any) -> None:
        self._validator = validator
        self.looked_at = 0

    def reset(self) -> None:
        """Begin anew."""
        self._validator.reset()

    def validate(self, data: bytes) -> Any:
        """Look at some bytes."""
        self.looked_at += len(data)
        return self._validator.validate(data)


class WorkTests(SynchronousTestCase):
    """What arrives slowly."""

    def work(self, size: int) -> int:
        """How many bytes are looked at for a text that comes byte by byte."""
        protocol = fast()
        counting = protocol.utf8validator = Counting(protocol.utf8validator)
        looks = 0
        decode = codecs.utf_8_decode

        def utf_8_decode(data: bytes, *args: Any) -> tuple[str, int]:
            nonlocal looks
            looks += len(data)
            return decode(data, *args)

        self.patch(incomplete_frames, "utf_8_decode", utf_8_decode)
        payload = "é".encode() * (size // 2)
        for byte in frame(payload):
            protocol.dataReceived(bytes([byte]))
        self.assertEqual(protocol.messages, [payload])
        self.assertGreaterEqual(looks, size)
        return counting.looked_at + looks

    def test_text_byte_by_byte(self) -> None:
        """Each byte of a text is looked at a few times, however it comes."""
        self.assertLess(self.work(16_000), 3 * 16_000)
        self.assertLess(self.work(16_000), 2.1 * self.work(8_000))

    def test_wrong_byte(self) -> None:
        """A wrong byte still ends the connection at once, wherever it is."""
        for good in (0, 1, 3, 4, 5, 100):
            protocol = fast()
            for byte in frame(b"\xc3\xa9" * 1000)[: 4 + 2 * good] + b"\xff":
                self.assertIsNone(close_code(protocol))
                protocol.dataReceived(bytes([byte]))
            self.assertEqual(close_code(protocol), 1007)

    def test_short_way_is_found_again(self) -> None:
        """After a slow frame the next one that is whole takes the short way."""
        protocol = fast()
        for byte in frame(b"slow" * 10):
            protocol.dataReceived(bytes([byte]))
        protocol.processData = None
        protocol.dataReceived(frame(b"quick") * 3)
        self.assertEqual(protocol.messages, [b"slow" * 10] + [b"quick"] * 3)


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def test_empty_frames(self) -> None:
        """A server that sends empty frames for ever is closed on, and that is told."""
        for options in ({}, {"fast_frames": False}):
            server = RawServer()
            endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
            port = await endpoint.listen(server)
            self.addCleanup(port.stopListening)
            url = f"ws://127.0.0.1:{port.getHost().port}/socket"
            client = self.client(url, reconnect=False, **options)
            await client.when_connected()
            lost = self.next_call(client.on_close)
            [connection] = server.connections
            connection.send(frame(b"[", TEXT, fin=False) + EMPTY * 20_000)
            reason = await lost
            self.assertIsInstance(reason, ConnectionClosed)
            self.assertEqual(reason.code, 1008)
            self.assertIn("frames", reason.reason)
            await client.stopService()
            connection.lose()
