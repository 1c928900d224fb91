"""Lists of who is present, and the steps from one to the next.

The functions change nothing that they are given.
What they return shares its metas with what they were given: read it, and copy what you
want to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from reprlib import repr as _short
from typing import Any, NamedTuple, TypeVar, overload

__all__ = [
    "Diff",
    "Entry",
    "JoinHook",
    "LeaveHook",
    "State",
    "Step",
    "SyncHook",
    "apply_diff",
    "check_diff",
    "check_state",
    "diff_step",
    "list_by",
    "state_step",
    "sync_diff",
    "sync_state",
]

_Entry = TypeVar("_Entry")

Entry = Mapping[str, Any]
"""One key's presence: ``{"metas": [...]}`` and whatever else the server adds."""

State = Mapping[str, Entry]
"""Every key that is present, with its :data:`Entry`; no entry is without metas."""

Diff = Mapping[str, State]
"""``{"joins": State, "leaves": State}``: the metas that came and those that went."""

JoinHook = Callable[[str, Entry | None, Entry], Any]
LeaveHook = Callable[[str, Entry, Entry], Any]
SyncHook = Callable[[], Any]


def sync_state(
    current: State,
    new: State,
    on_join: JoinHook | None = None,
    on_leave: LeaveHook | None = None,
) -> State:
    """Take over a whole list, and tell what has changed.

    :param current: the state so far; ``{}`` for none.
    :param new: the payload of ``presence_state``.
    :param on_join: called as ``on_join(key, current, new)`` for each key with metas
        that ``current`` has not: with the entry so far (``None`` if there was none),
        and the entry with those metas alone.
    :param on_leave: called as ``on_leave(key, current, left)`` for each key with metas
        that ``new`` has not: with the entry that remains (its ``metas`` may be empty),
        and the entry with those metas alone.
    :return: the new state.
    :raises ValueError: ``new`` is no state.
    """
    check_state(new, "presence state")
    return _report(state_step(current, new), on_join, on_leave)


def sync_diff(
    state: State,
    diff: Diff,
    on_join: JoinHook | None = None,
    on_leave: LeaveHook | None = None,
) -> State:
    """Apply one diff, its joins before its leaves, and tell what has changed.

    A join of a meta that is there and a leave of one that is not are no news, since a
    state may contain the diffs that come after it.

    :param state: the state so far; ``{}`` for none.
    :param diff: the payload of ``presence_diff``.
    :param on_join: called as by :func:`sync_state`.
    :param on_leave: called as by :func:`sync_state`, after every ``on_join``.
    :return: the new state.
    :raises ValueError: ``diff`` is no diff.
    """
    check_diff(diff, "presence diff")
    return _report(diff_step(state, diff), on_join, on_leave)


@overload
def list_by(state: State, by: None = None) -> list[Entry]: ...


@overload
def list_by(state: State, by: Callable[[str, Entry], _Entry]) -> list[_Entry]: ...


def list_by(state: State, by: Callable[[str, Entry], Any] | None = None) -> list[Any]:
    """Make a list of a state.

    :param by: called as ``by(key, entry)`` for each key; its results are the list.
        Without it the list is of the entries.
    """
    if by is None:
        return list(state.values())
    return [by(key, entry) for key, entry in state.items()]


class Step(NamedTuple):
    """The state after a payload, and the arguments of the hooks it calls."""

    state: State
    joins: list[tuple[str, Entry | None, Entry]]
    leaves: list[tuple[str, Entry, Entry]]


def state_step(current: State, new: State) -> Step:
    """Take over a whole list; see :func:`sync_state`."""
    state: dict[str, Entry] = {}
    joins: list[tuple[str, Entry | None, Entry]] = []
    leaves: list[tuple[str, Entry, Entry]] = []
    for key, entry in new.items():
        metas = _by_ref(entry)
        if not metas:
            continue
        state[key] = _with_metas(entry, metas.values())
        known = _by_ref(current.get(key))
        came = [meta for ref, meta in metas.items() if ref not in known]
        if came:
            joins.append((key, current.get(key), _with_metas(entry, came)))
    for key, entry in current.items():
        kept = _by_ref(state.get(key))
        gone = [meta for ref, meta in _by_ref(entry).items() if ref not in kept]
        if gone:
            rest = state.get(key) or _with_metas(entry, ())
            leaves.append((key, rest, _with_metas(entry, gone)))
    return Step(state, joins, leaves)


def diff_step(current: State, diff: Diff) -> Step:
    """Apply one diff; see :func:`sync_diff`."""
    state = dict(current)
    return Step(state, *apply_diff(state, diff))


def apply_diff(
    state: dict[str, Entry], diff: Diff
) -> tuple[list[tuple[str, Entry | None, Entry]], list[tuple[str, Entry, Entry]]]:
    """Apply one diff to a state, which changes.

    :return: the arguments of the hooks for joins, and of those for leaves.
    """
    joins: list[tuple[str, Entry | None, Entry]] = []
    leaves: list[tuple[str, Entry, Entry]] = []
    for key, entry in diff["joins"].items():
        before = state.get(key)
        metas = _by_ref(before)
        came = {ref: meta for ref, meta in _by_ref(entry).items() if ref not in metas}
        if came:
            state[key] = _with_metas(entry, (metas | came).values())
            joins.append((key, before, _with_metas(entry, came.values())))
    for key, entry in diff["leaves"].items():
        metas = _by_ref(state.get(key))
        gone = [metas.pop(ref) for ref in _by_ref(entry) if ref in metas]
        if not gone:
            continue
        rest = _with_metas(state[key], metas.values())
        if metas:
            state[key] = rest
        else:
            del state[key]
        leaves.append((key, rest, _with_metas(entry, gone)))
    return joins, leaves


def _by_ref(entry: Entry | None) -> dict[str, Any]:
    """The metas of an entry by their ``phx_ref``, in their order."""
    if entry is None:
        return {}
    return {meta["phx_ref"]: meta for meta in entry["metas"]}


def _with_metas(entry: Entry, metas: Iterable[Any]) -> Entry:
    """The entry with other metas, and with all else that the server put there."""
    return {**entry, "metas": list(metas)}


def _report(step: Step, on_join: JoinHook | None, on_leave: LeaveHook | None) -> State:
    if on_join is not None:
        for join in step.joins:
            on_join(*join)
    if on_leave is not None:
        for leave in step.leaves:
            on_leave(*leave)
    return step.state


def check_diff(value: Any, what: str) -> None:
    """Raise ValueError for what is no diff.

    :param what: how the error names it.
    """
    if not isinstance(value, Mapping):
        raise _malformed(what, "an object", value)
    for side in ("joins", "leaves"):
        check_state(value.get(side), f"{side} of {what}")


def check_state(value: Any, what: str) -> None:
    """Raise ValueError for what is no state.

    :param what: how the error names it.
    """
    if not isinstance(value, Mapping):
        raise _malformed(what, "an object", value)
    for key, entry in value.items():
        if not isinstance(entry, Mapping):
            raise _malformed(f"{what}, {_short(key)}", "an object", entry)
        metas = entry.get("metas")
        if not isinstance(metas, list):
            raise _malformed(f"{what}, metas of {_short(key)}", "a list", metas)
        for meta in metas:
            if not isinstance(meta, Mapping):
                raise _malformed(f"{what}, a meta of {_short(key)}", "an object", meta)
            ref = meta.get("phx_ref")
            if not isinstance(ref, str):
                raise _malformed(f"{what}, phx_ref of {_short(key)}", "a string", ref)


def _malformed(where: str, expected: str, value: Any) -> ValueError:
    # The type alone: what is in a meta is the application's, and not for the log.
    return ValueError(f"{where}: expected {expected}, got {type(value).__name__}")
