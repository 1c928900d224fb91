"""The command ``console``: :mod:`txphoenix.cli.console`."""

from __future__ import annotations

import io
import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from txphoenix.cli.console import Console, run_console, standard_io
from txphoenix.cli.output import FAILED, OK, CommandError, Terminal
from txphoenix.cli.program import make_parser
from txphoenix.test.cli_program import CommandTestCase, Output, Room, Stream
from txphoenix.testing import PhoenixServer


class Screen(StringTransport):
    """A terminal that shows what is written.

    :ivar output: what was written.
    """

    def __init__(self) -> None:
        super().__init__()
        self.output = Output()
        self.console: Console | None = None

    def write(self, data: bytes) -> None:
        """Show it."""
        self.output.add(data.decode("utf-8"))

    def loseConnection(self) -> None:
        """Tell the console that it is gone."""
        self.disconnecting = True
        console, self.console = self.console, None
        if console is not None:
            console.connectionLost(Failure(ConnectionDone()))


class ConsoleTests(CommandTestCase):
    """Commands, and what they print."""

    def setUp(self) -> None:
        """Make the terminal."""
        super().setUp()
        self.screen = Screen()
        self.opened: Deferred[Console] = Deferred()

    @contextmanager
    def connect_to(self, console: Console) -> Iterator[None]:
        """Connect a console to the screen."""
        self.screen.console = console
        console.makeConnection(self.screen)
        opened, self.opened = self.opened, Deferred()
        opened.callback(console)
        yield

    def start(self, url: str, is_terminal: bool = False) -> Deferred[int]:
        """Start a console; its exit code."""
        from twisted.internet import reactor

        stream = Stream(is_terminal=is_terminal)
        terminal = Terminal(stream, stream, self.err, {})
        args: Namespace = make_parser("txphoenix").parse_args(["console", url])
        return Deferred.fromCoroutine(
            run_console(
                reactor,
                args,
                terminal,
                self.connect_to,
            )
        )

    async def started(
        self, is_terminal: bool = False
    ) -> tuple[Deferred[int], PhoenixServer, Console]:
        """A console that is connected to a server."""
        server = await self.phoenix_server({"rooms:*": Room})
        opened = self.opened
        running = self.start(server.url, is_terminal)
        console = await opened
        if is_terminal:
            await self.screen.output.wait_for("connected to")
        return running, server, console

    async def say(self, text: str) -> str:
        """Type a line; what is printed until the next one would be read."""
        console = self.screen.console
        assert console is not None
        before = len(self.screen.output.text)
        console.dataReceived(f"{text}\nnext\n".encode())
        marker = "there is no command 'next'"
        count = self.screen.output.text.count(marker)
        if count == 0 or marker not in self.screen.output.text[before:]:
            await self.screen.output.wait_for(marker, count + 1)
        said = self.screen.output.text[before:]
        return "".join(line + "\n" for line in said.splitlines() if marker not in line)

    async def test_channel(self) -> None:
        """A channel is joined, pushed to and left, and what comes is printed."""
        running, server, _ = await self.started()
        self.assertEqual(await self.say('join rooms:a {"b": 1}'), "ok {}\n")
        (channel,) = server.channels("rooms:a")
        self.assertEqual(channel.params, {"b": 1})

        self.assertEqual(await self.say('push rooms:a e {"c": 2}'), 'ok {"c": 2}\n')
        self.assertEqual(await self.say("push rooms:a e"), "ok {}\n")

        server.broadcast("rooms:a", "new_msg", {"body": "hé"})
        channel.push("data", b"\x00\xff")
        await self.screen.output.wait_for('rooms:a new_msg {"body": "hé"}\n')
        await self.screen.output.wait_for('rooms:a data "AP8="\n')

        left = server.when_left("rooms:a")
        self.assertEqual(await self.say("leave rooms:a"), "rooms:a left\n")
        self.assertEqual(getattr(await left, "reason", None), "left")
        running.cancel()
        self.assertEqual(await running, OK)

    async def test_errors(self) -> None:
        """What does not work is a line, and the console goes on."""
        running, _, console = await self.started()
        await self.say("join rooms:a")
        for command, said in (
            ("nonsense", "error: there is no command 'nonsense'; help lists them"),
            ("join", "error: expected: join TOPIC [JSON]"),
            ("push rooms:a", "error: expected: push TOPIC EVENT [JSON]"),
            ("leave", "error: expected: leave TOPIC"),
            ("push rooms:a e {", "error: expected JSON: "),
            ("push rooms:b e", "error: rooms:b is not joined"),
            ("push rooms:a refuse", "error: push of 'refuse' to 'rooms:a' answered"),
            ("join rooms:a", "error: join of 'rooms:a' refused: the topic has a"),
            ("join nowhere", "error: join of 'nowhere' refused: 'unmatched topic'"),
            ("join phoenix", "error: a topic must not be 'phoenix': the heartbeats"),
        ):
            self.assertTrue((await self.say(command)).startswith(said), command)
        self.assertEqual(await self.say(""), "")
        self.assertEqual(await self.say("leave rooms:b"), "")
        console.dataReceived(b"quit\n")
        self.assertEqual(await running, OK)

    async def test_closed_by_server(self) -> None:
        """That the server closes a channel is told."""
        running, server, _ = await self.started()
        await self.say("join rooms:a")
        server.channels("rooms:a")[0].stop()
        await self.screen.output.wait_for("rooms:a closed\n")
        running.cancel()
        await running

    async def test_looking_around(self) -> None:
        """The round trip, the state and the commands can be seen."""
        running, server, _ = await self.started()
        self.assertRegex(await self.say("ping"), r"^\d+\.\d ms\n$")
        await self.say('join rooms:a {"token": "sesame"}')
        state = await self.say("state")
        for part in (server.url, '"status": "connected"', '"rooms:a"'):
            self.assertIn(part, state)
        self.assertNotIn("sesame", state)
        self.assertIn("push TOPIC EVENT [JSON]", await self.say("help"))
        running.cancel()
        await running

    async def test_quit(self) -> None:
        """``quit`` leaves all channels and ends; what follows is not carried out."""
        running, server, console = await self.started()
        await self.say("join rooms:a")
        left = server.when_left("rooms:a")
        console.dataReceived(b"quit\njoin rooms:b\n")
        self.assertEqual(await running, OK)
        self.assertEqual(getattr(await left, "reason", None), "left")
        self.assertEqual(server.connections, [])
        self.assertNotIn("rooms:b", self.screen.output.text)

    async def test_end_of_commands(self) -> None:
        """The last command needs no line break, and is done before the end."""
        running, _, console = await self.started()
        console.dataReceived(b"join rooms:a\n\npush rooms:a e 1")
        console.readConnectionLost()
        self.assertEqual(await running, OK)
        self.assertEqual(self.screen.output.text, "ok {}\nok 1\nrooms:a left\n")

    async def test_no_commands(self) -> None:
        """Without commands it ends at once."""
        running, _, console = await self.started()
        console.readConnectionLost()
        self.assertEqual(await running, OK)

    async def test_nobody_reads(self) -> None:
        """It ends if nobody reads what it prints, or the terminal goes away."""
        running, _, console = await self.started()
        console.writeConnectionLost()
        self.assertEqual(await running, OK)
        running, _, console = await self.started()
        self.screen.loseConnection()
        self.assertEqual(await running, OK)
        before = self.screen.output.text
        console.show("too late")
        self.assertEqual(self.screen.output.text, before)

    async def test_prompt(self) -> None:
        """A person has a prompt, below all that comes."""
        running, server, _ = await self.started(is_terminal=True)
        text = self.screen.output.text
        self.assertTrue(text.startswith("\r\x1b[Khelp lists the commands\n> "))
        self.assertIn(f"\r\x1b[Kconnected to {server.url}\n> ", text)
        console = self.screen.console
        assert console is not None
        console.dataReceived(b"\n")
        self.assertTrue(self.screen.output.text.endswith("\n> > "))
        running.cancel()
        self.assertEqual(await running, OK)
        self.assertTrue(self.screen.output.text.endswith("> \n"))
        self.assertEqual(self.err.output.text, "")

    async def test_refused(self) -> None:
        """A server that refuses a person ends the console, and says why."""
        for is_terminal in (True, False):
            server = await self.phoenix_server({"rooms:*": Room})
            server.refuse(403)
            with self.assertRaises(CommandError) as caught:
                await self.start(server.url, is_terminal)
            self.assertIn("HTTP 403", str(caught.exception))
            self.assertEqual(caught.exception.code, FAILED)

    async def test_server_in_trouble(self) -> None:
        """Without a connection a person can look around and quit."""
        server = await self.phoenix_server({"rooms:*": Room})
        server.refuse(503)
        running = self.start(server.url, is_terminal=True)
        await self.screen.output.wait_for("HTTP 503")
        self.assertIn('"connected"', (await self.say("state")) + '"connected"')
        self.assertIn("error: ", await self.say("ping"))
        console = self.screen.console
        assert console is not None
        console.dataReceived(b"quit\n")
        self.assertEqual(await running, OK)

    async def test_interrupted_before_connection(self) -> None:
        """Commands from a file wait for the connection; that can be interrupted."""
        server = await self.phoenix_server({"rooms:*": Room})
        server.refuse(503)
        running = self.start(server.url)
        await self.err.output.wait_for("HTTP 503")
        running.cancel()
        self.assertEqual(await running, OK)


class StandardIOTests(CommandTestCase):
    """The console's way to standard input and output."""

    async def test_standard_io(self) -> None:
        """It reads and writes, and leaves the descriptors open and as they were."""
        stdin, commands = os.pipe()
        printed, stdout = os.pipe()
        saved = os.dup(0), os.dup(1)
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        try:
            server = await self.phoenix_server({"rooms:*": Room})
            os.write(commands, b"join rooms:a\nquit\n")
            args: Any = make_parser("txphoenix").parse_args(["console", server.url])
            terminal = Terminal(io.StringIO(), Stream(), self.err, {})
            from twisted.internet import reactor

            code = await run_console(
                reactor,
                args,
                terminal,
                standard_io,
            )
            blocking = os.get_blocking(0), os.get_blocking(1)
        finally:
            os.dup2(saved[0], 0)
            os.dup2(saved[1], 1)
            for descriptor in (stdin, commands, stdout, *saved):
                os.close(descriptor)
        self.assertEqual((code, blocking), (OK, (True, True)))
        self.assertEqual(os.read(printed, 1000), b"ok {}\nrooms:a left\n")
        os.close(printed)
