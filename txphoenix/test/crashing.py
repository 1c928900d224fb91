"""Channels that crash where they are told to, and others that must not notice."""

from __future__ import annotations

from typing import Any

from txphoenix.channels.channel import Channel

from .support import TOPIC, ClientTestCase

__all__ = ["Crash", "Crashing", "SupervisionTestCase"]

OTHER = "rooms:other"


class Crash(Exception):
    """What the callbacks of these tests raise."""


class Crashing(Channel):
    """Crashes where it is told to.

    :ivar crashes: how often each callback is still to raise.
    :ivar calls: the callbacks that were called.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.crashes: dict[str, int] = {}
        self.calls: list[str] = []

    def called(self, name: str) -> None:
        """Raise, if it is to."""
        self.calls.append(name)
        if self.crashes.get(name):
            self.crashes[name] -= 1
            raise Crash(name)

    def init(self, params: Any) -> Any:
        """May crash."""
        self.called("init")

    def handle_join(self, response: Any) -> Any:
        """May crash."""
        self.called("handle_join")

    def handle_in(self, event: str, payload: Any) -> Any:
        """May crash."""
        self.called("handle_in")


class SupervisionTestCase(ClientTestCase):
    """A channel that crashes, and another that must not notice."""

    def make(
        self, channel_class: type[Crashing] = Crashing, **options: Any
    ) -> Crashing:
        """A channel that is not joined, and whose hooks tell."""
        self.client = self.connected_client(**options)
        self.other = self.joined_channel(OTHER, client=self.client)
        channel = self.client.channel(TOPIC, {}, channel_class)
        assert isinstance(channel, Crashing)
        self.errors: list[BaseException] = []
        self.closes: list[object] = []
        channel.on_error(self.errors.append)
        channel.on_close(self.closes.append)
        return channel

    def joined(
        self, channel_class: type[Crashing] = Crashing, **options: Any
    ) -> Crashing:
        """The channel, joined."""
        channel = self.make(channel_class, **options)
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        channel.calls.clear()
        return channel

    def news(self, count: int = 1) -> None:
        """Messages for the channel, in one read."""
        for number in range(count):
            self.memory.broadcast(TOPIC, "news", number)
        self.memory.flush()

    def assert_crashes(self, count: int) -> None:
        """So many crashes were logged, and another channel has not noticed."""
        self.assertEqual(len(self.flushLoggedErrors(Crash)), count)
        echoed = self.watch(self.other.push("echo", "still here"))
        self.memory.flush()
        self.assert_fired(echoed, "still here")
        self.assertEqual(self.memory.connections_made, 1)
