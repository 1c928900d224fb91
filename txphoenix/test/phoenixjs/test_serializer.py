"""phoenix.js's serializer tests: JSON, and the binary frames, byte for byte."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Message, SerializerError
from txphoenix.protocol.serializer import V2Serializer


class SerializerTestCase(SynchronousTestCase):
    """A test of the serializer of Phoenix's version 2."""

    def setUp(self) -> None:
        """Make it."""
        serializer = V2Serializer()
        self.encode = serializer.encode
        self.decode = serializer.decode


class JSONTests(SerializerTestCase):
    """Text frames."""

    message = Message("0", "1", "t", "e", {"foo": 1})
    frame = b'["0","1","t","e",{"foo":1}]'

    def test_encodes_general_pushes(self) -> None:
        """Z1: a message is a JSON array of join_ref, ref, topic, event and payload."""
        self.assertEqual(self.encode(self.message), (self.frame, False))

    def test_decodes(self) -> None:
        """Z2: and back."""
        self.assertEqual(self.decode(self.frame, False), self.message)


class BinaryTests(SerializerTestCase):
    """Binary frames."""

    def test_encodes(self) -> None:
        """Z3: kind 0, four lengths, four strings, and the payload as it is."""
        self.assertEqual(
            self.encode(Message("0", "1", "t", "e", b"\x01")),
            (b"\x00\x01\x01\x01\x0101te\x01", True),
        )

    def test_encodes_variable_length_segments(self) -> None:
        """Z4: each string has its own length."""
        self.assertEqual(
            self.encode(Message("10", "1", "top", "ev", b"\x01")),
            (b"\x00\x02\x01\x03\x02101topev\x01", True),
        )

    def test_decodes_push(self) -> None:
        """Z5: a push of the server has a join_ref and no ref; its payload is bytes."""
        frame = b"\x00\x03\x03\x0a123topsome-event\x01\x01"
        self.assertEqual(
            self.decode(frame, True),
            Message("123", None, "top", "some-event", b"\x01\x01"),
        )

    def test_decodes_reply(self) -> None:
        """Z6: a reply is a phx_reply, whose response is bytes."""
        frame = b"\x01\x03\x02\x03\x0210012topok\x01\x01"
        payload = {"status": "ok", "response": b"\x01\x01"}
        self.assertEqual(
            self.decode(frame, True), Message("100", "12", "top", "phx_reply", payload)
        )

    def test_encodes_non_ascii_metadata_as_utf8(self) -> None:
        """Z7: strings are UTF-8, and a length is that of the bytes."""
        self.assertEqual(
            self.encode(Message("🚀", "1", "room:café", "π", b"\x01")),
            (
                b"\x00\x04\x01\x0a\x02" + "🚀1room:caféπ".encode() + b"\x01",
                True,
            ),
        )

    def test_throws_when_a_metadata_field_exceeds_255_utf8_bytes(self) -> None:
        """Z8: a string of more bytes than a length can say is an error that names it.

        One of 255 is sent.
        """
        for topic in ("t" * 256, "é" * 128):
            with self.assertRaises(SerializerError) as caught:
                self.encode(Message("0", "1", topic, "e", b"\x01"))
            self.assertIn("topic", str(caught.exception))
            self.assertIn("256", str(caught.exception))
        data, _ = self.encode(Message("0", "1", "t" * 255, "e", b"\x01"))
        self.assertEqual(len(data), 5 + 2 + 255 + 1 + 1)

    def test_decodes_broadcast(self) -> None:
        """Z9: a broadcast has neither ref."""
        frame = b"\x02\x03\x0atopsome-event\x01\x01"
        self.assertEqual(
            self.decode(frame, True),
            Message(None, None, "top", "some-event", b"\x01\x01"),
        )
