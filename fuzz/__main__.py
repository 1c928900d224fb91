"""Fuzz the library: ``python -m fuzz --help``."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

from .engine import why_not
from .faults import FAULTS
from .runs import LARGEST, LONGEST, Limits, Outcome, Run, table
from .targets import TARGETS

BUILD = Path(__file__).parent.parent / "build" / "fuzz"
# So often the progress is told, in seconds.
_EVERY = 10
_PROMPT = 0.2


def arguments() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzz",
        description="Give the library what servers send, made worse by atheris, and "
        "see what becomes of it. Exit status 1 if something is found.",
        epilog=f"targets: {', '.join(TARGETS)}. "
        "`python -m fuzz TARGET FILE` runs a target once, with an input that was "
        "found; it needs no atheris.",
    )
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="what to fuzz (default: all); or a target and the file of an input",
    )
    parser.add_argument(
        "--seconds", type=int, default=60, help="for each target (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=2,
        help="how many targets run side by side (default: %(default)s)",
    )
    parser.add_argument(
        "--memory",
        type=int,
        default=LARGEST,
        metavar="MB",
        help="the most memory of a process (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=int,
        default=LONGEST,
        metavar="SECONDS",
        help="the most time for one input (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="what atheris's choices begin with (default: other ones each time)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=BUILD,
        help="where inputs are kept from run to run (default: %(default)s)",
    )
    parser.add_argument(
        "--faults",
        action="store_true",
        help="plant faults in the library, one at a time, and see that each is found",
    )
    return parser


def replay(name: str, path: Path) -> int:
    """Run a target once; 1 if something is wrong with the input."""
    try:
        TARGETS[name].run(path.read_bytes())
    except Exception:
        traceback.print_exc()
        print(f"{name}: something is wrong with {path}")
        return 1
    print(f"{name}: nothing is wrong with {path}")
    return 0


def work(waiting: Iterator[Run], jobs: int) -> Iterator[Outcome]:
    """Run all, some at a time, and tell how far they have come."""
    running: list[Run] = []
    began = told = time.monotonic()
    try:
        while True:
            while len(running) < jobs and (run := next(waiting, None)) is not None:
                run.start()
                running.append(run)
            if not running:
                return
            time.sleep(_PROMPT)
            now = time.monotonic()
            if now - told >= _EVERY:
                told = now
                said = ", ".join(
                    f"{run.name} {run.executions:,} ({run.covered:,} branches)"
                    for run in running
                )
                print(f"{now - began:4.0f} s: {said}", file=sys.stderr, flush=True)
            for run in [run for run in running if not run.is_running]:
                running.remove(run)
                yield run.outcome()
    finally:
        for run in running:
            run.stop()


def fuzz(names: Sequence[str], options: argparse.Namespace) -> int:
    """Fuzz, and sum up; 1 if something was found."""
    limits = Limits(options.seconds, options.memory, options.timeout, options.seed)
    runs = (Run(name, options.folder, limits) for name in names)
    outcomes = list(work(runs, options.jobs))
    print("\n".join(table(outcomes)))
    for each in outcomes:
        if not each.is_good:
            print(f"{each.target}: {each.error}")
            if each.found:
                print(f"  again: python -m fuzz {each.target} {each.found}")
    return 0 if all(each.is_good for each in outcomes) else 1


def find_faults(names: Sequence[str], options: argparse.Namespace) -> int:
    """Have each fault found; 1 if one is not."""
    limits = Limits(options.seconds, options.memory, options.timeout, options.seed)
    faults = [(name, fault) for name in names for fault in FAULTS[name]]
    missed = 0
    planned = [Run(name, options.folder, limits, fault) for name, fault in faults]
    plan = dict(zip(map(id, planned), faults, strict=True))
    began = time.monotonic()
    for run in planned:
        (outcome,) = work(iter([run]), 1)
        _, fault = plan[id(run)]
        seconds = time.monotonic() - began
        said = outcome.error if outcome.found else "NOT FOUND"
        missed += not outcome.found
        print(
            f"{run.name}, {fault}: {said[:100]}"
            f" ({outcome.executions:,} executions; {seconds:.0f} s in all)",
            flush=True,
        )
    print(f"{len(faults)} faults planted, {len(faults) - missed} found")
    return 1 if missed else 0


def main() -> int:
    """Do what the command line says; return the exit status."""
    parser = arguments()
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    if len(names) == 2 and names[0] in TARGETS and names[1] not in TARGETS:
        path = Path(names[1])
        if not path.is_file():
            parser.error(f"{path} is neither a target nor a file")
        return replay(names[0], path)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"no such target: {unknown[0]}; there are {', '.join(TARGETS)}")
    missing = why_not()
    if missing:
        print(f"cannot fuzz: {missing}", file=sys.stderr)
        return 2
    return (find_faults if options.faults else fuzz)(names, options)


if __name__ == "__main__":
    sys.exit(main())
