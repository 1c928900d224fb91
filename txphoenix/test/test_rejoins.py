"""Tests of :mod:`txphoenix.channels.rejoins`.

The delays from one failure to the next.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.rejoins import Rejoins
from txphoenix.runtime.deadlines import Deadlines


class FakeManager:
    """Each delay is a second longer than the one before."""

    def __init__(self, clock: Clock) -> None:
        self.deadlines = Deadlines(clock)

    def rejoin_delay(self, attempt: int, error: object = None) -> float:
        """Tell it by the number of the attempt."""
        return attempt + 1.0


class RejoinsTests(SynchronousTestCase):
    """One channel's rejoins."""

    def setUp(self) -> None:
        """Have none planned."""
        self.clock = Clock()
        manager: Any = FakeManager(self.clock)
        self.rejoins = Rejoins(manager)
        self.done: list[float] = []

    def rejoin(self) -> None:
        """Join again."""
        self.done.append(self.clock.seconds())

    def test_planned(self) -> None:
        """One that is planned is done after its delay, once."""
        self.rejoins.plan(2.0, self.rejoin)
        self.assertTrue(self.rejoins.is_planned)
        self.clock.advance(1.9)
        self.assertEqual(self.done, [])
        self.clock.advance(0.1)
        self.assertEqual(self.done, [2.0])
        self.assertFalse(self.rejoins.is_planned)
        self.clock.advance(9.0)
        self.assertEqual(self.done, [2.0])

    def test_cancelled(self) -> None:
        """One that is cancelled is not done; to cancel none is no error."""
        self.rejoins.cancel()
        self.rejoins.plan(2.0, self.rejoin)
        self.rejoins.cancel()
        self.rejoins.cancel()
        self.assertFalse(self.rejoins.is_planned)
        self.clock.advance(9.0)
        self.assertEqual(self.done, [])

    def test_delays(self) -> None:
        """Each failure in a row makes the next delay that of another attempt."""
        self.assertEqual([self.rejoins.next_delay() for _ in range(3)], [1.0, 2.0, 3.0])

    def joined_for(self, seconds: float) -> float:
        """Be joined for some time after two failures.

        :return: the delay after it.
        """
        for _ in range(2):
            self.rejoins.next_delay()
        self.rejoins.joined()
        self.clock.advance(seconds)
        self.rejoins.interrupted()
        return self.rejoins.next_delay()

    def test_lasted(self) -> None:
        """A join that has lasted begins the delays anew."""
        self.assertEqual(self.joined_for(10.0), 1.0)

    def test_not_lasted(self) -> None:
        """One that has not goes on with them."""
        self.assertEqual(self.joined_for(9.9), 3.0)

    def test_interrupted_before_it_is_joined(self) -> None:
        """An interruption of a join that was never there changes nothing."""
        self.rejoins.next_delay()
        self.clock.advance(60.0)
        self.rejoins.interrupted()
        self.assertEqual(self.rejoins.next_delay(), 2.0)
