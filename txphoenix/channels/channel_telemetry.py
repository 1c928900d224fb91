"""What telemetry is told of channels."""

from __future__ import annotations

from typing import Any

from .. import telemetry
from .events import ChannelEvents
from .interfaces import ObservedChannel
from .state_changes import StateChanges

__all__ = ["ChannelTelemetry"]


class ChannelTelemetry:
    """Turns what happens to the channels of one client into its telemetry.

    :param client: the client, as handlers are told of it.
    """

    __slots__ = ("_client",)

    def __init__(self, client: object) -> None:
        self._client = client

    def subscribe(self, events: ChannelEvents) -> None:
        """Have all of it told."""
        # These two are on the way of each join, and called without a method between.
        changes = StateChanges(self._client)
        events.changed.append(changes.add)
        events.at_rest.append(changes.tell)
        events.joined.append(self._joined)
        events.join_failed.append(self._join_failed)
        events.leave_answered.append(self._leave_answered)
        events.ended.append(self._ended)

    # Most clients have no handlers, and a join is to cost them nothing.

    def _joined(self, channel: ObservedChannel, response: Any, duration: float) -> None:
        if telemetry.channel_handlers:
            client, topic = self._client, channel.topic
            telemetry.channel_joined(client, topic, channel, response)
            telemetry.channel_join_duration(client, topic, channel, duration)

    def _join_failed(
        self, channel: ObservedChannel, error: BaseException, _: bool
    ) -> None:
        client = self._client
        telemetry.channel_join_error(client, channel.topic, channel, error)

    def _leave_answered(self, channel: ObservedChannel, duration: float) -> None:
        if telemetry.channel_handlers:
            client = self._client
            telemetry.channel_leave_duration(client, channel.topic, channel, duration)

    def _ended(self, channel: ObservedChannel, reason: object) -> None:
        if telemetry.channel_handlers:
            client = self._client
            telemetry.channel_left(client, channel.topic, channel, reason)
