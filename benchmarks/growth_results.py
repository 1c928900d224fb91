"""What a run of the growth curves has measured, and whether each is flat."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median
from typing import Any

from .growth_plan import CURVES
from .table import number

__all__ = ["FLAT", "Growth", "steepest", "verdict_lines"]

FLAT = 0.15
"""A curve that rises no more than this from one number to any larger one is flat."""

Points = dict[int, float]
"""The cost of one, by how many there are."""


@dataclass
class Growth:
    """The measurements of one run: {(curve, size): one each repeat}."""

    values: dict[tuple[str, int], list[dict[str, float]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, curve: str, size: int, measured: dict[str, float]) -> None:
        """Take one measurement in."""
        self.values.setdefault((curve, size), []).append(measured)

    def curves(self) -> Iterator[str]:
        """Those of which something was measured."""
        yield from (
            name for name in CURVES if any(key[0] == name for key in self.values)
        )

    def points(self, curve: str, metric: str | None = None) -> Points:
        """The medians of a curve.

        :param metric: by default the one that counts.
        """
        wanted = metric or CURVES[curve].metric
        return {
            size: median(each.get(wanted, 0.0) for each in measured)
            for (name, size), measured in sorted(self.values.items())
            if name == curve
        }

    def without_collector(self, curve: str) -> Points:
        """The same, less what the garbage collector had of it."""
        collector = self.points(curve, "collector")
        return {
            size: cost - collector[size] for size, cost in self.points(curve).items()
        }

    def as_json(self, **more: Any) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "python": platform.python_version(),
            "machine": platform.platform(),
            **more,
            "curves": [
                {
                    "curve": name,
                    "title": f"{CURVES[name].panel}, {CURVES[name].title}",
                    "noun": CURVES[name].noun,
                    "unit": CURVES[name].unit,
                    "verdict": verdict(self, name),
                    "points": [
                        {"size": size, "cost": cost, "values": self.values[name, size]}
                        for size, cost in self.points(name).items()
                    ],
                }
                for name in self.curves()
            ],
            "failures": self.failures,
        }


def steepest(points: Points) -> tuple[float, int, int]:
    """The largest rise from one number to a larger one.

    :return: how many times, from where, and to where; once, if it only falls.
    """
    best = (1.0, 0, 0)
    for (fewer, before), (more, after) in combinations(sorted(points.items()), 2):
        if before > 0 and after / before > best[0]:
            best = (after / before, fewer, more)
    return best


def verdict(growth: Growth, name: str) -> str:
    """Whether a curve is flat, and if not, what bends it."""
    curve = CURVES[name]
    points = growth.points(name)
    times, fewer, more = steepest(points)
    least = min(points.values())
    if times <= 1 + FLAT:
        if max(points.values()) <= least * (1 + FLAT):
            return f"flat within {FLAT:.0%}"
        first = next(iter(points))
        begins = next(
            size for size, cost in points.items() if cost <= least * (1 + FLAT)
        )
        return (
            f"flat within {FLAT:.0%} from {begins:,} {curve.noun} on; to there it "
            f"falls, as more than {first:,} share {curve.shared or 'what is done once'}"
        )
    rest = steepest(growth.without_collector(name))[0]
    collected = max(growth.points(name, "collector").values()) > 0
    why = (
        f"; without the garbage collector by {rest - 1:.0%}"
        if collected and rest < times
        else ""
    )
    return f"GROWS by {times - 1:.0%} from {fewer:,} to {more:,} {curve.noun}{why}"


def verdict_lines(growth: Growth) -> Iterator[str]:
    """A table of each curve's costs, and the verdict."""
    for name in growth.curves():
        curve = CURVES[name]
        unit = f"{curve.unit} of CPU" if curve.metric == "cpu" else curve.unit
        yield f"{curve.panel}, {curve.title}: {unit} each"
        points = growth.points(name)
        yield f"  {curve.noun:12}" + "".join(f"{size:>11,}" for size in points)
        yield f"  {'each':12}" + "".join(
            f"{number(cost):>11}" for cost in points.values()
        )
        if curve.metric == "cpu":
            for metric, title in (
                ("collector", "collector's"),
                ("wall", "by the clock"),
            ):
                costs = growth.points(name, metric).values()
                yield f"  {title:12}" + "".join(f"{number(cost):>11}" for cost in costs)
        yield f"  {verdict(growth, name)}"
        yield ""
