"""Doing something until it succeeds, and whenever it may have become necessary."""

from __future__ import annotations

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.wamp.repeating import Repeating


class RepeatingTests(SynchronousTestCase):
    """One run at a time."""

    def setUp(self) -> None:
        """Have runs that end when they are told to."""
        self.clock = Clock()
        self.runs: list[Deferred[None]] = []

    def make(self, every: float | None = None) -> Repeating:
        """Something to do, with a backoff of 1, 2, ... seconds."""

        async def run() -> None:
            self.runs.append(Deferred())
            await self.runs[-1]

        return Repeating(self.clock, run, lambda failures: failures + 1.0, every)

    def test_once_more(self) -> None:
        """Who asks while it runs has it run once more, however often that was."""
        repeating = self.make()
        for _ in range(3):
            repeating.ask()
        self.assertEqual(len(self.runs), 1)
        self.runs[0].callback(None)
        self.assertEqual(len(self.runs), 2)
        self.runs[1].callback(None)
        self.assertEqual(len(self.runs), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_backoff(self) -> None:
        """What fails is done again, later each time until it succeeds."""
        repeating = self.make()
        repeating.ask()
        for delay in (1.0, 2.0):
            self.runs[-1].errback(ApplicationError("no"))
            count = len(self.runs)
            self.clock.advance(delay - 0.1)
            self.assertEqual(len(self.runs), count)
            self.clock.advance(0.1)
            self.assertEqual(len(self.runs), count + 1)
        self.runs[-1].callback(None)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        repeating.ask()
        self.runs[-1].errback(ApplicationError("no"))
        self.clock.advance(1.0)
        self.assertEqual(len(self.runs), 5)

    def test_every(self) -> None:
        """It is done by itself from time to time, counted from when it was done."""
        repeating = self.make(every=10)
        repeating.ask()
        self.runs[-1].callback(None)
        self.clock.advance(6)
        repeating.ask()
        self.runs[-1].callback(None)
        self.clock.advance(6)
        self.assertEqual(len(self.runs), 2)
        self.clock.advance(4)
        self.assertEqual(len(self.runs), 3)

    def test_stop(self) -> None:
        """Once stopped it does nothing more, and leaves nothing with the reactor."""
        repeating = self.make(every=10)
        repeating.ask()
        repeating.ask()
        repeating.stop()
        self.runs[-1].errback(ApplicationError("no"))
        repeating.ask()
        self.assertEqual(len(self.runs), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop_waiting(self) -> None:
        """Stopped between two runs it does not wait for the next."""
        repeating = self.make(every=10)
        repeating.ask()
        self.runs[-1].callback(None)
        repeating.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bug(self) -> None:
        """An error that is none of WAMP's is a fault: it is logged, and tried again."""
        repeating = self.make()
        repeating.ask()
        self.runs[-1].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.clock.advance(1.0)
        self.assertEqual(len(self.runs), 2)
