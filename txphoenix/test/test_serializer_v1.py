"""Tests of :mod:`txphoenix.serializer`: V1.

The frames come from conversations with real servers, Phoenix 1.7 and 1.8.
"""

from __future__ import annotations

import math
from typing import Any

import orjson

from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import StandardJSON, V1Serializer
from txphoenix.test.properties import checked
from txphoenix.test.serializer_kit import (
    SerializerCase,
    TextCodec,
    json_values,
    refs,
    text,
)

from .properties import given


class V1Tests(SerializerCase):
    """The deprecated serializer."""

    # As in the section "V1 serializer" of the conversations, but for the join_ref of
    # the push, which the server of the recordings does not need; a join and a leave.
    sent = (
        (
            Message(None, "1", "phoenix", "heartbeat", {}),
            '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}',
        ),
        (
            Message("2", "3", "e:v1", "push_me", {}),
            '{"topic":"e:v1","event":"push_me","payload":{},"ref":"3","join_ref":"2"}',
        ),
        (
            Message("2", "2", "t", "phx_join", {"k": 1}),
            '{"topic":"t","event":"phx_join","payload":{"k":1},"ref":"2","join_ref":"2"}',
        ),
        (
            Message("2", "4", "t", "phx_leave", {}),
            '{"topic":"t","event":"phx_leave","payload":{},"ref":"4","join_ref":"2"}',
        ),
    )

    received = (
        (
            '{"event":"phx_reply","payload":{"status":"ok"},"ref":"1","topic":"phoenix"}',
            Message(None, "1", "phoenix", "phx_reply", {"status": "ok"}),
        ),
        (
            '{"event":"shout","payload":{"k":1},"ref":null,"topic":"echo:v1"}',
            Message(None, None, "echo:v1", "shout", {"k": 1}),
        ),
        (
            '{"event":"e","payload":null,"ref":7,"topic":"t","more":1}',
            Message(None, "7", "t", "e", None),
        ),
    )

    def setUp(self) -> None:
        """Make one of each codec."""
        self.serializers = [
            V1Serializer(codec) for codec in (orjson, StandardJSON(), TextCodec())
        ]
        self.flushWarnings()

    def test_deprecated(self) -> None:
        """Its construction gives a DeprecationWarning."""
        V1Serializer()
        [warning] = self.flushWarnings()
        self.assertIs(warning["category"], DeprecationWarning)
        self.assertEqual(
            warning["message"], "Phoenix's V1 serializer is deprecated; use vsn 2.0.0"
        )

    def test_encode(self) -> None:
        """Messages are objects, with a join_ref in all that have one."""
        for serializer in self.serializers[:2]:
            for message, frame in self.sent:
                self.assertEqual(serializer.encode(message), (frame.encode(), False))

    def test_decode(self) -> None:
        """What a server sends becomes a Message without a join_ref."""
        for serializer in self.serializers:
            for frame, message in self.received:
                decoded = serializer.decode(frame.encode(), False)
                self.assertIsInstance(decoded, Message)
                self.assertEqual(decoded, message)

    def test_unencodable(self) -> None:
        """What JSON cannot hold is refused as in V2."""
        for serializer in self.serializers:
            for payload, said in [
                ({"a": object()}, "the payload of 'e' to 't', a dict: "),
                (math.nan, "JSON"),
                ({"a": b"x"}, "bytes can be a payload, but not be inside of one"),
            ]:
                message = Message("1", "2", "t", "e", payload)
                self.assertIn(said, self.refusal(serializer.encode, message))
            message = Message("1", "2", None, "e", {})  # type: ignore[arg-type]
            self.assertIn("not NoneType", self.refusal(serializer.encode, message))

    def test_no_binary(self) -> None:
        """Bytes are refused in both directions: V1 has no binary messages."""
        for serializer in self.serializers:
            for payload in (b"x", bytearray(b"x"), memoryview(b"x")):
                message = Message("1", "2", "t", "e", payload)
                self.assertEqual(
                    self.refusal(serializer.encode, message),
                    "cannot encode the payload of 'e' to 't': "
                    "V1 has no binary messages, use V2",
                )
            self.assertEqual(
                self.refusal(serializer.decode, b"\x02\x01\x01te", True),
                "V1 has no binary messages, got b'\\x02\\x01\\x01te'",
            )

    def test_undecodable(self) -> None:
        """What is no message is refused."""
        for serializer in self.serializers:
            for data in (b"", b"not json", b"\xff", b"[" * 200_000):
                said = self.refusal(serializer.decode, data, False)
                self.assertTrue(said.startswith("expected JSON, got "))
            for data in (b"[]", b"{}", b'{"topic":"t"}', b'["topic","event"]'):
                self.assertEqual(
                    self.refusal(serializer.decode, data, False),
                    f'expected {{"topic", "event", "payload", "ref"}}, got {data!r}',
                )
            data = b'{"topic":"t","event":5}'
            self.assertEqual(
                self.refusal(serializer.decode, data, False),
                f"expected a string as event, not int, in {data!r}",
            )

    @checked
    @given(refs, text, text, json_values)
    def test_round_trip(
        self, ref: str | None, topic: str, event: str, payload: Any
    ) -> None:
        """Any message survives but for its join_ref."""
        for serializer in self.serializers:
            message = Message("1", ref, topic, event, payload)
            data, _ = serializer.encode(message)
            decoded = serializer.decode(data, False)
            self.assertEqual(decoded._replace(join_ref="1"), message)
