"""An official client as client of our server: its cases, over each transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.defer import TimeoutError as DeferredTimeout

from .node import Node, NodeEnded, ScriptFailed, start_node
from .official import Official
from .results import Result

__all__ = ["Case", "list_cases", "run_cases"]

LONGEST = 30.0
"""The seconds after which a case is given up."""


class Case(NamedTuple):
    """One case over one transport."""

    client: str
    group: str
    name: str
    transport: str

    @property
    def title(self) -> str:
        """What is printed of it."""
        return f"{self.client}, {self.transport}: {self.group}: {self.name}"


async def list_cases(
    official: Official, reactor: Any, node: str, packages: Path
) -> list[Case]:
    """All cases."""
    process = start_node(reactor, node, official.cases, packages)
    try:
        listed = await process.say("list")
    finally:
        await process.stop()
    return [
        Case(official.name, each["group"], each["name"], transport)
        for transport in ("websocket", "longpoll", "fallback")
        for each in listed
        if transport in each["transports"]
    ]


async def run_cases(
    official: Official, reactor: Any, node: str, packages: Path, cases: list[Case]
) -> AsyncIterator[Result]:
    """Run cases, one after the other in one process, as long as that lives."""
    process: Node | None = None
    try:
        for case in cases:
            process = process or start_node(reactor, node, official.cases, packages)
            fault = await run_case(official, reactor, process, case)
            if isinstance(fault, NodeEnded | DeferredTimeout):
                # Whatever it hangs in, the next case is not to suffer from it.
                await process.stop()
                process = None
            yield Result(case.title, [] if fault is None else [str(fault)])
    finally:
        if process is not None:
            await process.stop()


async def run_case(
    official: Official, reactor: Any, process: Node, case: Case
) -> Exception | None:
    """Run a case against a server of its own.

    :return: why it failed.
    """
    server = official.server(
        reactor=reactor, longpoll_window=1.0, longpoll_pubsub_timeout=0.2
    )
    await server.start()
    process.calls = official.controls(server)
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
