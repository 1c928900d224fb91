"""The console and its terminal: what it shows of the connection, and how it leaves."""

from __future__ import annotations

import os
import re
import select
import sys
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.threads import deferToThread

from txphoenix.test.prompt_case import PromptCase
from txphoenix.testing import PhoenixServer

# Escape sequences that clear, colour, retitle, ring, and turn the text's direction.
HOSTILE = "\x1b[2J\x1b]0;evil\x07\x9b31m\u202eevil\r\nforged"

# A console whose status line fails once the topic "boom" is joined.
_BROKEN = """
import sys
from txphoenix.cli.prompt import console
from txphoenix.cli import main

draw = console.status_line

def status_line(client, topic, outstanding):
    if topic == "rooms:boom":
        raise ZeroDivisionError("boom")
    return draw(client, topic, outstanding)

console.status_line = status_line
main(["console", sys.argv[1]])
"""

# As it runs where the extra is not installed.
_WITHOUT = """
import sys
sys.modules["prompt_toolkit"] = None
from txphoenix.cli import console, main
console._has_extra = lambda: False
main(["console", sys.argv[1]])
"""

# Closing its window would end it at once, if it did not ignore that.
_NO_HANGUP = """
import signal, sys
from txphoenix.cli import main
signal.signal(signal.SIGHUP, signal.SIG_IGN)
main(["console", sys.argv[1]])
"""

# Standard input is the terminal, and standard output a pipe to cat.
_PIPED = """
import subprocess, sys
run = [sys.executable, "-m", "txphoenix", "console", sys.argv[1]]
console = subprocess.Popen(run, stdout=subprocess.PIPE)
subprocess.run(["cat"], stdin=console.stdout)
sys.exit(console.wait())
"""

_SHELL = "import os; os.execv('/bin/bash', ['bash', '--norc', '--noprofile', '-i'])"


class ConnectionTests(PromptCase):
    """The line at the bottom."""

    async def test_loss_and_return(self) -> None:
        """It says when the connection is lost, and when it is back, by itself."""
        server, console = await self.started()
        console.enter("join rooms:a")
        await console.see_bottom(" connected | rooms:a joined |")
        console.type("half a li")
        await server.stop()
        await console.see_bottom(" disconnected, trying again in ")
        await console.see("connection lost: ")
        await console.see_line("> half a li")
        self.assertEqual(console.bottom.count("joined"), 0)
        again = PhoenixServer({"rooms:*": self.room}, port=server.port)
        self.addCleanup(again.stop)
        await again.start()
        await console.see_bottom(" connected | rooms:a joined |")
        await console.see_line("> half a li")
        console.type("\x03")
        await self.leave(console)

    async def test_never_connected(self) -> None:
        """Without a server a person may look around and leave."""
        server = await self.phoenix_server()
        await server.stop()
        console = self.start(server.url)
        await console.see_bottom(" disconnected, trying again in ")
        console.enter("state")
        await console.see('"status": "')
        await self.leave(console)

    async def test_countdown(self) -> None:
        """The seconds until the next attempt go down, though nothing else happens."""
        server = await self.phoenix_server()
        await server.stop()
        console = self.start(server.url)
        shown: list[tuple[int, int]] = []

        def goes_down() -> bool:
            found = re.match(
                " disconnected, trying again in ([0-9]+) s", console.bottom
            )
            if found is None:
                return False
            shown.append((console.raw.count(b"; trying again in"), int(found[1])))
            (notes, before), (notes_now, now) = shown[-2:] if shown[1:] else shown * 2
            return notes == notes_now and now < before

        await console.wait(goes_down, "a lower number")
        await self.leave(console)

    async def test_refused(self) -> None:
        """A server that refuses it ends it, and the terminal is as it was."""
        server = await self.phoenix_server()
        server.refuse(403)
        console = self.start(server.url)
        self.assertEqual(await console.ended, 1)
        self.assert_restored(console)
        self.assertIn("txphoenix: error: cannot connect to", "".join(console.lines))
        self.assertIn("HTTP 403", "".join(console.lines))

    async def test_verbose(self) -> None:
        """The log is printed above the line as well."""
        _, console = await self.started("--verbose")
        console.type("half a li")
        await console.see_line("> half a li")
        console.enter("\x03join rooms:a")
        await console.see("ok rooms:a {}")
        await console.see_line(">")
        log = [line for line in console.lines if "[txphoenix." in line]
        self.assertNotEqual(log, [])
        for line in log:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT")
        await self.leave(console)


class HostileTests(PromptCase):
    """What a server sends drives no terminal."""

    async def test_escape_sequences(self) -> None:
        """They are shown, wherever they are: payload, event, topic, reply."""
        server, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        server.broadcast("rooms:a", HOSTILE, {HOSTILE: HOSTILE})
        await console.see("\\u001b[2J")
        await console.see(
            "rooms:a \\x1b[2J\\x1b]0;evil\\x07\\x9b31m\\u202eevil\\r\\nforged"
        )
        console.enter('push rooms:a e "\\u001b[2J\\u009b31m\\u202e"')
        await console.see('ok rooms:a e "\\u001b[2J\\u009b31m\\u202e"')
        # A topic is the user's, who may have pasted it.
        console.type("\x1b[200~join rooms:\u202e\x1b[31m\x1b[201~\r")
        await console.see_bottom("rooms:\\u202e\\x1b[31m joined and 1 more")
        await self.leave(console)
        for sequence in (b"\x1b[2J", b"\x1b]0", b"\x07", b"\xc2\x9b", b"\x1b[31m"):
            self.assertNotIn(sequence, console.raw)
        self.assertNotIn("\u202e", console.raw.decode())
        self.assertNotIn("forged", [line[:6] for line in console.lines])


class ColourTests(PromptCase):
    """Colours, where they are wanted."""

    colour = re.compile(rb"\x1b\[(?:\d+;)*(?:3\d|4\d|9\d|10\d)(?:;\d+)*m")

    async def test_colours(self) -> None:
        """There are some, but none with ``NO_COLOR``; the rest is the same."""
        for environment, has_colours in (({}, True), ({"NO_COLOR": "1"}, False)):
            _, console = await self.started(**environment)
            console.enter("join rooms:a")
            await console.see_bottom(" connected | rooms:a joined |")
            # The menu has colours by itself.
            console.type("p\t")
            await console.see("measure the round trip")
            console.type("\x03")
            await self.leave(console)
            found = self.colour.search(console.raw)
            self.assertEqual(found is not None, has_colours, environment)

    async def test_dumb(self) -> None:
        """A dumb terminal has the plain console, without escape sequences."""
        server = await self.phoenix_server({"rooms:*": self.room})
        console = self.start(server.url, TERM="dumb")
        await console.see("connected to")
        console.enter("join rooms:a")
        await console.see("ok {}")
        console.enter("quit")
        self.assertEqual(await console.ended, 0)
        self.assertNotIn(b"\x1b", console.raw)
        self.assertEqual(console.settings, console.settings_before)
        self.assertNotIn("pip install", "".join(console.lines))

    async def test_without_extra(self) -> None:
        """Without the extra there is the plain console, and one line on the extra."""
        server = await self.phoenix_server({"rooms:*": self.room})
        console = self.run_program("-c", _WITHOUT, server.url)
        await console.see("connected to")
        console.enter("join rooms:a")
        await console.see("ok {}")
        console.enter("quit")
        self.assertEqual(await console.ended, 0)
        self.assertEqual(console.settings, console.settings_before)
        hints = console.raw.count(b"pip install 'txphoenix[console]'")
        self.assertEqual(hints, 1)


class LeavingTests(PromptCase):
    """The terminal is as it was, whatever has ended the console."""

    async def test_ways(self) -> None:
        """Ctrl-D, ``quit`` and signals that end it leave in good order, with code 0."""
        for way in ("\x04", "quit\r", "SIGINT", "SIGTERM", "SIGHUP"):
            server, console = await self.started()
            console.enter("join rooms:a")
            await console.see("ok rooms:a")
            left = server.when_left("rooms:a")
            if way.startswith("SIG"):
                console.type("half a li")
                await console.see_line("> half a li")
                console.signal(way)
            else:
                console.type(way)
            self.assertEqual(await console.ended, 0, way)
            self.assertEqual(getattr(await left, "reason", None), "left", way)
            self.assert_restored(console)
            self.assertNotIn("Traceback", console.raw.decode(), way)

    async def test_server_killed(self) -> None:
        """So does Ctrl-D after the server is gone."""
        server, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        await server.stop()
        await console.see_bottom(" disconnected")
        await self.leave(console)

    async def test_exception(self) -> None:
        """After a fault of our own there is a traceback, and the terminal is sane."""
        server = await self.phoenix_server({"rooms:*": self.room})
        console = self.run_program("-c", _BROKEN, server.url)
        await console.see("connected to")
        console.enter("join rooms:boom")
        self.assertEqual(await console.ended, 1)
        self.assertEqual(console.settings, console.settings_before)
        self.assertFalse(console.screen.cursor.hidden)
        self.assertIn("ZeroDivisionError: boom", console.raw.decode())

    async def test_terminal_gone(self) -> None:
        """Without its terminal it leaves in good order, if it has to end by itself."""
        server = await self.phoenix_server({"rooms:*": self.room})
        console = self.run_program("-c", _NO_HANGUP, server.url)
        await console.see("connected to")
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        left = server.when_left("rooms:a")
        console.hang_up()
        self.assertEqual(await console.ended, 0)
        self.assertEqual(getattr(await left, "reason", None), "left")

    async def test_terminal_stopped(self) -> None:
        """A signal ends it where the terminal takes nothing any more."""
        from twisted.internet import reactor

        server, console = await self.started()
        console.enter("join rooms:a")
        await console.see("ok rooms:a")
        left = server.when_left("rooms:a")
        window: Any = console.transport
        window.pauseProducing()
        server.broadcast("rooms:a", "long", "x" * (1 << 20))
        # It draws, and there is no room for all of that.
        await deferToThread(select.select, [window.fileno()], [], [], 60)
        console.signal("SIGTERM")
        left.addTimeout(30, cast(IReactorTime, reactor))
        room = await left
        window.resumeProducing()
        self.assertEqual(await console.ended, 0)
        self.assertEqual(getattr(room, "reason", None), "left")
        self.assertEqual(console.settings, console.settings_before)

    async def test_piped_output(self) -> None:
        """A person whose output goes through a pipe may mistype and go on."""
        server = await self.phoenix_server({"rooms:*": self.room})
        console = self.run_program("-c", _PIPED, server.url)
        await console.see("connected to")
        console.enter("psuh")
        await console.see("txphoenix: error: line 1: there is no command 'psuh'")
        console.enter("join rooms:a")
        await console.see("ok {}")
        console.type("\x04")
        self.assertEqual(await console.ended, 1)
        self.assertEqual(console.settings, console.settings_before)

    async def test_suspended(self) -> None:
        """Ctrl-Z gives the terminal back to the shell, and ``fg`` brings the line."""
        server = await self.phoenix_server({"rooms:*": self.room})
        shell = self.run_program("-c", _SHELL, PS1="shell$ ")
        await shell.see_line("shell$")
        shell.enter(f"{sys.executable} -m txphoenix console {server.url}")
        await shell.see_bottom(" connected | no topic |")
        shell.type("half a li")
        await shell.see_line("> half a li")
        shell.type("\x1a")
        await shell.see("Stopped")
        await shell.see_line("shell$")
        shell.enter("fg")
        await shell.see_line("> half a li")
        await shell.see_bottom(" connected | no topic |")
        shell.type("ne\x03\x04")
        await shell.see("> half a line^C")
        await shell.see_line("shell$")
        shell.enter("exit")
        self.assertEqual(await shell.ended, 0)

    if not os.path.exists("/bin/bash"):
        test_suspended.skip = "there is no bash"  # type: ignore[attr-defined]
