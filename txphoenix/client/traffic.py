"""How many messages a client sends and receives, for telemetry.

Messages come and go in numbers, and an event for each would cost more than all the rest
of a message.
So they are counted, and told of once the turn of the reactor is over in which they were
sent or received.
"""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..telemetry import traffic_event

__all__ = ["Traffic"]


class Traffic:
    """What of one client nobody has been told of yet.

    :param clock: calls later.
    :param client: the client, as handlers are told of it.
    """

    __slots__ = ("_call", "_client", "_clock", "_received", "_sent")

    def __init__(self, clock: IReactorTime, client: object) -> None:
        self._clock = clock
        self._client = client
        self._call: IDelayedCall | None = None
        # The bytes of each message.
        self._sent: list[int] = []
        self._received: list[int] = []

    def add(self, action: str, size: int) -> None:
        """Count a message.

        :param action: ``"sent"`` or ``"received"``.
        :param size: the bytes of its frame.
        """
        if self._call is None:
            self._call = self._clock.callLater(0, self.tell)
        (self._sent if action == "sent" else self._received).append(size)

    def tell(self) -> None:
        """Tell of what has been counted so far."""
        call, self._call = self._call, None
        if call is not None and call.active():
            call.cancel()
        for action, counted in ("received", self._received), ("sent", self._sent):
            if counted:
                sizes = counted[:]
                # A handler may send.
                counted.clear()
                traffic_event(action, self._client, len(sizes), sum(sizes))
