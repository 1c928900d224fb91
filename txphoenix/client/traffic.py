"""How many messages a client sends and receives, for telemetry.

Messages come and go in numbers, and an event for each costs about half of all the rest
of a message.
So they are counted as well, and told of once the turn of the reactor is over in which
they were sent or received.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from ..telemetry import traffic_event

__all__ = ["CountedLink", "count_message", "tell_traffic"]


class CountedLink(Protocol):
    """By what messages are sent and received."""

    @property
    def clock(self) -> IReactorTime:
        """Calls later."""

    @property
    def client(self) -> object:
        """The client, as handlers are told of it."""


class _Traffic:
    """What was sent and received by one link in this turn of the reactor.

    :param clock: calls later.
    :param due: called once the turn is over.
    :ivar sent: the bytes of each message that was sent.
    :ivar received: the bytes of each message that was received.
    """

    __slots__ = ("_call", "received", "sent")

    def __init__(self, clock: IReactorTime, due: Callable[[], object]) -> None:
        self.sent: list[int] = []
        self.received: list[int] = []
        self._call = clock.callLater(0, due)

    def tell(self, client: object) -> None:
        """Tell of it; to be called once."""
        if self._call.active():
            self._call.cancel()
        for action, sizes in ("received", self.received), ("sent", self.sent):
            if sizes:
                traffic_event(action, client, len(sizes), sum(sizes))


# Of the links that have sent or received anything in this turn of the reactor: one that
# nobody counts has no room for it.
_under_way: dict[CountedLink, _Traffic] = {}


def count_message(link: CountedLink, action: str, size: int) -> None:
    """Count a message; whoever calls this has asked telemetry if it wants to know.

    :param action: ``"sent"`` or ``"received"``.
    :param size: the bytes of its frame.
    """
    traffic = _under_way.get(link)
    if traffic is None:
        traffic = _Traffic(link.clock, lambda: tell_traffic(link))
        _under_way[link] = traffic
    (traffic.sent if action == "sent" else traffic.received).append(size)


def tell_traffic(link: CountedLink) -> None:
    """Tell of what was counted so far, for the turn or the connection is over."""
    traffic = _under_way.pop(link, None)
    if traffic is not None:
        traffic.tell(link.client)
