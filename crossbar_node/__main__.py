"""Run the tests on a real router: ``python -m crossbar_node --help``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from .environment import Missing, find_crossbar

CANNOT_RUN = 2
"""The exit code if Crossbar is missing, as ``python -m interop`` has it."""

TEMPORARY = Path(__file__).parent.parent / "build" / "crossbar"


def arguments() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(
        prog="python -m crossbar_node",
        description="Run the tests of the bridge on a real Crossbar router, by trial. "
        "The exit code is 1 if something failed, 2 if Crossbar is not there.",
    )
    parser.add_argument(
        "tests",
        nargs="*",
        metavar="TEST",
        default=["crossbar_node"],
        help="dotted names of some of them (default: all)",
    )
    parser.add_argument(
        "--temporary",
        type=Path,
        default=TEMPORARY,
        metavar="FOLDER",
        help="where the nodes' folders and logs are (default: %(default)s)",
    )
    return parser


def main(args: list[str]) -> int:
    """Do all of it; return the exit code."""
    options = arguments().parse_args(args)
    try:
        version = find_crossbar()
    except Missing as missing:
        print(f"cannot run: {missing}", file=sys.stderr)
        return CANNOT_RUN
    print(f"on Crossbar {version}; each node has its log in {options.temporary}")
    options.temporary.parent.mkdir(parents=True, exist_ok=True)
    # A process of its own: trial has its own ways with signals, the log and exit.
    trial = [sys.executable, "-m", "twisted.trial", "--temp-directory"]
    done = subprocess.run([*trial, str(options.temporary), *options.tests], check=False)
    return 1 if done.returncode else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
