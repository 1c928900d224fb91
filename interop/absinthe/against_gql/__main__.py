"""Look at both clients: ``python -m interop.absinthe.against_gql``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from twisted.internet import asyncioreactor

from ...command import CANNOT_RUN, nothing
from ...results import Result, Tally
from .gql_side import RELEASE, GqlSide
from .rows import ROWS, Cell, Row
from .sides import Side

LONGEST = 20.0
"""The seconds after which a situation is given up."""


async def look(reactor: Any, make: Callable[[], Side], situation: str) -> str:
    """Lead a client into a situation.

    :return: what is seen.
    """
    # They import a reactor, which has to be asyncio's.
    from ..server import AbsintheInteropServer
    from .situations import Stage

    loop = asyncio.get_running_loop()
    server = AbsintheInteropServer(reactor=reactor)
    await server.start().asFuture(loop)
    side = make()
    try:
        seeing = getattr(Stage(side, server), situation)()
        return str(await asyncio.wait_for(seeing, LONGEST))
    except TimeoutError:
        return f"given up after {LONGEST:g} s"
    finally:
        server.resume()
        await side.close()
        await server.stop(drain=False).asFuture(loop)


def result(row: Row, client: str, cell: Cell, seen: str) -> Result:
    """Whether what is seen is what the table has."""
    wrong = f"expected {cell.seen!r}, saw {seen!r}"
    return Result(f"{client}: {row.title}", [] if seen == cell.seen else [wrong])


async def run(reactor: Any, rows: list[Row]) -> Tally:
    """Look at all rows, and tell how far it is."""
    from .our_side import OurSide

    tally = Tally(2 * len(rows))
    for row in rows:
        for client, make, cell in (
            (f"gql {RELEASE}", GqlSide, row.gql),
            ("txphoenix.absinthe", lambda: OurSide(reactor), row.txphoenix),
        ):
            seen = await look(reactor, make, row.situation)
            lines = tally.lines(result(row, client, cell, seen))
            print("\n".join(lines), flush=True)
    return tally


def arguments() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(
        prog="python -m interop.absinthe.against_gql",
        description=f"Have txphoenix.absinthe and gql {RELEASE} in the same situations,"
        " and compare what is seen with the documentation's table. The exit code is 1"
        " if it is something else, 2 if it could not run.",
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="look only at the rows whose titles have all these words (default: all)",
    )
    parser.add_argument(
        "--if-any",
        action="store_true",
        help="it is no failure if no title has the words",
    )
    return parser


def main(args: list[str]) -> int:
    """Look at all of it; return the exit code."""
    options = arguments().parse_args(args)
    if find_spec("gql") is None:
        print(
            f"cannot run: it needs `pip install 'gql[websockets]=={RELEASE}'`",
            file=sys.stderr,
        )
        return CANNOT_RUN
    rows = [row for row in ROWS if all(it in row.title for it in options.words)]
    if not rows:
        return nothing("gql", options.words, options.if_any)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor

    began = time.monotonic()
    tally = loop.run_until_complete(run(reactor, rows))
    for each in tally.failed:
        print(f"FAILED  {each.title}")
    print(tally.summary(time.monotonic() - began))
    return 1 if tally.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
