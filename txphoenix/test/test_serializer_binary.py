"""Tests of :mod:`txphoenix.serializer`: the binary frames of V2.

The frames come from conversations with real servers, Phoenix 1.7 and 1.8.
"""

from __future__ import annotations

from typing import Any

from txphoenix.protocol.message import Message
from txphoenix.test.properties import checked
from txphoenix.test.serializer_kit import (
    ORJSON,
    SerializerCase,
    refs,
    reply,
    short_text,
)

from .properties import given, st


class V2BinaryTests(SerializerCase):
    """Binary frames."""

    # The section "binary" of the conversations.
    sent = (
        ("00010206063231376563686f3a6162696e617279dead", "17", "binary", "dead"),
        (
            "000102060c3231386563686f3a6162696e6172795f6572726f72be",
            "18",
            "binary_error",
            "be",
        ),
        (
            "000102060b3231396563686f3a61707573685f62696e617279010203",
            "19",
            "push_binary",
            "010203",
        ),
        (
            "00010206103232306563686f3a6162726f6164636173745f62696e6172790405",
            "20",
            "broadcast_binary",
            "0405",
        ),
        (
            "000102060b3232316563686f3a6162696e6172795f73697a65",
            "21",
            "binary_size",
            "",
        ),
    )

    received = (
        (
            "01010206023231376563686f3a616f6bdead",
            Message("2", "17", "echo:a", "phx_reply", reply("ok", "dead")),
        ),
        (
            "01010206053231386563686f3a616572726f72be",
            Message("2", "18", "echo:a", "phx_reply", reply("error", "be")),
        ),
        (
            "0001060d326563686f3a617075736865645f62696e617279010203",
            Message("2", None, "echo:a", "pushed_binary", b"\x01\x02\x03"),
        ),
        (
            "0206056563686f3a6173686f75740405",
            Message(None, None, "echo:a", "shout", b"\x04\x05"),
        ),
    )

    def test_encode(self) -> None:
        """A push of bytes becomes what the official client sends, byte for byte."""
        for frame, ref, event, data in self.sent:
            message = Message("2", ref, "echo:a", event, bytes.fromhex(data))
            self.assertEqual(ORJSON.encode(message), (bytes.fromhex(frame), True))

    def test_decode(self) -> None:
        """A reply, a push and a broadcast of bytes become Messages."""
        for frame, message in self.received:
            decoded = ORJSON.decode(bytes.fromhex(frame), True)
            self.assertIsInstance(decoded, Message)
            self.assertEqual(decoded, message)

    def test_kinds_of_bytes(self) -> None:
        """A bytearray and a memoryview, also one with gaps, are sent as bytes are."""

        class Bytes(bytes):
            """Bytes, and yet another class."""

        expected = ORJSON.encode(Message("1", "2", "t", "e", b"\x01\x02"))
        for payload in (
            bytearray(b"\x01\x02"),
            memoryview(b"\x01\x02"),
            memoryview(b"\x01\x00\x02\x00")[::2],
            Bytes(b"\x01\x02"),
        ):
            encoded = ORJSON.encode(Message("1", "2", "t", "e", payload))
            self.assertEqual(encoded, expected)
            self.assertIs(type(encoded[0]), bytes)

    def test_payload_is_bytes(self) -> None:
        """A payload is bytes, whatever kind of buffer the frame came in."""
        for frame, message in self.received:
            data = bytes.fromhex(frame)
            buffers: tuple[Any, ...] = (data, bytearray(data), memoryview(data))
            for buffer in buffers:
                decoded = ORJSON.decode(buffer, True)
                self.assertEqual(decoded, message)
                payload = decoded.payload
                content = payload["response"] if type(payload) is dict else payload
                self.assertIs(type(content), bytes)

    def test_no_refs(self) -> None:
        """A ref that is None is empty on the wire, and an empty one is None."""
        data, _ = ORJSON.encode(Message(None, None, "t", "e", b"\x01"))
        self.assertEqual(data, b"\x00\x00\x00\x01\x01te\x01")
        self.assertEqual(
            ORJSON.decode(b"\x00\x00\x01\x01te\x01", True),
            Message(None, None, "t", "e", b"\x01"),
        )
        self.assertEqual(
            ORJSON.decode(b"\x01\x00\x00\x01\x02tok\x01", True),
            Message(None, None, "t", "phx_reply", reply("ok", "01")),
        )

    def test_limit(self) -> None:
        """Each string has at most 255 bytes of UTF-8; the error names the one."""
        fits = "ü" * 127 + "x"
        data, _ = ORJSON.encode(Message(fits, fits, fits, fits, b""))
        self.assertEqual(data, b"\x00\xff\xff\xff\xff" + fits.encode() * 4)
        for name in ("join_ref", "ref", "topic", "event"):
            message = Message("1", "2", "t", "e", b"")._replace(**{name: "ü" * 128})
            self.assertIn(
                f"in a binary message {name} has at most 255 bytes, "
                "and this one has 256",
                self.refusal(ORJSON.encode, message),
            )

    def test_unencodable(self) -> None:
        """What cannot be in a binary frame is refused."""
        message = Message("1", "2", "t", "e", b"")
        self.assertIn(
            "ref must be text, not int",
            self.refusal(ORJSON.encode, message._replace(ref=5)),  # type: ignore[arg-type]
        )
        self.assertIn(
            "surrogates not allowed",
            self.refusal(ORJSON.encode, message._replace(topic="\ud800")),
        )
        released = memoryview(b"x")
        released.release()
        self.assertIn(
            "released", self.refusal(ORJSON.encode, message._replace(payload=released))
        )

    def test_unknown_kind(self) -> None:
        """A frame of no kind that a server sends is refused and shown."""
        for data in (b"", b"\x03\x01\x01te", b"\xff"):
            self.assertEqual(
                self.refusal(ORJSON.decode, data, True),
                f"expected a binary frame of kind 0, 1 or 2, got {data!r}",
            )

    def test_truncated(self) -> None:
        """A frame that ends before its last string is refused."""
        for frame, message in self.received:
            data = bytes.fromhex(frame)
            payload = message.payload
            end = len(payload if isinstance(payload, bytes) else payload["response"])
            for size in range(1, len(data) - end):
                said = self.refusal(ORJSON.decode, data[:size], True)
                self.assertTrue(said.startswith("expected a binary frame of at least "))
                self.assertTrue(said.endswith(f"got {data[:size]!r}"))
            ORJSON.decode(data[: len(data) - end], True)

    def test_bad_utf8(self) -> None:
        """A string that is not UTF-8 is refused."""
        said = self.refusal(ORJSON.decode, b"\x02\x02\x01\xc3\x28e", True)
        self.assertIn("expected UTF-8 in a binary frame", said)

    def test_cut(self) -> None:
        """Of a long frame the beginning is shown, and how long it was."""
        said = self.refusal(ORJSON.decode, b"\x09" * 1_000_000, True)
        self.assertLess(len(said), 500)
        self.assertIn("(1000000 in all)", said)

    @checked
    @given(refs, refs, short_text, short_text, st.binary())
    def test_round_trip(
        self,
        join_ref: str | None,
        ref: str | None,
        topic: str,
        event: str,
        payload: bytes,
    ) -> None:
        """What a client pushes comes back whole from a server that echoes it."""
        data, is_binary = ORJSON.encode(Message(join_ref, ref, topic, event, payload))
        self.assertTrue(is_binary)
        lengths, rest = data[1:5], data[5:]
        # As a reply, the client's push has the right layout, with the event as status.
        self.assertEqual(
            ORJSON.decode(b"\x01" + lengths + rest, True),
            (join_ref, ref, topic, "phx_reply", reply(event, payload.hex())),
        )
        # A broadcast is the same without the refs.
        refs_end = lengths[0] + lengths[1]
        broadcast = ORJSON.decode(b"\x02" + lengths[2:] + rest[refs_end:], True)
        self.assertEqual(broadcast, (None, None, topic, event, payload))
        # A server's push is the same without the ref.
        push = b"\x00" + lengths[:1] + lengths[2:] + rest[: lengths[0]]
        self.assertEqual(
            ORJSON.decode(push + rest[refs_end:], True),
            (join_ref, None, topic, event, payload),
        )
