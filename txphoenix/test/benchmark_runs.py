"""The benchmarks as a program, and as what tests can import.

They are in a clone, not in a wheel.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue

from .clone import ROOT, clone_on_path

__all__ = ["NOT_THERE", "ROOT", "run"]

NOT_THERE = (
    None if (ROOT / "benchmarks").is_dir() else "installed without its benchmarks"
)
"""Why a test that needs them is skipped."""

if NOT_THERE is None:
    with clone_on_path():
        import benchmarks.plan  # noqa: F401


def run(*arguments: str) -> Deferred[Any]:
    """Run their short form; fires with what was printed and the exit code."""
    outcome: Deferred[Any] = getProcessOutputAndValue(
        sys.executable,
        ["-m", "benchmarks", "--short", *arguments],
        env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
    )
    return outcome
