"""Tests of :class:`txphoenix.Presence`."""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.presence import Presence
from txphoenix.errors import ConfigurationError
from txphoenix.test.presence_kit import (
    DIFF,
    STATE,
    FakeChannel,
    Record,
    diff,
    entry,
    first_ref,
)


class PresenceTests(SynchronousTestCase):
    """A presence follows its channel."""

    def setUp(self) -> None:
        """Make a channel that is joined."""
        self.channel = FakeChannel()
        self.presence = Presence(self.channel)
        self.record = Record(self.presence)

    def test_state_and_diff(self) -> None:
        """The list is the server's after a state and after a diff.

        phoenix.js: instance, "syncs state and diffs".
        """
        self.channel.deliver(STATE, {"u1": entry("1"), "u2": entry("2")})
        self.assertEqual(self.presence.list(first_ref), [("u1", "1"), ("u2", "2")])
        self.channel.deliver(DIFF, diff(leaves={"u1": entry("1")}))
        self.assertEqual(self.presence.list(), [entry("2")])
        self.assertEqual(self.presence.state, {"u2": entry("2")})

    def test_held_diff(self) -> None:
        """A diff that comes before the state of the join is applied after it.

        phoenix.js: instance, "applies pending diff if state is not yet synced".
        """
        self.channel.deliver(DIFF, diff(leaves={"u2": entry("2")}))
        self.assertFalse(self.presence.synced)
        self.assertEqual((self.presence.list(), self.record.calls), ([], []))

        self.channel.deliver(STATE, {"u1": entry("1"), "u2": entry("2")})
        self.assertTrue(self.presence.synced)
        self.assertEqual(self.presence.list(), [entry("1")])
        self.assertEqual(
            self.record.calls,
            [
                ("join", "u1", None, entry("1")),
                ("join", "u2", None, entry("2")),
                ("leave", "u2", entry(), entry("2")),
                ("sync",),
            ],
        )

        self.channel.join_ref = "2"
        self.record.calls.clear()
        self.assertFalse(self.presence.synced)
        self.channel.deliver(DIFF, diff(leaves={"u1": entry("1")}))
        self.assertEqual(self.presence.list(), [entry("1")])
        self.assertEqual(self.record.calls, [])

        self.channel.deliver(STATE, {"u1": entry("1"), "u3": entry("3")})
        self.assertEqual(self.presence.list(), [entry("3")])
        self.assertEqual(
            self.record.calls,
            [
                ("join", "u3", None, entry("3")),
                ("leave", "u1", entry(), entry("1")),
                ("sync",),
            ],
        )

    def test_event_names(self) -> None:
        """The names of both events can be others.

        phoenix.js: instance, "allows custom channel events".
        """
        presence = Presence(self.channel, "the_state", diff_event="the_diff")
        self.channel.deliver("the_state", {"u1": entry("1")})
        self.assertEqual(presence.list(), [entry("1")])
        self.channel.deliver("the_diff", diff(leaves={"u1": entry("1")}))
        self.assertEqual(presence.list(), [])
        self.assertEqual(self.presence.list(), [])

    def test_update(self) -> None:
        """An update replaces the meta: a join of the new one, a leave of the old one.

        phoenix.js: instance, "updates existing meta for a presence update (leave +
        join)".
        """
        old = {"metas": [{"name": "chris", "phx_ref": "2"}]}
        new = {"metas": [{"name": "kris", "phx_ref": "2.2", "phx_ref_prev": "2"}]}
        self.channel.deliver(STATE, {"u1": entry("1"), "u2": old})
        self.record.calls.clear()
        self.channel.deliver(DIFF, diff({"u2": new}, {"u2": old}))
        self.assertEqual(self.presence.list(), [entry("1"), new])
        self.assertEqual(
            self.record.calls,
            [("join", "u2", old, new), ("leave", "u2", new, old), ("sync",)],
        )

    def test_one_event_for_both(self) -> None:
        """State and diff cannot be the same event."""
        error = self.assertRaises(
            ConfigurationError, Presence, self.channel, "presence", "presence"
        )
        self.assertIn("got 'presence' for both", str(error))

    def test_not_joined(self) -> None:
        """Before any join there is nothing to be in step with."""
        self.channel.join_ref = None
        self.channel.deliver(STATE, {"u1": entry("1")})
        self.assertFalse(self.presence.synced)

    def test_rejoin(self) -> None:
        """After a rejoin the hooks tell what changed meanwhile, and no more."""
        self.channel.deliver(STATE, {"u1": entry("1", "1.2"), "u2": entry("2")})
        self.record.calls.clear()
        self.channel.join_ref = "7"
        self.channel.deliver(STATE, {"u1": entry("1", "1.3"), "u2": entry("2")})
        self.assertEqual(
            self.record.calls,
            [
                ("join", "u1", entry("1", "1.2"), entry("1.3")),
                ("leave", "u1", entry("1", "1.3"), entry("1.2")),
                ("sync",),
            ],
        )

    def test_second_state(self) -> None:
        """A server may send its list again: the diffs held for the first are done."""
        self.channel.deliver(DIFF, diff({"u1": entry("1")}))
        self.channel.deliver(STATE, {})
        self.assertEqual(self.presence.list(), [entry("1")])
        self.channel.deliver(STATE, {})
        self.assertEqual(self.presence.list(), [])

    def test_diff_of_a_join_that_is_over(self) -> None:
        """A diff held for one join is not applied to the state of the next.

        Who came with it may have gone while nobody listened.
        """
        self.channel.deliver(DIFF, diff({"gone": entry("1")}))
        self.channel.join_ref = "2"
        self.channel.deliver(DIFF, diff({"there": entry("2")}))
        self.channel.deliver(STATE, {})
        self.assertEqual(list(self.presence.state), ["there"])

        self.channel.join_ref = "3"
        self.channel.deliver(DIFF, diff({"gone": entry("3")}))
        self.channel.join_ref = "4"
        self.channel.deliver(STATE, {})
        self.assertEqual(self.presence.state, {})

    def test_limit_of_held_diffs(self) -> None:
        """The oldest of too many held diffs are dropped, counted, and logged once."""
        self.presence.held_diffs_limit = 2
        with capturedLogs() as logged:
            for ref in "123456":
                self.channel.deliver(DIFF, diff({ref: entry(ref)}))
        self.assertEqual([event["limit"] for event in logged], [2])
        self.assertEqual(self.presence.dropped, 4)
        self.channel.deliver(STATE, {})
        self.assertEqual(list(self.presence.state), ["5", "6"])

        self.channel.join_ref = "2"
        with capturedLogs() as logged:
            for ref in "123":
                self.channel.deliver(DIFF, diff({ref: entry(ref)}))
        self.assertEqual(len(logged), 1)

    def test_malformed_payloads(self) -> None:
        """What is no presence is logged, counted, and changes nothing."""
        self.channel.deliver(STATE, {"u1": entry("1")})
        self.record.calls.clear()
        with capturedLogs() as logged:
            self.channel.deliver(STATE, ["u2"])
            self.channel.deliver(DIFF, b"\x00")
            self.channel.deliver(DIFF, {"joins": {"u2": None}, "leaves": {}})
        self.assertEqual(
            [str(event["error"]) for event in logged],
            [
                "presence_state: expected an object, got list",
                "presence_diff: expected an object, got bytes",
                "joins of presence_diff, 'u2': expected an object, got NoneType",
            ],
        )
        self.assertEqual(self.presence.dropped, 3)
        self.assertEqual(self.presence.state, {"u1": entry("1")})
        self.assertEqual(self.record.calls, [])

    def test_hook_removed(self) -> None:
        """Each hook is removed by what its registration returned, and only it."""
        calls: list[str] = []
        removers = [
            self.presence.on_join(lambda *_: calls.append("join")),
            self.presence.on_leave(lambda *_: calls.append("leave")),
            self.presence.on_sync(lambda: calls.append("sync")),
        ]
        self.channel.deliver(STATE, {"u1": entry("1")})
        self.channel.deliver(DIFF, diff(leaves={"u1": entry("1")}))
        self.assertEqual(calls, ["join", "sync", "leave", "sync"])
        for remove in removers:
            remove()
        self.channel.deliver(STATE, {"u1": entry("1")})
        self.channel.deliver(STATE, {})
        self.assertEqual(calls, ["join", "sync", "leave", "sync"])
        self.assertEqual(len(self.record.calls), 8)

    def test_hook_raises(self) -> None:
        """What a hook raises is logged; the state and other hooks go on."""
        presence = Presence(self.channel)
        presence.on_join(lambda *_: 1 / 0)
        record = Record(presence)
        self.channel.deliver(STATE, {"u1": entry("1"), "u2": entry("2")})
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)
        self.assertEqual([call[0] for call in record.calls], ["join", "join", "sync"])
        self.assertEqual(list(presence.state), ["u1", "u2"])

    def test_hooks_see_the_new_state(self) -> None:
        """The state has changed, held diffs included, before any hook is called."""
        seen: list[list[str]] = []
        self.presence.on_join(lambda *_: seen.append(list(self.presence.state)))
        self.channel.deliver(DIFF, diff({"u3": entry("3")}, {"u2": entry("2")}))
        self.channel.deliver(STATE, {"u1": entry("1"), "u2": entry("2")})
        self.assertEqual(seen, [["u1", "u3"]] * 3)

    def test_hook_brings_the_next_diff(self) -> None:
        """What a hook sets off is told after what has been told so far."""

        def leave(*_: Any) -> None:
            remove()
            self.channel.deliver(DIFF, diff(leaves={"u2": entry("2")}))

        remove = self.presence.on_join(leave)
        self.channel.deliver(STATE, {"u1": entry("1"), "u2": entry("2")})
        self.assertEqual(
            [call[:2] for call in self.record.calls],
            [("join", "u1"), ("join", "u2"), ("sync",), ("leave", "u2"), ("sync",)],
        )

    def test_stop(self) -> None:
        """A stopped presence follows no more and calls no more hooks."""
        self.channel.deliver(STATE, {"u1": entry("1")})
        self.record.calls.clear()
        self.presence.on_leave(lambda *_: self.presence.stop())
        self.channel.deliver(DIFF, diff(leaves={"u1": entry("1")}))
        self.channel.deliver(STATE, {"u2": entry("2")})
        self.assertEqual(self.presence.state, {})
        self.assertEqual([call[0] for call in self.record.calls], ["leave"])
        self.assertEqual(self.channel.handlers, {STATE: [], DIFF: []})
