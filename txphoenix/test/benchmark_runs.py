"""The benchmarks as a program, and as what tests can import.

They are in a clone, not in a wheel.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue

import txphoenix

__all__ = ["NOT_THERE", "ROOT", "run"]

ROOT = Path(txphoenix.__file__).parent.parent

NOT_THERE = (
    None if (ROOT / "benchmarks").is_dir() else "installed without its benchmarks"
)
"""Why a test that needs them is skipped."""

if NOT_THERE is None:
    # trial's working directory is another.
    sys.path.append(os.fspath(ROOT))
    try:
        import benchmarks.plan  # noqa: F401
    finally:
        sys.path.remove(os.fspath(ROOT))


def run(*arguments: str) -> Deferred[Any]:
    """Run their short form; fires with what was printed and the exit code."""
    outcome: Deferred[Any] = getProcessOutputAndValue(
        sys.executable,
        ["-m", "benchmarks", "--short", *arguments],
        env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
    )
    return outcome
