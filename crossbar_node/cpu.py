"""The CPU time that processes have had, by psutil, which comes with Crossbar."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

__all__ = ["used"]


def used(pids: Mapping[str, int]) -> dict[str, float]:
    """The seconds of CPU time that each has had so far.

    :param pids: name -> process.
    """
    psutil = importlib.import_module("psutil")
    times = {name: psutil.Process(pid).cpu_times() for name, pid in pids.items()}
    return {name: it.user + it.system for name, it in times.items()}
