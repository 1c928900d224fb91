"""Only so many joins are under way, and the others wait in line."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from txphoenix.channels.channel import Channel
from txphoenix.errors import (
    ChannelClosed,
    JoinTimeout,
    NotConnected,
)

from .slow_joins import SlowJoinsTestCase


class WindowTests(SlowJoinsTestCase):
    """Only so many joins are under way at a time."""

    def test_window(self) -> None:
        """The next is sent when one is answered."""
        client = self.connected_client(join_window=3)
        self.memory.seconds = 1.0
        self.join_all(client, self.topics(10))
        for second in range(8):
            self.memory.advance(0.5)
            self.assertEqual(self.count("phx_join"), min(10, 3 + second))
            self.memory.advance(0.5)
        self.memory.advance(2.0)
        self.assertEqual(self.memory.asked, self.topics(10))

    def test_default(self) -> None:
        """It is 128 where nothing else is said."""
        client = self.connected_client()
        self.memory.holds_joins = True
        self.memory.seconds = 1.0
        self.join_all(client, self.topics(200))
        self.memory.flush()
        self.assertEqual(self.count("phx_join"), 128)

    def test_join_channels(self) -> None:
        """It holds for ``join_channels``."""
        self.memory.seconds = 1.0
        self.connected_client(join_window=2, join_channels=self.topics(5))
        self.memory.flush()
        self.assertEqual(self.count("phx_join"), 2)
        self.memory.advance(5.0)
        self.assertEqual(self.count("phx_join"), 5)

    def test_reconfigured(self) -> None:
        """A larger window holds at once."""
        client = self.connected_client(join_window=2)
        self.memory.seconds = 1.0
        self.join_all(client, self.topics(10))
        self.memory.flush()
        self.watch(client.reconfigure(join_window=5))
        self.memory.flush()
        self.assertEqual(self.count("phx_join"), 5)
        self.memory.advance(10.0)

    def test_reconnected_by_reconfigure(self) -> None:
        """reconfigure() waits for all the joins of the new connection."""
        client, channels = self.joined(20, join_window=4)
        self.memory.seconds = 1.0
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.advance(19.5)
        self.assert_waits(done)
        self.memory.advance(1.0)
        self.assert_fired(done, None)
        self.assert_joined(channels)

    def test_left_in_line(self) -> None:
        """A join that waits in line is taken out by a leave, and nothing is sent."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 1.0
        joins = self.join_all(client, self.topics(4))
        left = self.watch(client.leave("rooms:1"))
        self.assert_fired(left, None)
        self.assert_failed(joins[1], ChannelClosed)
        joins[2].deferred.cancel()
        self.memory.advance(5.0)
        self.assertEqual(self.memory.asked, ["rooms:0", "rooms:3"])
        self.assertEqual(self.count("phx_leave"), 0)

    def test_left_under_way(self) -> None:
        """One that is left under way keeps its place until the server has done it."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 3.0
        self.join_all(client, self.topics(2))
        left = self.watch(client.leave("rooms:0"))
        self.memory.advance(2.9)
        self.assertEqual(self.count("phx_join"), 1)
        self.memory.advance(0.2)
        self.assert_fired(left, None)
        self.assertEqual(self.count("phx_join"), 2)
        self.memory.advance(3.0)

    def test_stopped_in_line(self) -> None:
        """A stop ends them all, those in line and those under way."""
        client = self.connected_client(join_window=2)
        self.memory.seconds = 1.0
        joins = self.join_all(client, self.topics(100))
        self.stop_client(client)
        for join in joins:
            self.assertIn(type(join.fired[0]), {ChannelClosed, NotConnected})

    def test_disconnected_in_line(self) -> None:
        """So does disconnect(); those that were joined before join again later."""
        client, channels = self.joined(10, join_window=2)
        self.memory.seconds = 1.0
        self.come_back()
        new = self.join_all(client, ["rooms:new"])
        closed = self.watch(client.disconnect())
        self.memory.advance(2.0)
        self.assert_fired(closed, None)
        self.assert_failed(new[0], NotConnected)
        client.connect()
        self.memory.advance(11.0)
        self.assert_joined(channels)

    def test_joined_again_in_line(self) -> None:
        """One that leaves the line and joins again goes to its end."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 1.0
        self.join_all(client, self.topics(4))
        self.watch(client.leave("rooms:1"))
        self.join_all(client, ["rooms:1"])
        self.memory.advance(5.0)
        self.assertEqual(
            self.memory.asked, ["rooms:0", "rooms:2", "rooms:3", "rooms:1"]
        )

    def test_out_of_line_is_cheap(self) -> None:
        """Ten thousand that leave the line, in whatever order, take no long search."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 1.0
        channels = [client.channel(topic) for topic in self.topics(10_000)]
        for channel in channels:
            self.watch(channel.join())
        for channel in reversed(channels):
            self.watch(channel.leave())
        self.assertFalse(client.channels.joins.waiting)
        self.memory.advance(2.0)

    def test_push_in_line(self) -> None:
        """What a channel pushes while it is in line goes out behind its join."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 1.0
        self.join_all(client, self.topics(2))
        last = client.channels.find("rooms:1")
        assert last is not None
        reply = self.watch(last.push("echo", {"a": 1}))
        self.memory.advance(2.1)
        self.assert_fired(reply, {"a": 1})


class ParamsTests(SlowJoinsTestCase):
    """Params that are asked for, and ``init()``, in a line of joins."""

    def test_asked_in_turn(self) -> None:
        """They are asked for when it is the join's turn, not before."""
        asked: list[str] = []

        def ask(topic: str) -> Any:
            def params() -> dict[str, Any]:
                asked.append(topic)
                return {}

            return params

        client = self.connected_client(join_window=2)
        self.memory.seconds = 1.0
        for topic in self.topics(5):
            self.watch(client.channel(topic, ask(topic)).join())
        self.memory.flush()
        self.assertEqual(asked, self.topics(2))
        self.memory.advance(1.0)
        self.assertEqual(asked, self.topics(3))
        self.memory.advance(4.0)

    def test_hang(self) -> None:
        """Those that do not come hold up no other, even with a window of one."""
        client = self.connected_client(join_window=1)
        hanging = [
            self.watch(client.channel(topic, Deferred).join())
            for topic in self.topics(3)
        ]
        join = self.watch(client.channel("rooms:other").join())
        self.memory.flush()
        self.assert_fired(join, {})
        self.memory.advance(5.0)
        for each in hanging:
            self.assert_failed(each, JoinTimeout)

    def test_init_hangs(self) -> None:
        """Nor does an ``init()`` that does not end."""

        class Hanging(Channel):
            def init(self, params: Any) -> Any:
                return Deferred()

        client = self.connected_client(join_window=1)
        hanging = self.watch(client.channel("rooms:a", {}, Hanging).join())
        join = self.watch(client.channel("rooms:b").join())
        self.memory.flush()
        self.assert_fired(join, {})
        self.memory.advance(5.0)
        self.assert_failed(hanging, JoinTimeout)

    def test_init_crashes(self) -> None:
        """Nor does one that raises, again and again."""

        class Crashing(Channel):
            def init(self, params: Any) -> Any:
                raise RuntimeError("no")

        client = self.connected_client(join_window=1)
        crashed = self.watch(client.channel("rooms:a", {}, Crashing).join())
        join = self.watch(client.channel("rooms:b").join())
        self.memory.flush()
        self.assert_fired(join, {})
        self.memory.advance(10.0)
        self.assert_failed(crashed, RuntimeError)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 4)

    def test_late(self) -> None:
        """Those that come late are sent before joins that have not been asked yet."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 1.0
        params: Deferred[Any] = Deferred()
        late = self.watch(client.channel("rooms:late", lambda: params).join())
        self.join_all(client, self.topics(3))
        self.memory.flush()
        params.callback({"a": 1})
        self.memory.advance(5.0)
        self.assert_fired(late, {"a": 1})
        self.assertEqual(
            self.memory.asked, ["rooms:0", "rooms:late", "rooms:1", "rooms:2"]
        )

    def test_late_and_left(self) -> None:
        """One that is left while it has all but its place is not sent."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 1.0
        params: Deferred[Any] = Deferred()
        late = self.watch(client.channel("rooms:late", lambda: params).join())
        self.join_all(client, self.topics(1))
        params.callback({})
        self.watch(client.leave("rooms:late"))
        self.assert_failed(late, ChannelClosed)
        self.memory.advance(3.0)
        self.assertEqual(self.memory.asked, ["rooms:0"])

    def test_joined_once(self) -> None:
        """One that is left and joined again while others are asked is sent once."""
        _, channels = self.joined(3)

        def again() -> dict[str, Any]:
            self.watch(channels[1].leave())
            self.watch(channels[1].join())
            return {}

        channels[0].params = again
        self.come_back()
        self.memory.flush()
        self.assert_joined(channels)
        self.assertEqual(sorted(self.memory.asked), self.topics(3))

    def test_asked_time_counts(self) -> None:
        """What asking takes is part of a join's time, what waiting takes is not."""
        client = self.connected_client(join_window=1)
        self.memory.seconds = 4.0
        self.memory.seconds_of = {"rooms:late": 60.0}
        params: Deferred[Any] = Deferred()
        late = self.watch(client.channel("rooms:late", lambda: params).join())
        self.join_all(client, self.topics(1))
        self.memory.advance(3.0)
        params.callback({})
        self.memory.advance(1.0)
        self.assertEqual(self.memory.asked, ["rooms:0", "rooms:late"])
        self.memory.advance(1.9)
        self.assert_waits(late)
        self.memory.advance(0.2)
        self.assert_failed(late, JoinTimeout)
