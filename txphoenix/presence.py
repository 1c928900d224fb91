"""Who is on a channel: Phoenix's Presence, kept in step with the server.

A server that tracks presences sends the whole list once after a join, and a diff for
every change::

    S: presence_diff   {"joins": {"ann": {"metas": [{"phx_ref": "F1"}]}}, "leaves": {}}
    S: presence_state  {"ann": {"metas": [{"phx_ref": "F1"}]}}
    S: presence_diff   {"joins": {"ann": {"metas": [{"phx_ref": "F2",
                                                     "phx_ref_prev": "F1"}]}},
                        "leaves": {"ann": {"metas": [{"phx_ref": "F1"}]}}}

A key (often a user) is present once for every meta it has (often a device), and a meta
is the same meta if its ``phx_ref`` is the same.
An update is a join and a leave in one diff, as in the last line above.

State and diffs come to the client by different ways in the server and race: a diff may
come before the state or after it, and the state may already contain it.
So a diff that comes first is held until the state is there, and what is known already
is no news: :func:`sync_state` and :func:`sync_diff` report a meta once when it comes
and once when it goes.

The functions change nothing that they are given.
What they return shares its metas with what they were given: read it, and copy what you
want to change.
"""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from reprlib import repr as _short
from typing import Any, NamedTuple, Protocol, TypeVar, overload

from twisted.logger import Logger

from .errors import ConfigurationError
from .hooks import Hooks
from .interfaces import Remover
from .message import PRESENCE_DIFF, PRESENCE_STATE
from .package_log import package_log

__all__ = ["Presence", "list_by", "sync_diff", "sync_state"]

log = Logger(observer=package_log)

T = TypeVar("T")

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
    _check_state(new, "presence state")
    return _report(_state_step(current, new), on_join, on_leave)


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
    _check_diff(diff, "presence diff")
    return _report(_diff_step(state, diff), on_join, on_leave)


@overload
def list_by(state: State, by: None = None) -> list[Entry]: ...


@overload
def list_by(state: State, by: Callable[[str, Entry], T]) -> list[T]: ...


def list_by(state: State, by: Callable[[str, Entry], Any] | None = None) -> list[Any]:
    """Make a list of a state.

    :param by: called as ``by(key, entry)`` for each key; its results are the list.
        Without it the list is of the entries.
    """
    if by is None:
        return list(state.values())
    return [by(key, entry) for key, entry in state.items()]


class PresenceChannel(Protocol):
    """What :class:`Presence` asks of a channel."""

    @property
    def join_ref(self) -> str | None:
        """The ref of the join that is under way or in force."""

    def on(self, event: str, handler: Callable[[Any], Any], /) -> Callable[[], Any]:
        """Have ``handler`` called with each payload of ``event``, until removed."""


class Presence:
    """The presences of one channel.

    Make it before the channel joins, or it will not see the state of that join.
    After a rejoin the new list is compared with the old one, so the hooks tell exactly
    what changed meanwhile.

    Payloads that are no presences are logged, counted in :attr:`dropped`, and change
    nothing.

    :param channel: a :class:`txphoenix.channel.Channel`.
    :param state_event: the event that brings the whole list.
    :param diff_event: the event that brings a change.
    :raises ConfigurationError: the two events are the same.
    """

    held_diffs_limit = 1000
    """How many diffs are held at most until the state comes.

    The oldest is dropped beyond that: it is the likeliest to be in the state."""

    def __init__(
        self,
        channel: PresenceChannel,
        state_event: str = PRESENCE_STATE,
        diff_event: str = PRESENCE_DIFF,
    ) -> None:
        if state_event == diff_event:
            raise ConfigurationError(
                "expected one event for the state and another for the diffs,"
                f" got {state_event!r} for both"
            )
        self.dropped = 0
        """How many payloads were dropped: malformed, or diffs too many to be held."""
        self._channel = channel
        self._state: State = {}
        # The join whose state we have, and the join whose diffs we hold.
        self._synced_ref: str | None = None
        self._held_ref: str | None = None
        self._held: deque[Diff] = deque()
        self._overflowed = False
        self._join_hooks = Hooks()
        self._leave_hooks = Hooks()
        self._sync_hooks = Hooks()
        self._news: deque[tuple[Hooks, tuple[Any, ...]]] = deque()
        self._is_telling = False
        self._state_event = state_event
        self._diff_event = diff_event
        self._removers = (
            channel.on(state_event, self._take_state),
            channel.on(diff_event, self._take_diff),
        )

    @property
    def state(self) -> State:
        """Every key that is present, with its entry.

        It is replaced at each change, never changed.
        """
        return self._state

    @property
    def synced(self) -> bool:
        """Whether the state of the channel's current join has come.

        Until then :attr:`state` is that of the last join.
        """
        return self._synced_ref is not None and (
            self._synced_ref == self._channel.join_ref
        )

    @overload
    def list(self, by: None = None) -> builtins.list[Entry]: ...

    @overload
    def list(self, by: Callable[[str, Entry], T]) -> builtins.list[T]: ...

    def list(self, by: Callable[[str, Entry], Any] | None = None) -> builtins.list[Any]:
        """List who is present, as :func:`list_by` does."""
        return list_by(self._state, by)

    def on_join(self, hook: JoinHook) -> Remover:
        """Have ``hook(key, current, new)`` called for each key with new metas.

        Hooks are called after :attr:`state` has changed; what one raises is logged.

        :param hook: gets the key, its entry so far (``None`` if the key was not
            present), and its entry with the new metas alone.
        :return: a function that removes the hook.
        """
        return self._join_hooks.add(hook)

    def on_leave(self, hook: LeaveHook) -> Remover:
        """Have ``hook(key, current, left)`` called for each key that has lost metas.

        :param hook: gets the key, its entry as it is now (without metas if the key is
            no longer present), and its entry with the lost metas alone.
        :return: a function that removes the hook.
        """
        return self._leave_hooks.add(hook)

    def on_sync(self, hook: SyncHook) -> Remover:
        """Have ``hook()`` called after each state and each diff, when all is told.

        :return: a function that removes the hook.
        """
        return self._sync_hooks.add(hook)

    def stop(self) -> None:
        """Follow the channel no more, and forget the hooks; the state stays."""
        for remove in self._removers:
            remove()
        self._join_hooks = Hooks()
        self._leave_hooks = Hooks()
        self._sync_hooks = Hooks()
        self._held.clear()
        self._news.clear()

    def _take_state(self, payload: Any) -> None:
        if not self._accept(_check_state, payload, self._state_event):
            return
        self._apply(_state_step(self._state, payload))
        self._synced_ref = self._channel.join_ref
        # Diffs of a join that ended before its state came are older than this state:
        # a meta that they bring may be gone, and nothing would ever take it away.
        if self._held_ref == self._synced_ref:
            for diff in self._held:
                self._apply(_diff_step(self._state, diff))
        self._held.clear()
        self._tell_sync()

    def _take_diff(self, payload: Any) -> None:
        if not self._accept(_check_diff, payload, self._diff_event):
            return
        if self.synced:
            self._apply(_diff_step(self._state, payload))
            self._tell_sync()
        else:
            self._hold(payload)

    def _accept(
        self, check: Callable[[Any, str], None], payload: Any, event: str
    ) -> bool:
        try:
            check(payload, event)
        except ValueError as error:
            self.dropped += 1
            log.warn("dropped a malformed presence: {error}", error=error)
            return False
        return True

    def _hold(self, diff: Diff) -> None:
        if self._held_ref != self._channel.join_ref:
            self._held_ref = self._channel.join_ref
            self._held.clear()
            self._overflowed = False
        self._held.append(diff)
        if len(self._held) <= self.held_diffs_limit:
            return
        self._held.popleft()
        self.dropped += 1
        if not self._overflowed:
            self._overflowed = True
            log.warn(
                "{event} has not come after {limit} of {diff}; the oldest are dropped",
                event=self._state_event,
                limit=self.held_diffs_limit,
                diff=self._diff_event,
            )

    def _apply(self, step: _Step) -> None:
        self._state = step.state
        self._news.extend((self._join_hooks, join) for join in step.joins)
        self._news.extend((self._leave_hooks, leave) for leave in step.leaves)

    def _tell_sync(self) -> None:
        """Call the hooks for all that has changed.

        A hook may do what brings the next diff: it waits until this one is told, so
        that nobody leaves before having joined.
        """
        self._news.append((self._sync_hooks, ()))
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._news:
                hooks, arguments = self._news.popleft()
                hooks.call(*arguments)
        finally:
            self._is_telling = False


class _Step(NamedTuple):
    """The state after a payload, and the arguments of the hooks it calls."""

    state: State
    joins: list[tuple[str, Entry | None, Entry]]
    leaves: list[tuple[str, Entry, Entry]]


def _state_step(current: State, new: State) -> _Step:
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
    return _Step(state, joins, leaves)


def _diff_step(current: State, diff: Diff) -> _Step:
    state = dict(current)
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
    return _Step(state, joins, leaves)


def _by_ref(entry: Entry | None) -> dict[str, Any]:
    """The metas of an entry by their ``phx_ref``, in their order."""
    if entry is None:
        return {}
    return {meta["phx_ref"]: meta for meta in entry["metas"]}


def _with_metas(entry: Entry, metas: Iterable[Any]) -> Entry:
    """The entry with other metas, and with all else that the server put there."""
    return {**entry, "metas": list(metas)}


def _report(step: _Step, on_join: JoinHook | None, on_leave: LeaveHook | None) -> State:
    if on_join is not None:
        for join in step.joins:
            on_join(*join)
    if on_leave is not None:
        for leave in step.leaves:
            on_leave(*leave)
    return step.state


def _check_diff(value: Any, what: str) -> None:
    if not isinstance(value, Mapping):
        raise _malformed(what, "an object", value)
    for side in ("joins", "leaves"):
        _check_state(value.get(side), f"{side} of {what}")


def _check_state(value: Any, what: str) -> None:
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
