"""Tests of the parts of :mod:`txphoenix.supabase.testing`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Message
from txphoenix.supabase.testing import (
    SupabaseV1Codec,
    SupabaseV2Codec,
    UserBroadcast,
    make_token,
)
from txphoenix.supabase.testing.filters import Filter, Subscription, SubscriptionFault
from txphoenix.supabase.testing.join_config import JoinConfig
from txphoenix.supabase.testing.tokens import TokenFault, verified
from txphoenix.testing import CodecError

from .supabase_wire import frame_of_kind_3


class CodecTests(SynchronousTestCase):
    """The frames of kinds 3 and 4, byte by byte."""

    def test_kind_3(self) -> None:
        """Five strings, an encoding, and the rest."""
        frame = (
            b"\x03\x02\x01\x0f\x03\x0e\x01" + b"12" + b"3" + "realtime:räum".encode()
        )
        self.assertRaises(CodecError, SupabaseV2Codec().decode, frame, True)
        frame = (
            b"\x03\x02\x01\x0e\x03\x0e\x01" + b"12" + b"3" + "realtime:räum".encode()
        )
        frame += b"hey" + b'{"persist": 1}' + b"[1]"
        message = SupabaseV2Codec().decode(frame, True)
        broadcast = UserBroadcast("hey", b"[1]", True, {"persist": 1})
        expected = Message("12", "3", "realtime:räum", "broadcast", broadcast)
        self.assertEqual(message, expected)

    def test_encoding(self) -> None:
        """0 is bytes, anything else JSON, as the server has it."""
        for encoding, is_json in ((0, False), (1, True), (7, True)):
            frame = bytearray(frame_of_kind_3("1", "2", "t", "e", b"x"))
            frame[6] = encoding
            message = SupabaseV2Codec().decode(bytes(frame), True)
            self.assertIs(message.payload.is_json, is_json)

    def test_kind_4(self) -> None:
        """Three strings, an encoding, and the rest."""
        broadcast = UserBroadcast.of("hé", bytearray(b"\x00\x01"), {"id": "ü"})
        message = Message(None, None, "t", "broadcast", broadcast)
        data, is_binary = SupabaseV2Codec().encode(message)
        self.assertTrue(is_binary)
        metadata = '{"id":"ü"}'.encode()
        head = bytes([4, 1, 3, len(metadata), 0])
        self.assertEqual(data, head + b"t" + "hé".encode() + metadata + b"\x00\x01")

    def test_too_long(self) -> None:
        """A string of more than 255 bytes cannot be sent."""
        for topic, event, metadata in (
            ("t" * 256, "e", {}),
            ("t", "ü" * 128, {}),
            ("t", "e", {"x": "y" * 250}),
        ):
            broadcast = UserBroadcast.of(event, b"", metadata)
            message = Message(None, None, topic, "broadcast", broadcast)
            self.assertRaises(CodecError, SupabaseV2Codec().encode, message)

    def test_version_1(self) -> None:
        """It is JSON with its metadata, and never bytes."""
        broadcast = UserBroadcast.of("e", [1], {"id": "7"})
        message = Message(None, None, "t", "broadcast", broadcast)
        data, is_binary = SupabaseV1Codec().encode(message)
        self.assertFalse(is_binary)
        self.assertIn(b'"meta"', data)
        raw = message._replace(payload=UserBroadcast.of("e", b"x"))
        self.assertRaises(CodecError, SupabaseV1Codec().encode, raw)

    def test_phoenix(self) -> None:
        """All else is Phoenix's own."""
        frame = b"\x00\x01\x01\x01\x01" + b"12te" + b"data"
        message = SupabaseV2Codec().decode(frame, True)
        self.assertEqual(message, Message("1", "2", "t", "e", b"data"))
        self.assertRaises(CodecError, SupabaseV2Codec().decode, b"", True)


class TokenTests(SynchronousTestCase):
    """Tokens, signed and checked."""

    def test_known(self) -> None:
        """The token of jwt.io's example is one, by its secret."""
        token = (
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
            "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ."
            "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        )
        fault = self.assertRaises(TokenFault, verified, token, "your-256-bit-secret", 0)
        self.assertIn("`role` and `exp` are required", fault.message)
        fault = self.assertRaises(TokenFault, verified, token, "another", 0)
        self.assertEqual(fault.code, "JwtSignatureError")

    def test_time(self) -> None:
        """It is taken until its time, and not at it."""
        token = make_token({"role": "anon", "exp": 10}, "s")
        self.assertEqual(verified(token, "s", 9.9)["role"], "anon")
        fault = self.assertRaises(TokenFault, verified, token, "s", 12.5)
        self.assertEqual(fault.message, "Token has expired 2 seconds ago")
        self.assertRaises(TokenFault, verified, token, "s", 10)

    def test_malformed(self) -> None:
        """What is no token is malformed; another algorithm is no signature."""
        for token in (None, 7, "", "a.b.c", "e30.W10.x", "ü.ü.ü", "....", "e30.e3"):
            fault = self.assertRaises(TokenFault, verified, token, "s", 0)
            self.assertEqual(fault.code, "MalformedJWT", token)
        fault = self.assertRaises(TokenFault, verified, "e30.e30.", "s", 0)
        self.assertEqual(fault.code, "JwtSignatureError")


class FilterTests(SynchronousTestCase):
    """What a subscription takes."""

    def takes(self, text: str, **row: Any) -> bool:
        """Whether a filter takes a row."""
        subscription = Subscription.parse({"table": "t", "filter": text, "schema": "s"})
        return subscription.takes("INSERT", "s", "t", row)

    def test_operators(self) -> None:
        """Each operator, with a value that it takes and one that it does not."""
        for text, good, bad in (
            ("a=eq.5", 5, 6),
            ("a=eq.5", 5.0, None),
            ("a=eq.x", "x", "y"),
            ("a=eq.true", True, False),
            ("a=neq.5", 4, 5),
            ("a=lt.10", 9, 10),
            ("a=lt.b", "a", "b"),
            ("a=lte.10", 10, 11),
            ("a=gt.10", 11, 10),
            ("a=gte.10", 10, 9),
            ("a=gt.x", "y", 7),
            ("a=in.(1,3)", 3, 2),
            ('a=in.("x,y",z)', "x,y", "x"),
            ("a=like.r%d", "read", "write"),
            ("a=like.r_d", "red", "Red"),
            ("a=ilike.R%", "read", "write"),
            ("a=is.null", None, 0),
            ("a=is.true", True, 1),
            ("a=match.^r", "read", "Read"),
            ("a=imatch.^r", "Read", "write"),
            ("a=isdistinct.x", None, "x"),
            ("a=not.eq.5", 6, 5),
            ("a=not.in.(1,2)", 3, 1),
        ):
            self.assertTrue(self.takes(text, a=good), text)
            self.assertFalse(self.takes(text, a=bad), text)

    def test_null(self) -> None:
        """Null is taken by no comparison, not even by a negated one."""
        for text in ("a=neq.5", "a=not.eq.5", "a=like.%"):
            self.assertFalse(self.takes(text, a=None))

    def test_several(self) -> None:
        """Several are all to be fulfilled; none takes all."""
        text = "a=gt.1,b=in.(1,2),c=eq.x"
        self.assertTrue(self.takes(text, a=2, b=2, c="x"))
        self.assertFalse(self.takes(text, a=2, b=3, c="x"))
        self.assertTrue(self.takes("  "))

    def test_delete(self) -> None:
        """A delete passes whatever the filters are, if event and table fit."""
        params = {"schema": "s", "table": "t", "filter": "a=eq.1"}
        subscription = Subscription.parse(params)
        self.assertTrue(subscription.takes("DELETE", "s", "t", {"a": 2}))
        self.assertFalse(subscription.takes("DELETE", "s", "other", {"a": 1}))
        inserts = Subscription.parse({**params, "event": "insert"})
        self.assertFalse(inserts.takes("DELETE", "s", "t", {"a": 1}))

    def test_defaults(self) -> None:
        """The schema is public, the table any, the event any."""
        self.assertEqual(
            Subscription.parse({"table": "t"}), Subscription("*", "public", "t")
        )
        self.assertEqual(
            Subscription.parse({"schema": "s", "event": "odd"}),
            Subscription("*", "s", "*"),
        )

    def test_faults(self) -> None:
        """What cannot be parsed is said."""
        for params, text in (
            ({}, "No subscription params"),
            ({"schema": 7}, "No subscription params"),
            ({"schema": "s", "filter": "a=eq.1"}, "No subscription params"),
            ({"schema": "s", "table": "t", "select": "a"}, "`select` params"),
        ):
            fault = self.assertRaises(SubscriptionFault, Subscription.parse, params)
            self.assertIn(text, str(fault))
        for text, shown in (("undefined", '["undefined"]'), ("a=foo.hey", "foo")):
            fault = self.assertRaises(SubscriptionFault, Filter.parse, text)
            self.assertIn(shown, str(fault))


class JoinConfigTests(SynchronousTestCase):
    """The config of a join, however odd."""

    def test_odd(self) -> None:
        """What cannot be read is as if it were not there."""
        for config in (7, None, {"broadcast": 1, "presence": [], "private": 1}):
            read = JoinConfig.read("realtime:a", {"config": config})
            flags = (read.ack, read.hears_itself, read.presence, read.private)
            self.assertEqual(flags, (False,) * 4)
            self.assertEqual((read.changes, read.wait), ((), None))

    def test_nulls(self) -> None:
        """Nulls among the bindings are left out."""
        changes = [None, {"schema": "s"}]
        read = JoinConfig.read("realtime:a", {"config": {"postgres_changes": changes}})
        self.assertEqual(read.changes, ({"schema": "s"},))

    def test_wait(self) -> None:
        """The wait is fifteen seconds if it is not said."""
        for options, wait in (
            ({"wait": True}, 15.0),
            ({"wait": True, "timeout": 2000}, 2.0),
            ({"timeout": 2000}, None),
        ):
            config = {"postgres_changes_options": options}
            read = JoinConfig.read("realtime:a", {"config": config})
            self.assertEqual(read.wait, wait)
