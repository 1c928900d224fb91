"""The command line of each comparison: all cases and scenarios of a client."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred

from .cases import list_cases, run_cases
from .environment import Missing, find_node, find_packages, install
from .official import Official
from .results import Result, Tally
from .side_by_side import list_scenarios, run_scenarios

__all__ = ["CANNOT_RUN", "main"]

CANNOT_RUN = 2
"""The exit code if Node or a package is missing, as ``python -m compliance`` has it."""


def arguments(official: Official) -> argparse.ArgumentParser:
    """What the command line takes."""
    packages = official.packages
    parser = argparse.ArgumentParser(
        prog=packages.program,
        description=f"Run {official.name} against our server, and beside txphoenix. "
        f"It needs Node, and of npm {packages}. "
        "The exit code is 1 if something failed, 2 if it could not run.",
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="run only what has all these words in its line (default: all)",
    )
    parser.add_argument(
        "--install",
        action="store_true",
        help="install the packages first, by npm",
    )
    parser.add_argument(
        "--if-any",
        action="store_true",
        help="be content if nothing has the words, which are for another client",
    )
    parser.add_argument(
        "--packages",
        "--phoenixjs",
        type=Path,
        metavar="DIR",
        help="where the packages are, or are installed, in DIR/node_modules "
        "(default: in tox's environment; or, if they are there, in the current "
        "directory)",
    )
    return parser


async def run(
    official: Official, reactor: Any, node: str, packages: Path, words: list[str]
) -> Tally:
    """Run all that has the words, and tell how far it is."""
    cases = [
        case
        for case in await list_cases(official, reactor, node, packages)
        if all(word in case.title for word in words)
    ]
    pairs = [
        pair
        for pair in list_scenarios(official)
        if all(word in pair.title for word in words)
    ]
    tally = Tally(len(cases) + len(pairs))
    await show(tally, run_cases(official, reactor, node, packages, cases))
    await show(tally, run_scenarios(official, reactor, node, packages, pairs))
    return tally


async def show(tally: Tally, results: AsyncIterator[Result]) -> None:
    """Print results as they come."""
    async for result in results:
        print("\n".join(tally.lines(result)), flush=True)


def main(official: Official, args: list[str]) -> int:
    """Do all of it; return the exit code."""
    options = arguments(official).parse_args(args)
    try:
        node = find_node()
        if options.install:
            packages = install(official.packages, options.packages)
        else:
            packages = find_packages(official.packages, options.packages)
    except Missing as missing:
        print(f"cannot run: {missing}", file=sys.stderr)
        return CANNOT_RUN
    began = time.monotonic()
    finished: list[Tally] = []

    def work(reactor: Any) -> Deferred[None]:
        running = Deferred.fromCoroutine(
            run(official, reactor, node, packages, options.words)
        )
        return running.addCallback(finished.append)

    try:
        task.react(work)
    except SystemExit as done:
        # This is how task.react() returns; what it has failed with is printed.
        if done.code or not finished:
            return 1
    (tally,) = finished
    if not tally.count:
        print(f"nothing has the words {' '.join(options.words)}", file=sys.stderr)
        return 0 if options.if_any else CANNOT_RUN
    for result in tally.failed:
        print(f"FAILED  {result.title}")
    print(tally.summary(time.monotonic() - began))
    return 1 if tally.failed else 0
