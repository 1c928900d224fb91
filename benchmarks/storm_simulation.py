"""One storm: clients that lose their server at the same moment and come back to it.

Time is virtual and runs in milliseconds.
As all clients are alike, one that waits is no more than the number of its attempt, in
the bucket of the millisecond in which that begins: a million of them need 20 MB.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

from txphoenix.backoff import Backoff

from .storm_server import Server

__all__ = ["LONGEST", "Storm", "simulate"]

LONGEST = 4 * 3600.0
"""The seconds of virtual time after which a storm that does not end is given up."""

_TELL_EACH = 500_000
_BIN = 100


@dataclass
class Storm:
    """What became of it.

    :ivar clients: how many there were.
    :ivar up_at: when the server was back, in seconds since they lost it.
    :ivar attempts: how many attempts began in each tenth of a second.
    :ivar back: when each of the clients was back, in seconds, in order.
    """

    clients: int
    up_at: float
    attempts: list[int]
    back: array[float]

    @property
    def seconds(self) -> list[int]:
        """How many attempts began in each second."""
        return [
            sum(self.attempts[at : at + 10]) for at in range(0, len(self.attempts), 10)
        ]

    @property
    def peak(self) -> int:
        """The most attempts in any second, wherever that begins (by tenths)."""
        running = most = 0
        for at, count in enumerate(self.attempts):
            running += count - (self.attempts[at - 10] if at >= 10 else 0)
            most = max(most, running)
        return most

    def time_until(self, share: float) -> float:
        """The seconds until that share of the clients was back; infinite if never."""
        count = math.ceil(share * self.clients)
        return self.back[count - 1] if 0 < count <= len(self.back) else math.inf

    def share_at(self, seconds: float) -> float:
        """The share of the clients that was back by then."""
        return bisect_right(self.back, seconds) / self.clients


def simulate(
    clients: int,
    backoff: Backoff,
    server: Server,
    tell: Callable[[float, int, int], object] = lambda *_: None,
) -> Storm:
    """Have the clients lose the server, and come back.

    The first delay runs from the moment 0, and each other from when an attempt has
    failed; delays are rounded up to milliseconds.

    :param backoff: gives the delays.
    :param tell: is called now and then with the seconds that have passed, how many
        attempts there were, and how many clients are back.
    """
    waiting: dict[int, array[int]] = {}
    ticks: list[int] = []

    def wait(since: float, attempt: int) -> None:
        # A sum of floats may be a hair above the millisecond that is meant.
        # The next millisecond is the soonest, or no delay would be no end.
        delay = max(0.001, backoff(attempt))
        tick = math.ceil((since + delay) * 1000 - 1e-6)
        bucket = waiting.get(tick)
        if bucket is None:
            bucket = waiting[tick] = array("I")
            heappush(ticks, tick)
        bucket.append(attempt)

    for _ in range(clients):
        wait(0.0, 0)
    attempts: list[int] = []
    back = array("d")
    made, told = 0, 0
    while ticks and ticks[0] <= LONGEST * 1000:
        tick = heappop(ticks)
        bucket = waiting.pop(tick)
        now = tick / 1000
        attempts += [0] * (tick // _BIN + 1 - len(attempts))
        for attempt in bucket:
            is_back, at = server.take(now)
            if is_back:
                back.append(at)
            else:
                wait(at, attempt + 1)
        attempts[tick // _BIN] += len(bucket)
        made += len(bucket)
        if made - told >= _TELL_EACH:
            told = made
            tell(now, made, len(back))
    return Storm(clients, server.up_at, attempts, array("d", sorted(back)))
