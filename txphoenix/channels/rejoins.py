"""When a channel that was interrupted joins again."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from ..protocol.channel_states import Input
from ..runtime.deadlines import DelayedCall
from ..runtime.lasting import has_lasted
from .channel_events import ChannelEvents
from .interfaces import Member, Sender

__all__ = ["RejoinSender", "RejoiningMember", "Rejoins"]


class RejoinSender(Sender, Protocol):
    """What a channel joins again by, and how soon."""

    @property
    def events(self) -> ChannelEvents:
        """Who observes channels."""

    def rejoin_delay(self, attempt: int, error: BaseException | None = None) -> float:
        """The seconds before a rejoin; the first is number 0.

        :param error: what it follows.
        """


class RejoinedJoins(Protocol):
    """The joins of a channel, as their rejoins know them."""

    @property
    def made_rejoins(self) -> Rejoins | None:
        """These rejoins, until the channel ends."""


class RejoiningMember(Member, Protocol):
    """A channel's inside, as its rejoins know it."""

    @property
    def joins(self) -> RejoinedJoins:
        """Its joins."""

    @property
    def manager(self) -> RejoinSender:
        """Knows the delays, and calls later."""


class Rejoins:
    """The delays before the rejoins of one channel, from one failure to the next.

    Made at the first interruption: a channel that joins once and stays has none.

    :param membership: of the channel that joins again.
    """

    __slots__ = ("_delay", "_failed", "_joined_at", "_membership", "_timer")

    def __init__(self, membership: RejoiningMember) -> None:
        self._membership = membership
        self._timer: DelayedCall | None = None
        self._failed = 0
        # The delay that led to the latest join, and since when the channel is joined.
        self._delay = 0.0
        self._joined_at: float | None = None

    @property
    def is_planned(self) -> bool:
        """Whether one is due at some time."""
        return self._timer is not None

    def plan(self, error: BaseException, delay: float | None = None) -> None:
        """Join again after a delay, if there is a connection.

        :param error: what has interrupted the channel.
        :param delay: in seconds; by default what ``rejoin_backoff`` says, which is more
            with each failure.
        """
        membership = self._membership
        manager = membership.manager
        if delay is None:
            self._delay = delay = manager.rejoin_delay(self._failed, error)
            self._failed += 1
        # Who was asked for it may have ended the channel.
        if manager.connection.is_open and membership.joins.made_rejoins is self:
            self._timer = manager.deadlines.callLater(delay, self._due)
            events, channel = manager.events, membership.channel
            events.when_at_rest(partial(events.tell_rejoin, channel, delay, error))

    def cancel(self) -> None:
        """Plan none; it is no error if none is planned."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def joined(self) -> None:
        """Take note that the channel is joined."""
        self._joined_at = self._membership.manager.deadlines.elapsed()

    def interrupted(self) -> None:
        """Take note that it is joined no more.

        A join that has lasted begins the delays anew.
        """
        joined_at, self._joined_at = self._joined_at, None
        if joined_at is None:
            return
        if has_lasted(
            self._membership.manager.deadlines.elapsed() - joined_at, self._delay
        ):
            self._failed = 0

    def _due(self) -> None:
        self._timer = None
        # A connection that is closing is followed by the next, and the join by that.
        if self._membership.manager.connection.is_open:
            self._membership.give(Input.OPEN)
