"""The pushes of one channel: those that are kept, and those that await a reply."""

from __future__ import annotations

import gc
from time import process_time
from types import SimpleNamespace
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.pending import PendingPush
from txphoenix.channels.pushes import Pushes
from txphoenix.errors import PushTimeout, SerializerError
from txphoenix.protocol.message import Message
from txphoenix.runtime.deadlines import Deadlines

from .support import TOPIC, Outcome


class FakeManager:
    """Keeps what is sent, and cannot send ``"bad"``."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.deadlines = Deadlines(self.clock)
        self.sent: list[Message] = []
        self.refs = 0
        self.room = 99
        self.held: list[str] = []
        self.obstacle = "no connection"
        # All that is sent has left at once.
        self.connection = SimpleNamespace(withdraw=lambda _mark: False)

    @property
    def is_writable(self) -> bool:
        """Whether there is room for another message."""
        return len(self.sent) < self.room

    def hold_pushes(self, topic: str) -> None:
        """Remember who waits for room."""
        self.held.append(topic)

    def next_ref(self) -> str:
        """Count."""
        self.refs += 1
        return str(self.refs)

    def send(self, message: Message) -> None:
        """Keep it."""
        if message.payload == "bad":
            raise SerializerError("unsendable")
        self.sent.append(message)


class FakeMembership:
    """A channel that is joined, and has nothing else."""

    topic = TOPIC
    joins = SimpleNamespace(ref="7")

    def __init__(self, manager: FakeManager) -> None:
        self.manager = manager


class PushesTests(SynchronousTestCase):
    """The two tables."""

    def setUp(self) -> None:
        """Have both empty."""
        self.manager = cast(Any, FakeManager())
        self.membership = cast(Any, FakeMembership(self.manager))
        self.pushes = Pushes(self.membership)

    def push(
        self, payload: Any = None, wants_reply: bool = True
    ) -> tuple[PendingPush, Outcome[Any]]:
        """A push that is in neither table."""
        pending = PendingPush(self.pushes, "event", payload, 5.0, wants_reply)
        return pending, Outcome(pending.wait())

    def reply(self, ref: str | None, response: Any = None) -> None:
        """A reply comes."""
        payload = {"status": "ok", "response": response}
        pending = self.pushes.take(ref)
        if pending is not None:
            pending.answered(payload, "1")

    def test_empty(self) -> None:
        """Without pushes there is nothing, and asking for it is no error."""
        pending, _ = self.push()
        self.assertEqual(self.pushes.kept, 0)
        self.assertEqual(self.pushes.take_kept(), [])
        self.assertEqual(self.pushes.take_sent(), [])
        self.assertEqual(self.pushes.write_kept("1"), [])
        self.pushes.forget(pending)
        pending.ref = "1"
        self.pushes.forget(pending)
        self.reply("1")

    def test_write(self) -> None:
        """A push is sent with the next ref and waits for its reply, with a deadline."""
        pending, outcome = self.push({"a": 1})
        self.assertIsNone(self.pushes.write(pending, "7"))
        self.assertEqual(
            self.manager.sent, [Message("7", "1", TOPIC, "event", {"a": 1})]
        )
        self.assertTrue(pending.is_set)
        # What was sent is not held in memory.
        self.assertIsNone(pending.payload)
        self.reply("1", "done")
        self.assertEqual(outcome.fired, ["done"])
        self.reply("1", "again")
        self.assertEqual(len(outcome.fired), 1)

    def test_write_without_reply(self) -> None:
        """One that wants no reply is done when it is sent."""
        pending, outcome = self.push(wants_reply=False)
        self.assertIsNone(self.pushes.write(pending, "7"))
        self.assertEqual(outcome.fired, [None])
        self.assertEqual(self.pushes.take_sent(), [])

    def test_unsendable(self) -> None:
        """One that cannot be sent is not waited for; the error is returned."""
        pending, outcome = self.push("bad")
        self.assertIsInstance(self.pushes.write(pending, "7"), SerializerError)
        self.assertEqual(outcome.fired, [])
        self.assertEqual(self.pushes.take_sent(), [])

    def test_reply_without_ref(self) -> None:
        """A reply without a ref, or with an unknown one, finds nobody."""
        pending, outcome = self.push()
        self.pushes.write(pending, "7")
        self.reply(None)
        self.reply("99")
        self.assertEqual(outcome.fired, [])

    def test_keep(self) -> None:
        """What is kept is sent in order, with the join_ref of then; its time runs."""
        kept = [self.push(number)[0] for number in range(3)]
        for pending in kept:
            self.pushes.keep(pending)
        self.assertEqual(self.pushes.kept, 3)
        self.assertEqual(self.manager.sent, [])
        self.manager.clock.advance(2.0)
        self.assertEqual(self.pushes.write_kept("7"), [])
        self.assertEqual(self.pushes.kept, 0)
        self.assertEqual(
            [(each.join_ref, each.ref, each.payload) for each in self.manager.sent],
            [("7", "1", 0), ("7", "2", 1), ("7", "3", 2)],
        )
        self.manager.clock.advance(2.9)
        self.assertEqual(len(self.manager.deadlines), 3)
        self.manager.clock.advance(0.1)
        self.assertEqual(len(self.manager.deadlines), 0)

    def test_kept_without_room(self) -> None:
        """What the connection does not take stays kept, in order, until it does."""
        kept = [self.push(number)[0] for number in range(3)]
        for pending in kept:
            self.pushes.keep(pending)
        self.manager.room = 1
        self.assertEqual(self.pushes.write_kept("7"), [])
        self.assertEqual((self.pushes.kept, self.manager.held), (2, [TOPIC]))
        self.manager.room = 99
        self.assertEqual(self.pushes.write_kept("7"), [])
        self.assertEqual([each.payload for each in self.manager.sent], [0, 1, 2])
        self.assertEqual((self.pushes.kept, self.manager.held), (0, [TOPIC]))

    def test_many_kept(self) -> None:
        """As many as are kept are sent in time in proportion to their number."""

        def seconds(number: int) -> float:
            pushes = Pushes(self.membership)
            for _ in range(number):
                pushes.keep(PendingPush(pushes, "e", None, 5.0))
            self.manager.room = len(self.manager.sent) + number
            began = process_time()
            pushes.write_kept("7")
            self.assertEqual(pushes.kept, 0)
            return process_time() - began

        # The collector's rounds, over all that the process has, are not measured.
        gc.disable()
        self.addCleanup(gc.enable)
        few = min(seconds(2_000) for _ in range(9))
        many = min(seconds(40_000) for _ in range(5))
        # Twenty times as many; with the square it would be four hundred times.
        self.assertLess(many / few, 100)

    def test_kept_unsendable(self) -> None:
        """Those that cannot be sent are returned with their errors; others are sent."""
        kept = [self.push(payload)[0] for payload in ("a", "bad", "b")]
        for pending in kept:
            self.pushes.keep(pending)
        [(pending, error)] = self.pushes.write_kept("7")
        self.assertIs(pending, kept[1])
        self.assertIsInstance(error, SerializerError)
        self.assertEqual([each.payload for each in self.manager.sent], ["a", "b"])

    def test_kept_expired(self) -> None:
        """What expires while it is kept is never sent."""
        pending, outcome = self.push()
        self.pushes.keep(pending)
        self.manager.clock.advance(5.0)
        self.assertEqual(len(outcome.fired), 1)
        self.assertIsInstance(outcome.fired[0], PushTimeout)
        self.assertEqual(self.pushes.kept, 0)
        self.pushes.write_kept("7")
        self.assertEqual(self.manager.sent, [])

    def test_sent_expired(self) -> None:
        """What expires after it was sent leaves nothing behind."""
        pending, outcome = self.push()
        self.pushes.write(pending, "7")
        self.manager.clock.advance(5.0)
        self.assertEqual(len(outcome.fired), 1)
        self.assertIsInstance(outcome.fired[0], PushTimeout)
        self.assertEqual(self.pushes.take_sent(), [])

    def test_forget(self) -> None:
        """A forgotten push is in neither table; to forget it again is no error."""
        kept, _ = self.push()
        sent, _ = self.push()
        self.pushes.keep(kept)
        self.pushes.write(sent, "7")
        for _ in range(2):
            self.pushes.forget(kept)
            self.pushes.forget(sent)
        self.assertEqual(self.pushes.take_kept(), [])
        self.assertEqual(self.pushes.take_sent(), [])

    def test_take(self) -> None:
        """What is taken away is given back in order, and is no longer there."""
        kept = [self.push()[0] for _ in range(3)]
        sent = [self.push()[0] for _ in range(3)]
        for pending in kept:
            self.pushes.keep(pending)
        for pending in sent:
            self.pushes.write(pending, "7")
        self.assertEqual(self.pushes.take_kept(), kept)
        self.assertEqual(self.pushes.take_sent(), sent)
        self.assertEqual(self.pushes.take_kept(), [])
        self.assertEqual(self.pushes.take_sent(), [])
        self.reply("1")

    def test_by_ref(self) -> None:
        """A push is found by its ref, once."""
        pending, _ = self.push()
        self.assertIsNone(self.pushes.take("1"))
        self.pushes.write(pending, "7")
        self.assertIsNone(self.pushes.take("8"))
        self.assertIsNone(self.pushes.take(None))
        self.assertIs(self.pushes.take("1"), pending)
        self.assertIsNone(self.pushes.take("1"))
        self.assertEqual(self.pushes.take_sent(), [])
