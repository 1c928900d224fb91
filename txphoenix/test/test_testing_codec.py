"""Tests of :mod:`txphoenix.testing.codec`."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.protocol.message import Message
from txphoenix.testing.codec import (
    CodecError,
    ServerV1Codec,
    ServerV2Codec,
    codec_for,
)


class Version2Tests(SynchronousTestCase):
    """The array of five, and binary frames."""

    def setUp(self) -> None:
        """A codec."""
        self.codec = ServerV2Codec()

    def assertRefused(self, data: bytes, is_binary: bool, *words: str) -> None:
        """The frame is no message, and the error says why."""
        error = self.assertRaises(CodecError, self.codec.decode, data, is_binary)
        for word in words:
            self.assertIn(word, str(error))

    def test_decode(self) -> None:
        """A push is read as it stands: no ref is turned into another type."""
        message = self.codec.decode(b'["1",2,"t","e",{"a":null}]', False)
        self.assertEqual(message, Message("1", 2, "t", "e", {"a": None}))  # type: ignore[arg-type]

    def test_further_elements(self) -> None:
        """A longer array is read as far as it is known."""
        message = self.codec.decode(b'[null,null,"t","e",1,2,3]', False)
        self.assertEqual(message, Message(None, None, "t", "e", 1))

    def test_not_a_message(self) -> None:
        """Anything but an array of five is refused with what came."""
        self.assertRefused(b"not json", False, "JSON", "not json")
        self.assertRefused(b"{}", False, "dict")
        self.assertRefused(b'["1","1","t"]', False, "a list of 3")

    def test_decode_binary(self) -> None:
        """A binary push has four strings and the rest."""
        data = bytes([0, 1, 2, 1, 3]) + b"1" + b"23" + b"t" + b"bin" + b"\x00\xff"
        message = self.codec.decode(data, True)
        self.assertEqual(message, Message("1", "23", "t", "bin", b"\x00\xff"))

    def test_not_a_binary_message(self) -> None:
        """Another kind, a frame that ends too early or no UTF-8 is refused."""
        self.assertRefused(b"", True, "binary push")
        self.assertRefused(b"\x01\x00\x00\x00\x00", True, "binary push")
        self.assertRefused(b"\x00\x01\x00\x00\x00", True, "too early")
        self.assertRefused(b"\x00\x01\x00\x00\x00\xff", True, "UTF-8", "ff")

    def test_encode(self) -> None:
        """A message without bytes in it is a text frame."""
        data, is_binary = self.codec.encode(Message("1", None, "t", "e", {"ä": 1}))
        self.assertEqual(json.loads(data), ["1", None, "t", "e", {"ä": 1}])
        self.assertFalse(is_binary)

    def test_encode_binary(self) -> None:
        """Bytes make a push, a reply or a broadcast, each with its own layout."""
        reply = {"status": "ok", "response": b"\xff"}
        for message, expected in (
            (Message("1", None, "t", "ev", b"\xff"), b"\x00\x01\x01\x021tev\xff"),
            (
                Message("1", "22", "t", "phx_reply", reply),
                b"\x01\x01\x02\x01\x02122tok\xff",
            ),
            (
                Message(None, None, "t", "ev", bytearray(b"\xff")),
                b"\x02\x01\x02tev\xff",
            ),
            (
                Message(None, "2", "t", "phx_reply", reply),
                b"\x01\x00\x01\x01\x022tok\xff",
            ),
        ):
            self.assertEqual(self.codec.encode(message), (expected, True))

    def test_encode_too_long(self) -> None:
        """A string of a binary frame fits into its one byte of length, or not."""
        longest = Message(None, None, "t" * 255, "e", b"")
        self.assertTrue(self.codec.encode(longest)[1])
        longer = longest._replace(topic="t" * 256)
        error = self.assertRaises(CodecError, self.codec.encode, longer)
        self.assertIn("256", str(error))

    def test_encode_no_json(self) -> None:
        """What is no JSON is refused, naming event and topic."""
        message = Message(None, None, "rooms:1", "news", object())
        error = self.assertRaises(CodecError, self.codec.encode, message)
        self.assertIn("'news' on 'rooms:1'", str(error))

    def test_json_codec(self) -> None:
        """Another JSON codec can be given; its text may be a string."""
        data, _ = ServerV2Codec(_Spaced()).encode(Message(None, None, "t", "e", 1))
        self.assertEqual(data, b'[null, null, "t", "e", 1]')


class Version1Tests(SynchronousTestCase):
    """The object of four."""

    def setUp(self) -> None:
        """A codec."""
        self.codec = ServerV1Codec()

    def test_decode(self) -> None:
        """A push has no join_ref, but for the join itself."""
        data = b'{"topic":"t","event":"e","payload":{},"ref":"1"}'
        self.assertEqual(
            self.codec.decode(data, False), Message(None, "1", "t", "e", {})
        )
        data = b'{"topic":"t","event":"e","payload":{},"ref":"1","join_ref":"1"}'
        self.assertEqual(
            self.codec.decode(data, False), Message("1", "1", "t", "e", {})
        )

    def test_not_a_message(self) -> None:
        """Anything else is refused, binary frames included."""
        for data, is_binary in ((b"[]", False), (b'{"topic":"t"}', False), (b"", True)):
            self.assertRaises(CodecError, self.codec.decode, data, is_binary)

    def test_encode(self) -> None:
        """What the server sends has no join_ref."""
        data, is_binary = self.codec.encode(Message("1", "2", "t", "e", {}))
        self.assertFalse(is_binary)
        self.assertEqual(
            json.loads(data), {"topic": "t", "event": "e", "payload": {}, "ref": "2"}
        )

    def test_no_binary(self) -> None:
        """Bytes cannot be sent."""
        message = Message("1", None, "t", "e", b"")
        self.assertRaises(CodecError, self.codec.encode, message)


class ChoiceTests(SynchronousTestCase):
    """Which codec a client gets."""

    def test_versions(self) -> None:
        """Phoenix takes any patch of 1.0 and 2.0, and nothing else."""
        self.assertIsInstance(codec_for("1.0.0"), ServerV1Codec)
        self.assertIsInstance(codec_for("2.0.0"), ServerV2Codec)
        for vsn in ("1.1.0", "2.1.0", "3.0.0", "abc", ""):
            self.assertIsNone(codec_for(vsn))


class _Spaced:
    """The standard json with its spaces."""

    def loads(self, data: str | bytes, /) -> Any:
        """Parse."""
        return json.loads(data)

    def dumps(self, value: Any, /) -> str:
        """Make text."""
        return json.dumps(value)
