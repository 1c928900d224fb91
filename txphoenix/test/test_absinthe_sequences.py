"""Whatever happens in whatever order: no result is lost without cause, none doubled."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from txphoenix.absinthe import Subscription
from txphoenix.absinthe.testing import ServerSubscription

from .absinthe_case import TICKS, AbsintheCase

SEEDS = 100
STEPS = 40


class SequenceTests(AbsintheCase):
    """Random users, servers and networks."""

    def begin(self, seed: int) -> None:
        """Begin a sequence."""
        self.random = random.Random(seed)
        self.numbers = count(1)
        # By its room: the subscription, what it has to get, and what it has got.
        self.rooms: dict[int, Subscription] = {}
        self.due: dict[int, list[int]] = {}
        self.got: dict[int, list[int]] = {}
        # What was on its way when the connection ended: it may have come or not.
        self.doubtful: set[int] = set()
        self.handed_out: list[Deferred[Any]] = []
        self.held: list[Deferred[Any]] = []
        self.holds = False
        self.schema.answer = self.answer
        self.schema.before_reply = self.schema.after_reply = self.greet

    def answer(self, document: Any) -> Any:
        """Answer at once, or when the test lets go."""
        if not self.holds:
            return None
        held: Deferred[Any] = Deferred()
        self.held.append(held)
        return held

    def greet(self, subscription: ServerSubscription) -> None:
        """Send something before the reply, and right behind it."""
        if subscription.id in self.schema.subscriptions:
            self.send(subscription)

    def send(self, subscription: ServerSubscription) -> None:
        """Send a number to one."""
        room, number = subscription.document.variables["room"], next(self.numbers)
        self.due[room].append(number)
        subscription.send({"data": {"ticked": number}})

    def doubt(self) -> None:
        """What has not come may never come."""
        for room, due in self.due.items():
            self.doubtful.update(set(due) - set(self.got[room]))

    # What can happen.

    def subscribe(self) -> None:
        """A user subscribes."""
        room = len(self.rooms)
        self.due[room], self.got[room] = [], []
        made = self.absinthe.subscribe(TICKS, {"room": room})
        made.on_result(lambda data: self.got[room].append(data["ticked"]))
        self.rooms[room] = made
        self.handed_out.append(made.when_subscribed())

    def unsubscribe(self) -> None:
        """A user has enough."""
        if self.rooms:
            room = self.random.choice(list(self.rooms))
            self.handed_out.append(self.rooms[room].unsubscribe())

    def publish(self) -> None:
        """The server publishes to all that it has."""
        for subscription in list(self.schema.subscriptions.values()):
            self.send(subscription)

    def lose(self) -> None:
        """The connection is lost, with what is on its way."""
        self.doubt()
        self.server.drop()

    def crash(self) -> None:
        """The control channel crashes on the server."""
        for channel in self.server.channels("__absinthe__:control"):
            channel.crash()

    def hold(self) -> None:
        """The server takes its time with answers, or no more."""
        self.holds = not self.holds
        held, self.held = self.held, []
        for deferred in held:
            # The end of its channel has cancelled it.
            if not deferred.called:
                deferred.callback(None)

    def wait(self) -> None:
        """Time passes, but less than a timeout."""
        self.server.advance(self.random.choice((0.05, 0.2, 1)))

    def disconnect(self) -> None:
        """The user disconnects, and connects again."""
        self.handed_out.append(self.client.disconnect())
        self.server.flush()
        self.doubt()
        self.client.connect()

    def steps(self) -> list[Callable[[], object]]:
        """What can happen, the likelier the more often it is there."""
        flush = self.server.flush
        usual = [self.subscribe, self.publish, self.publish, self.wait, flush, flush]
        return [
            *usual,
            self.unsubscribe,
            self.hold,
            self.lose,
            self.crash,
            self.disconnect,
        ]

    # What must hold.

    def check(self, seed: int) -> None:
        """Each has got what was sent to it, once and in order."""
        self.holds = True
        self.hold()
        self.server.flush()
        self.server.advance(20)
        for room, made in self.rooms.items():
            got, say = self.got[room], f"seed {seed}, room {room}"
            self.assertEqual(got, sorted(set(got)), say)
            missed = set(self.due[room]) - set(got) - self.doubtful
            self.assertTrue(made.is_ended or not missed, f"{say}: {missed}")
            there = [
                each.id
                for each in self.schema.subscriptions.values()
                if each.document.variables["room"] == room
            ]
            self.assertEqual(there, [] if made.is_ended else [made.id], say)
        for deferred in self.handed_out:
            fired: list[object] = []
            deferred.addBoth(fired.append)
            self.assertEqual(len(fired), 1, f"seed {seed}: {deferred}")

    def test_sequences(self) -> None:
        """Each of many sequences holds what must hold."""
        for seed in range(SEEDS):
            if seed:
                self.end()
                super().setUp()
            self.begin(seed)
            with capturedLogs():
                for _ in range(STEPS):
                    self.random.choice(self.steps())()
                self.check(seed)
                for made in self.rooms.values():
                    made.unsubscribe()
                self.server.flush()
            self.assertEqual(self.schema.subscriptions, {}, f"seed {seed}")
