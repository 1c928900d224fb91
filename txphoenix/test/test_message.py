"""Tests of :mod:`txphoenix.message`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import SerializerError
from txphoenix.protocol.message import Message, generate_ref
from txphoenix.protocol.serializer import V1Serializer


class MessageTests(SynchronousTestCase):
    """The value and its constructors."""

    def test_order(self) -> None:
        """The fields stand in the order of Phoenix's V2 serializer."""
        message = Message("1", "2", "rooms:lobby", "new_msg", {"body": "hi"})
        self.assertEqual(message, ("1", "2", "rooms:lobby", "new_msg", {"body": "hi"}))
        self.assertEqual(
            Message._fields, ("join_ref", "ref", "topic", "event", "payload")
        )

    def test_join(self) -> None:
        """A join's ref is its join_ref, and its payload the params."""
        self.assertEqual(
            Message.join("rooms:lobby", {"user_id": 123}, "2"),
            ("2", "2", "rooms:lobby", "phx_join", {"user_id": 123}),
        )

    def test_join_params(self) -> None:
        """Without params the payload is ``{}``; any other value is sent as it is."""
        self.assertEqual(Message.join("t", ref="1").payload, {})
        self.assertEqual(Message.join("t", [], ref="1").payload, [])

    def test_leave(self) -> None:
        """A leave says which join it ends."""
        self.assertEqual(
            Message.leave("rooms:lobby", "7", "2"),
            ("2", "7", "rooms:lobby", "phx_leave", {}),
        )

    def test_push(self) -> None:
        """A push holds all that it is given."""
        self.assertEqual(
            Message.push("rooms:lobby", "new_msg", {"body": "hi"}, "7", "2"),
            ("2", "7", "rooms:lobby", "new_msg", {"body": "hi"}),
        )

    def test_heartbeat(self) -> None:
        """A heartbeat goes to the socket itself and belongs to no join."""
        self.assertEqual(
            Message.heartbeat("9"), (None, "9", "phoenix", "heartbeat", {})
        )


class RefTests(SynchronousTestCase):
    """The refs of messages made by hand."""

    def test_counts(self) -> None:
        """Each ref is the number after the one before."""
        first = generate_ref()
        self.assertEqual(generate_ref(), str(int(first) + 1))

    def test_generated(self) -> None:
        """A message made without a ref gets a new one, and no join_ref but a join."""
        first = int(generate_ref())
        join = Message.join("t")
        leave = Message.leave("t")
        push = Message.push("t", "e", {})
        self.assertEqual(
            [(m.join_ref, m.ref) for m in (join, leave, push)],
            [
                (str(first + 1), str(first + 1)),
                (None, str(first + 2)),
                (None, str(first + 3)),
            ],
        )


class EncodingTests(SynchronousTestCase):
    """The short way to the serializers."""

    message = Message("2", "3", "echo:a", "echo", {"x": 1})
    data = b'["2","3","echo:a","echo",{"x":1}]'

    def test_encode(self) -> None:
        """A message encodes itself as V2 unless told otherwise."""
        self.assertEqual(self.message.encode(), (self.data, False))
        self.assertEqual(
            self.message._replace(payload=b"\x01").encode(),
            (b"\x00\x01\x01\x06\x0423echo:aecho\x01", True),
        )

    def test_decode(self) -> None:
        """A message is made of bytes or of text, as V2 unless told otherwise."""
        self.assertEqual(Message.decode(self.data), self.message)
        self.assertEqual(Message.decode(self.data.decode()), self.message)
        self.assertEqual(
            Message.decode(b"\x02\x01\x01te\x01", is_binary=True),
            (None, None, "t", "e", b"\x01"),
        )

    def test_serializer(self) -> None:
        """Another serializer can be given."""
        v1 = V1Serializer()
        self.flushWarnings()
        data, is_binary = self.message.encode(v1)
        self.assertFalse(is_binary)
        self.assertEqual(
            data,
            b'{"topic":"echo:a","event":"echo","payload":{"x":1},"ref":"3",'
            b'"join_ref":"2"}',
        )
        self.assertEqual(Message.decode(data, v1), self.message)

    def test_bad_text(self) -> None:
        """Text that cannot be UTF-8 is refused like any other that is no message."""
        with self.assertRaises(SerializerError):
            Message.decode('[null,null,"t","e","\ud800"]')
