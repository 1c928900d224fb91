"""What a channel keeps of its presences, for a Presence that is made later.

The server sends its list once after each join, so that whoever comes later has missed
it.
A channel keeps the last list and the diffs since, and from time to time makes a new
list of both, so that what it keeps is bounded by who is there.
A channel on which no presences come keeps nothing and does nothing.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ..errors import ConfigurationError
from ..protocol.event_names import (
    PHX_CLOSE,
    PHX_ERROR,
    PHX_REPLY,
    PRESENCE_DIFF,
    PRESENCE_STATE,
)
from ..protocol.presence_sync import (
    Diff,
    Entry,
    State,
    apply_diff,
    check_diff,
    check_state,
    state_step,
)
from .event_hooks import EventHooks

__all__ = ["USUAL_EVENTS", "PresenceHistory", "check_events"]

USUAL_EVENTS = (PRESENCE_STATE, PRESENCE_DIFF)
"""Phoenix's own, which need no check: nearly all channels have these."""

_PROTOCOL_EVENTS = frozenset({PHX_CLOSE, PHX_ERROR, PHX_REPLY})
# After so many diffs a new list is made.
_MANY_DIFFS = 100
# How many are kept while there is no list to apply them to.
_MOST_HELD = 1000


class PresenceHistory:
    """The presences of one channel, as far as the server has told them.

    :param state_event: the event that brings the whole list.
    :ivar hooks: the hooks of both events, which are called after this has taken a
        message.
    :ivar held: the diffs that came after the list, or before the list of their join.
    :ivar held_ref: the join to which they belong.
    """

    __slots__ = ("_state", "_state_event", "_state_ref", "held", "held_ref", "hooks")

    def __init__(self, state_event: str) -> None:
        self._state_event = state_event
        self.hooks = EventHooks()
        self.forget()

    def forget(self) -> None:
        """Keep nothing of what has come so far: the channel has ended."""
        self._state: State = {}
        self._state_ref: str | None = None
        self.held: deque[Diff] = deque()
        self.held_ref: str | None = None

    def take(self, event: str, payload: Any, join_ref: str | None) -> None:
        """Keep what has come.

        :param join_ref: the channel's join.
        """
        if event == self._state_event:
            if not _is_good(check_state, payload):
                return
            # Diffs that came before the first state of a join are applied to it; those
            # of another join, and those before a second state, are done.
            if self.held_ref != join_ref or self._state_ref == join_ref:
                self.held.clear()
            self._state, self._state_ref = payload, join_ref
            return
        if self.held_ref != join_ref:
            self._apply_held()
            self.held.clear()
            self.held_ref = join_ref
        self.held.append(payload)
        if len(self.held) > _MANY_DIFFS:
            self._apply_held()
        if len(self.held) > _MOST_HELD:
            self.held.popleft()

    def latest(self) -> tuple[State, str | None]:
        """The list as it is now, and the join that it belongs to, or None.

        What is left in :attr:`held` waits for the list of its own join.
        """
        self._apply_held()
        self._state = state_step({}, self._state).state
        self.held = deque(each for each in self.held if _is_good(check_diff, each))
        return self._state, self._state_ref

    def _apply_held(self) -> None:
        if not self.held or self._state_ref is None or self.held_ref != self._state_ref:
            return
        state: dict[str, Entry] = dict(self._state)
        for diff in self.held:
            if _is_good(check_diff, diff):
                apply_diff(state, diff)
        self.held.clear()
        self._state = state


def check_events(name: str, events: object) -> tuple[str, str]:
    """Check what a class of channels names as its presence_events.

    :param name: the class.
    :return: the two events.
    :raises ConfigurationError: they are not two different events.
    """
    if not (
        isinstance(events, tuple | list)
        and len(events) == 2
        and all(isinstance(event, str) and event for event in events)
        and events[0] != events[1]
        and _PROTOCOL_EVENTS.isdisjoint(events)
    ):
        raise ConfigurationError(
            f"{name}.presence_events must be the names of two different events, none"
            f" of them the protocol's own, not {events!r:.100}"
        )
    state, diff = events
    return USUAL_EVENTS if (state, diff) == USUAL_EVENTS else (state, diff)


def _is_good(check: Any, payload: Any) -> bool:
    # Whoever follows the presences counts and logs what is wrong.
    try:
        check(payload, "")
    except ValueError:
        return False
    return True
