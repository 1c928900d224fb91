"""Tests of :mod:`txphoenix.testing.waits`."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing.waits import Waits


class WaitsTests(SynchronousTestCase):
    """Who is told, and who is not."""

    def setUp(self) -> None:
        """Nobody waits."""
        self.waits = Waits()

    def test_the_right_one(self) -> None:
        """A Deferred fires with the first one of its kind that is the right one."""
        even = self.waits.wait("number", lambda it: it % 2 == 0)
        self.waits.tell("letter", 2)
        self.waits.tell("number", 1)
        self.assertNoResult(even)
        self.waits.tell("number", 4)
        self.waits.tell("number", 6)
        self.assertEqual(self.successResultOf(even), 4)
        self.assertEqual(len(self.waits), 0)

    def test_cancelled_by_another(self) -> None:
        """Who is told may cancel another that would be told next: it fires once."""
        first = self.waits.wait("number", lambda _: True)
        second = self.waits.wait("number", lambda _: True)
        first.addCallback(lambda _: second.cancel())
        self.waits.tell("number", 1)
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)
        self.assertEqual(len(self.waits), 0)

    def test_waits_again(self) -> None:
        """Who waits again as it is told waits for the next one."""
        again = []
        first = self.waits.wait("number", lambda _: True)
        first.addCallback(
            lambda _: again.append(self.waits.wait("number", lambda _: True))
        )
        self.waits.tell("number", 1)
        self.assertNoResult(again[0])
        self.waits.tell("number", 2)
        self.assertEqual(self.successResultOf(again[0]), 2)
