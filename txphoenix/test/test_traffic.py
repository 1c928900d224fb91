"""Tests of :mod:`txphoenix.client.traffic`: what is counted, and when it is told."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet.defer import CancelledError

from txphoenix import telemetry

from .support import TOPIC, ClientTestCase


class TrafficCase(ClientTestCase):
    """A handler of traffic alone, and what the server saw."""

    options: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        """Note what is told."""
        super().setUp()
        self.told: list[tuple[str, int, int]] = []
        telemetry.attach("test", telemetry.TRAFFIC, self.take)
        self.addCleanup(telemetry.detach, "test")

    def take(self, _: Any, measured: Any, told: Any, __: Any) -> None:
        """Note it."""
        self.told.append((told["action"], measured["count"], measured["size"]))

    def total(self, action: str) -> tuple[int, int]:
        """How many messages were told of, and how many bytes."""
        told = [each[1:] for each in self.told if each[0] == action]
        return sum(count for count, _ in told), sum(size for _, size in told)

    def seen(self, action: str) -> tuple[int, int]:
        """How many the server has seen, or sent, on all connections."""
        sizes = [
            len(frame.data)
            for session in self.memory.sessions
            for frame in session.frames
            if frame.is_sent is (action == "received")
        ]
        return len(sizes), sum(sizes)

    def assert_counted(self) -> None:
        """All that went either way was told of."""
        self.memory.advance(0)
        for action in "sent", "received":
            self.assertEqual(self.total(action), self.seen(action), action)
            self.assertGreater(self.total(action)[0], 0)


class CountMixin(TrafficCase):
    """What is counted is what the server sees."""

    def test_all_ways(self) -> None:
        """Joins, replies, what hooks take and what none takes, binary, heartbeats."""
        channel = self.joined_channel(heartbeat_interval=5.0, **self.options)
        channel.on("shouted", lambda _: None)
        for event in "echo", "refuse", "shout", "whisper", "other":
            self.watch(channel.push(event, {"a": 1}))
        self.watch(channel.push("echo", b"binary"))
        channel.push_async("echo", {})
        self.memory.advance(0)
        self.assert_counted()
        self.memory.advance(6.0)
        self.assert_counted()
        self.watch(channel.leave())
        self.memory.flush()
        self.assert_counted()

    def test_late_replies(self) -> None:
        """A reply that nobody waits for any more is counted once as well."""
        channel = self.joined_channel(**self.options)
        given_up = self.watch(channel.push("echo", {}))
        self.memory.is_stalled = True
        self.clock.advance(0)
        # It has left.
        given_up.deferred.cancel()
        self.memory.is_stalled = False
        channel.push_async("echo", {})
        self.memory.flush()
        self.assert_counted()


class WebSocketTests(CountMixin):
    """Over a WebSocket."""

    def test_one_event_a_turn(self) -> None:
        """What is sent in one turn is one event, and so is what is received."""
        channel = self.joined_channel()
        self.memory.advance(0)
        self.told.clear()
        for number in range(10):
            self.watch(channel.push("echo", number))
        self.assertEqual(self.told, [])
        self.memory.flush()
        self.memory.advance(0)
        sent = [count for action, count, _ in self.told if action == "sent"]
        self.assertEqual(sent, [10])
        self.assertEqual(self.total("received")[0], 10)
        self.assertLess(len(self.told), 12)

    def test_undecodable(self) -> None:
        """A frame that is no message is not counted; telemetry has an event for it."""
        self.joined_channel()
        before = self.seen("received")
        self.memory.sessions[-1].send_frame(b"no message", False)
        self.memory.advance(0)
        self.assertEqual(self.total("received"), before)

    def test_at_the_end(self) -> None:
        """What was counted in the turn of the loss is told of then, and not after."""
        channel = self.joined_channel()
        channel.push_async("echo", {})
        self.memory.advance(0)
        channel.push_async("echo", {})
        sent = self.total("sent")[0]
        self.lose_connection()
        self.assertEqual(self.total("sent")[0], sent + 1)
        told = len(self.told)
        self.clock.advance(0)
        self.assertEqual(len(self.told), told)

    def test_attached_in_the_middle(self) -> None:
        """Who comes in the middle is told of what comes then."""
        telemetry.detach("test")
        channel = self.joined_channel()
        waiting = self.watch(channel.push("echo", {}))
        telemetry.attach("test", telemetry.TRAFFIC, self.take)
        self.memory.flush()
        self.memory.advance(0)
        self.assertEqual(self.total("sent")[0], 0)
        self.assertEqual(self.total("received")[0], 1)
        self.assertEqual(waiting.fired, [{}])

    def test_ended_meanwhile(self) -> None:
        """A reply is counted once, also if who is told of it ends what waits for it."""
        channel = self.joined_channel()
        waiting = self.watch(channel.push("echo", {}))

        def cancel(_: Any, __: Any, told: Any, ___: Any) -> None:
            if told["event"] == "phx_reply":
                waiting.deferred.cancel()

        telemetry.attach("cancel", telemetry.MESSAGE, cancel)
        self.addCleanup(telemetry.detach, "cancel")
        self.memory.flush()
        self.assert_failed(waiting, CancelledError)
        self.assert_counted()

    def test_two_clients(self) -> None:
        """Each client has events of its own."""
        clients = [self.joined_channel(f"{TOPIC}{number}") for number in range(2)]
        of: list[Any] = []
        telemetry.attach(
            "of", telemetry.TRAFFIC, lambda _, __, told, ___: of.append(told["client"])
        )
        self.addCleanup(telemetry.detach, "of")
        for channel in clients:
            channel.push_async("silent", {})
        self.memory.advance(0)
        self.assertEqual(of, self._clients)


class StockFramesTests(CountMixin):
    """Over a WebSocket whose frames go Autobahn's way."""

    options: ClassVar[Any] = {"fast_frames": False}


class LongPollTests(CountMixin):
    """Over long-poll."""

    options: ClassVar[Any] = {"transport": "longpoll"}


del CountMixin
