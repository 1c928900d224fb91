"""A process that a test has started: what it prints, and its end.

Whoever waits for something waits for a line, or for the end, and never for a time.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

__all__ = ["LONGEST", "Ended", "Program", "wait"]

LONGEST = 180.0
"""The seconds after which a wait is given up: many times what a slow machine takes."""

STOPPING = 30.0
"""The seconds that a process gets to end after a SIGTERM."""

KEPT = 4000
"""The lines that are kept of each process."""

TOLD = 40
"""The lines that are told of one that has not done what was awaited."""

LOG = "log"
"""The name of the file that has all that a process has printed."""

IN_A_GROUP = "import os, sys; os.setpgid(0, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes a process the first of a group, so that all that it starts can be ended too."""


class Ended(Exception):
    """A process has ended, and what was awaited has not come; it has the last lines."""


async def wait(
    deferred: Deferred[Any],
    reactor: Any,
    what: str,
    state: Callable[[], object] = str,
) -> Any:
    """Wait for something, and say what it was if it does not come.

    :param what: what is awaited.
    :param state: says how things are, if it does not.
    :raises TimeoutError: it has not come after :data:`LONGEST` seconds.
    """
    try:
        return await deferred.addTimeout(LONGEST, reactor)
    except TimeoutError:
        raise TimeoutError(f"in vain for {what}; {state()}") from None


class Program(ProcessProtocol):
    """A process, the first of a group of its own.

    :param name: what errors call it.
    :param command: the program, as an absolute path, and its arguments.
    :param changes: what its environment has other than ours.
    :param folder: where it runs, and what it prints is kept, in ``log``.
    :ivar lines: what it has printed, the last of it.
    """

    def __init__(
        self,
        reactor: Any,
        name: str,
        command: Sequence[str],
        folder: Path,
        changes: Mapping[str, str],
    ) -> None:
        self.name = name
        self.lines: deque[str] = deque(maxlen=KEPT)
        self._reactor: Any = reactor
        self._command = command
        self._folder = folder
        self._changes = changes
        self._rests = {1: b"", 2: b""}
        self._waiting: list[tuple[Callable[[str], bool], Deferred[str]]] = []
        self._ended: Deferred[None] | None = None
        self._is_over = False
        self._trigger: Any = None
        self.pid = 0

    def start(self) -> Program:
        """Start it."""
        spawning: IReactorProcess = self._reactor
        process = spawning.spawnProcess(
            self,
            sys.executable,
            [sys.executable, "-c", IN_A_GROUP, *self._command],
            env={**os.environ, **self._changes},
            path=str(self._folder),
        )
        self.pid = process.pid or 0
        self._log = (self._folder / LOG).open("ab")
        # Nothing of it outlives us, even if we are told to end in the middle of a wait.
        self._trigger = self._reactor.addSystemEventTrigger(
            "before", "shutdown", self._kill_at_shutdown
        )
        return self

    def _kill_at_shutdown(self) -> None:
        self._trigger = None
        self.kill()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._is_over

    # What it prints.

    async def said(self, text: str, after: int = 0) -> str:
        """Wait for a line that has the text, or take the first that had it.

        :param after: how many lines that have it are let pass before.
        :raises Ended: the process has ended first.
        """
        had = [line for line in self.lines if text in line]
        if len(had) > after:
            return had[after]
        passed = len(had)

        def fits(line: str) -> bool:
            nonlocal passed
            passed += text in line
            return passed > after and text in line

        line: str = await self._wait_for(fits, repr(text))
        return line

    def count(self, text: str) -> int:
        """How many lines have the text by now."""
        return sum(text in line for line in self.lines)

    async def _wait_for(self, fits: Callable[[str], bool], what: str) -> Any:
        if self._is_over:
            raise self._told(f"has ended without {what}")
        deferred: Deferred[str] = Deferred()
        entry = (fits, deferred)
        self._waiting.append(entry)
        try:
            return await wait(
                deferred, self._reactor, f"{what} of {self.name}", self._tail
            )
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Make lines of what it prints."""
        self._log.write(data)
        *lines, self._rests[childFD] = (self._rests[childFD] + data).split(b"\n")
        for line in lines:
            self._line(line.decode("utf-8", "replace").rstrip())

    def _line(self, line: str) -> None:
        self.lines.append(line)
        for entry in list(self._waiting):
            fits, deferred = entry
            if fits(line) and entry in self._waiting:
                self._waiting.remove(entry)
                deferred.callback(line)

    # Its end.

    async def ended(self) -> None:
        """Wait until it has ended by itself."""
        if not self._is_over:
            self._ended = Deferred()
            await wait(self._ended, self._reactor, f"the end of {self.name}")

    async def stop(self) -> None:
        """End it and all that it has started: with SIGTERM, or else with SIGKILL."""
        self.signal(signal.SIGTERM)
        if not self._is_over:
            self._ended = Deferred()
            clock: IReactorTime = self._reactor
            kill = clock.callLater(STOPPING, self.kill)
            await self._ended
            if kill.active():
                kill.cancel()
        self.kill()

    def kill(self) -> None:
        """End what is left of its group with SIGKILL."""
        if self.pid:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def signal(self, number: int) -> None:
        """Send the first process a signal; nothing happens if it has ended."""
        if self.transport is not None:
            try:
                self.transport.signalProcess(signal.Signals(number).name[3:])
            except ProcessExitedAlready:
                return

    def processEnded(self, reason: Failure) -> None:
        """Nobody waits for a line in vain."""
        self._log.close()
        if self._trigger is not None:
            self._reactor.removeSystemEventTrigger(self._trigger)
        self._is_over = True
        waiting, self._waiting = self._waiting, []
        for _, deferred in waiting:
            deferred.errback(self._told(f"has ended: {reason.getErrorMessage()}"))
        ended, self._ended = self._ended, None
        if ended is not None:
            ended.callback(None)

    def _told(self, what: str) -> Ended:
        return Ended(f"{self.name} {what}\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(list(self.lines)[-TOLD:])
