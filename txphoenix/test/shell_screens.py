"""Shells on pseudo-terminals, played as a page shows them: what is typed, what is seen.

A piece of a page is the screen of one shell, from where the piece before it has ended::

    $ echo what is typed to the shell
    what is seen
    ...
    > what is typed to the program that runs
    ^C

A line ``...`` stands for any number of lines; ``^C`` is the key.
Nothing else may be on the screen, but for times, counts of seconds and attempts, and
how many spaces there are.
The key is pressed as soon as what is shown before it is seen: what would have come a
moment later is not missed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProcessTransport, IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

__all__ = ["BASH", "Screen", "ScreenDiffers", "pattern_of", "start_screen"]

BASH = "/bin/bash"

# What no program prints.
_PROMPT = "<prompt> "
_INTERRUPT = "^C"
_ANY_LINES = r"(?:[^\n]*\n)*?"
# The shell ends the line of the key, unless the program has seen to its end itself.
_LINE_ENDS = r"\n?"
_PATIENCE = 60.0
# The key does not throw away what is printed in that moment.
# The shell has no editor of its own for the line: the terminal shows what is typed.
_BEGIN = f"stty noflsh; PS1='{_PROMPT}' exec {BASH} --noprofile --norc --noediting -i"
# What people have set for shells of their own, of which a page knows nothing.
_OF_OTHERS = ("BASH", "HIST", "LC_", "PROMPT_", "PS0", "SHELLOPTS", "TMOUT")
# A terminal that can clear a line, a language that each system has, and no file in
# which the shell keeps what was typed: that is not what the person here has typed.
_OURS = {"TERM": "vt100", "LC_ALL": "C", "HISTFILE": ""}
# What is another each time: as it is on the page, and as it may be on the screen.
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"
_VARYING = {
    _TIME: _TIME,
    r"\b[\d.]+ ?s\b": r"[\d.e-]+ ?s",
    r"\battempts: \d+": r"attempts: \d+",
    r" +": r" +",
}


class ScreenDiffers(AssertionError):
    """A screen is not what the page shows."""


def pattern_of(line: str) -> str:
    """What a line of a screen has to match in full, for a line of the page."""
    pattern, at = "", 0
    for match in re.finditer("|".join(f"({it})" for it in _VARYING), line):
        assert match.lastindex is not None
        pattern += re.escape(line[at : match.start()])
        pattern += list(_VARYING.values())[match.lastindex - 1]
        at = match.end()
    return pattern + re.escape(line[at:])


class Screen(ProcessProtocol):
    """A shell on a terminal.

    :ivar ended: a Deferred of None that fires when the shell is gone.
    """

    transport: IProcessTransport

    def __init__(self) -> None:
        self._raw = b""
        self._seen = 0
        # What is to be on the screen before anything else is.
        self._pattern = ""
        self._changed: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()

    @property
    def text(self) -> str:
        """What is on the screen below what was seen of it."""
        text = self._raw.decode("utf-8", "replace").replace("\r\n", "\n")
        # A page has no colours.
        text = re.sub(r"\x1b\[[\d;]*m", "", text)
        # Where a program goes back to the line's beginning, and clears it.
        return re.sub(r"[^\n]*\r\x1b\[K", "", text)[self._seen :]

    def outReceived(self, data: bytes) -> None:
        """Take what is printed, and what is typed."""
        self._raw += data
        changed, self._changed = self._changed, Deferred()
        changed.callback(None)

    def processEnded(self, reason: Failure) -> None:
        """Take note that the shell is gone."""
        self.ended.callback(None)
        self.outReceived(b"")

    async def play(self, piece: str) -> None:
        """Type what a piece of a page has typed, and see what it shows.

        :raises ScreenDiffers: there is something else to be seen, or nothing for long.
        """
        for line in piece.splitlines():
            if line == "...":
                self._pattern += _ANY_LINES
            elif line == _INTERRUPT:
                await self._interrupt()
            elif line.startswith(("$ ", "> ")):
                await self._type(_PROMPT if line[0] == "$" else "> ", line[2:])
            else:
                self._pattern += f"{pattern_of(line)}\n"
        await self._see_lines()

    async def finish(self) -> None:
        """See that there is nothing below but the shell's prompt."""
        await self._see(re.escape(_PROMPT) + r"\Z")

    async def _type(self, prompt: str, line: str) -> None:
        await self._see(re.escape(prompt) + r"\Z")
        self._write(line.encode() + b"\n")
        await self._see(re.escape(f"{line}\n"))

    async def _interrupt(self) -> None:
        await self._see_lines()
        self._write(b"\x03")
        await self._see(re.escape(_INTERRUPT))
        self._pattern = _LINE_ENDS

    async def _see_lines(self) -> None:
        """See what is shown; what is left out at its end may yet come."""
        shown = self._pattern.removesuffix(_ANY_LINES)
        if shown not in ("", _LINE_ENDS):
            left_out, self._pattern = self._pattern[len(shown) :], shown
            await self._see("")
            self._pattern = left_out

    def _write(self, data: bytes) -> None:
        cast(Any, self.transport).write(data)

    async def _see(self, more: str) -> None:
        """Wait until what has to come first has come, and then more."""
        from twisted.internet import reactor

        pattern, self._pattern = self._pattern + more, ""
        patience = cast(Any, reactor).callLater(_PATIENCE, self.outReceived, b"")
        while not (match := re.match(pattern, self.text)):
            # At its prompt a shell has no more to say.
            if (
                self.text.endswith(_PROMPT)
                or self.ended.called
                or not patience.active()
            ):
                break
            await self._changed
        if patience.active():
            patience.cancel()
        if match is None:
            raise ScreenDiffers(f"expected {pattern}, and seen is {self.text!r}")
        self._seen += match.end()


def start_screen(case: TestCase, folder: Path, env: Mapping[str, str]) -> Screen:
    """Start a shell in a folder; it is ended with the test, and what runs in it."""
    from twisted.internet import reactor

    screen = Screen()
    cast(IReactorProcess, reactor).spawnProcess(
        screen,
        BASH,
        [BASH, "-c", _BEGIN],
        env={
            **{it: env[it] for it in env if not it.startswith(_OF_OTHERS)},
            **_OURS,
        },
        path=os.fspath(folder),
        usePTY=True,
    )

    def end() -> Deferred[None] | None:
        if screen.ended.called:
            return None
        # The terminal goes with the shell, and tells what runs there of it.
        screen.transport.signalProcess("KILL")
        return screen.ended

    case.addCleanup(end)
    return screen
