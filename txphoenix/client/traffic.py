"""How many messages a client sends and receives, for telemetry.

Messages come and go in numbers, and an event for each would cost more than all the rest
of a message.
So they are counted, and told of once the turn of the reactor is over in which they were
sent or received.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from ..telemetry import traffic_event

__all__ = ["Traffic"]


class Traffic:
    """What a client has sent and received in one turn of the reactor.

    :param clock: calls later.
    :param due: called once the turn is over, unless :meth:`tell` was before that.
    :ivar sent: the bytes of each message that was sent.
    :ivar received: the bytes of each message that was received.
    """

    __slots__ = ("_call", "received", "sent")

    def __init__(self, clock: IReactorTime, due: Callable[[], object]) -> None:
        self.sent: list[int] = []
        self.received: list[int] = []
        self._call = clock.callLater(0, due)

    def tell(self, client: object) -> None:
        """Tell of what was counted; to be called once.

        :param client: the client, as handlers are told of it.
        """
        if self._call.active():
            self._call.cancel()
        for action, sizes in ("received", self.received), ("sent", self.sent):
            if sizes:
                traffic_event(action, client, len(sizes), sum(sizes))
