"""``twistd txphoenix`` as a process of its own, against a server over TCP."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IProcessTransport, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

import txphoenix
from txphoenix.testing import ChatRoom, PhoenixServer
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.connect import Socket

from .cli_program import decoder_of_utf8

ROOT = Path(txphoenix.__file__).parent.parent
TWISTD = Path(sys.executable).with_name("twistd")
TOPIC = "rooms:lobby"

ROOM = """
from txphoenix import Channel

class Room(Channel):
    def handle_join(self, response):
        self.push_async("new_msg", {"body": f"hello from {response['user_id']}"})
"""


class Twistd(ProcessProtocol):
    """A process, and what it prints.

    :ivar output: standard output and standard error, so far.
    :ivar ended: a Deferred of the exit status, or minus the signal that ended it.
    """

    transport: IProcessTransport

    def __init__(self, *args: str, directory: Path, **env: str) -> None:
        self.output = ""
        self.ended: Deferred[int] = Deferred()
        self._awaited: list[tuple[re.Pattern[str], Deferred[str]]] = []
        # A read may end within a character.
        self._decoders = {fd: decoder_of_utf8() for fd in (1, 2)}
        paths = map(os.fspath, (ROOT, ROOT / "plugin", directory))
        cast(IReactorProcess, reactor).spawnProcess(
            self,
            os.fspath(TWISTD),
            ["twistd", *args],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **env},
            path=os.fspath(directory),
        )

    def when_printed(self, pattern: str) -> Deferred[str]:
        """A Deferred that fires with the next line that the pattern is found in."""
        deferred: Deferred[str] = Deferred()
        self._awaited.append((re.compile(pattern), deferred))
        return deferred

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Take output, and tell those who wait for it."""
        text = self._decoders[childFD].decode(data)
        lines = (self.output.rpartition("\n")[2] + text).splitlines()
        self.output += text
        if not self.output.endswith("\n"):
            lines.pop()
        for line in lines:
            for awaited in list(self._awaited):
                pattern, deferred = awaited
                if pattern.search(line):
                    self._awaited.remove(awaited)
                    deferred.callback(line)

    def processEnded(self, reason: Failure) -> None:
        """Tell how it ended."""
        value: Any = reason.value
        ended, self.ended = self.ended, succeed(value.exitCode or 0)
        for _, deferred in self._awaited:
            deferred.errback(AssertionError(f"twistd ended first:\n{self.output}"))
        ended.callback(-value.signal if value.signal else value.exitCode)

    def kill(self) -> Deferred[int]:
        """End it, if it has not ended."""
        try:
            self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            return succeed(0)
        return self.ended


class TwistdTests(PhoenixMixin, TestCase):
    """A client that runs as a service of twistd."""

    timeout = 120

    def setUp(self) -> None:
        """Make a directory for the process to run in."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(parents=True)
        self.pid_file = self.directory / "twistd.pid"

    def write(self, name: str, text: str) -> Path:
        """Write a file into the process's directory."""
        path = self.directory / name
        path.write_text(text, "utf-8")
        return path

    def twistd(self, *args: str, outer: tuple[str, ...] = (), **env: str) -> Twistd:
        """Start ``twistd -n OUTER txphoenix ARGS``."""
        process = Twistd(
            "-n", *outer, "txphoenix", *args, directory=self.directory, **env
        )
        self.addCleanup(process.kill)
        return process

    async def assert_exits(self, process: Twistd, status: int = 0) -> None:
        """The process ends at SIGTERM with that status, and leaves no pid file."""
        self.assertTrue(self.pid_file.exists())
        process.transport.signalProcess("TERM")
        self.assertEqual(await process.ended, status, process.output)
        self.assertFalse(self.pid_file.exists())
        self.assertNotIn("Traceback", process.output)

    async def broadcast(
        self, server: PhoenixServer, process: Twistd, text: str
    ) -> None:
        """A message to the topic is logged by the process."""
        printed = process.when_printed(f"{TOPIC}: new_msg .*{text}")
        server.broadcast(TOPIC, "new_msg", {"body": text})
        await printed

    async def test_life(self) -> None:
        """It joins, logs messages, survives a restart, and exits 0 at SIGTERM."""
        server = await self.phoenix_server({"rooms:*": ChatRoom})
        process = self.twistd(
            *("--url", server.url, "--join", f'{TOPIC}={{"user_id": "ann"}}'),
            *("--reconnect-interval", "0.1"),
        )
        channel = await server.when_joined(TOPIC)
        self.assertEqual(channel.params, {"user_id": "ann"})
        await self.broadcast(server, process, "first")

        left = server.when_left(TOPIC)
        await server.restart()
        await left
        await server.when_joined(TOPIC)
        await self.broadcast(server, process, "second")

        gone = server.when_disconnected()
        await self.assert_exits(process)
        await gone
        self.assertIn(f"{TOPIC}: closed: stopped", process.output)

    async def test_config_file(self) -> None:
        """It takes all from a file: secrets of files and variables, and a class."""
        seen: list[Any] = []

        def connect(params: Mapping[str, Any], socket: Socket) -> None:
            seen.append((params.get("key"), socket.auth_token))

        server = await self.phoenix_server(
            {"rooms:*": ChatRoom}, connect=connect, auth_token=True
        )
        self.write("my_room.py", ROOM)
        self.write("token", "of-a-file\n")
        path = self.write(
            "chat.toml",
            f"""
            url = "{server.url}"
            token_file = "token"
            param_env = {{key = "CHAT_KEY"}}
            join = {{"{TOPIC}" = {{user_id = "bob"}}}}
            channel = {{"rooms:*" = "my_room.Room"}}
            """,
        )
        received = server.when_received("new_msg")
        process = self.twistd("--config", os.fspath(path), CHAT_KEY="of-the-env")
        self.assertEqual((await received).payload, {"body": "hello from bob"})
        self.assertEqual(seen, [("of-the-env", "of-a-file")])
        await self.assert_exits(process)
        for secret in ("of-the-env", "of-a-file"):
            self.assertNotIn(secret, process.output)

    async def test_wrong_option(self) -> None:
        """It says in one line what is wrong with an option, and does not start."""
        process = self.twistd("--url", "ws://127.0.0.1/socket", "--timeout", "soon")
        # With which status is for twistd to say: it was 0 once, and is 1 now.
        await process.ended
        (line,) = [line for line in process.output.splitlines() if "soon" in line]
        self.assertRegex(
            line, "twistd.*: timeout must be a positive, finite number .*, not 'soon'$"
        )
        self.assertLess(len(process.output.splitlines()), 6)
        self.assertFalse(self.pid_file.exists())

    async def test_no_server(self) -> None:
        """Waiting for a server that is not there, it exits 0 as well."""
        server = await self.phoenix_server()
        await server.stop()
        process = self.twistd("--url", server.url)
        await process.when_printed("not connected")
        await self.assert_exits(process)

    async def test_silent_server(self) -> None:
        """A server that does not answer the close does not hold it up."""
        server = await self.phoenix_server()
        process = self.twistd(
            "--url", server.url, "--join", "echo:1", "--close-timeout", "0.1"
        )
        await process.when_printed("echo:1: joined")
        server.pause()
        self.addCleanup(server.resume)
        await self.assert_exits(process)

    async def test_debug(self) -> None:
        """With ``--log-level debug``, each message is told, and no payload of it."""
        server = await self.phoenix_server()
        process = self.twistd(
            *("--url", server.url, "--log-level", "debug"),
            *("--join", 'echo:1={"token": "secret"}'),
        )
        await process.when_printed("message sent.*phx_join")
        await process.when_printed("echo:1: joined")
        await self.assert_exits(process)
        self.assertNotIn("secret", process.output)


def add_reactor_test(name: str) -> None:
    """Add a test with a reactor other than the default one."""

    async def test(self: TwistdTests) -> None:
        server = await self.phoenix_server()
        process = self.twistd(
            "--url", server.url, "--join", "echo:1", outer=("--reactor", name)
        )
        await process.when_printed("echo:1: joined")
        await self.assert_exits(process)

    test.__doc__ = f"With the {name} reactor it joins, and exits 0 at SIGTERM."
    setattr(TwistdTests, f"test_{name}_reactor", test)


for reactor_name in ("asyncio", "poll", "select"):
    add_reactor_test(reactor_name)
