"""What the tests of the command line share.

A command runs in this process, with streams in memory, or in a process of its own; in
both cases a test waits for what it prints.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.interfaces import IProcessTransport, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

import txphoenix
from txphoenix.cli.output import Terminal
from txphoenix.cli.program import execute, make_parser
from txphoenix.testing import ServerChannel, error, ok
from txphoenix.testing.cases import PhoenixMixin

__all__ = [
    "CHECKED",
    "CommandTestCase",
    "Program",
    "Room",
    "Stream",
    "decoder_of_utf8",
    "start_program",
]

ROOT = Path(txphoenix.__file__).parent.parent

# Python's and asyncio's own checks, and each warning; but on Python 3.14 txaio, which
# Autobahn brings, calls what is deprecated there.
CHECKED = ("-X", "dev", "-W", "ignore::DeprecationWarning:txaio.tx")


decoder_of_utf8 = codecs.getincrementaldecoder("utf-8")


class Output:
    """Text that grows, and those who wait for a part of it."""

    def __init__(self) -> None:
        self.text = ""
        self._waiting: list[tuple[str, int, Deferred[None]]] = []

    def add(self, text: str) -> None:
        """Take more text."""
        self.text += text
        for wait in list(self._waiting):
            part, count, deferred = wait
            if self.text.count(part) >= count:
                self._waiting.remove(wait)
                deferred.callback(None)

    def wait_for(self, part: str, count: int = 1) -> Deferred[None]:
        """A Deferred that fires once ``part`` has come so many times."""
        deferred: Deferred[None] = Deferred()
        self._waiting.append((part, count, deferred))
        self.add("")
        return deferred

    def close(self, reason: str) -> None:
        """There will be no more: fail those who wait."""
        for wait in list(self._waiting):
            self._waiting.remove(wait)
            wait[2].errback(AssertionError(f"{wait[0]!r} has not come: {reason}"))


class Stream(io.StringIO):
    """A stream to write to.

    :param is_terminal: what :meth:`isatty` says.
    :param encoding: its encoding.
    :param error: what each write raises.
    """

    def __init__(
        self,
        is_terminal: bool = False,
        encoding: str = "utf-8",
        error: OSError | None = None,
    ) -> None:
        super().__init__()
        self.output = Output()
        self.error = error
        self._is_terminal = is_terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What it was made with."""
        return self._encoding

    def isatty(self) -> bool:
        """Whether it stands in for a terminal."""
        return self._is_terminal

    def write(self, text: str) -> int:
        """Take text, or raise."""
        if self.error is not None:
            raise self.error
        text.encode(self._encoding)
        self.output.add(text)
        return len(text)


class Room(ServerChannel):
    """A channel that does what a test may want of it.

    :ivar reason: why it has ended.
    :ivar events: what has come.
    """

    reason = ""
    events: tuple[str, ...] = ()

    def handle_in(self, event: str, payload: Any) -> Any:
        """Reply with the payload, but for some events."""
        self.events = (*self.events, event)
        if event == "refuse":
            return error({"reason": "not today"})
        if event == "close":
            self.stop()
        if event == "silence":
            return None
        return ok(payload)

    def terminate(self, reason: str) -> None:
        """Keep the reason."""
        self.reason = reason


class CommandTestCase(PhoenixMixin, TestCase):
    """A command in this process, and a server."""

    timeout = 120

    def setUp(self) -> None:
        """Make the streams."""
        self.out = Stream()
        self.err = Stream()
        self.environ: dict[str, str] = {}
        self.stdin = ""

    def command(self, *arguments: str) -> Deferred[int]:
        """Run a command.

        :return: a Deferred of the exit code; cancelling it is an interrupt.
        """
        from twisted.internet import reactor

        self.patch(sys, "stdin", io.StringIO(self.stdin))
        args = make_parser("txphoenix").parse_args(arguments)
        terminal = Terminal(sys.stdin, self.out, self.err, self.environ)
        return Deferred.fromCoroutine(execute(reactor, args, terminal))

    def assert_error(self, text: str) -> None:
        """Standard error ends with one line of an error, and this is in it."""
        last = self.err.output.text.splitlines()[-1]
        self.assertTrue(last.startswith("txphoenix: error: "), last)
        self.assertIn(text, last)
        self.assertEqual(self.err.output.text.count("error: "), 1)


class Program(ProcessProtocol):
    """A program in a process of its own."""

    transport: IProcessTransport

    def __init__(self) -> None:
        self.out = Output()
        self.err = Output()
        self.ended: Deferred[int] = Deferred()
        # A read may end within a character.
        self._decoded_out, self._decoded_err = decoder_of_utf8(), decoder_of_utf8()

    def outReceived(self, data: bytes) -> None:
        """Take what it prints."""
        self.out.add(self._decoded_out.decode(data))

    def errReceived(self, data: bytes) -> None:
        """Take what it prints on standard error."""
        self.err.add(self._decoded_err.decode(data))

    def processEnded(self, reason: Failure) -> None:
        """Tell the exit code, that of a signal as a negative number."""
        value = cast(Any, reason.value)
        code = 0 if isinstance(value, ProcessDone) else value.exitCode
        for output in (self.out, self.err):
            output.close(f"the program has ended, and said {self.err.text!r}")
        self.ended.callback(-value.signal if code is None else code)

    def interrupt(self, signal: str = "INT") -> None:
        """Send it a signal."""
        self.transport.signalProcess(signal)


def start_program(
    case: TestCase, *arguments: str, env: Mapping[str, str] | None = None
) -> Program:
    """Run Python with these arguments; what is left of it after the test is killed."""
    from twisted.internet import reactor

    program = Program()
    cast(IReactorProcess, reactor).spawnProcess(
        program,
        sys.executable,
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": os.fspath(ROOT), **(env or {})},
    )

    def end() -> Deferred[int] | None:
        if program.ended.called:
            return None
        program.interrupt("KILL")
        return program.ended

    case.addCleanup(end)
    return program
