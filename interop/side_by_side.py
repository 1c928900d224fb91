"""An official client and txphoenix side by side: the same scenario, the same frames."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from .compare import Run, faults
from .node import Calls, Node, start_node
from .official import OURS, Client, Official
from .results import Result
from .script import Difference, Scenario, Step
from .trace import trace
from .watched import Watched

__all__ = ["Pair", "list_scenarios", "run_scenarios"]

PATIENCE = 8.0
"""The seconds after which a server is no longer waited for."""

LONGEST = 40.0
"""The seconds after which a scenario is given up."""

QUIET = 0.12
"""The seconds without a frame after which a scenario is over.

Longer than the delay of a rejoin.
"""


class OnNode:
    """The official client, in a process of Node."""

    def __init__(self, process: Node) -> None:
        self._process = process

    def act(self, *actions: Any) -> Deferred[Any]:
        """Do actions, in one turn."""
        return self._process.say("act", *actions)

    def wait(self, *words: Any) -> Deferred[Any]:
        """Wait until it has come to this."""
        return self._process.say("wait", *words)

    def told(self) -> Deferred[Any]:
        """How everything has ended."""
        return self._process.say("told")

    def end(self) -> Deferred[Any]:
        """Stop."""
        return self._process.say("end")


class Pair(NamedTuple):
    """A scenario over one transport."""

    scenario: Scenario
    transport: str

    @property
    def title(self) -> str:
        """What is printed of it."""
        name = self.scenario.name
        unlike = self.scenario.difference or self._posts
        told = "alike" if unlike is None else f"otherwise: {unlike.reason}"
        return f"side by side, {self.transport}: {name} ({told})"

    @property
    def _posts(self) -> Difference | None:
        return self.scenario.posts if self.transport == "longpoll" else None


def list_scenarios(official: Official) -> list[Pair]:
    """All scenarios, over each of their transports."""
    return [
        Pair(scenario, transport)
        for transport in ("websocket", "longpoll", "fallback")
        for scenario in official.scenarios
        if transport in scenario.over
    ]


async def run_scenarios(
    official: Official, reactor: Any, node: str, packages: Path, pairs: Iterable[Pair]
) -> AsyncIterator[Result]:
    """Run scenarios, one after the other, each with both clients at a time."""
    process: Node | None = None
    try:
        for pair in pairs:
            process = process or start_node(reactor, node, official.actions, packages)
            found, is_broken = await _run_pair(official, reactor, process, pair)
            if is_broken:
                await process.stop()
                process = None
            yield Result(pair.title, found)
    finally:
        if process is not None:
            await process.stop()


async def _run_pair(
    official: Official, reactor: Any, process: Node, pair: Pair
) -> tuple[list[str], bool]:
    """Run a scenario with both clients.

    :return: what is wrong, and whether the process of Node is of no use any more.
    """
    scenario, transport = pair
    runs: list[Deferred[Run | str]] = []
    for client in official.clients:
        run: Deferred[Run | str] = Deferred.fromCoroutine(
            _run(official, reactor, scenario, transport, client, process)
        )
        run.addTimeout(LONGEST, reactor)
        runs.append(run.addErrback(_failed, client))
    first, second = await gatherResults(runs)
    if isinstance(first, Run) and isinstance(second, Run):
        return faults(official, scenario, transport, first, second), False
    return [each for each in (first, second) if isinstance(each, str)], True


def _failed(failure: Failure, client: str) -> str:
    error = failure.value
    return f"{client}: {type(error).__name__}: {failure.getErrorMessage()}"


async def _run(
    official: Official,
    reactor: Any,
    scenario: Scenario,
    transport: str,
    name: str,
    process: Node,
) -> Run:
    """Run a scenario with one client against a server of its own."""
    options: dict[str, Any] = {
        "longpoll_window": 1.0,
        "longpoll_pubsub_timeout": 0.2,
        **dict(scenario.server),
    }
    server = official.server(reactor=reactor, **options)
    await server.start()
    controls = official.controls(server)
    client: Client
    if name == OURS:
        client = official.ours(reactor, transport, server.url)
    else:
        process.calls = {}
        await process.say("begin", transport, server.url)
        client = OnNode(process)
    try:
        for step in scenario.steps:
            if step.client in (None, name):
                await _do(reactor, step, client, controls)
        await _quiet(reactor, server, client)
        told: Any = await maybeDeferred(client.told)
        frames, wrong = trace(server.sessions, told, official.decoded)
        posts = [f"publish of {count}" for count in server.batches]
        return Run(frames, posts, [f"{name}: {fault}" for fault in wrong])
    finally:
        server.resume()
        await client.end()
        await server.stop(drain=False)


async def _do(reactor: Any, step: Step, client: Client, controls: Calls) -> None:
    match step.kind:
        case "act":
            await maybeDeferred(client.act, *step.words)
        case "wait":
            await client.wait(*step.words)
        case "serve":
            word, *args = step.words
            await maybeDeferred(controls[word], *args)
        case "until":
            wanted, word, *args = step.words
            await _until(reactor, controls, wanted, word, *args)


async def _until(
    reactor: Any, controls: Calls, wanted: Any, word: str, *args: Any
) -> None:
    deadline = reactor.seconds() + PATIENCE
    while True:
        said = controls[word](*args)
        if said == wanted:
            return
        if reactor.seconds() > deadline:
            raise AssertionError(f"the server: {word} is {said!r}, not {wanted!r}")
        await deferLater(reactor, 0.003)


async def _quiet(reactor: Any, server: Watched, client: Client) -> None:
    """Wait until no frame has come or gone for a while.

    A client that stands still meanwhile is not at rest, and has a while more.
    """
    deadline = reactor.seconds() + PATIENCE
    is_quiet = False
    while not is_quiet and reactor.seconds() < deadline:
        count, began = server.frame_count, reactor.seconds()
        await deferLater(reactor, QUIET)
        await maybeDeferred(client.told)
        stood_still = reactor.seconds() - began > 2 * QUIET
        is_quiet = count == server.frame_count and not stood_still
