"""Tests of :mod:`txphoenix.tap`."""

from __future__ import annotations

import os
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from twisted.application.service import IService, IServiceMaker
from twisted.logger import capturedLogs
from twisted.plugin import IPlugin, getPlugins
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.service import maker
from txphoenix.service.maker import LoggedChannel, Options, makeService
from txphoenix.service.services import CleanExit, LogFilter
from txphoenix.service.settings import OWN, PLAIN, TABLES
from txphoenix.testing import ChatRoom, MemoryServer

URL = "ws://localhost:4000/socket"
SECRET = "S3CR3T"


class Room(Channel):
    """A channel class that can be named by its dotted name."""


ROOM = f"{__name__}.Room"


def parsed(*args: str) -> Options:
    """The options of a command line, with a URL."""
    options = Options()
    options.parseOptions(["--url", URL, *args])
    return options


def under_twistd(*args: str) -> Options:
    """The same as twistd hands them to :func:`makeService`."""
    outer = usage.Options()
    outer.subCommand = "txphoenix"
    options = Options()
    options.parent = outer
    options.parseOptions(["--url", URL, *args])
    return options


class PluginTests(SynchronousTestCase):
    """The plugin file."""

    def test_found(self) -> None:
        """The plugin is found, and through it the options and the maker."""
        (maker,) = (
            plugin
            for plugin in getPlugins(IServiceMaker)
            if plugin.tapname == "txphoenix"
        )
        verifyObject(IServiceMaker, maker)
        verifyObject(IPlugin, maker)
        self.assertIs(maker.options, Options)
        self.assertIs(maker.makeService, makeService)


class OptionsTests(SynchronousTestCase):
    """What a command line comes to."""

    def client(self, *args: str) -> SocketClient:
        """The client of a command line."""
        return makeService(parsed(*args))

    def assert_wrong(self, message: str, *args: str) -> None:
        """The command line is refused in one line that says what is wrong with it."""
        with self.assertRaises(usage.UsageError) as caught:
            parsed(*args)
        text = str(caught.exception)
        self.assertIn(message, text)
        self.assertEqual(len(text.splitlines()), 1)

    def test_defaults(self) -> None:
        """With a URL alone, everything else is the client's default."""
        client = self.client()
        plain = SocketClient(URL).get_state()
        self.assertEqual(
            {
                name: value
                for name, value in client.get_state().items()
                if value != plain[name]
            },
            {
                "name": "txphoenix",
                "default_channel_class": "txphoenix.service.services.LoggedChannel",
            },
        )

    def test_every_name(self) -> None:
        """Each option that a file may have is on the command line, and no other."""
        long = {option.rstrip("=").replace("-", "_") for option in Options().longOpt}
        self.assertEqual(long - {"help", "version"}, {*PLAIN, *OWN, *TABLES})

    def test_every_option_is_explained(self) -> None:
        """--help has a line for each option, in a page that is 80 columns wide."""
        text = Options().getUsage(80)
        for name in (*PLAIN, *OWN, *TABLES):
            self.assertIn(f"--{name.replace('_', '-')}=", text)
            self.assertNotIn("\n", Options().docs[name.replace("_", "-")])
        self.assertEqual([line for line in text.splitlines() if len(line) > 80], [])

    def test_help_has_the_defaults(self) -> None:
        """--help has the defaults that hold, the client's but for the name."""
        docs = Options().docs
        for name, end in (
            ("close-timeout", " (2)."),
            ("reconnect", ", yes or no (yes)."),
            ("cookies", ", yes or no (no)."),
            ("vsn", " (2.0.0)."),
            ("write-buffer", " (16777216)."),
            ("longpoll-fallback", " gives way to long-poll."),
            ("name", " (txphoenix)."),
        ):
            self.assertTrue(docs[name].endswith(end), docs[name])

    def test_numbers(self) -> None:
        """Numbers are read as such."""
        client = self.client("--timeout", "2.5", "--send-buffer", "7")
        self.assertEqual(client.get_state("timeout"), 2.5)
        self.assertEqual(client.get_state("send_buffer"), 7)

    def test_flags(self) -> None:
        """``yes`` and ``no`` are True and False."""
        client = self.client("--reconnect=no", "--compression=yes", "--fast-frames=no")
        self.assertIs(client.get_state("reconnect"), False)
        self.assertIs(client.get_state("compression"), True)
        self.assertIs(client.get_state("fast_frames"), False)
        self.assertIsNone(client.get_state("cookies"))
        client = self.client("--cookies=yes")
        self.assertIsInstance(client.get_state("cookies"), CookieJar)

    def test_repeated(self) -> None:
        """Topics, params and headers can be repeated."""
        client = self.client(
            *("--join", "rooms:lobby", "--join", 'rooms:1={"user_id": 1}'),
            *("--param", "a=1", "--param", "b=x=y"),
            *("--header", "X-One: 1", "--header", "X-Two: a:b"),
        )
        self.assertEqual(
            client.get_state("join_channels"),
            {"rooms:lobby": None, "rooms:1": {"user_id": 1}},
        )
        self.assertEqual(client.get_state("params"), {"a": "1", "b": "x=y"})
        self.assertEqual(client.get_state("headers"), {"X-One": "1", "X-Two": "a:b"})

    def test_channel_class(self) -> None:
        """A topic's class is named by its dotted name, and others are logged."""
        client = self.client("--channel", f"rooms:*={ROOM}")
        self.assertIs(type(client.channel("rooms:1")), Room)
        self.assertIs(type(client.channel("feed")), LoggedChannel)

    def test_secrets_from_files_and_variables(self) -> None:
        """A param, a header and the token may each be in a file or a variable."""
        path = Path(self.mktemp())
        path.write_text(f"{SECRET}\n", "utf-8")
        self.patch(os, "environ", {**os.environ, "TOKEN": SECRET})
        client = self.client(
            *("--param-file", f"a={path}", "--param-env", "b=TOKEN"),
            *("--header-file", f"X-A: {path}", "--header-env", "X-B: TOKEN"),
            *("--token-env", "TOKEN"),
        )
        self.assertEqual(client.get_state("params")(), {"a": SECRET, "b": SECRET})
        self.assertEqual(client.get_state("headers")(), {"X-A": SECRET, "X-B": SECRET})
        self.assertEqual(client.get_state("auth_token"), SECRET)

    def test_wrong(self) -> None:
        """What is wrong is said in one line."""
        for message, *args in (
            ("option --ulr not recognized", "--ulr", "x"),
            ("option --join requires argument", "--join"),
            ("'extra' is no option", "extra"),
            ("timeout must be a positive, finite number", "--timeout", "soon"),
            (
                "as in --reconnect yes, not 'maybe'",
                "--reconnect",
                "maybe",
            ),
            ("--cookies takes yes or no", "--cookies", "--join", "rooms:x"),
            ("not '--join'", "--exact-url", "--join", "rooms:x"),
            ("--timeout needs a value, and --join", "--timeout", "--join", "rooms:x"),
            ("--endpoint needs a value", "--endpoint", "--join", "rooms:x"),
            ("join: rooms:1: expected JSON", "--join", "rooms:1={"),
            ("must be a mapping", "--join", "rooms:1=1"),
            ("param: expected NAME=VALUE", "--param", SECRET),
            ("header_env: expected 'NAME: VARIABLE'", "--header-env", SECRET),
            ("channel: expected TOPIC=DOTTED.NAME", "--channel", "rooms:*"),
            ("param_file: expected NAME=FILE", "--param-file", "=x"),
            ("log_level must be one of debug, info", "--log-level", "loud"),
            ("url must begin with", "--url", "localhost"),
        ):
            self.assert_wrong(str(message), *args)

    def test_secrets_are_not_shown(self) -> None:
        """An error does not show a value that may be a secret."""
        for wrong in (
            ("--param", SECRET),
            ("--header", SECRET),
            ("--keepalive", f"--token={SECRET}"),
            ("--endpoint", f"--token={SECRET}", "--join", "rooms:x", "more"),
            ("--keepalive", f"wss://me:{SECRET}@host/socket"),
            ("--timeout", f"wss://me:{SECRET}@host/socket"),
            ("--transport", f"wss://me:1?{SECRET}@host/socket"),
            ("--endpoint", f"http://me:{SECRET}@proxy.example.org:3128"),
            ("--endpoint", f"socks5://me:{SECRET}@proxy.example.org:1080"),
            ("--vsn", f"me:{SECRET}@host"),
            ("--log-level", f"wss://me:{SECRET}@host/socket"),
            ("--metrics", f"http://me:{SECRET}@host:9464"),
            ("--metrics", f"http://me:{SECRET}@host"),
            ("--metrics", f"me:{SECRET}@host"),
            ("--channel", f"rooms:*=wss://me:{SECRET}@host"),
            ("--channel", f"rooms:*=wss://me:{SECRET}@host..org"),
            ("--token-env", f"{SECRET}.{SECRET}"),
            ("--param-env", f"token={SECRET}.{SECRET}"),
            (f"wss://me:{SECRET}@host/socket",),
            ("--timeout", "--reconnect", "yes", f"token@{SECRET}@host"),
        ):
            with self.assertRaises(usage.UsageError) as caught:
                parsed(*wrong)
            self.assertNotIn(SECRET, str(caught.exception), wrong)

    def test_option_for_a_value(self) -> None:
        """An option is no other's value, and its own is not shown."""
        for name in ("name", "timeout", "endpoint", "log-level", "config", "metrics"):
            for follows in ("token", "url", "join"):
                self.assert_wrong(
                    f"--{name} needs a value, and --{follows} follows it",
                    f"--{name}",
                    f"--{follows}={SECRET}",
                )
        self.assertEqual(parsed("--name=--x")["name"], "--x")

    def test_no_url(self) -> None:
        """A command line without a URL is refused."""
        with self.assertRaisesRegex(usage.UsageError, "url must be given"):
            Options().parseOptions(["--join", "rooms:lobby"])

    def test_usage_of_a_wrong_command_line(self) -> None:
        """The page of options does not bury the error, which twistd shows after it."""
        options = Options()
        with self.assertRaises(usage.UsageError):
            options.parseOptions(["--url", "x"])
        self.assertEqual(options.getUsage(), "Options: see --help\n")


class MakeServiceTests(SynchronousTestCase):
    """The service."""

    def test_service(self) -> None:
        """It is the client, a service with a name, and not started."""
        client = makeService({"url": URL})
        self.assertIsInstance(client, SocketClient)
        verifyObject(IService, client)
        self.assertEqual(client.name, "txphoenix")
        self.assertFalse(client.running)

    def test_mapping(self) -> None:
        """Another plugin hands over a dict, with values as Python has them."""
        client = makeService(
            {
                "url": URL,
                "name": "chat",
                "params": {"user": {"id": 1}},
                "join": ["rooms:lobby"],
                "channel": {"rooms:*": Room},
                "heartbeat-interval": 10,
                "token": SECRET,
            }
        )
        self.assertEqual(client.name, "chat")
        self.assertEqual(client.get_state("params"), {"user": {"id": 1}})
        self.assertEqual(client.get_state("join_channels"), {"rooms:lobby": None})
        self.assertEqual(client.get_state("heartbeat_interval"), 10)
        self.assertEqual(client.get_state("auth_token"), SECRET)
        self.assertIs(type(client.channel("rooms:1")), Room)

    def test_wrong_mapping(self) -> None:
        """A dict with a wrong option raises the client's own error."""
        with self.assertRaisesRegex(
            ConfigurationError, "no option 'ulr'; did you mean 'url'"
        ):
            makeService({"ulr": URL})

    def children(self, options: Any) -> dict[str, type[Any]]:
        """The service's children that are not the client's own, by name."""
        own = {"state", "connection", "channels"}
        return {
            str(service.name): type(service)
            for service in makeService(options)
            if service.name not in own
        }

    def test_process_is_left_alone(self) -> None:
        """Made by another plugin, it changes neither the exit nor the log."""
        self.assertEqual(self.children({"url": URL}), {})
        self.assertEqual(self.children(parsed()), {})
        self.assertEqual(
            self.children({"url": URL, "log_level": "warn"}), {"log": LogFilter}
        )

    def test_under_twistd(self) -> None:
        """Made by twistd, it sees to the exit and to the log."""
        self.assertEqual(
            self.children(under_twistd()), {"exit": CleanExit, "log": LogFilter}
        )

    def test_log_level_at_the_end(self) -> None:
        """What channels log as the service stops is of the level as well."""
        memory = MemoryServer({"rooms:*": ChatRoom})
        in_memory = partial(
            SocketClient, endpoint=memory.endpoint, reactor=memory.clock
        )
        self.patch(maker, "SocketClient", in_memory)
        told = {"url": memory.url, "log_level": "warn", "join": ["rooms:lobby"]}
        client = makeService(told)
        with capturedLogs() as captured:
            client.startService()
            memory.flush()
            self.assertEqual(len(memory.channels("rooms:lobby")), 1)
            client.stopService()
            memory.flush()
        self.assertEqual(
            [
                event["log_format"]
                for event in captured
                if event["log_namespace"].startswith("txphoenix.")
            ],
            [],
        )

    def test_log_level(self) -> None:
        """Under twistd the level is info, or what is given."""
        for args, level in (((), "info"), (("--log-level", "debug"), "debug")):
            client = makeService(under_twistd(*args))
            self.assertEqual(client.getServiceNamed("log")._level.name, level)
