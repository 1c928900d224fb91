"""Tests of :mod:`txphoenix.serializer`: the text of V2, and the choice of a serializer.

The frames come from conversations with real servers, Phoenix 1.7 and 1.8.
"""

from __future__ import annotations

import json
import math
import sys
import uuid
from typing import Any
from unittest import mock

import orjson

from txphoenix.errors import ConfigurationError, SerializerError
from txphoenix.protocol.json_codecs import Orjson
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import (
    StandardJSON,
    V1Serializer,
    V2Serializer,
    default_json,
    serializer_for,
)
from txphoenix.test.properties import checked
from txphoenix.test.serializer_kit import (
    BOTH,
    EVERY_CODEC,
    ORJSON,
    STANDARD,
    OddCodec,
    Point,
    SerializerCase,
    TextCodec,
    json_values,
    refs,
    text,
)

from .properties import given, st


class V2TextTests(SerializerCase):
    """JSON, with each codec."""

    # Sent by the official client.
    sent = (
        '[null,"1","phoenix","heartbeat",{}]',
        '["2","2","echo:a","phx_join",{"k":1}]',
        '["2","3","echo:a","echo",{"x":1}]',
        '["2",null,"echo:a","echo",{"noref":1}]',
        '["2","14","echo:a","echo",[1,2]]',
        '["2","15","echo:a","echo","str"]',
        '["2","16","echo:a","echo",null]',
        '["2","44","echo:a","phx_leave",{}]',
    )

    received = (
        '["2","3","echo:a","phx_reply",{"response":{"x":1},"status":"ok"}]',
        '[null,"31","echo:zz","phx_reply",{"response":{},"status":"error"}]',
        '["2",null,"echo:a","pushed",{"hi":1}]',
        '[null,null,"echo:a","shout",{"b":1}]',
        '["2","2","echo:a","phx_close",{}]',
    )

    def test_encode(self) -> None:
        """Messages become what the official client sends, byte for byte."""
        for serializer in BOTH:
            for frame in self.sent:
                message = Message(*json.loads(frame))
                self.assertEqual(serializer.encode(message), (frame.encode(), False))

    def test_decode(self) -> None:
        """What a server sends becomes a Message."""
        for serializer in EVERY_CODEC:
            for frame in self.received:
                decoded = serializer.decode(frame.encode(), False)
                self.assertIsInstance(decoded, Message)
                self.assertEqual(decoded, tuple(json.loads(frame)))

    def test_utf8(self) -> None:
        """Text travels as UTF-8, not escaped, with the keys in their order."""
        message = Message("1", "2", "t", "e", {"z": "Zürich 🏔", "a": "\u2028", "m": 1})
        frame = '["1","2","t","e",{"z":"Zürich 🏔","a":"\u2028","m":1}]'.encode()
        for serializer in BOTH:
            self.assertEqual(serializer.encode(message), (frame, False))
            self.assertEqual(
                list(serializer.decode(frame, False).payload), ["z", "a", "m"]
            )

    def test_integer_refs(self) -> None:
        """A server echoes integer refs as integers; they become strings."""
        for serializer in EVERY_CODEC:
            frame = b'[2,11,"echo:a","phx_reply",{}]'
            self.assertEqual(
                serializer.decode(frame, False),
                Message("2", "11", "echo:a", "phx_reply", {}),
            )

    def test_extra_elements(self) -> None:
        """What comes after the payload is ignored."""
        for serializer in EVERY_CODEC:
            self.assertEqual(
                serializer.decode(b'["1",2,"t","e",{},"extra",7]', False),
                Message("1", "2", "t", "e", {}),
            )

    def test_codec_of_text(self) -> None:
        """A codec may return text and may put spaces into it."""
        serializer = V2Serializer(TextCodec())
        message = Message(None, "1", "t", "e", {"ü": None})
        self.assertEqual(
            serializer.encode(message),
            ('[null, "1", "t", "e", {"ü": null}]'.encode(), False),
        )

    def test_module_json(self) -> None:
        """The module json stands for its compact and strict form."""
        message = Message(None, "1", "t", "e", {"ü": [1]})
        self.assertEqual(V2Serializer(json).encode(message), STANDARD.encode(message))

    def test_string_subclasses(self) -> None:
        """Topics and events may be of a class of their own."""

        class Name(str):
            """A string, and yet another class."""

        message = Message("1", "2", Name("t"), Name("e"), {})
        for serializer in EVERY_CODEC:
            data, _ = serializer.encode(message)
            self.assertEqual(serializer.decode(data, False), message)

    @checked
    @given(refs, refs, text, text, json_values)
    def test_round_trip(
        self,
        join_ref: str | None,
        ref: str | None,
        topic: str,
        event: str,
        payload: Any,
    ) -> None:
        """Any message survives, from any codec to any other."""
        message = Message(join_ref, ref, topic, event, payload)
        for sender in EVERY_CODEC:
            data, is_binary = sender.encode(message)
            self.assertFalse(is_binary)
            for receiver in EVERY_CODEC:
                self.assertEqual(receiver.decode(data, False), message)


class V2UnencodableTests(SerializerCase):
    """Messages that JSON cannot hold."""

    def encode(self, serializer: V2Serializer | V1Serializer, payload: Any) -> str:
        """What the error says for a payload."""
        message = Message("1", "2", "rooms:lobby", "new_msg", payload)
        return self.refusal(serializer.encode, message)

    def test_unknown_type(self) -> None:
        """The error names topic, event, the payload's type and what was wrong."""
        for serializer in EVERY_CODEC:
            said = self.encode(serializer, {"a": object()})
            self.assertIn("the payload of 'new_msg' to 'rooms:lobby', a dict: ", said)
            self.assertIn("object", said)
            self.assertIn("a set", self.encode(serializer, {1, 2}))

    def test_nested_bytes(self) -> None:
        """Bytes inside of a payload get an error that says where bytes may be."""
        hint = "; bytes can be a payload, but not be inside of one"
        for data in (b"x", bytearray(b"x"), memoryview(b"x")):
            for payload in ({"a": [1, {"b": data}]}, [(data,)]):
                for serializer in EVERY_CODEC:
                    self.assertTrue(self.encode(serializer, payload).endswith(hint))
        self.assertNotIn(hint, self.encode(ORJSON, [object()]))

    def test_nan(self) -> None:
        """NaN and the infinities are refused, not turned into null without a word."""
        for number in (math.nan, math.inf, -math.inf):
            for payload in (number, {"a": [{"b": (1, number)}]}):
                for serializer in BOTH:
                    said = self.encode(serializer, payload)
                    self.assertIn("JSON", said)
        self.assertEqual(
            self.encode(ORJSON, [math.nan]),
            "cannot encode the payload of 'new_msg' to 'rooms:lobby': JSON has no nan",
        )

    def test_nan_in_dataclass(self) -> None:
        """Where a codec takes a dataclass, NaN is refused in there too."""
        data, _ = ORJSON.encode(Message("1", "2", "t", "e", Point(1.5)))
        self.assertEqual(data, b'["1","2","t","e",{"x":1.5}]')
        self.assertIn("JSON has no nan", self.encode(ORJSON, [Point(math.nan)]))
        self.assertIn("Point", self.encode(STANDARD, [Point(1.5)]))

    def test_null_is_no_nan(self) -> None:
        """None, and texts that look like it, are sent as they are."""
        payload = {"null": None, "u": ["null", 1.5, None]}
        for serializer in EVERY_CODEC:
            message = Message("1", "2", "t", "e", payload)
            data, _ = serializer.encode(message)
            self.assertEqual(serializer.decode(data, False), message)

    def test_keys(self) -> None:
        """Keys must be strings, and are not made into strings without a word."""
        for key in (1, None, True, 1.5):
            for serializer in BOTH:
                said = self.encode(serializer, {"a": [{key: 1}]})
                self.assertIn("Dict key must be str", said)

    def test_integers(self) -> None:
        """An integer that Python makes no text of is refused."""
        for serializer in BOTH:
            self.assertIn("digits", self.encode(serializer, [10**5000]))

    def test_lone_surrogates(self) -> None:
        """Text that cannot be UTF-8 is refused, wherever it is."""
        for serializer in EVERY_CODEC:
            self.encode(serializer, {"a": "\ud800"})
            self.encode(serializer, {"\ud800": 1})
            for message in (
                Message("1", "2", "\ud800", "e", {}),
                Message("1", "2", "t", "\ud800", {}),
            ):
                said = self.refusal(serializer.encode, message)
                said.encode()

    def test_too_deep(self) -> None:
        """A payload that is nested too deeply, or in itself, is refused."""
        deep: list[Any] = []
        # From 3.14 on Python's own json is limited by the stack alone.
        for _ in range(200_000):
            deep = [deep]
        ring: list[Any] = []
        ring.append(ring)
        for serializer in EVERY_CODEC:
            self.encode(serializer, deep)
            self.encode(serializer, ring)
        while deep:
            deep = deep.pop()

    def test_topic_and_event(self) -> None:
        """Topic and event must be strings: a server closes the socket on less."""
        for topic, event, said in [
            (None, "e", "not NoneType and str"),
            ("t", 5, "not str and int"),
        ]:
            payloads: tuple[Any, ...] = ({}, b"")
            for payload in payloads:
                message = Message("1", "2", topic, event, payload)  # type: ignore[arg-type]
                self.assertIn(said, self.refusal(ORJSON.encode, message))

    def test_codec_returns_nonsense(self) -> None:
        """A codec whose dumps returns neither text nor bytes is named as such."""
        serializer = V2Serializer(OddCodec(dumps=lambda value: None))
        self.assertIn(
            "dumps of the JSON codec returned NoneType", self.encode(serializer, {})
        )

    def test_codec_raises(self) -> None:
        """Whatever a codec raises becomes a SerializerError, with it as the cause."""
        fault = LookupError("no such thing")

        def fail(value: Any) -> Any:
            raise fault

        serializer = V2Serializer(OddCodec(dumps=fail, loads=fail))
        message = Message("1", "2", "t", "e", {})
        error = self.assertRaises(SerializerError, serializer.encode, message)
        self.assertIs(error.__cause__, fault)
        error = self.assertRaises(SerializerError, serializer.decode, b"[]", False)
        self.assertIs(error.__cause__, fault)


class V2UndecodableTests(SerializerCase):
    """Text frames that are no messages."""

    def decode(self, data: bytes) -> list[str]:
        """What the errors say for a frame, one of each codec."""
        return [self.refusal(codec.decode, data, False) for codec in EVERY_CODEC]

    def test_not_json(self) -> None:
        """What is not JSON, or not UTF-8, is refused and shown."""
        for data in (b"not json", b"", b'["1","1"', b'["\xc3\x28"]', b"\x00\x01\x02"):
            for said in self.decode(data):
                self.assertTrue(said.startswith(f"expected JSON, got {data!r}: "), said)

    def test_strict(self) -> None:
        """What only some parsers take for JSON is refused."""
        for constant in (b"NaN", b"Infinity", b"-Infinity"):
            for serializer in BOTH:
                data = b'["1","2","t","e",%s]' % constant
                self.refusal(serializer.decode, data, False)
        for encoding in ("utf-16", "utf-32-le", "utf-8-sig"):
            for serializer in BOTH:
                data = '["1","2","t","e",{}]'.encode(encoding)
                self.refusal(serializer.decode, data, False)

    def test_wrong_shape(self) -> None:
        """What is not a list of at least five elements is refused."""
        for data in (
            b"{}",
            b"[]",
            b"null",
            b'"12345"',
            b'["1","1","echo:a","e"]',
            b"5",
        ):
            self.assertEqual(
                set(self.decode(data)),
                {f"expected [join_ref, ref, topic, event, payload], got {data!r}"},
            )

    def test_object_of_five(self) -> None:
        """An object with five keys is no list of five elements."""
        self.decode(b'{"1":1,"2":2,"t":3,"e":4,"p":5}')

    def test_wrong_types(self) -> None:
        """Topic and event must be strings; refs strings, integers or null."""
        for data, expected in [
            (b'["1","1",5,"e",{}]', "a string as topic, not int"),
            (b'["1","1","t",null,{}]', "a string as event, not NoneType"),
            (b'["1",true,"t","e",{}]', "a string or null as ref, not bool"),
            (b'[1.5,"1","t","e",{}]', "a string or null as join_ref, not float"),
            (b'[["1"],"1","t","e",{}]', "a string or null as join_ref, not list"),
        ]:
            self.assertEqual(
                set(self.decode(data)), {f"expected {expected}, in {data!r}"}
            )

    def test_too_deep(self) -> None:
        """A frame that is nested too deeply is refused like any other."""
        depth = 200_000
        self.decode(b'["1","1","t","e",' + b"[" * depth + b"]" * depth + b"]")
        self.decode(b"[" * depth)

    def test_cut(self) -> None:
        """Of a long frame the beginning is shown, and how long it was."""
        data = b'["secret' + b"x" * 1_000_000
        for said in self.decode(data):
            self.assertIn("... (1000008 in all)", said)
            self.assertLess(len(said), 300)

    @checked
    @given(st.binary() | st.text())
    def test_any_data(self, data: Any) -> None:
        """Any bytes are a message or a SerializerError, and so is any text."""
        for serializer in EVERY_CODEC:
            for is_binary in (False, True):
                self.decodes_or_refuses(serializer, data, is_binary)

    @checked
    @given(st.lists(json_values | text, min_size=4, max_size=6) | json_values)
    def test_any_json(self, value: Any) -> None:
        """So is any JSON value."""
        for serializer in EVERY_CODEC:
            self.decodes_or_refuses(serializer, orjson.dumps(value), False)

    @checked
    @given(st.integers(0, 3), st.lists(st.integers(0, 4), max_size=4), st.binary())
    def test_any_binary(self, kind: int, lengths: list[int], rest: bytes) -> None:
        """So is anything that looks like a binary frame."""
        self.decodes_or_refuses(ORJSON, bytes([kind, *lengths]) + rest, True)

    def decodes_or_refuses(
        self, serializer: V2Serializer, data: bytes, is_binary: bool
    ) -> None:
        """Check that decoding gives a message of the right types, or refuses."""
        try:
            message = serializer.decode(data, is_binary)
        except SerializerError as error:
            self.assertLess(len(str(error)), 500)
            return
        self.assertIsInstance(message, Message)
        join_ref, ref, topic, event, _ = message
        self.assertIsInstance(join_ref, (str, type(None)))
        self.assertIsInstance(ref, (str, type(None)))
        self.assertIsInstance(topic, str)
        self.assertIsInstance(event, str)


class ChoiceTests(SerializerCase):
    """The choice of serializer and codec."""

    def test_serializer_for(self) -> None:
        """Each version has its serializer, which names its version."""
        for vsn, kind in [("2.0.0", V2Serializer), ("1.0.0", V1Serializer)]:
            serializer = serializer_for(vsn)
            self.assertIsInstance(serializer, kind)
            self.assertEqual(serializer.vsn, vsn)
        self.flushWarnings()

    def test_codec_is_used(self) -> None:
        """The codec given is the one used."""
        serializer = serializer_for("2.0.0", OddCodec(dumps=lambda value: "[]"))
        self.assertEqual(serializer.encode(Message.heartbeat("1")), (b"[]", False))

    def test_unknown_vsn(self) -> None:
        """A version that there is not is refused, as servers do."""
        wrong: list[Any] = ["3.0.0", "2.0", "", None, 2, []]
        for vsn in wrong:
            error = self.assertRaises(ConfigurationError, serializer_for, vsn)
            self.assertEqual(
                str(error),
                f"vsn must be '2.0.0' or '1.0.0', not {vsn!r}; others are made known "
                "by txphoenix.serializer.register(vsn, factory), or by the option "
                "serializer",
            )

    def test_bad_codec(self) -> None:
        """A codec must have loads and dumps."""
        for codec in ("json", object(), OddCodec(loads=None)):  # type: ignore[arg-type]
            for make in (V1Serializer, V2Serializer):
                error = self.assertRaises(ConfigurationError, make, codec)
                self.assertEqual(
                    str(error),
                    "the JSON codec must have loads and dumps, "
                    f"which {type(codec).__name__} has not",
                )
        self.flushWarnings()

    def test_default_is_orjson(self) -> None:
        """Where orjson is installed it is the default."""
        self.assertIsInstance(default_json(), Orjson)

    def test_default_without_orjson(self) -> None:
        """Where it is not, the standard json is, and the frames are the same."""
        message = Message("1", "2", "t", "e", {"ü": [1, None]})
        expected = V2Serializer().encode(message)
        with mock.patch.dict(sys.modules, {"orjson": None}):
            self.assertIsInstance(default_json(), StandardJSON)
            self.assertEqual(V2Serializer().encode(message), expected)

    def test_extra_types(self) -> None:
        """What orjson takes beyond JSON's types, the standard json refuses."""
        message = Message("1", "2", "t", "e", uuid.UUID(int=5))
        ORJSON.encode(message)
        self.assertIn("UUID", self.refusal(STANDARD.encode, message))
