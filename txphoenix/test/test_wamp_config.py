"""What a bridge is told: each key, and what is said of a wrong one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.testing import EchoChannel, MemoryServer
from txphoenix.wamp import BridgeSession
from txphoenix.wamp.config import Settings, check_extra

URL = "ws://localhost:4000/socket"
SECRET = "s3cret-1234"


class GoodTests(SynchronousTestCase):
    """What is taken."""

    def test_defaults(self) -> None:
        """The URL alone will do."""
        settings = check_extra({"url": URL})
        self.assertEqual(settings.prefix, "phx")
        self.assertEqual(settings.topics, {})
        self.assertEqual(settings.channels_per_socket, 100)
        self.assertEqual(settings.max_payload, 1024 * 1024)
        self.assertEqual(settings.idle, 30)
        self.assertEqual(settings.timeout, 5)

    def test_all(self) -> None:
        """Each key arrives where it belongs."""
        settings = check_extra(
            {
                "url": URL,
                "params": {"user": "ann"},
                "headers": {"X-Y": "z"},
                "token": "t",
                "topics": ["a", "b"],
                "channel_params": {"k": 1},
                "prefix": "org.phx",
                "channels_per_socket": 7,
                "max_payload": 99,
                "idle": 0,
                "timeout": 2,
                "name": "east",
                "client": {"heartbeat_interval": 11},
                "cbdir": "/somewhere/.crossbar",
            }
        )
        self.assertEqual(
            (settings.prefix, settings.channels_per_socket, settings.max_payload),
            ("org.phx", 7, 99),
        )
        self.assertEqual((settings.idle, settings.timeout), (0, 2))
        self.assertEqual(settings.topics, {"a": None, "b": None})
        client = settings.new_client(3, MemoryServer({}).clock)
        self.assertIsInstance(client, SocketClient)
        options = client.options
        self.assertEqual(options.url, URL)
        self.assertEqual(options.params, {"user": "ann"})
        self.assertEqual(options.headers, {"X-Y": "z"})
        self.assertEqual(options.auth_token, "t")
        self.assertEqual(options.heartbeat_interval, 11)
        self.assertEqual(options.timeout, 2)
        self.assertEqual(options.default_channel_params, {"k": 1})
        self.assertEqual(client.name, "east-3")

    def test_topics_with_params(self) -> None:
        """Topics may have params of their own."""
        settings = check_extra({"url": URL, "topics": {"a": {"x": 1}, "b": None}})
        self.assertEqual(settings.topics, {"a": {"x": 1}, "b": None})

    def test_functions(self) -> None:
        """A program may give functions, which are asked at each attempt."""

        def supply() -> Any:
            return {}

        settings = check_extra(
            {"url": lambda: URL, "params": supply, "token": lambda: "t"}
        )
        self.assertIs(settings.client["params"], supply)

    def test_large_payloads(self) -> None:
        """A message may be larger than a payload, so that one too large is told of."""
        settings = check_extra({"url": URL, "max_payload": 10**8})
        client = settings.new_client(1, MemoryServer({}).clock)
        self.assertGreater(client.options.max_message_size, 10**8)

    def test_frozen(self) -> None:
        """Settings do not change."""
        with self.assertRaises(AttributeError):
            check_extra({"url": URL}).prefix = "x"  # type: ignore[misc]


class WrongTests(SynchronousTestCase):
    """What is refused."""

    def refused(self, extra: Any) -> str:
        """What is said of it, in one line, without the secret."""
        error = self.assertRaises(ConfigurationError, check_extra, extra)
        self.assertRaises(ConfigurationError, BridgeSession.check_config, None, extra)
        text = str(error)
        self.assertNotIn("\n", text)
        self.assertNotIn(SECRET, text)
        self.assertTrue(text.startswith("extra"), text)
        return text

    def test_no_url(self) -> None:
        """The URL must be there."""
        self.assertIn("url must be given", self.refused({}))
        self.assertIn("must be a dict with url", self.refused(None))
        self.assertIn("must be a dict with url", self.refused([SECRET]))

    def test_misspelt(self) -> None:
        """A name that there is not is named, with what was meant."""
        for name, meant in {
            "tokn": "token",
            "topic": "topics",
            "channel_per_socket": "channels_per_socket",
            "maxpayload": "max_payload",
            "Url": "url",
        }.items():
            text = self.refused({"url": URL, name: SECRET})
            self.assertIn(f"there is no {name!r}; did you mean {meant!r}?", text)
        self.assertTrue(self.refused({"url": URL, "zzz": 1}).endswith("'zzz'"))
        self.refused({"url": URL, 7: 1})

    def test_each_key(self) -> None:
        """A value that is not what it must be names its key."""
        wrong: dict[str, list[Any]] = {
            "url": [7, "", "localhost", None, f"ws://x/{SECRET} y"],
            "params": [[SECRET], SECRET, {1: SECRET}, {"a": object()}],
            "headers": [[SECRET], SECRET, {1: "x"}, {"a": 1}, {"a": f"{SECRET}\n"}],
            "token": [7, [SECRET], {"x": SECRET}],
            "token_file": [7, "/no/such/file", ""],
            "param_file": [SECRET, {"a": 7}, {"a": "/no/such/file"}],
            "header_file": [SECRET, {"a": 7}, {"a": "/no/such/file"}],
            "topics": ["a", [1], {1: None}, 7, None, [""], ["phoenix"], {"": {}}],
            "prefix": ["", "a b", "wamp", 7, None, "a..b"],
            "channels_per_socket": [0, -1, 1.5, True, "7", None, SECRET],
            "max_payload": [0, -1, 1.5, True, "7", None, SECRET],
            "idle": [-1, True, "7", float("nan"), float("inf"), 10**400, None, SECRET],
            "timeout": [
                0,
                True,
                "7",
                float("nan"),
                float("inf"),
                10**400,
                None,
                SECRET,
            ],
            "name": ["", 7, None],
            "client": [[], 7, {1: 2}, {"timeout": 3}, {"heartbeat_interval": "x"}],
        }
        for key, values in wrong.items():
            for value in values:
                text = self.refused({"url": URL, key: value})
                word = "heartbeat" if "heartbeat_interval" in repr(value) else key
                self.assertIn(word.partition("_")[0], text, (key, value))

    def test_own_options(self) -> None:
        """Options of the client that the bridge gives are refused, with the key."""
        for option, key in {
            "params": "params",
            "auth_token": "token",
            "join_channels": "topics",
            "max_message_size": "max_payload",
        }.items():
            text = self.refused({"url": URL, "client": {option: SECRET}})
            self.assertIn(f"give {key} beside it", text)
        self.assertIn(
            "bridge's", self.refused({"url": URL, "client": {"reconnect": 0}})
        )
        text = self.refused({"url": URL, "client": {"heartbeat_intervall": 3}})
        self.assertIn("did you mean 'heartbeat_interval'", text)

    def test_two_tokens(self) -> None:
        """One token is enough."""
        text = self.refused({"url": URL, "token": SECRET, "token_file": "/x"})
        self.assertIn("not both", text)

    def test_secrets(self) -> None:
        """Settings show no secret."""
        settings = check_extra(
            {
                "url": f"ws://x/socket?key={SECRET}",
                "params": {"p": SECRET},
                "headers": {"h": SECRET},
                "token": SECRET,
                "topics": {"a": {"k": SECRET}},
                "channel_params": {"k": SECRET},
            }
        )
        self.assertNotIn(SECRET, f"{settings!r} {settings}")
        self.assertNotIn(SECRET, repr(settings.new_client(1, MemoryServer({}).clock)))


class FileTests(SynchronousTestCase):
    """What is in files."""

    def setUp(self) -> None:
        """Have a file."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.folder / "token"
        self.path.write_text("one\n")

    def test_read_anew(self) -> None:
        """A token, a param and a header in files are read at each connect."""
        seen: list[Any] = []

        def connect(_params: Any, socket: Any) -> None:
            seen.append(
                (socket.params.get("p"), socket.headers.get("x-h"), socket.auth_token)
            )

        server = MemoryServer({"*": EchoChannel}, connect=connect, auth_token=True)
        settings = check_extra(
            {
                "url": server.url,
                "param_file": {"p": "token"},
                "header_file": {"X-H": str(self.path.absolute())},
                "token_file": "token",
                "cbdir": str(self.folder),
                "client": {"endpoint": server.endpoint},
            }
        )
        client = settings.new_client(1, server.clock)
        client.startService()
        server.flush()
        # Editors on Windows put a byte order mark before it.
        self.path.write_text("two", "utf-8-sig")
        server.drop()
        server.advance(5)
        self.assertEqual(seen, [("one",) * 3, ("two",) * 3])
        stopped: Deferred[None] = client.stopService()
        server.advance(10)
        self.successResultOf(stopped)

    def test_relative(self) -> None:
        """A relative path is one of the node's, or of where the program runs."""
        extra = {"url": URL, "token_file": "token"}
        self.assertRaises(ConfigurationError, check_extra, extra)
        check_extra({**extra, "cbdir": str(self.folder)})
        check_extra({**extra, "token_file": os.path.relpath(self.path)})

    def test_wrong_files(self) -> None:
        """A file that is not there, is empty or no text is named."""
        for content, words in ((b" \n", "is empty"), (b"\xff", "is not UTF-8")):
            self.path.write_bytes(content)
            error = self.assertRaises(
                ConfigurationError,
                check_extra,
                {"url": URL, "token_file": str(self.path)},
            )
            self.assertIn(words, str(error))
            self.assertIn(str(self.path), str(error))

    def test_no_file(self) -> None:
        """Nor is a pipe waited for, or a home looked for that is not there."""
        for named, words in (
            (os.devnull, "it is no regular file"),
            ("~no such user/token", "who has no home directory"),
            ("", "must be the path of a file"),
        ):
            error = self.assertRaises(
                ConfigurationError, check_extra, {"url": URL, "token_file": named}
            )
            self.assertIn("extra: token_file", str(error))
            self.assertIn(words, str(error))

    def test_both_ways(self) -> None:
        """A param is a value, or in a file."""
        error = self.assertRaises(
            ConfigurationError,
            check_extra,
            {
                "url": URL,
                "params": {"p": SECRET},
                "param_file": {"p": str(self.path)},
            },
        )
        self.assertIn("is in params already", str(error))
        self.assertNotIn(SECRET, str(error))


class SettingsTests(SynchronousTestCase):
    """The value itself."""

    def test_documented(self) -> None:
        """Each of its fields is a key of extra, but for what becomes the client's."""
        fields = set(Settings.__dataclass_fields__)
        for name in fields - {"client"}:
            default = getattr(check_extra({"url": URL}), name)
            if default is not None:
                check_extra({"url": URL, name: default})
