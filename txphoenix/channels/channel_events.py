"""What happens to the channels of one client, and the one place to be told of it.

::

    a channel  ->  ChannelEvents  ->  the state, telemetry, who waits for joins

Channels know nothing of who observes: whoever does subscribes here.
What happens to each channel that joins and leaves has a tuple of those that want to
know, as most observers do not.
"""

from __future__ import annotations

from collections.abc import Callable

from .channel_observer import ChannelObserver
from .interfaces import ObservedChannel

__all__ = ["ChannelEvents"]


class ChannelEvents:
    """Who is told, in the order in which they have subscribed.

    Each client has one: tuples take less of it than lists of functions would.

    :ivar observers: all of them.
    :ivar of_changes: those that are told of each new state.
    :ivar of_joins: those that are told of each join that the server has taken.
    :ivar of_leaves: those that are told of each answer to a leave.
    :ivar of_ends: those that are told of each end.
    :ivar of_pushes: those that are told how each push ends, and of traced calls.
    :ivar at_rest: whom to call once what is under way is done; None for nobody.
    """

    __slots__ = (
        "at_rest",
        "observers",
        "of_changes",
        "of_ends",
        "of_joins",
        "of_leaves",
        "of_pushes",
    )

    def __init__(self) -> None:
        self.observers: tuple[ChannelObserver, ...] = ()
        self.of_changes: tuple[ChannelObserver, ...] = ()
        self.of_joins: tuple[ChannelObserver, ...] = ()
        self.of_leaves: tuple[ChannelObserver, ...] = ()
        self.of_ends: tuple[ChannelObserver, ...] = ()
        self.of_pushes: tuple[ChannelObserver, ...] = ()
        self.at_rest: list[Callable[[], object]] | None = None

    def subscribe(self, observer: ChannelObserver) -> None:
        """Have all told to an observer, after those who are told already."""
        self.observers = (*self.observers, observer)
        told, untold = type(observer), ChannelObserver
        if told.channel_changed is not untold.channel_changed:
            self.of_changes = (*self.of_changes, observer)
        if told.channel_joined is not untold.channel_joined:
            self.of_joins = (*self.of_joins, observer)
        if told.leave_answered is not untold.leave_answered:
            self.of_leaves = self._shared((*self.of_leaves, observer))
        if told.channel_ended is not untold.channel_ended:
            self.of_ends = self._shared((*self.of_ends, observer))
        if told.push_failed is not untold.push_failed:
            self.of_pushes = self._shared((*self.of_pushes, observer))

    def _shared(
        self, observers: tuple[ChannelObserver, ...]
    ) -> tuple[ChannelObserver, ...]:
        # They are mostly the same observers.
        return self.of_joins if observers == self.of_joins else observers

    def tell_rejoin(
        self, channel: ObservedChannel, delay: float, error: BaseException
    ) -> None:
        """Tell of a rejoin that is planned."""
        for observer in self.observers:
            observer.rejoin_planned(channel, delay, error)

    def tell_missed(self) -> None:
        """Tell that a channel is about to join without a connection."""
        for observer in self.observers:
            observer.connection_missed()

    def when_at_rest(self, call: Callable[[], object]) -> None:
        """Call a function as soon as all that was changed is done.

        It may call any channel, which an observer must not.
        """
        if self.at_rest is None:
            self.at_rest = []
        self.at_rest.append(call)

    def rest(self) -> None:
        """Call those who wait for it: all that was changed is done."""
        waiting, self.at_rest = self.at_rest, None
        for call in waiting or ():
            call()
