"""The program: :mod:`txphoenix.cli`."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, Logger
from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix import telemetry
from txphoenix.cli import program as cli
from txphoenix.cli.demo import run_demo
from txphoenix.cli.output import BROKEN_PIPE, FAILED, OK, USAGE, CommandError, Terminal
from txphoenix.errors import ConfigurationError, NotConnected
from txphoenix.test.cli_program import ROOT, Stream

COMMANDS = ("demo", "serve", "listen", "push", "console")


class ParserTests(SynchronousTestCase):
    """The command line."""

    def setUp(self) -> None:
        """Catch what the parser prints."""
        self.out, self.err = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", self.out)
        self.patch(sys, "stderr", self.err)

    def parse(self, *arguments: str) -> Namespace:
        """Read a command line."""
        return cli.make_parser("txphoenix").parse_args(arguments)

    def exit_code(self, *arguments: str) -> object:
        """Read a command line that ends the program."""
        return self.assertRaises(SystemExit, self.parse, *arguments).code

    def test_defaults(self) -> None:
        """Each command has its defaults."""
        self.assertEqual(self.parse("demo").timeout, 20.0)
        serve = self.parse("serve")
        self.assertEqual((serve.host, serve.port), ("127.0.0.1", 4000))
        listen = self.parse("listen", "ws://localhost/socket", "a", "b")
        self.assertEqual((listen.topic, listen.count), (["a", "b"], None))
        self.assertTrue(listen.reconnect)
        push = self.parse("push", "ws://localhost/socket", "a", "b", "{}")
        self.assertEqual((push.payload, push.no_reply), ({}, False))
        console = self.parse("console", "ws://localhost/socket")
        self.assertEqual((console.vsn, console.verbose), ("2.0.0", False))

    def test_options_after_arguments(self) -> None:
        """Options may come anywhere."""
        push = self.parse("push", "ws://h/s", "a", "b", "null", "--timeout", "1")
        self.assertEqual((push.timeout, push.payload), (1.0, None))

    def test_errors(self) -> None:
        """What is wrong is one line, that says where there is help."""
        for arguments, said in (
            (["nonsense"], "invalid choice: 'nonsense'"),
            (["push", "ws://h/s", "a", "b"], "JSON"),
            (["push", "ws://h/s", "a", "b", "{"], "argument JSON: expected JSON: "),
            (["listen", "ws://h/s"], "TOPIC"),
            (["listen", "ws://h/s", "a", "--count", "0"], "--count"),
            (["serve", "--port", "70000"], "--port"),
            (["serve", "--nonsense"], "--nonsense"),
            (["serve", "--\x1b[2J\nx"], r"--\x1b[2J\nx"),
            (["push", "u", "a", "b", "1", "--token", "x", "--token-env", "Y"], "token"),
        ):
            self.err.truncate(0)
            self.err.seek(0)
            self.assertEqual(self.exit_code(*arguments), USAGE)
            (line,) = self.err.getvalue().splitlines()
            self.assertTrue(line.startswith("txphoenix: error: "), line)
            self.assertIn(said, line)
            self.assertIn("--help", line)

    def test_secrets_are_not_shown(self) -> None:
        """What is wrong does not show what may be a secret, and shows the rest."""
        secret = "Qz7kWx9LmP"
        url = f"wss://me:{secret}?x@host/socket"
        listen = ("listen", "ws://h/s", "a")
        for arguments, said in (
            ((f"wss://me:{secret}@host/socket",), "wss://[redacted]@host/socket"),
            ((*listen, "--tokne", secret), "--tokne [redacted]"),
            ((*listen, f"--tokne={secret}"), "--tokne=[redacted]"),
            ((*listen, "-t", secret), "-t [redacted]"),
            ((*listen, f"--tok={secret}"), "ambiguous option: --tok"),
            ((*listen, "--timeout", url), "--timeout: expected a number"),
            ((*listen, "--count", url), "--count: expected a whole number"),
            ((*listen, "--vsn", url), "--vsn: invalid choice"),
            ((*listen, f"--vsn={url}\n"), "--vsn: invalid choice"),
            ((*listen, f"--exact-url={url}"), "--exact-url"),
            (("serve", "--port", url), "--port: expected a port"),
            (("serve", url, "more"), "unrecognized arguments: [redacted] more"),
        ):
            self.err.truncate(0)
            self.err.seek(0)
            self.assertEqual(self.exit_code(*arguments), USAGE)
            self.assertNotIn(secret, self.err.getvalue())
            self.assertIn(said, self.err.getvalue())

    def test_version(self) -> None:
        """``--version`` prints the version."""
        self.assertEqual(self.exit_code("--version"), OK)
        self.assertEqual(self.out.getvalue(), f"{txphoenix.__version__}\n")

    def test_help(self) -> None:
        """Each command explains itself, in no more than 80 columns, with examples."""
        self.patch(os, "environ", {**os.environ, "COLUMNS": "80"})
        for command in ("", *COMMANDS):
            self.out.truncate(0)
            self.out.seek(0)
            self.assertEqual(self.exit_code(*command.split(), "--help"), OK)
            text = self.out.getvalue()
            long = [line for line in text.splitlines() if len(line) > 80]
            self.assertEqual(long, [], command)
            if command not in ("demo", "serve"):
                self.assertIn("txphoenix", text.split("options:")[-1], command)


def options_of(parser: argparse.ArgumentParser) -> dict[str, set[str]]:
    """The long options of each command."""
    (commands,) = [
        action
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return {
        name: {
            option
            for action in command._actions
            for option in action.option_strings
            if option.startswith("--") and option != "--help"
        }
        for name, command in commands.choices.items()
    }


class DocumentTests(SynchronousTestCase):
    """``docs/commands.rst``."""

    path = ROOT / "docs" / "commands.rst"
    skip = None if path.exists() else "installed without its documents"

    def test_options(self) -> None:
        """Each command and each of its options is described, and no others are."""
        text = self.path.read_text("utf-8")
        described: dict[str, set[str]] = {}
        for section in re.split(r"^\.\. _command-", text, flags=re.MULTILINE)[1:]:
            name = section.partition(":")[0]
            described[name] = set(re.findall(r"^``(--[a-z-]+)", section, re.MULTILINE))
        common = described.pop("options")
        expected = options_of(cli.make_parser("txphoenix"))
        self.assertEqual(tuple(expected), COMMANDS)
        for name, options in expected.items():
            clients = common if "--param" in options else {"--verbose"}
            self.assertEqual(described[name] | clients, options, name)

    def test_exit_codes(self) -> None:
        """The exit codes are described."""
        text = self.path.read_text("utf-8")
        for code in (OK, FAILED, USAGE):
            self.assertRegex(text, rf"(?m)^{code}$|\* - {code}")


class ExecuteTests(SynchronousTestCase):
    """Exit codes."""

    def execute(self, outcome: Exception | int) -> tuple[int, str]:
        """Run a command that has this outcome; the exit code and standard error."""

        async def run(*_arguments: object) -> int:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        err = Stream()
        terminal = Terminal(io.StringIO(), Stream(), err)
        clock = Clock()
        running = Deferred.fromCoroutine(
            cli.execute(clock, Namespace(run=run), terminal)
        )
        self.assertNoResult(running)
        clock.advance(0)
        if not isinstance(outcome, AssertionError):
            return self.successResultOf(running), err.output.text
        self.failureResultOf(running, AssertionError)
        return FAILED, err.output.text

    def test_codes(self) -> None:
        """What went wrong is one line, and its kind is the exit code."""
        for outcome, expected in (
            (0, (OK, "")),
            (3, (3, "")),
            (CommandError("a"), (FAILED, "txphoenix: error: a\n")),
            (CommandError("a\nb", USAGE), (USAGE, "txphoenix: error: a\\nb\n")),
            (ConfigurationError("a"), (USAGE, "txphoenix: error: a\n")),
            (NotConnected("a"), (FAILED, "txphoenix: error: a\n")),
            (CancelledError(), (FAILED, "txphoenix: error: interrupted\n")),
        ):
            self.assertEqual(self.execute(outcome), expected)

    def test_fault(self) -> None:
        """A fault of our own is not made into a line: its traceback is wanted."""
        self.assertEqual(self.execute(AssertionError("a")), (FAILED, ""))


class Triggers(MemoryReactorClock):
    """A reactor that keeps what is to be done before it stops."""

    def __init__(self) -> None:
        super().__init__()
        self.before_stop: list[Any] = []

    def addSystemEventTrigger(self, *arguments: Any, **options: Any) -> None:
        """Keep it."""
        self.before_stop.append(arguments)


class RunTests(SynchronousTestCase):
    """How a command runs in the reactor."""

    def setUp(self) -> None:
        """Replace what reaches out of the test."""
        self.reactor = Triggers()
        self.patch(cli, "take_signals", lambda *_: None)
        self.terminal = Terminal(io.StringIO(), Stream(), Stream())

    def run_command(self, run: Any) -> Deferred[None]:
        """Begin a command."""
        running = cli._run(self.reactor, Namespace(run=run), self.terminal)
        self.reactor.advance(0)
        return running

    def stop(self) -> Any:
        """Stop the reactor, as a signal does."""
        ((phase, event, interrupt),) = self.reactor.before_stop
        self.assertEqual((phase, event), ("before", "shutdown"))
        return interrupt()

    def test_codes(self) -> None:
        """An exit code other than 0 leaves as ``SystemExit``, which react takes."""

        async def run(code: int) -> int:
            return code

        self.successResultOf(self.run_command(lambda *_: run(0)))
        failure = self.failureResultOf(self.run_command(lambda *_: run(2)), SystemExit)
        self.assertEqual(failure.value.code, 2)

    def test_stop_after_end(self) -> None:
        """A command that has ended is not interrupted when the reactor stops."""

        async def run(*_arguments: object) -> int:
            return OK

        self.successResultOf(self.run_command(run))
        self.assertIsNone(self.stop())

    def test_interrupt(self) -> None:
        """A signal interrupts the command, and the reactor waits for its end."""
        farewell: Deferred[None] = Deferred()

        async def run(*_arguments: object) -> int:
            try:
                await Deferred()
            except CancelledError:
                await farewell
            return OK

        running = self.run_command(run)
        waiting = self.stop()
        self.assertNoResult(running)
        self.assertNoResult(waiting)
        farewell.callback(None)
        self.successResultOf(waiting)
        self.successResultOf(running)


class MainTests(SynchronousTestCase):
    """The program as a whole, but for its reactor."""

    def setUp(self) -> None:
        """Replace the streams, the log and the reactor."""
        self.out, self.err = Stream(), Stream()
        self.patch(sys, "stdin", io.StringIO())
        self.patch(sys, "stdout", self.out)
        self.patch(sys, "stderr", self.err)
        self.patch(cli, "globalLogBeginner", self)
        self.patch(cli, "react", self.react)
        self.observers: list[ILogObserver] = []
        self.ran: list[Any] = []
        self.outcome: BaseException = SystemExit(0)

    def beginLoggingTo(self, observers: list[ILogObserver], **_options: object) -> None:
        """Take the observers."""
        self.observers = observers

    def react(self, *arguments: Any) -> None:
        """Run nothing, but end so."""
        self.ran.append(arguments)
        raise self.outcome

    def main(self, *arguments: str) -> object:
        """Run the program; its exit code."""
        return self.assertRaises(SystemExit, cli.main, arguments).code

    def test_command(self) -> None:
        """A command runs in the reactor, and its exit code is the program's."""
        self.outcome = SystemExit(7)
        self.assertEqual(self.main("demo"), 7)
        ((run, (args, _terminal)),) = self.ran
        self.assertIs(run, cli._run)
        self.assertIs(args.run, run_demo)

    def test_no_command(self) -> None:
        """Without a command there is help."""
        self.assertEqual(self.main(), USAGE)
        self.assertIn("demo", self.err.output.text)
        self.assertEqual(self.ran, [])

    def test_early_interrupt(self) -> None:
        """Ctrl-C before the reactor runs is no traceback either."""
        self.outcome = KeyboardInterrupt()
        self.assertEqual(self.main("demo"), FAILED)
        self.assertEqual(self.err.output.text, "txphoenix: error: interrupted\n")

    def test_interrupt_of_standard_input(self) -> None:
        """Ctrl-C while a payload is read is no traceback, and works at all."""

        class Waiting(io.StringIO):
            def read(self, size: int | None = -1) -> str:
                raise KeyboardInterrupt

        self.patch(sys, "stdin", Waiting())
        self.assertEqual(self.main("push", "ws://h/s", "a", "b", "-"), FAILED)
        self.assertEqual(self.err.output.text, "txphoenix: error: interrupted\n")

    def test_no_streams(self) -> None:
        """A program that was started without streams runs all the same."""
        for name in ("stdin", "stdout", "stderr"):
            self.patch(sys, name, None)
        self.assertEqual(self.main("demo"), 0)
        ((_, (_, terminal)),) = self.ran
        terminal.write("nobody reads this")
        self.assertEqual(terminal.stdin.read(), "")

    def test_program_name(self) -> None:
        """Help calls the program as the user did."""
        self.assertEqual(cli._prog("/bin/txphoenix"), "txphoenix")
        self.assertEqual(cli._prog("/x/__main__.py"), "python -m txphoenix")

    def logged(self, namespace: str) -> str:
        """Log at every level; what of it the user sees."""
        (observer,) = self.observers
        log = Logger(namespace, observer=observer)
        for level in ("debug", "info", "warn", "error"):
            getattr(log, level)(f"at {level}")
        try:
            raise RuntimeError("a fault")
        except RuntimeError:
            log.failure("it raised")
        return self.err.output.text

    def test_log(self) -> None:
        """Warnings of ours are a line, faults a traceback, and the rest is silence."""
        self.main("demo")
        text = self.logged("txphoenix.client")
        warning, error, *fault = text.splitlines()
        self.assertEqual(warning, "txphoenix: warn: at warn")
        self.assertEqual(error, "txphoenix: error: at error")
        self.assertIn("it raised", fault[0])
        self.assertIn("RuntimeError: a fault", "".join(fault))
        self.assertEqual(telemetry.list_handlers(), [])

    def test_log_of_outages(self) -> None:
        """An outage is told by the command, and by the log no second time."""
        self.main("demo")
        (observer,) = self.observers
        log = Logger("txphoenix.client", observer=observer)
        log.warn("{client}: lost", client="chat")
        self.assertEqual(self.err.output.text, "")
        log.error("{client}: wrong", client="chat")
        self.assertEqual(self.err.output.text, "txphoenix: error: chat: wrong\n")

    def test_log_of_others(self) -> None:
        """What others warn of is none of the user's business."""
        self.main("demo")
        lines = self.logged("autobahn.websocket").splitlines()
        # A traceback may hold any line of this test; a log line ends with what it says.
        self.assertEqual([line for line in lines if line.endswith("at error")], [])

    def test_verbose(self) -> None:
        """With ``--verbose`` everything is logged, each event of telemetry included."""
        self.addCleanup(telemetry.detach_debug_handler)
        self.main("demo", "--verbose")
        text = self.logged("anyone")
        for level in ("debug", "info", "warn", "error"):
            self.assertIn(f"at {level}\n", text)
        self.assertNotEqual(telemetry.list_handlers(), [])

    def test_broken_pipe(self) -> None:
        """What could not be written is thrown away, so that Python does not try."""
        path = Path(self.mktemp())
        with path.open("wb") as file:
            descriptor = file.fileno()

            class Broken(Stream):
                def flush(self) -> None:
                    raise BrokenPipeError

                def fileno(self) -> int:
                    return descriptor

            self.patch(sys, "stdout", Broken())
            self.assertEqual(self.main("demo"), BROKEN_PIPE)
            os.write(descriptor, b"lost")
        self.assertEqual(path.read_bytes(), b"")
