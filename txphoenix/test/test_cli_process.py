"""The program in a process of its own, with real signals and pipes."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from txphoenix.cli.output import BROKEN_PIPE
from txphoenix.test.cli_program import ROOT, Program, Room, start_program
from txphoenix.testing import PhoenixServer
from txphoenix.testing.cases import PhoenixMixin

# A demonstration in which the server says ok to everything.
_SABOTAGED = """
from txphoenix.cli import demo, main
from txphoenix.testing import ok
demo.DemoRoom.handle_in = lambda self, event, payload: ok()
main(["demo"])
"""

# A command that takes its time when it is interrupted.
_SLOW_FAREWELL = """
from twisted.internet.defer import CancelledError, Deferred
from txphoenix.cli import program

async def run(reactor, args, terminal):
    terminal.write("running")
    try:
        await Deferred()
    except CancelledError:
        terminal.write("interrupted")
        await Deferred()

program.run_serve = run
program.main(["serve"])
"""

NO_SPACE = "cannot write the output: No space left on device"


class ProcessTests(PhoenixMixin, TestCase):
    """What a shell sees of it."""

    timeout = 120

    def start(self, *arguments: str) -> Program:
        """Start the program."""
        return start_program(self, "-m", "txphoenix", *arguments)

    async def listening(self) -> tuple[PhoenixServer, Program]:
        """A server, and the program that listens at it."""
        server = await self.phoenix_server({"rooms:*": Room})
        program = self.start("listen", server.url, "rooms:a")
        await server.when_joined("rooms:a")
        await program.err.wait_for("joined rooms:a")
        return server, program

    async def test_demo(self) -> None:
        """The demonstration works, and says nothing on standard error."""
        program = self.start("demo")
        self.assertEqual(await program.ended, 0)
        self.assertEqual(program.err.text, "")
        self.assertIn("steps have worked", program.out.text)

    async def test_demo_fails(self) -> None:
        """If one of its steps fails, so does the demonstration."""
        program = start_program(self, "-c", _SABOTAGED)
        self.assertEqual(await program.ended, 1)
        (line,) = program.err.text.splitlines()
        self.assertIn("(Ann pushes nonsense, and gets the error) failed", line)

    async def test_serve_and_push(self) -> None:
        """A person serves, and pushes as they are told to; a signal ends it."""
        for signal in ("INT", "TERM"):
            server = self.start("serve", "--port", "0")
            await server.out.wait_for("Ctrl-C stops it.")
            (url,) = {it for it in server.out.text.split() if it.startswith("ws://")}
            push = self.start("push", url, "echo:a", "e", '{"a": "é"}')
            self.assertEqual(await push.ended, 0)
            self.assertEqual(push.out.text, '{"a": "é"}\n')
            server.interrupt(signal)
            self.assertEqual(await server.ended, 0)
            self.assertEqual(server.err.text + push.err.text, "")

    async def test_listen(self) -> None:
        """Messages come at once; a signal leaves in good order, with exit code 0."""
        for signal in ("INT", "TERM"):
            server, program = await self.listening()
            server.broadcast("rooms:a", "new_msg", {"body": "hi"})
            await program.out.wait_for("\n")
            self.assertEqual(json.loads(program.out.text)["payload"], {"body": "hi"})
            left = server.when_left("rooms:a")
            program.interrupt(signal)
            self.assertEqual(await program.ended, 0)
            self.assertEqual(getattr(await left, "reason", None), "left")

    async def test_closed_pipe(self) -> None:
        """It ends in good order when nobody reads it any more, as before ``head``."""
        server, program = await self.listening()
        program.transport.closeChildFD(1)
        server.broadcast("rooms:a", "new_msg", {})
        self.assertEqual(await program.ended, BROKEN_PIPE)
        self.assertEqual(
            program.err.text,
            f"txphoenix: connected to {server.url}\ntxphoenix: joined rooms:a\n",
        )

    async def test_full_disk(self) -> None:
        """What cannot be written is one line and exit code 1, whatever was asked for.

        That is so for what argparse prints as well.
        """
        server = await self.phoenix_server({"rooms:*": Room})
        script = f"{self.mktemp()}"
        Path(script).write_text("join rooms:a\nping\n", "utf-8")
        for command in (
            "--version",
            "listen --help",
            "demo",
            "serve --port 0",
            f"push {server.url} rooms:a e 1",
            f"console {server.url} < {script}",
            f"console --keep-going {server.url} < {script}",
        ):
            code, err = await self.shell(f"$RUN {command} > /dev/full")
            (line,) = [it for it in err.splitlines() if "joined" not in it][-1:]
            self.assertEqual(line, f"txphoenix: error: {NO_SPACE}", command)
            self.assertEqual((code, err.count("error")), (1, 1), command)

    async def test_full_disk_unbuffered(self) -> None:
        """So it is where Python keeps nothing, and each write tells of its own."""
        for command in ("--version", "--help", "listen --help"):
            run = f"PYTHONUNBUFFERED=1 $RUN {command} > /dev/full"
            self.assertEqual(
                await self.shell(run), (1, f"txphoenix: error: {NO_SPACE}\n"), command
            )

    async def test_full_disk_for_errors(self) -> None:
        """Where errors cannot be written, the exit code still tells of them."""
        server = await self.phoenix_server({"rooms:*": Room})
        for command, expected in (
            (f"push {server.url} rooms:a e 1", 0),
            (f"push {server.url} rooms:a refuse 1", 1),
            ("push", 2),
            ("", 2),
        ):
            code, _ = await self.shell(f"$RUN {command} 2> /dev/full")
            self.assertEqual(code, expected, command)

    async def shell(self, command: str) -> tuple[int, str]:
        """Run a shell's command, in which ``$RUN`` is the program; code and errors."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONUNBUFFERED"
        }
        run = shlex.join([sys.executable, "-m", "txphoenix"])
        _, err, code = await getProcessOutputAndValue(
            "/bin/sh",
            ["-c", command],
            {**environ, "PYTHONPATH": os.fspath(ROOT), "RUN": run},
        )
        return code, err.decode()

    if not os.path.exists("/dev/full"):
        test_full_disk.skip = "there is no /dev/full"  # type: ignore[attr-defined]
        test_full_disk_unbuffered.skip = (  # type: ignore[attr-defined]
            "there is no /dev/full"
        )
        test_full_disk_for_errors.skip = (  # type: ignore[attr-defined]
            "there is no /dev/full"
        )

    async def test_standard_input(self) -> None:
        """A payload is read from standard input."""
        server = await self.phoenix_server({"rooms:*": Room})
        program = self.start("push", server.url, "rooms:a", "e", "-")
        program.transport.writeToChild(0, '{"a": "é"}'.encode())
        program.transport.closeChildFD(0)
        self.assertEqual(await program.ended, 0)
        self.assertEqual(json.loads(program.out.text), {"a": "é"})

    async def test_console(self) -> None:
        """Commands come through a pipe, and so do their results."""
        server = await self.phoenix_server({"rooms:*": Room})
        program = self.start("console", server.url)
        program.transport.writeToChild(0, b"join rooms:a\npush rooms:a e 1")
        program.transport.closeChildFD(0)
        self.assertEqual(await program.ended, 0)
        self.assertEqual(program.out.text, "ok {}\nok 1\nrooms:a left\n")

    async def test_lines_after_quit(self) -> None:
        """What is behind ``quit`` is not carried out, and nothing is said of it."""
        server = await self.phoenix_server({"rooms:*": Room})
        program = self.start("console", server.url)
        program.transport.writeToChild(0, b"quit\npsuh\nping\n")
        self.assertEqual(await program.ended, 0)
        self.assertEqual(program.err.text, f"txphoenix: connected to {server.url}\n")
        self.assertEqual(program.out.text, "")

    async def test_errors(self) -> None:
        """An error is one line and an exit code, never a traceback."""
        server = await self.phoenix_server({"rooms:*": Room})
        await server.stop()
        for arguments, code, said in (
            ((), 2, ""),
            (("push", server.url, "a", "b", "{"), 2, "JSON"),
            (("push", "localhost", "a", "b", "{}"), 2, "url must begin with"),
            (("push", server.url, "a", "b", "{}"), 1, "cannot connect to"),
        ):
            program = self.start(*arguments)
            self.assertEqual(await program.ended, code)
            self.assertIn(said, program.err.text)
            self.assertNotIn("Traceback", program.err.text)
            self.assertEqual(program.out.text, "")
            if arguments:
                self.assertEqual(program.err.text.count("\n"), 1)

    async def test_second_interrupt(self) -> None:
        """Who interrupts it twice does not want to wait."""
        program = start_program(self, "-c", _SLOW_FAREWELL)
        await program.out.wait_for("running")
        program.interrupt()
        await program.out.wait_for("interrupted")
        program.interrupt()
        self.assertEqual(await program.ended, -2)

    async def test_verbose(self) -> None:
        """``--verbose`` logs each message, without what is in it."""
        server = await self.phoenix_server({"rooms:*": Room})
        program = self.start(
            "push", "--verbose", server.url, "rooms:a", "e", '{"a": "sesame"}'
        )
        self.assertEqual(await program.ended, 0)
        self.assertIn("message sent", program.err.text)
        self.assertNotIn("sesame", program.err.text)
