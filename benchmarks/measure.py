"""One measurement, in a process of its own: prints what it measured, as JSON.

::

    python -m benchmarks.measure flood txphoenix PORT '{"count": 1000, "channels": 1}'
"""

from __future__ import annotations

# Twisted and Autobahn have functions without types.
# mypy: allow-untyped-calls
import argparse
import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from cProfile import Profile
from importlib import import_module
from inspect import iscoroutinefunction
from pathlib import Path
from pstats import Stats
from typing import Any

from twisted.internet.defer import ensureDeferred

from .address import Address
from .checks import Wrong

REACTORS = ("default", "asyncio", "uvloop")

SHOWN = 25
"""How many functions a profile shows."""

WRONG = 3
"""The exit code for a message that was lost or out of order."""


def install(reactor: str) -> None:
    """Install a reactor that is not the default."""
    if reactor == "default":
        return
    from twisted.internet import asyncioreactor

    loop = None
    if reactor == "uvloop":
        import uvloop

        loop = uvloop.new_event_loop()
    asyncioreactor.install(loop)


def run(function: Callable[..., Any], where: Address, sizes: dict[str, int]) -> Any:
    """Run one measurement, with the reactor if it needs it."""
    if not iscoroutinefunction(function):
        return function(where, **sizes)
    from twisted.internet import reactor

    outcome: list[Any] = []

    def start() -> None:
        measuring = ensureDeferred(function(reactor, where, **sizes))
        measuring.addBoth(outcome.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(start)
    reactor.run()
    if not outcome:
        raise KeyboardInterrupt
    (result,) = outcome
    if isinstance(result, dict):
        return result
    return result.raiseException()


def main() -> int:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure")
    parser.add_argument("module")
    parser.add_argument("client")
    parser.add_argument("port", type=int)
    parser.add_argument("sizes", type=json.loads)
    parser.add_argument("--authority", type=Path)
    parser.add_argument("--reactor", choices=REACTORS, default="default")
    parser.add_argument("--profile", action="store_true")
    wanted = parser.parse_args()
    install(wanted.reactor)
    module = import_module(f"benchmarks.{wanted.module}")
    function = getattr(module, wanted.client)
    profile = Profile() if wanted.profile else None
    try:
        with profile or nullcontext():
            where = Address(wanted.port, wanted.authority)
            measured = run(function, where, wanted.sizes)
    except Wrong as error:
        print(error, file=sys.stderr)
        return WRONG
    if profile is not None:
        Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(SHOWN)
    print(json.dumps(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
