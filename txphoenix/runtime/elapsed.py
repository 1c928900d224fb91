"""How much time has passed, whatever is done to the clock on the wall.

Twisted's reactor reads the wall clock, which may be set: by hand, by NTP, or as a
machine wakes up.
A duration that is measured with it is then wrong by as much, or negative.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

from twisted.internet.base import ReactorBase
from twisted.internet.interfaces import IReactorTime

__all__ = ["asleep_time", "elapsed_time", "is_reactor"]

# The clock that goes on while the machine is asleep, where there is one beside that
# which does not: Linux's, and that of macOS.
_WITH_SLEEP: Final[int | None] = getattr(
    time,
    "CLOCK_BOOTTIME",
    getattr(time, "CLOCK_MONOTONIC_RAW", None) if sys.platform == "darwin" else None,
)
# What comes between two looks at clocks (seconds) makes them useless from here on.
_BETWEEN: Final = 0.1


def is_reactor(clock: IReactorTime) -> bool:
    """Whether a clock goes by the system's time, and reads from sockets meanwhile."""
    return isinstance(clock, ReactorBase)


def elapsed_time(clock: IReactorTime) -> Callable[[], float]:
    """Make a function that tells the time for a clock, and never goes back.

    :param clock: for a reactor it is the system's monotonic clock.
        Any other clock, such as a test's, has the say itself; where it is set back,
        what it shows from then on is added to what it had shown.
    :return: a function of the seconds since some moment in the past, of use for their
        differences alone.
    """
    if is_reactor(clock):
        return time.monotonic
    return _NeverBack(clock)


def asleep_time() -> float | None:
    """How long the machine has been asleep, since some moment in the past.

    The monotonic clock stands still while it is.

    :return: the seconds, of use for their differences alone; None where no clock
        tells, or something came between the looks at two of them.
    """
    if _WITH_SLEEP is None:
        return None
    before = time.monotonic()
    all_of_it = time.clock_gettime(_WITH_SLEEP)
    after = time.monotonic()
    return all_of_it - after if after - before < _BETWEEN else None


class _NeverBack:
    """A clock's time without its steps back."""

    __slots__ = ("_clock", "_latest", "_taken_back")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._latest = clock.seconds()
        self._taken_back = 0.0

    def __call__(self) -> float:
        now = self._clock.seconds()
        if now < self._latest:
            self._taken_back += self._latest - now
        self._latest = now
        return now + self._taken_back
