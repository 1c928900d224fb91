"""The course of a soak: faults, quiet, faults, quiet, and the end."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.internet.ssl import Certificate
from twisted.internet.task import LoopingCall, deferLater

from txphoenix import client_tls

from ..server import HOST
from . import measures
from .clients import Client
from .control import WorldProcess
from .ledger import Ledger, Verdict
from .measures import Held
from .plan import Cycle, Plan, Step
from .progress import Progress
from .recovery import Recovery
from .seats import CHANNELS, seats

__all__ = ["BACK_WITHIN", "Course"]

BACK_WITHIN = 30.0
"""Seconds after the last fault of a cycle in which everything must be well again.

A silent death is found after a heartbeat's interval and its timeout (4 s), the next
attempt is made within ``reconnect_interval`` (4 s), may take ``connect_timeout`` (4 s)
and fail; a join that fails is tried again after up to 10 seconds.
"""

_LOOK = 0.05
"""Seconds from one look at the clients to the next."""
_RATE = 4.0
"""What each client does in a second."""
_STOP_WITHIN = 15.0
"""Seconds in which all clients stop; each has ``close_timeout`` (1 s), and one more."""
_WAITING = ("receive", "reader")
"""What waits in a quiet moment, too."""


class Course:
    """One soak.

    :param reactor: the reactor.
    :param plan: what goes wrong.
    :param count: how many clients there are.
    :param progress: is told how far it is.
    :ivar ledger: what was handed out.
    :ivar verdict: what was broken.
    :ivar recovery: how long clients took to be back.
    :ivar moments: what this process held in each quiet moment.
    :ivar befallen: how many clients each fault has befallen.
    :ivar seconds: how long it took.
    :ivar messages: how many messages have come.
    :ivar changed: how many of them were changed on a line that changes bytes.
    :ivar reconnects: how often a client was connected again.
    :ivar ends: how their connections ended how often.
    :ivar highest: the most messages that have waited for a reader.
    :ivar others: what else happened how often.
    :ivar server: what the servers' process told at last.
    """

    def __init__(
        self, reactor: Any, plan: Plan, count: int, progress: Progress
    ) -> None:
        self._reactor = reactor
        self._plan = plan
        self._seats = seats(count)
        self._progress = progress
        self._began = reactor.seconds()
        self._cycle = 0
        self._active: Counter[str] = Counter()
        self.befallen: Counter[str] = Counter()
        self.ledger = Ledger(reactor.seconds)
        self.verdict = Verdict(self._moment, progress.say)
        self.recovery = Recovery(reactor.seconds)
        self.moments: list[Held] = []
        self.clients: list[Client] = []
        self.seconds = 0.0
        self.messages = self.changed = self.reconnects = self.highest = 0
        self.others: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.server: dict[str, Any] = {}
        self.world = WorldProcess(reactor)
        self._chance = random.Random(plan.seed)
        self._load = LoopingCall(self._act)
        self._watching = LoopingCall(self._look)
        self._turn = 0

    def _moment(self) -> str:
        seconds = self._reactor.seconds() - self._began
        return f"at {seconds:.1f} s, in cycle {self._cycle}"

    # The whole.

    async def run(self) -> None:
        """Take the course, to its end whatever breaks."""
        self.world.start()
        try:
            where = await self.world.ask("start", clients=len(self._seats))
            before = self._held_by_reactor()
            files = measures.held(self._reactor).files
            await self._run(where)
            await self._stop(before, files)
        finally:
            for each in (self._load, self._watching):
                if each.running:
                    each.stop()
            self.seconds = self._reactor.seconds() - self._began
            await self.world.stop()

    async def _run(self, where: dict[str, Any]) -> None:
        trusted = Certificate.loadPEM(where["authority"].encode("ascii"))
        tls = client_tls(HOST, trust_root=trusted)
        for seat, url in zip(self._seats, where["urls"], strict=True):
            chance = random.Random(f"{self._plan.seed} {seat.number}")
            self.clients.append(
                Client(self._reactor, seat, url, tls, chance, self.ledger, self.verdict)
            )
        for client in self.clients:
            client.start()
        self._watching.start(_LOOK)
        await self._until_back()
        self._say("all are joined for the first time")
        await self._warm_up()
        for number, cycle in enumerate(self._plan.cycles, 1):
            self._cycle = number
            await self._take(cycle)
            await self._be_quiet()
        for what in measures.grown(*self.compared(), len(self.clients)):
            self.verdict.broken("nothing grows", what)

    def compared(self) -> tuple[Held, Held]:
        """The two moments that are compared: warm, after a third, and at the end."""
        return self.moments[max(0, len(self.moments) // 3 - 1)], self.moments[-1]

    async def _warm_up(self) -> None:
        """Have each channel crash once, for it has a part that is made then.

        What grows later grows not because of that.
        """
        everybody = tuple(seat.number for seat in self._seats)
        crash = Step(0, 0.0, 0.0, "crash", everybody, {})
        await self.world.ask("begin", step=crash.as_json())
        await self._until_alive()

    # A cycle.

    async def _take(self, cycle: Cycle) -> None:
        await self.world.ask("speak", on=True)
        self._load.start(_LOOK)
        steps = [Deferred.fromCoroutine(self._do(step)) for step in cycle.steps]
        await deferLater(self._reactor, cycle.seconds, lambda: None)
        await gatherResults(steps)
        self._load.stop()

    async def _do(self, step: Step) -> None:
        await deferLater(self._reactor, step.at, lambda: None)
        befallen = self._befallen(step)
        self.recovery.begin(befallen)
        self._active[step.fault] += 1
        self.befallen[step.fault] += len(befallen)
        for client in befallen:
            client.befall(step.fault, True)
        await self.world.ask("begin", step=step.as_json())
        if step.seconds:
            await deferLater(self._reactor, step.seconds, lambda: None)
            await self.world.ask("end", step=step.as_json())
        for client in befallen:
            client.befall(step.fault, False)
        self._active[step.fault] -= 1
        self.recovery.end(befallen, step.fault)

    def _befallen(self, step: Step) -> list[Client]:
        where = step.details.get("where")
        if where is None:
            return [self.clients[number] for number in step.clients]
        return [
            client
            for client in self.clients
            if where in {"both", "secure" if client.seat.secure else "plain"}
        ]

    # Quiet.

    async def _be_quiet(self) -> None:
        """See that all is well again, and what is held then."""
        await self._until_back()
        await self._until_alive()
        await self.world.ask("speak", on=False)
        await self._until_settled()
        held = measures.held(self._reactor)
        self.moments.append(held)
        longest = self.recovery.longest
        self._say(
            f"all is well again: {self._counted()}, longest time to be back "
            f"{longest.seconds:.1f} s; {held.resident / 1024:.1f} MiB, "
            f"{held.blocks:,} blocks, {held.objects:,} objects"
        )

    async def _until(self, holds: Callable[[], bool], seconds: float) -> bool:
        until = self._reactor.seconds() + seconds
        while not holds():
            if self._reactor.seconds() > until:
                return False
            await deferLater(self._reactor, _LOOK, lambda: None)
        return True

    async def _until_back(self) -> None:
        if await self._until(
            lambda: all(it.is_back for it in self.clients), BACK_WITHIN
        ):
            return
        for client in self.clients:
            if not client.is_back:
                what = f"after {BACK_WITHIN:g} s {client.missing()}"
                self.verdict.broken("all are back after the faults", what)

    async def _until_alive(self) -> None:
        """Each channel answers, and the server has joined what the clients have."""
        rooms = [(client, room) for client in self.clients for room in client.rooms]
        until = self._reactor.seconds() + BACK_WITHIN
        silent = {room.topic: (client, room) for client, room in rooms}
        while silent and self._reactor.seconds() < until:
            await self._probe(silent)
        for client, room in silent.values():
            what = f"{room.topic} does not answer; {client.missing()}"
            self.verdict.broken("all are back after the faults", what)
        await self._compare()

    async def _probe(self, silent: dict[str, Any]) -> None:
        """Push to those channels, and leave those that do not answer in ``silent``."""
        probed = tuple(silent.items())
        outcomes: list[str] = []

        def done(answers: bool, topic: str) -> None:
            outcomes.append(topic)
            if answers:
                silent.pop(topic, None)

        for topic, (client, room) in probed:
            client.probe(room).addCallback(done, topic)
        # One that fails at once may do better in a moment.
        await deferLater(self._reactor, _LOOK, lambda: None)
        await self._until(lambda: len(outcomes) == len(probed), BACK_WITHIN)

    async def _compare(self) -> None:
        """Both sides have joined the same, and no push has come twice."""
        wanted = {
            (str(client.seat.number), room.topic)
            for client in self.clients
            for room in client.rooms
        }
        seen = len(self.server.get("wrong", ()))
        until = self._reactor.seconds() + BACK_WITHIN
        joined: set[tuple[str, ...]] = set()
        while joined != wanted and self._reactor.seconds() < until:
            await deferLater(self._reactor, _LOOK, lambda: None)
            self.server = await self.world.ask("status")
            joined = {tuple(it) for it in self.server["joined"]}
        if joined != wanted:
            what = f"only clients: {wanted - joined}, only server: {joined - wanted}"
            self.verdict.broken("both sides agree what is joined", what)
        for wrong in self.server["wrong"][seen:]:
            self.verdict.broken("no push comes twice, and no server breaks", wrong)

    async def _until_settled(self) -> None:
        """No push is outstanding, nor any Deferred else but those of readers."""
        if not await self._until(lambda: not self.ledger.count(*_WAITING), BACK_WITHIN):
            for left in self.ledger.left(*_WAITING):
                self.verdict.broken("every Deferred fires", left)

    # The end.

    async def _stop(self, before: set[Any], files: int) -> None:
        """Stop all clients; then nothing of them may be left."""
        self._watching.stop()
        self._count()
        stops = DeferredList([client.stop() for client in self.clients])
        done: list[Any] = []
        stops.addCallback(done.append)
        if not await self._until(lambda: bool(done), _STOP_WITHIN):
            what = f"some have not after {_STOP_WITHIN:g} s"
            self.verdict.broken("stopService() fires", what)
        for left in self.ledger.left():
            self.verdict.broken("every Deferred fires, by the end of the stop", left)
        for each in self._held_by_reactor() - before:
            self.verdict.broken("a stop leaves nothing to the reactor", each)
        held = measures.held(self._reactor)
        if held.files > files:
            what = f"{files} files were open before, {held.files} are now"
            self.verdict.broken("a stop leaves no file open", what)
        self.clients.clear()
        for kind, number in measures.clients_left().items():
            what = f"{number} of {kind} are still there"
            self.verdict.broken("a stopped client is garbage", what)

    def _count(self) -> None:
        for client in self.clients:
            self.reconnects += client.opened - 1
            self.others += client.counts
            self.ends += client.ends
            for room in client.rooms:
                self.messages += room.order.count
                self.changed += room.order.changed
                self.highest = max(self.highest, room.highest)

    def _held_by_reactor(self) -> set[Any]:
        reactor = self._reactor
        everything = (reactor.getDelayedCalls, reactor.getReaders, reactor.getWriters)
        return {each for get in everything for each in get()}

    # All the while.

    def _act(self) -> None:
        """Have some clients do something."""
        for client in self._chance.choices(
            self.clients, k=round(_RATE * _LOOK * len(self.clients))
        ):
            client.act()

    def _look(self) -> None:
        self.recovery.look(self.clients)
        now = self._reactor.seconds()
        self._turn += 1
        for what in self.clients[self._turn % len(self.clients)].over_limits():
            self.verdict.broken("buffers stay within their limits", what)
        if self._turn % 20 == 0:
            faults = ", ".join(f"{it} x{n}" for it, n in (+self._active).items())
            self._progress.status(now, f"{self._now()} {self._counted()}; {faults}")

    def _now(self) -> str:
        seconds = self._reactor.seconds() - self._began
        return f"[{seconds:5.1f} s, {self._cycle}/{len(self._plan.cycles)}]"

    def _counted(self) -> str:
        connected = sum(client.client.connected for client in self.clients)
        rooms = [room for client in self.clients for room in client.rooms]
        joined = sum(room.channel.is_joined for room in rooms)
        reconnects = sum(client.opened - 1 for client in self.clients)
        broken = f", {self.verdict.count} BROKEN" if self.verdict.count else ""
        return (
            f"{connected} connected, {joined}/{len(self._seats) * CHANNELS} joined, "
            f"{self.ledger.total('push')} pushes, "
            f"{sum(room.order.count for room in rooms)} messages, "
            f"{reconnects} reconnects{broken}"
        )

    def _say(self, text: str) -> None:
        self._progress.say(f"{self._now()} {text}")
