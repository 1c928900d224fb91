"""Who waits for the end of a channel: for its topic, or for the end itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING
from weakref import ReferenceType, ref

from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from .channel_machine import ChannelMachine
    from .pending import PendingJoin

__all__ = ["NextJoins", "StopWaiters"]


class NextJoins:
    """The joins of topics that are being left, in the order in which they came.

    A channel that is being left may be joined again at once, and so may another object
    of its topic; each waits until the leave is done.
    """

    __slots__ = ("_by_topic",)

    def __init__(self) -> None:
        # A plain dict finds its first behind all that were taken out before it.
        # The keys are ids, for a channel may compare as its class likes.
        self._by_topic: dict[str, OrderedDict[int, PendingJoin]] = {}

    def __len__(self) -> int:
        return len(self._by_topic)

    def __contains__(self, topic: str) -> bool:
        return topic in self._by_topic

    def has(self, channel: ChannelMachine) -> bool:
        """Whether a channel has a join that waits."""
        return id(channel) in self._by_topic.get(channel.topic, ())

    def add(self, pending: PendingJoin) -> bool:
        """Have a join wait.

        :return: whether it may; not if its channel has one that waits already.
        """
        waiting = self._by_topic.setdefault(pending.channel.topic, OrderedDict())
        return waiting.setdefault(id(pending.channel), pending) is pending

    def pop(self, topic: str) -> PendingJoin | None:
        """Take away the first that waits for a topic."""
        waiting = self._by_topic.get(topic)
        if waiting is None:
            return None
        return self.take(next(iter(waiting.values())).channel)

    def take(self, channel: ChannelMachine) -> PendingJoin | None:
        """Take away the join of one channel, if it has one that waits."""
        waiting = self._by_topic.get(channel.topic)
        if waiting is None:
            return None
        pending = waiting.pop(id(channel), None)
        if not waiting:
            del self._by_topic[channel.topic]
        return pending

    def channels(self, topic: str | None = None) -> list[ChannelMachine]:
        """The channels that wait, for one topic or for any."""
        topics = list(self._by_topic) if topic is None else [topic]
        return [
            pending.channel
            for each in topics
            for pending in self._by_topic.get(each, {}).values()
        ]


class StopWaiters:
    """The Deferreds that ``when_stopped()`` of all channels has handed out.

    The channel that ends tells its own; those of channels that are closed are told when
    the service stops.
    A channel that nobody uses any more is not kept for them, as these are all that is
    held: the Deferreds, and weak references to their channels.
    """

    __slots__ = ("_channels",)

    def __init__(self) -> None:
        self._channels: dict[Deferred[None], ReferenceType[ChannelMachine]] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def wait(self, channel: ChannelMachine) -> Deferred[None]:
        """Make a Deferred of a channel's end."""
        waiting: Deferred[None] = Deferred(self._forget)
        self._channels[waiting] = ref(channel)
        if channel.stop_waiters is None:
            channel.stop_waiters = {}
        channel.stop_waiters[waiting] = None
        return waiting

    def take(self, channel: ChannelMachine) -> list[Deferred[None]]:
        """Take away those of one channel."""
        waiting, channel.stop_waiters = list(channel.stop_waiters or ()), None
        for each in waiting:
            self._channels.pop(each, None)
        return waiting

    def take_all(self) -> list[Deferred[None]]:
        """Take away those of all channels."""
        taken, self._channels = self._channels, {}
        for reference in taken.values():
            channel = reference()
            if channel is not None:
                channel.stop_waiters = None
        return list(taken)

    @staticmethod
    def tell(
        waiting: Iterable[Deferred[None]], error: BaseException | None = None
    ) -> None:
        """Fire those that were taken: with None, or the error that was the end."""
        for each in waiting:
            # One before may have cancelled it.
            if not each.called:
                each.callback(None) if error is None else each.errback(error)

    def _forget(self, waiting: Deferred[None]) -> None:
        reference = self._channels.pop(waiting, None)
        channel = None if reference is None else reference()
        if channel is not None and channel.stop_waiters is not None:
            channel.stop_waiters.pop(waiting, None)
            channel.stop_waiters = channel.stop_waiters or None
