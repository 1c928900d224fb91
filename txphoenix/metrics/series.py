"""What has been counted under one client's name."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import TypeAlias

from ..errors import ConfigurationError
from .definitions import BUCKETS, HISTOGRAMS

__all__ = ["Buckets", "Histogram", "Key", "Series", "checked_buckets"]

Key: TypeAlias = tuple[str, ...]
"""A metric's name, and the values of its labels but for the client's."""

Buckets: TypeAlias = Iterable[float] | Mapping[str, Iterable[float]]
"""Bounds for all histograms, or for each by its name."""


class Histogram:
    """How many values were at most so large.

    :param bounds: the upper bounds, ascending, without infinity.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """How many are in each bucket and in none before it."""
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value; one that is a bound is below it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Series:
    """The counters and the histograms of one name.

    :param known: the counters that are there from the beginning.
    :param bounds: the bounds of each histogram, by its name.
    """

    __slots__ = ("_bounds", "counters", "gone_at", "histograms")

    def __init__(
        self, known: Iterable[Key], bounds: Mapping[str, Sequence[float]]
    ) -> None:
        self._bounds = bounds
        self.counters: dict[Key, float] = dict.fromkeys(known, 0)
        self.histograms: dict[Key, Histogram] = {}
        self.gone_at: float | None = None
        """When it was noticed that no client of the name runs any more."""

    def count(self, key: Key, number: float) -> None:
        """Add to a counter."""
        counters = self.counters
        counters[key] = counters.get(key, 0) + number

    def observe(self, key: Key, value: float) -> None:
        """Count a value of a histogram."""
        histogram = self.histograms.get(key)
        if histogram is None:
            histogram = self.histograms[key] = Histogram(self._bounds[key[0]])
        histogram.observe(value)


def checked_buckets(buckets: Buckets | None) -> dict[str, tuple[float, ...]]:
    """The bounds of each histogram, by its name.

    :param buckets: bounds for all, or for some by their names; None for
        :data:`~txphoenix.metrics.BUCKETS`.
    :raises ConfigurationError: a name is no histogram's, or bounds are no ascending,
        finite numbers.
    """
    names = [metric.name for metric in HISTOGRAMS]
    if buckets is None:
        buckets = BUCKETS
    if not isinstance(buckets, Mapping):
        return dict.fromkeys(names, _bounds("buckets", buckets))
    for name in buckets:
        if name not in names:
            raise ConfigurationError(
                f"buckets: there is no histogram {name!r:.100}; there are "
                f"{', '.join(names)}"
            )
    return {
        name: _bounds(f"buckets of {name}", buckets.get(name, BUCKETS))
        for name in names
    }


def _bounds(what: str, given: Iterable[float]) -> tuple[float, ...]:
    bounds = tuple(given) if isinstance(given, Iterable) else ()
    are_numbers = all(
        isinstance(bound, Real) and not isinstance(bound, bool) and isfinite(bound)
        for bound in bounds
    )
    if not (bounds and are_numbers and list(bounds) == sorted(set(bounds))):
        raise ConfigurationError(
            f"{what} must be ascending, finite numbers of seconds, not {given!r:.100}"
        )
    return tuple(map(float, bounds))
