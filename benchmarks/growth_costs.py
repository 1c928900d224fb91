"""What a piece of work costs, and how much of that is Python's garbage collector's.

The collector walks all that lives each time enough was made, so it is the first that is
to be suspected where a cost grows with the number of channels or sockets.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, process_time

__all__ = ["COLLECTORS", "Cost", "set_collector"]

COLLECTORS = ("default", "off", "frozen", "rare")
"""What can be done about the collector, to see what it costs.

It is left alone, or it is off; or what is there before the work is frozen, which is to
say, walked no more; or it runs as rarely as docs/performance.rst advises.
"""

RARE = (50_000, 20, 50)
"""The thresholds of ``rare``; those of Python 3.11 are 700, 10 and 10."""


def set_collector(name: str) -> None:
    """Have the collector do as is wanted from here on.

    What was made so far is walked once: that is the set-up's, and not to be counted.
    """
    gc.collect()
    if name == "off":
        gc.disable()
    elif name == "frozen":
        gc.freeze()
    elif name == "rare":
        gc.set_threshold(*RARE)


class Cost:
    """The seconds of all that was done inside :meth:`counted`, by three clocks."""

    def __init__(self) -> None:
        self._cpu = self._wall = self._collector = 0.0
        self._began = 0.0
        self._passes = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count what is done inside."""
        gc.callbacks.append(self._collects)
        wall, cpu = perf_counter(), process_time()
        try:
            yield
        finally:
            self._wall += perf_counter() - wall
            self._cpu += process_time() - cpu
            gc.callbacks.remove(self._collects)

    def of_one(self, count: int) -> dict[str, float]:
        """The microseconds of each of ``count``, and what the collector had of them."""
        return {
            "cpu": self._cpu / count * 1e6,
            "wall": self._wall / count * 1e6,
            "collector": self._collector / count * 1e6,
            "full_passes": float(self._passes),
        }

    def _collects(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = process_time()
            return
        self._collector += process_time() - self._began
        self._passes += info["generation"] == 2
