"""Tests of :mod:`txphoenix.channels.rejoins`.

The delays from one failure to the next.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel_events import ChannelEvents
from txphoenix.channels.rejoins import Rejoins
from txphoenix.protocol.channel_states import Input
from txphoenix.runtime.deadlines import Deadlines

ERROR = LookupError("interrupted")


class FakeMembership:
    """Each delay is a second longer than the one before."""

    def __init__(self, clock: Clock) -> None:
        self.manager = self.connection = self.joins = self
        self.clock = clock
        self.deadlines = Deadlines(clock)
        self.events = ChannelEvents()
        self.channel = None
        self.is_open = True
        self.made_rejoins: Rejoins | None = None
        self.done: list[float] = []

    def rejoin_delay(self, attempt: int, error: object = None) -> float:
        """Tell it by the number of the attempt."""
        return attempt + 1.0

    def give(self, given: Input) -> None:
        """Join again."""
        assert given is Input.OPEN
        self.done.append(self.clock.seconds())


class RejoinsTests(SynchronousTestCase):
    """One channel's rejoins."""

    def setUp(self) -> None:
        """Have none planned."""
        self.clock = Clock()
        self.membership = FakeMembership(self.clock)
        self.done = self.membership.done
        self.rejoins = Rejoins(cast(Any, self.membership))
        self.membership.made_rejoins = self.rejoins

    def delay(self) -> float:
        """The delay of a rejoin that is planned, and cancelled."""
        self.rejoins.plan(ERROR)
        [call] = self.clock.getDelayedCalls()
        self.rejoins.cancel()
        return call.getTime() - self.clock.seconds()

    def test_planned(self) -> None:
        """One that is planned is done after its delay, once."""
        self.rejoins.plan(ERROR, 2.0)
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
        self.rejoins.plan(ERROR, 2.0)
        self.rejoins.cancel()
        self.rejoins.cancel()
        self.assertFalse(self.rejoins.is_planned)
        self.clock.advance(9.0)
        self.assertEqual(self.done, [])

    def test_closing(self) -> None:
        """One that is due on a connection that is closing is not done."""
        self.rejoins.plan(ERROR, 2.0)
        self.membership.is_open = False
        self.clock.advance(2.0)
        self.assertEqual(self.done, [])
        self.assertFalse(self.rejoins.is_planned)

    def test_ended(self) -> None:
        """None is planned without a connection, nor for a channel that has ended."""
        self.membership.is_open = False
        self.rejoins.plan(ERROR)
        self.membership.is_open, self.membership.made_rejoins = True, None
        self.rejoins.plan(ERROR)
        self.assertFalse(self.rejoins.is_planned)
        self.assertIsNone(self.membership.events.at_rest)

    def test_delays(self) -> None:
        """Each failure in a row makes the next delay that of another attempt."""
        self.assertEqual([self.delay() for _ in range(3)], [1.0, 2.0, 3.0])

    def joined_for(self, seconds: float) -> float:
        """Be joined for some time after two failures.

        :return: the delay after it.
        """
        for _ in range(2):
            self.delay()
        self.rejoins.joined()
        self.clock.advance(seconds)
        self.rejoins.interrupted()
        return self.delay()

    def test_lasted(self) -> None:
        """A join that has lasted begins the delays anew."""
        self.assertEqual(self.joined_for(10.0), 1.0)

    def test_not_lasted(self) -> None:
        """One that has not goes on with them."""
        self.assertEqual(self.joined_for(9.9), 3.0)

    def test_interrupted_before_it_is_joined(self) -> None:
        """An interruption of a join that was never there changes nothing."""
        self.delay()
        self.clock.advance(60.0)
        self.rejoins.interrupted()
        self.assertEqual(self.delay(), 2.0)
