"""What telemetry is told of channels."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import telemetry
from .channel_states import State
from .state import status_of

if TYPE_CHECKING:
    from .channel import Channel
    from .channel_events import ChannelEvents

__all__ = ["ChannelTelemetry"]


class ChannelTelemetry:
    """Turns what happens to the channels of one client into its telemetry.

    :param client: returns the client.
    """

    __slots__ = ("_changes", "_client")

    def __init__(self, client: Callable[[], object]) -> None:
        self._client = client
        # The changes of states that have not been told yet.
        self._changes: deque[tuple[str, str, str]] = deque()

    def subscribe(self, events: ChannelEvents) -> None:
        """Have all of it told."""
        events.changed.append(self._changed)
        events.at_rest.append(self._tell_changes)
        events.joined.append(self._joined)
        events.join_failed.append(self._join_failed)
        events.leave_answered.append(self._leave_answered)
        events.ended.append(self._ended)

    def _changed(self, channel: Channel, old: State, new: State) -> None:
        if telemetry.state_change_handlers:
            self._changes.append((channel.topic, status_of(old), status_of(new)))

    def _tell_changes(self) -> None:
        while self._changes:
            telemetry.channel_status_changed(self._client(), *self._changes.popleft())

    def _joined(self, channel: Channel, response: Any, duration: float) -> None:
        client, topic = self._client(), channel.topic
        telemetry.channel_joined(client, topic, channel, response)
        telemetry.channel_join_duration(client, topic, channel, duration)

    def _join_failed(self, channel: Channel, error: BaseException, _: bool) -> None:
        telemetry.channel_join_error(self._client(), channel.topic, channel, error)

    def _leave_answered(self, channel: Channel, duration: float) -> None:
        telemetry.channel_leave_duration(
            self._client(), channel.topic, channel, duration
        )

    def _ended(self, channel: Channel, reason: object) -> None:
        telemetry.channel_left(self._client(), channel.topic, channel, reason)
