"""Deadlines: when they expire, by which clock, and how many at a time."""

from __future__ import annotations

import gc
from time import process_time
from typing import Any
from weakref import ref

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.runtime.deadlines import Deadline, Deadlines, Timer


class Recorded(Deadline):
    """A deadline that says when it expires, and may do something then."""

    def __init__(self, test: DeadlinesTests, name: object, then: Any = None) -> None:
        super().__init__()
        self.test = test
        self.name = name
        self.then = then

    def expired(self) -> None:
        """Say so."""
        self.test.expired.append((self.name, self.test.clock.seconds()))
        if self.then is not None:
            self.then()


class DeadlinesTests(SynchronousTestCase):
    """Deadlines on one clock."""

    def setUp(self) -> None:
        """Have none."""
        self.clock = Clock()
        self.deadlines = Deadlines(self.clock)
        self.expired: list[tuple[object, float]] = []

    def set(self, name: object, duration: float, then: Any = None) -> Recorded:
        """Set a deadline."""
        deadline = Recorded(self, name, then)
        self.deadlines.set(deadline, duration)
        return deadline

    def timers(self) -> list[float]:
        """When the delayed calls are due."""
        return sorted(call.getTime() for call in self.clock.getDelayedCalls())

    def test_cancelled_by_others(self) -> None:
        """Where somebody cancels all delayed calls, deadlines expire all the same.

        trial does so after a test that left something behind.
        """
        left = self.set("left behind", 5.0)
        for call in self.clock.getDelayedCalls():
            call.cancel()
        self.set("honest", 5.0)
        self.clock.advance(5)
        self.assertEqual(self.expired, [("left behind", 5.0), ("honest", 5.0)])
        self.assertFalse(left.is_set)

    def test_sweep_of_cancelled(self) -> None:
        """Nor do such calls keep a client from letting go of its own."""
        self.set("a", 5.0).unset()
        for call in self.clock.getDelayedCalls():
            call.cancel()
        self.deadlines.sweep()
        self.set("b", 5.0)
        self.assertEqual(self.timers(), [5.0])

    def test_exit(self) -> None:
        """What ends the loop of those that are late does not lose the others."""

        def leave() -> None:
            raise SystemExit(1)

        self.set("a", 5.0, leave)
        self.set("b", 5.0)
        self.assertRaises(SystemExit, self.clock.advance, 5)
        self.clock.advance(0)
        self.assertEqual(self.expired, [("a", 5.0), ("b", 5.0)])

    def test_expires(self) -> None:
        """A deadline expires once its duration has passed, and once only."""
        deadline = self.set("a", 5.0)
        self.assertTrue(deadline.is_set)
        self.assertEqual(len(self.deadlines), 1)
        self.clock.advance(4.999)
        self.assertEqual(self.expired, [])
        self.clock.advance(0.001)
        self.assertEqual(self.expired, [("a", 5.0)])
        self.assertFalse(deadline.is_set)
        self.clock.advance(60.0)
        self.assertEqual(len(self.expired), 1)

    def test_one_timer_a_duration(self) -> None:
        """Decision 9: deadlines share one delayed call a duration."""
        for number in range(1000):
            self.set(number, 5.0)
            self.set(number, 2.0)
        self.assertEqual(self.timers(), [2.0, 5.0])
        self.assertEqual(len(self.deadlines), 2000)
        self.clock.advance(2.0)
        self.assertEqual(self.timers(), [5.0])
        self.clock.advance(3.0)
        self.assertEqual(self.timers(), [])
        self.assertEqual(len(self.expired), 2000)

    def test_order(self) -> None:
        """Those of one duration expire in the order in which they were set."""
        for number in range(5):
            self.set(number, 5.0)
            self.clock.advance(1.0)
        for _ in range(5):
            self.clock.advance(1.0)
        self.assertEqual(self.expired, [(n, 5.0 + n) for n in range(5)])

    def test_only_when_due(self) -> None:
        """One that was set later does not expire with the earlier."""
        self.set("a", 5.0)
        self.clock.advance(2.0)
        self.set("b", 5.0)
        self.clock.advance(3.0)
        self.assertEqual(self.expired, [("a", 5.0)])
        self.assertEqual(self.timers(), [7.0])
        self.clock.advance(2.0)
        self.assertEqual(self.expired, [("a", 5.0), ("b", 7.0)])
        self.assertEqual(self.timers(), [])

    def test_unset(self) -> None:
        """One that is unset does not expire; to unset it again is no error."""
        deadline = self.set("a", 5.0)
        self.set("b", 5.0)
        deadline.unset()
        deadline.unset()
        self.assertFalse(deadline.is_set)
        self.assertEqual(len(self.deadlines), 1)
        self.clock.advance(5.0)
        self.assertEqual(self.expired, [("b", 5.0)])

    def test_answered_one_by_one(self) -> None:
        """One at a time, they need no new delayed call for each."""
        made = []
        call_later = self.clock.callLater

        def counted(*args: Any, **kwargs: Any) -> Any:
            made.append(args)
            return call_later(*args, **kwargs)

        self.patch(self.clock, "callLater", counted)
        for _ in range(100):
            self.set("a", 5.0).unset()
            self.clock.advance(0.001)
        self.assertEqual(len(made), 1)

    def test_set_again(self) -> None:
        """Setting one again moves it."""
        deadline = self.set("a", 5.0)
        self.clock.advance(3.0)
        self.deadlines.set(deadline, 5.0)
        self.clock.advance(4.0)
        self.assertEqual(self.expired, [])
        self.clock.advance(1.0)
        self.assertEqual(self.expired, [("a", 8.0)])

    def test_set_again_as_it_expires(self) -> None:
        """One may be set again as it expires."""
        deadline = Recorded(self, "b")
        self.set("a", 5.0, lambda: self.deadlines.set(deadline, 5.0))
        self.clock.advance(5.0)
        self.clock.advance(5.0)
        self.assertEqual(self.expired, [("a", 5.0), ("b", 10.0)])

    def test_tolerance(self) -> None:
        """A delayed call that comes a trifle early does its work all the same.

        Sums of floats are not exact, and another call for the trifle would be a waste.
        """
        self.clock.advance(0.1)
        self.set("a", 0.2)
        self.set("b", 0.2)
        for deadline in list(self.deadlines._queues[0.2]):
            deadline._due += 1e-9
        self.clock.advance(0.2)
        self.assertEqual([name for name, _ in self.expired], ["a", "b"])
        self.assertEqual(self.timers(), [])

    def test_of_a_clock(self) -> None:
        """All who ask for those of a clock are given the same, as long as one is there.

        So clients share their delayed calls.
        """
        first, other = Deadlines.of(self.clock), Deadlines.of(Clock())
        self.assertIs(Deadlines.of(self.clock), first)
        self.assertIsNot(other, first)
        forgotten = ref(first)
        del first
        gc.collect()
        self.assertIsNone(forgotten())
        self.assertEqual(len(Deadlines.of(self.clock)), 0)

    def test_timer(self) -> None:
        """A timer calls its function when it expires."""
        called: list[float] = []
        timer = Timer(lambda: called.append(self.clock.seconds()))
        self.deadlines.set(timer, 5.0)
        self.clock.advance(5.0)
        self.assertEqual(called, [5.0])

    def test_one_that_raises(self) -> None:
        """One that raises when it expires is logged, and keeps no other from it."""

        def fail() -> None:
            raise RuntimeError("a mistake")

        self.set("a", 5.0, fail)
        self.set("b", 5.0)
        self.clock.advance(5.0)
        self.assertEqual([name for name, _ in self.expired], ["a", "b"])
        (failure,) = self.flushLoggedErrors(RuntimeError)
        self.assertEqual(failure.getErrorMessage(), "a mistake")

    def test_expiring_unsets_another(self) -> None:
        """One that expires may unset another that is late as well."""
        other = Recorded(self, "other")
        self.set("a", 5.0, other.unset)
        self.deadlines.set(other, 5.0)
        self.set("c", 5.0)
        self.clock.advance(5.0)
        self.assertEqual(self.expired, [("a", 5.0), ("c", 5.0)])
        self.assertFalse(other.is_set)

    def test_expiring_moves_another(self) -> None:
        """It may set that one again, and then it is not late any more."""
        other = Recorded(self, "other")
        self.set("a", 5.0, lambda: self.deadlines.set(other, 1.0))
        self.deadlines.set(other, 5.0)
        self.clock.advance(5.0)
        self.assertEqual(self.expired, [("a", 5.0)])
        self.clock.advance(1.0)
        self.assertEqual(self.expired, [("a", 5.0), ("other", 6.0)])

    def test_expiring_sets_another(self) -> None:
        """It may set others, of the same duration and of others."""
        self.set("a", 5.0, lambda: [self.set("b", 5.0), self.set("c", 1.0)])
        self.clock.advance(5.0)
        self.assertEqual(self.timers(), [6.0, 10.0])
        self.clock.advance(1.0)
        self.clock.advance(4.0)
        self.assertEqual(self.expired, [("a", 5.0), ("c", 6.0), ("b", 10.0)])

    def test_expiring_sweeps(self) -> None:
        """It may let go of what has no use, and those that are set stay."""
        self.set("a", 5.0, self.deadlines.sweep)
        self.clock.advance(1.0)
        self.set("b", 5.0)
        self.set("c", 60.0).unset()
        self.clock.advance(4.0)
        self.assertEqual(self.timers(), [6.0])
        self.clock.advance(1.0)
        self.assertEqual(self.expired, [("a", 5.0), ("b", 6.0)])

    def test_sweep(self) -> None:
        """sweep() lets go of the delayed calls of which nobody has any use."""
        self.set("a", 5.0).unset()
        self.set("b", 2.0)
        self.assertEqual(self.timers(), [2.0, 5.0])
        self.deadlines.sweep()
        self.assertEqual(self.timers(), [2.0])
        self.set("c", 5.0)
        self.clock.advance(5.0)
        self.assertEqual([name for name, _ in self.expired], ["b", "c"])

    def test_many_durations(self) -> None:
        """Timeouts that are never the same do not pile up their delayed calls."""
        for number in range(10_000):
            self.set(number, 3600.0 + number / 1000).unset()
        self.assertLessEqual(len(self.timers()), 16)

    def test_many_durations_in_use(self) -> None:
        """As many as are in use at once have theirs, and each expires in its time."""
        for number in range(100):
            self.set(number, 1.0 + number)
        self.assertEqual(len(self.timers()), 100)
        for _ in range(100):
            self.clock.advance(1.0)
        self.assertEqual(self.expired, [(n, 1.0 + n) for n in range(100)])
        self.assertEqual(self.timers(), [])

    def test_many_at_once(self) -> None:
        """As many as expire in one moment take time in proportion to their number.

        What made it grow with its square is done within Python's dict, where nothing
        can be counted: eight times as many took fifty times as long.
        """

        def seconds(number: int) -> float:
            for _ in range(number):
                self.deadlines.set(Timer(int), 5.0)
            began = process_time()
            self.clock.advance(5.0)
            return process_time() - began

        # The collector's rounds are not what is measured.
        gc.disable()
        self.addCleanup(gc.enable)
        few = min(seconds(5_000) for _ in range(5))
        many = min(seconds(40_000) for _ in range(5))
        self.assertLess(many / few, 30)
        self.assertEqual(len(self.deadlines), 0)

    def test_call_later(self) -> None:
        """A delayed call is called with its arguments, unless it is cancelled."""
        called: list[object] = []
        call = self.deadlines.callLater(2.0, called.append, "a")
        other = self.deadlines.callLater(2.0, called.append, "b")
        self.assertTrue(call.active() and other.active())
        other.cancel()
        self.assertFalse(other.active())
        self.clock.advance(2.0)
        self.assertEqual(called, ["a"])
        self.assertFalse(call.active())
        call.cancel()

    def test_cancelled_delayed_call(self) -> None:
        """The last one of a duration takes the clock's delayed call along."""
        calls = [self.deadlines.callLater(2.0, int) for _ in range(2)]
        self.set("a", 5.0)
        calls[0].cancel()
        self.assertEqual(self.timers(), [2.0, 5.0])
        calls[1].cancel()
        self.assertEqual(self.timers(), [5.0])

    def test_left(self) -> None:
        """left() tells how long a deadline has."""
        deadline = self.set("a", 5.0)
        self.clock.advance(3.0)
        self.assertEqual(self.deadlines.left(deadline), 2.0)

    def test_abstract(self) -> None:
        """A bare deadline does not know what to do."""
        self.assertRaises(NotImplementedError, Deadline().expired)
