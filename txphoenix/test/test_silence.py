"""Tests of :mod:`txphoenix.client.silence`.

By a heartbeat of 30 and 10 seconds on a clock.
"""

from __future__ import annotations

from itertools import count, pairwise
from types import SimpleNamespace
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.heartbeat import Heartbeat
from txphoenix.errors import HeartbeatTimeout
from txphoenix.protocol.message import Message
from txphoenix.transports.interfaces import LifeSigns


class Line:
    """A transport that shows what the test says.

    :ivar is_heard: whether what comes shows while reading is paused.
    """

    needs_heartbeat = True
    HEARTBEAT = 50

    def __init__(self) -> None:
        self.has_read = self.is_heard = False
        self.written = self.taken = self.followed = 0

    def send(self, _message: Message) -> None:
        """Write a heartbeat."""
        self.written += self.HEARTBEAT

    def follow_writes(self) -> None:
        """Follow what is written now."""
        self.followed = self.written

    def signs_of_life(self) -> LifeSigns:
        """Show it."""
        has_read, self.has_read = self.has_read, False
        is_under_way = self.taken < self.followed
        return LifeSigns(has_read, self.taken, is_under_way, self.is_heard)


class SilenceTests(SynchronousTestCase):
    """What keeps a connection whose heartbeat is not answered."""

    def setUp(self) -> None:
        """Have a heartbeat over a line that does as it is told."""
        self.clock = Clock()
        self.line = Line()
        self.sent: list[tuple[float, str | None]] = []
        self.failures: list[tuple[float, HeartbeatTimeout]] = []
        self.answers: list[float] = []
        refs = count(1)
        self.heartbeat = Heartbeat(
            self.clock,
            30.0,
            10.0,
            cast(
                Any,
                SimpleNamespace(
                    next_ref=lambda: str(next(refs)),
                    send_heartbeat=self.send,
                    heartbeat_answered=self.answers.append,
                    heartbeat_failed=lambda error: self.failures.append(
                        (self.clock.seconds(), error)
                    ),
                ),
            ),
            self.line,  # type: ignore[arg-type]
        )
        self.heartbeat.start()

    def send(self, message: Message) -> None:
        """Send a heartbeat."""
        self.sent.append((self.clock.seconds(), message.ref))
        self.line.send(message)

    def answer(self, sent: tuple[float, str | None]) -> None:
        """The server answers a heartbeat."""
        self.heartbeat.dispatch(Message(None, sent[1], "phoenix", "phx_reply", {}))

    def assert_lost(self, earliest: float, latest: float) -> None:
        """It is lost in the time between, if nothing else happens."""
        while self.clock.seconds() < earliest - 0.06:
            self.clock.advance(0.05)
        self.assertEqual(self.failures, [])
        while self.clock.seconds() < latest:
            self.clock.advance(0.05)
        ((_, error),) = self.failures
        self.assertEqual(error.timeout, 10.0)

    def pass_time(self, seconds: float, act: Any = None) -> None:
        """Let time pass; ``act`` is called ten times a second."""
        for _ in range(round(seconds * 10)):
            if act is not None:
                act()
            self.clock.advance(0.1)

    def read(self) -> None:
        """Something comes."""
        self.line.has_read = True

    def take(self) -> None:
        """The peer takes a few of the bytes that are there for it."""
        self.line.taken = min(self.line.taken + 20, self.line.written)

    def test_mute(self) -> None:
        """A mute peer is lost in time, to the moment."""
        self.line.taken = self.line.HEARTBEAT
        self.clock.advance(30)
        self.clock.advance(9.9)
        self.assertEqual(self.failures, [])
        self.clock.advance(0.1)
        self.assertEqual(len(self.failures), 1)

    def test_mute_in_steps(self) -> None:
        """So it is where the clock moves in small steps."""
        self.assert_lost(40, 40.1)

    def test_long_message(self) -> None:
        """While bytes come the answer may take its time; then it is an answer."""
        self.pass_time(130, self.read)
        self.assertEqual(self.failures, [])
        self.answer(self.sent[0])
        self.assertEqual(len(self.answers), 1)

    def test_long_message_ends(self) -> None:
        """From the last byte on there is silence, which is found in little more."""
        self.pass_time(75, self.read)
        self.assert_lost(85 - 0.1, 85 + 10 / 8 + 0.2)

    def test_rare_bytes(self) -> None:
        """One byte within each timeout is enough."""
        self.pass_time(30)
        for _ in range(20):
            self.pass_time(9.9)
            self.read()
            self.pass_time(0.1)
        self.assertEqual(self.failures, [])

    def test_server_is_told(self) -> None:
        """A heartbeat goes out each interval all the same; the server wants them."""
        self.pass_time(200, self.read)
        times = [round(time) for time, _ in self.sent]
        self.assertGreaterEqual(len(times), 6)
        for before, after in pairwise(times):
            self.assertLessEqual(after - before, 32)
        # It is the answer to the first that is awaited.
        self.answer(self.sent[-1])
        self.assertEqual(self.answers, [])

    def test_mute_is_not_asked_again(self) -> None:
        """Without any sign, no other heartbeat is sent."""
        self.heartbeat.reset(1.0, 10.0)
        self.assert_lost(11, 11.2)
        self.assertEqual(len(self.sent), 1)

    def test_upload(self) -> None:
        """While what is before the heartbeat is taken, the answer may take its time."""
        self.line.written = 20_000
        self.pass_time(90, self.take)
        self.assertEqual((self.failures, self.line.taken), ([], 18_000))

    def test_upload_stops(self) -> None:
        """A peer that takes nothing more is lost in time."""
        self.line.written = 20_000
        self.pass_time(60, self.take)
        self.assert_lost(70 - 0.1, 70 + 10 / 8 + 0.2)

    def test_whole_timeout_for_the_answer(self) -> None:
        """Once the heartbeat itself is taken there is a whole timeout, and no more.

        That the peer's system goes on taking what follows is no sign of the peer.
        """
        self.line.written = 20 * 10 * 45

        def push_and_take() -> None:
            if self.clock.seconds() > 30:
                self.line.written += 20
            self.take()

        # All before it is taken after 45 seconds, and the heartbeat soon after.
        self.pass_time(45.5, push_and_take)
        while self.clock.seconds() < 55:
            push_and_take()
            self.clock.advance(0.1)
        self.assertEqual(self.failures, [])
        while not self.failures and self.clock.seconds() < 200:
            push_and_take()
            self.clock.advance(0.1)
        self.assertLess(self.failures[0][0], 55 + 2 * 10 / 8 + 0.5)

    def test_answered_at_once(self) -> None:
        """An answer that is there before anybody looks keeps a line that is paused."""
        self.line.is_heard = True
        self.heartbeat.pause()
        send = self.line.send

        def send_and_hear(message: Message) -> None:
            send(message)
            self.line.taken, self.line.has_read = self.line.written, True

        self.patch(self.line, "send", send_and_hear)
        self.pass_time(119)
        self.assertEqual((self.failures, len(self.sent)), ([], 3))
        self.patch(self.line, "send", send)
        self.assert_lost(130 - 0.1, 130 + 10 / 8 + 0.2)

    def test_stopped_peer(self) -> None:
        """A mute peer whose system takes all that is sent is lost in time.

        There was nothing before the heartbeat, so that it was there at once.
        """

        def push_and_take() -> None:
            self.line.taken = self.line.written
            self.line.written += 100
            self.line.taken = self.line.written

        self.pass_time(39.9, push_and_take)
        self.assertEqual(self.failures, [])
        self.pass_time(0.3, push_and_take)
        self.assertEqual(len(self.failures), 1)

    def test_resumed(self) -> None:
        """After a pause there is a whole timeout, bytes or not."""
        self.heartbeat.pause()
        self.pass_time(55)
        self.heartbeat.resume()
        self.assert_lost(65 - 0.1, 65.2)

    # -- While reading is paused --------------------------------------------------

    def pause(self) -> None:
        """Pause, where what comes shows all the same."""
        self.line.is_heard = True
        self.heartbeat.pause()

    def test_paused(self) -> None:
        """A mute peer is lost in time though nothing is read, to the moment."""
        self.pause()
        self.clock.advance(30)
        self.clock.advance(9.9)
        self.assertEqual(self.failures, [])
        self.clock.advance(0.1)
        self.assertEqual(len(self.failures), 1)

    def test_paused_and_alive(self) -> None:
        """What comes after a heartbeat is as good as its answer, and the next goes."""
        self.pause()
        for _ in range(10):
            self.pass_time(30.1)
            self.read()
        self.assertEqual(self.failures, [])
        for (before, _), (after, _) in pairwise(self.sent):
            self.assertLess(abs(after - before - 30), 0.2)
        self.pass_time(40.2)
        self.assertEqual(len(self.failures), 1)

    def test_paused_later(self) -> None:
        """A pause that begins while an answer is awaited takes no time away."""
        self.pass_time(35)
        self.pause()
        self.assert_lost(40 - 0.1, 40.2)

    def test_no_room(self) -> None:
        """Where nothing that comes would show, the timeout rests."""
        self.pause()
        self.line.is_heard = False
        self.pass_time(300)
        self.assertEqual(self.failures, [])
        self.assertGreaterEqual(len(self.sent), 9)

    def test_read_on(self) -> None:
        """Reading on is no reason to wait for longer where nothing has come."""
        self.pause()
        self.pass_time(35)
        self.heartbeat.resume()
        self.assert_lost(40 - 0.1, 40.2)

    def test_read_on_behind_more(self) -> None:
        """Where anything has come, the answer may be behind it."""
        self.pause()
        self.pass_time(31)
        self.read()
        self.pass_time(24)
        self.heartbeat.resume()
        self.assert_lost(65 - 0.1, 65.2)

    def test_reconfigured(self) -> None:
        """Another interval and timeout hold in a pause, too."""
        self.pause()
        self.heartbeat.reset(5.0, 10.0)
        self.assert_lost(15 - 0.1, 15.2)

    # -- The end ------------------------------------------------------------------

    def test_stopped_within(self) -> None:
        """A heartbeat may be the end of its connection: no timer is left."""
        self.patch(
            self.line, "send", lambda _: self.heartbeat.stop(HeartbeatTimeout(1.0))
        )
        self.clock.advance(30)
        self.assertEqual(self.clock.getDelayedCalls(), [])
