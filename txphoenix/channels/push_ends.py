"""The end of a push, as who observes channels is told of it.

Most clients have nobody who wants to know, and a push is to cost them nothing: whoever
calls these has asked telemetry first.
"""

from __future__ import annotations

from typing import Protocol

from .channel_events import ChannelEvents
from .interfaces import Member, Sender
from .pending import PendingPush

__all__ = ["PushTeller", "PushedMember", "tell_failed", "tell_replied"]


class PushTeller(Sender, Protocol):
    """What a push is sent by, and whom that tells of it."""

    @property
    def events(self) -> ChannelEvents:
        """Who observes channels."""


class PushedMember(Member, Protocol):
    """The inside of the channel of a push."""

    @property
    def manager(self) -> PushTeller:
        """Sends it."""


def tell_replied(
    member: PushedMember, pending: PendingPush, status: object, response: object
) -> None:
    """Tell that the server has replied."""
    channel, event, duration = member.channel, pending.event, _age(member, pending)
    for observer in member.manager.events.of_pushes:
        observer.push_replied(channel, event, status, response, duration)


def tell_failed(
    member: PushedMember,
    event: object,
    error: BaseException,
    pending: PendingPush | None = None,
) -> None:
    """Tell that a push has ended without a reply.

    :param pending: the push; None if it was refused at once.
    """
    channel, topic = member.channel, member.topic
    duration = 0.0 if pending is None else _age(member, pending)
    for observer in member.manager.events.of_pushes:
        observer.push_failed(topic, channel, event, error, duration)


def _age(member: PushedMember, pending: PendingPush) -> float:
    # Its deadline was set when it was made: no push has to keep when that was.
    return member.manager.deadlines.age(pending, pending.timeout)
