"""How long the clients take to be back, from the end of a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

__all__ = ["Longest", "Recovery"]


class Longest(NamedTuple):
    """The longest time that a client took.

    :ivar seconds: how long.
    :ivar client: which client, in words.
    :ivar fault: after what.
    """

    seconds: float
    client: str
    fault: str


class Recovery:
    """Watches the clients that a fault has left.

    The time of one runs from the end of its fault until it is connected with all of its
    channels joined and has heard something, for a connection may be dead without a
    sign; another fault that meets it meanwhile ends the measurement.

    :param seconds: tells the time.
    :ivar longest: the longest time so far.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._since: dict[int, tuple[float, str, int]] = {}
        self._ailing: dict[int, int] = {}
        self.longest = Longest(0.0, "", "")

    def begin(self, clients: Iterable[Any]) -> None:
        """A fault begins for these clients."""
        for client in clients:
            number = client.seat.number
            self._since.pop(number, None)
            self._ailing[number] = self._ailing.get(number, 0) + 1

    def end(self, clients: Iterable[Any], fault: str) -> None:
        """It is over: from now on it counts, unless another one is not over."""
        for client in clients:
            number = client.seat.number
            self._ailing[number] -= 1
            if not self._ailing[number]:
                self._since[number] = (self._seconds(), fault, client.heard)

    def look(self, clients: Iterable[Any]) -> None:
        """See who is back; often, for it is as exact as that."""
        if not self._since:
            return
        for client in clients:
            if (noted := self._since.get(client.seat.number)) is None:
                continue
            since, fault, heard = noted
            if client.is_back and client.heard > heard:
                del self._since[client.seat.number]
            seconds = self._seconds() - since
            if seconds > self.longest.seconds:
                self.longest = Longest(seconds, str(client.seat), fault)
