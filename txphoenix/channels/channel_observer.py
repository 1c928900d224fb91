"""What an observer of channels is told."""

from __future__ import annotations

from typing import Any

from ..protocol.channel_states import State
from ..protocol.message import Message
from .interfaces import ObservedChannel

__all__ = ["ChannelObserver"]


class ChannelObserver:
    """Is told what happens to the channels of a client.

    A subclass has the methods for what it wants to know.
    See :class:`txphoenix.channels.channel_events.ChannelEvents`.
    """

    __slots__ = ()

    def channel_changed(self, channel: ObservedChannel, old: State, new: State) -> None:
        """A channel's state has changed.

        Whoever is told must not call the channel, which is in the middle of it: see
        :meth:`txphoenix.channels.channel_events.ChannelEvents.when_at_rest`.
        """

    def channel_joined(
        self, channel: ObservedChannel, response: Any, duration: float
    ) -> None:
        """The server has taken a join, after ``duration`` seconds."""

    def join_failed(
        self, channel: ObservedChannel, error: BaseException, is_awaited: bool
    ) -> None:
        """A join has failed; whether somebody waits for it, and will be told."""

    def joins_sent(self) -> None:
        """No join waits to be sent, and messages do."""

    def leave_answered(self, channel: ObservedChannel, duration: float) -> None:
        """The server has answered a leave, after ``duration`` seconds."""

    def channel_ended(self, channel: ObservedChannel, reason: object) -> None:
        """A channel has ended, for a reason as ``on_close`` is told."""

    def message_stale(self, message: Message) -> None:
        """A message of a join that is over has come."""

    def message_unrouted(self, message: Message) -> None:
        """A message for a topic that no channel has has come."""
