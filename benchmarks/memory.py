"""How much memory this process has taken from the system."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage

__all__ = ["Peak", "resident_kilobytes"]

_STATM = Path("/proc/self/statm")
_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def resident_kilobytes(*, garbage: bool = False) -> float:
    """The resident set in KiB; where only its highest mark is known, that.

    :param garbage: whether what is garbage by now may stay part of it.
    """
    if not garbage:
        gc.collect()
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * getpagesize() / 1024
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak


class Peak:
    """How much the resident set grows at most, from when this is made."""

    def __init__(self) -> None:
        self._before = resident_kilobytes()
        if _CLEAR_REFS.exists():
            # From here on the system's highest mark counts from where we are.
            _CLEAR_REFS.write_text(_RESET_PEAK)

    def bytes(self) -> float:
        """The growth in bytes."""
        return max(0.0, 1024 * (_highest_kilobytes() - self._before))


def _highest_kilobytes() -> float:
    """The highest mark of this process.

    Of ``getrusage`` it is that of whoever started it, if that was higher.
    """
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1])
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak
