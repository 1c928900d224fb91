"""Tests for :mod:`txphoenix.presence`."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from copy import deepcopy
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError
from txphoenix.presence import Presence, list_by, sync_diff, sync_state

STATE = "presence_state"
DIFF = "presence_diff"


def entry(*refs: str, **fields: Any) -> dict[str, Any]:
    """Make a key's entry, with one meta for each ref."""
    return {**fields, "metas": [{"phx_ref": ref} for ref in refs]}


def diff(
    joins: dict[str, Any] | None = None, leaves: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Make the payload of a diff."""
    return {"joins": joins or {}, "leaves": leaves or {}}


def first_ref(key: str, presence: Any) -> tuple[str, str]:
    """Choose the key and the ref of its first meta."""
    return key, presence["metas"][0]["phx_ref"]


class FakeChannel:
    """The part of a channel that a presence uses."""

    def __init__(self, join_ref: str | None = "1") -> None:
        self.join_ref = join_ref
        self.handlers: dict[str, list[Callable[[Any], Any]]] = defaultdict(list)

    def on(self, event: str, handler: Callable[[Any], Any]) -> Callable[[], None]:
        """Add a handler."""
        self.handlers[event].append(handler)
        return lambda: self.handlers[event].remove(handler)

    def deliver(self, event: str, payload: Any) -> None:
        """Receive a message."""
        for handler in tuple(self.handlers[event]):
            handler(payload)


class Record:
    """The calls of a presence's hooks, in order."""

    def __init__(self, presence: Presence | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        if presence is not None:
            presence.on_join(self.on_join)
            presence.on_leave(self.on_leave)
            presence.on_sync(lambda: self.calls.append(("sync",)))

    def on_join(self, *arguments: Any) -> None:
        """Note a join."""
        self.calls.append(("join", *arguments))

    def on_leave(self, *arguments: Any) -> None:
        """Note a leave."""
        self.calls.append(("leave", *arguments))


class SyncStateTests(SynchronousTestCase):
    """A whole list replaces the state, and the difference is told."""

    def test_empty_state(self) -> None:
        """From nothing to a list: the list, and the arguments are left as they are.

        phoenix.js: syncState, "syncs empty state".
        """
        before: dict[str, Any] = {}
        new = {"u1": entry("1")}
        self.assertEqual(sync_state(before, new), {"u1": entry("1")})
        self.assertEqual(before, {})
        self.assertEqual(new, {"u1": entry("1")})

    def test_joins_and_leaves(self) -> None:
        """Keys that are new are told as joins, keys that are gone as leaves.

        phoenix.js: syncState, "onJoins new presences and onLeave's left presences".
        """
        record = Record()
        new = {"u1": entry("1"), "u2": entry("2"), "u3": entry("3")}
        before = {"u4": entry("4")}
        state = sync_state(before, new, record.on_join, record.on_leave)
        self.assertEqual(state, new)
        self.assertEqual(before, {"u4": entry("4")})
        self.assertEqual(
            record.calls,
            [
                ("join", "u1", None, entry("1")),
                ("join", "u2", None, entry("2")),
                ("join", "u3", None, entry("3")),
                ("leave", "u4", entry(), entry("4")),
            ],
        )

    def test_only_new_metas(self) -> None:
        """A key that was there is told with the metas alone that it had not.

        phoenix.js: syncState, "onJoins only newly added metas".
        """
        record = Record()
        new = {"u3": entry("3", "3.new")}
        before = {"u3": entry("3")}
        state = sync_state(before, new, record.on_join, record.on_leave)
        self.assertEqual(state, new)
        self.assertEqual(record.calls, [("join", "u3", entry("3"), entry("3.new"))])

    def test_some_metas_left(self) -> None:
        """A leave of some metas comes with the entry that remains, in its new form."""
        record = Record()
        before = {"u1": entry("1", "2", name="old")}
        new = {"u1": entry("2", "3", name="new")}
        state = sync_state(before, new, record.on_join, record.on_leave)
        self.assertEqual(state, new)
        self.assertEqual(
            record.calls,
            [
                ("join", "u1", entry("1", "2", name="old"), entry("3", name="new")),
                ("leave", "u1", entry("2", "3", name="new"), entry("1", name="old")),
            ],
        )

    def test_fields_are_kept(self) -> None:
        """What the server adds to an entry is in the state, even if no meta changed."""
        state = sync_state({"u1": entry("1")}, {"u1": entry("1", user={"id": 1})})
        self.assertEqual(state, {"u1": entry("1", user={"id": 1})})

    def test_key_without_metas(self) -> None:
        """A key without metas is nobody."""
        record = Record()
        state = sync_state({}, {"u1": entry()}, record.on_join, record.on_leave)
        self.assertEqual((state, record.calls), ({}, []))

    def test_meta_listed_twice(self) -> None:
        """A meta is there once, however often it is listed."""
        self.assertEqual(sync_state({}, {"u1": entry("1", "1")}), {"u1": entry("1")})

    def test_malformed(self) -> None:
        """What is no state raises an error that says where and what it is."""
        for value, message in (
            (None, "presence state: expected an object, got NoneType"),
            ({"u": []}, "presence state, 'u': expected an object, got list"),
            ({"u": {}}, "presence state, metas of 'u': expected a list, got NoneType"),
            (
                {"u": {"metas": [7]}},
                "presence state, a meta of 'u': expected an object, got int",
            ),
            (
                {"u": {"metas": [{"phx_ref": 7}]}},
                "presence state, phx_ref of 'u': expected a string, got int",
            ),
        ):
            error = self.assertRaises(ValueError, sync_state, {}, value)
            self.assertEqual(str(error), message)

    def test_long_key_in_error(self) -> None:
        """A key of any length makes an error of one line."""
        error = self.assertRaises(ValueError, sync_state, {}, {"u" * 10_000: None})
        self.assertLess(len(str(error)), 120)


class SyncDiffTests(SynchronousTestCase):
    """A diff changes the state by the metas that it names."""

    def test_empty_state(self) -> None:
        """A join into nothing is the state, and the arguments are left as they are.

        phoenix.js: syncDiff, "syncs empty state".
        """
        before: dict[str, Any] = {}
        joins = {"u1": entry("1")}
        self.assertEqual(sync_diff(before, diff(joins)), {"u1": entry("1")})
        self.assertEqual((before, joins), ({}, {"u1": entry("1")}))

    def test_add_meta_and_remove_key(self) -> None:
        """A key gets a further meta; a key that loses its last is gone.

        phoenix.js: syncDiff, "removes presence when meta is empty and adds additional
        meta".
        """
        before = {"u1": entry("1"), "u2": entry("2"), "u3": entry("3")}
        state = sync_diff(before, diff({"u1": entry("1.2")}, {"u2": entry("2")}))
        self.assertEqual(state, {"u1": entry("1", "1.2"), "u3": entry("3")})
        self.assertEqual(list(before), ["u1", "u2", "u3"])
        self.assertEqual(before["u1"], entry("1"))

    def test_remove_meta(self) -> None:
        """A key that loses one of its metas keeps the others.

        phoenix.js: syncDiff, "removes meta while leaving key if other metas exist".
        """
        before = {"u1": entry("1", "1.2", name="ann")}
        state = sync_diff(before, diff(leaves={"u1": entry("1")}))
        self.assertEqual(state, {"u1": entry("1.2", name="ann")})
        self.assertEqual(before, {"u1": entry("1", "1.2", name="ann")})

    def test_hooks(self) -> None:
        """Joins come with the entry before them, leaves with the one after them."""
        record = Record()
        sync_diff(
            {"u1": entry("1"), "u2": entry("2")},
            diff({"u1": entry("1.2"), "u3": entry("3")}, {"u1": entry("1")}),
            record.on_join,
            record.on_leave,
        )
        self.assertEqual(
            record.calls,
            [
                ("join", "u1", entry("1"), entry("1.2")),
                ("join", "u3", None, entry("3")),
                ("leave", "u1", entry("1.2"), entry("1")),
            ],
        )

    def test_no_news(self) -> None:
        """A join that is there, and a leave that is not, change nothing."""
        record = Record()
        before = {"u1": entry("1", "2", name="ann")}
        change = diff(
            {"u1": entry("1", name="other")}, {"u1": entry("3"), "u2": entry("9")}
        )
        state = sync_diff(before, change, record.on_join, record.on_leave)
        self.assertEqual((state, record.calls), (before, []))

    def test_partly_news(self) -> None:
        """Of the metas in a diff those alone are told that are news."""
        record = Record()
        state = sync_diff(
            {"u1": entry("1")},
            diff({"u1": entry("1", "2")}, {"u1": entry("1", "0")}),
            record.on_join,
            record.on_leave,
        )
        self.assertEqual(state, {"u1": entry("2")})
        self.assertEqual(
            record.calls,
            [
                ("join", "u1", entry("1"), entry("2")),
                ("leave", "u1", entry("2"), entry("1")),
            ],
        )

    def test_came_and_went(self) -> None:
        """A meta in both parts of one diff came and went."""
        record = Record()
        change = diff({"u1": entry("1")}, {"u1": entry("1")})
        state = sync_diff({}, change, record.on_join, record.on_leave)
        self.assertEqual(state, {})
        self.assertEqual(
            record.calls,
            [("join", "u1", None, entry("1")), ("leave", "u1", entry(), entry("1"))],
        )

    def test_malformed(self) -> None:
        """What is no diff raises an error that says where and what it is."""
        for value, message in (
            ([], "presence diff: expected an object, got list"),
            ({}, "joins of presence diff: expected an object, got NoneType"),
            (
                {"joins": {}, "leaves": {"u": {}}},
                "leaves of presence diff, metas of 'u': expected a list, got NoneType",
            ),
        ):
            error = self.assertRaises(ValueError, sync_diff, {}, value)
            self.assertEqual(str(error), message)


class AwkwardKeyTests(SynchronousTestCase):
    """A key may be any string, since it is the server that chooses it."""

    KEYS = ("__proto__", "constructor", "__class__", "keys", "metas", "", "\0")

    def test_sync_state(self) -> None:
        """Keys that are the names of something else come and go as all others.

        phoenix.js: keys colliding with Object.prototype properties, "syncState joins
        and leaves them without touching the prototype".
        """
        record = Record()
        new = {key: entry(key) for key in self.KEYS}
        state = sync_state({}, new, record.on_join, record.on_leave)
        self.assertEqual(list_by(state, first_ref), [(key, key) for key in self.KEYS])
        self.assertEqual(sync_state(state, {}, record.on_join, record.on_leave), {})
        self.assertEqual(
            [call[:2] for call in record.calls],
            [(kind, key) for kind in ("join", "leave") for key in self.KEYS],
        )

    def test_sync_diff(self) -> None:
        """The same holds for diffs.

        phoenix.js: keys colliding with Object.prototype properties, "syncDiff joins and
        leaves them without touching the prototype".
        """
        keys = {key: entry(key) for key in self.KEYS}
        state = sync_diff({}, diff(keys))
        self.assertEqual(list_by(state, first_ref), [(key, key) for key in self.KEYS])
        self.assertEqual(sync_diff(state, diff(leaves=keys)), {})


class ListTests(SynchronousTestCase):
    """A state is made a list."""

    def test_default(self) -> None:
        """Without a chooser the list is of the entries.

        phoenix.js: list, "lists full presence by default".
        """
        state = {"u1": entry("1"), "u2": entry("2"), "u3": entry("3")}
        self.assertEqual(list_by(state), [entry("1"), entry("2"), entry("3")])

    def test_chooser(self) -> None:
        """With one the list is of what it returns for each key and entry.

        phoenix.js: list, "lists with custom function".
        """
        state = {"u1": entry("1.first", "1.second")}
        self.assertEqual(list_by(state, first_ref), [("u1", "1.first")])


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


class Ledger:
    """Every meta that the hooks have told as come and not as gone.

    It holds the presence to its promise: no meta comes twice, none goes that is not
    there, and those that came less those that went are those in the state.
    """

    def __init__(self, presence: Presence) -> None:
        self.presence = presence
        self.metas: set[tuple[str, str]] = set()
        self.faults: list[tuple[Any, ...]] = []
        presence.on_join(self.on_join)
        presence.on_leave(self.on_leave)
        presence.on_sync(self.on_sync)

    def on_join(self, key: str, current: Any, new: Any) -> None:
        """Enter the metas that came."""
        came = refs_of({key: new})
        if not came or came & (self.metas | refs_of({key: current})):
            self.faults.append(("join", key, current, new))
        self.metas |= came

    def on_leave(self, key: str, current: Any, left: Any) -> None:
        """Take out the metas that went."""
        gone = refs_of({key: left})
        if not gone or gone - self.metas or gone & refs_of({key: current}):
            self.faults.append(("leave", key, current, left))
        self.metas -= gone

    def on_sync(self) -> None:
        """Compare with the state."""
        if self.metas != refs_of(self.presence.state):
            self.faults.append(("sync", self.metas, self.presence.state))


def refs_of(state: Any) -> set[tuple[str, str]]:
    """All metas of a state, each as its key and its ref."""
    return {
        (key, meta["phx_ref"])
        for key, presence in state.items()
        if presence is not None
        for meta in presence["metas"]
    }


def by_ref(state: Any) -> dict[str, dict[str, Any]]:
    """A state without the order of its keys and metas."""
    return {
        key: {meta["phx_ref"]: meta for meta in presence["metas"]}
        for key, presence in state.items()
    }


class ModelServer:
    """A server that tracks presences, and one client's way to it.

    State and diffs come by two ways: each keeps its order, and either may be late.
    What is on the way when the connection is lost is lost with it, and so is what
    happens until the next join.
    """

    def __init__(self, channel: FakeChannel) -> None:
        self.channel = channel
        self.tracked: list[tuple[str, dict[str, str]]] = []
        self.hidden: list[tuple[str, dict[str, str]]] = []
        self.batch = diff()
        self.ref = count(1)
        self.join_ref = count(1)
        self.diffs: deque[Any] = deque()
        self.states: deque[Any] = deque()
        self.is_joined = False
        self.is_listed = False
        self.delivered: list[tuple[Any, Any]] = []

    def track(self, number: int) -> None:
        """Somebody comes, perhaps once more."""
        present = (f"u{number % 3}", {"phx_ref": f"F{next(self.ref)}"})
        self.tracked.append(present)
        self._note("joins", present)

    def untrack(self, number: int) -> None:
        """Somebody goes."""
        if self.tracked:
            present = self.tracked.pop(number % len(self.tracked))
            self._note("leaves", present)

    def update(self, number: int) -> None:
        """Somebody's meta is updated."""
        if self.tracked:
            place = number % len(self.tracked)
            key, meta = self.tracked[place]
            new = {"phx_ref": f"F{next(self.ref)}", "phx_ref_prev": meta["phx_ref"]}
            self.tracked[place] = (key, new)
            self._note("joins", (key, new))
            self._note("leaves", (key, meta))

    def split(self, _number: int) -> None:
        """A part of the cluster is lost from sight, with who is tracked there."""
        self.broadcast(0)
        lost = self.tracked[::2]
        del self.tracked[::2]
        self.hidden += lost
        for present in lost:
            self._note("leaves", present)
        self.broadcast(0)

    def heal(self, _number: int) -> None:
        """That part is seen again, with the same metas."""
        for present in self.hidden:
            self._note("joins", present)
        self.tracked += self.hidden
        self.hidden = []
        self.broadcast(0)

    def broadcast(self, _number: int) -> None:
        """Send what has changed since the last time, in one diff."""
        if self.is_joined and self.batch != diff():
            self.diffs.append(self.batch)
        self.batch = diff()

    def join(self, _number: int) -> None:
        """Join, as the first time or after a loss of the connection."""
        self.lose(0)
        self.channel.join_ref = str(next(self.join_ref))
        self.is_joined = True
        self.track(0)

    def lose(self, _number: int) -> None:
        """Lose the connection, and all that is on the way."""
        self.diffs.clear()
        self.states.clear()
        self.is_joined = self.is_listed = False

    def list(self, _number: int) -> None:
        """Read the list for the state that a join brings.

        What was not broadcast yet is in it: it will be told once more.
        """
        if self.is_joined and not self.is_listed:
            self.is_listed = True
            self.states.append(self.state())

    def deliver_diff(self, _number: int) -> None:
        """A diff reaches the client."""
        self._deliver(DIFF, self.diffs)

    def deliver_state(self, _number: int) -> None:
        """The state reaches the client."""
        self._deliver(STATE, self.states)

    def state(self) -> dict[str, Any]:
        """Everybody who is there."""
        state: dict[str, Any] = {}
        for key, meta in self.tracked:
            state.setdefault(key, {"metas": []})["metas"].append(meta)
        return state

    def _note(self, side: str, present: tuple[str, dict[str, str]]) -> None:
        key, meta = present
        self.batch[side].setdefault(key, {"metas": []})["metas"].append(meta)

    def _deliver(self, event: str, payloads: deque[Any]) -> None:
        if payloads:
            payload = payloads.popleft()
            self.delivered.append((payload, deepcopy(payload)))
            self.channel.deliver(event, payload)


STEPS = (
    ModelServer.track,
    ModelServer.untrack,
    ModelServer.update,
    ModelServer.split,
    ModelServer.heal,
    ModelServer.broadcast,
    ModelServer.join,
    ModelServer.lose,
    ModelServer.list,
    ModelServer.deliver_diff,
    ModelServer.deliver_state,
)


class PropertyTests(SynchronousTestCase):
    """Whatever the server sends, in whatever order it may."""

    @settings(max_examples=300, deadline=None)
    @given(
        steps=st.lists(
            st.tuples(st.sampled_from(STEPS), st.integers(0, 5)),
            min_size=12,
            max_size=60,
        ),
        is_state_first=st.booleans(),
    )
    def test_ends_in_the_servers_list(
        self,
        steps: list[tuple[Callable[[ModelServer, int], None], int]],
        is_state_first: bool,
    ) -> None:
        """The client ends with the server's list, and each meta was told exactly once.

        At each sync the metas that came, less those that went, are those in the state.
        No payload is changed.
        """
        channel = FakeChannel(join_ref=None)
        presence = Presence(channel)
        ledger = Ledger(presence)
        server = ModelServer(channel)
        for step, number in steps:
            step(server, number)

        if not server.is_joined:
            server.join(0)
        server.list(0)
        server.broadcast(0)
        if is_state_first:
            server.deliver_state(0)
        while server.diffs:
            server.deliver_diff(0)
        server.deliver_state(0)

        self.assertTrue(presence.synced)
        self.assertEqual(by_ref(presence.state), by_ref(server.state()))
        self.assertEqual(ledger.faults, [])
        self.assertEqual(ledger.metas, refs_of(server.state()))
        self.assertEqual(presence.dropped, 0)
        for payload, copy in server.delivered:
            self.assertEqual(payload, copy)


def conversation(
    ann: tuple[str, int], bob: tuple[str, str, int], again: tuple[str, int]
) -> list[tuple[str, str, Any]]:
    """Make the payloads of a recorded conversation, each with the clients it went to.

    Ann comes on client a, bob on client b, and updates his meta; ann comes on client c
    as well, and leaves it; bob's transport is killed.
    Only the order in which one client receives its own is that of the recording.
    """
    ann_meta = {"phx_ref": ann[0], "online_at": ann[1]}
    again_meta = {"phx_ref": again[0], "online_at": again[1]}
    phone_ref, laptop_ref, bob_at = bob
    phone = {"phx_ref": phone_ref, "dev": "phone", "online_at": bob_at}
    laptop = {
        "phx_ref": laptop_ref,
        "phx_ref_prev": phone_ref,
        "dev": "laptop",
        "online_at": bob_at,
    }

    def state(**metas: list[dict[str, Any]]) -> dict[str, Any]:
        return {key: {"metas": each} for key, each in metas.items()}

    return [
        ("a", DIFF, diff(state(ann=[ann_meta]))),
        ("a", STATE, state(ann=[ann_meta])),
        ("ab", DIFF, diff(state(bob=[phone]))),
        ("b", STATE, state(ann=[ann_meta], bob=[phone])),
        ("ab", DIFF, diff(state(bob=[laptop]), state(bob=[phone]))),
        ("abc", DIFF, diff(state(ann=[again_meta]))),
        ("c", STATE, state(ann=[ann_meta, again_meta], bob=[laptop])),
        ("ab", DIFF, diff(leaves=state(ann=[again_meta]))),
        ("a", DIFF, diff(leaves=state(bob=[laptop]))),
    ]


RECORDINGS = {
    "Phoenix 1.7, Bandit": conversation(
        ("GOqqu45jXZDWjgZB", 1795435123984),
        ("GOqqu5WwnwHWjgZh", "GOqqu5zaiHHWjgZx", 1795435124107),
        ("GOqqu6Q8DYbWjgax", 1795435124351),
    ),
    "Phoenix 1.8, Bandit": conversation(
        ("GOqqyB9SCAzWjgaR", 1795435177956),
        ("GOqqyCaVvdLWjgax", "GOqqyC3EsxHWjgbB", 1795435178077),
        ("GOqqyDUQrPbWjgcB", 1795435178320),
    ),
    "Phoenix 1.8, Cowboy": conversation(
        ("GOqq6JD9uPJBGAcC", 1795435317302),
        ("GOqq6Jg7oN5BGAci", "GOqq6J9rY3pBGAcy", 1795435317423),
        ("GOqq6KbIQZdBGAdy", 1795435317667),
    ),
}


class RecordingTests(SynchronousTestCase):
    """What real servers sent is followed."""

    def replay(self, client: str, expected: list[Any]) -> None:
        """Follow what one client received, in each of the recordings.

        ``expected`` are the calls of the hooks, a meta shown as what it is of, and the
        keys that are present at each sync.
        """
        for recording in RECORDINGS.values():
            channel = FakeChannel()
            presence = Presence(channel)
            told: list[Any] = []

            def join(key: str, _: Any, new: Any, told: list[Any] = told) -> None:
                told.extend(f"+{key} {meta.get('dev', '')}" for meta in new["metas"])

            def leave(key: str, _: Any, left: Any, told: list[Any] = told) -> None:
                told.extend(f"-{key} {meta.get('dev', '')}" for meta in left["metas"])

            presence.on_join(join)
            presence.on_leave(leave)
            for clients, event, payload in recording:
                if client in clients:
                    channel.deliver(event, payload)
                    told.append(presence.list(lambda key, _: key))
            self.assertEqual(told, expected)
            self.assertEqual(presence.dropped, 0)

    def test_who_is_there_all_the_time(self) -> None:
        """Ann sees herself, bob, his update, her second socket, and both of them go."""
        self.replay(
            "a",
            [
                # The diff of her own joining comes first and is held.
                [],
                "+ann ",
                ["ann"],
                "+bob phone",
                ["ann", "bob"],
                "+bob laptop",
                "-bob phone",
                ["ann", "bob"],
                "+ann ",
                ["ann", "bob"],
                "-ann ",
                ["ann", "bob"],
                "-bob laptop",
                ["ann"],
            ],
        )

    def test_who_comes_second(self) -> None:
        """Bob finds ann in his state, then sees his update and her second socket."""
        self.replay(
            "b",
            [
                [],
                "+ann ",
                "+bob phone",
                ["ann", "bob"],
                "+bob laptop",
                "-bob phone",
                ["ann", "bob"],
                "+ann ",
                ["ann", "bob"],
                "-ann ",
                ["ann", "bob"],
            ],
        )

    def test_second_socket(self) -> None:
        """Ann's second socket finds both of hers in its state."""
        self.replay("c", [[], "+ann ", "+ann ", "+bob laptop", ["ann", "bob"]])
