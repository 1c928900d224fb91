"""What a goal is: a number of a run, held against another or against a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, le
from typing import Protocol

from .results import Results

__all__ = ["Bound", "Goal", "Judged", "MostOf", "Ratio"]

_Compare = Callable[[float, float], bool]


@dataclass(frozen=True)
class Goal:
    """One goal and what was reached; None if it was not measured.

    It holds if it does by each clock that it is judged by.
    """

    text: str
    wanted: float
    reached: float | None
    compare: _Compare = ge
    by_cpu: float | None = None
    """The same by the CPU seconds of the clients, which a busy machine leaves alone."""
    is_cpu_alone: bool = False
    """Whether the time that passes does not count."""

    @property
    def fails(self) -> list[str]:
        """The clocks by which it does not hold."""
        clocks = {"wall": None if self.is_cpu_alone else self.reached}
        clocks["CPU"] = self.by_cpu
        return [
            clock
            for clock, value in clocks.items()
            if value is not None and not self.compare(value, self.wanted)
        ]

    @property
    def holds(self) -> bool | None:
        """Whether it holds, if it was measured."""
        return None if self.reached is None else not self.fails

    @property
    def verdict(self) -> str:
        """The same in a word or two; if only one clock is against it, which."""
        if self.holds is None:
            return "not measured"
        if self.holds:
            return "holds"
        one_of_two = self.by_cpu is not None and len(self.fails) == 1
        return f"FAILS by {self.fails[0]}" if one_of_two else "FAILS"


class Judged(Protocol):
    """What :func:`~benchmarks.goals.judge` holds against the results."""

    def judge(self, results: Results) -> Goal:
        """What was reached."""


@dataclass(frozen=True)
class Ratio:
    """So many times as fast as another client, or as the same in another workload.

    Of several metrics the least counts.
    """

    text: str
    times: float
    workload: str
    client: str = "phoenix_js"
    of_workload: str = ""
    metrics: tuple[str, ...] = ("rate",)
    is_cpu_alone: bool = False

    def judge(self, results: Results) -> Goal:
        """What was reached."""
        return Goal(
            self.text,
            self.times,
            self._least(results, ""),
            ge,
            self._least(results, "_cpu"),
            self.is_cpu_alone,
        )

    def _least(self, results: Results, clock: str) -> float | None:
        ratios: list[float] = []
        for metric in self.metrics:
            ours = results.median(self.workload, "txphoenix", metric + clock)
            of_workload = self.of_workload or self.workload
            other = results.median(of_workload, self.client, metric + clock)
            if ours is None or not other:
                return None
            ratios.append(ours / other)
        return min(ratios)


@dataclass(frozen=True)
class Bound:
    """A number that txphoenix has to reach, or must not exceed."""

    text: str
    bound: float
    workload: str
    metric: str
    compare: _Compare

    def judge(self, results: Results) -> Goal:
        """What was reached."""
        reached = results.median(self.workload, "txphoenix", self.metric)
        by_cpu = results.median(self.workload, "txphoenix", f"{self.metric}_cpu")
        return Goal(self.text, self.bound, reached, self.compare, by_cpu)


@dataclass(frozen=True)
class MostOf:
    """A number that the largest of several metrics must not exceed."""

    text: str
    bound: float
    workload: str
    metrics: tuple[str, ...]

    def judge(self, results: Results) -> Goal:
        """What was reached."""
        values = [
            results.median(self.workload, "txphoenix", metric)
            for metric in self.metrics
        ]
        known = [value for value in values if value is not None]
        most = max(known) if len(known) == len(values) else None
        return Goal(self.text, self.bound, most, le)
