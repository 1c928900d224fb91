"""A fleet of workers in memory, for tests of what it promises.

Each worker has a clock of its own, so that one that is killed does nothing more; the
holders of topics are made up, and the router is the one in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CloseDetails, ComponentConfig
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock, deferLater

from txphoenix.test.wamp_router import Connection, Queue, WampRouter
from txphoenix.wamp.fleet import Fleet
from txphoenix.wamp.rendezvous import owner_of
from txphoenix.wamp.uris import URIs

PREFIX = "phx"
TIMEOUT = 10.0
CHECK_EVERY = 10.0
NEVER = 1e6
DROP_TIMEOUT = 10.0


class Server:
    """What all holders join topics of: which joins it refuses, and what it has done."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.join_time = 0.1
        self.leave_time = 0.1
        self.reply_time = 0.1
        self.done: list[object] = []
        """The payloads of all pushes that were sent to it."""


class FakeTopicHolder:
    """Holds topics without a socket."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._held: set[str] = set()
        self.joined: set[str] = set()
        self.faults: list[str] = []
        self._leaving: set[str] = set()
        self._calls: dict[Deferred[Any], str] = {}
        self._joining: list[tuple[str, Deferred[None]]] = []

    @property
    def held(self) -> Collection[str]:
        """The topics that are joined, or may be."""
        return self._held

    async def take(self, topic: str) -> None:
        """Join, which takes its time, and may be refused."""
        if topic in self._leaving:
            self.faults.append(f"{topic} is taken while it is being left")
        self._held.add(topic)
        try:
            await deferLater(self._clock, self._server.join_time)
            if topic not in self._server.refused:
                self.joined.add(topic)
        finally:
            self._end_waiting(topic)
        if topic not in self.joined:
            raise ApplicationError("phx.error.join_refused", topic=topic)

    def _end_waiting(self, topic: str) -> None:
        for waiting in [(of, call) for of, call in self._joining if of == topic]:
            self._joining.remove(waiting)
            waiting[1].callback(None)

    async def drop(self, topic: str, why: Exception) -> None:
        """Leave, which takes its time."""
        if topic in self._leaving:
            self.faults.append(f"{topic} is left twice at a time")
        for call, of in list(self._calls.items()):
            if of == topic:
                call.errback(why)
        self.joined.discard(topic)
        self._leaving.add(topic)
        await deferLater(self._clock, self._server.leave_time)
        self._leaving.discard(topic)
        self._held.discard(topic)

    async def push(
        self, topic: str, event: str, payload: Any, timeout: float | None
    ) -> Any:
        """Push, and answer with what was pushed; "hang" is not answered."""
        if topic not in self._held or topic in self._leaving:
            self.faults.append(f"pushed to {topic}, which is not held")
        if topic not in self.joined and topic not in self._server.refused:
            joined: Deferred[None] = Deferred()
            self._joining.append((topic, joined))
            await joined
        if topic not in self.joined:
            raise ApplicationError("phx.error.join_refused", topic=topic)
        self._server.done.append(payload)
        call: Deferred[Any] = Deferred()
        self._calls[call] = topic
        ends = self._clock.callLater(
            TIMEOUT if timeout is None else timeout,
            lambda: call.errback(ApplicationError("phx.error.timeout")),
        )
        answers = None
        if event != "hang":
            answers = self._clock.callLater(
                self._server.reply_time, call.callback, payload
            )
        try:
            return await call
        finally:
            del self._calls[call]
            for timer in (ends, answers):
                if timer is not None and timer.active():
                    timer.cancel()

    async def presence(self, topic: str) -> dict[str, Any]:
        """Nobody but the topic."""
        return {topic: {"metas": []}}


class WorkerSession(ApplicationSession):
    """A session that has a fleet's part for as long as it lives."""

    fleet: Fleet
    worker: Worker

    async def onJoin(self, details: object) -> None:
        """Take part."""
        worker = self.worker
        self.fleet = Fleet(
            self,
            URIs(PREFIX),
            worker.holder,
            worker.clock,
            {f"{PREFIX}.push": self.push, f"{PREFIX}.presence": self.presence},
            always=worker.always,
            check_every=worker.check_every,
            drop_timeout=DROP_TIMEOUT,
        )
        await self.fleet.start()

    async def push(self, topic: str, event: str, payload: Any) -> Any:
        """The shared entry."""
        return await self.fleet.call(topic, "push", TIMEOUT, event, payload)

    async def presence(self, topic: str) -> Any:
        """The other shared entry."""
        return await self.fleet.call(topic, "presence", TIMEOUT)

    async def onLeave(self, details: CloseDetails) -> None:
        """Leave all topics."""
        super().onLeave(details)
        if hasattr(self, "fleet"):
            await self.fleet.stop()

    def register(self, endpoint: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer nobody after the end, as Autobahn would fail to, and as the bridge."""

        async def answer(*args: Any, **kwargs: Any) -> Any:
            try:
                result = await endpoint(*args, **kwargs)
            except Exception:
                if self.transport is not None:
                    raise
            else:
                if self.transport is not None:
                    return result
            return await Deferred()

        return super().register(answer, *args, **kwargs)

    def onUserError(self, fail: Any, msg: str) -> None:
        """What Autobahn's callbacks raise is a fault, unless it is for callers."""
        if not fail.check(ApplicationError, CancelledError):
            self.worker.errors.append(fail)


class Worker:
    """A process of the fleet."""

    def __init__(
        self, server: Server, check_every: float, always: Collection[str] = ()
    ) -> None:
        self.check_every = check_every
        self.clock = Clock()
        self.always = always
        self.errors: list[Any] = []
        self.holder: FakeTopicHolder
        self._server = server
        self.session: WorkerSession
        self.connection: Connection
        self.is_killed = False
        self.is_stopping = False

    @property
    def number(self) -> int:
        """The ID of its session."""
        return self.connection.session_number

    def connect(self, router: WampRouter) -> None:
        """Have a session of the router's."""
        self.session = WorkerSession(ComponentConfig(realm="realm1"))
        self.session.worker = self
        self.holder = FakeTopicHolder(self._server, self.clock)
        self.connection = router.attach(self.session)


class World:
    """A router, a server, workers and clients."""

    def __init__(self, seed: int = 0, check_every: float = CHECK_EVERY) -> None:
        self.check_every = check_every
        self._seed = seed
        self.server = Server()
        self.clock = Clock()
        self.router = WampRouter(self.clock, seed)
        self.workers: list[Worker] = []
        self.clients: list[ApplicationSession] = []
        self.calls: list[tuple[object, Deferred[Any]]] = []
        self.broken: list[str] = []
        """What was promised and not held."""

    # What can happen.

    def add_worker(self, always: Collection[str] = ()) -> Worker:
        """Start a worker."""
        worker = Worker(self.server, self.check_every, always)
        self.workers.append(worker)
        worker.connect(self.router)
        return worker

    def kill(self, worker: Worker, *, is_seen: bool = True) -> None:
        """Kill a worker's process; the router sees it at once or later."""
        worker.is_killed = True
        self.workers.remove(worker)
        worker.connection.kill(is_seen=is_seen)

    def stop_worker(self, worker: Worker) -> None:
        """Stop a worker in order."""
        worker.is_stopping = True

        async def stop() -> None:
            await worker.session.fleet.stop()
            worker.session.leave()

        def stopped(_: object) -> None:
            if worker in self.workers:
                self.workers.remove(worker)

        Deferred.fromCoroutine(stop()).addBoth(stopped)

    def lose(self, worker: Worker) -> None:
        """Lose a worker's connection; it comes back with a new session."""
        worker.connection.lose()
        worker.connect(self.router)

    def restart_router(self) -> None:
        """Stop the router and start another; workers and clients come back."""
        self._seed += 1
        old, self.router = self.router, WampRouter(self.clock, self._seed)
        old.stop()
        self.clients.clear()
        for worker in list(self.workers):
            if worker.is_stopping:
                self.workers.remove(worker)
            else:
                worker.connect(self.router)

    def add_client(self) -> ApplicationSession:
        """A session that is no worker's."""
        client = ApplicationSession(ComponentConfig(realm="realm1"))
        self.router.attach(client)
        self.clients.append(client)
        return client

    def push(
        self, client: ApplicationSession, topic: str, event: str, payload: object
    ) -> Deferred[Any]:
        """Push by the shared entry."""
        call = client.call(f"{PREFIX}.push", topic, event, payload)
        # One that fails is no unhandled error.
        outcome: Deferred[Any] = call.addBoth(lambda result: [result])
        self.calls.append((payload, outcome))
        return outcome

    # What passes.

    def step(self, choose: Callable[[list[Queue]], Queue] | None = None) -> bool:
        """Do one thing, and see whether all still holds."""
        is_done = self.router.step(choose)
        self.check_always()
        return is_done

    def pump(self) -> None:
        """Do all there is to do."""
        while self.step():
            pass

    def advance(self, seconds: float) -> None:
        """Let time pass for all who live."""
        self.clock.advance(seconds)
        for worker in list(self.workers):
            worker.clock.advance(seconds)
        self.check_always()

    def settle(self, seconds: float = 60.0) -> None:
        """Let all that is under way come to an end."""
        passed = 0.0
        while passed < seconds:
            self.pump()
            self.advance(0.1)
            passed += 0.1
        self.pump()

    # What must hold.

    def wanted(self) -> set[str]:
        """The topics that subscriptions name, as the router has them."""
        uris = URIs(PREFIX)
        return {
            topic
            for one in self.router.broker.subscriptions
            if (topic := uris.wanted_topic(one.uri, one.match)) is not None
        }

    def held(self) -> list[tuple[str, Worker]]:
        """What the workers that the router knows hold."""
        known = list(self.router.sessions.values())
        return [
            (topic, worker)
            for worker in self.workers
            if worker.connection in known
            for topic in worker.holder.held
        ]

    def check_always(self) -> None:
        """No two workers hold a topic, and who holds one has its lock."""
        holders: dict[str, Worker] = {}
        for topic, worker in self.held():
            if topic in holders:
                self.broken.append(f"{topic} is held by two")
            holders[topic] = worker
            lock = self.router.dealer.registrations.find(
                URIs(PREFIX).lock(topic), "exact"
            )
            if lock is None or lock.observers != [worker.connection]:
                self.broken.append(f"{topic} is held without its lock")

    def check_quiet(self) -> None:
        """Every wanted topic is held by its owner alone, and nothing is under way."""
        members = [worker.number for worker in self.workers if not worker.is_stopping]
        owners = {topic: owner_of(topic, members) for topic in self.wanted()}
        owners = {topic: owner for topic, owner in owners.items() if owner is not None}
        held = {topic: worker.number for topic, worker in self.held()}
        if held != owners:
            self.broken.append(f"held are {held}, and should be {owners}")
        for topic, worker in self.held():
            if topic not in worker.holder.joined | self.server.refused:
                self.broken.append(f"{topic} is held, and not joined")
        prefix = f"{PREFIX}.topic."
        locks = {
            one.uri
            for one in self.router.dealer.registrations
            if one.uri.startswith(prefix)
        }
        if locks != {URIs(PREFIX).lock(topic) for topic in owners}:
            self.broken.append(f"there are locks {locks}")
        self.check_calls()
        self.broken += [str(fault) for fault in self.router.faults]
        for worker in self.workers:
            self.broken += worker.holder.faults
            self.broken += [str(error) for error in worker.errors]

    def check_calls(self) -> None:
        """Calls have ended, unless the router waits for one who is dead."""
        dead = [each for each in self.router.connections if each.is_killed]
        lost = {
            call.request
            for call in self.router.dealer.invocations.values()
            if call.callee in dead and call.procedure.startswith(f"{PREFIX}.p")
        }
        for payload, outcome in self.calls:
            done = self.server.done.count(payload)
            if done > 1:
                self.broken.append(f"the call {payload} was done {done} times")
            if not outcome.called:
                if not lost:
                    self.broken.append(f"the call {payload} hangs")
            elif getattr(outcome, "result", None) == [payload] and done != 1:
                self.broken.append(f"the call {payload} was answered and not done")
