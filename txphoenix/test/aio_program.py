"""An asyncio program with txphoenix, which tests run as a process.

::

    python -m txphoenix.test.aio_program LOOP SCENARIO [URL [CERTIFICATE]]

LOOP is ``asyncio`` or ``uvloop``; a scenario is a coroutine function of
:mod:`txphoenix.test.aio_scenarios`, of the URL and the client's options.
What it returns is printed as one line of JSON, with what is left in the loop.
A program that does not end is ended after a while, and shows where it stands.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import sys
import threading
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any

__all__ = ["LIMIT", "finish", "run", "say"]

LIMIT = 60
"""The seconds after which a program is ended."""


def say(value: object) -> None:
    """Print a line of JSON."""
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def run(loop: str, main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine as programs do, on one of the two kinds of loops."""
    if loop == "uvloop":
        return import_module("uvloop").run(main)
    return asyncio.run(main)


async def finish(scenario: Coroutine[Any, Any, Any]) -> dict[str, Any]:
    """Run a scenario to its end.

    :return: what it has returned, and what is left of it.
    """
    # How fast this machine is, is not to be seen on stderr.
    loop = asyncio.get_running_loop()
    loop.slow_callback_duration = LIMIT
    result = await scenario
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    selector = getattr(loop, "_selector", None)
    return {
        "result": result,
        "loop": type(loop).__module__.partition(".")[0],
        "tasks": len(asyncio.all_tasks()) - 1,
        # What asyncio watches for itself is a socket pair, which wakes it up.
        "watched": None if selector is None else len(selector.get_map()) - 1,
        "timers": len([call for call in _timers(loop) if not call.cancelled()]),
        "reactor": type(reactor).__name__,
        "running": getattr(reactor, "running", None),
        "calls": [] if reactor is None else list(map(str, reactor.getDelayedCalls())),
        "threads": [each.name for each in threading.enumerate()],
    }


def _timers(loop: Any) -> list[asyncio.TimerHandle]:
    return list(getattr(loop, "_scheduled", []))


def main(loop: str, name: str, *args: str) -> None:
    """Run a scenario, and print what it has come to."""
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    scenarios = import_module("txphoenix.test.aio_scenarios")
    scenario: Callable[..., Coroutine[Any, Any, Any]] = getattr(scenarios, name)
    options = scenarios.options(*args)
    say(run(loop, finish(scenario(*args[:1], **options))))


if __name__ == "__main__":
    main(*sys.argv[1:])
