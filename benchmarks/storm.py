"""A server restarts, and all of its clients come back: the storm, and what it takes.

::

    python -m benchmarks.storm [--short] [--clients N...] [--json FILE] [--svg FILE]
    python -m benchmarks.storm_rejoins [--short]

Ten thousand, a hundred thousand and a million clients lose their server at the same
moment.
It is down for a while, and then takes only so many handshakes a second.
Time is virtual: what is simulated are the delays, which for ours come from the code
that the library itself asks.
The exit code is 1 if our clients' peak is not at least ten times lower than that of
phoenix.js, or the median time until they are back is over 1.5 times its.

The other half of a storm, what comes after the handshakes, is
:mod:`benchmarks.storm_rejoins`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from .pictures import NoPlotting, check_plotting
from .program import exit_code, run_program
from .storm_chart import svg
from .storm_clients import CLIENTS
from .storm_results import Case, Outcome, Storms, storm_lines
from .storm_server import OVERLOADS, Server
from .storm_simulation import simulate

__all__ = ["cases", "main", "parse", "run"]

_CLIENTS = (10_000, 100_000, 1_000_000)
_OUTAGES = (5.0, 30.0, 120.0)
_WORK = 20.0


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.storm",
        description="Simulate how the clients of a server that restarts come back. "
        "The exit code is 1 if ours are not as calm and as quick as they are to be.",
    )
    parser.add_argument(
        "--short", action="store_true", help="10,000 clients only; a check of the goals"
    )
    parser.add_argument(
        "--clients", type=_count, nargs="+", metavar="N", help="how many there are"
    )
    parser.add_argument(
        "--outages",
        type=_seconds,
        nargs="+",
        default=_OUTAGES,
        metavar="SECONDS",
        help="how long the server is down; by default 5, 30 and 120",
    )
    parser.add_argument(
        "--work",
        type=_seconds,
        nargs="+",
        default=(_WORK,),
        metavar="SECONDS",
        help="how long the server needs for the handshakes of all clients, which says "
        "how many it makes in a second; by default 20",
    )
    parser.add_argument(
        "--overload",
        choices=OVERLOADS,
        nargs="+",
        default=("refuses", "drops"),
        help="what it does with more: "
        + "; ".join(f"{name}: {what}" for name, what in OVERLOADS.items()),
    )
    parser.add_argument(
        "--seed", type=int, default=12, help="of what is random in the delays"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the storms")
    wanted = parser.parse_args(arguments)
    if wanted.clients is None:
        wanted.clients = _CLIENTS[:1] if wanted.short else _CLIENTS
    if wanted.svg:
        try:
            check_plotting()
        except NoPlotting as error:
            parser.error(str(error))
    return wanted


def _count(text: str) -> int:
    number = int(text.replace(",", "").replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number <= 86_400:
        raise argparse.ArgumentTypeError("must be above 0, and a day at most")
    return number


def cases(wanted: argparse.Namespace) -> Iterator[Case]:
    """Each case that is asked for."""
    for overload in wanted.overload:
        for work in wanted.work:
            for clients in wanted.clients:
                for outage in wanted.outages:
                    yield Case(clients, outage, work, overload)


def run(wanted: argparse.Namespace) -> Storms:
    """Simulate all of them, and show how far it is."""
    storms = Storms()
    every = [(case, name) for case in cases(wanted) for name in CLIENTS]
    for done, (case, name) in enumerate(every, 1):
        client = CLIENTS[name]
        print(f"[{done}/{len(every)}] {case}: {client.title}", file=sys.stderr)
        if client.same_as:
            storms.outcomes[case, name] = storms.outcomes[case, client.same_as]
            continue
        # The library's delays are random by the module's own generator.
        random.seed(wanted.seed)
        server = Server(case.outage, case.rate, case.overload)
        storm = simulate(
            case.clients, client.backoff(), server, _Progress(case), client.is_random
        )
        storms.outcomes[case, name] = Outcome.of(storm)
    return storms


class _Progress:
    """Tells of a long storm how far it is."""

    def __init__(self, case: Case) -> None:
        self._clients = case.clients

    def __call__(self, now: float, made: int, back: int) -> None:
        print(
            f"    after {now:,.0f} s: {made:,} attempts,"
            f" {back / self._clients:.0%} are back",
            file=sys.stderr,
        )


def main(arguments: list[str]) -> int:
    """Run it; the exit code."""
    wanted = parse(arguments)
    storms = run(wanted)
    print(*storm_lines(storms), sep="\n")
    if wanted.json:
        document = {"seed": wanted.seed, "storms": storms.as_json()}
        wanted.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if wanted.svg:
        wanted.svg.write_text(svg(storms), "utf-8")
    return exit_code(
        list(storms.failures()),
        "goals NOT reached",
        "Every peak is at least ten times lower than phoenix.js's,",
        "and no median time to be back is over 1.5 times its.",
    )


if __name__ == "__main__":
    run_program(main)
