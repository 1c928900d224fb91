"""Tests of :mod:`txphoenix.backoff`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError
from txphoenix.legible import legible
from txphoenix.protocol.backoff import (
    exponential,
    jittered,
    reconnect,
    rejoin,
    spread,
    steps,
)

from .properties import checked, given, st

attempts = st.integers(0, 10**9)
chances = st.floats(0, 1, exclude_max=True)
seconds = st.floats(0.001, 1e6)

JUST_UNDER_ONE = math.nextafter(1, 0)


def always(chance: float) -> Callable[[], float]:
    """A source of randomness that has nothing random."""
    return lambda: chance


class BackoffCase(SynchronousTestCase):
    """The base of the tests below."""

    def assertRefused(
        self, text: str, function: Callable[..., Any], *args: Any
    ) -> None:
        """Check that wrong arguments are refused with this text."""
        error = self.assertRaises(ConfigurationError, function, *args)
        self.assertEqual(str(error), text)


class ExponentialTests(BackoffCase):
    """``exponential``"""

    def test_longest(self) -> None:
        """The longest delays grow by half from 3.5 to 15 seconds and stay there."""
        backoff = exponential(random=always(0))
        self.assertEqual(
            [backoff(attempt) for attempt in range(6)],
            [3.5, 5.25, 7.875, 11.8125, 15, 15],
        )

    def test_full_jitter(self) -> None:
        """A delay is uniform from nothing to the longest, as the randomness is."""
        for chance, delay in [(0.25, 3), (0.5, 2), (0.75, 1)]:
            self.assertEqual(exponential(0.5, 2, random=always(chance))(3), delay)

    @checked
    @given(attempts, chances, seconds, st.floats(1, 100), seconds)
    def test_bounds(
        self, attempt: int, chance: float, base: float, factor: float, maximum: float
    ) -> None:
        """A delay is above zero and at most the maximum, whatever the attempt."""
        delay = exponential(base, factor, maximum, always(chance))(attempt)
        self.assertGreater(delay, 0)
        self.assertLessEqual(delay, maximum)
        if attempt == 0:
            self.assertLessEqual(delay, base)

    def test_integers(self) -> None:
        """Integers will do, and a huge attempt does not compute a huge power."""
        backoff = exponential(1, 2, 10, always(0))
        self.assertEqual([backoff(0), backoff(3), backoff(10**9)], [1, 8, 10])

    def test_wrong(self) -> None:
        """Wrong arguments are refused by name."""
        text = "must be a finite number of seconds above 0, not"
        for wrong in (0, -1, math.nan, math.inf, "1", None, True, 10**400):
            shown = legible(wrong)
            self.assertRefused(f"base {text} {shown}", exponential, wrong)
            self.assertRefused(f"maximum {text} {shown}", exponential, 1, 2, wrong)
        for wrong in (0.99, math.nan, math.inf, "2"):
            self.assertRefused(
                f"factor must be a finite number of at least 1, not {wrong!r}",
                exponential,
                1,
                wrong,
            )
        self.assertRefused(
            "random must be a function, not float", exponential, 1, 2, 3, 0.5
        )


class ReconnectTests(BackoffCase):
    """``reconnect``"""

    def test_longest(self) -> None:
        """It grows by half to 15 seconds, and after thirty attempts to a minute."""
        backoff = reconnect(random=always(0))
        self.assertEqual(
            [backoff(attempt) for attempt in range(7)],
            [2.25, 3.375, 5.0625, 7.59375, 11.390625, 15, 15],
        )
        self.assertEqual(
            [backoff(attempt) for attempt in (29, 30, 31, 32, 10**9)],
            [15, 30, 60, 60, 60],
        )

    def test_full_jitter_at_first(self) -> None:
        """The first delay is uniform from nothing to 2.25 seconds (decision 2)."""
        for chance, delay in [(0, 2.25), (0.5, 1.125), (0.75, 0.5625)]:
            self.assertEqual(reconnect(random=always(chance))(0), delay)

    def test_equal_jitter_later(self) -> None:
        """Each later one is uniform from half of the longest to the longest."""
        for chance, share in [(0, 1), (0.5, 0.75), (0.75, 0.625)]:
            backoff = reconnect(random=always(chance))
            for attempt, longest in [(1, 3.375), (9, 15), (30, 30), (31, 60)]:
                self.assertEqual(backoff(attempt), longest * share)

    def test_held_for_minutes(self) -> None:
        """Those thirty attempts take more than five minutes on average."""
        for chance, least in [(JUST_UNDER_ONE, 200), (0.5, 300)]:
            backoff = reconnect(random=always(chance))
            self.assertGreater(sum(map(backoff, range(30))), least)

    @checked
    @given(attempts, chances, seconds)
    def test_bounds(self, attempt: int, chance: float, maximum: float) -> None:
        """A delay is above zero and at most the maximum, whatever the attempt."""
        delay = reconnect(maximum, always(chance))(attempt)
        self.assertGreater(delay, 0)
        self.assertLessEqual(delay, maximum)

    def test_wrong(self) -> None:
        """Wrong arguments are refused by name."""
        self.assertRefused(
            "maximum must be a finite number of seconds above 0, not 0", reconnect, 0
        )
        self.assertRefused("random must be a function, not float", reconnect, 60, 0.5)


class StepsTests(BackoffCase):
    """``steps``"""

    def test_table(self) -> None:
        """The delays are those of the table, and the last one repeats."""
        backoff = steps([0.01, 0.05, 0.1])
        self.assertEqual(
            [backoff(attempt) for attempt in (0, 1, 2, 3, 10**9)],
            [0.01, 0.05, 0.1, 0.1, 0.1],
        )

    def test_copied(self) -> None:
        """A change of the list afterwards changes nothing."""
        table = [1.0]
        backoff = steps(table)
        table.clear()
        self.assertEqual(backoff(0), 1.0)

    @checked
    @given(attempts, st.lists(st.floats(0, 1e6), min_size=1))
    def test_bounds(self, attempt: int, table: list[float]) -> None:
        """Every delay is one of the table."""
        self.assertIn(steps(table)(attempt), table)

    def test_wrong(self) -> None:
        """Wrong tables are refused."""
        self.assertRefused("delays must hold at least one delay", steps, [])
        for wrong, name in [
            ("12", "str"),
            (5, "int"),
            ({1: 2}, "dict"),
            (None, "NoneType"),
        ]:
            self.assertRefused(
                f"delays must be a list or a tuple, not {name}", steps, wrong
            )
        for bad in (-1, math.nan, math.inf, "1"):
            self.assertRefused(
                "each of delays must be a finite number of seconds of at least 0, "
                f"not {bad!r}",
                steps,
                (1, bad),
            )


class JitteredTests(BackoffCase):
    """``jittered`` and ``rejoin``"""

    def test_equal_jitter(self) -> None:
        """By default at most half of the delay is taken off."""
        for chance, delay in [(0, 10), (0.5, 7.5), (0.75, 6.25)]:
            self.assertEqual(jittered(steps([10]), random=always(chance))(0), delay)

    def test_none(self) -> None:
        """With all of the delay always waited there is no jitter."""
        self.assertEqual(jittered(steps([10]), 1, always(0.9))(0), 10)

    @checked
    @given(attempts, chances, st.floats(0, 1), seconds)
    def test_bounds(
        self, attempt: int, chance: float, least: float, longest: float
    ) -> None:
        """A delay is at least the given share of the longest and at most the whole."""
        delay = jittered(steps([longest]), least, always(chance))(attempt)
        # The rounding of a float may take the last bit off.
        self.assertGreaterEqual(delay, math.nextafter(least * longest, 0))
        self.assertLessEqual(delay, longest)

    def test_wrong(self) -> None:
        """Wrong arguments are refused by name."""
        for wrong in (-0.1, 1.1, math.nan, "0.5"):
            self.assertRefused(
                f"least must be a number from 0 to 1, not {wrong!r}",
                jittered,
                steps([1]),
                wrong,
            )
        self.assertRefused("backoff must be a function, not int", jittered, 1)
        self.assertRefused(
            "random must be a function, not int", jittered, steps([1]), 0.5, 4
        )

    def test_rejoin(self) -> None:
        """Rejoins wait 1, 2, 5 and then 10 seconds, or down to half as long."""
        for chance, share in [(0, 1), (JUST_UNDER_ONE, 0.5)]:
            backoff = rejoin(always(chance))
            for attempt, delay in enumerate([1, 2, 5, 10, 10, 10]):
                self.assertAlmostEqual(backoff(attempt), delay * share)

    def test_rejoins_are_spread(self) -> None:
        """A thousand channels do not rejoin in one instant."""
        backoff = rejoin()
        self.assertGreater(len({backoff(0) for _ in range(1000)}), 900)


class SpreadTests(BackoffCase):
    """``spread``"""

    def test_longer_and_wider(self) -> None:
        """The delay is uniform between half a second and five seconds."""
        for chance, delay in [(0, 5), (0.5, 2.75), (JUST_UNDER_ONE, 0.5)]:
            self.assertAlmostEqual(spread(0.1, random=always(chance)), delay)

    def test_never_shorter(self) -> None:
        """It is never less than the delay there would be otherwise."""
        self.assertEqual(spread(30, random=always(0)), 30)

    @checked
    @given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.001, 1e6), chances)
    def test_bounds(
        self, delay: float, low: float, width: float, chance: float
    ) -> None:
        """It is between the shortest and the longest, or the delay if that is more."""
        result = spread(delay, low, low + width, always(chance))
        self.assertGreaterEqual(result, max(delay, low))
        self.assertLessEqual(result, max(delay, low + width))

    def test_wrong(self) -> None:
        """Wrong arguments are refused by name."""
        text = "must be a finite number of seconds"
        self.assertRefused(f"delay {text} of at least 0, not -1", spread, -1)
        self.assertRefused(f"shortest {text} of at least 0, not -1", spread, 1, -1)
        self.assertRefused(f"longest {text} above 0, not 0", spread, 1, 0, 0)
        self.assertRefused(
            "shortest must be at most longest, not 2 and 1", spread, 1, 2, 1
        )
        self.assertRefused(
            "random must be a function, not NoneType", spread, 1, 1, 2, None
        )
