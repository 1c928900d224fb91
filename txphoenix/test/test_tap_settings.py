"""Tests of :mod:`txphoenix.service.settings`."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.errors import ConfigurationError
from txphoenix.service.settings import client_options, log_level

URL = "ws://localhost:4000/socket"
SECRET = "S3CR3T"


class Room(Channel):
    """A channel class that can be named by its dotted name."""


class NoRoom:
    """A class that is not a channel's, though it looks like one."""

    def handle_in(self, event: str, payload: Any) -> None:
        """Do nothing."""


def make_room(topic: str, params: Any, manager: Any) -> Room:
    """Make a channel."""
    return Room(topic, params, manager)


class SettingsTests(SynchronousTestCase):
    """Settings out of a mapping."""

    def setUp(self) -> None:
        """Begin in a directory of the test's own."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()

    def write(self, name: str, text: str) -> Path:
        """Write a file into the directory."""
        path = self.directory / name
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def config(self, text: str, **beside: Any) -> dict[str, Any]:
        """The client's options for a file, and what was given beside it."""
        return client_options({"config": str(self.write("c.toml", text)), **beside})

    def assert_wrong(self, message: str, given: dict[str, Any]) -> None:
        """The settings are refused in one line, which shows no secret."""
        with self.assertRaises(ConfigurationError) as caught:
            client_options(given)
        text = str(caught.exception)
        self.assertIn(message, text)
        self.assertEqual(len(text.splitlines()), 1)
        self.assertNotIn(SECRET, text)

    def assert_wrong_file(self, message: str, text: str) -> None:
        """The same of a file; the line names the file."""
        path = self.write("c.toml", text)
        self.assert_wrong(message, {"config": str(path)})
        self.assert_wrong(str(path), {"config": str(path)})

    # -- The file -----------------------------------------------------------------

    def test_file(self) -> None:
        """A file has the same names, and tables for what can be repeated."""
        options = self.config(
            f"""
            url = "{URL}"
            log-level = "warn"
            timeout = 2
            reconnect = false
            token = "{SECRET}"

            [params]
            user = {{id = 1}}

            [headers]
            X-One = "1"

            [join]
            "rooms:lobby" = {{user_id = 1}}

            [channel]
            "rooms:*" = "{__name__}.Room"
            """
        )
        self.assertEqual(
            options,
            {
                "name": "txphoenix",
                "url": URL,
                "timeout": 2,
                "reconnect": False,
                "auth_token": SECRET,
                "params": {"user": {"id": 1}},
                "headers": {"X-One": "1"},
                "join_channels": {"rooms:lobby": {"user_id": 1}},
                "topic_channel_map": {"rooms:*": Room},
            },
        )

    def test_function_that_makes_channels(self) -> None:
        """What a dotted name stands for may be a function that makes channels."""
        options = self.config(
            f"""
            url = "{URL}"

            [channel]
            "rooms:*" = "{__name__}.make_room"
            """
        )
        self.assertEqual(options["topic_channel_map"], {"rooms:*": make_room})

    def test_list_of_topics(self) -> None:
        """Topics without params may be a list."""
        options = self.config(f'url = "{URL}"\njoin = ["a", "b"]')
        self.assertEqual(options["join_channels"], {"a": None, "b": None})

    def test_command_line_goes_first(self) -> None:
        """What is given beside the file goes before it, name by name."""
        path = self.write("token", SECRET)
        options = self.config(
            f"""
            url = "ws://other/socket"
            timeout = 2
            join = ["a"]
            token_file = "{path}"
            params = {{a = "file", b = "file"}}
            """,
            url=URL,
            join={"b": {"x": 1}},
            token="given",
            param={"b": "given"},
        )
        self.assertEqual(options["url"], URL)
        self.assertEqual(options["timeout"], 2)
        self.assertEqual(options["join_channels"], {"a": None, "b": {"x": 1}})
        self.assertEqual(options["auth_token"], "given")
        self.assertEqual(options["params"], {"a": "file", "b": "given"})

    def test_paths_in_a_file(self) -> None:
        """A relative path in a file begins where the file is."""
        self.write("token", SECRET)
        options = self.config(f'url = "{URL}"\ntoken_file = "token"')
        self.assertEqual(options["auth_token"](), SECRET)

    def test_byte_order_mark(self) -> None:
        """What editors on Windows put before a token is no part of it."""
        self.write("token", f"\ufeff{SECRET}\r\n")
        options = self.config(f'url = "{URL}"\ntoken_file = "token"')
        self.assertEqual(options["auth_token"](), SECRET)

    def test_wrong_file(self) -> None:
        """What is wrong in a file is said with the file's name."""
        self.assert_wrong_file("no option 'ulr'; did you mean 'url'?", "ulr = 1")
        self.assert_wrong_file("there is no option 'zzz'", "zzz = 1")
        self.assert_wrong_file("config: ", "url = ")
        self.assert_wrong_file("param must be a table", "params = 1")
        self.assert_wrong_file("token must be a str", "token = 1")
        self.assert_wrong_file("param_file must be a str", "param_file = {a = 1}")
        self.assert_wrong_file("config must not be in a file", 'config = "x"')

    def test_file_that_is_none(self) -> None:
        """A file that is not there, or is no text, is refused."""
        missing = self.directory / "missing"
        self.assert_wrong(f"config: cannot read {missing}: ", {"config": str(missing)})
        binary = self.directory / "binary"
        binary.write_bytes(b"\xff\xfe")
        self.assert_wrong(f"config: {binary}: ", {"config": str(binary)})

    def test_no_path(self) -> None:
        """An empty name is no file, nor is one in the home of nobody."""
        for option in ("token_file", "cert", "key", "ca_file", "key_password_file"):
            self.assert_wrong_file(
                f"{option} must be the path of a file, not ''", f'{option} = ""'
            )
        self.assert_wrong_file(
            "cert begins with '~no such user', who has no home directory",
            'cert = "~no such user/cert.pem"',
        )

    def test_no_regular_file(self) -> None:
        """What cannot be read anew, as a pipe, is refused and not waited for."""
        for option in ("token_file", "param_file"):
            value = os.devnull if option == "token_file" else {"a": os.devnull}
            self.assert_wrong(
                f"{option}: cannot read {os.devnull}: it is no regular file",
                {"url": URL, option: value},
            )

    # -- Secrets ------------------------------------------------------------------

    def test_files_are_read_anew(self) -> None:
        """A file is read each time that the client asks; the rest stays as it is."""
        path = self.write("token", "one\n")
        options = client_options(
            {
                "url": URL,
                "token_file": str(path),
                "param_file": {"token": str(path)},
                "param": {"user": "ann"},
            }
        )
        path.write_text("two\n", "utf-8")
        self.assertEqual(options["auth_token"](), "two")
        self.assertEqual(options["params"](), {"user": "ann", "token": "two"})
        self.assertEqual(options["headers"], {})

    def test_file_that_vanishes(self) -> None:
        """A file that is gone fails the attempt that asks for it."""
        path = self.write("token", SECRET)
        options = client_options({"url": URL, "token_file": str(path)})
        path.unlink()
        with self.assertRaisesRegex(ConfigurationError, "token_file: cannot read"):
            options["auth_token"]()

    def test_missing_secrets(self) -> None:
        """A file or a variable that is missing or empty is refused at once."""
        self.patch(os, "environ", {"EMPTY": " "})
        empty = self.write("empty", "\n")
        binary = self.directory / "binary"
        binary.write_bytes(b"\xff")
        for message, given in (
            ("token_file: cannot read", {"token_file": "missing"}),
            (f"token_file: {empty} is empty", {"token_file": str(empty)}),
            (f"param_file: {binary} is not UTF-8", {"param_file": {"a": str(binary)}}),
            ("token_env: the environment variable 'NONE'", {"token_env": "NONE"}),
            ("header_env: the environment variable", {"header_env": {"X": "EMPTY"}}),
        ):
            self.assert_wrong(message, {"url": URL, **given})

    def test_given_twice(self) -> None:
        """A secret is given in one way; a second is refused."""
        self.patch(os, "environ", {"TOKEN": SECRET})
        self.assert_wrong(
            "param_env: 'a' is given as param already",
            {"url": URL, "param": {"a": SECRET}, "param_env": {"a": "TOKEN"}},
        )
        self.assert_wrong(
            "token_env: 'auth_token' is given as token already",
            {"url": URL, "token": SECRET, "token_env": "TOKEN"},
        )

    # -- The rest -----------------------------------------------------------------

    def test_none_is_not_given(self) -> None:
        """An option that is None is not given."""
        options = client_options({"url": URL, "timeout": None, "config": None})
        self.assertNotIn("timeout", options)

    def test_wrong_values(self) -> None:
        """The client's own checks hold."""
        self.assert_wrong("vsn must be '2.0.0' or '1.0.0'", {"url": URL, "vsn": "3"})
        self.assert_wrong("must be a str", {"url": URL, "token": 1})
        self.assert_wrong("join must be a table", {"url": URL, "join": "rooms:lobby"})

    def test_wrong_classes(self) -> None:
        """A channel class that cannot be had is refused, whatever its import does."""
        self.write("broken_room.py", "raise RuntimeError('first\\nsecond')")
        self.write("silent_room.py", "raise ValueError")
        self.patch(sys, "path", [str(self.directory), *sys.path])
        for message, named in (
            ("no.such.Room cannot be imported: Python finds no module", "no.such.Room"),
            ("'no'; if it is in this folder, set PYTHONPATH=.", "no.such.Room"),
            ("finds no module 'nosuchroom'; if", "nosuchroom"),
            (f"channel: {__name__}.Nothing cannot be", f"{__name__}.Nothing"),
            ("channel: broken_room.Room cannot be imported: first", "broken_room.Room"),
            ("silent_room.Room cannot be imported: ValueError", "silent_room.Room"),
            ("is not a subclass of txphoenix.Channel", f"{__name__}.NoRoom"),
            ("is not a subclass of txphoenix.Channel", "os.path"),
            ("is not a subclass of txphoenix.Channel", 7),
        ):
            self.assert_wrong(message, {"url": URL, "channel": {"rooms:*": named}})

    def test_registered_version(self) -> None:
        """The module of a channel class may make a version known."""
        text = """
            from txphoenix import Channel
            from txphoenix.serializer import V2Serializer, register

            remove = register("2.7.1", V2Serializer)

            class Room(Channel):
                pass
        """
        given = {"url": URL, "vsn": "2.7.1"}
        self.assert_wrong("vsn must be", given)
        self.write("room_of_a_version.py", text)
        self.patch(sys, "path", [str(self.directory), *sys.path])
        options = client_options(
            {**given, "channel": {"rooms:*": "room_of_a_version.Room"}}
        )
        self.addCleanup(sys.modules.pop("room_of_a_version").remove)
        self.assertEqual(options["vsn"], "2.7.1")

    def test_log_level(self) -> None:
        """The level is one of Twisted's by name, or None."""
        self.assertIsNone(log_level({"url": URL}))
        self.assertEqual(log_level({"log-level": "warn"}), "warn")
        with self.assertRaisesRegex(ConfigurationError, "debug, info, warn, error"):
            log_level({"log_level": "loud"})
