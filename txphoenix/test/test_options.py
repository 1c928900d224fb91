"""Tests of :mod:`txphoenix.options`."""

from __future__ import annotations

import ast
import copy
import inspect
import json
import pickle
from itertools import pairwise
from typing import Any

import attrs
from attrs.exceptions import FrozenInstanceError
from twisted.internet.ssl import optionsForClientTLS
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Channel
from txphoenix.errors import ConfigurationError
from txphoenix.options import options
from txphoenix.options.options import CONNECTION_OPTIONS, Options
from txphoenix.protocol.redact import REDACTED

URL = "ws://localhost:4000/socket"
SECRET = "S3CR3T"

DEFAULTS: dict[str, Any] = {
    "name": None,
    "exact_url": False,
    "params": {},
    "headers": {},
    "auth_token": None,
    "transport": "websocket",
    "heartbeat_interval": 30.0,
    "heartbeat_timeout": 10.0,
    "reconnect": True,
    "reconnect_interval": 60.0,
    "backoff": None,
    "rejoin_backoff": None,
    "should_reconnect": None,
    "auto_connect": True,
    "serializer": None,
    "vsn": "2.0.0",
    "timeout": 5.0,
    "join_window": 128,
    "connect_timeout": 15.0,
    "close_timeout": 2.0,
    "disconnect_when_idle": None,
    "topic_channel_map": {},
    "join_channels": {},
    "default_channel_class": None,
    "default_channel_params": {},
    "send_buffer": 1000,
    "push_buffer": 1000,
    "receive_buffer": 1000,
    "write_buffer": 16 * 1024 * 1024,
    "max_message_size": 16 * 1024 * 1024,
    "tls": None,
    "endpoint": None,
    "proxy": None,
    "keepalive": False,
    "cookies": None,
    "longpoll_fallback": None,
    "compression": False,
    "fast_frames": True,
    "fast_http": True,
    "fast_tls": True,
    "max_restarts": 3,
    "max_seconds": 5.0,
    "max_redirects": 5,
    "max_retry_after": None,
    "longpoll_token_header": False,
}


class Room(Channel):
    """A class of channels."""


def secretive() -> Options:
    """Options that hold a secret wherever there can be one."""
    return Options(
        url=f"ws://host/socket?token={SECRET}",
        params={"token": SECRET, "user": {"id": SECRET}},
        headers={"Authorization": SECRET},
        auth_token=SECRET,
        proxy=f"http://me:{SECRET}@proxy:3128",
        join_channels={"rooms:lobby": {"token": SECRET}},
        default_channel_params={"token": SECRET},
    )


class OptionsTests(SynchronousTestCase):
    """:class:`Options`."""

    def test_defaults(self) -> None:
        """Every option but the URL has a default."""
        made = Options(url=URL)
        self.assertEqual({name: getattr(made, name) for name in DEFAULTS}, DEFAULTS)
        self.assertEqual(
            {field.name for field in attrs.fields(Options)},
            {"url", *DEFAULTS},
        )

    def test_each_is_documented(self) -> None:
        """Every option has a text of its own, for the documentation."""
        (body,) = (
            node.body
            for node in ast.parse(inspect.getsource(options)).body
            if isinstance(node, ast.ClassDef) and node.name == "Options"
        )
        documented = {
            before.target.id
            for before, after in pairwise(body)
            if isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        }
        self.assertEqual(documented, {"url", *DEFAULTS})

    def test_each_is_checked(self) -> None:
        """Every option refuses what it cannot be, by its name."""
        wrong = object()
        for name in ("url", *DEFAULTS):
            error = self.assertRaises(
                ConfigurationError, Options(url=URL).replace, **{name: wrong}
            )
            self.assertTrue(str(error).startswith(f"{name} must be "), str(error))
            self.assertIn("object", str(error))

    def test_normalised(self) -> None:
        """Numbers of seconds become floats, and mappings are copies."""
        params = {"a": 1}
        made = Options.check(URL, timeout=3, params=params, join_channels=["a"])
        params["a"] = 2
        self.assertIsInstance(made.timeout, float)
        self.assertEqual(made.params, {"a": 1})
        self.assertEqual(made.join_channels, {"a": None})

    def test_frozen(self) -> None:
        """Options do not change."""
        with self.assertRaises(FrozenInstanceError):
            Options(url=URL).timeout = 1.0  # type: ignore[misc]

    def test_callables(self) -> None:
        """The answers of callables are asked for later, and not here."""
        made = Options(
            url=self.fail,
            params=self.fail,
            headers=self.fail,
            auth_token=self.fail,
            default_channel_params=self.fail,
            join_channels={"a": self.fail},
        )
        self.assertEqual(made.url, self.fail)

    def test_proxy_and_endpoint(self) -> None:
        """An endpoint says all about the way, so there can be no proxy beside it."""
        error = self.assertRaises(
            ConfigurationError,
            Options,
            url=URL,
            proxy="http://proxy",
            endpoint="tcp:localhost:4000",
        )
        self.assertEqual(str(error), "proxy must be None if endpoint is given")

    def test_connection_options(self) -> None:
        """These options need a new connection when they change."""
        self.assertEqual(
            CONNECTION_OPTIONS,
            {
                "url",
                "params",
                "headers",
                "auth_token",
                "exact_url",
                "transport",
                "vsn",
                "serializer",
                "tls",
                "endpoint",
                "proxy",
                "keepalive",
                "compression",
                "fast_frames",
                "fast_http",
                "fast_tls",
                "longpoll_token_header",
            },
        )


class CheckTests(SynchronousTestCase):
    """:meth:`Options.check` and :meth:`Options.replace`."""

    def test_check(self) -> None:
        """Options are made of keyword arguments."""
        made = Options.check(URL, timeout=1)
        self.assertEqual(made, Options(url=URL, timeout=1.0))

    def test_unknown_name(self) -> None:
        """An unknown name is refused with the one that was meant, if there is any."""
        for name, hint in (
            ("timeot", "; did you mean 'timeout'?"),
            ("default_channel_module", "; did you mean 'default_channel_class'?"),
            ("zzz", ""),
        ):
            for make in (Options.check, Options(url=URL).replace):
                error = self.assertRaises(
                    ConfigurationError, make, url=URL, **{name: 1}
                )
                self.assertEqual(str(error), f"there is no option {name!r}{hint}")

    def test_replace(self) -> None:
        """Options are replaced in a copy."""
        before = Options(url=URL, params={"a": 1}, timeout=1)
        after = before.replace(params={"b": 2}, heartbeat_interval=9)
        self.assertEqual(after.params, {"b": 2})
        self.assertEqual(after.heartbeat_interval, 9.0)
        self.assertEqual(after.timeout, 1.0)
        self.assertEqual(before.params, {"a": 1})

    def test_compact(self) -> None:
        """They hold no default that others have, and are values all the same."""

        class MyOptions(Options):
            """A subclass of the user's."""

        made = Options.check(URL, params={"a": 1}, timeout=1)
        held = {"url", "params", "timeout"} | {
            name for name, value in DEFAULTS.items() if value == {}
        }
        self.assertEqual(vars(made).keys(), held)
        self.assertEqual(made, Options(url=URL, params={"a": 1}, timeout=1))
        evolve: Any = attrs.evolve
        for same in (
            evolve(made),
            copy.copy(made),
            copy.deepcopy(made),
            pickle.loads(pickle.dumps(made)),
        ):
            self.assertIsNot(same, made)
            self.assertEqual(same, made)
        self.assertIs(type(MyOptions.check(URL).replace(timeout=2)), MyOptions)
        self.assertRaises(FrozenInstanceError, setattr, made, "timeout", 2)
        self.assertRaises(FrozenInstanceError, delattr, made, "timeout")

    def test_replace_all_or_nothing(self) -> None:
        """One bad option among good ones changes nothing."""
        before = Options(url=URL)
        snapshot = before.snapshot()
        self.assertRaises(ConfigurationError, before.replace, timeout=1, vsn="3.0.0")
        self.assertEqual(before.snapshot(), snapshot)


class BackoffTests(SynchronousTestCase):
    """Which backoffs are used."""

    def test_reconnect_default(self) -> None:
        """The default grows up to ``reconnect_interval``, from 2.25 seconds."""
        for longest in (3.0, 90.0):
            delay = Options(url=URL, reconnect_interval=longest).retry_delay
            first = [delay(0, None) for _ in range(100)]
            later = [delay(50, None) for _ in range(100)]
            self.assertLessEqual(max(first), 2.25)
            self.assertLessEqual(max(later), longest)
            self.assertGreater(max(later), 0.8 * longest)

    def test_rejoin_default(self) -> None:
        """The default of a rejoin ends at ten seconds."""
        delay = Options(url=URL).rejoin_delay
        self.assertIs(Options(url=URL).rejoin_delay, delay, "one serves all")
        self.assertLessEqual(delay(0, None), 1.0)
        self.assertLessEqual(delay(50, None), 10.0)

    def test_given(self) -> None:
        """What is given is taken."""
        made = Options(url=URL, backoff=float, rejoin_backoff=abs)
        self.assertIs(made.backoff, float)
        self.assertEqual(repr(made.retry_delay(3, None)), "3.0")
        self.assertIs(made.rejoin_backoff, abs)
        self.assertEqual(made.rejoin_delay(-3, None), 3)


class SnapshotTests(SynchronousTestCase):
    """:meth:`Options.snapshot` and the ``repr``."""

    def test_json(self) -> None:
        """A snapshot of whatever options can be turned into JSON."""
        made = Options(
            url=lambda: URL,
            params=dict,
            headers=dict,
            auth_token=str,
            transport=self.fail,
            backoff=float,
            should_reconnect=bool,
            serializer=json,
            topic_channel_map={"rooms:*": Room},
            join_channels={"a": dict, "b": {"c": 1}, "d": None},
            default_channel_class=Room,
            default_channel_params=None,
            tls=optionsForClientTLS("localhost"),
            endpoint="tcp:localhost:4000",
        )
        room = f"{Room.__module__}.Room"
        snapshot = json.loads(json.dumps(made.snapshot()))
        self.assertEqual(
            {
                name: value
                for name, value in snapshot.items()
                if value != DEFAULTS.get(name, made)
            },
            {
                "url": "<callable>",
                "params": "<callable>",
                "headers": "<callable>",
                "auth_token": "<callable>",
                "transport": "<callable>",
                "backoff": "builtins.float",
                "should_reconnect": "builtins.bool",
                "serializer": "<module json>",
                "topic_channel_map": {"rooms:*": room},
                "join_channels": {"a": "<callable>", "b": {"c": REDACTED}, "d": None},
                "default_channel_class": room,
                "default_channel_params": None,
                "tls": "<twisted.internet._sslverify.ClientTLSOptions>",
                "endpoint": "tcp:localhost:4000",
            },
        )
        self.assertEqual(list(snapshot), [f.name for f in attrs.fields(Options)])

    def test_secrets(self) -> None:
        """Decision 11: no secret is in a snapshot or a ``repr``."""
        made = secretive()
        for text in (json.dumps(made.snapshot()), repr(made), str(made)):
            self.assertNotIn(SECRET, text)
            self.assertIn("Authorization", text)
            self.assertIn(f"ws://host/socket?token={REDACTED}", text)

    def test_endpoint_like_a_url(self) -> None:
        """What may be the URL of a proxy is no endpoint's description to be shown."""
        for text, shown in (
            (f"me:{SECRET}@host:3128", f"{REDACTED}@host:3128"),
            ("tls:host.example:443", "tls:host.example:443"),
            ("haproxy:tcp:host=h:port=80", "haproxy:tcp:host=h:port=80"),
        ):
            made = Options(url="ws://host/socket", endpoint=text)
            self.assertEqual(made.snapshot()["endpoint"], shown)
            self.assertNotIn(SECRET, repr(made))

    def test_secrets_in_errors(self) -> None:
        """Decision 11: no secret is in the error of an option beside it."""
        error = self.assertRaises(
            ConfigurationError, secretive().replace, timeout="never"
        )
        self.assertNotIn(SECRET, str(error))

    def test_repr(self) -> None:
        """The ``repr`` shows what is not by default."""
        self.assertEqual(
            repr(Options.check(URL, timeout=1, join_channels=["a"])),
            "Options(url='ws://localhost:4000/socket', timeout=1.0, "
            "join_channels={'a': None})",
        )
