"""Tests of :mod:`txphoenix.client.heartbeat`: a heartbeat by itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.heartbeat import Heartbeat
from txphoenix.errors import (
    ConnectionClosed,
    HeartbeatTimeout,
    NotConnected,
)
from txphoenix.protocol.message import Message
from txphoenix.runtime.deadlines import Deadlines


def reply(ref: str | None) -> Message:
    """The server's answer to the heartbeat of that ref."""
    payload = {"status": "ok", "response": {}}
    return Message(None, ref, "phoenix", "phx_reply", payload)


class HeartbeatTests(SynchronousTestCase):
    """The heartbeat by itself: 30 seconds apart, 10 seconds for the answer."""

    def setUp(self) -> None:
        """Start one."""
        self.clock = Clock()
        self.deadlines = Deadlines(self.clock)
        self.sent: list[tuple[float, Message]] = []
        self.answers: list[float] = []
        self.failures: list[HeartbeatTimeout] = []
        refs = count(1)
        self.heartbeat = Heartbeat(
            self.clock,
            30.0,
            10.0,
            self.owner(lambda: str(next(refs))),
        )
        self.heartbeat.start()

    def owner(self, next_ref: Callable[[], str]) -> Any:
        """What notes all that a heartbeat does."""
        return SimpleNamespace(
            next_ref=next_ref,
            send_heartbeat=lambda message: self.sent.append(
                (self.clock.seconds(), message)
            ),
            heartbeat_answered=self.answers.append,
            heartbeat_failed=self.failures.append,
        )

    def times(self) -> list[float]:
        """When heartbeats were sent."""
        return [time for time, _ in self.sent]

    def test_first(self) -> None:
        """The first is sent one interval after the start, as phoenix.js does it."""
        self.clock.advance(29.9)
        self.assertEqual(self.sent, [])
        self.clock.advance(0.1)
        expected = Message(None, "1", "phoenix", "heartbeat", {})
        self.assertEqual(self.sent, [(30.0, expected)])

    def test_answer(self) -> None:
        """An answer is told with its round trip; the next follows an interval on."""
        self.clock.advance(30)
        self.clock.advance(0.25)
        self.heartbeat.dispatch(reply("1"))
        self.assertEqual(self.answers, [0.25])
        self.clock.advance(29)
        self.assertEqual(self.times(), [30.0])
        self.clock.advance(1)
        self.assertEqual(self.times(), [30.0, 60.25])
        self.assertEqual(self.sent[-1][1].ref, "2")

    def test_timeout(self) -> None:
        """No answer in time is told once, and nothing is sent any more."""
        self.clock.pump([30, 9.9])
        self.assertEqual(self.failures, [])
        self.clock.advance(0.1)
        (error,) = self.failures
        self.assertEqual(error.timeout, 10.0)
        self.clock.advance(1000)
        self.assertEqual(len(self.sent), 1)
        self.assertEqual(len(self.failures), 1)

    def test_other_messages(self) -> None:
        """Only the reply to the latest heartbeat is an answer: refs decide."""
        self.clock.advance(30)
        for ref in (None, "0", "2", "11"):
            self.heartbeat.dispatch(reply(ref))
        self.assertEqual(self.answers, [])
        self.heartbeat.dispatch(reply("1"))
        self.heartbeat.dispatch(reply("1"))
        self.assertEqual(len(self.answers), 1)

    def test_late_answer(self) -> None:
        """An answer after its timeout changes nothing."""
        self.clock.pump([30, 10])
        self.heartbeat.stop(NotConnected())
        self.heartbeat.dispatch(reply("1"))
        self.assertEqual(self.answers, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stop(self) -> None:
        """After a stop no timer is left, whether or not an answer is awaited."""
        self.heartbeat.stop(NotConnected())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.heartbeat.start()
        self.clock.advance(30)
        self.heartbeat.stop(NotConnected())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.heartbeat.stop(NotConnected())

    def test_many(self) -> None:
        """The heartbeats of many clients share their delayed calls."""
        for _ in range(100):
            self.clock.advance(0.1)
            Heartbeat(
                self.clock,
                30.0,
                10.0,
                self.owner(lambda: "1"),
            ).start()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.pump([0.1] * 300)
        self.assertEqual(len(self.sent), 101)

    def test_other_interval(self) -> None:
        """A changed interval and timeout hold at once, and begin anew."""
        self.clock.advance(20)
        self.heartbeat.reset(5.0, 1.0)
        self.clock.advance(5)
        self.assertEqual(self.times(), [25.0])
        self.heartbeat.reset(5.0, 3.0)
        self.clock.advance(2)
        self.assertEqual(self.failures, [])
        self.clock.advance(1)
        self.assertEqual(len(self.failures), 1)

    def test_same_interval(self) -> None:
        """What is not changed puts nothing off."""
        self.clock.advance(20)
        self.heartbeat.reset(self.heartbeat.interval, self.heartbeat.timeout)
        self.clock.advance(10)
        self.assertEqual(self.times(), [30.0])

    def test_other_interval_without_heartbeats(self) -> None:
        """A transport that needs no heartbeat gets none from a changed interval."""
        self.heartbeat.stop(NotConnected())
        self.heartbeat.reset(5.0, 1.0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_other_interval_while_paused(self) -> None:
        """In a pause a changed interval holds at once, and no timeout begins."""
        self.clock.advance(30)
        self.heartbeat.pause()
        self.heartbeat.reset(5.0, 1.0)
        self.clock.advance(5)
        self.assertEqual(self.times(), [30.0, 35.0])
        self.clock.advance(4)
        self.assertEqual(self.failures, [])

    # -- While reading is paused --------------------------------------------------

    def test_paused(self) -> None:
        """Decision 10: heartbeats go out in a pause, and their timeout rests."""
        self.heartbeat.pause()
        self.clock.pump([30] * 10)
        self.assertEqual(self.times(), [30.0 * n for n in range(1, 11)])
        self.assertEqual(self.failures, [])

    def test_paused_while_waiting(self) -> None:
        """A pause takes the timeout away that is running."""
        self.clock.advance(30)
        self.clock.advance(9)
        self.heartbeat.pause()
        self.clock.advance(20)
        self.assertEqual((self.failures, self.times()), ([], [30.0]))
        self.clock.advance(1)
        self.assertEqual((self.failures, self.times()), ([], [30.0, 60.0]))

    def test_resumed(self) -> None:
        """After a pause the answer under way has the whole timeout again."""
        self.heartbeat.pause()
        self.clock.pump([30, 25])
        self.heartbeat.resume()
        self.clock.advance(9.9)
        self.assertEqual(self.failures, [])
        self.clock.advance(0.1)
        self.assertEqual(len(self.failures), 1)

    def test_resumed_without_a_pause(self) -> None:
        """Who resumes time and again puts the timeout off no more than once."""
        self.clock.advance(30)
        self.heartbeat.pause()
        for _ in range(19):
            self.heartbeat.resume()
            self.clock.advance(0.5)
        self.assertEqual(self.failures, [])
        self.heartbeat.resume()
        self.clock.advance(0.5)
        self.assertEqual(len(self.failures), 1)

    def test_resumed_and_answered(self) -> None:
        """An answer that was held back in the pause is an answer."""
        self.heartbeat.pause()
        self.clock.pump([30, 30])
        self.heartbeat.resume()
        self.heartbeat.dispatch(reply("1"))
        self.assertEqual(self.answers, [])
        self.heartbeat.dispatch(reply("2"))
        self.assertEqual(self.answers, [0.0])
        self.clock.advance(30)
        self.assertEqual(self.times(), [30.0, 60.0, 90.0])

    def test_pauses_between_heartbeats(self) -> None:
        """A pause while no answer is awaited changes nothing."""
        self.clock.advance(10)
        self.heartbeat.pause()
        self.clock.advance(10)
        self.heartbeat.resume()
        self.clock.advance(10)
        self.assertEqual(self.times(), [30.0])
        self.clock.advance(10)
        self.assertEqual(len(self.failures), 1)

    def test_pauses_time_and_again(self) -> None:
        """A reader that pauses every few seconds puts no heartbeat off.

        Phoenix closes a socket that sends nothing for 60 seconds, and the answer may be
        behind minutes of messages.
        """
        self.clock.advance(30)
        for _ in range(30):
            self.heartbeat.pause()
            self.clock.pump([1] * 7)
            self.heartbeat.resume()
            self.clock.advance(1)
        gaps = [b - a for a, b in zip(self.times(), self.times()[1:], strict=False)]
        self.assertEqual(self.failures, [])
        self.assertGreater(len(gaps), 5)
        self.assertTrue(all(30 <= gap <= 32 for gap in gaps), gaps)

    # -- ping() -------------------------------------------------------------------

    def test_ping(self) -> None:
        """A ping is a heartbeat of its own, and fires with its round trip."""
        self.clock.advance(1)
        ping = self.heartbeat.ping(self.deadlines, 5.0)
        self.assertEqual(self.sent, [(1.0, Message.heartbeat("1"))])
        self.clock.advance(0.5)
        self.heartbeat.dispatch(reply("1"))
        self.assertEqual(self.successResultOf(ping), 0.5)
        self.assertEqual(self.answers, [0.5])
        self.assertEqual(len(self.deadlines), 0)

    def test_pings_and_heartbeats(self) -> None:
        """Each takes its own answer, in whatever order they come."""
        self.clock.advance(30)
        first = self.heartbeat.ping(self.deadlines, 5.0)
        second = self.heartbeat.ping(self.deadlines, 5.0)
        self.clock.advance(1)
        self.heartbeat.dispatch(reply("3"))
        self.assertEqual(self.successResultOf(second), 1.0)
        self.assertNoResult(first)
        self.clock.advance(1)
        self.heartbeat.dispatch(reply("1"))
        self.assertEqual(self.answers, [1.0, 2.0])
        self.heartbeat.dispatch(reply("2"))
        self.assertEqual(self.successResultOf(first), 2.0)

    def test_ping_timeout(self) -> None:
        """A ping that is not answered fails, and leaves the connection alone."""
        ping = self.heartbeat.ping(self.deadlines, 5.0)
        self.clock.advance(5)
        error = self.failureResultOf(ping, HeartbeatTimeout).value
        self.assertEqual(error.timeout, 5.0)
        self.assertEqual(self.failures, [])
        self.heartbeat.dispatch(reply("1"))
        self.assertEqual(self.answers, [])

    def test_ping_stopped(self) -> None:
        """A ping fails with the reason of the loss."""
        ping = self.heartbeat.ping(self.deadlines, 5.0)
        reason = ConnectionClosed(1006)
        self.heartbeat.stop(reason)
        self.assertIs(self.failureResultOf(ping).value, reason)
        self.assertEqual(len(self.deadlines), 0)

    def test_ping_cancelled(self) -> None:
        """A cancelled ping is forgotten, and its answer is nobody's."""
        ping = self.heartbeat.ping(self.deadlines, 5.0)
        ping.cancel()
        self.failureResultOf(ping, CancelledError)
        self.assertEqual(len(self.deadlines), 0)
        self.heartbeat.dispatch(reply("1"))
        self.assertEqual(self.answers, [])
