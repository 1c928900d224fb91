"""What all channels of one client have in common, as each of them knows it."""

from __future__ import annotations

from typing import Protocol

from .interfaces import ObservedChannel
from .joins import JoinSender
from .pushes import PushSender
from .reading_pauses import ReadingPauses
from .waiters import StopWaiters
from .writers import Writers

__all__ = ["Surroundings"]


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

    def check_settled(self, channel: ObservedChannel) -> None:
        """See what a channel's new state is waited for."""
