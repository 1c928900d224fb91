"""Tests of ``when_writable()`` of a channel whose join waits for a leave."""

from __future__ import annotations

from collections.abc import Callable

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ChannelClosed

from .support import TOPIC, ClientTestCase, Outcome


class JoinAfterLeaveTests(ClientTestCase):
    """A topic that is being left, and a channel that wants to have it next."""

    def waiting(self) -> tuple[SocketClient, Channel, Channel]:
        """The client, the channel that is being left, and the one that waits."""
        leaving = self.joined_channel()
        client = self._clients[-1]
        channel = client.channel(TOPIC)
        self.watch(leaving.leave())
        self.watch(channel.join())
        self.assertEqual((leaving.state, channel.state), ("leaving", "closed"))
        return client, leaving, channel

    def writable(self, channel: Channel) -> Outcome[Channel]:
        """Who waits for a channel that cannot send yet."""
        writable = self.watch(channel.when_writable())
        self.assert_waits(writable)
        return writable

    def test_another(self) -> None:
        """It is waited for until it has joined; a push is told what to wait for."""
        _, _, channel = self.waiting()
        writable = self.writable(channel)
        error = self.assert_failed(self.watch(channel.push("echo")), ChannelClosed)
        self.assertIn("its join() waits for the topic to be left", str(error))
        self.memory.flush()
        self.assert_fired(writable, channel)

    def test_same(self) -> None:
        """So is one that is left and joined again at once; who waited before fails."""
        channel = self.joined_channel()
        self.lose_connection()
        before = self.writable(channel)
        self.reconnect()
        self.assert_fired(before, channel)
        self.watch(channel.leave())
        self.assert_failed(self.watch(channel.when_writable()), ChannelClosed)
        self.watch(channel.join())
        writable = self.writable(channel)
        self.memory.flush()
        self.assert_fired(writable, channel)

    def test_ends(self) -> None:
        """What ends the hope for the join ends the waiting."""
        ends: dict[str, Callable[[SocketClient, Channel], object]] = {
            "left": lambda _client, channel: channel.leave(),
            "stopped": lambda _client, channel: channel.stop(),
            "topic left": lambda client, _channel: client.leave(TOPIC),
            "disconnected": lambda client, _channel: client.disconnect(),
            "service stopped": lambda client, _channel: client.stopService(),
        }
        for name, end in ends.items():
            with self.subTest(name):
                client, _, channel = self.waiting()
                writable = self.writable(channel)
                end(client, channel)
                self.assert_failed(writable, ChannelClosed)
                client.stopService()
                self.memory.flush()

    def test_taken(self) -> None:
        """A third that comes too late for the topic is told, and so is who waits."""
        client, _, second = self.waiting()
        third = client.channel(TOPIC)
        self.watch(third.join())
        writable, too_late = self.writable(second), self.writable(third)
        self.memory.flush()
        self.assert_fired(writable, second)
        self.assert_failed(too_late, ChannelClosed)

    def test_times_out(self) -> None:
        """A join whose time is over before the leave's is waited for no more."""
        leaving = self.joined_channel()
        self.memory.answers = False
        channel = self._clients[-1].channel(TOPIC)
        self.watch(leaving.leave(timeout=20))
        self.watch(channel.join(timeout=1))
        writable = self.writable(channel)
        self.clock.advance(1)
        self.assert_failed(writable, ChannelClosed)
