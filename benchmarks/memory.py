"""How much memory this process has taken from the system."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getpagesize, getrusage

__all__ = ["resident_kilobytes"]

_STATM = Path("/proc/self/statm")


def resident_kilobytes() -> float:
    """The resident set in KiB; where only its highest mark is known, that."""
    gc.collect()
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * getpagesize() / 1024
    peak = getrusage(RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak
