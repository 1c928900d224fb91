"""phoenix.js as client of our server: the cases of ``cases/``, over each transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.defer import TimeoutError as DeferredTimeout

from .controls import controls
from .node import Node, NodeEnded, ScriptFailed, start_node
from .results import Result
from .server import InteropServer

__all__ = ["Case", "run_cases"]

LONGEST = 30.0
"""The seconds after which a case is given up."""


class Case(NamedTuple):
    """One case over one transport."""

    group: str
    name: str
    transport: str

    @property
    def title(self) -> str:
        """What is printed of it."""
        return f"phoenix.js, {self.transport}: {self.group}: {self.name}"


async def list_cases(reactor: Any, node: str, packages: Path) -> list[Case]:
    """All cases."""
    process = start_node(reactor, node, "cases.mjs", packages)
    try:
        listed = await process.say("list")
    finally:
        await process.stop()
    return [
        Case(each["group"], each["name"], transport)
        for transport in ("websocket", "longpoll", "fallback")
        for each in listed
        if transport in each["transports"]
    ]


async def run_cases(
    reactor: Any, node: str, packages: Path, cases: list[Case]
) -> AsyncIterator[Result]:
    """Run cases, one after the other in one process, as long as that lives."""
    process: Node | None = None
    try:
        for case in cases:
            process = process or start_node(reactor, node, "cases.mjs", packages)
            fault = await run_case(reactor, process, case)
            if isinstance(fault, NodeEnded | DeferredTimeout):
                # Whatever it hangs in, the next case is not to suffer from it.
                await process.stop()
                process = None
            yield Result(case.title, [] if fault is None else [str(fault)])
    finally:
        if process is not None:
            await process.stop()


async def run_case(reactor: Any, process: Node, case: Case) -> Exception | None:
    """Run a case against a server of its own.

    :return: why it failed.
    """
    server = InteropServer(
        reactor=reactor, longpoll_window=1.0, longpoll_pubsub_timeout=0.2
    )
    await server.start()
    process.calls = controls(server)
    if case.transport == "fallback":
        server.refuse(503, "websocket")
    running = process.say("run", case.group, case.name, case.transport, server.http_url)
    running.addTimeout(
        LONGEST,
        reactor,
        lambda _, seconds: _give_up(seconds),
    )
    try:
        await running
    except (ScriptFailed, NodeEnded, DeferredTimeout) as error:
        return error
    finally:
        server.resume()
        await server.stop(drain=False)
    return None


def _give_up(seconds: float) -> None:
    raise DeferredTimeout(f"given up after {seconds:g} seconds")
