"""Tests of :mod:`txphoenix.testing.presence`."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing import ServerChannel
from txphoenix.testing.presence import PresenceChannel, PresenceTracker

from .kit import KitTestCase


class TrackerTests(SynchronousTestCase):
    """Who is present, and what is broadcast of it."""

    def setUp(self) -> None:
        """A tracker, and two channels of one topic."""
        self.diffs: list[Any] = []
        self.tracker = PresenceTracker(
            lambda topic, event, diff: self.diffs.append((topic, event, diff))
        )
        self.one, self.two = ServerChannel(), ServerChannel()
        self.one.topic = self.two.topic = "t"

    def last(self) -> tuple[Any, Any]:
        """The joins and leaves of the last diff."""
        topic, event, diff = self.diffs[-1]
        self.assertEqual((topic, event), ("t", "presence_diff"))
        return diff["joins"], diff["leaves"]

    def test_nobody(self) -> None:
        """An unknown topic has no presences."""
        self.assertEqual(self.tracker.list("t"), {})

    def test_track(self) -> None:
        """A presence has its meta and a ref of its own, and is a join."""
        ref = self.tracker.track(self.one, "ann", {"a": 1})
        state = {"ann": {"metas": [{"phx_ref": ref, "a": 1}]}}
        self.assertEqual(self.tracker.list("t"), state)
        self.assertEqual(self.last(), (state, {}))

    def test_several(self) -> None:
        """One key may be present several times, the oldest first."""
        first = self.tracker.track(self.one, "ann", {})
        second = self.tracker.track(self.two, "ann", {})
        self.assertNotEqual(first, second)
        metas = self.tracker.list("t")["ann"]["metas"]
        self.assertEqual([meta["phx_ref"] for meta in metas], [first, second])

    def test_track_twice(self) -> None:
        """One channel has one presence of a key."""
        self.tracker.track(self.one, "ann", {})
        self.assertRaises(ValueError, self.tracker.track, self.one, "ann", {})

    def test_update(self) -> None:
        """An update is a leave and a join, and names the ref before it."""
        old = self.tracker.track(self.one, "ann", {"a": 1})
        new = self.tracker.update(self.one, "ann", {"a": 2})
        joins, leaves = self.last()
        meta = {"phx_ref": new, "phx_ref_prev": old, "a": 2}
        self.assertEqual(joins, {"ann": {"metas": [meta]}})
        self.assertEqual(leaves, {"ann": {"metas": [{"phx_ref": old, "a": 1}]}})
        self.assertEqual(self.tracker.list("t"), joins)

    def test_update_unknown(self) -> None:
        """There must be something to update."""
        self.assertRaises(KeyError, self.tracker.update, self.one, "ann", {})

    def test_untrack(self) -> None:
        """The end of a presence is a leave; of an unknown one, nothing."""
        ref = self.tracker.track(self.one, "ann", {})
        self.tracker.untrack(self.one, "bob")
        self.assertEqual(len(self.diffs), 1)
        self.tracker.untrack(self.one, "ann")
        self.assertEqual(self.last(), ({}, {"ann": {"metas": [{"phx_ref": ref}]}}))
        self.assertEqual(self.tracker.list("t"), {})

    def test_untrack_all(self) -> None:
        """All presences of one channel end with it, and no other's."""
        self.tracker.untrack_all(self.one)
        self.tracker.track(self.one, "ann", {})
        self.tracker.track(self.one, "bob", {})
        self.tracker.track(self.two, "ann", {})
        self.tracker.untrack_all(self.one)
        self.assertEqual(list(self.tracker.list("t")), ["ann"])
        self.tracker.untrack_all(self.two)
        self.assertEqual(self.tracker.list("t"), {})

    def test_refs_differ_between_servers(self) -> None:
        """A restarted server gives no ref that the one before it has given."""
        again = PresenceTracker(lambda *args: None)
        refs = {it.track(self.one, "ann", {}) for it in (self.tracker, again)}
        self.assertEqual(len(refs), 2)


class ChannelTests(KitTestCase):
    """Channels that track."""

    def test_channel(self) -> None:
        """A channel tracks, changes, lists and pushes; its end is a leave."""

        class Room(PresenceChannel):
            def after_join(self) -> None:
                self.track("ann")
                self.push_presence_state()

        memory = self.serve({"t": Room})
        client, other = self.talker(), self.talker()
        client.join("t")
        other.join("t")
        client.heard()
        other.heard()
        channel: Any = memory.channels("t")[0]
        channel.update("ann", {"a": 1})
        self.assertEqual(channel.presences()["ann"]["metas"][-1]["a"], 1)
        channel.untrack("ann")
        self.assertEqual(len(channel.presences()["ann"]["metas"]), 1)
        self.assertEqual([it[3] for it in other.heard()], ["presence_diff"] * 2)
        channel.track("ann", {"a": 2})
        channel.stop()
        [_, left] = other.heard()
        self.assertEqual(left[4]["leaves"]["ann"]["metas"][0]["a"], 2)
        self.assertEqual([it[3] for it in client.heard()][-1], "phx_close")
