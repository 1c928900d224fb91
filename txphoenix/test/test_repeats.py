"""Tests of :mod:`txphoenix.runtime.repeats`: lines that many say at once."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.runtime.repeats import Repeats
from txphoenix.runtime.wake_ups import WakeUps

log = Logger("txphoenix.test")


class RepeatsTests(SynchronousTestCase):
    """Lines of two kinds, on a clock."""

    def setUp(self) -> None:
        """Make the clock, and what many tell by."""
        self.clock = Clock()
        self.repeats = Repeats(self.clock.seconds)

    def told(self, times: int, text: str = "a line") -> list[str]:
        """Say it so many times.

        :return: what is of the level warn.
        """
        with capturedLogs() as captured:
            for _ in range(times):
                self.repeats.emit(log, LogLevel.warn, text, topic="t")
        self.assertEqual(len(captured), times)
        self.assertEqual({each["topic"] for each in captured}, {"t"})
        levels = {each["log_level"] for each in captured}
        self.assertLessEqual(levels, {LogLevel.warn, LogLevel.debug})
        return [
            formatEvent(each) for each in captured if each["log_level"] is LogLevel.warn
        ]

    def test_counted(self) -> None:
        """Ten are told, then the 1st, 2nd, 4th, 8th that are left out, and so on."""
        self.assertEqual(self.told(10), ["a line"] * 10)
        self.assertEqual(
            self.told(10),
            [f"a line; as with {more} more within a minute" for more in (1, 2, 4, 8)],
        )
        self.assertEqual(self.told(1, "another"), ["another"])
        self.clock.advance(59)
        self.assertEqual(self.told(5), [])
        self.clock.advance(1)
        self.assertEqual(self.told(1), ["a line"])

    def test_debug(self) -> None:
        """What is of the level debug is not counted."""
        with capturedLogs() as captured:
            for _ in range(50):
                self.repeats.emit(log, LogLevel.debug, "a line")
        self.assertEqual({formatEvent(each) for each in captured}, {"a line"})

    def test_few(self) -> None:
        """Clients of one clock share what is told, and are not hushed while few."""
        wake_ups = WakeUps.of(self.clock)
        self.repeats = Repeats.of(wake_ups, self.clock.seconds)
        self.assertIs(Repeats.of(wake_ups, self.clock.seconds), self.repeats)
        clients: list[Any] = [object() for _ in range(21)]
        for client in clients[:20]:
            wake_ups.subscribe(client)
        self.assertEqual(len(self.told(100)), 100)
        wake_ups.subscribe(clients[20])
        self.assertEqual(len(self.told(100)), 10 + 7)
        for client in clients:
            wake_ups.unsubscribe(client)
        self.assertEqual(len(self.told(100)), 100)
