"""The command ``console`` with commands from a file or a pipe."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from textwrap import dedent

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from txphoenix.cli.console_lines import MOST_WAITING
from txphoenix.cli.output import FAILED, OK, CommandError, OutputClosed
from txphoenix.test.cli_program import ROOT, Room
from txphoenix.test.console_case import WRONG, ConsoleCase
from txphoenix.testing import ChatRoom, Reply, ServerChannel, ok
from txphoenix.testing.cases import PhoenixMixin

DOCS = ROOT / "docs"


class ScriptTests(ConsoleCase):
    """What becomes of it, line by line."""

    async def script(self, text: str, *options: str) -> tuple[int, str, list[str]]:
        """Run a script; its exit code, what it printed, and its errors."""
        errors = len(self.err.output.text)
        printed = len(self.screen.output.text)
        running, _, console = await self.started(False, *options)
        console.dataReceived(text.encode("utf-8", "surrogateescape"))
        console.readConnectionLost()
        code = await running
        notes = self.err.output.text[errors:].splitlines()
        told = [line for line in notes if " error: " in line]
        return code, self.screen.output.text[printed:], told

    async def test_all_is_well(self) -> None:
        """It exits with 0 if all commands have done what they are for."""
        text = "# a comment\n\njoin rooms:a\r\npush rooms:a e 1\nleave rooms:a"
        self.assertEqual(
            await self.script(text), (OK, "ok {}\nok 1\nrooms:a left\n", [])
        )

    async def test_wrong_lines(self) -> None:
        """What is no call of a command ends it: exit code 1, which line, and why."""
        for line, said in WRONG:
            text = f"join rooms:a\n{line}\npush rooms:a e 1\n"
            code, printed, errors = await self.script(text)
            self.assertEqual(code, FAILED, line)
            self.assertEqual(printed, "ok {}\nrooms:a left\n", line)
            self.assertEqual(len(errors), 1, line)
            self.assertIn(f"txphoenix: error: line 2: {said}", errors[0])

    async def test_what_fails(self) -> None:
        """So does what the server refuses, or does not answer, or is not joined to."""
        for line, said in (
            ("join nowhere", "join of 'nowhere' refused: 'unmatched topic'"),
            ("join phoenix", "a topic must not be 'phoenix'"),
            ("push rooms:b e", "rooms:b is not joined"),
            ("push rooms:a refuse", "push of 'refuse' to 'rooms:a' answered"),
            ("push rooms:a silence", "push of 'silence' to 'rooms:a'"),
        ):
            text = f"\njoin rooms:a\n{line}\nping"
            code, printed, errors = await self.script(text, "--timeout", "0.5")
            self.assertEqual((code, len(errors)), (FAILED, 1), line)
            self.assertIn(f"txphoenix: error: line 3: {said}", errors[0])
            self.assertNotIn(" ms", printed)

    async def test_no_text(self) -> None:
        """A line that is not UTF-8 is no command, whatever would be made of it."""
        code, _, errors = await self.script('join rooms:a\npush rooms:a e "\udcff"\n')
        self.assertEqual(code, FAILED)
        self.assertEqual(
            errors, ["txphoenix: error: line 2: it is not UTF-8 at byte 17"]
        )

    async def test_too_long(self) -> None:
        """Neither is a line of more than a megabyte, ended or not."""
        for end in ("", "\nping\n"):
            text = f'ping\npush rooms:a e "{"x" * (1 << 20)}"{end}'
            code, printed, errors = await self.script(text, "--keep-going")
            self.assertEqual(code, FAILED)
            self.assertEqual(
                errors, ["txphoenix: error: line 2: it is longer than 1048576 bytes"]
            )
            self.assertEqual(printed.count(" ms"), 1)

    async def test_mark(self) -> None:
        """A byte order mark at the beginning of a script is no part of its command."""
        text = "\ufeffjoin rooms:a\r\n"
        self.assertEqual(await self.script(text), (OK, "ok {}\nrooms:a left\n", []))
        code, _, errors = await self.script(f"\n{text}")
        self.assertEqual(code, FAILED)
        self.assertIn("line 2: there is no command '\\ufeffjoin'", errors[0])

    def slow_room(self) -> tuple[Deferred[None], Deferred[Reply]]:
        """Have a push be answered late: when it has come, and what answers it."""
        asked: Deferred[None] = Deferred()
        answer: Deferred[Reply] = Deferred()

        class SlowRoom(Room):
            def handle_in(self, event: str, payload: object) -> Deferred[Reply]:
                asked.callback(None)
                return answer

        self.room = SlowRoom
        return asked, answer

    async def test_without_end(self) -> None:
        """No more is read of a script than can wait, and then the rest of it."""
        asked, answer = self.slow_room()
        running, _, console = await self.started()
        console.dataReceived(b"join rooms:a\npush rooms:a e\n")
        await asked
        console.dataReceived(b"\n" * MOST_WAITING)
        self.assertEqual(self.screen.producerState, "producing")
        console.dataReceived(b"#\n" * MOST_WAITING)
        self.assertEqual(self.screen.producerState, "paused")
        resumed: Deferred[None] = Deferred()
        self.patch(self.screen, "resumeProducing", lambda: resumed.callback(None))
        answer.callback(ok("here"))
        await resumed
        console.dataReceived(b"quit\n")
        self.assertEqual(await running, OK)

    async def test_nobody_reads(self) -> None:
        """Once nobody reads what it prints it ends, and has not done what it says."""
        running, _, console = await self.started()
        await self.say("join rooms:a")
        self.patch(self.screen, "loseConnection", lambda: None)
        console.writeConnectionLost()
        with self.assertRaises(OutputClosed):
            await running

    async def test_cut_short(self) -> None:
        """Nor is it said of a command under way that it has failed for that."""
        asked, _ = self.slow_room()
        running, _, console = await self.started()
        console.dataReceived(b"join rooms:a\npush rooms:a e\n")
        await asked
        self.patch(self.screen, "loseConnection", lambda: None)
        console.writeConnectionLost()
        with self.assertRaises(OutputClosed):
            await running
        self.assertNotIn(" error: ", self.err.output.text)

    async def test_cannot_write(self) -> None:
        """Once what it prints cannot be written it ends, whatever is left to do."""
        for error, expected in (
            (OSError(28, "No space left on device"), CommandError),
            (BrokenPipeError(32, "Broken pipe"), OutputClosed),
        ):
            for options in ((), ("--keep-going",)):
                running, server, console = await self.started(False, *options)
                left = server.when_left("rooms:a")
                self.screen.out.error = error
                console.dataReceived(b"join rooms:a\njoin rooms:b\n")
                with self.assertRaises(expected):
                    await running
                self.assertEqual(getattr(await left, "reason", None), "left")
                self.assertEqual(server.channels("rooms:b"), [])

    async def test_nothing_kept(self) -> None:
        """What is printed is not kept for who does not read: it is written at once."""
        running, _, console = await self.started()
        await self.say("join rooms:a")
        console.show("x" * 100_000)
        self.assertEqual(self.screen.value(), b"")
        self.assertTrue(self.screen.output.text.endswith("x\n"))
        await self.quit(running)

    async def test_keep_going(self) -> None:
        """``--keep-going`` has the rest carried out, and the exit code is 1."""
        text = "nonsense\njoin rooms:a\npush rooms:a refuse\npush rooms:a e 1\nquit"
        code, printed, errors = await self.script(text, "--keep-going")
        self.assertEqual((code, printed), (FAILED, "ok {}\nok 1\nrooms:a left\n"))
        lines = [error.split(":")[2] for error in errors]
        self.assertEqual(lines, [" line 1", " line 3"])

    async def test_end_waits(self) -> None:
        """At its end it waits for the reply to the last push."""
        asked, answer = self.slow_room()
        running, _, console = await self.started()
        console.dataReceived(b"join rooms:a\npush rooms:a e")
        console.readConnectionLost()
        await asked
        self.assertFalse(running.called)
        self.assertEqual(self.screen.output.text, "ok {}\n")
        answer.callback(ok("here"))
        self.assertEqual(await running, OK)
        self.assertEqual(self.screen.output.text, 'ok {}\nok "here"\nrooms:a left\n')

    async def test_interrupted(self) -> None:
        """One that is cut short by a signal has not done what it says."""
        running, *_ = await self.started()
        await self.say("join rooms:a")
        running.cancel()
        with self.assertRaises(CancelledError):
            await running
        self.assertTrue(self.screen.output.text.endswith("rooms:a left\n"))

    async def test_interrupted_before_connection(self) -> None:
        """Commands from a file wait for the connection; that can be interrupted."""
        server = await self.phoenix_server({"rooms:*": Room})
        server.refuse(503)
        running = self.start(server.url)
        await self.err.output.wait_for("HTTP 503")
        running.cancel()
        with self.assertRaises(CancelledError):
            await running


class ShellTests(PhoenixMixin, TestCase):
    """The same from a shell."""

    timeout = 120
    skip = None if os.path.exists("/bin/sh") else "there is no shell"

    room: type[ServerChannel] = Room

    async def shell(self, command: str, script: str) -> tuple[str, str, int]:
        """Run a shell's command, in which ``$RUN`` runs the console."""
        server = await self.phoenix_server({"rooms:*": self.room})
        file = Path(self.mktemp())
        file.write_text(script, "utf-8")
        run = shlex.join([sys.executable, "-m", "txphoenix", "console", server.url])
        out, err, code = await getProcessOutputAndValue(
            "/bin/sh",
            ["-c", command],
            {
                **os.environ,
                "PYTHONPATH": os.fspath(ROOT),
                "RUN": run,
                "FILE": os.fspath(file.absolute()),
            },
        )
        return out.decode(), err.decode(), code

    async def test_ways(self) -> None:
        """From a file and through a pipe, its exit code tells whether all went well."""
        good = "join rooms:a\npush rooms:a e 1\n"
        for command in ('$RUN < "$FILE"', 'cat "$FILE" | $RUN'):
            out, err, code = await self.shell(command, good)
            self.assertEqual((out, code), ("ok {}\nok 1\nrooms:a left\n", 0), err)
            out, err, code = await self.shell(command, f"{good}psuh\nping\n")
            self.assertEqual((out, code), ("ok {}\nok 1\nrooms:a left\n", 1), err)
            *_, last = err.splitlines()
            self.assertEqual(
                last,
                "txphoenix: error: line 3: there is no command 'psuh'; help lists them",
            )
            self.assertNotIn("pip install", out + err)

    async def test_document(self) -> None:
        """The session in the documents is what comes of its script."""
        page = (DOCS / "commands.rst").read_text("utf-8")
        _, rest = page.split("   $ cat commands.txt\n")
        block = dedent(rest.split("\n\n")[0])
        script, _, told = block.partition("$ txphoenix console ws://localhost")
        shown, _, code = told.partition("$ echo $?\n")
        self.room = ChatRoom
        out, err, ended = await self.shell('$RUN < "$FILE"', script)
        self.assertEqual(ended, int(code))
        lines = shown.splitlines()[1:]
        notes = [line for line in lines if line.startswith("txphoenix: ")]
        self.assertEqual(
            re.sub(r"ws://[^/]*/", "ws://localhost:4000/", err).splitlines(), notes
        )
        self.assertEqual(
            out.splitlines(), [line for line in lines if line not in notes]
        )

    if not DOCS.exists():
        test_document.skip = (  # type: ignore[attr-defined]
            "installed without its documents"
        )
