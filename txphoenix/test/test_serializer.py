"""Tests of :mod:`txphoenix.serializer`.

The frames come from conversations with real servers, Phoenix 1.7 and 1.8.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import uuid
from collections.abc import Callable
from typing import Any
from unittest import mock

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError, SerializerError
from txphoenix.message import Message
from txphoenix.serializer import (
    StandardJSON,
    V1Serializer,
    V2Serializer,
    default_json,
    serializer_for,
)

# Alike in each run, and no matter how slow the machine.
checked = settings(deadline=None, derandomize=True, database=None)

# Every string that UTF-8 can hold.
text = st.text(st.characters(exclude_categories=["Cs"]))
short_text = text.filter(lambda value: len(value.encode()) <= 255)
refs = st.none() | st.integers(0, 10**9).map(str)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inside: st.lists(inside) | st.dictionaries(text, inside),
    max_leaves=20,
)


class TextCodec:
    """A codec as a user may bring one: the standard json, in text, with spaces."""

    def loads(self, data: str | bytes, /) -> Any:
        """Parse, by way of the standard json."""
        return json.loads(data)

    def dumps(self, value: Any, /) -> str:
        """Make text, by way of the standard json."""
        return json.dumps(value, ensure_ascii=False)


class OddCodec:
    """A codec that does what it is told to."""

    def __init__(
        self,
        loads: Callable[[str | bytes], Any] = orjson.loads,
        dumps: Callable[[Any], Any] = orjson.dumps,
    ) -> None:
        self.loads = loads
        self.dumps = dumps


def reply(status: str, data: str) -> dict[str, object]:
    """The payload of a binary reply, of its data in hex."""
    return {"status": status, "response": bytes.fromhex(data)}


@dataclasses.dataclass
class Point:
    """A payload that orjson takes and JSON knows nothing of."""

    x: float


ORJSON = V2Serializer(orjson)
STANDARD = V2Serializer(StandardJSON())
BOTH = (ORJSON, STANDARD)
EVERY_CODEC = (*BOTH, V2Serializer(TextCodec()))


class SerializerCase(SynchronousTestCase):
    """The base of the tests below."""

    def refusal(self, function: Callable[..., Any], *args: Any) -> str:
        """What the SerializerError says that a call must raise."""
        return str(self.assertRaises(SerializerError, function, *args))


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
        """Integers of more than 64 bits are the codec's to refuse, or to send."""
        self.assertIn("64-bit", self.encode(ORJSON, 2**64))
        data, _ = STANDARD.encode(Message("1", "2", "t", "e", 2**64))
        self.assertEqual(data, b'["1","2","t","e",18446744073709551616]')

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
        for _ in range(sys.getrecursionlimit() * 20):
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


class V1Tests(SerializerCase):
    """The deprecated serializer."""

    # The section "V1 serializer" of the conversations, and a join with its join_ref.
    sent = (
        (
            Message(None, "1", "phoenix", "heartbeat", {}),
            '{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"1"}',
        ),
        (
            Message("2", "3", "echo:v1", "push_me", {"k": 1}),
            '{"topic":"echo:v1","event":"push_me","payload":{"k":1},"ref":"3"}',
        ),
        (
            Message("2", "2", "t", "phx_join", {"k": 1}),
            '{"topic":"t","event":"phx_join","payload":{"k":1},"ref":"2","join_ref":"2"}',
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
        """Messages are objects, with a join_ref in a join alone."""
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
            self.assertEqual(str(error), f"vsn must be '1.0.0' or '2.0.0', not {vsn!r}")

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
        self.assertIs(default_json(), orjson)

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
