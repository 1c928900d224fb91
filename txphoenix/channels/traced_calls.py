"""Calls of the user's, told of where they are made, to those who trace.

Most clients have nobody who does, and a call is to cost them nothing: whoever calls
these has asked for the tracers first.
"""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred

from .channel_events import ChannelEvents
from .interfaces import Member, Sender

__all__ = ["TracedMember", "TracedSender", "join_begins", "join_sends", "push_begins"]


class TracedSender(Sender, Protocol):
    """What a call is sent by, and whom that tells of it."""

    @property
    def events(self) -> ChannelEvents:
        """Who observes channels."""


class TracedMember(Member, Protocol):
    """The inside of the channel of a call."""

    @property
    def manager(self) -> TracedSender:
        """Sends it."""


def push_begins(
    member: TracedMember, event: str, payload: Any, deferred: Deferred[Any] | None
) -> Any:
    """Tell of a push, with a reply or without; return the payload that is sent."""
    for observer in member.manager.events.of_pushes:
        payload = observer.push_begins(member.channel, event, payload, deferred)
    return payload


def join_begins(member: TracedMember, deferred: Deferred[Any]) -> None:
    """Tell of a join."""
    for observer in member.manager.events.of_pushes:
        observer.join_begins(member.channel, deferred)


def join_sends(member: TracedMember, params: Any) -> Any:
    """Tell of an attempt to join; return the params that are sent."""
    for observer in member.manager.events.of_pushes:
        params = observer.join_sends(member.channel, params)
    return params
