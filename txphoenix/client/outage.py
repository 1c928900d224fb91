"""What is known of an outage, for the log: how long, how often, and why."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Final

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import formatTime

from ..runtime.deadlines import Deadlines

__all__ = ["STEADY", "Outage", "shown_time"]

STEADY: Final = 600.0
"""For so many seconds a connection that came and went must last, to be steady."""

# A reminder after 1, 2, 5, 10, 30 and 60 minutes, and then each hour.
_PAUSES: Final = (60.0, 60.0, 180.0, 300.0, 1200.0, 1800.0)
_LONGEST_PAUSE: Final = 3600.0
# So many statuses of one outage are told.
_MOST_STATUSES: Final = 5


class Outage:
    """From a loss, or the first attempt that fails, until all is as it was.

    :param deadlines: tell the time, and when to remind of it.
    :param remind: is called then.
    :param attempts: how many attempts there were before it.
    :param is_unsteady: whether there were so many outages of late that this one is over
        only once a connection is steady.
    :ivar since: when it began, as the log writes the time.
    :ivar attempts_before: how many attempts there were before it.
    :ivar losses: how many connections were lost in it.
    :ivar reason: the latest reason that there is no connection.
    :ivar is_error_told: whether the log has it that no retry can mend it.
    :ivar has_opened: whether a connection has opened in it.
    """

    __slots__ = (
        "_back_at",
        "_deadlines",
        "_remind",
        "_reminder",
        "_reminders",
        "_start",
        "_statuses",
        "_steady",
        "attempts_before",
        "has_opened",
        "is_error_told",
        "is_unsteady",
        "losses",
        "reason",
        "since",
    )

    def __init__(
        self,
        deadlines: Deadlines,
        remind: Callable[[], object],
        attempts: int,
        is_unsteady: bool = False,
    ) -> None:
        self._deadlines = deadlines
        self._start = self._back_at = deadlines.elapsed()
        self._reminders = 0
        self._remind = remind
        self._steady: IDelayedCall | None = None
        self.since = formatTime(time())
        self.attempts_before = attempts
        self.is_unsteady = is_unsteady
        self.losses = 0
        self.reason: BaseException | None = None
        self._statuses: set[int | None] = set()
        self.is_error_told = self.has_opened = False
        self._reminder = self._plan_reminder()

    @property
    def duration(self) -> float:
        """For how many seconds it lasts."""
        return self._deadlines.elapsed() - self._start

    def reminded(self) -> None:
        """The log has a reminder: plan the next."""
        self._reminders += 1
        self._reminder = self._plan_reminder()

    @property
    def lasted(self) -> float:
        """For how many seconds there is a connection that is expected to last."""
        return self._deadlines.elapsed() - self._back_at

    def expect_steady(self, tell: Callable[[], object]) -> None:
        """Call a function once the connection has lasted."""
        self._cancel_steady()
        self._back_at = self._deadlines.elapsed()
        self._steady = self._deadlines.call_roughly(STEADY, tell)

    def is_new(self, status: int | None) -> bool:
        """Whether a refusal is the first with an HTTP status, and worth a line."""
        is_new = status not in self._statuses and len(self._statuses) < _MOST_STATUSES
        if is_new:
            self._statuses.add(status)
        return is_new

    def lost(self, reason: BaseException) -> None:
        """A connection is lost, that it began with, or one that was back meanwhile."""
        self.losses += 1
        self.reason = reason
        self._cancel_steady()

    def end(self) -> None:
        """It is over, or nobody wants a connection any more."""
        if self._reminder.active():
            self._reminder.cancel()
        self._cancel_steady()

    def _cancel_steady(self) -> None:
        steady, self._steady = self._steady, None
        if steady is not None and steady.active():
            steady.cancel()

    def _plan_reminder(self) -> IDelayedCall:
        done = self._reminders
        pause = _PAUSES[done] if done < len(_PAUSES) else _LONGEST_PAUSE
        return self._deadlines.call_roughly(pause, self._remind)


def shown_time(seconds: float) -> str:
    """How long something has taken, as a person says it.

    >>> shown_time(0.0123), shown_time(90.04), shown_time(300), shown_time(7260)
    ('0.012 s', '90 s', '5 min', '2 h 1 min')
    """
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
