"""Tests of :mod:`txphoenix.channels.events`: one place to be told of channels."""

from __future__ import annotations

from typing import Any

from txphoenix.channels.channel import Channel
from txphoenix.channels.events import ChannelEvents

from .support import TOPIC, ClientTestCase


class EventsTests(ClientTestCase):
    """Whoever subscribes is told, and the channel knows nothing of it."""

    def setUp(self) -> None:
        """Subscribe to all."""
        super().setUp()
        self.client = self.connected_client(rejoin_backoff=lambda _: 1.0)
        self.told: list[tuple[Any, ...]] = []
        for name in ChannelEvents.__slots__:
            if name != "at_rest":
                getattr(self.client.channels.events, name).append(self.teller(name))

    def teller(self, name: str) -> Any:
        """What keeps that it is told."""

        def tell(*args: Any) -> None:
            told = [each for each in args if not isinstance(each, Channel)]
            self.told.append((name, *told))

        return tell

    def take(self) -> list[tuple[Any, ...]]:
        """What has been told since the last time."""
        told, self.told = self.told, []
        return told

    def test_life(self) -> None:
        """They are told of a join, a leave and an end, in that order."""
        channel = self.joined_channel(client=self.client)
        self.assertEqual(
            self.take(),
            [
                ("changed", "closed", "joining"),
                ("changed", "joining", "joined"),
                ("joined", {}, 0.0),
            ],
        )
        self.watch(channel.leave())
        self.memory.flush()
        # The server's own phx_close comes after it, and finds nobody.
        self.assertEqual(
            self.take()[:4],
            [
                ("changed", "joined", "leaving"),
                ("leave_answered", 0.0),
                ("changed", "leaving", "closed"),
                ("ended", "left"),
            ],
        )

    def test_failed(self) -> None:
        """They are told of a join that fails, and whether somebody waits for it."""
        self.memory.answers = False
        channel = self.client.channel(TOPIC)
        self.watch(channel.join(timeout=1.0))
        self.memory.advance(1.0)
        told = self.take()
        self.assertEqual(
            [name for name, *_ in told][-3:], ["join_failed", "changed", "ended"]
        )
        (_, error, is_awaited), (*_, new), (_, reason) = told[-3:]
        self.assertTrue(is_awaited)
        self.assertEqual(new, "closed")
        self.assertIs(reason, error)

    def test_messages(self) -> None:
        """They are told of messages of a join that is over, and of nobody's."""
        self.joined_channel(client=self.client)
        self.take()
        self.server_sends("99", None, TOPIC, "news", {})
        self.server_sends(None, None, "rooms:nobody", "news", {})
        self.memory.flush()
        self.assertEqual([name for name, *_ in self.take()], ["stale", "unrouted"])
        self.assertEqual(self.client.state.stale_messages, 1)
        self.assertEqual(self.client.state.unrouted_messages, 1)

    def test_at_rest(self) -> None:
        """Who is told when all is at rest may call the channel, whose state is true."""
        states: list[str] = []
        channel = self.client.channel(TOPIC)
        self.client.channels.events.at_rest.append(
            lambda: states.append(str(channel.state))
        )
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(list(dict.fromkeys(states)), ["joining", "joined"])
        channel.stop()
        self.assertEqual(states[-1], "closed")
