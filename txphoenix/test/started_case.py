"""What the tests of channels of ``start_channel()`` share."""

from __future__ import annotations

from typing import Any

from txphoenix import Channel, SocketClient

from .support import TOPIC, ClientTestCase

__all__ = ["OTHER", "THIRD", "StartedCase"]

OTHER, THIRD = "rooms:other", "rooms:third"


class StartedCase(ClientTestCase):
    """What the tests share."""

    def started(self, client: SocketClient, params: Any = None) -> Channel:
        """A channel that waits, with nothing on the clock for it."""
        calls = self.clock.getDelayedCalls()
        channel = client.channels.start_channel(TOPIC, params)
        self.reasons: list[object] = []
        channel.on_close(self.reasons.append)
        self.errors: list[BaseException] = []
        channel.on_error(self.errors.append)
        self.assertEqual(channel.state, "joining")
        self.assertIs(client.channels.find(TOPIC), channel)
        self.assertEqual(self.clock.getDelayedCalls(), calls)
        return channel

    def assert_joined(self, channel: Channel) -> None:
        """It is joined, and was told of no trouble."""
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual((self.errors, self.reasons), ([], []))

    def assert_closed(self, channel: Channel, reason: object) -> None:
        """It is closed for good, for that reason, and has not failed."""
        self.assertEqual((channel.state, self.reasons), ("closed", [reason]))
        self.assertEqual(self.errors, [])
        channels: Any = channel._membership.manager
        self.assertEqual((channels.routes, channels.failed), ({}, []))
