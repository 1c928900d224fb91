"""Tests of ``client.channels.failed``: what was asked for, and an error has ended."""

from __future__ import annotations

import gc
from typing import Any

from txphoenix import Channel, SocketClient
from txphoenix.errors import JoinError, JoinTimeout, NotConnected

from .support import TOPIC, ClientTestCase


class Broken(Channel):
    """A channel that crashes once it is joined, and is not restarted."""

    restart = "temporary"

    def handle_join(self, response: Any) -> None:
        """Raise."""
        raise ValueError("broken")


class FailedChannelsTests(ClientTestCase):
    """What is there, and for how long."""

    def refused(self, client: SocketClient, topic: str = TOPIC) -> Channel:
        """A channel whose first join has been refused."""
        self.memory.refusal = {"reason": "full"}
        channel = client.channel(topic)
        joining = channel.join()
        self.memory.flush()
        self.failureResultOf(joining, JoinError)
        self.memory.refusal = None
        return channel

    def assert_listed(self, client: SocketClient, *channels: Channel) -> None:
        """These are there, and no others."""
        self.assertEqual(client.channels.failed, list(channels))

    def test_refused(self) -> None:
        """A first join that was refused is there until it succeeds."""
        client = self.connected_client()
        self.assert_listed(client)
        channel = self.refused(client)
        self.assert_listed(client, channel)
        channel.join()
        self.assert_listed(client)
        self.memory.flush()
        self.assertTrue(channel.is_joined)
        self.assert_listed(client)

    def test_again(self) -> None:
        """One that was refused again is there again, and once."""
        client = self.connected_client()
        first = self.refused(client)
        self.assert_listed(client, first)
        second = self.refused(client)
        self.assert_listed(client, second)

    def test_other_object(self) -> None:
        """It is the topic that counts: another channel may join it."""
        client = self.connected_client()
        channel = self.refused(client)
        self.joined_channel(client=client)
        self.assertFalse(channel.is_joined)
        self.assert_listed(client)

    def test_server_away(self) -> None:
        """So is one that had no connection within its time."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        joining = channel.join(timeout=5)
        self.memory.advance(5)
        self.failureResultOf(joining, JoinTimeout)
        self.assert_listed(client, channel)
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_listed(client, channel)

    def test_not_started(self) -> None:
        """So is one that was to be joined before the client was started."""
        client = self.make_client()
        channel = client.channel(TOPIC)
        self.failureResultOf(channel.join(), NotConnected)
        client.startService()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_listed(client, channel)

    def test_held(self) -> None:
        """A join that fails for a topic which has a channel is no failed channel."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        client.disconnect()
        self.memory.flush()
        self.failureResultOf(channel.join(), NotConnected)
        self.assert_listed(client)
        other = client.channel(TOPIC)
        self.failureResultOf(other.join(), NotConnected)
        self.assert_listed(client)
        client.connect()
        self.memory.flush()
        self.assertTrue(channel.is_joined)
        self.assert_listed(client)
        channel.leave()
        self.memory.flush()
        self.assert_listed(client)

    def test_behind_leave(self) -> None:
        """A join that has waited for a leave in vain is a failed one."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.memory.pause()
        channel.leave(timeout=30)
        other = client.channel(TOPIC)
        joining = other.join(timeout=1)
        self.memory.advance(1)
        self.failureResultOf(joining, JoinTimeout)
        self.assert_listed(client, other)
        self.memory.resume()
        self.memory.flush()
        self.assertEqual(channel.state, "closed")
        self.assert_listed(client, other)

    def test_crashed(self) -> None:
        """So is one that has crashed, and is not restarted."""
        client = self.connected_client()
        channel = client.channel(TOPIC, channel_class=Broken)
        joining = channel.join()
        self.memory.flush()
        self.failureResultOf(joining)
        self.assert_listed(client, channel)
        self.flushLoggedErrors(ValueError)

    def test_tried_again(self) -> None:
        """A channel that is tried again has not failed."""
        client = self.connected_client()
        self.memory.refusal = {"reason": "full"}
        channel = client.channels.start_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(channel.state, "errored")
        self.assert_listed(client)

    def test_given_up(self) -> None:
        """Whoever leaves or stops it asks for it no more."""
        client = self.connected_client()
        for give_up in (
            lambda channel: channel.leave(),
            lambda channel: channel.stop(),
            lambda channel: client.leave(channel.topic),
            lambda channel: client.channels.terminate_channel(channel.topic),
            lambda channel: client.channels.terminate(),
        ):
            channel = self.refused(client)
            self.assert_listed(client, channel)
            give_up(channel)
            self.assert_listed(client)

    def test_left(self) -> None:
        """One that was left, or that the server has closed, has not failed."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        channel.leave()
        self.memory.flush()
        self.assertEqual(channel.state, "closed")
        self.assert_listed(client)

    def test_stopped_client(self) -> None:
        """What was asked for in one life of a client is not in the next."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        joining = channel.join()
        self.stop_client(client)
        self.failureResultOf(joining)
        self.assert_listed(client)

    def test_dropped(self) -> None:
        """None is kept for this: it takes no memory that the program does not."""
        client = self.connected_client()
        kept = self.refused(client, "rooms:kept")
        for number in range(50):
            self.refused(client, f"rooms:{number}")
        gc.collect()
        self.assert_listed(client, kept)

    def test_joined_by_topic(self) -> None:
        """``client.join()`` that fails leaves none; its topic may be left at once."""
        client = self.connected_client()
        self.memory.refusal = {"reason": "full"}
        gc.collect()
        # A collection in between would have the list empty early.
        gc.disable()
        self.addCleanup(gc.enable)
        for forget in (gc.collect, lambda: client.leave(TOPIC)):
            joining = client.join(TOPIC)
            self.memory.flush()
            self.failureResultOf(joining, JoinError)
            del joining
            self.assertEqual(len(client.channels.failed), 1)
            forget()
            self.assert_listed(client)
