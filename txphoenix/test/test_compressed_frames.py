"""Tests of :mod:`txphoenix.transports.compressed_frames`, against Autobahn's own."""

from __future__ import annotations

import zlib
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponseAccept,
)
from twisted.trial.unittest import SynchronousTestCase

from .frame_wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Fast,
    Stock,
    frame,
    opened,
    unmasked,
)
from .properties import HealthCheck, checked, given, settings, st
from .test_frame_streams import fed

LIMIT = 300_000


def session(protocol_class: Any, parameters: bytes = b"", **options: Any) -> Any:
    """An open session with compression, of which the server has set the parameters."""
    return opened(
        protocol_class,
        b"Sec-WebSocket-Extensions: permessage-deflate" + parameters + b"\r\n",
        perMessageCompressionOffers=[
            PerMessageDeflateOffer(request_no_context_takeover=b"server" in parameters)
        ],
        perMessageCompressionAccept=PerMessageDeflateResponseAccept,
        **{"maxMessagePayloadSize": LIMIT, "maxFramePayloadSize": LIMIT, **options},
    )


class Server:
    """The server's side of the compression."""

    def __init__(self, window: int = 15, takes_over: bool = True) -> None:
        self._window = window
        self._takes_over = takes_over
        self._renew()

    def _renew(self) -> None:
        self._deflate = zlib.compressobj(wbits=-self._window)

    def packed(self, payload: bytes) -> bytes:
        """A message's compressed payload."""
        if not self._takes_over:
            self._renew()
        data = self._deflate.compress(payload)
        return (data + self._deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def frame(self, payload: bytes, opcode: int = TEXT) -> bytes:
        """A message in a compressed frame."""
        return frame(self.packed(payload), opcode, rsv=4)


def sent(protocol: Any) -> list[tuple[int, bytes]]:
    """The first bytes and the payloads of what the protocol has sent."""
    data, frames = b"".join(protocol.transport.writes), []
    while data:
        size = data[1] & 127
        start = 6 if size < 126 else 8
        if size == 126:
            size = int.from_bytes(data[2:4], "big")
        payload = data[start : start + size]
        frames.append((data[0], unmasked(data[start - 4 : start], payload)))
        data = data[start + size :]
    return frames


def state_of(protocol: Any) -> dict[str, object]:
    """What must be the same, by either way."""
    return {
        "seen": list(protocol.seen),
        "sent": sent(protocol),
        "state": protocol.state,
        "close": (protocol.localCloseCode, protocol.localCloseReason),
        "failed": (protocol.failedByMe, protocol.wasNotCleanReason),
    }


class ShortWayTests(SynchronousTestCase):
    """Compressed frames past Autobahn's parser."""

    def no_parser(self, parameters: bytes = b"") -> Any:
        """A session in which the parser must not be needed."""
        protocol = session(Fast, parameters)
        protocol.processData = None
        protocol.sendMessage = None
        return protocol

    def test_received(self) -> None:
        """Text and bytes are inflated, of any size, with uncompressed ones between."""
        for parameters, server in [
            (b"", Server()),
            (b"; server_no_context_takeover", Server(takes_over=False)),
        ]:
            protocol = self.no_parser(parameters)
            sizes = [0, 1, 100, 126, 70_000, 200_000, 3]
            for size in sizes:
                text = f"é{size},".encode() * (size // 10)
                data = server.frame(text) + frame(b"plain") + server.frame(text, BINARY)
                for start in range(0, len(data), 999):
                    protocol.dataReceived(data[start : start + 999])
                self.assertEqual(
                    protocol.seen[-3:],
                    [
                        ("message", text, False),
                        ("message", b"plain", False),
                        ("message", text, True),
                    ],
                )
            self.assertEqual(protocol.state, protocol.STATE_OPEN)

    def test_sent(self) -> None:
        """What is sent is compressed, in order, whatever its length."""
        protocol = self.no_parser()
        payloads = [b"", b"x", b"hello" * 20, b"hello" * 500]
        for payload in payloads:
            protocol.send_frame(payload, payload == b"x")
        inflate = zlib.decompressobj(wbits=-15)
        frames = sent(protocol)
        self.assertEqual([first for first, _ in frames], [0xC1, 0xC2, 0xC1, 0xC1])
        for payload, (_, data) in zip(payloads, frames, strict=True):
            self.assertEqual(inflate.decompress(data + b"\0\0\xff\xff"), payload)

    def test_context(self) -> None:
        """A message in fragments, which the parser takes, shares the context."""
        server, protocol = Server(), session(Fast)
        text = b"the same words again and again" * 9
        protocol.dataReceived(server.frame(text))
        data = server.packed(text)
        protocol.dataReceived(frame(data[:4], TEXT, fin=False, rsv=4))
        protocol.dataReceived(frame(data[4:], CONTINUATION) + server.frame(text))
        self.assertEqual(protocol.messages, [text] * 3)


# Autobahn 26.7 raises at bad data, which ends the connection without a close frame.
RAISES = version("autobahn").startswith("26.7.")


class RefusedTests(SynchronousTestCase):
    """What Autobahn refuses, it refuses here as well: same code, same reason."""

    def assert_same(self, data: bytes, **options: Any) -> Any:
        """Assert that both do the same, whole and cut in the middle."""
        stock: Any = None
        for reads in ([data], [data[:5], data[5:]]):
            stock, fast = session(Stock, **options), session(Fast, **options)
            for read in reads:
                self.assertEqual(fed(fast, read), fed(stock, read))
            self.assertEqual(state_of(fast), state_of(stock))
        return stock

    def test_refused(self) -> None:
        """Bad data, bad text, too much of it, and bits that mean nothing here."""
        good = Server()
        before = good.frame(b"before")
        for data, code in [
            (good.frame(b"ab\xff"), 1007),
            (Server().frame(b"ab\xe2\x82"), 1007),
            (Server().frame(bytes(LIMIT + 1)), 1009),
            (Server().frame(bytes(100 * LIMIT), BINARY), 1009),
            (frame(b"x", PING, rsv=4), 1002),
            (frame(b"x", CLOSE, rsv=4), 1002),
            (frame(b"x", TEXT, rsv=6), 1002),
            (frame(b"x", TEXT, rsv=1), 1002),
            (frame(b"x", CONTINUATION, rsv=4), 1002),
            (frame(b"x", 3, rsv=4), 1002),
        ]:
            for fail_by_drop in (False, True):
                stock = self.assert_same(
                    frame(b"first") + data, failByDrop=fail_by_drop
                )
                if not fail_by_drop:
                    self.assertEqual(stock.localCloseCode, code)
        self.assert_same(before + before)

    def test_bad_data(self) -> None:
        """What is no deflate data is 1007, of any release, and nothing is raised."""
        packed = Server().packed(b"x" * 99)
        for data in (
            frame(b"\xff" * 20, rsv=4),
            frame(packed + b"\xff\xff\xff", rsv=4),
            frame(packed[:4], fin=False, rsv=4) + frame(b"\xff" * 20, CONTINUATION),
        ):
            if not RAISES:
                self.assert_same(frame(b"first") + data)
            for step in (1, 5, 100):
                protocol = session(Fast)
                stream = frame(b"first") + data + frame(b"more")
                for start in range(0, len(stream), step):
                    self.assertIsNone(fed(protocol, stream[start : start + step]))
                self.assertEqual(protocol.localCloseCode, 1007)
                self.assertEqual(protocol.messages, [b"first"])

    def test_a_little_too_large(self) -> None:
        """A message is never cut off at the limit.

        zlib may have read all of it, and keep back what a match of up to 258 bytes has
        beyond the limit.
        """
        limit = 4096
        for over in (0, 1, 2, 100, 257, 258, 259):
            packed = Server().packed(bytes(limit + over))
            for data in (
                frame(packed, BINARY, rsv=4),
                frame(packed[:3], BINARY, fin=False, rsv=4)
                + frame(packed[3:], CONTINUATION),
                frame(packed, BINARY, fin=False, rsv=4) + frame(b"", CONTINUATION),
                frame(b"", BINARY, fin=False, rsv=4) + frame(packed, CONTINUATION),
            ):
                for step in (len(data), 5):
                    protocol = session(Fast, maxMessagePayloadSize=limit)
                    for start in range(0, len(data), step):
                        protocol.dataReceived(data[start : start + step])
                    with self.subTest(over=over, data=data, step=step):
                        code = 1009 if over else None
                        self.assertEqual(protocol.localCloseCode, code)
                        expected = [] if over else [bytes(limit)]
                        self.assertEqual(protocol.messages, expected)

    def test_final_block(self) -> None:
        """A message may end with a block that says that it is the last one.

        The first is the example of RFC 7692 section 7.2.3.4.
        """
        final = bytes.fromhex("f348cdc9c9070000")
        for first in (
            frame(final, TEXT, rsv=4),
            frame(final[:3], TEXT, fin=False, rsv=4) + frame(final[3:], CONTINUATION),
        ):
            for second in (
                Server().frame(b"again"),
                frame(Server().packed(b"again"), TEXT, fin=False, rsv=4)
                + frame(b"", CONTINUATION),
            ):
                protocol = session(Fast)
                protocol.dataReceived(first + second + first + second)
                self.assertEqual(protocol.messages, [b"Hello", b"again"] * 2)

    def test_cut_off_text_at_the_limit(self) -> None:
        """Text that ends in the middle of a character is 1007, of the limit as well."""
        text = b"x" * 4094 + b"\xe2\x82"
        for data in (
            Server().frame(text),
            frame(Server().packed(text), TEXT, fin=False, rsv=4) + frame(b"", 0),
        ):
            protocol = session(Fast, maxMessagePayloadSize=len(text))
            protocol.dataReceived(data)
            self.assertEqual(protocol.localCloseCode, 1007)

    def test_without_compression(self) -> None:
        """A compressed frame is refused where none was agreed on."""
        protocol = opened(Fast)
        protocol.dataReceived(Server().frame(b"x"))
        self.assertEqual(protocol.localCloseCode, 1002)

    @settings(checked, max_examples=80, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(
            st.tuples(
                st.one_of(
                    st.binary(max_size=200), st.text(max_size=50).map(str.encode)
                ),
                st.sampled_from([TEXT, BINARY]),
                st.sampled_from(["packed", "plain", "halves", "raw"]),
            ),
            max_size=8,
        ),
        st.lists(st.integers(0, 1000), max_size=6),
        st.dictionaries(
            st.integers(1, 8), st.sampled_from(["echo", "close", "drop", "ping"])
        ),
    )
    def test_any_stream(
        self, parts: list[tuple[bytes, int, str]], cuts: list[int], acts: dict[int, str]
    ) -> None:
        """Any stream gives the same messages, and has the same end.

        The parser inflates what it has of a frame, and so may refuse it a read earlier.
        """
        server, data = Server(), b""
        for payload, opcode, how in parts:
            if how == "packed":
                data += server.frame(payload, opcode)
            elif how == "halves":
                packed = server.packed(payload)
                data += frame(packed[:3], opcode, fin=False, rsv=4)
                data += frame(packed[3:], CONTINUATION)
            else:
                data += frame(payload, opcode, rsv=4 if how == "raw" else 0)
        edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        stock, fast = session(Stock), session(Fast)
        stock.acts = fast.acts = acts
        for start, end in pairwise(edges):
            if start < end:
                raised = [fed(each, data[start:end]) for each in (stock, fast)]
                if any(raised):
                    # The reactor ends what raises: the echo behind a close, and, in
                    # stock of 26.7, what is no deflate data.
                    return
                inflater = stock._perMessageCompress._decompressor
                if inflater is not None and inflater.eof:
                    # From here on all is empty to stock: see test_final_block.
                    return
        if not stock.failedByMe:
            self.assertEqual(state_of(fast), state_of(stock))
        self.assertEqual(fast.seen, stock.seen)
        self.assertEqual(fast.localCloseCode, stock.localCloseCode)
