"""What telemetry is told of channels."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from .. import telemetry
from ..decode_error import DecodeError
from ..protocol.channel_states import State
from ..telemetry import tracing
from .channel_events import ChannelEvents
from .channel_observer import ChannelObserver
from .interfaces import ObservedChannel
from .state_changes import StateChanges

__all__ = ["ChannelTelemetry"]


class ChannelTelemetry(ChannelObserver):
    """Turns what happens to the channels of one client into its telemetry.

    Most clients have no handlers, and a join is to cost them nothing.

    :param client: the client, as handlers are told of it.
    :param events: tells when channels may be called.
    """

    __slots__ = ("_changes", "_client", "_events")

    def __init__(self, client: object, events: ChannelEvents) -> None:
        self._client = client
        self._events = events
        # Made at its first use.
        self._changes: StateChanges | None = None

    def channel_changed(self, channel: ObservedChannel, old: State, new: State) -> None:
        """Tell of the new state, as soon as whoever is told may call the channel."""
        if telemetry.state_change_handlers:
            if self._changes is None:
                self._changes = StateChanges(self._client)
            self._changes.add(channel, old, new)
            self._events.when_at_rest(self._changes.tell)

    def channel_joined(
        self, channel: ObservedChannel, response: Any, duration: float
    ) -> None:
        """Tell of a join, and how long it took."""
        if telemetry.channel_handlers:
            client, topic = self._client, channel.topic
            telemetry.channel_joined(client, topic, channel, response)
            telemetry.channel_join_duration(client, topic, channel, duration)

    def join_failed(
        self, channel: ObservedChannel, error: BaseException, _is_awaited: bool
    ) -> None:
        """Tell of a join that has failed."""
        client = self._client
        telemetry.channel_join_error(client, channel.topic, channel, error)

    def leave_answered(self, channel: ObservedChannel, duration: float) -> None:
        """Tell how long a leave took."""
        if telemetry.channel_handlers:
            client = self._client
            telemetry.channel_leave_duration(client, channel.topic, channel, duration)

    def channel_ended(self, channel: ObservedChannel, reason: object) -> None:
        """Tell of an end."""
        if telemetry.channel_handlers:
            client = self._client
            telemetry.channel_left(client, channel.topic, channel, reason)

    def channel_crashed(
        self, channel: ObservedChannel, error: BaseException, callback: str
    ) -> None:
        """Tell of a crash."""
        client = self._client
        telemetry.channel_crashed(client, channel.topic, channel, error, callback)

    def channel_restarted(self, channel: ObservedChannel) -> None:
        """Tell that a crash was not the end."""
        telemetry.channel_restarted(self._client, channel.topic, channel)

    def rejoin_planned(
        self, channel: ObservedChannel, delay: float, error: BaseException
    ) -> None:
        """Tell of the next join."""
        client = self._client
        telemetry.channel_rejoining(client, channel.topic, channel, error, delay)

    def push_replied(
        self,
        channel: ObservedChannel,
        event: str,
        status: object,
        response: object,
        duration: float,
    ) -> None:
        """Tell of a reply."""
        telemetry.push_replied(
            self._client, channel.topic, channel, event, status, response, duration
        )

    def push_failed(
        self,
        topic: str,
        channel: ObservedChannel | None,
        event: object,
        error: BaseException,
        duration: float,
    ) -> None:
        """Tell of a push that has no reply."""
        telemetry.push_failed(self._client, topic, channel, event, error, duration)

    def push_begins(
        self,
        channel: ObservedChannel,
        event: str,
        payload: Any,
        deferred: Deferred[Any] | None,
    ) -> Any:
        """Tell those who trace of a push."""
        return tracing.begin_push(self._client, channel, event, payload, deferred)

    def join_begins(self, channel: ObservedChannel, deferred: Deferred[Any]) -> None:
        """Tell those who trace of a join."""
        tracing.begin_join(self._client, channel, deferred)

    def join_sends(self, channel: ObservedChannel, params: Any) -> Any:
        """Tell those who trace of an attempt to join."""
        return tracing.params_to_send(self._client, channel, params)

    def payload_undecoded(self, channel: ObservedChannel, error: DecodeError) -> None:
        """Tell of a payload that its decoder has not taken."""
        if telemetry.channel_handlers:
            self.messages_dropped(channel.topic, channel, 1, "undecoded")

    def messages_dropped(
        self, topic: str, channel: ObservedChannel | None, count: int, reason: str
    ) -> None:
        """Tell of what nobody will have."""
        telemetry.channel_dropped(self._client, topic, channel, count, reason)
