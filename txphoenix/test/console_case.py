"""A console of lines, in this process: what its tests share."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from txphoenix.cli.console import run_console
from txphoenix.cli.console_lines import LineConsole
from txphoenix.cli.output import OK, Terminal
from txphoenix.cli.program import make_parser
from txphoenix.test.cli_program import CommandTestCase, Output, Room, Stream
from txphoenix.testing import PhoenixServer, ServerChannel

__all__ = ["WRONG", "ConsoleCase"]

# What shows that the lines before it are done.
NEXT = b"help ping\n"
SAID = "ping\nSends a heartbeat, and prints how long the server's answer took.\n"

WRONG = (
    ("nonsense", "there is no command 'nonsense'; help lists them"),
    ("/nonsense", "there is no command 'nonsense'; help lists them"),
    ("help nonsense", "there is no command 'nonsense'; help lists them"),
    ("join", "expected: join TOPIC [JSON]"),
    ("push rooms:a", "expected: push [--no-reply] TOPIC EVENT [JSON]"),
    ("push --no rooms:a e", "push has no option --no; expected: push [--no-reply]"),
    ("leave", "expected: leave TOPIC"),
    ("leave rooms:a now", "expected: leave TOPIC"),
    ("push rooms:a e {", "expected JSON: Expecting property name enclosed in"),
    ("push rooms:a e [1,,2]", "expected JSON: Expecting value at column 19"),
    ("push rooms:a e NaN", "expected JSON: NaN is no number of JSON"),
    ("push rooms:a e " + "[" * 200_000, "expected JSON: nested too deeply"),
)
"""Lines that are no calls of a command, and what is said of them."""


class Screen(StringTransport):
    """A terminal that shows what is written.

    :ivar output: what was written.
    :ivar out: the standard output that it is of the console started last.
    """

    out: Stream

    def __init__(self) -> None:
        super().__init__()
        self.output = Output()
        self.console: LineConsole | None = None

    def stream(self, is_terminal: bool) -> Stream:
        """A standard output that is shown here."""
        self.out = Stream(is_terminal=is_terminal)
        self.out.output = self.output
        return self.out

    def typed(self, line: str) -> None:
        """Type a line, or have it in a file."""
        if self.console is not None:
            self.console.dataReceived(f"{line}\n".encode())

    def loseConnection(self) -> None:
        """Tell the console that it is gone."""
        self.disconnecting = True
        console, self.console = self.console, None
        if console is not None:
            console.connectionLost(Failure(ConnectionDone()))


class ConsoleCase(CommandTestCase):
    """A console in this process, and a screen for it."""

    room: type[ServerChannel] = Room

    def setUp(self) -> None:
        """Make the terminal."""
        super().setUp()
        self.screen = Screen()
        self.opened: Deferred[LineConsole] = Deferred()

    @contextmanager
    def connect_to(self, console: LineConsole) -> Iterator[None]:
        """Connect a console to the screen."""
        self.screen.console = console
        self.screen.disconnecting = False
        console.makeConnection(self.screen)
        opened, self.opened = self.opened, Deferred()
        opened.callback(console)
        yield

    def start(
        self, url: str, is_terminal: bool = False, *options: str, **environ: str
    ) -> Deferred[int]:
        """Start a console; its exit code."""
        from twisted.internet import reactor

        stream = self.screen.stream(is_terminal)
        terminal = Terminal(stream, stream, self.err, environ)
        args: Namespace = make_parser("txphoenix").parse_args(
            ["console", url, *options]
        )
        return Deferred.fromCoroutine(
            run_console(
                reactor,
                args,
                terminal,
                self.connect_to,
            )
        )

    async def started(
        self, is_terminal: bool = False, *options: str, **environ: str
    ) -> tuple[Deferred[int], PhoenixServer, LineConsole]:
        """A console that is connected to a server."""
        server = await self.phoenix_server({"rooms:*": self.room})
        opened = self.opened
        running = self.start(server.url, is_terminal, *options, **environ)
        console = await opened
        if is_terminal:
            await self.screen.output.wait_for("connected to")
        return running, server, console

    async def say(self, text: str) -> str:
        """Type a line; what is printed until the next one would be read."""
        console = self.screen.console
        assert console is not None
        before = len(self.screen.output.text)
        count = self.screen.output.text.count(SAID)
        console.dataReceived(f"{text}\n".encode() + NEXT)
        await self.screen.output.wait_for(SAID, count + 1)
        said = self.screen.output.text[before:]
        return said[: said.rindex(SAID)].replace("\r\x1b[K", "").replace("> ", "")

    async def quit(self, running: Deferred[int]) -> None:
        """Leave it in good order."""
        self.screen.typed("quit")
        self.assertEqual(await running, OK)
