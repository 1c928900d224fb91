"""How much there has been of something within the last seconds."""

from __future__ import annotations

from collections import deque

from twisted.internet.interfaces import IReactorTime

__all__ = ["Rate"]


class Rate:
    """Counts what happens within a time.

    :param limit: how often it may happen.
    :param window: within how many seconds.
    """

    def __init__(self, limit: int, window: float, reactor: IReactorTime) -> None:
        self._limit = limit
        self._window = window
        self._reactor = reactor
        self._times: deque[float] = deque()

    def exceeds(self) -> bool:
        """Count once more, and say whether that is too much."""
        self._forget()
        self._times.append(self._reactor.seconds())
        return len(self._times) > self._limit

    def has_room_for(self, count: int) -> bool:
        """Whether it may happen so many times more."""
        self._forget()
        return len(self._times) + count <= self._limit

    def _forget(self) -> None:
        oldest = self._reactor.seconds() - self._window
        while self._times and self._times[0] <= oldest:
            self._times.popleft()
