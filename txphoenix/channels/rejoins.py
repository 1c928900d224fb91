"""When a channel that was interrupted joins again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..runtime.deadlines import Deadlines, DelayedCall
from ..runtime.lasting import has_lasted

__all__ = ["RejoinPace", "Rejoins"]


class RejoinPace(Protocol):
    """How soon a channel joins again, and by which clock."""

    @property
    def deadlines(self) -> Deadlines:
        """Tells the time, and calls later."""

    def rejoin_delay(self, attempt: int, error: BaseException | None = None) -> float:
        """The seconds before a rejoin; the first is number 0.

        :param error: what it follows.
        """


class Rejoins:
    """The delays before the rejoins of one channel, from one failure to the next.

    Made at the first interruption: a channel that joins once and stays has none.

    :param pace: knows the delays, and tells the time.
    """

    __slots__ = ("_delay", "_failed", "_joined_at", "_pace", "_timer")

    def __init__(self, pace: RejoinPace) -> None:
        self._pace = pace
        self._timer: DelayedCall | None = None
        self._failed = 0
        # The delay that led to the latest join, and since when the channel is joined.
        self._delay = 0.0
        self._joined_at: float | None = None

    @property
    def is_planned(self) -> bool:
        """Whether one is due at some time."""
        return self._timer is not None

    def next_delay(self, error: BaseException | None = None) -> float:
        """The seconds before the next, which are more with each failure.

        :param error: what the next follows.
        """
        self._delay = delay = self._pace.rejoin_delay(self._failed, error)
        self._failed += 1
        return delay

    def plan(self, delay: float, rejoin: Callable[[], None]) -> None:
        """Have ``rejoin`` called after a delay in seconds, unless it is cancelled."""

        def due() -> None:
            self._timer = None
            rejoin()

        self._timer = self._pace.deadlines.callLater(delay, due)

    def cancel(self) -> None:
        """Plan none; it is no error if none is planned."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def joined(self) -> None:
        """Take note that the channel is joined."""
        self._joined_at = self._pace.deadlines.elapsed()

    def interrupted(self) -> None:
        """Take note that it is joined no more.

        A join that has lasted begins the delays anew.
        """
        joined_at, self._joined_at = self._joined_at, None
        if joined_at is None:
            return
        if has_lasted(self._pace.deadlines.elapsed() - joined_at, self._delay):
            self._failed = 0
