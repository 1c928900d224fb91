"""Which channels of a server's topics there are, and who is told of them."""

from __future__ import annotations

from typing import Generic, TypeVar

from txphoenix.protocol.message import Message

from .presence_tracker import PresenceTracker
from .process import ChannelProcess, RunChannel
from .waits import Waits

__all__ = ["Attendance"]

_Channel = TypeVar("_Channel", bound=RunChannel)


class Attendance(Generic[_Channel]):
    """What the sessions and channels of a server tell.

    :param presence: the presences, of which a channel's end with it.
    :param waits: who waits for what is told.
    :ivar topics: the joined channels by topic.
    """

    def __init__(self, presence: PresenceTracker, waits: Waits) -> None:
        self.topics: dict[str, dict[ChannelProcess[_Channel], None]] = {}
        self._presence = presence
        self._waits = waits

    def subscribe(self, process: ChannelProcess[_Channel]) -> None:
        """A channel has been joined: broadcasts to its topic go to it as well."""
        self.topics.setdefault(process.topic, {})[process] = None

    def unsubscribe(self, process: ChannelProcess[_Channel]) -> None:
        """A channel has ended."""
        subscribers = self.topics.get(process.topic, {})
        subscribers.pop(process, None)
        if not subscribers:
            self.topics.pop(process.topic, None)

    def tell_joined(self, channel: _Channel) -> None:
        """Tell those who wait for it that a channel has been joined."""
        self._waits.tell("joined", channel)

    def tell_left(self, channel: _Channel) -> None:
        """A channel has ended, and with it its presences."""
        self._presence.untrack_all(channel)
        self._waits.tell("left", channel)

    def tell_received(self, message: Message) -> None:
        """Tell those who wait for it that a message has come."""
        self._waits.tell("received", message)
