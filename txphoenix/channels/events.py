"""What happens to the channels of one client, and the one place to be told of it.

::

    a channel  ->  ChannelEvents  ->  the state, telemetry, who waits for joins

Channels know nothing of who observes: whoever does subscribes here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..protocol.channel_states import State
from ..protocol.message import Message
from .interfaces import ObservedChannel

__all__ = ["ChannelEvents"]


class ChannelEvents:
    """Who is told of what, in the order in which they have subscribed."""

    __slots__ = (
        "at_rest",
        "changed",
        "ended",
        "join_failed",
        "joined",
        "joins_sent",
        "leave_answered",
        "stale",
        "unrouted",
    )

    def __init__(self) -> None:
        self.changed: list[Callable[[ObservedChannel, State, State], object]] = []
        """A channel's state: the old and the new one.

        Whoever is told must not call the channel, which is in the middle of it."""
        self.at_rest: list[Callable[[], object]] = []
        """All that was changed is done: whoever is told may call any channel."""
        self.joined: list[Callable[[ObservedChannel, Any, float], object]] = []
        """The server has taken a join: its response, and the seconds it took."""
        self.join_failed: list[
            Callable[[ObservedChannel, BaseException, bool], object]
        ] = []
        """A join has failed: the error, and whether somebody waits and will be told."""
        self.joins_sent: list[Callable[[], object]] = []
        """No join waits to be sent, and messages do."""
        self.leave_answered: list[Callable[[ObservedChannel, float], object]] = []
        """The server has answered a leave, after so many seconds."""
        self.ended: list[Callable[[ObservedChannel, object], object]] = []
        """A channel has ended, for a reason as ``on_close`` is told."""
        self.stale: list[Callable[[Message], object]] = []
        """A message of a join that is over has come."""
        self.unrouted: list[Callable[[Message], object]] = []
        """A message for a topic that no channel has has come."""
