"""What telemetry is told of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.application.service import IService

from .. import telemetry
from ..protocol.channel_states import State
from .state_changes import StateChanges

if TYPE_CHECKING:
    from .channel import Channel
    from .events import ChannelEvents

__all__ = ["ChannelTelemetry"]


class ChannelTelemetry:
    """Turns what happens to the channels of one client into its telemetry.

    :param channels: the channels, whose parent is the client.
    """

    __slots__ = ("_changes", "_channels")

    def __init__(self, channels: IService) -> None:
        self._channels = channels
        self._changes = StateChanges()

    def subscribe(self, events: ChannelEvents) -> None:
        """Have all of it told."""
        events.changed.append(self._changed)
        events.at_rest.append(self._tell_changes)
        events.joined.append(self._joined)
        events.join_failed.append(self._join_failed)
        events.leave_answered.append(self._leave_answered)
        events.ended.append(self._ended)

    def _changed(self, channel: Channel, old: State, new: State) -> None:
        self._changes.add(channel.topic, old, new)

    def _tell_changes(self) -> None:
        self._changes.tell(self._channels.parent)

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
