"""What goes through the bridge in a second, with one, two and three workers.

::

    python -m crossbar_node.throughput [--short] [--workers N...] [--rounds N]

A Phoenix server, a Crossbar node with a router and the workers, and a client that
subscribes to all topics and calls, each a process of its own.
Events go from Phoenix to the client, calls from the client to Phoenix and back: by the
entry that all workers share, and to the one that has the topic.

What a machine has too few cores for does not get faster with more workers.
So beside the rates there is what each process got done in a second of its own CPU time,
and what would go through if each had a core of its own.
The exit code is 1 if an event was lost, came twice or out of order.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from twisted.internet import task
from twisted.internet.defer import Deferred, gatherResults

from txphoenix.wamp import topic_uri

from . import load_server
from .client import Client, join_realm
from .configuration import PREFIX, bridge_container, free_port, node, router
from .cpu import used
from .environment import Missing, find_crossbar
from .load_server import LISTENS
from .node import ROOT, Node
from .program import LONGEST, Program

__all__ = ["Measured", "Plan", "main", "table"]

TOPICS = 24
AT_A_TIME = 8
"""How many calls of each topic wait for their answers."""
BODY = "x" * 100


EVENTS = "events"
BY_ENTRY = "calls by the entry"
TO_OWNER = "calls to the owner"
KINDS = (EVENTS, BY_ENTRY, TO_OWNER)
"""What is measured, in this order."""

PARTS = ("server", "worker", "router", "client")
"""The processes; of the workers, what each gets done."""


class Plan(NamedTuple):
    """How much is sent.

    :ivar events: how many each topic has.
    :ivar calls: how many each of those has that call at the same time.
    """

    events: int
    calls: int


FULL = Plan(events=1500, calls=40)
SHORT = Plan(events=50, calls=2)


class Measured(NamedTuple):
    """One measurement.

    :ivar rate: events or calls a second.
    :ivar cpu: process -> how many in a second of its CPU time; of the workers, the sum.
    """

    rate: float
    cpu: dict[str, float]


class Wrong(Exception):
    """An event was lost, came twice or out of order."""


class Bench:
    """A server, a node with so many workers, and a client."""

    def __init__(self, reactor: Any, folder: Path, workers: int) -> None:
        self._reactor = reactor
        self._folder = folder
        self._names = [f"bridge-{number + 1}" for number in range(workers)]
        self._topics = [f"load:{number}" for number in range(TOPICS)]
        self._pids: dict[str, int] = {}
        self._numbers: defaultdict[str, list[int]] = defaultdict(list)
        self._wanted = 0
        self._all_came: Deferred[None] | None = None
        self.client: Client

    async def start(self, stack: AsyncExitStack) -> None:
        """Start all, and wait until every topic is joined."""
        self._folder.mkdir()
        server = Program(
            self._reactor,
            "the Phoenix server",
            [sys.executable, "-u", "-m", load_server.__name__],
            self._folder,
            {"PYTHONPATH": str(ROOT)},
        )
        stack.push_async_callback(server.stop)
        line = await server.start().said(LISTENS)
        extra = {"url": line.removeprefix(LISTENS), "prefix": PREFIX}
        ports = {"bridge": free_port(), "client": free_port()}
        containers = [
            bridge_container(name, ports["bridge"], dict(extra)) for name in self._names
        ]
        workers = [router(ports), *containers]
        started = Node(self._reactor, "the node", self._folder / "node", node(workers))
        stack.push_async_callback(started.stop)
        await started.start()
        self._pids = {"server": server.pid, "client": os.getpid()}
        for name in ("router", *self._names):
            self._pids[name] = await started.pid_of(name)
        self.client = await join_realm(self._reactor, ports["client"])
        stack.push_async_callback(self.client.end)
        await self.client.until_members(len(self._names))
        for topic in self._topics:
            await self._hear(topic)
        # A call is answered once its topic is joined.
        await gatherResults(self._call(topic, "echo") for topic in self._topics)

    async def _hear(self, topic: str) -> None:
        numbers = self._numbers[topic]

        def tick(payload: dict[str, Any]) -> None:
            numbers.append(payload["number"])
            self._wanted -= 1
            if not self._wanted and self._all_came is not None:
                self._all_came.callback(None)

        await self.client.subscribe(tick, f"{PREFIX}.{topic}.tick")

    def _call(self, topic: str, event: str, payload: Any = None) -> Any:
        return self.client.call(f"{PREFIX}.push", topic, event, payload or {})

    async def events(self, count: int) -> Measured:
        """Have each topic send so many."""
        for numbers in self._numbers.values():
            numbers.clear()
        self._wanted = count * TOPICS
        came: Deferred[None] = Deferred()
        self._all_came = came
        flood = {"count": count, "body": BODY}

        async def run() -> None:
            floods = [self._call(topic, "flood", flood) for topic in self._topics]
            await gatherResults(floods)
            await came.addTimeout(LONGEST, self._reactor)

        measured = await self._measure(run, count * TOPICS)
        for topic, numbers in self._numbers.items():
            if numbers != list(range(count)):
                raise Wrong(f"{topic} had {len(numbers)} events, or not in order")
        return measured

    def _call_owner(self, topic: str, event: str, payload: Any) -> Any:
        return self.client.call(topic_uri(PREFIX, topic), "push", event, payload)

    async def calls(self, kind: str, count: int) -> Measured:
        """Call for each topic, so many times each of those who do so side by side."""
        call = self._call_owner if kind == TO_OWNER else self._call
        callers = self._topics * AT_A_TIME

        async def of(topic: str) -> None:
            for number in range(count):
                reply = await call(topic, "echo", {"n": number, "body": BODY})
                if reply["n"] != number:
                    raise Wrong(f"{topic} was answered {reply}")

        async def run() -> None:
            await gatherResults(Deferred.fromCoroutine(of(topic)) for topic in callers)

        return await self._measure(run, count * len(callers))

    async def _measure(self, run: Any, count: int) -> Measured:
        before, began = used(self._pids), perf_counter()
        await run()
        seconds, after = perf_counter() - began, used(self._pids)
        cpu = {name: after[name] - before[name] for name in self._pids}
        workers = sum(cpu.pop(name) for name in self._names)
        per_second = {
            name: count / max(it, 0.01)
            for name, it in {**cpu, "worker": workers}.items()
        }
        return Measured(count / seconds, per_second)


Results = dict[tuple[str, int], list[Measured]]


async def measure(reactor: Any, counts: list[int], plan: Plan, rounds: int) -> Results:
    """Take turns, so that a change of the machine's mood is shared."""
    results: Results = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            for count in counts:
                print(f"round {turn + 1}, {count} workers ...", file=sys.stderr)
                async with AsyncExitStack() as stack:
                    place = Path(folder) / f"{turn}-{count}"
                    bench = Bench(reactor, place, count)
                    await bench.start(stack)
                    results[EVENTS, count].append(await bench.events(plan.events))
                    for kind in (BY_ENTRY, TO_OWNER):
                        results[kind, count].append(await bench.calls(kind, plan.calls))
    return results


def table(results: Results, cores: int) -> Iterator[str]:
    """The results: medians, and ratios to the first number of workers."""
    yield (
        f"{'':18}{'workers':>8}{'a second':>10}{'ratio':>7}   in a second of CPU time: "
        + "".join(f"{part:>9}" for part in PARTS)
        + f"{'a core each':>13}{'ratio':>7}  limited by"
    )
    first: dict[str, tuple[float, float]] = {}
    in_order = sorted(results.items(), key=lambda it: (KINDS.index(it[0][0]), it[0][1]))
    for (kind, count), all_measured in in_order:
        rate = statistics.median(it.rate for it in all_measured)
        cpu = {
            part: statistics.median(it.cpu[part] for it in all_measured)
            for part in PARTS
        }
        most, limit = core_each(cpu, count)
        first_rate, first_most = first.setdefault(kind, (rate, most))
        yield (
            f"{kind:18}{count:>8}{rate:>10,.0f}{rate / first_rate:>7.2f}{'':28}"
            + "".join(f"{each:>9,.0f}" for each in cpu.values())
            + f"{most:>13,.0f}{most / first_most:>7.2f}  the {limit}"
        )
    yield f"on {cores} cores; {TOPICS} topics, texts of {len(BODY)} characters"


def core_each(cpu: dict[str, float], workers: int) -> tuple[float, str]:
    """What would go through if each process had a core, and what limits it."""
    together = {
        part: it * (workers if part == "worker" else 1) for part, it in cpu.items()
    }
    limit = min(together, key=together.__getitem__)
    return together[limit], limit


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m crossbar_node.throughput",
        description="Measure events and calls a second through the bridge.",
    )
    parser.add_argument(
        "--short", action="store_true", help="few of them: a check that none is lost"
    )
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[1, 2, 3], metavar="N"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    options = parser.parse_args(arguments)
    if options.short:
        options.workers, options.rounds = [options.workers[-1]], 1
    return options


def main(arguments: list[str]) -> int:
    """Measure, and print the table; return the exit code."""
    options = parse(arguments)
    try:
        find_crossbar()
    except Missing as missing:
        print(f"cannot run: {missing}", file=sys.stderr)
        return 2
    plan = SHORT if options.short else FULL
    taken: list[Results] = []

    async def run(reactor: Any) -> None:
        taken.append(await measure(reactor, options.workers, plan, options.rounds))

    try:
        task.react(run)
    except SystemExit as done:
        # This is how task.react() returns; what it has failed with is printed.
        if done.code or not taken:
            return 1
    print("\n".join(table(taken[0], os.cpu_count() or 1)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
