"""From when on a join's time runs, and what follows when it is over."""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs, formatEvent

from txphoenix.channels.channel import Channel
from txphoenix.errors import (
    HeartbeatTimeout,
    JoinTimeout,
)

from .slow_joins import SlowJoinsTestCase


class TimeTests(SlowJoinsTestCase):
    """From when on a join's time runs, and what follows when it is over."""

    def test_first_joins(self) -> None:
        """The time of a join behind others runs from when the server comes to it."""
        client = self.connected_client()
        self.memory.seconds = 2.0
        joins = self.join_all(client, self.topics(10))
        self.memory.advance(19.9)
        self.assert_waits(joins[-1])
        self.memory.advance(0.2)
        for join in joins:
            self.assert_fired(join, {})

    def test_one_expires(self) -> None:
        """One that somebody waits for fails in its time, and a leave is sent.

        Those behind it have theirs from when the server is done with it.
        """
        client = self.connected_client()
        self.memory.seconds_of = {"rooms:0": 8.0, "rooms:1": 4.0}
        joins = self.join_all(client, self.topics(3))
        self.memory.advance(5.0)
        error = self.assert_failed(joins[0], JoinTimeout)
        self.assertTrue(error.was_sent)
        self.assertEqual(self.count("phx_leave"), 1)
        self.memory.advance(7.1)
        self.assert_fired(joins[1], {})
        self.assert_fired(joins[2], {})
        self.assertIsNone(client.channels.find("rooms:0"))

    def test_behind_one_that_expires(self) -> None:
        """They expire as well, if the server then takes too long for them."""
        client = self.connected_client()
        self.memory.seconds_of = {"rooms:0": 8.0, "rooms:1": 20.0}
        joins = self.join_all(client, self.topics(2))
        self.memory.advance(12.9)
        self.assert_waits(joins[1])
        self.memory.advance(0.2)
        self.assert_failed(joins[1], JoinTimeout)

    def test_time_of_one_behind(self) -> None:
        """It has its own time, be that more or less than of the one before it."""
        client = self.connected_client()
        for before, behind in ((20.0, 3.0), (3.0, 20.0)):
            self.memory.seconds_of = {"rooms:2": 30.0}
            self.memory.seconds = 2.0
            timeouts = (5.0, before, behind)
            channels = [client.channel(topic) for topic in self.topics(3)]
            joins = [
                self.watch(channel.join(seconds))
                for channel, seconds in zip(channels, timeouts, strict=True)
            ]
            self.memory.advance(2.0)
            self.memory.advance(2.0)
            self.assert_fired(joins[1], {})
            self.memory.advance(behind - 0.1)
            self.assert_waits(joins[2])
            self.memory.advance(0.1)
            self.assert_failed(joins[2], JoinTimeout)
            self.memory.advance(100.0)
            for channel in channels[:2]:
                self.watch(channel.leave())
            self.memory.flush()

    def test_one_delayed_call(self) -> None:
        """However many are answered in a row, one call of the reactor's is enough."""
        client = self.connected_client(heartbeat_interval=3600.0)
        self.memory.seconds = 0.01
        joins = self.join_all(client, self.topics(100))
        others = len(self.clock.getDelayedCalls())
        for _ in range(99):
            self.memory.advance(0.01)
            self.assertLessEqual(len(self.clock.getDelayedCalls()), others)
        self.memory.advance(0.01)
        for join in joins:
            self.assert_fired(join, {})

    def test_lost_behind_others(self) -> None:
        """The time that the server has been at work on it counts after a loss."""
        client = self.connected_client()
        self.memory.seconds = 2.0
        joins = self.join_all(client, self.topics(3))
        self.memory.advance(5.0)
        self.memory.is_listening = False
        self.lose_connection()
        # It was the first for a second.
        self.memory.advance(3.9)
        self.assert_waits(joins[2])
        self.memory.advance(0.1)
        self.assert_failed(joins[2], JoinTimeout)

    def test_wait_for_connection(self) -> None:
        """The wait for a connection is part of a join's time, as it is said."""
        client = self.connecting_client(join_window=1)
        self.memory.seconds = 2.5
        joins = self.join_all(client, self.topics(4))
        self.memory.advance(4.0)
        self.memory.release_connections()
        self.memory.advance(1.1)
        self.assert_failed(joins[0], JoinTimeout)
        for join in joins[1:]:
            self.assert_waits(join)

    def test_connection_lost(self) -> None:
        """In line when the connection is lost, it waits for the next in its time."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 3.0
        joins = self.join_all(client, self.topics(2))
        self.memory.advance(2.0)
        self.memory.is_listening = False
        self.lose_connection()
        self.memory.advance(2.9)
        self.assert_waits(joins[0])
        self.memory.advance(0.1)
        self.assert_failed(joins[0], JoinTimeout)
        self.memory.advance(1.9)
        self.assert_waits(joins[1])
        self.memory.advance(0.1)
        error = self.assert_failed(joins[1], JoinTimeout)
        self.assertFalse(error.was_sent)

    def test_late_rejoin(self) -> None:
        """A rejoin that takes longer is waited for, and the log says so."""
        _, [channel] = self.joined(1)
        self.memory.seconds = 8.0
        self.come_back()
        with capturedLogs() as captured:
            self.memory.advance(5.0)
        said = [formatEvent(event) or "" for event in captured]
        self.assertTrue(any("may be at work on it" in text for text in said), said)
        self.assertEqual(channel.state, "joining")
        self.memory.advance(3.0)
        self.assertTrue(channel.is_joined)
        self.assertEqual(
            self.events_sent(), ["phx_join", "heartbeat"], "asked, and not left"
        )

    def test_passed(self) -> None:
        """One that the server has passed without an answer is left and tried again."""
        _, channels = self.joined(2)
        self.memory.answers = False
        self.come_back()
        first, second = self.sent()
        self.memory.advance(2.0)
        self.answer(second)
        self.assertTrue(channels[1].is_joined)
        self.memory.advance(2.9)
        self.assertEqual(channels[0].state, "joining")
        self.memory.advance(0.1)
        self.assertEqual(channels[0].state, "errored")
        self.assertEqual(
            self.sent()[-1][:1] + self.sent()[-1][3:4], [first[0], "phx_leave"]
        )
        self.assertEqual([type(error) for error in self.errors], [JoinTimeout])
        self.memory.advance(1.0)
        self.assertEqual(self.count("phx_join"), 3)

    def test_time_of_those_passed(self) -> None:
        """What the server has passed has its own time, from when the server came."""
        _, channels = self.joined(3)
        self.memory.answers = False
        self.come_back()
        joins = self.sent()
        self.memory.advance(4.0)
        self.answer(joins[2])
        self.memory.advance(1.0)
        self.assertEqual(
            [each.state for each in channels], ["errored", "joining", "joined"]
        )
        self.memory.advance(3.9)
        self.assertEqual(channels[1].state, "joining")
        self.memory.advance(0.1)
        self.assertEqual(channels[1].state, "errored")

    def test_time_of_the_first_passed(self) -> None:
        """Of that what it had as the first is over, when the server has passed it."""
        _, channels = self.joined(4)
        self.memory.answers = False
        self.come_back()
        joins = self.sent()
        self.memory.advance(2.0)
        self.answer(joins[0])
        self.memory.advance(3.0)
        self.answer(joins[3])
        self.memory.advance(1.9)
        self.assertEqual(channels[1].state, "joining")
        self.memory.advance(0.1)
        self.assertEqual(channels[1].state, "errored")
        self.memory.advance(2.9)
        self.assertEqual(channels[2].state, "joining")
        self.memory.advance(0.1)
        self.assertEqual(channels[2].state, "errored")

    def test_passed_when_overdue(self) -> None:
        """So is one that has had its time, as soon as that shows."""
        _, channels = self.joined(2)
        self.memory.answers = False
        self.memory.is_stalled = False
        self.come_back()
        first, second = self.sent()
        # The heartbeat that asks is answered later than the time is over.
        self.memory.pause()
        self.memory.advance(6.0)
        self.assertEqual([each.state for each in channels], ["joining", "joining"])
        self.watch(channels[1].leave())
        self.memory.resume()
        self.memory.flush()
        self.assertEqual(channels[0].state, "errored")
        self.assertEqual([type(error) for error in self.errors], [JoinTimeout])
        self.answer(first)
        self.answer(second)

    def test_silent_to_both(self) -> None:
        """A leave of one that is overdue changes nothing about the wait for it."""
        client, channels = self.joined(2, heartbeat_interval=3600.0)
        self.memory.seconds = 10_000.0
        self.come_back()
        self.memory.advance(10.0)
        self.watch(client.leave("rooms:0"))
        self.memory.advance(64.9)
        self.assertEqual(channels[1].state, "joining")
        self.memory.advance(0.1)
        # Its time begins when the other is given up.
        self.assertEqual(channels[1].state, "joining")
        self.memory.advance(5.0)
        self.assertEqual(channels[1].state, "errored")

    def test_mute(self) -> None:
        """A server that answers nothing at all is found out by the heartbeat."""
        client, [channel] = self.joined(1)
        self.memory.holds_joins = True
        self.memory.seconds = 10_000.0
        self.come_back()
        reasons: list[BaseException] = []
        client.on_close(reasons.append)
        self.memory.seconds = 0.0
        self.memory.advance(39.9)
        self.assertEqual(reasons, [])
        self.memory.advance(0.1)
        self.assertEqual([type(each) for each in reasons], [HeartbeatTimeout])
        self.memory.advance(0.5)
        self.assertTrue(channel.is_joined)

    def test_no_heartbeat(self) -> None:
        """With heartbeats that are too far apart for that, it has 70 seconds."""
        _, [channel] = self.joined(1, heartbeat_interval=3600.0)
        self.memory.seconds = 10_000.0
        self.come_back()
        self.memory.advance(74.9)
        self.assertEqual(channel.state, "joining")
        self.memory.advance(0.1)
        self.assertEqual(channel.state, "errored")
        self.assertEqual([type(error) for error in self.errors], [JoinTimeout])

    def test_refs_of_nobody(self) -> None:
        """Answers with refs that were never ours change nothing."""
        _, [channel] = self.joined(1)
        self.memory.answers = False
        self.come_back()
        for ref in (None, "", "x", "-1", "٣", "9" * 5000, "1"):
            for topic in ("rooms:0", "rooms:nobody", "phoenix"):
                self.server_sends(None, ref, topic, "phx_reply", {})
        self.assertEqual(channel.state, "joining")
        self.answer(self.sent()[0])
        self.assertTrue(channel.is_joined)

    def test_crash_after_join(self) -> None:
        """A join that begins anew after a crash has the whole time again."""

        class Crashing(Channel):
            crashes = 1

            def handle_join(self, response: Any) -> None:
                if self.crashes:
                    self.crashes -= 1
                    raise RuntimeError("once")

        client = self.connected_client()
        self.memory.seconds = 4.0
        join = self.watch(client.channel("rooms:a", {}, Crashing).join())
        self.memory.advance(8.1)
        self.assert_fired(join, {})
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_join_channels(self) -> None:
        """Nobody waits for the joins of ``join_channels`` who would have to be told."""
        self.memory.seconds = 8.0
        client = self.connected_client(join_channels=["rooms:a", "rooms:b"])
        self.memory.advance(16.1)
        self.assertEqual(self.count("phx_join"), 2)
        self.assertEqual(self.count("phx_leave"), 0)
        self.assert_joined(list(client.channels))
