"""What the client must reach, each against another number of the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import ge, le

from .results import Results

__all__ = ["Goal", "judge"]

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class Goal:
    """One goal and what was reached; None if it was not measured."""

    text: str
    wanted: float
    reached: float | None
    compare: Callable[[float, float], bool] = ge
    by_cpu: float | None = None
    """The same by the CPU seconds of the clients, which a busy machine leaves alone."""

    @property
    def holds(self) -> bool | None:
        """Whether it holds, if it was measured."""
        if self.reached is None:
            return None
        return self.compare(self.reached, self.wanted)

    @property
    def verdict(self) -> str:
        """The same in a word or two."""
        return {True: "holds", False: "FAILS", None: "not measured"}[self.holds]


# (text, at least this many times, ours, the other's).
_RATIOS: list[tuple[str, float, _Key, _Key]] = [
    (
        f"{text} against {other}",
        times,
        (workload, "txphoenix", metric),
        (other_workload, client, metric),
    )
    for text, times, workload, other, other_workload, client, metric in (
        ("flood", 1.2, "flood", "phoenix.js", "flood", "phoenix_js", "rate"),
        ("flood", 5.0, "flood", "stock Autobahn", "flood", "stock", "rate"),
        ("fan-in, 1000", 0.9, "fan-in", "own flood", "flood", "txphoenix", "rate"),
        ("fan-in, 10k", 0.8, "fan-in-10k", "own flood", "flood", "txphoenix", "rate"),
        ("telemetry", 2 / 3, "telemetry", "own flood", "flood", "txphoenix", "rate"),
        ("one at a time", 1.0, "ping-1", "phoenix.js", "ping-1", "phoenix_js", "rate"),
        (
            "64 outstanding",
            1.8,
            "ping-64",
            "phoenix.js",
            "ping-64",
            "phoenix_js",
            "rate",
        ),
        (
            "long-poll flood",
            2.0,
            "longpoll-flood",
            "phoenix.js",
            "longpoll-flood",
            "phoenix_js",
            "rate",
        ),
        (
            "long-poll, 64 outstanding",
            2.0,
            "longpoll-ping-64",
            "phoenix.js",
            "longpoll-ping-64",
            "phoenix_js",
            "rate",
        ),
    )
]

# (text, bound, workload, metric, comparison).
_BOUNDS: list[tuple[str, float, str, str, Callable[[float, float], bool]]] = [
    # Where the second push waits for an acknowledgement there are 25.
    ("pairs of pushes a second", 500, "pairs", "rate", ge),
    ("joins a second", 60_000, "joins", "joins", ge),
    ("leaves a second", 60_000, "joins", "leaves", ge),
    ("KB an idle channel", 3.0, "channels", "kilobytes", le),
    ("KB an idle socket with a channel", 15.0, "sockets", "kilobytes", le),
    ("lines of log in a flood", 0, "flood", "log_lines", le),
]


def judge(results: Results) -> Iterator[Goal]:
    """Hold each goal against what was measured."""
    for text, times, ours, other in _RATIOS:
        by_cpu = _times(results, _by_cpu(ours), _by_cpu(other))
        yield Goal(text, times, _times(results, ours, other), ge, by_cpu)
    for text, bound, workload, metric, compare in _BOUNDS:
        reached = results.median(workload, "txphoenix", metric)
        by_cpu = results.median(workload, "txphoenix", f"{metric}_cpu")
        yield Goal(text, bound, reached, compare, by_cpu)


def _by_cpu(key: _Key) -> _Key:
    return (*key[:2], f"{key[2]}_cpu")


def _times(results: Results, ours: _Key, other: _Key) -> float | None:
    mine, theirs = results.median(*ours), results.median(*other)
    return mine / theirs if mine is not None and theirs else None
