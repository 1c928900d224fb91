"""Tests of the parts of :mod:`txphoenix.supabase` that need no client."""

from __future__ import annotations

import contextlib
import copy
import pickle
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError, PhoenixError, SerializerError
from txphoenix.message import Message
from txphoenix.serializer import default_json
from txphoenix.supabase import (
    MalformedMessage,
    PostgresChange,
    RealtimeChannel,
    SendError,
    SendTimeout,
    SubscribeError,
    SystemMessageError,
)
from txphoenix.supabase.client import _urls
from txphoenix.supabase.frames import EncodedBroadcast, SupabaseSerializer
from txphoenix.supabase.testing import SupabaseV2Codec, UserBroadcast, make_token
from txphoenix.supabase.tokens import expiry_of
from txphoenix.supabase.values import converted, converted_row

from .properties import checked, given, st


class DecoderTests(SynchronousTestCase):
    """``decoders`` of a class of channels."""

    def test_own_events(self) -> None:
        """What the channel reads itself is refused, for it could read it no more."""
        for event in ("broadcast", "postgres_changes", "system"):
            with self.assertRaisesRegex(ConfigurationError, f"cannot have {event},"):
                type("Room", (RealtimeChannel,), {"decoders": {event: len}})
        type("Room", (RealtimeChannel,), {"decoders": {"other": len}})


class ValueTests(SynchronousTestCase):
    """Values of columns."""

    def test_texts(self) -> None:
        """Text becomes what its column has."""
        for type, text, value in (
            ("bool", "t", True),
            ("bool", "f", False),
            ("bool", "maybe", "maybe"),
            ("int8", "9007199254740993", 9007199254740993),
            ("int4", "x", "x"),
            ("numeric", "1.5", 1.5),
            ("float8", "-2e3", -2000.0),
            ("jsonb", '{"a": [1]}', {"a": [1]}),
            ("json", "{", "{"),
            ("timestamp", "2019-09-10 00:00:00", "2019-09-10T00:00:00"),
            ("timestamptz", "2019-09-10 00:00:00+00", "2019-09-10 00:00:00+00"),
            ("text", "7", "7"),
            ("uuid", "7", "7"),
            ("_int4", "{}", []),
            ("_int4", "{1,NULL,3}", [1, None, 3]),
            ("_text", r'{a,"b, \"c\"","NULL"}', ["a", 'b, "c"', "NULL"]),
            ("_int4", "{{1,2},{3,4}}", [[1, 2], [3, 4]]),
            ("_bool", "{t,f}", [True, False]),
            ("_int4", "{1,2", "{1,2"),
            ("_int4", "{1}2", "{1}2"),
            ("_int4", "{" * 99, "{" * 99),
        ):
            self.assertEqual(converted(type, text), value, (type, text))

    def test_values(self) -> None:
        """What is no text, or of an unknown column, is left."""
        columns = [{"name": "a", "type": "int8"}]
        row = {"a": 1, "b": "2", "c": None}
        self.assertEqual(converted_row(columns, row), row)
        self.assertEqual(converted_row(columns, {"a": "1"}), {"a": 1})
        self.assertEqual(converted_row(columns, None), {})


class ChangeTests(SynchronousTestCase):
    """Changes as the server tells them."""

    def test_odd_columns(self) -> None:
        """Columns without a name that is text leave the values as they came."""
        names = ("schema", "table", "type", "commit_timestamp")
        told: dict[str, Any] = {**dict.fromkeys(names, "x"), "record": {"id": "1"}}
        for columns in (5, [5], [{"name": [], "type": "int8"}], [{"type": "int8"}]):
            change = PostgresChange.read({**told, "columns": columns})
            self.assertEqual(change.new, {"id": "1"})


class FrameTests(SynchronousTestCase):
    """Frames of kinds 3 and 4."""

    codec = SupabaseSerializer()

    def test_sent(self) -> None:
        """What is sent is as the official client writes it, byte by byte."""
        for payload, expected in (
            (b"\x00\x01", b"\x00123\x00\x01"),
            ({"a": 1}, b'\x01123{"a":1}'),
        ):
            made = EncodedBroadcast.of("3", payload, {}, default_json())
            data, is_binary = self.codec.encode(
                Message("1", None, "2", "broadcast", made)
            )
            self.assertTrue(is_binary)
            self.assertEqual(data, b"\x03\x01\x00\x01\x01\x00" + expected)

    def test_read(self) -> None:
        """What the server makes is read, with its metadata."""
        told = UserBroadcast.of("é", b"x", {"id": "7"})
        data, _ = SupabaseV2Codec().encode(Message(None, None, "t", "broadcast", told))
        message = self.codec.decode(data, True)
        payload = {"type": "broadcast", "event": "é", "payload": b"x"}
        self.assertEqual(
            message,
            Message(None, None, "t", "broadcast", {**payload, "meta": {"id": "7"}}),
        )

    def test_too_short(self) -> None:
        """A frame that ends within its strings is an error, not a shorter broadcast."""
        whole = b"\x04\x01\x05\x02\x00tshout{}"
        self.assertEqual(self.codec.decode(whole, True).payload["payload"], b"")
        for end in range(1, len(whole)):
            self.assertRaises(SerializerError, self.codec.decode, whole[:end], True)

    def test_too_long(self) -> None:
        """A string of more than 255 bytes is an error that names it."""
        made = EncodedBroadcast.of("é" * 128, {}, {}, default_json())
        message = Message("1", "2", "t", "broadcast", made)
        error = self.assertRaises(SerializerError, self.codec.encode, message)
        self.assertIn("event", str(error))

    @checked
    @given(st.binary(max_size=40))
    def test_any_bytes(self, data: bytes) -> None:
        """Any bytes are a message or a SerializerError."""
        for start in (b"", b"\x04", b"\x04\x01\x01\x02\x01"):
            with contextlib.suppress(SerializerError):
                self.codec.decode(start + data, True)


class TokenTests(SynchronousTestCase):
    """When a token expires."""

    def test_expiry(self) -> None:
        """A JSON web token says so, and nothing else does."""
        self.assertEqual(expiry_of(make_token({"exp": 17}, "s")), 17.0)
        odd: list[Any] = ["17", True, 10**400, float("inf"), float("nan"), [17]]
        for claims in ({}, *({"exp": it} for it in odd)):
            self.assertIsNone(expiry_of(make_token(claims, "s")))
        for token in (None, 7, "", "opaque", "a.b.c", "a.é.c", "..", "a.W10.c"):
            self.assertIsNone(expiry_of(token))


class URLTests(SynchronousTestCase):
    """The URLs of a project."""

    def test_urls(self) -> None:
        """That of the project and those of its Realtime are all the same."""
        for url in (
            "https://ref.supabase.co",
            "https://ref.supabase.co/",
            "https://ref.supabase.co/realtime/v1",
            "wss://ref.supabase.co/realtime/v1/websocket",
        ):
            self.assertEqual(
                _urls(url),
                (
                    "wss://ref.supabase.co/realtime/v1",
                    "https://ref.supabase.co/realtime/v1",
                ),
            )


class ErrorTests(SynchronousTestCase):
    """The errors."""

    def test_copies(self) -> None:
        """Each can be copied and pickled, and is one of the library's."""
        errors: list[PhoenixError] = [
            SubscribeError({}, "t", "fault"),
            SystemMessageError("t", "message", "system"),
            MalformedMessage("t", "event", "fault"),
            SendError("t", "event", "reason", 500),
            SendTimeout("t", "event", 1.0),
        ]
        for error in errors:
            for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
                self.assertEqual(str(other), str(error))
                self.assertEqual(vars(other), vars(error))
