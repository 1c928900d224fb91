"""The command ``console`` where it reads lines: :mod:`txphoenix.cli.console_lines`.

Scripts are in ``test_cli_console_scripts.py``, and what it is at a terminal with
prompt_toolkit in ``test_console_prompt.py``.
"""

from __future__ import annotations

import io
import os
from typing import Any

from txphoenix.cli import console as console_module
from txphoenix.cli.console import run_console
from txphoenix.cli.console_commands import COMMANDS
from txphoenix.cli.console_lines import standard_io
from txphoenix.cli.output import FAILED, OK, CommandError, OutputClosed, Terminal
from txphoenix.cli.program import make_parser
from txphoenix.test.cli_program import CommandTestCase, Room
from txphoenix.test.console_case import WRONG, ConsoleCase


class ConsoleTests(ConsoleCase):
    """Commands, and what they print."""

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
        await self.quit(running)

    async def test_encodings(self) -> None:
        """A person's lines are in their terminal's encoding, or in UTF-8."""
        running, server, console = await self.started(is_terminal=True)
        for encoding, typed in (
            ("latin-1", b"join rooms:\xe9\n"),
            ("ascii", b"leave rooms:\xc3\xa9\n"),
            ("utf-8", b"join rooms:\xc3\xa8\n"),
        ):
            self.patch(self.screen.out, "_encoding", encoding)
            console.dataReceived(typed)
        await self.screen.output.wait_for("rooms:\u00e9 left\n")
        await self.screen.output.wait_for("joined rooms:\u00e8\n")
        console.dataReceived(b"join rooms:\xe9\n")
        await self.screen.output.wait_for("error: it is not UTF-8 at byte 12\n")
        self.assertEqual(len(server.channels("rooms:\u00e8")), 1)
        await self.quit(running)

    async def test_errors(self) -> None:
        """What does not work is a line for a person, and the console goes on."""
        running, *_ = await self.started(is_terminal=True)
        await self.say("join rooms:a")
        for command, said in (
            *WRONG,
            ("push rooms:b e", "rooms:b is not joined"),
            ("push rooms:a refuse", "push of 'refuse' to 'rooms:a' answered"),
            ("join rooms:a", "join of 'rooms:a' refused: the topic has a"),
            ("join nowhere", "join of 'nowhere' refused: 'unmatched topic'"),
            ("join phoenix", "a topic must not be 'phoenix': the heartbeats"),
        ):
            text = await self.say(command)
            self.assertTrue(text.startswith(f"error: {said}"), (command, text))
        self.assertEqual(await self.say(""), "")
        self.assertEqual(await self.say("# a comment"), "")
        self.assertEqual(await self.say("leave rooms:b"), "")
        await self.quit(running)
        self.assertEqual(self.err.output.text, "")

    async def test_slash(self) -> None:
        """A command may begin with a slash, also where help is asked about it."""
        running, _, console = await self.started()
        self.assertEqual(await self.say("/join rooms:a"), "ok {}\n")
        self.assertEqual(await self.say("/help /leave"), await self.say("help leave"))
        console.dataReceived(b"/quit\n")
        self.assertEqual(await running, OK)

    async def test_help(self) -> None:
        """There is a line for each command, and more about each of them."""
        running, *_ = await self.started()
        lines = (await self.say("help")).splitlines()
        self.assertEqual([line.split()[0] for line in lines], [*COMMANDS])
        for name, command in COMMANDS.items():
            told = await self.say(f"help {name}")
            self.assertEqual(told, f"{command.usage}\n{command.details}\n")
        await self.quit(running)

    async def test_no_reply(self) -> None:
        """A push need not wait for a reply that the server does not send."""
        running, server, _ = await self.started()
        await self.say("join rooms:a")
        self.assertEqual(await self.say("push --no-reply rooms:a silence [1]"), "")
        self.assertEqual(await self.say("push rooms:a e 1"), "ok 1\n")
        (channel,) = server.channels("rooms:a")
        self.assertEqual(getattr(channel, "events", None), ("silence", "e"))
        await self.quit(running)

    async def test_closed_by_server(self) -> None:
        """That the server closes a channel is told."""
        running, server, _ = await self.started()
        await self.say("join rooms:a")
        server.channels("rooms:a")[0].stop()
        await self.screen.output.wait_for("rooms:a closed\n")
        await self.quit(running)

    async def test_looking_around(self) -> None:
        """The round trip, the state and the commands can be seen."""
        running, server, _ = await self.started()
        self.assertRegex(await self.say("ping"), r"^\d+\.\d ms\n$")
        await self.say('join rooms:a {"token": "sesame"}')
        state = await self.say("state")
        for part in (server.url, '"status": "connected"', '"rooms:a"'):
            self.assertIn(part, state)
        self.assertNotIn("sesame", state)
        await self.quit(running)

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
        """It ends if nobody reads what it prints, or the terminal goes away.

        Without a person at it what it prints was wanted, and is missing.
        """
        running, _, console = await self.started()
        console.writeConnectionLost()
        with self.assertRaises(OutputClosed):
            await running
        running, _, console = await self.started(is_terminal=True)
        console.writeConnectionLost()
        self.assertEqual(await running, OK)
        running, _, console = await self.started()
        self.screen.loseConnection()
        self.assertEqual(await running, OK)
        before = self.screen.output.text
        console.show("too late")
        self.assertEqual(self.screen.output.text, before)

    async def test_prompt(self) -> None:
        """A person has a prompt below all that comes, and none is left in the end."""
        self.patch(console_module, "_has_extra", lambda: True)
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
        self.assertTrue(self.screen.output.text.endswith("> > \r\x1b[K"))
        self.assertEqual(self.err.output.text, "")

    async def test_hint(self) -> None:
        """Where the extra is missing, one line says so to a person, and to no file."""
        for has_extra, is_terminal, environ, is_told in (
            (False, True, {}, True),
            (True, True, {}, False),
            (False, True, {"TERM": "dumb"}, False),
            (False, False, {}, False),
        ):
            self.patch(console_module, "_has_extra", lambda has=has_extra: has)
            before = len(self.screen.output.text)
            running, *_ = await self.started(is_terminal, **environ)
            await self.quit(running)
            text = self.screen.output.text[before:] + self.err.output.text
            hints = text.count("pip install 'txphoenix[console]'")
            self.assertEqual(hints, int(is_told), (has_extra, is_terminal, environ))

    async def test_dumb(self) -> None:
        """A dumb terminal gets no escape sequences, and what comes begins a line."""
        running, server, _ = await self.started(is_terminal=True, TERM="dumb")
        before = len(self.screen.output.text)
        self.screen.typed("join rooms:a")
        await self.screen.output.wait_for("ok {}\n> ")
        server.broadcast("rooms:a", "new_msg", {})
        await self.screen.output.wait_for("new_msg {}\n> ")
        await self.quit(running)
        self.assertEqual(
            self.screen.output.text[before:],
            "joined rooms:a\n> \nok {}\n> \nrooms:a new_msg {}\n> rooms:a left\n",
        )
        self.assertNotIn("\x1b", self.screen.output.text)

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
        self.assertIn('"status": "', await self.say("state"))
        self.assertIn("error: ", await self.say("ping"))
        await self.quit(running)


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
            out = os.fdopen(stdout, "w", encoding="utf-8", closefd=False)
            self.addCleanup(out.close)
            terminal = Terminal(io.StringIO(), out, self.err, {})
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
