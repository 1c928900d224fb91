"""Decision 10: a channel whose messages are not read as fast as they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred

from .support import TOPIC, ClientTestCase, Outcome


class FlowTests(ClientTestCase):
    """Decision 10: the queue of receive() has a limit."""

    def setUp(self) -> None:
        """Join, with a small queue."""
        super().setUp()
        self.client = self.connected_client(receive_buffer=4, heartbeat_interval=10.0)
        self.channel = self.joined_channel(client=self.client)

    def news(self, payload: Any) -> None:
        """The server broadcasts."""
        self.memory.broadcast(TOPIC, "news", payload)
        self.memory.flush()

    def is_reading(self) -> bool:
        """Whether the client reads from its connection."""
        [pair] = self.memory.pairs
        return pair.client.is_reading

    def test_reader(self) -> None:
        """Decision 10: with a reader nothing is lost; the server waits.

        Reading goes on when half has been read.
        """
        received = [self.watch(self.channel.receive())]
        for number in range(8):
            self.news(number)
        self.assertFalse(self.is_reading())
        received.append(self.watch(self.channel.receive()))
        self.assertFalse(self.is_reading())
        received.append(self.watch(self.channel.receive()))
        self.assertTrue(self.is_reading())
        self.memory.flush()
        received += [self.watch(self.channel.receive()) for _ in range(5)]
        self.assertEqual(
            [it.fired[0].payload for it in received if it.fired], list(range(8))
        )
        self.assertEqual(self.channel.dropped_messages, 0)

    def test_heartbeats(self) -> None:
        """Decision 10: meanwhile heartbeats go out, and their timeout rests."""
        self.watch(self.client.reconfigure(receive_buffer=20))
        self.watch(self.channel.receive())
        for number in range(21):
            self.news(number)
        before = self.events_sent().count("heartbeat")
        for _ in range(6):
            self.memory.advance(9.5)
            self.watch(self.channel.receive())
        self.memory.advance(3.0)
        self.assertFalse(self.is_reading())
        self.assertTrue(self.client.connected)
        self.assertEqual(self.events_sent().count("heartbeat"), before + 6)

    def assert_gives_up(self) -> None:
        """A full queue holds up the socket as long as a heartbeat would at most."""
        other = self.joined_channel("rooms:other", client=self.client)
        for number in range(4):
            self.news(number)
        self.assertFalse(self.is_reading())
        echoed = self.watch(other.push("echo", timeout=60.0))
        self.memory.advance(19.9)
        self.assert_waits(echoed)
        self.memory.advance(0.1)
        self.assert_fired(echoed, {})
        self.assertEqual(self.channel.dropped_messages, 0)
        self.news(4)
        self.assertEqual(self.channel.dropped_messages, 1)
        self.assertTrue(self.is_reading())

    def test_read_once(self) -> None:
        """Decision 10: a reader that does not come back is not waited for."""
        self.watch(self.channel.receive())
        self.news("read")
        self.assert_gives_up()

    def test_iteration_ended(self) -> None:
        """Nor is one that has left its ``async for``."""

        async def first() -> Any:
            async for message in self.channel:
                return message.payload
            return None

        read = self.watch(Deferred.fromCoroutine(first()))
        self.news("read")
        self.assert_fired(read, "read")
        self.assert_gives_up()

    def test_timed_out(self) -> None:
        """Decision 10: a receive() that was cancelled, or timed out, never pauses."""
        waiting = self.watch(self.channel.receive().addTimeout(1.0, self.clock))
        self.memory.advance(1.0)
        self.assert_failed(waiting, defer.TimeoutError)
        for number in range(6):
            self.news(number)
        self.assertTrue(self.is_reading())
        self.assertEqual(self.channel.dropped_messages, 2)

    def test_two_channels(self) -> None:
        """Reading goes on when no channel has too much any more."""
        other = self.joined_channel("rooms:other", client=self.client)
        self.watch(other.receive())
        manager = self.client.channels
        for topic in (TOPIC, other.topic, TOPIC):
            manager.pauses.pause(topic)
            self.assertFalse(self.is_reading())
        manager.pauses.resume(TOPIC)
        manager.pauses.resume(TOPIC)
        self.assertFalse(self.is_reading())
        other.stop()
        self.assertTrue(self.is_reading())

    def hold_back(self, act: Callable[[], object]) -> None:
        """Fill the queue, and hold a message back at which another channel acts."""
        other = self.joined_channel("rooms:other", client=self.client)
        other.on("act", lambda _: act())
        self.watch(self.channel.receive())
        for number in range(5):
            self.memory.broadcast(TOPIC, "news", number)
        self.memory.broadcast(other.topic, "act", {})
        self.memory.flush()
        self.assertFalse(self.is_reading())

    def test_held_back_at_stop(self) -> None:
        """What was held back comes at the end of a channel, and may join it again.

        What nobody had read is of its former life, and gone.
        """
        joins: list[Outcome[Any]] = []
        self.hold_back(lambda: joins.append(self.watch(self.channel.join())))
        self.channel.stop()
        self.assertEqual(len(joins), 1)
        received = self.watch(self.channel.receive())
        self.memory.flush()
        self.assert_fired(joins[0], {})
        self.assert_waits(received)
        self.news(5)
        self.assertEqual(received.fired[0].payload, 5)
        self.assertEqual(self.channel.dropped_messages, 4)

    def test_held_back_at_leave(self) -> None:
        """Or it comes when the channel is left, and may stop it."""
        self.hold_back(self.channel.stop)
        left = self.watch(self.channel.leave())
        self.assert_fired(left, None)
        self.assertEqual(self.channel.state, "closed")
        self.assertTrue(self.is_reading())

    def test_held_back_at_reconfigure(self) -> None:
        """Or when the limit is raised, and may join others."""
        self.hold_back(lambda: self.watch(self.client.channel("rooms:new").join()))
        done = self.watch(self.client.reconfigure(receive_buffer=20))
        self.assert_fired(done, None)
        self.memory.flush()
        self.assertIsNotNone(self.client.channels.find("rooms:new"))

    def test_no_reader(self) -> None:
        """Decision 10: a queue that nobody ever read drops its oldest, counted."""
        for number in range(7):
            self.news(number)
        self.assertTrue(self.is_reading())
        self.assertEqual(self.channel.dropped_messages, 3)
        received = [self.watch(self.channel.receive()) for _ in range(4)]
        self.assertEqual([it.fired[0].payload for it in received], [3, 4, 5, 6])

    def test_reconnect(self) -> None:
        """A connection lost while it was paused does not leave the next one paused."""
        received = [self.watch(self.channel.receive())]
        for number in range(5):
            self.news(number)
        self.assertFalse(self.is_reading())
        self.lose_connection()
        self.reconnect()
        self.assertEqual(self.channel.state, "joined")
        self.assertTrue(self.is_reading())
        received += [self.watch(self.channel.receive()) for _ in range(4)]
        self.news(5)
        received.append(self.watch(self.channel.receive()))
        self.assertEqual([it.fired[0].payload for it in received], list(range(6)))

    def test_reconfigured(self) -> None:
        """Another limit holds at once, also for channels that have messages."""
        received = [self.watch(self.channel.receive())]
        for number in range(5):
            self.news(number)
        self.assertFalse(self.is_reading())
        done = self.watch(self.client.reconfigure(receive_buffer=10))
        self.assert_fired(done, None)
        self.assertTrue(self.is_reading())
        for number in range(5, 11):
            self.news(number)
        self.assertFalse(self.is_reading())
        received += [self.watch(self.channel.receive()) for _ in range(10)]
        self.assertEqual([it.fired[0].payload for it in received], list(range(11)))
