"""What happens to the channels of one client, and the one place to be told of it.

::

    a channel  ->  ChannelEvents  ->  the state, telemetry, who waits for joins

Channels know nothing of who observes: whoever does subscribes here.
"""

from __future__ import annotations

from collections.abc import Callable

from .channel_observer import ChannelObserver

__all__ = ["ChannelEvents"]


class ChannelEvents:
    """Who is told, in the order in which they have subscribed.

    Each client has one: a tuple takes less of it than lists of functions would.

    :ivar observers: those who are told of all.
    :ivar at_rest: whom to call once what is under way is done; None for nobody.
    """

    __slots__ = ("at_rest", "observers")

    def __init__(self) -> None:
        self.observers: tuple[ChannelObserver, ...] = ()
        self.at_rest: list[Callable[[], object]] | None = None

    def subscribe(self, observer: ChannelObserver) -> None:
        """Have all told to an observer, after those who are told already."""
        self.observers = (*self.observers, observer)

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
