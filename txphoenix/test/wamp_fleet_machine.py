"""All that can befall a fleet, in any order, while its promises are looked at.

Hypothesis has workers come, die, stop and lose their connections, clients subscribe,
push and die, the server refuse joins and answer late, the router refuse
registrations, answer with lists of before, and be restarted.
Messages arrive in any order that the queues of the connections allow.
"""

from __future__ import annotations

from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.request import Subscription
from autobahn.wamp.types import SubscribeOptions
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from twisted.internet.defer import Deferred

from txphoenix.test.wamp_fleet_kit import CHECK_EVERY, NEVER, PREFIX, TIMEOUT, World
from txphoenix.test.wamp_router import Queue
from txphoenix.wamp.uris import escaped

TOPICS = ["rooms:lobby", "a", "v1.2 beta", "%", "x#y"]

topics = st.sampled_from(TOPICS)
numbers = st.integers(0, 1000)


class FleetMachine(RuleBasedStateMachine):
    """A world, and what can happen in it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.subscriptions: list[tuple[ApplicationSession, Subscription]] = []
        self.dead: list[Any] = []
        self.pushes = 0

    # -- The fleet ----------------------------------------------------------------

    @initialize(
        workers=st.integers(1, 3),
        clients=st.integers(1, 2),
        seed=numbers,
        is_checked=st.booleans(),
    )
    def begin(self, workers: int, clients: int, seed: int, is_checked: bool) -> None:
        """Start; without checks all has to be known by what the router tells."""
        self.world = World(seed, CHECK_EVERY if is_checked else NEVER)
        for _ in range(workers):
            self.world.add_worker()
        for _ in range(clients):
            self.world.add_client()

    @precondition(lambda self: len(self.world.workers) < 5)
    @rule(always=st.lists(topics, max_size=1))
    def worker_comes(self, always: list[str]) -> None:
        """Start another worker."""
        self.world.add_worker(always)

    @precondition(lambda self: len(self.world.workers) > 1)
    @rule(which=numbers, is_seen=st.booleans())
    def worker_dies(self, which: int, is_seen: bool) -> None:
        """Kill a worker; the router sees it at once, or only when it is told."""
        worker = self.world.workers[which % len(self.world.workers)]
        self.world.kill(worker, is_seen=is_seen)
        if not is_seen:
            self.dead.append(worker)

    @rule()
    def deaths_are_seen(self) -> None:
        """The router sees who is dead."""
        dead, self.dead = self.dead, []
        for worker in dead:
            worker.connection.vanish()
        self.world.check_always()

    @precondition(lambda self: len(self.world.workers) > 1)
    @rule(which=numbers)
    def worker_stops(self, which: int) -> None:
        """Stop a worker in order."""
        worker = self.world.workers[which % len(self.world.workers)]
        joined = worker.session.session_id is not None
        if joined and hasattr(worker.session, "fleet") and not worker.is_stopping:
            self.world.stop_worker(worker)

    @precondition(lambda self: self.world.workers)
    @rule(which=numbers)
    def connection_is_lost(self, which: int) -> None:
        """Lose a worker's connection, which comes back."""
        worker = self.world.workers[which % len(self.world.workers)]
        if not worker.is_stopping:
            self.world.lose(worker)

    # -- The realm ----------------------------------------------------------------

    @rule(
        which=numbers,
        topic=topics,
        match=st.sampled_from(["exact", "prefix", "wildcard"]),
    )
    def subscribe(self, which: int, topic: str, match: str) -> None:
        """A client subscribes."""
        client = self.world.clients[which % len(self.world.clients)]
        if client.session_id is None:
            return
        event = "new_msg" if match == "exact" else ""
        uri = f"{PREFIX}.{escaped(topic)}.{event}"
        subscribing: Deferred[Any] = client.subscribe(
            print, uri, SubscribeOptions(match=match)
        )
        subscribing.addCallbacks(
            lambda one: self.subscriptions.append((client, one)), lambda _: None
        )

    @precondition(lambda self: len(self.world.workers) < 3)
    @rule(which=numbers, topic=topics, steps=st.integers(1, 40))
    def subscribe_at_start(self, which: int, topic: str, steps: int) -> None:
        """A client subscribes while a worker starts, and some of that is done."""
        self.world.pump()
        self.world.add_worker()
        for _ in range(steps):
            self.world.step()
        self.subscribe(which, topic, "prefix")

    @precondition(lambda self: self.subscriptions)
    @rule(which=numbers)
    def unsubscribe(self, which: int) -> None:
        """A client unsubscribes."""
        client, one = self.subscriptions.pop(which % len(self.subscriptions))
        if client.session_id is not None and one.active:
            Deferred.addErrback(one.unsubscribe(), lambda _: None)

    @rule(which=numbers)
    def client_dies(self, which: int) -> None:
        """A client's connection is lost, and another client comes."""
        client = self.world.clients.pop(which % len(self.world.clients))
        self.world.router.connection_of(client).lose()
        self.world.add_client()

    @rule(which=numbers, topic=topics, event=st.sampled_from(["shout", "hang"]))
    def push(self, which: int, topic: str, event: str) -> None:
        """A client pushes."""
        client = self.world.clients[which % len(self.world.clients)]
        if client.session_id is not None:
            self.pushes += 1
            self.world.push(client, topic, event, self.pushes)

    @precondition(lambda self: len(self.world.workers) > 1)
    @rule(
        which=numbers, event=st.sampled_from(["shout", "hang"]), is_seen=st.booleans()
    )
    def worker_dies_of_a_push(self, which: int, event: str, is_seen: bool) -> None:
        """A worker dies when it has handed a push to the server."""
        held = self.world.held()
        clients = [it for it in self.world.clients if it.session_id is not None]
        if not held or not clients:
            return
        topic, worker = held[which % len(held)]
        self.push(which, topic, event)
        self.world.pump()
        if self.pushes in self.world.server.done and not worker.is_stopping:
            self.world.kill(worker, is_seen=is_seen)
            if not is_seen:
                self.dead.append(worker)

    @rule()
    def restart(self) -> None:
        """The router is restarted."""
        self.dead.clear()
        self.subscriptions.clear()
        self.world.restart_router()
        self.world.add_client()

    # -- What is in the way -------------------------------------------------------

    @rule(topic=topics, is_refused=st.booleans())
    def refuse_join(self, topic: str, is_refused: bool) -> None:
        """The server refuses a join from now on, or no longer."""
        refused = self.world.server.refused
        (refused.add if is_refused else refused.discard)(topic)

    @rule(
        join=st.sampled_from([0.0, 0.1, 5.0]),
        leave=st.sampled_from([0.0, 0.1, 5.0]),
        reply=st.sampled_from([0.0, 0.1, 5.0]),
    )
    def slow_down(self, join: float, leave: float, reply: float) -> None:
        """The server takes its time."""
        server = self.world.server
        server.join_time, server.leave_time, server.reply_time = join, leave, reply

    @precondition(lambda self: self.world.check_every < NEVER)
    @rule(count=st.integers(1, 3))
    def stale_lists(self, count: int) -> None:
        """The router's next lists are old."""
        self.world.router.dealer.meta.stale_lists = count

    @rule(count=st.integers(1, 3))
    def refuse_registrations(self, count: int) -> None:
        """The router refuses the next registrations, but for those of members."""
        self.world.router.dealer.refusals = count

    # -- What passes --------------------------------------------------------------

    @rule(choices=st.lists(numbers, min_size=1, max_size=30))
    def some_steps(self, choices: list[int]) -> None:
        """Some messages arrive, in any order that may be."""
        left = iter(choices)

        def choose(queues: list[Queue]) -> Queue:
            return queues[next(left) % len(queues)]

        for _ in choices:
            self.world.step(choose)
        self.verify()

    @rule(seconds=st.sampled_from([0.1, 0.5, 2.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        """Time passes, and messages arrive."""
        self.world.pump()
        self.world.advance(seconds)
        self.world.pump()
        self.verify()

    @rule()
    def quiet(self) -> None:
        """Nothing more happens, until all that is under way has ended."""
        self.deaths_are_seen()
        self.world.server.refused.clear()
        self.world.settle()
        self.world.check_quiet()
        self.verify()

    @rule()
    def calls_end(self) -> None:
        """A call's time passes, while deaths are not seen."""
        self.world.settle(TIMEOUT + 5)
        self.world.check_calls()
        self.verify()

    def verify(self) -> None:
        """Nothing that was promised is broken."""
        if self.world.broken:
            raise AssertionError("; ".join(self.world.broken))

    def teardown(self) -> None:
        """Have it end in quiet."""
        self.calls_end()
        self.quiet()
