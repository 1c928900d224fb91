"""What an observer of channels is told."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from ..decode_error import DecodeError
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

    def channel_crashed(
        self, channel: ObservedChannel, error: BaseException, callback: str
    ) -> None:
        """A callback has raised; ``callback`` is its name."""

    def channel_restarted(self, channel: ObservedChannel) -> None:
        """A channel that has crashed begins anew."""

    def rejoin_planned(
        self, channel: ObservedChannel, delay: float, error: BaseException
    ) -> None:
        """What ``error`` has interrupted joins again in ``delay`` seconds."""

    def connection_missed(self) -> None:
        """A channel is about to join, and no connection is wanted."""

    def payload_undecoded(self, channel: ObservedChannel, error: DecodeError) -> None:
        """A decoder has not taken a payload, which is dropped."""

    # Of pushes, and of what is dropped, nobody is told while telemetry has no handler.

    def push_replied(
        self,
        channel: ObservedChannel,
        event: str,
        status: object,
        response: object,
        duration: float,
    ) -> None:
        """The server has replied to a push, ``duration`` seconds after it was made."""

    def push_failed(
        self,
        topic: str,
        channel: ObservedChannel | None,
        event: object,
        error: BaseException,
        duration: float,
    ) -> None:
        """A push has ended without a reply, ``duration`` seconds after it was made."""

    def messages_dropped(
        self, topic: str, channel: ObservedChannel | None, count: int, reason: str
    ) -> None:
        """So many messages of a topic were dropped, for a reason of one word."""

    # Of calls nobody is told while there is no tracer.

    def push_begins(
        self,
        channel: ObservedChannel,
        event: str,
        payload: Any,
        deferred: Deferred[Any] | None,
    ) -> Any:
        """The user pushes; the payload that is returned is sent in place of his.

        :param deferred: what the user will have; None for a push without a reply.
        """
        return payload

    def join_begins(self, channel: ObservedChannel, deferred: Deferred[Any]) -> None:
        """The user joins; ``deferred`` is what he will have."""

    def join_sends(self, channel: ObservedChannel, params: Any) -> Any:
        """A join is about to be sent, with the params that are returned."""
        return params

    def message_stale(self, message: Message) -> None:
        """A message of a join that is over has come."""

    def message_unrouted(self, message: Message) -> None:
        """A message for a topic that no channel has has come."""
