"""Tests of :mod:`txphoenix.protocol.custom_serializer`, and of the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError, SerializerError
from txphoenix.options.options import Options
from txphoenix.protocol.custom_serializer import chosen_serializer, guarded, reads_v2
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V1Serializer, V2Serializer
from txphoenix.serializer import register, serializer_for

from .custom_serializers import Objects, OtherV2, Scripted, ShoutingV2, raiser

URL = "wss://example.org/socket"
MESSAGE = Message("1", "2", "rooms:lobby", "news", {"a": 1})


class GuardedTests(SynchronousTestCase):
    """Whatever a serializer does, it is a message, a frame or a SerializerError."""

    def setUp(self) -> None:
        """Make one."""
        self.scripted = Scripted()
        self.guarded = guarded(self.scripted)

    def refusal(self, function: Callable[..., Any], *args: Any) -> str:
        """What the SerializerError says."""
        return str(self.assertRaises(SerializerError, function, *args))

    def encode_refusal(self, result: Any) -> str:
        """What is said of a result of encode."""
        self.scripted.on_encode = lambda _: result
        return self.refusal(self.guarded.encode, MESSAGE)

    def decode_refusal(self, result: Any) -> str:
        """What is said of a result of decode."""
        self.scripted.on_decode = lambda *_: result
        return self.refusal(self.guarded.decode, b"[1]", False)

    def test_through(self) -> None:
        """What is right passes."""
        frame = self.guarded.encode(MESSAGE)
        self.assertEqual(frame, V2Serializer().encode(MESSAGE))
        self.assertEqual(self.guarded.decode(*frame), MESSAGE)
        self.assertEqual(self.guarded.vsn, "2.0.0")

    def test_raises(self) -> None:
        """Any exception is wrapped, named, and the cause."""
        for error in (KeyError("x"), RecursionError("deep"), SystemExit(3)):
            self.scripted.on_encode = self.scripted.on_decode = raiser(error)
            name = type(error).__name__
            caught = self.assertRaises(SerializerError, self.guarded.encode, MESSAGE)
            self.assertIs(caught.__cause__, error)
            self.assertIn(
                "cannot encode the payload of 'news' to 'rooms:lobby': "
                f"the serializer raised {name}: ",
                str(caught),
            )
            caught = self.assertRaises(
                SerializerError, self.guarded.decode, b"[1]", False
            )
            self.assertIs(caught.__cause__, error)
            self.assertIn(
                f"cannot decode b'[1]': the serializer raised {name}: ", str(caught)
            )

    def test_raises_its_own(self) -> None:
        """A SerializerError is the serializer's own word."""
        error = SerializerError("no such thing")
        self.scripted.on_encode = self.scripted.on_decode = raiser(error)
        self.assertIs(
            self.assertRaises(SerializerError, self.guarded.encode, MESSAGE), error
        )
        self.assertIs(
            self.assertRaises(SerializerError, self.guarded.decode, b"", True), error
        )

    def test_encoded(self) -> None:
        """A frame is bytes and a bool, and text is UTF-8."""
        must = "encode of the serializer must return (bytes, bool), not "
        for result, shown in (
            (None, "NoneType"),
            (b"data", "bytes"),
            ((b"data",), "tuple"),
            ([b"data", False], "list"),
            (("text", False), "(str, bool)"),
            ((b"data", 1), "(bytes, int)"),
            ((bytearray(b"data"), True), "(bytearray, bool)"),
        ):
            self.assertTrue(self.encode_refusal(result).endswith(must + shown), shown)
        self.assertIn(
            "a text frame must be UTF-8", self.encode_refusal((b"\xff", False))
        )
        for frame in ((b"\xff", True), ("ä".encode(), False), (b"", False)):
            self.scripted.on_encode = lambda _, frame=frame: frame
            self.assertEqual(self.guarded.encode(MESSAGE), frame)

    def test_decoded(self) -> None:
        """A message is a Message, with fields that can be looked up."""
        must = "decode of the serializer must return a Message, not "
        for result in (None, tuple(MESSAGE), list(MESSAGE), MESSAGE._asdict()):
            kind = type(result).__name__
            self.assertEqual(self.decode_refusal(result), f"{must}{kind}, for b'[1]'")
        for name, value in (("topic", []), ("event", None), ("ref", [])):
            fields: Any = {name: value}
            self.assertIn(f"as {name}", self.decode_refusal(MESSAGE._replace(**fields)))
        self.scripted.on_decode = lambda *_: Message(1, 2, "t", "e", {})  # type: ignore[arg-type]
        self.assertEqual(
            self.guarded.decode(b"", True), Message("1", "2", "t", "e", {})
        )

    def test_more_than_a_message(self) -> None:
        """A message of a class of the user's is handed on as it is."""

        class Marked(Message):
            """It may have more."""

        marked = Marked(*MESSAGE)
        self.scripted.on_decode = lambda *_: marked
        self.assertIs(self.guarded.decode(b"", True), marked)

    def test_ours(self) -> None:
        """Phoenix's own are as they are, unless somebody has changed one."""
        ours = V2Serializer()
        self.assertIs(guarded(ours), ours)
        ours.decode = raiser(KeyError())  # type: ignore[method-assign]
        self.refusal(guarded(ours).decode, b"", False)


class FastWayTests(SynchronousTestCase):
    """Whose text frames are read on the fast way."""

    def test_v2(self) -> None:
        """V2's, and those of a subclass that has other binary frames alone."""
        for serializer in (V2Serializer(), OtherV2(), ShoutingV2()):
            self.assertIs(reads_v2(guarded(serializer)), serializer)

    def test_others(self) -> None:
        """Whoever reads all frames is asked for all."""

        class Reader(V2Serializer):
            def decode(self, data: bytes, is_binary: bool) -> Message:
                return super().decode(data, is_binary)

        class Maker(V2Serializer):
            def to_message(self, fields: Any, data: bytes) -> Message:
                return super().to_message(fields, data)

        class Unmade(V2Serializer):
            def __init__(self) -> None:
                """Leave out what the base class would do."""

        changed = V2Serializer()
        changed.decode = changed.decode  # type: ignore[method-assign]
        changed.decode = partial(changed.decode)  # type: ignore[method-assign]
        self.flushWarnings()
        others = (Objects(), Scripted(), Reader(), Maker(), Unmade(), changed)
        for serializer in others:
            self.assertIsNone(reads_v2(guarded(serializer)))
        self.assertIsNone(reads_v2(V1Serializer()))
        self.flushWarnings()


class RegistryTests(SynchronousTestCase):
    """Versions that have a serializer."""

    def register(self, vsn: Any, factory: Any) -> Callable[[], None]:
        """Register until the test has ended."""
        remove = register(vsn, factory)
        self.addCleanup(remove)
        return remove

    def refusal(self, function: Callable[..., Any], *args: Any, **named: Any) -> str:
        """What the ConfigurationError says."""
        return str(self.assertRaises(ConfigurationError, function, *args, **named))

    def test_registered(self) -> None:
        """What was registered is found, made with the codec, and forgotten again."""
        codecs: list[Any] = []

        def make(codec: Any) -> Objects:
            codecs.append(codec)
            return Objects()

        remove = self.register("3.0.0", make)
        self.assertIsInstance(serializer_for("3.0.0"), Objects)
        self.assertIsInstance(serializer_for("3.0.0", json), Objects)
        self.assertEqual(codecs, [None, json])
        self.assertEqual(Options.check(URL, vsn="3.0.0").vsn, "3.0.0")
        remove()
        self.assertIn(
            "vsn must be '2.0.0' or '1.0.0', not '3.0.0'; others are made known by "
            "txphoenix.serializer.register(vsn, factory), or by the option serializer",
            self.refusal(serializer_for, "3.0.0"),
        )
        self.refusal(Options.check, URL, vsn="3.0.0")
        # Again, it does not remove what came later.
        self.register("3.0.0", make)
        remove()
        self.assertIsInstance(serializer_for("3.0.0"), Objects)

    def test_another_version_of_v2(self) -> None:
        """What is made need not know for which version it stands."""
        self.register("2.1.0", V2Serializer)
        self.assertIsInstance(serializer_for("2.1.0"), V2Serializer)
        self.assertIn("'2.0.0' or '1.0.0' or '2.1.0'", self.refusal(serializer_for, ""))

    def test_taken(self) -> None:
        """A version is registered once."""
        for vsn in ("2.0.0", "1.0.0"):
            self.assertIn("has a serializer already", self.refusal(register, vsn, len))
        self.assertIsInstance(serializer_for("2.0.0"), V2Serializer)

    def test_not_registered(self) -> None:
        """A version is text, and a factory can be called."""
        for vsn in ("", 3, None, ["3.0.0"]):
            self.assertIn("vsn must be a str", self.refusal(register, vsn, len))
        self.assertIn("factory", self.refusal(register, "3.0.0", None))
        self.assertIn("not ['3.0.0']", self.refusal(serializer_for, ["3.0.0"]))

    def test_factories_that_fail(self) -> None:
        """A factory that raises, or makes no serializer, is told as what it is."""
        self.register("3.0.0", raiser(KeyError("x")))
        self.assertEqual(
            self.refusal(serializer_for, "3.0.0"),
            "the serializer of vsn '3.0.0' cannot be made: KeyError: 'x'",
        )
        for number, made in enumerate((None, Objects, SimpleNamespace(encode=len))):
            self.register(f"3.{number}.1", lambda _, made=made: made)
            self.assertIn(
                "must make an object with the functions encode and decode",
                self.refusal(serializer_for, f"3.{number}.1"),
            )
        self.register("4.0.0", partial(V2Serializer))
        refusal = self.refusal(serializer_for, "4.0.0", object())
        self.assertIn("loads and dumps", refusal)

    def test_chosen(self) -> None:
        """The option names a codec, or a whole serializer; only others are guarded."""
        self.assertIs(type(chosen_serializer("2.0.0", json)), V2Serializer)
        whole = OtherV2()
        self.assertIsNot(chosen_serializer("2.5.0", whole), whole)
        self.assertIs(reads_v2(chosen_serializer("2.5.0", whole)), whole)
