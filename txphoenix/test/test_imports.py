"""Tests of what an import loads, and of what is loaded later, and when."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

from .benchmark_runs import NOT_THERE, ROOT

BASE = "import autobahn.twisted.websocket"
CLIENT = "from txphoenix import SocketClient"

LOADED = "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"

# What is loaded for those alone who ask for it, or with the first attempt to connect.
LATER = {
    "cli",
    "service",
    "testing",
    "channels.presence",
    "client.idleness",
    "client.topic_hooks",
    "options.snapshot",
    "transports.client_tls",
    "transports.connector",
    "transports.cookies",
    "transports.endpoints",
    "transports.fallback",
    "transports.frames",
    "transports.http",
    "transports.https_agent",
    "transports.longpoll",
    "transports.masking",
    "transports.own_connector",
    "transports.proxy",
    "transports.proxy_environment",
    "transports.tls",
    "transports.tls_sessions",
    "transports.treq_session",
    "transports.websocket",
}
# What takes long, and Autobahn does without.
FOREIGN = {
    "difflib",
    "importlib.metadata",
    "opentelemetry",
    "prometheus_client",
    "prompt_toolkit",
    "treq",
    "twisted.internet.reactor",
    "twisted.web.client",
    "websockets",
}

# As a user's: all that a channel does, once it is connected.
MESSAGES = """
import json, sys
from twisted.internet.task import react
from txphoenix import JoinError, Presence, PushError, SocketClient
from txphoenix.testing import PhoenixServer, Refused, ServerChannel, error, ok

class Room(ServerChannel):
    def join(self, params):
        if self.topic == "rooms:locked":
            raise Refused({"reason": "locked"})

    def handle_in(self, event, payload):
        self.push("echoed", payload)
        return error(payload) if event == "bad" else ok(payload)

async def main(reactor):
    server = await PhoenixServer({"rooms:*": Room}).start()
    client = SocketClient(server.url)
    client.startService()
    await client.when_connected()
    before = set(sys.modules)
    channel = client.channel("rooms:lobby")
    Presence(channel)
    channel.on("echoed", lambda payload: None)
    await channel.join()
    for payload in ({"body": "hello"}, {"n": 2**70}, {"text": "\\u2028\\U0001f600"},
                    {"long": "x" * 200_000}, b"\\x00\\xff", None):
        await channel.push("new_msg", payload)
    try:
        await channel.push("bad", {})
    except PushError:
        pass
    try:
        await client.channel("rooms:locked").join()
    except JoinError:
        pass
    await channel.leave()
    print(json.dumps(sorted(set(sys.modules) - before)))
    await client.stopService()
    await server.stop()

react(main)
"""


def environment(**more: str) -> dict[str, str]:
    """That of a process in which nothing is measured but by us."""
    own = {name: value for name, value in os.environ.items() if name[:3] != "COV"}
    return {**own, "PYTHONPATH": os.fspath(ROOT), **more}


def loaded(code: str) -> set[str]:
    """The modules that are loaded where a process has run this."""
    done = subprocess.run(
        [sys.executable, "-c", code + LOADED],
        env=environment(),
        capture_output=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def ours(modules: set[str]) -> set[str]:
    """Those of this package, by their paths in it."""
    return {name.partition(".")[2] for name in modules if name[:9] == "txphoenix"}


def written_names() -> dict[str, str]:
    """What the package hands on by what type checkers read: name and module."""
    tree = ast.parse(Path(txphoenix.__file__).read_text("utf-8"))
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            for alias in node.names:
                names[alias.name] = node.module or ""
    return names


class LateTests(SynchronousTestCase):
    """An import loads what it needs and no more."""

    def test_package(self) -> None:
        """``import txphoenix`` loads nothing of the package but its version."""
        modules = loaded("import txphoenix")
        self.assertEqual(ours(modules), {"", "_version"})
        self.assertEqual(modules & {"attr", "autobahn", "twisted", "zope"}, set())

    def test_client(self) -> None:
        """A client's import loads nothing that only some clients need."""
        base, modules = loaded(BASE), loaded(CLIENT)
        self.assertIn("client.socket_client", ours(modules))
        self.assertEqual(ours(modules) & LATER, set())
        self.assertEqual((modules - base) & FOREIGN, set())
        # Each is a file to find and to read.
        self.assertLess(len(modules - base), 145)

    def test_command_line(self) -> None:
        """The command line loads what edits lines for the console alone, at its start.

        It does so for no other command, and for the console only at a terminal.
        """
        modules = loaded("import txphoenix.cli")
        self.assertIn("cli.console", ours(modules))
        self.assertEqual({name for name in ours(modules) if "prompt" in name}, set())
        late = {"prompt_toolkit", "twisted.internet.asyncioreactor"}
        self.assertEqual(modules & late, set())

    def test_messages(self) -> None:
        """Whatever a channel does loads nothing: no message waits for an import."""
        done = subprocess.run(
            [sys.executable, "-c", MESSAGES],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout), [])

    def test_time(self) -> None:
        """A client's import takes not much longer than Autobahn's, by CPU time.

        ``python -m benchmarks.imports`` holds it to the limit; here is only what no
        noise can reach.
        """
        if NOT_THERE is not None:
            raise SkipTest(NOT_THERE)
        try:
            import resource  # noqa: F401
        except ImportError as error:
            raise SkipTest("the system does not tell") from error
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.imports", "--rounds=1", "--limit=1.6"],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)


class NamesTests(SynchronousTestCase):
    """What is loaded late is all that it was."""

    def test_as_written(self) -> None:
        """Each name is the very object that type checkers take it for."""
        names = written_names()
        self.assertEqual(
            {name for name, module in names.items() if module}, {*txphoenix.__all__}
        )
        for name, module in names.items():
            home: Any = import_module(f"txphoenix.{module or name}")
            found = getattr(txphoenix, name)
            self.assertIs(found, getattr(home, name) if module else home, name)

    def test_modules(self) -> None:
        """Public modules are attributes of the package."""
        for name in txphoenix._MODULES:
            self.assertIsInstance(getattr(txphoenix, name), ModuleType)

    def test_unknown(self) -> None:
        """Another name is an ``AttributeError`` that names it, and no import."""
        with self.assertRaises(AttributeError) as caught:
            _ = txphoenix.SocketKlient  # type: ignore[attr-defined]
        self.assertIn("SocketKlient", str(caught.exception))
        self.assertFalse(hasattr(txphoenix, "test_of_nothing"))

    def test_dir(self) -> None:
        """All of them are listed, loaded or not."""
        missing = {*txphoenix.__all__, *txphoenix._MODULES} - {*dir(txphoenix)}
        self.assertEqual(missing, set())
