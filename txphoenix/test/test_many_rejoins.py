"""A client with many channels comes back, and the server has one join at a time."""

from __future__ import annotations

from txphoenix.channels.channel import Channel
from txphoenix.errors import JoinError, SerializerError

from .slow_joins import SlowJoinsTestCase


class RejoinTests(SlowJoinsTestCase):
    """All channels of a client come back, in about the time that the work takes."""

    def assert_back(
        self, channels: list[Channel], since: float, seconds: float
    ) -> None:
        """They come back by then, each with one join."""
        self.memory.advance(since + seconds - self.clock.seconds())
        self.assert_joined(channels)
        self.assertEqual(self.count("phx_join"), len(channels))
        self.assertEqual(self.count("phx_leave"), 0)
        self.assertEqual(self.errors, [])

    def test_many(self) -> None:
        """1,500 channels at 20 ms each take 30 seconds."""
        _, channels = self.joined(1500)
        self.memory.seconds = 0.02
        self.assert_back(channels, self.come_back(), 30.1)

    def test_very_many(self) -> None:
        """10,000 channels at 1 ms each take 10 seconds."""
        _, channels = self.joined(10_000)
        self.memory.seconds = 0.001
        self.assert_back(channels, self.come_back(), 10.1)

    def test_one_slow(self) -> None:
        """Whichever of 41 takes 6 seconds, all are back after 6 seconds."""
        _, channels = self.joined(41)
        for slow in (0, 20, 40):
            with self.subTest(slow=slow):
                self.memory.seconds_of = {f"rooms:{slow}": 6.0}
                self.assert_back(channels, self.come_back(), 6.1)

    def test_several_slow(self) -> None:
        """Each has its own time, from when the server has come to it."""
        _, channels = self.joined(10)
        self.memory.seconds = 4.9
        self.assert_back(channels, self.come_back(), 49.1)

    def test_all_slow(self) -> None:
        """None is given up while the server may be at work on it."""
        _, channels = self.joined(5)
        self.memory.seconds = 7.0
        self.assert_back(channels, self.come_back(), 35.1)

    def test_heartbeats(self) -> None:
        """Heartbeats that wait behind joins are not held against the server."""
        client, channels = self.joined(400)
        self.memory.seconds = 0.25
        since = self.come_back()
        reasons: list[Exception] = []
        client.on_close(reasons.append)
        self.assert_back(channels, since, 100.1)
        self.assertEqual(reasons, [])

    def test_windows(self) -> None:
        """It is so with any window."""
        for window in (1, 2, 1000):
            with self.subTest(window=window):
                client, channels = self.joined(100, join_window=window)
                self.memory.seconds = 0.2
                self.assert_back(channels, self.come_back(), 20.1)
                self.memory.seconds = 0.0
                self.stop_client(client)

    def test_order(self) -> None:
        """Channels join in the order in which they joined before."""
        _, channels = self.joined(200)
        self.come_back()
        self.wait_until_joined(channels)
        self.assertEqual(self.memory.asked, self.topics(200))

    def test_lost_meanwhile(self) -> None:
        """After another loss all that has to be done is done again, in order."""
        _, channels = self.joined(200)
        self.memory.seconds = 0.02
        self.come_back()
        self.memory.advance(1.0)
        self.memory.asked.clear()
        self.assert_back(channels, self.come_back(), 4.1)
        self.assertEqual(self.memory.asked, self.topics(200))

    def test_refused_meanwhile(self) -> None:
        """Those that are refused, or crash, hold up no other, and come again later."""
        _, channels = self.joined(300)
        bad = {f"rooms:{number}" for number in range(0, 300, 3)}
        self.memory.refused = {*list(bad)[:50]}
        self.memory.crashing = bad - self.memory.refused
        self.memory.seconds = 0.02
        since = self.come_back()
        good = [each for each in channels if each.topic not in bad]
        self.wait_until_joined(good)
        self.assertLess(self.clock.seconds() - since, 9.0)
        self.assertEqual({type(error) for error in self.errors}, {JoinError})
        self.memory.refused = self.memory.crashing = set()
        self.wait_until_joined(channels)

    def test_not_sendable(self) -> None:
        """Joins that cannot be sent at all hold up no other, however many they are."""
        client, channels = self.joined(2000, join_window=1)
        for channel in channels[1:-1]:
            channel.params = {"a": object()}
        self.memory.seconds_of = {"rooms:0": 1.0}
        self.come_back()
        self.assertEqual(self.errors, [])
        self.memory.advance(1.0)
        self.assert_joined([channels[0], channels[-1]])
        self.assertEqual({type(error) for error in self.errors}, {SerializerError})
        self.assertEqual(len(self.errors), 1998)
        self.watch(client.disconnect())
