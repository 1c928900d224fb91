"""What the storms of a run came to, beside phoenix.js's, and whether that will do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from .storm_clients import CLIENTS
from .storm_server import OVERLOADS
from .storm_simulation import Storm

__all__ = ["LEAST_OUTAGE", "Case", "Outcome", "Storms", "storm_lines"]

PEAK_GOAL: Final = 10.0
"""How many times lower than phoenix.js's peak ours is to be."""

MEDIAN_GOAL: Final = 1.5
"""How many times phoenix.js's the median time to be back may be at most."""

LEAST_OUTAGE: Final = 5.0
"""The seconds of an outage from which on that holds."""

_OURS = ("txphoenix", "txphoenix_1012")
_FIRST = next(iter(CLIENTS))


@dataclass(frozen=True)
class Case:
    """What the clients are up against.

    :param clients: how many there are.
    :param outage: the seconds that the server is down.
    :param work: the seconds that it needs for the handshakes of all of them.
    :param overload: what it does with more than it can take.
    """

    clients: int
    outage: float
    work: float
    overload: str

    @property
    def rate(self) -> float:
        """How many handshakes the server makes in a second."""
        return self.clients / self.work

    def __str__(self) -> str:
        return (
            f"{self.clients:,} clients, down for {self.outage:g} s,"
            f" {self.rate:,.0f} handshakes a second, {self.overload}"
        )


@dataclass(frozen=True)
class Outcome:
    """What is kept of a storm.

    :ivar peak: the most attempts in any second.
    :ivar until: the seconds until 50, 90 and 99 % were back, since they were lost.
    :ivar made: how many attempts there were.
    :ivar seconds: how many of them in each second.
    :ivar shares: which share was back at the end of each.
    """

    peak: int
    until: tuple[float, float, float]
    made: int
    seconds: tuple[int, ...]
    shares: tuple[float, ...]

    @classmethod
    def of(cls, storm: Storm) -> Outcome:
        """Keep that."""
        seconds = storm.seconds
        last = int(storm.back[-1]) if storm.back else 0
        seconds += [0] * (last + 1 - len(seconds))
        return cls(
            storm.peak,
            (storm.time_until(0.5), storm.time_until(0.9), storm.time_until(0.99)),
            sum(seconds),
            tuple(seconds),
            tuple(storm.share_at(second + 1) for second in range(len(seconds))),
        )


class Storms:
    """The outcomes of a run, by case and client."""

    def __init__(self) -> None:
        self.outcomes: dict[tuple[Case, str], Outcome] = {}

    def cases(self) -> list[Case]:
        """Each case of which there is something."""
        return list(dict.fromkeys(case for case, _ in self.outcomes))

    def times_lower(self, case: Case, name: str) -> float:
        """How many times lower a client's peak is than that of phoenix.js."""
        first = self.outcomes[case, _FIRST].peak
        return first / max(1, self.outcomes[case, name].peak)

    def median_ratio(self, case: Case, name: str) -> float:
        """A client's median time to be back, by that of phoenix.js.

        It is 1 where neither comes back.
        """
        first, other = (self.outcomes[case, each].until[0] for each in (_FIRST, name))
        return 1.0 if other == first else other / first

    def failures(self) -> Iterator[str]:
        """Each goal that was not reached, in words."""
        for case, name in self.outcomes:
            if name not in _OURS:
                continue
            times = self.times_lower(case, name)
            if times < PEAK_GOAL:
                yield (
                    f"{case}: the peak of {CLIENTS[name].title} is only"
                    f" {times:.1f} times lower"
                )
            ratio = self.median_ratio(case, name)
            if case.outage >= LEAST_OUTAGE and not ratio <= MEDIAN_GOAL:
                yield (
                    f"{case}: the median time to be back of {CLIENTS[name].title} is"
                    f" {ratio:.2f} times that of {CLIENTS[_FIRST].title}"
                )

    def as_json(self) -> list[dict[str, Any]]:
        """Everything, as JSON can hold it."""
        return [
            {**asdict(case), "client": name, **asdict(outcome)}
            for (case, name), outcome in self.outcomes.items()
        ]


def storm_lines(storms: Storms) -> Iterator[str]:
    """A table for each case."""
    last = ""
    for case in storms.cases():
        if case.overload != last:
            yield f"The server {case.overload}: {OVERLOADS[case.overload]}."
            yield ""
            last = case.overload
        yield (
            f"{case.clients:,} clients, down for {case.outage:g} s, then"
            f" {case.rate:,.0f} handshakes a second"
        )
        yield (
            f"  {'':28}{'peak, /s':>12}{'lower':>8}{'50 % back':>11}{'90 %':>9}"
            f"{'99 %':>9}{'median':>9}{'after it is up':>16}{'attempts each':>15}"
        )
        for name, client in CLIENTS.items():
            outcome = storms.outcomes.get((case, name))
            if outcome is None:
                continue
            half, most, all_but_few = map(_seconds, outcome.until)
            yield (
                f"  {client.title:28}{outcome.peak:>12,}"
                f"{storms.times_lower(case, name):>7.1f}x{half:>11}{most:>9}"
                f"{all_but_few:>9}{storms.median_ratio(case, name):>8.2f}x"
                f"{_seconds(outcome.until[0] - case.outage):>16}"
                f"{outcome.made / case.clients:>15.1f}"
            )
        yield ""


def _seconds(value: float) -> str:
    return "never" if value == math.inf else f"{value:,.1f} s"
