"""The console that reads lines: from a plain terminal, a pipe or a file.

Its commands are carried out one after another, so that a file of them does what it
says.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IHalfCloseableProtocol,
    IPushProducer,
    ITransport,
)
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from ..client.socket_client import SocketClient
from ..errors import PhoenixError
from ..legible import escaped
from .console_commands import Commands, WrongCall, read_call
from .ending import Ending
from .output import CommandError, OutputClosed, Terminal

__all__ = ["MOST_WAITING", "LineConsole", "standard_io"]

MOST_WAITING: Final = 1000
"""How many commands may wait; then no more are read until they are done."""


@contextmanager
def standard_io(console: LineConsole) -> Iterator[None]:
    """Connect a console to standard input and output."""
    # Copies, since Twisted closes in the end what it is given.
    both: Any = StandardIO(
        console,
        stdin=os.dup(0),  # type: ignore[call-arg]
        stdout=os.dup(1),
    )
    try:
        yield
    finally:
        # It has nothing to write, and would wait for a reader to take that.
        if not both.disconnected:
            both.connectionLost(Failure(ConnectionDone()))
        # Twisted needs them so, but the shell shares them with us.
        for descriptor in (0, 1, 2):
            with suppress(OSError):
                os.set_blocking(descriptor, True)


@implementer(IHalfCloseableProtocol)
class LineConsole(LineOnlyReceiver, Ending):
    """A user at a terminal, or a file of commands.

    With a person at it there is a prompt, and an error is a line as any other.
    Without, an error is told on standard error, with the number of its line, and ends
    the console.

    :param client: the client, started.
    :param terminal: says whether there is a person at it.
    :param keep_going: whether a file goes on after an error.
    :param greeting: what a person is told first.
    :ivar has_failed: whether a command of a file has failed.
    """

    delimiter = b"\n"
    MAX_LENGTH = 1 << 20
    # It is none before the connection and after the loss.
    transport: ITransport | None = None

    def __init__(
        self,
        client: SocketClient,
        terminal: Terminal,
        keep_going: bool = False,
        greeting: str = "help lists the commands",
    ) -> None:
        super().__init__()
        self.has_failed = False
        self._client = client
        self._terminal = terminal
        self._keep_going = keep_going
        self._greeting = greeting
        self._is_closing = False
        self._prompt = "> " if terminal.is_interactive else ""
        # What is typed on a dumb terminal stays, and what comes begins a new line.
        self._is_dumb = terminal.is_dumb
        self._is_behind_prompt = False
        self._is_unreadable = False
        self._commands = Commands(client, self, self.end)
        self._lines: deque[tuple[int, bytes]] = deque()
        self._line_count = 0
        self._is_working = False
        self._is_holding_back = False
        self._has_all_lines = False

    # -- What is printed ----------------------------------------------------------

    def show(self, text: str, kind: str = "note") -> None:
        """Print a line, and the prompt below it."""
        self.show_lines(escaped(text), kind)

    def show_lines(self, text: str, kind: str = "text") -> None:
        """Print lines, and the prompt below them."""
        prompt = "" if self._is_closing else self._prompt
        self._write(f"{self._clear()}{text}\n{prompt}")

    async def close(self) -> None:
        """Leave all topics."""
        # No command follows what is printed now.
        self._write(self._clear())
        self._is_closing = True
        for leave in [channel.leave() for channel in self._client.channels]:
            await leave

    def _clear(self) -> str:
        """What goes over the prompt, which then comes again below."""
        if self._is_closing or not self._prompt:
            return ""
        if not self._is_dumb:
            return "\r\x1b[K"
        return "\n" if self._is_behind_prompt else ""

    def _write(self, text: str) -> None:
        if self.transport is None or self._is_unreadable or not text:
            return
        self._is_behind_prompt = text.endswith("> ")
        try:
            self._terminal.write(text, end="")
        except (OutputClosed, CommandError) as error:
            self._lose_reader(error)

    def _lose_reader(self, error: OutputClosed | CommandError) -> None:
        self._is_unreadable = True
        if self._prompt:
            # The person has gone.
            self.end()
        else:
            self.fail(error)

    # -- What the terminal tells --------------------------------------------------

    def connectionMade(self) -> None:
        """Greet the user."""
        if self._prompt:
            self.show(self._greeting)

    def dataReceived(self, data: bytes) -> None:
        """Take what was read; ``quit`` may end the console in the midst of it."""
        *lines, self._buffer = (self._buffer + data).split(self.delimiter)
        for line in lines:
            if self.transport is None:
                return
            if len(line) > self.MAX_LENGTH:
                self.lineLengthExceeded(line)
                return
            self.lineReceived(line)
        if len(self._buffer) > self.MAX_LENGTH:
            self.lineLengthExceeded(self._buffer)

    def lineReceived(self, line: bytes) -> None:
        """Take a command; it waits until those before it are done."""
        if self._has_all_lines:
            return
        self._line_count += 1
        self._is_behind_prompt = False
        if self._line_count == 1 and not self._prompt:
            # Editors on Windows put it there.
            line = line.removeprefix(BOM_UTF8)
        self._lines.append((self._line_count, line))
        self._work()
        if len(self._lines) > MOST_WAITING and not self._is_holding_back:
            # What writes them may never end, and be faster than the server.
            self._is_holding_back = True
            cast(IPushProducer, self.transport).pauseProducing()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse what is too long for a command; nothing after it can be told apart."""
        self.lineReceived(line)
        self._has_all_lines = True
        self._work()

    def readConnectionLost(self) -> None:
        """Take note that there are no more commands."""
        if self._buffer:
            rest, self._buffer = self._buffer, b""
            self.lineReceived(rest)
        self._has_all_lines = True
        self._work()

    def writeConnectionLost(self) -> None:
        """End: nobody reads what is printed."""
        transport, self.transport = self.transport, None
        self._lose_reader(OutputClosed())
        if transport is not None:
            # Twisted's does not tell of its end once one half is gone.
            transport.loseConnection()

    def connectionLost(self, reason: Any = None) -> None:
        """End: the terminal is gone."""
        self.transport = None
        self.end()

    # -- The commands -------------------------------------------------------------

    def _work(self) -> None:
        if not self._is_working:
            self._is_working = True
            Deferred.fromCoroutine(self._carry_out_all()).addErrback(self.fail)

    async def _carry_out_all(self) -> None:
        while self._lines and not self.ended.called:
            number, line = self._lines.popleft()
            try:
                await self._carry_out(line)
            except (WrongCall, PhoenixError) as error:
                self._tell_error(number, error)
        self._is_working = False
        if self._is_holding_back and self.transport is not None:
            self._is_holding_back = False
            cast(IPushProducer, self.transport).resumeProducing()
        if self._has_all_lines:
            self.end()

    async def _carry_out(self, line: bytes) -> None:
        if len(line) > self.MAX_LENGTH:
            raise WrongCall(f"it is longer than {self.MAX_LENGTH} bytes")
        call = read_call(self._text_of(line).rstrip("\r"))
        if call is None:
            self._write(self._prompt)
        else:
            await self._commands.carry_out(call)

    def _text_of(self, line: bytes) -> str:
        """The text of a line, which is UTF-8, or of a person, by their terminal."""
        if self._prompt:
            with suppress(UnicodeDecodeError):
                return line.decode(self._terminal.stdin.encoding or "utf-8")
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WrongCall(f"it is not UTF-8 at byte {error.start + 1}") from None

    def _tell_error(self, number: int, error: Exception) -> None:
        if self._prompt:
            self.show(f"error: {error}", "error")
            return
        if self._is_unreadable:
            # It was cut short by that: who reads has gone, or has been told why.
            return
        self._terminal.fail(f"line {number}: {error}")
        self.has_failed = True
        if not self._keep_going:
            self.end()
