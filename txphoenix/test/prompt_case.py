"""A console at a pseudo-terminal: what its tests share."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import TestCase

from txphoenix.test.cli_program import Room
from txphoenix.test.extra import why_skipped
from txphoenix.testing import PhoenixServer, ServerChannel
from txphoenix.testing.cases import PhoenixMixin

__all__ = ["NOT_THERE", "PromptCase", "TerminalProgram"]

NOT_THERE = why_skipped("prompt_toolkit") or why_skipped("pyte")
"""Why it cannot be tested here."""

if os.name != "posix":
    NOT_THERE = "there are no pseudo-terminals"

if NOT_THERE is None:
    from txphoenix.test.terminal_program import TerminalProgram, run_at_terminal


class PromptCase(PhoenixMixin, TestCase):
    """A console in a process of its own, and a server in this one.

    :ivar room: the server's class for all topics that begin with ``rooms:``.
    :ivar state: the directory where programs keep their state.
    :ivar size: the rows and columns of the terminals.
    """

    timeout = 120
    skip = NOT_THERE
    room: type[ServerChannel] = Room
    size = (40, 100)

    def setUp(self) -> None:
        """Have a state of our own."""
        self.state = Path(self.mktemp()).absolute()

    def start(self, url: str, *options: str, **environment: str) -> TerminalProgram:
        """Start a console."""
        return self.run_program(
            "-m", "txphoenix", "console", url, *options, **environment
        )

    def run_program(self, *arguments: str, **environment: str) -> TerminalProgram:
        """Run Python at the terminal."""
        environ = {"XDG_STATE_HOME": os.fspath(self.state), **environment}
        return run_at_terminal(self, *arguments, size=self.size, environment=environ)

    async def started(
        self, *options: str, **environment: str
    ) -> tuple[PhoenixServer, TerminalProgram]:
        """A console that is connected to a server."""
        server = await self.phoenix_server({"rooms:*": self.room})
        console = self.start(server.url, *options, **environment)
        await console.see(f"connected to {server.url}")
        await console.see_line(">")
        return server, console

    async def leave(self, console: TerminalProgram) -> None:
        """Leave by Ctrl-D; then the terminal is as it was."""
        await console.see_line(">")
        console.type("\x04")
        self.assertEqual(await console.ended, 0)
        self.assert_restored(console)

    def assert_restored(self, console: TerminalProgram) -> None:
        """The terminal is as it was, and the cursor at the beginning of the rest."""
        self.assertEqual(console.settings, console.settings_before)
        self.assertEqual(console.screen.cursor.x, 0)
        self.assertFalse(console.screen.cursor.hidden)
        below = console.screen.display[console.screen.cursor.y :]
        self.assertEqual("".join(below).strip(), "")
        # Pasted text is as typed text again.
        self.assertGreater(
            console.raw.rfind(b"\x1b[?2004l"), console.raw.rfind(b"\x1b[?2004h")
        )
