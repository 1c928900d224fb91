"""What pushes are sent by, and what they ask of their channel."""

from __future__ import annotations

from typing import Protocol

from ..errors import NotConnected
from ..options.options import Options
from .channel_events import ChannelEvents
from .dropped_pushes import DroppedPushes
from .interfaces import Member, Sender
from .waiters import NextJoins

__all__ = ["LatestJoin", "PushSender", "PushingMember"]


class PushSender(Sender, Protocol):
    """What pushes are sent by, and what says whether they may be."""

    @property
    def options(self) -> Options:
        """The client's options, which say how much may wait."""

    @property
    def is_writable(self) -> bool:
        """Whether pushes can be sent: the connection is open, and takes more."""

    @property
    def next_joins(self) -> NextJoins:
        """The joins that wait for a topic to be left."""

    @property
    def dropped(self) -> DroppedPushes:
        """What was never sent, and nobody waits for."""

    @property
    def events(self) -> ChannelEvents:
        """Who observes channels."""

    def check_timeout(self, timeout: float | None) -> float:
        """Check a timeout."""

    def hold_pushes(self, topic: str) -> None:
        """Have the channel be told when the connection takes more."""

    def not_connected(self, what: str) -> NotConnected:
        """The error of what needs a connection, where there will be none."""


class LatestJoin(Protocol):
    """The joins of a channel, as its pushes know them."""

    @property
    def ref(self) -> str | None:
        """The ref of the join that the server has, or None."""


class PushingMember(Member, Protocol):
    """A channel's inside, as its pushes know it."""

    @property
    def joins(self) -> LatestJoin:
        """With which join they are sent."""

    @property
    def manager(self) -> PushSender:
        """Sends them."""

    @property
    def ended_by(self) -> object:
        """What has ended the channel the last time."""
