"""Tests of :mod:`txphoenix.options.checks`."""

from __future__ import annotations

import json
import math
from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Channel, EchoRoom
from txphoenix.errors import ConfigurationError
from txphoenix.options import checks
from txphoenix.options.options import Options
from txphoenix.options.request_checks import check_url
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V1Serializer, V2Serializer
from txphoenix.testing import ServerChannel
from txphoenix.testing.codec import ServerV1Codec, ServerV2Codec

from .checks_case import SECRET, CheckCase


class Room(Channel):
    """A class of channels."""


class Lookalike:
    """A class that takes messages, and is none of channels all the same."""

    def handle_in(self, event: str, payload: object) -> None:
        """Take a message."""


class LeastSizeTests(SynchronousTestCase):
    """What the protocol itself needs."""

    def test_own_messages(self) -> None:
        """A heartbeat, its answer and a join fit the least size of a message."""
        ref = "9" * 10
        reply = {"status": "ok", "response": {}}
        for client, server in (
            (V1Serializer(), ServerV1Codec()),
            (V2Serializer(), ServerV2Codec()),
        ):
            for data, _ in (
                client.encode(Message.heartbeat(ref)),
                client.encode(Message.join("a", None, ref)),
                client.encode(Message.leave("a", ref, ref)),
                server.encode(Message(None, ref, "phoenix", "phx_reply", reply)),
                server.encode(Message(ref, ref, "a", "phx_reply", reply)),
                server.encode(Message(ref, None, "a", "phx_error", {})),
            ):
                self.assertLessEqual(len(data), checks.LEAST_MESSAGE_SIZE)
        self.flushWarnings()

    def test_options(self) -> None:
        """Less than that, or a wait that no network can keep, is never taken."""
        for name, wrong, least in (
            ("max_message_size", 99, 100),
            ("max_message_size", 30, 100),
            ("heartbeat_interval", 1e-9, 0.001),
            ("heartbeat_timeout", 0.0009, 0.001),
            ("connect_timeout", 1e-300, 0.001),
        ):
            url = "ws://127.0.0.1/socket"
            options: Any = {name: wrong}
            error = self.assertRaises(ConfigurationError, Options.check, url, **options)
            self.assertIn(str(least), str(error))
            options = {name: least}
            Options.check(url, **options)


class OptionCheckTests(CheckCase):
    """The checks of the other options."""

    def assert_accepts(self, check: checks.Check, *values: object) -> None:
        """The check returns each of the values as it is."""
        for value in values:
            self.assertIs(check("it", value), value)

    def assert_rejects(self, check: checks.Check, *values: object) -> None:
        """The check refuses each of the values, and names the option."""
        for value in values:
            self.assert_refused("it must be ", check, "it", value)

    def test_message(self) -> None:
        """It is said what was expected and what came: type or plain value."""
        for value, came in (
            ("5", "'5'"),
            (-1, "-1"),
            (True, "True"),
            (None, "None"),
            ([SECRET], "a value of type list"),
        ):
            error = self.assertRaises(
                ConfigurationError, checks.seconds, "timeout", value
            )
            self.assertEqual(
                str(error),
                f"timeout must be a positive, finite number of seconds, not {came}",
            )

    def test_long_value(self) -> None:
        """A long value is cut short."""
        error = self.assertRaises(ConfigurationError, checks.seconds, "a", "x" * 10_000)
        self.assertLess(len(str(error)), 200)

    def test_flag(self) -> None:
        """A flag is a bool, and no number."""
        self.assert_accepts(checks.flag, True, False)
        self.assert_rejects(checks.flag, 1, 0, "true", None)

    def test_seconds(self) -> None:
        """Seconds are positive, finite, and kept as a float."""
        for value in (0.001, 1, 10**9):
            checked = checks.seconds("it", value)
            self.assertIsInstance(checked, float)
            self.assertEqual(checked, value)
        bad = (0, -1.0, math.inf, math.nan, 10**400, True, "5", None)
        self.assert_rejects(checks.seconds, *bad)

    def test_optional_seconds(self) -> None:
        """The same, or None."""
        self.assertIsNone(checks.optional_seconds("it", None))
        self.assertIsInstance(checks.optional_seconds("it", 2), float)
        self.assert_rejects(checks.optional_seconds, 0, math.nan, False, "5")

    def test_counts(self) -> None:
        """A count is a whole number from 0, a size from 1."""
        self.assert_accepts(checks.count, 0, 10)
        self.assert_rejects(checks.count, -1, 1.0, True, "1", None)
        self.assert_accepts(checks.size, 1, 10)
        self.assert_rejects(checks.size, 0, -1, 1.0, True, "1", None)

    def test_function(self) -> None:
        """A function is a callable or None."""
        self.assert_accepts(checks.function, len, None)
        self.assert_rejects(checks.function, 1, "len")

    def test_or_callable(self) -> None:
        """A callable passes in place of the value, and is not called."""
        check = checks.or_callable(check_url)
        self.assert_accepts(check, self.fail, "ws://host")
        self.assert_refused("url must be a str", check, "url", 1)

    def test_service_name(self) -> None:
        """A name is text or None."""
        self.assert_accepts(checks.service_name, "chat", None)
        self.assert_rejects(checks.service_name, "", 1)

    def test_transport(self) -> None:
        """A transport is one of the names, or makes a connector."""
        self.assert_accepts(checks.transport, "websocket", "longpoll", self.fail)
        self.assert_rejects(checks.transport, "sse", "", None, 1)

    def test_vsn(self) -> None:
        """A version is text; which there are is looked at with the serializer."""
        self.assert_accepts(checks.vsn, "2.0.0", "1.0.0", "3.0.0-\xe4 b")
        self.assert_rejects(checks.vsn, "", "\ud800", 2.0, None, ["2.0.0"])

    def test_channel_class(self) -> None:
        """A channel class is a subclass of Channel, or Channel itself."""
        self.assert_accepts(checks.channel_class, Room, Channel, EchoRoom)
        self.assert_accepts(checks.optional_channel_class, Room, None)
        for check in (checks.channel_class, checks.optional_channel_class):
            self.assert_rejects(check, object(), "rooms.Room", str, Lookalike)
        self.assert_rejects(checks.channel_class, None)

    def test_wrong_channel_class(self) -> None:
        """The error names the class that came, which may be one of the server kit."""
        expected = "it must be a subclass of txphoenix.Channel, "
        for value, said in (
            (Lookalike, f"which {__name__}.Lookalike is not"),
            (ServerChannel, f"which {ServerChannel.__module__}.ServerChannel is not"),
            ("rooms.Room", "not a value of type str"),
            (Lookalike(), "not a value of type Lookalike"),
        ):
            self.assert_refused(expected + said, checks.channel_class, "it", value)

    def test_channel_params(self) -> None:
        """A channel's parameters are a mapping, which is copied, a callable or None."""
        params = {"a": 1}
        checked = checks.channel_params("it", params)
        self.assertEqual(checked, params)
        self.assertIsNot(checked, params)
        self.assert_accepts(checks.channel_params, None, self.fail)
        self.assert_rejects(checks.channel_params, [("a", 1)], "a")

    def test_endpoint(self) -> None:
        """An endpoint is an object, a description, or a callable."""
        endpoint = TCP4ClientEndpoint(Clock(), "127.0.0.1", 1)
        self.assert_accepts(
            checks.endpoint, endpoint, "tcp:localhost:4000", self.fail, None
        )
        self.assert_rejects(checks.endpoint, "localhost", ":1", "", 4000, object())

    def test_endpoint_that_never_works(self) -> None:
        """A description that is wrong in itself is refused before any attempt."""
        self.assert_accepts(checks.endpoint, "tcp:my_service:1:timeout=3", "TCP:a:1")
        self.assert_rejects(
            checks.endpoint,
            "tcp:localhost",
            "tcp:a:http",
            "tcp:a:1:b=2",
            "unix:a:b:c:d",
        )

    def test_tls(self) -> None:
        """TLS options must check the name of the host."""
        self.assert_accepts(checks.tls, optionsForClientTLS("localhost"), None)
        self.assert_rejects(checks.tls, CertificateOptions(), True, object())

    def test_json_codec(self) -> None:
        """A codec has both functions; what else it has does not matter."""
        codec = SimpleNamespace(loads=json.loads, dumps=json.dumps)
        # As ujson has it.
        both = SimpleNamespace(**vars(codec), encode=json.dumps, decode=json.loads)
        self.assert_accepts(checks.serializer, json, codec, both, None)
        self.assert_rejects(
            checks.serializer, SimpleNamespace(loads=json.loads, dumps="x"), "json", 1
        )

    def test_whole_serializer(self) -> None:
        """A whole serializer has two functions of its own and a version, in text."""

        def made(**attributes: Any) -> Any:
            return SimpleNamespace(encode=len, decode=len, **attributes)

        def refusal(value: Any) -> str:
            error = self.assertRaises(
                ConfigurationError, checks.serializer, "serializer", value
            )
            return str(error)

        self.assert_accepts(checks.serializer, made(vsn="3.0.0"), V2Serializer())
        self.assertEqual(
            refusal(made()),
            "serializer must be a whole serializer with its vsn, a str such as "
            "'3.0.0', not a value of type SimpleNamespace",
        )
        self.assertEqual(
            refusal(made(vsn=3)),
            "vsn of serializer must be a str that is not empty, such as '2.0.0', not 3",
        )
        self.assertIn("not empty", refusal(made(vsn="")))
        self.assertEqual(
            refusal(made(vsn="3.0.0", loads=len, dumps=len)),
            "serializer must be a JSON codec (loads, dumps) or a whole serializer, "
            "not both, not a value of type SimpleNamespace",
        )
        self.assertEqual(
            refusal(SimpleNamespace(encode=len, vsn="3.0.0")),
            "serializer must be a JSON codec (an object with the functions loads and "
            "dumps), a whole serializer (with encode, decode and its vsn), or None, "
            "not a value of type SimpleNamespace",
        )
        self.assertEqual(
            refusal(V2Serializer),
            "serializer must be an instance of V2Serializer, not the class",
        )

    def test_cookie_jar(self) -> None:
        """Cookies are kept in a jar of ours, in another one, or not at all."""
        self.assert_accepts(checks.cookie_jar, CookieJar(), None)
        self.assertIsNone(checks.cookie_jar("it", False))
        self.assertIsInstance(checks.cookie_jar("it", True), CookieJar)
        self.assert_rejects(checks.cookie_jar, 1, "yes", {}, CookieJar)

    def test_proxy(self) -> None:
        """A proxy is the URL of one, or None."""
        self.assert_accepts(checks.proxy, f"http://me:{SECRET}@proxy:3128", None)
        self.assert_accepts(checks.proxy, "https://proxy", "environment")
        self.assert_rejects(checks.proxy, 3128, object())
        self.assert_refused(
            "proxy must begin with http://", checks.proxy, "proxy", f"{SECRET}@proxy"
        )

    def test_topic_channel_map(self) -> None:
        """Keys are topics, or beginnings of topics, and values are channel classes."""
        classes = {"rooms:*": Room, "rooms:lobby": Room, "*": Room}
        checked = checks.topic_channel_map("it", classes)
        self.assertEqual(checked, classes)
        self.assertIsNot(checked, classes)
        for bad, told in (
            ([("a", Room)], "it must be a mapping"),
            ({"a*b": Room}, "a key of it must be a topic"),
            ({"": Room}, "a key of it must be a topic"),
            ({1: Room}, "a key of it must be a topic"),
            ({"a": Lookalike}, "it['a'] must be a subclass of txphoenix.Channel"),
        ):
            self.assert_refused(told, checks.topic_channel_map, "it", bad)

    def test_join_channels(self) -> None:
        """Topics alone, or with parameters, become a mapping."""
        for given, kept in (
            (["a", "b"], {"a": None, "b": None}),
            (("a",), {"a": None}),
            ({"a": {"x": 1}, "b": None}, {"a": {"x": 1}, "b": None}),
            ([], {}),
        ):
            self.assertEqual(checks.join_channels("it", given), kept)

    def test_bad_join_channels(self) -> None:
        """One topic alone, a topic that is no text or comes twice, are refused."""
        bad: list[tuple[object, str]] = [
            ("rooms:lobby", "it must be a sequence of topics"),
            (b"rooms:lobby", "it must be a sequence of topics"),
            ({"a"}, "it must be a sequence of topics"),
            ([("a", {"token": SECRET})], "a topic of it must be a str"),
            ([""], "a topic of it must be a str"),
            (["a", "b", "a"], "it: the topic 'a' comes twice"),
            ({"a": SECRET.encode()}, "it['a'] must be a mapping"),
        ]
        for given, told in bad:
            self.assert_refused(told, checks.join_channels, "it", given)
