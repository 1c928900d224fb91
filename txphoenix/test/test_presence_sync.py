"""Tests of the pure functions of ``presence.py``."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.presence import list_by, sync_diff, sync_state
from txphoenix.test.presence_kit import (
    Record,
    diff,
    entry,
    first_ref,
)


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
