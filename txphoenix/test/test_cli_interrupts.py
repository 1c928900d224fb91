"""What ends a command from outside: signals, and a reader that takes nothing.

:mod:`txphoenix.cli.interrupts` and :mod:`txphoenix.cli.writing`.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from twisted.internet.testing import MemoryReactorClock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from txphoenix.cli.interrupts import SIGNALS, take_signals
from txphoenix.cli.output import Terminal
from txphoenix.cli.writing import Writer
from txphoenix.test.cli_program import ROOT, Room, Stream
from txphoenix.testing.cases import PhoenixMixin

# More than a pipe holds.
LONG = "x" * (1 << 20)

NOT_POSIX = None if os.name == "posix" else "there are no such pipes and signals"


class Threaded(MemoryReactorClock):
    """A reactor that is told at once."""

    def callFromThread(self, function: Any, *arguments: Any) -> None:
        """Call it."""
        function(*arguments)


class SignalTests(SynchronousTestCase):
    """What each signal does."""

    def setUp(self) -> None:
        """Have signals of our own."""
        self.set: dict[int, Any] = {signal.SIGINT: signal.default_int_handler}
        self.patch(signal, "signal", self.set.__setitem__)
        self.patch(signal, "getsignal", lambda each: self.set.get(each, 0))
        self.reactor = Threaded()
        # An older Twisted's says from the beginning that it has stopped.
        self.reactor.running, self.reactor.hasStopped = True, False
        self.terminal = Terminal(io.StringIO(), Stream(), Stream(), {})

    def known(self) -> list[int]:
        """Those that this system has."""
        return [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]

    def test_first_and_second(self) -> None:
        """The first stops the reactor, and the next of any kind ends the process."""
        for each in self.known():
            self.reactor.running, self.reactor.hasStopped = True, False
            take_signals(self.reactor, self.terminal)
            self.set[each](each, None)
            self.assertTrue(self.reactor.hasStopped, each)
            self.assertEqual(self.set, dict.fromkeys(self.known(), signal.SIG_DFL))

    def test_ignored(self) -> None:
        """What is ignored stays ignored, as under ``nohup``."""
        last = self.known()[-1]
        self.set[last] = signal.SIG_IGN
        take_signals(self.reactor, self.terminal)
        self.assertEqual(self.set[last], signal.SIG_IGN)

    def test_stopped_already(self) -> None:
        """A signal that comes when all is done stops nothing twice."""
        take_signals(self.reactor, self.terminal)
        self.reactor.running = False
        self.set[signal.SIGINT](signal.SIGINT, None)
        self.assertFalse(self.reactor.hasStopped)


class WriterTests(SynchronousTestCase):
    """How text gets into a pipe or a file."""

    skip = NOT_POSIX

    def setUp(self) -> None:
        """Make a pipe."""
        self.reader, descriptor = os.pipe()
        self.addCleanup(os.close, self.reader)
        self.stream = os.fdopen(descriptor, "w", encoding="ascii")
        self.addCleanup(self.stream.close)
        self.writer = Writer(self.stream)

    def test_waits(self) -> None:
        """It waits for a slow reader until all is taken, blocking or not."""
        for is_blocking in (True, False):
            os.set_blocking(self.stream.fileno(), is_blocking)
            taken: list[bytes] = []

            def read(taken: list[bytes] = taken) -> None:
                while sum(map(len, taken)) < len(LONG):
                    taken.append(os.read(self.reader, 10_000))

            thread = threading.Thread(target=read)
            thread.start()
            self.writer.write(LONG)
            thread.join()
            self.assertEqual(b"".join(taken), LONG.encode())

    def test_hurried(self) -> None:
        """Hurried, it throws away what is not taken, and all that comes after that."""
        self.writer.write("a")
        self.writer.hurry()
        self.writer.write("b")
        self.assertEqual(os.read(self.reader, 10), b"ab")
        self.writer.write(LONG)
        held = os.read(self.reader, len(LONG))
        self.assertLess(len(held), len(LONG))
        self.writer.write("c")
        os.set_blocking(self.reader, False)
        self.assertRaises(BlockingIOError, os.read, self.reader, 10)

    def test_hurried_at_terminal(self) -> None:
        """Hurried, it does not wait for a terminal that has stopped, as by Ctrl-S.

        The terminal itself stays as it is: a shell shares it.
        """
        for text in (LONG, "\n" * len(LONG)):
            screen, descriptor = os.openpty()
            with os.fdopen(descriptor, "w") as stream:
                writer = Writer(stream)
                writer.hurry()
                thread = threading.Thread(target=writer.write, args=(text,))
                thread.start()
                thread.join(30)
                is_held_up = thread.is_alive()
                self.assertTrue(os.get_blocking(descriptor))
                # That ends it in any case.
                os.close(screen)
                thread.join()
            self.assertFalse(is_held_up, text[:1])

    def test_characters(self) -> None:
        """What the stream has no characters for is escaped."""
        self.writer.write("\u00e9\ud800\n")
        self.assertEqual(os.read(self.reader, 100), b"\\xe9\\ud800\n")

    def test_order(self) -> None:
        """What the stream itself has kept goes first."""
        self.stream.write("a")
        self.writer.write("b")
        self.assertEqual(os.read(self.reader, 10), b"ab")

    def test_finish(self) -> None:
        """In the end what the stream has kept is written, or else is gone."""
        self.stream.write("a")
        self.writer.finish()
        self.assertEqual(os.read(self.reader, 10), b"a")
        path = Path(self.mktemp())
        path.touch()
        with path.open() as unwritable:
            self.stream.write("b")
            saved = os.dup(self.stream.fileno())
            os.dup2(unwritable.fileno(), self.stream.fileno())
            self.assertRaises(OSError, self.writer.finish)
            # It does not come again when the stream is closed.
            self.stream.flush()
            os.dup2(saved, self.stream.fileno())
            os.close(saved)

    def test_without_a_file(self) -> None:
        """A stream in memory is written to as it is."""
        stream = Stream()
        writer = Writer(stream)
        writer.write("a")
        writer.finish()
        self.assertEqual(stream.output.text, "a")


class HeldUpTests(PhoenixMixin, TestCase):
    """A program whose reader takes nothing."""

    timeout = 120
    skip = NOT_POSIX

    async def test_signals(self) -> None:
        """It can be ended by a signal all the same, in good order."""
        reader, full = os.pipe()
        self.addCleanup(os.close, reader)
        self.addCleanup(os.close, full)
        os.set_blocking(full, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(full, LONG.encode())
        os.set_blocking(full, True)
        server = await self.phoenix_server({"rooms:*": Room})
        run = [sys.executable, "-m", "txphoenix"]
        for command, script, code in (
            (["listen", server.url, "rooms:a"], b"", 0),
            (["console", server.url], b"join rooms:a\n", 1),
        ):
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                with Popen(
                    [*run, *command],
                    stdin=PIPE,
                    stdout=full,
                    stderr=PIPE,
                    env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
                ) as program:
                    self.addCleanup(program.kill)
                    assert program.stdin is not None
                    program.stdin.write(script)
                    program.stdin.flush()
                    assert program.stderr is not None
                    while b"joined" not in await deferToThread(program.stderr.readline):
                        self.assertIsNone(program.poll())
                    left = server.when_left("rooms:a")
                    server.broadcast("rooms:a", "n", "x")
                    program.send_signal(signal.Signals[name])
                    ended = await deferToThread(program.wait, 60)
                    self.assertEqual(ended, code, (command, name))
                    reason = getattr(await left, "reason", None)
                    self.assertEqual(reason, "left", (command, name))
