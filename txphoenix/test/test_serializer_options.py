"""The options ``serializer`` and ``vsn`` together, at rest and on the wire."""

from __future__ import annotations

import copy
import json
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError
from txphoenix.options.options import Options
from txphoenix.protocol.serializer import V2Serializer
from txphoenix.protocol.v2_frames import V2Frames
from txphoenix.serializer import register

from .custom_serializers import SERVER_CODECS, Objects, OtherV2, ShoutingV2, raiser
from .support import TOPIC, ClientTestCase, Room, ScriptedServer

URL = "wss://example.org/socket"


class VersionTests(SynchronousTestCase):
    """Which version a client has."""

    def refusal(self, make: Any, *args: Any, **options: Any) -> str:
        """What the ConfigurationError says."""
        return str(self.assertRaises(ConfigurationError, make, *args, **options))

    def test_own(self) -> None:
        """A whole serializer brings its version, and the same may be said besides."""
        for options in ({}, {"vsn": Objects.vsn}):
            made = Options.check(URL, serializer=Objects(), **options)  # type: ignore[arg-type]
            self.assertEqual(made.vsn, Objects.vsn)
            self.assertEqual(made.snapshot()["vsn"], Objects.vsn)
            evolve: Any = attrs.evolve
            for same in (evolve(made), copy.copy(made), made.replace(timeout=1)):
                self.assertEqual(same.vsn, Objects.vsn)
        made = Options(url=URL, serializer=Objects())
        self.assertEqual(made.vsn, Objects.vsn)
        self.assertIn("vsn='3.0.0-objects'", repr(made))

    def test_codec(self) -> None:
        """A JSON codec goes with any version that is known."""
        for vsn in ("2.0.0", "1.0.0"):
            self.assertEqual(Options.check(URL, serializer=json, vsn=vsn).vsn, vsn)
        self.assertEqual(Options.check(URL, serializer=json).vsn, "2.0.0")

    def test_two(self) -> None:
        """Two versions are refused, though one is the default in the same words."""
        for vsn in ("2.0.0", "1.0.0", "4.0.0"):
            refusal = self.refusal(Options.check, URL, serializer=Objects(), vsn=vsn)
            self.assertEqual(
                refusal,
                "vsn must be left out, or be '3.0.0-objects' as the serializer has it, "
                f"not {vsn!r}",
            )
        made = Options.check(URL, serializer=Objects())
        self.refusal(made.replace, vsn="2.0.0")
        self.refusal(made.replace, vsn="1.0.0", timeout=1)
        self.assertEqual(made.replace(vsn=Objects.vsn).vsn, Objects.vsn)

    def test_replaced(self) -> None:
        """With another serializer comes its version, and with none the default."""
        made = Options.check(URL, vsn="1.0.0").replace(serializer=Objects())
        self.assertEqual(made.vsn, Objects.vsn)
        made = made.replace(serializer=OtherV2())
        self.assertEqual(made.vsn, OtherV2.vsn)
        for codec in (None, json):
            self.assertEqual(made.replace(serializer=codec).vsn, "2.0.0")
            self.assertEqual(made.replace(serializer=codec, vsn="1.0.0").vsn, "1.0.0")
        self.assertEqual(
            Options.check(URL, vsn="1.0.0").replace(serializer=json).vsn, "1.0.0"
        )

    def test_registered(self) -> None:
        """A version is known as long as it is registered."""
        self.refusal(Options.check, URL, vsn="3.3.3")
        self.addCleanup(register("3.3.3", V2Serializer))
        self.assertEqual(Options.check(URL, vsn="3.3.3").vsn, "3.3.3")

    def test_shown(self) -> None:
        """A snapshot names its class, and nothing of what it holds."""
        serializer = Objects()
        serializer.secret = "S3CR3T"  # type: ignore[attr-defined]
        shown = Options.check(URL, serializer=serializer).snapshot()["serializer"]
        self.assertEqual(shown, "<txphoenix.test.custom_serializers.Objects>")


class ReconfiguredTests(ClientTestCase):
    """Another serializer for a client that is connected."""

    def setUp(self) -> None:
        """Make a server that speaks them all."""
        super().setUp()
        self.memory = ScriptedServer({"rooms:*": Room}, serializers=SERVER_CODECS)
        self.clock = self.memory.clock

    def test_next_connection(self) -> None:
        """It takes hold with the next connection; the old one keeps to its own."""
        channel = self.joined_channel()
        client = self._clients[0]
        errors: list[Exception] = []
        client.on_error(errors.append)
        versions = ["2.0.0"]
        for serializer in (Objects(), ShoutingV2(), json, OtherV2(), None):
            # Under way in the old format.
            self.memory.broadcast(TOPIC, "news", {})
            done = self.watch(client.reconfigure(serializer=serializer))
            self.memory.flush()
            self.assert_fired(done, None)
            push = self.watch(channel.push("echo", {"v": 1}))
            self.memory.flush()
            self.assert_fired(push, {"v": 1})
            versions.append(getattr(serializer, "vsn", "2.0.0"))
            self.assertEqual(client.get_state("vsn"), versions[-1])
            self.assertEqual(client.get_state()["vsn"], versions[-1])
        self.assertEqual(
            [it.socket.params["vsn"] for it in self.memory.sessions], versions
        )
        self.assertEqual((errors, client.state.dropped_frames), ([], 0))

    def test_refused(self) -> None:
        """What is refused changes nothing."""
        channel = self.joined_channel(serializer=Objects())
        client = self._clients[0]
        self.addCleanup(register("3.4.0", raiser(KeyError("no"))))
        before = client.get_state()
        for options in (
            {"vsn": "2.0.0"},
            {"serializer": object()},
            {"serializer": None, "vsn": "3.4.0"},
        ):
            wrong: Any = {"timeout": 1.0, "name": "other", **options}
            self.assertRaises(ConfigurationError, client.reconfigure, **wrong)
            self.assertEqual(client.get_state(), before)
            self.assertIs(client.connection._options, client.options)
            self.assertIsNone(client.name)
        push = self.watch(channel.push("echo", {"v": 1}))
        self.memory.flush()
        self.assert_fired(push, {"v": 1})
        self.assertEqual(len(self.memory.sessions), 1)

    def test_made_once(self) -> None:
        """A registered serializer is made for the client, and not at each change."""
        made: list[Any] = []

        def make(codec: Any) -> OtherV2:
            made.append(codec)
            return OtherV2()

        self.addCleanup(register("3.5.0", make))
        client = self.make_client(vsn="3.5.0")
        client.reconfigure(timeout=1.0)
        self.assertEqual(made, [None])
        client.reconfigure(serializer=json)
        self.assertEqual(made, [None, json])

    def test_forgotten(self) -> None:
        """A client keeps a version that is unknown by now, until it changes that."""
        forget = register("3.6.0", lambda json: OtherV2())
        client = self.make_client(vsn="3.6.0")
        forget()
        client.reconfigure(params={"a": "b"}, timeout=1.0)
        self.assertEqual(client.get_state("vsn"), "3.6.0")
        self.assertRaises(ConfigurationError, client.reconfigure, vsn="3.6.0")
        self.assertRaises(ConfigurationError, client.reconfigure, serializer=json)
        client.reconfigure(vsn="2.0.0")
        self.assertEqual(client.get_state("vsn"), "2.0.0")


class BinaryFramesTests(ClientTestCase):
    """A subclass of V2 that has other binary frames."""

    def test_both(self) -> None:
        """Its binary frames are its own, its text is V2's and takes the fast way."""
        self.memory = ScriptedServer({"rooms:*": Room}, serializers=SERVER_CODECS)
        self.clock = self.memory.clock
        serializer = ShoutingV2()
        made: list[Any] = []
        self.patch(V2Frames, "to_message", lambda _, *fields: made.append(fields))
        channel = self.joined_channel(serializer=serializer)
        heard: list[Any] = []
        channel.on("news", heard.append)
        channel.on("shouted", heard.append)
        self.memory.broadcast(TOPIC, "news", {"a": 1})
        self.memory.flush()
        session = self.memory.sessions[-1]
        session.send_frame(b"\x04abc", True)
        self.memory.flush()
        self.assertEqual((heard, made), ([{"a": 1}, b"abc"], []))
        push = self.watch(channel.push("echo", b"abc"))
        self.memory.flush()
        self.assertEqual(session.frames[-2].data, b"\x07ABC")
        self.assert_fired(push, {"size": 3})
