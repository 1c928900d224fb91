"""One storm: clients that lose their server at the same moment and come back to it.

Time is virtual and runs in milliseconds.
As all clients are alike, those that wait are no more than numbers: how many of them
begin which attempt in each millisecond.
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


class _Waiting:
    """The clients that wait, by the millisecond in which their attempts begin.

    :param backoff: gives the delays.
    :param is_random: whether each client has one of its own.
    """

    def __init__(self, backoff: Backoff, is_random: bool) -> None:
        self._backoff = backoff
        self._is_random = is_random
        # How many are at which attempt, in each millisecond in which there are some.
        self._buckets: dict[int, dict[int, int]] = {}
        self._ticks: list[int] = []

    def add(self, count: int, since: float, attempt: int) -> None:
        """So many wait for that attempt from now on."""
        if self._is_random:
            for _ in range(count):
                self._add(1, since, attempt)
        else:
            self._add(count, since, attempt)

    def _add(self, count: int, since: float, attempt: int) -> None:
        # A sum of floats may be a hair above the millisecond that is meant.
        # The next millisecond is the soonest, or no delay would be no end.
        delay = max(0.001, self._backoff(attempt))
        tick = math.ceil((since + delay) * 1000 - 1e-6)
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = {attempt: count}
            heappush(self._ticks, tick)
        else:
            bucket[attempt] = bucket.get(attempt, 0) + count

    def next(self) -> tuple[int, dict[int, int]] | None:
        """The next millisecond, and how many begin which attempt in it."""
        if not self._ticks:
            return None
        tick = heappop(self._ticks)
        return tick, self._buckets.pop(tick)


def simulate(
    clients: int,
    backoff: Backoff,
    server: Server,
    tell: Callable[[float, int, int], object] = lambda *_: None,
    is_random: bool = True,
) -> Storm:
    """Have the clients lose the server, and come back.

    The first delay runs from the moment 0, and each other from when an attempt has
    failed; delays are rounded up to milliseconds.

    :param backoff: gives the delays.
    :param tell: is called now and then with the seconds that have passed, how many
        attempts there were, and how many clients are back.
    :param is_random: whether the backoff is; if not, what many do at once takes no
        longer than what one does.
    """
    waiting = _Waiting(backoff, is_random)
    waiting.add(clients, 0.0, 0)
    attempts: list[int] = []
    back = array("d")
    made, told = 0, 0
    while (due := waiting.next()) is not None and due[0] <= LONGEST * 1000:
        tick, bucket = due
        now = tick / 1000
        begun = sum(bucket.values())
        attempts += [0] * (tick // _BIN + 1 - len(attempts))
        attempts[tick // _BIN] += begun
        for attempt, count in bucket.items():
            left = count
            while left:
                is_back, at = server.take(now)
                if is_back:
                    back.append(at)
                    left -= 1
                else:
                    failed = left if server.fails_alike else 1
                    waiting.add(failed, at, attempt + 1)
                    left -= failed
        made += begun
        if made - told >= _TELL_EACH:
            told = made
            tell(now, made, len(back))
    return Storm(clients, server.up_at, attempts, array("d", sorted(back)))
