"""Run the soak; see the package's docstring."""

from __future__ import annotations

import argparse
import random
import sys
import traceback
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.logger import globalLogBeginner, textFileLogObserver

from ..program import run_program
from ..server import allow_many_files
from . import planted, report
from .checks import LogCheck
from .course import Course
from .plan import make_plan
from .progress import Progress


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description="Have many clients live through all that networks and servers do. "
        "The exit code is 1 if an invariant was broken.",
    )
    parser.add_argument(
        "--minutes", type=float, default=1.0, help="of faults and quiet; by default 1"
    )
    parser.add_argument(
        "--seed", type=int, help="makes the plan; by default another one each time"
    )
    parser.add_argument(
        "--clients", type=int, default=50, help="of ten channels each; by default 50"
    )
    parser.add_argument("--plan", action="store_true", help="show the plan, and end")
    parser.add_argument(
        "--plant",
        choices=planted.FAULTS,
        action="append",
        default=[],
        help="break the library, to see it noticed; more than one can be given",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="write Twisted's log")
    wanted = parser.parse_args(arguments)
    if not wanted.minutes > 0:
        parser.error("--minutes must be above 0")
    if wanted.clients < 1:
        parser.error("--clients must be at least 1")
    if wanted.seed is None:
        wanted.seed = random.SystemRandom().randrange(10**6)
    return wanted


async def soak(reactor: Any, wanted: argparse.Namespace, course: Course) -> int:
    """Take the course; return the exit code."""
    observers: list[Any] = [LogCheck(course.verdict)]
    if wanted.log:
        # It is open until the process ends, for the last of all may log as well.
        observers.append(textFileLogObserver(wanted.log.open("w", encoding="utf-8")))
    globalLogBeginner.beginLoggingTo(observers, redirectStandardIO=False)
    for name in wanted.plant:
        planted.plant(name, reactor)
    try:
        await course.run()
    except Exception:
        # Of the soak itself, which then says nothing of the library.
        course.verdict.broken("the soak takes its course", traceback.format_exc())
    print(*report.lines(course, wanted.clients), sep="\n")
    verdict = course.verdict
    if not verdict.count:
        print("Every invariant held.")
        return 0
    for line in verdict.lines:
        print(f"BROKEN {line}")
    print(f"{verdict.count} times an invariant was BROKEN; the seed is {wanted.seed}")
    return 1


def main(arguments: list[str]) -> int:
    """Run it; the exit code."""
    wanted = parse(arguments)
    plan = make_plan(wanted.seed, wanted.minutes, wanted.clients)
    if wanted.plan:
        print(*plan.lines(), sep="\n")
        return 0
    allow_many_files()
    progress = Progress(sys.stderr)
    again = f"--minutes {wanted.minutes:g} --seed {wanted.seed}"
    again += f" --clients {wanted.clients}" * (wanted.clients != 50)
    progress.say(f"to have this plan again: python -m benchmarks.soak {again}")
    codes: list[int] = []

    def run(reactor: Any) -> Deferred[Any]:
        course = Course(reactor, plan, wanted.clients, progress)
        return Deferred.fromCoroutine(soak(reactor, wanted, course)).addCallback(
            codes.append
        )

    try:
        react(run)
    except SystemExit as ended:
        return codes[0] if codes else int(ended.code or 0)
    return codes[0]


if __name__ == "__main__":
    run_program(main)
