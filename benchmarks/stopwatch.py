"""Two clocks: the time that has passed, and what this process had of its core.

On a machine that others use as well the first says little and the second still does.
"""

from __future__ import annotations

from time import perf_counter, process_time

__all__ = ["Stopwatch"]


class Stopwatch:
    """It runs from when it is made."""

    def __init__(self) -> None:
        self._cpu = process_time()
        self._began = perf_counter()

    def rates(self, count: float, name: str = "rate") -> dict[str, float]:
        """``count`` a second, by both clocks: ``name`` and ``name_cpu``."""
        seconds = perf_counter() - self._began
        cpu = process_time() - self._cpu
        return {name: count / seconds, f"{name}_cpu": count / max(cpu, 1e-6)}
