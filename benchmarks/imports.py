"""How long an import of txphoenix takes, measured by that of Autobahn's WebSocket.

::

    python -m benchmarks.imports [--rounds N] [--limit RATIO]

What is measured is the CPU time of a whole process, with Python's own start and end, in
rounds: one process for each import, so that whatever slows the machine down slows all
of them.
All have their bytecode, as what pip has installed has.
``import txphoenix`` loads nothing before it is asked for, so the import of a client
(``from txphoenix import SocketClient``) has a limit as well.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from .program import exit_code, run_program

__all__ = ["BASE", "IMPORTS", "main"]

BASE: Final = "import autobahn.twisted.websocket"
"""What no WebSocket on Twisted and Autobahn does without."""

IMPORTS: Final = {"import txphoenix": 1.2, "from txphoenix import SocketClient": 1.3}
"""How many times as long as :data:`BASE` each may take.

The second takes 1.15 to 1.2 times as long; a tenth more is what a busy machine adds.
"""

# A busy machine gets so many times the rounds before it is believed.
_PATIENCE: Final = 3


def main(arguments: list[str] | None = None) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.imports",
        description="Measure how long an import takes, and how many times as long as"
        f" `{BASE}`. The exit code is 1 if one is past the limit.",
    )
    parser.add_argument("--rounds", type=int, default=15, help="by default 15")
    parser.add_argument("--limit", type=float, help="of all, in place of their own")
    parsed = parser.parse_args(arguments)
    times: dict[str, list[float]] = {code: [] for code in (BASE, *IMPORTS)}
    with TemporaryDirectory() as bytecode:
        for number, taken in enumerate(_rounds(Path(bytecode)), 1):
            for code, seconds in taken.items():
                times[code].append(seconds)
            _show_progress(number, parsed.rounds)
            if number % parsed.rounds == 0 and (
                number == _PATIENCE * parsed.rounds or not _slow(times, parsed.limit)
            ):
                break
    for code, every in times.items():
        print(
            f"{code:36} {1000 * median(every):6.0f} ms of CPU time"
            f"  {_ratio(times, code):5.2f} times"
        )
    return exit_code(
        _slow(times, parsed.limit),
        f"took more than allowed, in times of {BASE!r}",
        "None takes more than allowed.",
    )


def _rounds(bytecode: Path) -> Iterator[dict[str, float]]:
    """Run rounds without end, each of which gives the seconds of each import."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": os.fspath(bytecode)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    codes = (BASE, *IMPORTS)
    for code in codes:
        _seconds(code, environment)
    while True:
        yield {code: _seconds(code, environment) for code in codes}


def _seconds(code: str, environment: dict[str, str]) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _ratio(times: dict[str, list[float]], code: str) -> float:
    return median(
        one / other for one, other in zip(times[code], times[BASE], strict=True)
    )


def _slow(times: dict[str, list[float]], limit: float | None) -> list[str]:
    return [
        f"{code}: {_ratio(times, code):.2f} times"
        for code, own in IMPORTS.items()
        if _ratio(times, code) > (limit or own)
    ]


def _show_progress(number: int, rounds: int) -> None:
    if sys.stderr.isatty():
        print(f"\rround {number} of {rounds}", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_program(main)
