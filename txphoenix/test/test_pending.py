"""What waits for a reply, and its deadlines."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.pending import (
    PendingJoin,
    PendingPush,
    PendingReply,
    split_reply,
)
from txphoenix.errors import PushError, PushTimeout
from txphoenix.runtime.deadlines import Deadlines

from .support import TOPIC, Outcome


class FakeChannel:
    """Keeps what a pending reply tells its channel."""

    topic = TOPIC

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.told.append((name, *args))


OK = {"status": "ok", "response": {"a": 1}}
ERROR = {"status": "error", "response": {"reason": "no"}}


class PendingTests(SynchronousTestCase):
    """What each kind does with its reply, its expiry and its cancellation."""

    def setUp(self) -> None:
        """Have a clock and a channel that keeps what it is told."""
        self.clock = Clock()
        self.deadlines = Deadlines(self.clock)
        self.channel: Any = FakeChannel()

    def waiting(self, pending: PendingReply) -> Outcome[Any]:
        """Wait for it, with a deadline of five seconds."""
        self.deadlines.set(pending, 5.0)
        return Outcome(pending.wait())

    def test_reply_is_abstract(self) -> None:
        """A bare reply does not know what an answer means; it may be cancelled."""
        pending = PendingReply()
        self.assertRaises(NotImplementedError, pending.answered, OK, "1")
        outcome = self.waiting(pending)
        outcome.deferred.cancel()
        self.assertIsInstance(outcome.fired[0], CancelledError)
        self.assertFalse(pending.is_set)

    def test_once(self) -> None:
        """Whatever comes after the first end finds nothing left to do."""
        ends: list[Any] = [
            lambda pending: pending.succeed("done"),
            lambda pending: pending.fail(ValueError()),
            lambda pending: pending.expired(),
            lambda pending: pending.answered(OK, "1"),
        ]
        for first in ends:
            pending = PendingPush(self.channel, "event", {}, 5.0)
            outcome = self.waiting(pending)
            first(pending)
            for end in ends:
                end(pending)
            outcome.deferred.cancel()
            self.assertEqual(len(outcome.fired), 1)
            self.assertFalse(pending.is_set)
        cancelled = PendingPush(self.channel, "event", {}, 5.0)
        outcome = self.waiting(cancelled)
        outcome.deferred.cancel()
        for end in ends:
            end(cancelled)
        self.assertEqual(len(outcome.fired), 1)

    def test_nobody_waits(self) -> None:
        """Without a Deferred there is nothing to fire."""
        pending = PendingPush(self.channel, "event", {}, 5.0)
        pending.succeed(1)
        pending.fail(ValueError())

    def test_push_ok(self) -> None:
        """The status ok is success, and the deadline is gone."""
        pending = PendingPush(self.channel, "event", {}, 5.0)
        outcome = self.waiting(pending)
        pending.answered(OK, "1")
        self.assertEqual(outcome.fired, [{"a": 1}])
        self.assertFalse(pending.is_set)

    def test_push_error(self) -> None:
        """Any other status is a PushError with what the server said."""
        pending = PendingPush(self.channel, "event", {}, 5.0)
        outcome = self.waiting(pending)
        pending.answered(ERROR, "1")
        [error] = outcome.fired
        self.assertIsInstance(error, PushError)
        self.assertEqual(
            (error.status, error.response, error.topic, error.event),
            ("error", {"reason": "no"}, TOPIC, "event"),
        )
        self.assertEqual(self.channel.told, [])

    def test_push_error_without_join_ref(self) -> None:
        """One without a join_ref is shown to the channel before anybody else."""
        pending = PendingPush(self.channel, "event", {}, 5.0)
        outcome = self.waiting(pending)
        seen: list[int] = []
        outcome.deferred.addBoth(lambda _: seen.append(len(self.channel.told)))
        pending.answered(ERROR, None)
        self.assertEqual(
            self.channel.told, [("refused_without_join_ref", outcome.fired[0])]
        )

    def test_push_expired(self) -> None:
        """Expired, it leaves it to the channel what became of it."""
        pending = PendingPush(self.channel, "event", {}, 5.0)
        outcome = self.waiting(pending)
        self.clock.advance(5.0)
        self.assertEqual(self.channel.told, [("expired", pending)])
        pending.fail(PushTimeout(5.0))
        self.assertIsInstance(outcome.fired[0], PushTimeout)

    def test_push_cancelled(self) -> None:
        """Cancelled, it leaves the tables."""
        pending = PendingPush(self.channel, "event", {}, 5.0)
        outcome = self.waiting(pending)
        outcome.deferred.cancel()
        self.assertEqual(self.channel.told, [("cancelled", pending)])
        self.assertFalse(pending.is_set)

    def test_join(self) -> None:
        """A join hands its answer, its expiry and its cancellation to the channel."""
        pending = PendingJoin(self.channel, 5.0)
        outcome = self.waiting(pending)
        pending.answered(OK, "1")
        self.assertFalse(pending.is_set)
        pending.expired()
        outcome.deferred.cancel()
        self.assertEqual(
            self.channel.told,
            [
                ("answered", pending, "ok", {"a": 1}),
                ("expired", pending),
                ("cancelled", pending),
            ],
        )

    def test_split_reply(self) -> None:
        """The payload of a reply is a status and a response; all else is malformed."""
        self.assertEqual(split_reply(OK), ("ok", {"a": 1}))
        self.assertEqual(
            split_reply({"status": "x", "response": None, "more": 1}), ("x", None)
        )
        malformed: list[Any] = [{}, {"status": "ok"}, [], ["ok", {}], None, "ok", 5]
        for payload in malformed:
            self.assertEqual(split_reply(payload), ("malformed", payload))
