"""Tests of :mod:`txphoenix.channels.leaves`: the leave that is under way."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.leaves import Leave
from txphoenix.protocol.channel_states import Input
from txphoenix.runtime.deadlines import Deadlines

from .support import TOPIC, ClientTestCase, Outcome

OK = {"status": "ok", "response": {"a": 1}}
ERROR = {"status": "error", "response": {"reason": "no"}}


class LeaveTests(SynchronousTestCase):
    """What a leave does with its answer, its expiry and its cancellation."""

    def setUp(self) -> None:
        """Have a clock, and a membership that keeps what it is given."""
        self.clock = Clock()
        self.deadlines = Deadlines(self.clock)
        self.told: list[Any] = []
        self.membership: Any = SimpleNamespace(
            channel="the channel",
            joins=SimpleNamespace(ref="1"),
            give=self.told.append,
            manager=SimpleNamespace(
                deadlines=self.deadlines,
                events=SimpleNamespace(
                    of_leaves=[
                        SimpleNamespace(
                            leave_answered=lambda *args: self.told.append(args)
                        )
                    ]
                ),
                joins=SimpleNamespace(server_answered=lambda ref: None),
            ),
        )

    def waiting(self, leave: Leave) -> Outcome[None]:
        """Wait for it, with a deadline of five seconds."""
        self.deadlines.set(leave, 5.0)
        return Outcome(leave.wait())

    @staticmethod
    def note(order: list[int], number: int, _: object) -> None:
        """Take note of who is told."""
        order.append(number)

    def test_answered(self) -> None:
        """A leave tells the channel that it is done, whatever the answer."""
        for payload in (OK, ERROR, None):
            Leave(self.membership).answered(payload, "1")
            (channel, _), given = self.told
            self.assertEqual((channel, given), ("the channel", Input.LEFT))
            self.told.clear()

    def test_expired(self) -> None:
        """So does one that is not answered, of which there is no duration to tell."""
        Leave(self.membership).expired()
        self.assertEqual(self.told, [Input.LEFT])

    def test_cancelled(self) -> None:
        """A cancelled leave keeps its deadline: the channel leaves all the same."""
        leave = Leave(self.membership)
        outcome = self.waiting(leave)
        outcome.deferred.cancel()
        self.assertIsInstance(outcome.fired[0], CancelledError)
        self.assertTrue(leave.is_set)
        self.assertEqual(self.told, [])
        self.clock.advance(5.0)
        self.assertEqual(self.told, [Input.LEFT])

    def test_done(self) -> None:
        """Those who wait are told in the order in which they came, each once."""
        leaves = [Leave(self.membership) for _ in range(4)]
        first, *others = leaves
        order: list[int] = []
        outcomes = [self.waiting(leave) for leave in leaves]
        for number, outcome in enumerate(outcomes):
            outcome.deferred.addBoth(partial(self.note, order, number))
        for other in others:
            first.add(other)
        outcomes[0].deferred.addBoth(lambda _: outcomes[3].deferred.cancel())
        outcomes[1].deferred.cancel()
        first.done()
        first.done()
        self.assertEqual(order, [1, 0, 3, 2])
        self.assertEqual([len(outcome.fired) for outcome in outcomes], [1, 1, 1, 1])
        self.assertFalse(first.is_set)


class SecondLeaveTests(ClientTestCase):
    """More than one leave of a channel that is leaving."""

    def test_many(self) -> None:
        """All are done with the first; only that is sent, and its time counts."""
        channel = self.joined_channel()
        self.memory.answers = False
        leaves = [self.watch(channel.leave(timeout)) for timeout in (2.0, 9.0, 0.5)]
        self.memory.advance(1.9)
        for outcome in leaves:
            self.assert_waits(outcome)
        self.memory.advance(0.1)
        for outcome in leaves:
            self.assert_fired(outcome, None)
        self.assertEqual(self.all_sent()[1:], [["1", "2", TOPIC, "phx_leave", {}]])

    def test_one_of_the_former_life(self) -> None:
        """A callback that leaves again when the leave is done waits for a new one."""
        channel = self.joined_channel()
        later: list[Outcome[Any]] = []

        def join_and_leave(_: object) -> None:
            channel.join().addErrback(lambda _: None)
            later.append(self.watch(channel.leave()))

        channel.leave().addCallback(join_and_leave)
        second = self.watch(channel.leave())
        self.memory.flush()
        self.assert_fired(second, None)
        self.assertEqual(channel.state, "closed")
        self.assert_fired(later[0], None)
        self.assertIsNone(channel._membership._leave)
