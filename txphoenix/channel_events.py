"""What happens to the channels of one client, and the one place to be told of it.

::

    a channel  ->  ChannelEvents  ->  the state, telemetry, who waits for joins

Channels know nothing of who observes: whoever does subscribes here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec

if TYPE_CHECKING:
    from .channel import Channel
    from .channel_states import State
    from .message import Message

__all__ = ["ChannelEvents", "Event"]

_P = ParamSpec("_P")


class Event(list[Callable[_P, object]], Generic[_P]):
    """Those who are told when something happens, in the order they subscribed."""

    __slots__ = ()

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Tell all of them."""
        for tell in self:
            tell(*args, **kwargs)


class ChannelEvents:
    """What can happen; ``append`` subscribes to one of them."""

    __slots__ = (
        "at_rest",
        "changed",
        "ended",
        "join_failed",
        "joined",
        "leave_answered",
        "stale",
        "unrouted",
    )

    def __init__(self) -> None:
        self.changed: Event[Channel, State, State] = Event()
        """A channel's state: the old and the new one.

        Whoever is told must not call the channel, which is in the middle of it."""
        self.at_rest: Event[[]] = Event()
        """All that was changed is done: whoever is told may call any channel."""
        self.joined: Event[Channel, Any, float] = Event()
        """The server has taken a join: its response, and the seconds it took."""
        self.join_failed: Event[Channel, BaseException, bool] = Event()
        """A join has failed: the error, and whether somebody waits and will be told."""
        self.leave_answered: Event[Channel, float] = Event()
        """The server has answered a leave, after so many seconds."""
        self.ended: Event[Channel, object] = Event()
        """A channel has ended, for a reason as ``on_close`` is told."""
        self.stale: Event[Message] = Event()
        """A message of a join that is over has come."""
        self.unrouted: Event[Message] = Event()
        """A message for a topic that no channel has has come."""
