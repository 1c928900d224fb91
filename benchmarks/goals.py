"""What the client must reach, each against another number of the same run."""

from __future__ import annotations

from collections.abc import Iterator
from operator import ge, le

from .goal import Bound, Goal, Judged, MostOf, Ratio
from .plan import LARGE, WAYS
from .results import Results

__all__ = ["judge"]

_PLAIN: list[Judged] = [
    Ratio("flood against phoenix.js", 1.2, "flood"),
    Ratio("flood against phoenix.js, CPU", 1.35, "flood", is_cpu_alone=True),
    Ratio("flood against stock Autobahn", 5.0, "flood", "stock"),
    Ratio("fan-in, 1000 against own flood", 0.9, "fan-in", "txphoenix", "flood"),
    Ratio("fan-in, 10k against own flood", 0.8, "fan-in-10k", "txphoenix", "flood"),
    Ratio("telemetry against own flood", 2 / 3, "telemetry", "txphoenix", "flood"),
    Ratio("traffic against own flood", 0.8, "traffic", "txphoenix", "flood"),
    Ratio("one at a time against phoenix.js", 1.0, "ping-1"),
    Ratio("64 outstanding against phoenix.js", 1.8, "ping-64"),
    # Where the second push waits for an acknowledgement there are 25.
    Bound("pairs of pushes a second", 500, "pairs", "rate", ge),
    # Stock keeps no channel, so it sets no bound for memory: what is left once the
    # garbage of the joins is gone must not be exceeded by much while it is there.
    Ratio("joins against stock", 1.0, "joins", "stock", metrics=("joins",)),
    Ratio("leaves against stock", 1.0, "joins", "stock", metrics=("leaves",)),
    Bound("KB a channel, garbage included", 3.0, "joins", "kilobytes", le),
    Bound("KB an idle channel", 3.0, "channels", "kilobytes", le),
    Ratio("sockets opened against phoenix.js", 1.2, "sockets"),
    Bound("KB an idle socket with a channel", 15.0, "sockets", "kilobytes", le),
    Bound("lines of log in a flood", 0, "flood", "log_lines", le),
]

_SECURE: list[Judged] = [
    Ratio("wss flood against phoenix.js", 1.2, "wss-flood"),
    Ratio("wss records against phoenix.js", 1.2, "wss-records"),
    Ratio("wss one at a time against phoenix.js", 1.0, "wss-ping-1"),
    Ratio("wss 64 outstanding, phoenix.js", 1.8, "wss-ping-64"),
    Ratio("wss sockets opened, phoenix.js", 1.2, "wss-sockets"),
    Ratio("wss sockets reopened, phoenix.js", 1.2, "wss-reopen"),
    Bound("KB an idle wss socket", 45.0, "wss-sockets", "kilobytes", le),
]

_LONG_POLL: list[Judged] = [
    Ratio("long-poll flood against phoenix.js", 2.0, "longpoll-flood"),
    Ratio("long-poll, 64 outstanding, phoenix.js", 2.0, "longpoll-ping-64"),
    Ratio("https flood against phoenix.js", 2.0, "https-flood"),
    Ratio("https 64 outstanding, phoenix.js", 2.0, "https-ping-64"),
]

# Of the three sizes the worst counts.
_LARGE: list[Judged] = []
for _name, _workload in LARGE.items():
    for _way in WAYS:
        _rates = tuple(
            metric
            for metric, unit in _workload.metrics.items()
            if unit == "MB/s" and metric.startswith(_way)
        )
        _peaks = tuple(f"{metric} peak" for metric in _rates)
        _text = f"{_workload.title} {_way}"
        _LARGE.append(Ratio(f"{_text} against phoenix.js", 1.2, _name, metrics=_rates))
        _LARGE.append(MostOf(f"{_text}, peak", 3.0, _name, _peaks))

_COMPRESSED: list[Judged] = [
    Ratio("compressed, 100 bytes, stock", 1.5, "compressed-100", "stock"),
    Ratio("compressed, 4 KiB, stock", 1.5, "compressed-4k", "stock"),
]

_GOALS = [*_PLAIN, *_SECURE, *_LONG_POLL, *_LARGE, *_COMPRESSED]


def judge(results: Results) -> Iterator[Goal]:
    """Hold each goal against what was measured."""
    for judged in _GOALS:
        yield judged.judge(results)
