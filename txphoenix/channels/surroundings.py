"""What all channels of one client have in common, as each of them knows it."""

from __future__ import annotations

from typing import Protocol

from ..errors import NotConnected
from .interfaces import Member, ObservedChannel
from .join_queue import JoinQueue
from .pushing_member import PushSender
from .reading_pauses import ReadingPauses
from .rejoins import RejoinSender
from .waiters import StopWaiters
from .writers import Writers

__all__ = ["JoinSender", "Surroundings"]


class JoinSender(RejoinSender, Protocol):
    """What joins are sent by, and when their turn comes."""

    @property
    def joins(self) -> JoinQueue:
        """The joins of all channels, in the order of their turns."""


class Surroundings(PushSender, JoinSender, Protocol):
    """What a channel's inside asks of its manager, but for what that does with it."""

    @property
    def pauses(self) -> ReadingPauses:
        """Makes inboxes."""

    @property
    def stop_waiters(self) -> StopWaiters:
        """Who waits for the end of any channel."""

    @property
    def writers(self) -> Writers:
        """Who waits until a push would be sent."""

    @property
    def has_stopped(self) -> bool:
        """Whether the client has stopped, and not been started again."""

    @property
    def is_ending(self) -> bool:
        """Whether the client's stop is about to end each channel."""

    def cannot_join(self, member: Member) -> NotConnected:
        """The error of a join for which there will be no connection."""

    def given_up(self, member: Member, reason: object) -> None:
        """A channel that is closed was left or stopped, or its join has failed."""

    def messages_dropped(self, topic: str, count: int, reason: str) -> None:
        """Messages of a topic were dropped, for a reason of one word."""

    def check_settled(self, channel: ObservedChannel) -> None:
        """See what a channel's new state is waited for."""
