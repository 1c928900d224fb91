"""Tests of :mod:`txphoenix.channels.class_attributes`: what a class must not hide.

:mod:`.test_channel_kinds` and :mod:`.test_supervision` have what a class says.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.channels.class_attributes import keep_properties

from .support import TOPIC, ClientTestCase

_HIDING: dict[str, Any] = {"state": "fresh", "join_ref": "none"}


class HidingTests(ClientTestCase):
    """Classes with attributes that are named as a channel's own."""

    def check(self, channel_class: type[Channel]) -> None:
        """A channel of that class has the state and the ref that it really has."""
        client = self.connected_client()
        channel = client.channel(TOPIC, None, channel_class)
        self.assertEqual((channel.state, channel.join_ref), ("closed", None))
        self.watch(channel.join())
        self.memory.flush()
        self.assertTrue(channel.is_joined)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(channel.join_ref, channel._membership.joins.ref)
        self.assertIn("joined", repr(channel))
        channel.stopService()
        self.assertFalse(channel.is_joined)
        self.assertEqual(channel.state, "closed")

    def test_body(self) -> None:
        """A value in the body of the class is not that of its channels."""
        self.check(type("Fresh", (Channel,), dict(_HIDING)))

    def test_mixed_in(self) -> None:
        """Nor is that of a class that is mixed in, or of one between."""
        mixed = type("Mixed", (), dict(_HIDING))
        between = type("Between", (mixed, Channel), {})
        self.check(type("Fresh", (between,), {}))
        other = type("Other", (), dict(_HIDING))
        self.check(type("Fresh", (other, between), {}))

    def test_own_property(self) -> None:
        """A class may have a property of that name; nothing else goes by it."""
        own = property(lambda _: "mine")
        channel_class: type[Channel] = type("Own", (Channel,), {"state": own})
        channel = self.connected_client().channel(TOPIC, None, channel_class)
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(channel.state, "mine")
        self.assertTrue(channel.is_joined)
        self.assertIn("joined", repr(channel))
        channel.stopService()
        self.assertFalse(channel.is_joined)


class KeepTests(SynchronousTestCase):
    """:func:`keep_properties`."""

    def test_named(self) -> None:
        """Those that are named are the owner's again, and others are left."""

        class Owner:
            first = property(lambda _: 1)
            second = property(lambda _: 2)

        class Hiding(Owner):
            first = "one"
            second = "two"

        keep_properties(Hiding, Owner, ["first"])
        hiding = Hiding()
        self.assertEqual((hiding.first, hiding.second), (1, "two"))
