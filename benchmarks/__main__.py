"""Run the workloads; see the package's docstring."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from .chart import write_charts
from .floods import FAULTS
from .goals import judge
from .large_table import large_lines
from .measure import REACTORS
from .pictures import NoPlotting, check_plotting
from .plan import CLIENTS, WORKLOADS
from .processes import Failed, find_phoenix_js, measure, server
from .program import exit_code, run_program
from .results import Results
from .table import goal_lines, result_lines


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure txphoenix beside other clients, in one run. "
        "The exit code is 1 if a message was lost or came out of order.",
        epilog="By default all workloads are run; --list tells their names.",
    )
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    parser.add_argument(
        "--short", action="store_true", help="a check for loss and order; not timed"
    )
    parser.add_argument("--list", action="store_true", help="tell of the workloads")
    parser.add_argument("--repeats", type=int, help="of each measurement; by default 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    parser.add_argument(
        "--svg",
        type=Path,
        metavar="FILE",
        help="draw the rates and sizes over plain TCP; what goes over TLS and so on is "
        "drawn in files beside it",
    )
    parser.add_argument(
        "--phoenixjs",
        type=Path,
        metavar="DIR",
        help="where `npm install phoenix ws` was done; by default the current "
        "directory, if it was done there",
    )
    parser.add_argument(
        "--client",
        action="append",
        choices=CLIENTS,
        help="measure this one alone; more than one can be given",
    )
    parser.add_argument(
        "--reactor", choices=REACTORS, default="default", help="of the Python clients"
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="show where the time of txphoenix goes; under cProfile calls look dearer "
        "than they are",
    )
    parser.add_argument(
        "--fault", choices=FAULTS, help="have the server do this, to see it noticed"
    )
    wanted = parser.parse_args(arguments)
    unknown = set(wanted.workloads) - set(WORKLOADS)
    if unknown:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    if wanted.repeats is None:
        wanted.repeats = 1 if wanted.short or wanted.profile else 3
    if wanted.repeats < 1:
        parser.error("--repeats must be at least 1")
    wanted.is_whole = not wanted.workloads
    wanted.workloads = wanted.workloads or list(WORKLOADS)
    if wanted.svg:
        try:
            check_plotting()
        except NoPlotting as error:
            parser.error(str(error))
    directory = find_phoenix_js(wanted.phoenixjs)
    if wanted.phoenixjs and directory is None:
        parser.error(
            f"node, or {wanted.phoenixjs}/node_modules with phoenix and ws, is missing"
        )
    wanted.phoenixjs = directory
    return wanted


def steps(wanted: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """Each measurement: the clients take turns, so that a slow minute meets all."""
    left_out = set() if wanted.phoenixjs else {"phoenix_js"}
    if wanted.profile:
        left_out = set(CLIENTS) - {"txphoenix"}
    if wanted.client:
        left_out |= set(CLIENTS) - set(wanted.client)
    for name in wanted.workloads:
        turns = 1 if wanted.short or wanted.profile else WORKLOADS[name].turns
        for repeat in range(wanted.repeats * turns):
            for client in WORKLOADS[name].clients:
                if client not in left_out:
                    yield name, client, repeat


def run(wanted: argparse.Namespace) -> Results:
    """Take all measurements, and show how far it is."""
    results = Results()
    every = list(steps(wanted))
    with server(wanted.fault) as at:
        for done, (name, client, repeat) in enumerate(every, 1):
            workload = WORKLOADS[name]
            shown = f"[{done}/{len(every)}] {name}, {CLIENTS[client]}"
            print(f"{shown}, no. {repeat + 1}", file=sys.stderr)
            for sizes in workload.sizes(wanted.short):
                try:
                    measured = measure(
                        workload,
                        client,
                        at,
                        sizes,
                        reactor=wanted.reactor,
                        phoenix_js=wanted.phoenixjs,
                        profile=wanted.profile,
                    )
                except Failed as error:
                    results.failures.append(f"{name}, {CLIENTS[client]}: {error}")
                    print(f"FAILED: {results.failures[-1]}", file=sys.stderr)
                else:
                    results.add(name, client, measured)
    return results


def main(arguments: list[str]) -> int:
    """Run it; the exit code."""
    wanted = parse(arguments)
    if wanted.list:
        print(*(f"{name:18}{each.title}" for name, each in WORKLOADS.items()), sep="\n")
        return 0
    results = run(wanted)
    goals = list(judge(results))
    if not wanted.short and not wanted.profile:
        shown = [goal for goal in goals if wanted.is_whole or goal.reached is not None]
        print(*result_lines(results), "", sep="\n")
        if large := list(large_lines(results)):
            print(*large, "", sep="\n")
        print(*goal_lines(shown), sep="\n")
    if wanted.json:
        judged = [
            {"goal": goal.text, "wanted": goal.wanted, "reached": goal.reached}
            | {"by_cpu": goal.by_cpu, "holds": goal.holds, "verdict": goal.verdict}
            for goal in goals
        ]
        form = "short" if wanted.short else "full"
        document = results.as_json(
            form=form, reactor=wanted.reactor, repeats=wanted.repeats, goals=judged
        )
        wanted.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if wanted.svg:
        write_charts(results, wanted.svg)
    return exit_code(
        results.failures,
        "measurements FAILED",
        "Every message came, once and in order.",
    )


if __name__ == "__main__":
    run_program(main)
