"""What one costs, the more there are: of channels, and of sockets.

::

    python -m benchmarks.growth [--short] [--json FILE] [--svg FILE] [CURVE...]

Each number is measured in a process of its own, by the CPU time of the client, with all
that Python's garbage collector takes of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from .floods import FAULTS
from .growth_chart import svg
from .growth_costs import COLLECTORS
from .growth_plan import CURVES, SHORT_SIZES, Curve
from .growth_results import Growth, verdict_lines
from .pictures import NoPlotting, check_plotting
from .plan import Workload
from .processes import Failed, measure, server
from .program import exit_code, run_program

__all__ = ["main", "parse", "steps"]


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth",
        description="Measure what one costs, the more channels or sockets there are. "
        "The exit code is 1 if a message was lost or came out of order.",
        epilog=f"Curves: {', '.join(CURVES)}; by default all of them.",
    )
    parser.add_argument("curves", nargs="*", metavar="CURVE")
    parser.add_argument(
        "--short", action="store_true", help="a check for loss and order; not timed"
    )
    parser.add_argument("--repeats", type=int, help="of each measurement; by default 3")
    parser.add_argument(
        "--most", type=int, help="measure no more channels or sockets than this"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the curves")
    parser.add_argument(
        "--collector",
        choices=COLLECTORS,
        default="default",
        help="what is done about Python's garbage collector, to see what it takes",
    )
    parser.add_argument(
        "--fault", choices=FAULTS, help="have the server do this, to see it noticed"
    )
    wanted = parser.parse_args(arguments)
    unknown = set(wanted.curves) - set(CURVES)
    if unknown:
        parser.error(f"no such curve: {', '.join(sorted(unknown))}")
    if wanted.repeats is None:
        wanted.repeats = 1 if wanted.short else 3
    if wanted.repeats < 1:
        parser.error("--repeats must be at least 1")
    if wanted.svg:
        try:
            check_plotting()
        except NoPlotting as error:
            parser.error(str(error))
    wanted.curves = wanted.curves or list(CURVES)
    return wanted


def steps(wanted: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """Each measurement: the numbers take turns, so that a slow minute meets all."""
    for name in wanted.curves:
        for _ in range(wanted.repeats):
            for size in SHORT_SIZES if wanted.short else CURVES[name].sizes:
                if wanted.most is None or size <= wanted.most:
                    yield name, size


def run(wanted: argparse.Namespace) -> Growth:
    """Take all measurements, and show how far it is."""
    growth = Growth()
    every = list(steps(wanted))
    with server(wanted.fault) as at:
        for done, (name, size) in enumerate(every, 1):
            curve = CURVES[name]
            shown = f"{name}, {size:,} {curve.noun}"
            print(f"[{done}/{len(every)}] {shown}", file=sys.stderr)
            arguments = curve.arguments(
                size, wanted.short, COLLECTORS.index(wanted.collector)
            )
            try:
                measured = measure(_workload(curve), curve.function, at, arguments)
            except Failed as error:
                growth.failures.append(f"{shown}: {error}")
                print(f"FAILED: {growth.failures[-1]}", file=sys.stderr)
            else:
                growth.add(name, size, measured)
    return growth


def _workload(curve: Curve) -> Workload:
    """The same as a workload, which is what a process measures."""
    metrics = {curve.metric: curve.unit}
    return Workload(curve.module, curve.title, metrics, (curve.function,), {}, {})


def main(arguments: list[str]) -> int:
    """Run it; the exit code."""
    wanted = parse(arguments)
    growth = run(wanted)
    if not wanted.short:
        print(*verdict_lines(growth), sep="\n")
    if wanted.json:
        document = growth.as_json(
            form="short" if wanted.short else "full",
            repeats=wanted.repeats,
            collector=wanted.collector,
        )
        wanted.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if wanted.svg:
        wanted.svg.write_text(svg(growth), "utf-8")
    return exit_code(
        growth.failures,
        "measurements FAILED",
        "Every message came, once and in order.",
    )


if __name__ == "__main__":
    run_program(main)
