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
"""

from __future__ import annotations

import builtins
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, overload

from twisted.logger import Logger

from ..errors import ConfigurationError
from ..legible import error_text, legible
from ..protocol.event_names import PRESENCE_DIFF, PRESENCE_STATE
from ..protocol.presence_sync import (
    Diff,
    Entry,
    JoinHook,
    LeaveHook,
    State,
    Step,
    SyncHook,
    check_diff,
    check_state,
    diff_step,
    list_by,
    state_step,
    sync_diff,
    sync_state,
)
from ..runtime.hooks import Hooks, call_hook
from ..runtime.package_log import package_log
from ..runtime.remover import Remover
from ..telemetry import channel_handlers
from .channel import manager_of
from .presence_history import PresenceHistory

__all__ = ["Presence", "list_by", "sync_diff", "sync_state"]

log = Logger("txphoenix.presence", observer=package_log)

_Entry = TypeVar("_Entry")

# So many malformed payloads are a line each, and then the 16th, the 32nd and so on.
_MOST_TOLD = 10

# What the log calls the hooks, which a channel has some of as well.
_ON_JOIN, _ON_LEAVE, _ON_SYNC = (
    f"Presence.on_{kind}" for kind in ("join", "leave", "sync")
)


class PresenceChannel(Protocol):
    """What :class:`Presence` asks of a channel."""

    @property
    def join_ref(self) -> str | None:
        """The ref of the join that is under way or in force."""

    def on(self, event: str, handler: Callable[[Any], Any], /) -> Callable[[], Any]:
        """Have ``handler`` called with each payload of ``event``, until removed."""


class Presence:
    """The presences of one channel.

    It may be made at any time: a channel keeps what a later one needs, the last state
    of its :attr:`~txphoenix.Channel.presence_events` and the diffs since.
    Of other events nothing is kept: with these it is to be made before the channel
    joins, or is empty until the next state comes.
    After a rejoin the new list is compared with the old one, so the hooks tell exactly
    what changed meanwhile.

    Payloads that are no presences are logged, counted in :attr:`dropped`, and change
    nothing.

    :param channel: a :class:`txphoenix.channel.Channel`.
    :param state_event: the event that brings the whole list; by default the channel's.
    :param diff_event: the event that brings a change; by default the channel's.
    :raises ConfigurationError: that is no channel, or the two events are the same.
    """

    held_diffs_limit = 1000
    """How many diffs are held at most until the state comes.

    The oldest is dropped beyond that: it is the likeliest to be in the state."""

    def __init__(
        self,
        channel: PresenceChannel,
        state_event: str | None = None,
        diff_event: str | None = None,
    ) -> None:
        if (
            isinstance(channel, type)
            or not hasattr(channel, "join_ref")
            or not callable(getattr(channel, "on", None))
        ):
            raise ConfigurationError(
                "a Presence is that of a channel, such as client.channel(topic)"
                f" returns, not of {legible(channel)}"
            )
        kept = getattr(
            type(channel), "presence_events", (PRESENCE_STATE, PRESENCE_DIFF)
        )
        state_event = kept[0] if state_event is None else state_event
        diff_event = kept[1] if diff_event is None else diff_event
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
        self._news: deque[tuple[str, Hooks, tuple[Any, ...]]] = deque()
        self._is_telling = False
        # Whether the state was there before this, and nobody has been told of it.
        self._has_found = False
        self._state_event = state_event
        self._diff_event = diff_event
        self._removers = (
            channel.on(state_event, self._take_state),
            channel.on(diff_event, self._take_diff),
        )
        history: PresenceHistory | None = getattr(channel, "presence_history", None)
        if (state_event, diff_event) == kept:
            if history is not None:
                self._catch_up(history)
        elif channel.join_ref is not None:
            log.warn(
                "{topic}: a Presence was made after the join: it is empty until {event}"
                " comes",
                topic=self._topic,
                event=state_event,
            )

    def __repr__(self) -> str:
        synced = "synced" if self.synced else "not synced"
        return f"<Presence {self._topic} {len(self._state)} present, {synced}>"

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
    def list(self, by: Callable[[str, Entry], _Entry]) -> builtins.list[_Entry]: ...

    def list(self, by: Callable[[str, Entry], Any] | None = None) -> builtins.list[Any]:
        """List who is present, as :func:`list_by` does."""
        return list_by(self._state, by)

    def on_join(self, hook: JoinHook) -> Remover:
        """Have ``hook(key, current, new)`` called for each key with new metas.

        What a Presence that is made late finds is news until the next message: a hook
        that is added before that is called at once for each key that is present.
        Hooks are called after :attr:`state` has changed; what one raises is logged.

        :param hook: gets the key, its entry so far (``None`` if the key was not
            present), and its entry with the new metas alone.
        :return: a function that removes the hook.
        """
        remove = self._join_hooks.add(hook)
        if self._has_found:
            for key, entry in self._state.items():
                call_hook(hook, key, None, entry, called=(_ON_JOIN, self._topic))
        return remove

    def on_leave(self, hook: LeaveHook) -> Remover:
        """Have ``hook(key, current, left)`` called for each key that has lost metas.

        :param hook: gets the key, its entry as it is now (without metas if the key is
            no longer present), and its entry with the lost metas alone.
        :return: a function that removes the hook.
        """
        return self._leave_hooks.add(hook)

    def on_sync(self, hook: SyncHook) -> Remover:
        """Have ``hook()`` called after each state and each diff, when all is told.

        It is called at once where a Presence that is made late has found the state, as
        by :meth:`on_join`.

        :return: a function that removes the hook.
        """
        remove = self._sync_hooks.add(hook)
        if self._has_found and self.synced:
            call_hook(hook, called=(_ON_SYNC, self._topic))
        return remove

    def stop(self) -> None:
        """Follow the channel no more, and forget the hooks; the state stays."""
        for remove in self._removers:
            remove()
        self._join_hooks = Hooks()
        self._leave_hooks = Hooks()
        self._sync_hooks = Hooks()
        self._held.clear()
        self._news.clear()
        self._has_found = False

    @property
    def _topic(self) -> str:
        return str(getattr(self._channel, "topic", "?"))

    def _catch_up(self, history: PresenceHistory) -> None:
        """Be as if this had been made before the join."""
        self._state, self._synced_ref = history.latest()
        self._held.extend(history.held)
        self._held_ref = history.held_ref
        self._has_found = self._synced_ref is not None

    def _take_state(self, payload: Any) -> None:
        if not self._accept(check_state, payload, self._state_event):
            return
        self._apply(state_step(self._state, payload))
        self._synced_ref = self._channel.join_ref
        # Diffs of a join that ended before its state came are older than this state:
        # a meta that they bring may be gone, and nothing would ever take it away.
        # So may be those that came without a join.
        if self.synced and self._held_ref == self._synced_ref:
            for diff in self._held:
                self._apply(diff_step(self._state, diff))
        self._held.clear()
        self._tell_sync()

    def _take_diff(self, payload: Any) -> None:
        if not self._accept(check_diff, payload, self._diff_event):
            return
        if self.synced:
            self._apply(diff_step(self._state, payload))
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
            # A server that sends nothing else must not fill the log.
            count = self.dropped
            if count <= _MOST_TOLD or count & (count - 1) == 0:
                log.warn(
                    "{topic}: dropped a malformed presence (number {count}): {reason}",
                    topic=self._topic,
                    event=event,
                    count=count,
                    reason=error_text(error),
                    error=error,
                )
            self._tell_dropped()
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
                "{topic}: {event} has not come after {limit} of {diff}; the oldest are"
                " dropped",
                topic=self._topic,
                event=self._state_event,
                limit=self.held_diffs_limit,
                diff=self._diff_event,
            )
        self._tell_dropped()

    def _tell_dropped(self) -> None:
        """Tell telemetry of a payload that is dropped, if the channel is ours."""
        if channel_handlers:
            manager = manager_of(self._channel)
            if manager is not None:
                manager.messages_dropped(self._topic, 1, "presence")

    def _apply(self, step: Step) -> None:
        self._state = step.state
        hooks = self._join_hooks
        self._news.extend((_ON_JOIN, hooks, join) for join in step.joins)
        hooks = self._leave_hooks
        self._news.extend((_ON_LEAVE, hooks, leave) for leave in step.leaves)

    def _tell_sync(self) -> None:
        """Call the hooks for all that has changed.

        A hook may do what brings the next diff: it waits until this one is told, so
        that nobody leaves before having joined.
        """
        self._has_found = False
        self._news.append((_ON_SYNC, self._sync_hooks, ()))
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._news:
                kind, hooks, arguments = self._news.popleft()
                hooks.call(*arguments, called=(kind, self._topic))
        finally:
            self._is_telling = False
