"""How much time has passed."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.runtime.elapsed import elapsed_time, is_reactor

real_reactor: Any = reactor


class ElapsedTests(SynchronousTestCase):
    """A time that does not go back."""

    def test_reactor(self) -> None:
        """For a reactor it is the system's monotonic clock, whatever it says itself."""
        self.assertTrue(is_reactor(real_reactor))
        elapsed = elapsed_time(real_reactor)
        before = time.monotonic()
        now = elapsed()
        self.assertTrue(before <= now <= time.monotonic())
        with mock.patch.object(real_reactor, "seconds", lambda: 0.0):
            self.assertGreaterEqual(elapsed(), now)

    def test_clock(self) -> None:
        """For any other clock it is what that shows."""
        clock = Clock()
        self.assertFalse(is_reactor(clock))
        elapsed = elapsed_time(clock)
        clock.advance(2.5)
        self.assertEqual(elapsed(), 2.5)

    def test_set_back(self) -> None:
        """One that is set back goes on from where it was, as often as that happens."""
        clock = Clock()
        elapsed = elapsed_time(clock)
        clock.advance(10.0)
        self.assertEqual(elapsed(), 10.0)
        clock.rightNow = -3600.0
        self.assertEqual(elapsed(), 10.0)
        clock.advance(5.0)
        self.assertEqual(elapsed(), 15.0)
        clock.rightNow -= 1.0
        self.assertEqual(elapsed(), 15.0)
        clock.advance(1.0)
        self.assertEqual(elapsed(), 16.0)
