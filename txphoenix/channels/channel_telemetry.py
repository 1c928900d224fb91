"""What telemetry is told of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.application.service import IService

from .. import telemetry
from .state_changes import StateChanges

if TYPE_CHECKING:
    from .channel import Channel
    from .events import ChannelEvents

__all__ = ["ChannelTelemetry"]


class ChannelTelemetry:
    """Turns what happens to the channels of one client into its telemetry.

    :param channels: the channels, whose parent is the client.
    """

    __slots__ = ("_channels",)

    def __init__(self, channels: IService) -> None:
        self._channels = channels

    def subscribe(self, events: ChannelEvents) -> None:
        """Have all of it told."""
        # These two are on the way of each join, and called without a method between.
        changes = StateChanges(self._channels)
        events.changed.append(changes.add)
        events.at_rest.append(changes.tell)
        events.joined.append(self._joined)
        events.join_failed.append(self._join_failed)
        events.leave_answered.append(self._leave_answered)
        events.ended.append(self._ended)

    # Most clients have no handlers, and a join is to cost them nothing.

    def _joined(self, channel: Channel, response: Any, duration: float) -> None:
        if telemetry.channel_handlers:
            client, topic = self._channels.parent, channel.topic
            telemetry.channel_joined(client, topic, channel, response)
            telemetry.channel_join_duration(client, topic, channel, duration)

    def _join_failed(self, channel: Channel, error: BaseException, _: bool) -> None:
        client = self._channels.parent
        telemetry.channel_join_error(client, channel.topic, channel, error)

    def _leave_answered(self, channel: Channel, duration: float) -> None:
        if telemetry.channel_handlers:
            client = self._channels.parent
            telemetry.channel_leave_duration(client, channel.topic, channel, duration)

    def _ended(self, channel: Channel, reason: object) -> None:
        if telemetry.channel_handlers:
            client = self._channels.parent
            telemetry.channel_left(client, channel.topic, channel, reason)
