"""Fuzzes Presence: lists and diffs in any order, right and wrong.

An input is a JSON array of steps, each a list (``{key: {"metas": [...]}}``) or a diff
(``{"joins": ..., "leaves": ...}``).
A step is refused with :exc:`ValueError`, or what it makes is what a plain model of sets
makes of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from txphoenix.presence import list_by, sync_diff, sync_state
from txphoenix.test.strict_json import depth_of

__all__ = ["presence"]

_DEEP = 100

# Key -> ref of a meta -> the meta, in their order.
_Model = dict[str, dict[str, Any]]


def presence(data: bytes) -> None:
    """The target."""
    if depth_of(data) > _DEEP:
        return
    try:
        steps = json.loads(data.decode("utf-8"))
    except ValueError:
        return
    state: Any = {}
    model: _Model = {}
    for step in steps if isinstance(steps, list) else []:
        is_diff = isinstance(step, dict) and "joins" in step
        before = json.dumps([state, step])
        joins: list[Any] = []
        leaves: list[Any] = []
        sync: Any = sync_diff if is_diff else sync_state
        try:
            made = sync(
                state,
                step,
                lambda *told, joins=joins: joins.append(told),
                lambda *told, leaves=leaves: leaves.append(told),
            )
        except ValueError:
            if _is_diff(step) if is_diff else _is_state(step):
                raise
            continue
        if not (_is_diff(step) if is_diff else _is_state(step)):
            raise AssertionError(f"taken: {step!r}")
        if json.dumps([state, step]) != before:
            raise AssertionError("what was given has changed")
        came, went, model = _apply(model, step, is_diff)
        _compare(made, model, joins, leaves, came, went)
        state = made


def _is_state(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(entry, dict)
        and isinstance(entry.get("metas"), list)
        and all(
            isinstance(meta, dict) and isinstance(meta.get("phx_ref"), str)
            for meta in entry["metas"]
        )
        for entry in value.values()
    )


def _is_diff(value: Any) -> bool:
    return _is_state(value.get("joins")) and _is_state(value.get("leaves"))


def _read(state: Mapping[str, Any]) -> _Model:
    """A list as the model has it; of two metas with one ref the last one counts."""
    return {
        key: {meta["phx_ref"]: meta for meta in entry["metas"]}
        for key, entry in state.items()
    }


def _apply(
    model: _Model, step: Mapping[str, Any], is_diff: bool
) -> tuple[_Model, _Model, _Model]:
    """What came, what went, and the model then."""
    if is_diff:
        joins, leaves = _read(step["joins"]), _read(step["leaves"])
    else:
        joins = _read(step)
        leaves = _less(model, joins)
    came = _less(joins, model)
    after = {key: dict(metas) for key, metas in model.items()}
    for key, metas in came.items():
        after[key] = {**after.get(key, {}), **metas}
    went = {
        key: {ref: after[key][ref] for ref in metas if ref in after.get(key, {})}
        for key, metas in leaves.items()
    }
    after = _less(after, went) if is_diff else joins
    return came, _filled(went), _filled(after)


def _less(some: _Model, others: _Model) -> _Model:
    return _filled(
        {
            key: {
                ref: meta
                for ref, meta in metas.items()
                if ref not in others.get(key, {})
            }
            for key, metas in some.items()
        }
    )


def _filled(model: _Model) -> _Model:
    return {key: metas for key, metas in model.items() if metas}


def _compare(
    made: Any,
    model: _Model,
    joins: list[Any],
    leaves: list[Any],
    came: _Model,
    went: _Model,
) -> None:
    """The state, and what the hooks were told."""
    if _read(made) != model:
        raise AssertionError(f"{made!r}, and not {model!r}")
    if any(not entry["metas"] for entry in made.values()):
        raise AssertionError("somebody without metas is there")
    if list_by(made, lambda key, _: key) != list(made):
        raise AssertionError("the list is of others")
    told = {key: _read({key: new})[key] for key, _, new in joins}
    gone = {key: _read({key: left})[key] for key, _, left in leaves}
    if told != came or len(joins) != len(came):
        raise AssertionError(f"told of {joins!r}, and not of {came!r}")
    if gone != went or len(leaves) != len(went):
        raise AssertionError(f"told of {leaves!r}, and not of {went!r}")
    for key, rest, _ in leaves:
        if _read({key: rest})[key] != model.get(key, {}):
            raise AssertionError(f"{rest!r} is said to remain of {key!r}")
