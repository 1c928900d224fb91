"""Who waits for the end of a channel: for its topic, or for the end itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from twisted.internet.defer import Deferred

from ..errors import AlreadyJoined
from ..protocol.channel_states import Input, State
from ..runtime.deadlines import Deadlines
from .interfaces import Member
from .pending import PendingJoin

# Up to Python 3.11 a function is called where a member of an enumeration is read.
_JOIN = Input.JOIN

__all__ = ["NextJoins", "StopList", "StopWaiters"]


class NextJoins:
    """The joins of topics that are being left, in the order in which they came.

    A channel that is being left may be joined again at once, and so may another object
    of its topic; each waits until the leave is done.

    :param routes: the channels that are not closed, by topic.
    :param deadlines: runs the joins' time.
    :param give_up: ends a channel whose join has raised as it began.
    """

    __slots__ = ("_by_topic", "_deadlines", "_give_up", "_routes")

    def __init__(
        self,
        routes: Mapping[str, Member],
        deadlines: Deadlines,
        give_up: Callable[[Any, BaseException], None],
    ) -> None:
        self._routes = routes
        self._deadlines = deadlines
        self._give_up = give_up
        # A plain dict finds its first behind all that were taken out before it.
        self._by_topic: dict[str, OrderedDict[Member, PendingJoin]] = {}

    def __len__(self) -> int:
        return len(self._by_topic)

    def __contains__(self, topic: str) -> bool:
        return topic in self._by_topic

    def has(self, membership: Member) -> bool:
        """Whether a channel has a join that waits."""
        return membership in self._by_topic.get(membership.topic, ())

    def begin(self, pending: PendingJoin) -> None:
        """Join, unless others have waited for the topic before, or it is closing."""
        joins = pending.joins
        membership = joins.membership
        topic = membership.topic
        if joins.is_closing or (topic in self._by_topic and topic not in self._routes):
            # The one that held the topic has just ended, and these come before.
            self.wait(pending)
        else:
            # As _join_now() does it, without the call.
            holder = self._routes.get(topic)
            try:
                (membership if holder is None else holder).give(_JOIN, pending)
            except BaseException as error:
                self._raised(pending, error)

    def wait(self, pending: PendingJoin) -> None:
        """Have a join wait; it fails if its channel has one that waits already."""
        if self.add(pending):
            pending.wait_to_be_sent(self._deadlines)
        else:
            pending.fail(AlreadyJoined(pending.joins.membership.channel))

    def add(self, pending: PendingJoin) -> bool:
        """Have a join wait, without its time running.

        :return: whether it may; not if its channel has one that waits already.
        """
        membership = pending.joins.membership
        waiting = self._by_topic.setdefault(membership.topic, OrderedDict())
        return waiting.setdefault(membership, pending) is pending

    def begin_next(self, topic: str) -> None:
        """Begin the joins that have waited for a topic to be left.

        The first has it; the others are refused, or wait again if it is left at once.
        """
        while True:
            holder = self._routes.get(topic)
            if holder is not None and holder.state is State.LEAVING:
                return
            pending = self.first(topic)
            if pending is None or pending.joins.is_closing:
                # One whose channel is told of its end first begins at that end.
                return
            self.take(pending.joins.membership)
            self._join_now(pending)

    def first(self, topic: str) -> PendingJoin | None:
        """The first that waits for a topic."""
        waiting = self._by_topic.get(topic)
        return None if waiting is None else next(iter(waiting.values()))

    def take(self, membership: Member) -> PendingJoin | None:
        """Take away the join of one channel, if it has one that waits."""
        topic = membership.topic
        waiting = self._by_topic.get(topic)
        if waiting is None:
            return None
        pending = waiting.pop(membership, None)
        if not waiting:
            del self._by_topic[topic]
        return pending

    def channels(
        self, topic: str | None = None, with_patient: bool = True
    ) -> list[Member]:
        """The channels that wait, for one topic or for any.

        :param with_patient: those as well that wait as long as it takes.
        """
        topics = list(self._by_topic) if topic is None else [topic]
        return [
            membership
            for each in topics
            for membership, pending in self._by_topic.get(each, {}).items()
            if with_patient or not pending.is_patient
        ]

    def _join_now(self, pending: PendingJoin) -> None:
        # Another object may hold the topic; then it is the one to answer.
        membership = pending.joins.membership
        holder = self._routes.get(membership.topic, membership)
        try:
            holder.give(_JOIN, pending)
        except BaseException as error:
            self._raised(pending, error)

    def _raised(self, pending: PendingJoin, error: BaseException) -> None:
        self._give_up(pending.joins.membership, error)
        # That has failed it as well, unless it had not come so far as to be begun.
        pending.fail(error)


class StopWaiters:
    """The Deferreds that ``when_stopped()`` of all channels has handed out.

    The channel that ends tells its own; those of channels that are closed are told when
    the service stops.
    A channel that nobody uses any more is not kept for them, as only the lists are
    held.
    """

    __slots__ = ("_lists", "_waited")

    def __init__(self) -> None:
        self._lists: dict[StopList, None] = {}
        # How many have waited so far.
        self._waited = 0

    def __len__(self) -> int:
        return sum(map(len, self._lists))

    def hold(self, waiting: StopList) -> int:
        """Have those of one channel told when the service stops.

        :return: the number of the latest of them, among those of all channels.
        """
        self._lists[waiting] = None
        self._waited += 1
        return self._waited

    def release(self, waiting: StopList) -> None:
        """Hold those of one channel no more."""
        self._lists.pop(waiting, None)

    def take_all(self) -> list[Deferred[None]]:
        """Take away those of all channels, in the order in which they came."""
        numbers: dict[Deferred[None], int] = {}
        for waiting in list(self._lists):
            numbers.update(waiting.numbers)
            waiting.take()
        return sorted(numbers, key=numbers.__getitem__)

    @staticmethod
    def tell(
        waiting: Iterable[Deferred[None]], error: BaseException | None = None
    ) -> None:
        """Fire those that were taken: with None, or the error that was the end."""
        for each in waiting:
            # One before may have cancelled it.
            if not each.called:
                each.callback(None) if error is None else each.errback(error)


class StopList:
    """Those Deferreds of one channel; it knows nothing of the channel.

    :param waiters: those of all channels.
    """

    __slots__ = ("_waiters", "_waiting")

    def __init__(self, waiters: StopWaiters) -> None:
        self._waiters = waiters
        # Each with its number among those of all channels.
        self._waiting: dict[Deferred[None], int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Deferred[None]]:
        return iter(self._waiting)

    @property
    def numbers(self) -> Mapping[Deferred[None], int]:
        """Each of them, with its number among those of all channels."""
        return self._waiting

    def wait(self) -> Deferred[None]:
        """Make a Deferred of the channel's end."""
        waiting: Deferred[None] = Deferred(self._forget)
        self._waiting[waiting] = self._waiters.hold(self)
        return waiting

    def take(self) -> list[Deferred[None]]:
        """Take them away."""
        taken, self._waiting = list(self._waiting), {}
        self._waiters.release(self)
        return taken

    def _forget(self, waiting: Deferred[None]) -> None:
        self._waiting.pop(waiting, None)
        if not self._waiting:
            self._waiters.release(self)
