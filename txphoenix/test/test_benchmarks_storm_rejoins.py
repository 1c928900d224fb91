"""The rejoins that come after a storm, and the server that they are measured on.

The benchmarks are in a clone, not in a wheel.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock

from .benchmark_runs import NOT_THERE
from .storm_case import StormCase, program

if NOT_THERE is None:
    from benchmarks import storm_rejoins
    from benchmarks.storm_rejoins import Rejoins, run_rejoins
    from benchmarks.storm_schedulers import Schedulers


class RejoinTests(StormCase):
    """``storm_rejoins``"""

    def test_schedulers(self) -> None:
        """So many pieces of work run at a time, and the others in line."""
        clock = Clock()
        schedulers = Schedulers(clock, 2)
        schedulers.seconds = 1.0
        done: list[tuple[int, float]] = []
        for number in range(5):
            schedulers.work().addCallback(
                lambda _, which: done.append((which, clock.seconds())), number
            )
        clock.pump([1.0] * 3)
        self.assertEqual(done, [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3)])
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_coarse_clock(self) -> None:
        """They lose no time where the clock is advanced by more than their work."""
        clock = Clock()
        schedulers = Schedulers(clock, 1)
        schedulers.seconds = 1.0
        done: list[float] = []

        def again(_: object) -> None:
            done.append(clock.seconds())
            if len(done) < 5:
                schedulers.work().addCallback(again)

        schedulers.work().addCallback(again)
        clock.pump([2.5] * 2)
        self.assertEqual(done, [2.5, 2.5, 5.0, 5.0, 5.0])

    def run_one(
        self, clients: int, channels: int, each: float, schedulers: int, **options: Any
    ) -> Rejoins:
        """One loss."""
        (rejoins,) = run_rejoins(clients, channels, [each], schedulers, **options)
        return rejoins

    def test_one_client(self) -> None:
        """The channels of one socket join one after the other, each by one join."""
        rejoins = self.run_one(1, 300, 0.01, 8)
        self.assertEqual((rejoins.work, rejoins.sent), (3.0, 300))
        self.assertBetween(rejoins.taken, 3.0, 3.02)
        self.assertLessEqual(rejoins.away, 3.0 + 2.25)
        self.assertIsNone(rejoins.failure)

    def test_many_clients(self) -> None:
        """Sockets join beside each other, as many as there are schedulers."""
        rejoins = self.run_one(20, 10, 0.5, 4)
        self.assertEqual((rejoins.work, rejoins.sent), (25.0, 200))
        self.assertEqual(rejoins.connections, 20)
        self.assertBetween(rejoins.taken, 25.0, 25.0 + 2.25)
        self.assertIsNone(rejoins.failure)

    def test_each_join_longer_than_its_time(self) -> None:
        """A socket that waits its turn for longer than a join's time sends no other."""
        rejoins = self.run_one(14, 5, 0.5, 1)
        self.assertGreater(14 * 0.5, 5.0, "of a join's time")
        self.assertEqual((rejoins.sent, rejoins.connections), (70, 14))
        self.assertIsNone(rejoins.failure)

    def test_turn_after_heartbeat_timeout(self) -> None:
        """Where a socket's turn comes too seldom for a heartbeat, the option helps.

        It is what the option's docstring asks for: here a turn comes each 12 seconds.
        """
        self.patch(storm_rejoins, "_PATIENCE", 150.0)
        rejoins = self.run_one(24, 6, 0.5, 1)
        self.assertIn("joins were sent for each channel", rejoins.failure or "")
        rejoins = self.run_one(24, 6, 0.5, 1, heartbeat_timeout=20.0)
        self.assertIsNone(rejoins.failure)

    def test_failures(self) -> None:
        """A join more, a connection more, or much time more is told."""
        good = Rejoins(1, 100, 0.01, 1.0, 1.05, 2.0, 100, 1)
        self.assertIsNone(good.failure)
        for bad, text in (
            (replace(good, sent=101), "1.0100 joins were sent for each channel"),
            (replace(good, sent=99), "0.9900 joins were sent for each channel"),
            (replace(good, connections=2), "2 connections were opened"),
            (replace(good, taken=1.2), "it took 1.2 s for 1.0 s of work"),
        ):
            self.assertEqual(bad.failure, text)

    def test_program(self) -> None:
        """It has a line for each, and says so where a join was sent twice."""
        self.patch(storm_rejoins, "_SHORT_SIZES", ((1, 20), (3, 4)))
        code, out, err = program(storm_rejoins.main, "--short")
        self.assertEqual(code, 0, err)
        self.assertIn("3 clients of 4 channels, 50 ms for a join", out)
        self.assertIn("Each channel was joined by one join.", out)
        self.assertIn("[6/6]", err)
        bad = Rejoins(1, 100, 0.01, 1.0, 1.05, 2.0, 101, 1)
        self.patch(storm_rejoins, "run_rejoins", lambda *_, **__: [bad])
        code, out, err = program(storm_rejoins.main, "--short")
        self.assertEqual(code, 1)
        self.assertIn("1.0100 joins were sent for each channel", err)
        self.assertEqual(program(storm_rejoins.main, "--schedulers", "0")[0], 2)

    def assertBetween(self, value: float, least: float, most: float) -> None:
        """It is no less and no more."""
        self.assertGreaterEqual(value, least - 1e-6)
        self.assertLessEqual(value, most + 1e-6)
