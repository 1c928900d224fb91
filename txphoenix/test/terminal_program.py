"""A program at a terminal: a pseudo-terminal, and the screen that a person would see.

A test types, and waits for what is on the screen.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

import pyte
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.interfaces import IProcessTransport, IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from .cli_program import ROOT

__all__ = ["TerminalProgram", "run_at_terminal"]

ROWS, COLUMNS = 40, 100

# After so many seconds it will not come, and the error has what is there instead.
_LONGEST = 60

# What would have a program look different here than in the test.
_UNWANTED = ("NO_COLOR", "COLUMNS", "LINES", "PYTHONUNBUFFERED", "XDG_STATE_HOME")


class Cleaning(Protocol):
    """What cleans up in the end, as a test case does."""

    def addCleanup(self, function: Callable[[], Any], /) -> Any:
        """Call the function in the end, the latest first."""


class TerminalProgram(ProcessProtocol):
    """A program, and what is on its terminal.

    :param master: the terminal's other side; it is copied.
    :param rows: those of the terminal.
    :param columns: those of the terminal.
    :ivar screen: pyte's screen.
    :ivar settings_before: the terminal's before the program ran.
    :ivar raw: all that the program has written.
    :ivar ended: a Deferred of the exit code, that of a signal as a negative number.
    """

    transport: IProcessTransport

    def __init__(self, master: int, rows: int, columns: int) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.raw = b""
        self.ended: Deferred[int] = Deferred()
        self._stream = pyte.ByteStream(self.screen)
        self._terminal = os.dup(master)
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []
        self.settings_before = self.settings

    # -- What a person does -------------------------------------------------------

    def type(self, text: str) -> None:
        """Type keys."""
        self.transport.write(text.encode())

    def enter(self, line: str) -> None:
        """Type a line."""
        self.type(f"{line}\r")

    def resize(self, rows: int, columns: int) -> None:
        """Have a window of another size."""
        self.screen.resize(rows, columns)
        set_size(self._terminal, rows, columns)
        self.signal("SIGWINCH")

    def hang_up(self) -> None:
        """Close the window: the program's terminal is gone."""
        self.close()
        self.transport.loseConnection()

    def signal(self, name: str) -> None:
        """Send the program a signal."""
        self.transport.signalProcess(signal.Signals[name])

    # -- What a person sees -------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without the empty ones at its end."""
        return (
            "\n".join(line.rstrip() for line in self.screen.display)
            .rstrip()
            .split("\n")
        )

    @property
    def line(self) -> str:
        """The line that the cursor is in."""
        return str(self.screen.display[self.screen.cursor.y]).rstrip()

    @property
    def bottom(self) -> str:
        """The last line of the screen that is not empty."""
        return self.lines[-1]

    @property
    def settings(self) -> list[object]:
        """The terminal's: whether it echoes, and the like."""
        return termios.tcgetattr(self._terminal)

    def wait(self, is_there: Callable[[], bool], what: str) -> Deferred[None]:
        """A Deferred that fires once something is on the screen.

        :param is_there: says whether it is.
        :param what: is in the error if it does not come.
        """

        def cancel(deferred: Deferred[None]) -> None:
            self._waiting.remove((is_there, deferred))
            deferred.errback(AssertionError(self._missing(what)))

        from twisted.internet import reactor

        deferred: Deferred[None] = Deferred(cancel)
        deferred.addTimeout(_LONGEST, cast(IReactorTime, reactor))
        self._waiting.append((is_there, deferred))
        self._look()
        return deferred

    def see(self, text: str) -> Deferred[None]:
        """A Deferred that fires once the text is on the screen."""
        return self.wait(lambda: text in "\n".join(self.lines), text)

    def see_line(self, text: str) -> Deferred[None]:
        """The same for the line that the cursor is in, as a whole."""
        return self.wait(lambda: self.line == text, text)

    def see_bottom(self, text: str) -> Deferred[None]:
        """The same for a part of the last line."""
        return self.wait(lambda: text in self.bottom, text)

    def see_width(self, columns: int) -> Deferred[None]:
        """The same for a last line that is drawn over so many columns."""

        def is_there() -> bool:
            row = self.screen.buffer[len(self.lines) - 1]
            return [x for x in row if row[x].reverse][-1:] == [columns - 1]

        return self.wait(is_there, f"a last line of {columns} columns")

    # -- What the process tells ---------------------------------------------------

    def outReceived(self, data: bytes) -> None:
        """Draw."""
        self.raw += data
        self._stream.feed(data)
        self._look()

    def processEnded(self, reason: Failure) -> None:
        """Tell the exit code."""
        value = cast("ProcessDone", reason.value)
        code = 0 if isinstance(value, ProcessDone) else value.exitCode
        for _, deferred in list(self._waiting):
            deferred.cancel()
        self.ended.callback(-value.signal if code is None else code)

    def close(self) -> None:
        """Let go of the terminal."""
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1

    def _look(self) -> None:
        for wait in list(self._waiting):
            is_there, deferred = wait
            if is_there():
                self._waiting.remove(wait)
                deferred.callback(None)

    def _missing(self, what: str) -> str:
        shown = "\n".join(self.lines)
        return f"{what!r} has not come; on the screen is\n{shown}\n(at {self.line!r})"


def set_size(descriptor: int, rows: int, columns: int) -> None:
    """Set the size of a terminal."""
    size = struct.pack("HHHH", rows, columns, 0, 0)
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, size)


def run_at_terminal(
    case: Cleaning,
    *arguments: str,
    size: tuple[int, int] = (ROWS, COLUMNS),
    environment: Mapping[str, str] | None = None,
) -> TerminalProgram:
    """Run Python with these arguments; what is left after the test is killed.

    :param size: the rows and columns of the terminal.
    :param environment: more variables; ``TERM`` is that of an xterm if it is not there.
    """
    from twisted.internet import reactor

    master, slave = pty.openpty()
    set_size(slave, *size)
    program = TerminalProgram(master, *size)
    case.addCleanup(program.close)
    inherited = {name: it for name, it in os.environ.items() if name not in _UNWANTED}
    cast(IReactorProcess, reactor).spawnProcess(
        program,
        sys.executable,
        [sys.executable, *arguments],
        env={
            **inherited,
            "TERM": "xterm-256color",
            "PYTHONPATH": os.fspath(ROOT),
            **(environment or {}),
        },
        # It closes the slave in this process.
        usePTY=(master, slave, os.ttyname(slave)),  # type: ignore[arg-type]
    )

    def end() -> Deferred[int] | None:
        if program.ended.called:
            return None
        program.signal("SIGKILL")
        return program.ended

    case.addCleanup(end)
    return program
