"""Tests of :mod:`txphoenix.channels.channel_events`.

One place to be told of channels.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.channels.channel_events import ChannelEvents
from txphoenix.channels.channel_observer import ChannelObserver
from txphoenix.channels.interfaces import ObservedChannel
from txphoenix.protocol.channel_states import State

from .support import TOPIC, ClientTestCase


class EventsTests(ClientTestCase):
    """Whoever subscribes is told, and the channel knows nothing of it."""

    def setUp(self) -> None:
        """Subscribe to all."""
        super().setUp()
        self.client = self.connected_client(rejoin_backoff=lambda _: 1.0)
        self.told: list[tuple[Any, ...]] = []
        methods = {
            name: self.teller(name)
            for name in vars(ChannelObserver)
            if not name.startswith("_")
        }
        observer = type("Observer", (ChannelObserver,), methods)()
        self.client.channels.events.subscribe(observer)

    def teller(self, name: str) -> Any:
        """What keeps that it is told."""

        def tell(_: object, *args: Any) -> None:
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
                ("channel_changed", "closed", "joining"),
                ("channel_changed", "joining", "joined"),
                ("channel_joined", {}, 0.0),
            ],
        )
        self.watch(channel.leave())
        self.memory.flush()
        # The server's own phx_close comes after it, and finds nobody.
        self.assertEqual(
            self.take()[:4],
            [
                ("channel_changed", "joined", "leaving"),
                ("leave_answered", 0.0),
                ("channel_changed", "leaving", "closed"),
                ("channel_ended", "left"),
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
            [name for name, *_ in told][-3:],
            ["join_failed", "channel_changed", "channel_ended"],
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
        self.assertEqual(
            [name for name, *_ in self.take()], ["message_stale", "message_unrouted"]
        )
        self.assertEqual(self.client.state.stale_messages, 1)
        self.assertEqual(self.client.state.unrouted_messages, 1)

    def test_at_rest(self) -> None:
        """Who is told when all is at rest may call the channel, whose state is true."""
        states: list[str] = []
        channel = self.client.channel(TOPIC)
        events = self.client.channels.events

        class Observer(ChannelObserver):
            def channel_changed(self, *_: object) -> None:
                events.when_at_rest(lambda: states.append(str(channel.state)))

        events.subscribe(Observer())
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(states, ["joining", "joined"])
        channel.stop()
        self.assertEqual(states, ["joining", "joined", "closed"])


class SubscribeTests(SynchronousTestCase):
    """Who is called for what happens to each channel that joins and leaves."""

    def test_wanted(self) -> None:
        """Those alone that have a method for it, in the order of their subscriptions.

        All others are among the observers all the same, and told of the rest.
        """

        class Joins(ChannelObserver):
            def channel_joined(
                self, channel: ObservedChannel, response: Any, duration: float
            ) -> None:
                """Have one of one's own."""

        class Inherited(Joins):
            pass

        class Ends(ChannelObserver):
            def channel_changed(
                self, channel: ObservedChannel, old: State, new: State
            ) -> None:
                """Have one of one's own."""

            def leave_answered(self, channel: ObservedChannel, duration: float) -> None:
                """Have one of one's own."""

            def channel_ended(self, channel: ObservedChannel, reason: object) -> None:
                """Have one of one's own."""

        events = ChannelEvents()
        joins, nothing, ends, inherited = (
            Joins(),
            ChannelObserver(),
            Ends(),
            Inherited(),
        )
        for observer in (joins, nothing, ends, inherited):
            events.subscribe(observer)
        self.assertEqual(events.observers, (joins, nothing, ends, inherited))
        self.assertEqual(events.of_joins, (joins, inherited))
        self.assertEqual(events.of_changes, (ends,))
        self.assertEqual(events.of_leaves, (ends,))
        self.assertEqual(events.of_ends, (ends,))
