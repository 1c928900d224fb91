"""``docs/reliability.rst`` says what is so.

Each fault and each promise has a test that is there, and each duration is that of the
options as they are by default.
The documents are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix.options import Options
from txphoenix.protocol import backoff
from txphoenix.test import test_reliability
from txphoenix.test.named_tests import docstring_of, names_of_tests

PAGE = Path(txphoenix.__file__).parent.parent / "docs" / "reliability.rst"
NOT_THERE = None if PAGE.exists() else "installed without its documents"

NAME = r"``(test_\w+\.\w+\.test_\w+)``"


def rows(text: str) -> list[list[str]]:
    """The rows of all tables, without their heads: the text of each cell."""
    found = []
    for row in re.findall(r"^   \* - .+\n(?:     .+\n)+", text, re.M):
        _, *cells = re.split(r"^   (?:\*|  ?) ?- ", row, flags=re.M)
        if cells[-1].strip() != "Tests":
            found.append(cells)
    return found


class ReliabilityPageTests(SynchronousTestCase):
    """The page."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Read it."""
        self.text = PAGE.read_text("utf-8")
        self.options = Options(url="ws://localhost/socket")

    def test_each_row(self) -> None:
        """Each fault has what is seen, how long it lasts, and tests that are there."""
        every = rows(self.text)
        self.assertGreater(len(every), 45)
        for cells in every:
            self.assertIn(len(cells), (3, 4), cells)
            tests = re.findall(NAME, cells[-1])
            self.assertNotEqual(tests, [], cells)
            for test in tests:
                self.assertTrue(docstring_of(test), test)
            # Nothing else is in that cell, such as a name with a slip in it.
            self.assertEqual(re.sub(rf"{NAME}|[|\s]", "", cells[-1]), "")

    def test_own_tests(self) -> None:
        """Each test of :mod:`.test_reliability` is on the page."""
        for name in names_of_tests(test_reliability):
            self.assertIn(f"``test_reliability.{name}``", self.text)

    def test_durations(self) -> None:
        """Behind an option, or a sum of two, is what it is by default."""
        found = re.findall(r"``([a-z_]+(?: \+ [a-z_]+)?)``, ([\d.]+) s\b", self.text)
        self.assertGreater(len(found), 8)
        for names, seconds in found:
            values = [getattr(self.options, name) for name in names.split(" + ")]
            self.assertEqual(sum(values), float(seconds), names)

    def test_delays(self) -> None:
        """So are the delays, from the shortest to the longest."""
        self.assert_says("first is at most", self.options_delay(0))
        self.assert_says("is over", self.options_delay(29))
        self.assert_says("when it is up: at most", self.options_delay(29))
        spread = inspect.signature(backoff.spread).parameters
        shortest, longest = spread["shortest"].default, spread["longest"].default
        self.assert_says("A first delay of", shortest, longest)
        first = [backoff.rejoin(lambda at=at: at)(0) for at in (1.0, 0.0)]  # type: ignore[misc]
        self.assert_says("``rejoin_backoff``:", *first)
        self.assert_says("then longer, at most", backoff.rejoin(lambda: 0.0)(99))

    def options_delay(self, attempt: int) -> float:
        """The longest delay before an attempt."""
        longest = self.options.reconnect_interval
        return backoff.reconnect(longest, random=lambda: 0.0)(attempt)

    def assert_says(self, words: str, *seconds: float) -> None:
        """The page has these words, and then these seconds."""
        told = " to ".join(f"{number:g}" for number in seconds)
        self.assertIn(f"{words} {told} s", self.text)
