"""Run the AutobahnTestSuite: ``python -m compliance --help``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twisted.internet import task
from twisted.internet.defer import Deferred, gatherResults

from .suite import SuiteMissing, find_python, fuzzing_server, install
from .testee import AGENTS, case_count, run_cases
from .verdict import Report, compare, table

BUILD = Path(__file__).parent.parent / "build"


def arguments() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(
        prog="python -m compliance",
        description="Run the AutobahnTestSuite against the fast protocol and against "
        "Autobahn's own. Fails if the fast one fails a case or is worse in one.",
    )
    parser.add_argument(
        "--cases",
        nargs="+",
        default=["*"],
        metavar="CASE",
        help='cases to run, for instance "1.*" 9.1.6 (default: all)',
    )
    parser.add_argument(
        "--install",
        action="store_true",
        help="install the suite first if it is not there (from PyPI)",
    )
    parser.add_argument(
        "--suite",
        type=Path,
        default=BUILD / "autobahntestsuite",
        metavar="FOLDER",
        help="where the suite is installed (default: %(default)s)",
    )
    parser.add_argument(
        "--reports",
        type=Path,
        default=BUILD / "compliance",
        metavar="FOLDER",
        help="where the suite writes its reports (default: %(default)s)",
    )
    parser.add_argument(
        "--python27",
        metavar="PATH",
        help="the Python 2.7 that runs the suite (default: look for one)",
    )
    return parser


async def run(reactor: Any, url: str, agent: str) -> None:
    """Run all cases with an agent, and tell how far it has come."""
    began = time.monotonic()
    count = await case_count(reactor, url)
    async for number in run_cases(reactor, url, agent):
        if number % 25 == 0 or number == count:
            seconds = time.monotonic() - began
            told = f"{agent}: {number} of {count} cases, {seconds:.0f} s"
            print(told, file=sys.stderr, flush=True)


def tell(reports: dict[str, Report]) -> int:
    """Print the comparison; 0 if it holds."""
    print("\n".join(table(reports)))
    failed, worse = compare(reports["fast"], reports["stock"])
    for line in failed:
        print("failed ", line)
    for line in worse:
        print("worse than stock ", line)
    cases = len(reports["fast"])
    print(f"{cases} cases, {len(failed)} failed, {len(worse)} worse than stock")
    return 1 if failed or worse or not cases else 0


def main() -> int:
    """Do all of it; return the exit status."""
    options = arguments().parse_args()
    folders = {agent: options.reports / agent for agent in AGENTS}
    for folder in folders.values():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    try:
        python = find_python(options.python27)
        if options.install and not options.suite.is_dir():
            install(python, options.suite)
        with ExitStack() as stack:
            # A server has work for one core, so each agent gets its own.
            urls = {
                agent: stack.enter_context(
                    fuzzing_server(python, options.suite, folder, options.cases)
                )
                for agent, folder in folders.items()
            }
            task.react(work, [urls])
    except SuiteMissing as missing:
        print(f"cannot run: {missing}", file=sys.stderr)
    except SystemExit as done:
        # This is how task.react() returns.
        if not done.code:
            return tell({agent: report_in(folders[agent], agent) for agent in AGENTS})
    return 2


def work(reactor: Any, urls: dict[str, str]) -> Deferred[Any]:
    """Run the agents side by side."""
    runs = (run(reactor, url, agent) for agent, url in urls.items())
    return gatherResults(map(Deferred.fromCoroutine, runs), consumeErrors=True)


def report_in(folder: Path, agent: str) -> Report:
    """What the server wrote of an agent."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    report: Report = index[agent]
    return report


if __name__ == "__main__":
    sys.exit(main())
