"""Who is told that the machine, or the process, has stood still.

A laptop that is suspended, a virtual machine that is moved and a process that is
stopped have one thing in common: what their servers have done meanwhile, they cannot
know.
It shows in one of two ways.

A deadline is found to be very late
    Clocks have gone on, and nothing else has.
    It is so where a virtual machine goes on, on Windows, for a process that was
    stopped, and for a test's clock.
The time asleep has grown
    On Linux and macOS the monotonic clock and all timers stand still in a suspended
    machine, and another clock does not.
    So somebody has to look, once a second: for all clients of a reactor together it is
    one delayed call, and none where nobody wants to know.

The clock on the wall proves nothing by itself, since it may be set.
"""

from __future__ import annotations

import time
from typing import Final, Protocol
from weakref import WeakValueDictionary

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from .deadlines import Deadlines, Timer
from .elapsed import asleep_time, is_reactor
from .package_log import package_log

__all__ = ["Sleeper", "WakeUps"]

log = Logger("txphoenix.wake_ups", observer=package_log)

# So often (seconds) somebody looks.
_TICK: Final = 1.0
# To have been asleep for less than so many seconds is of no interest.
_SHORT: Final = 1.0
# A look that comes so many seconds late was not only held up.
_VERY_LATE: Final = 20.0


class Sleeper(Protocol):
    """Who wants to know."""

    def woken(self, seconds: float) -> None:
        """Nothing has happened for so many seconds."""


class WakeUps:
    """Tells of wake-ups, on one clock.

    :param clock: a reactor, or a test's clock, of which nobody need look.
    """

    __slots__ = (
        "__weakref__",
        "_asleep",
        "_clock",
        "_deadlines",
        "_looked_at",
        "_looks",
        "_sleepers",
        "_tick",
    )

    @classmethod
    def of(cls, clock: IReactorTime) -> WakeUps:
        """Those of a clock, the same for all clients that run on it."""
        # As long as there is such a table it holds the clock, as that of deadlines.
        wake_ups = _of_clock.get(id(clock))
        if wake_ups is None:
            wake_ups = _of_clock[id(clock)] = cls(clock)
        return wake_ups

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._deadlines = Deadlines.of(clock)
        # What the clocks showed at the latest look.
        self._looked_at = (0.0, 0.0)
        self._looks = is_reactor(clock)
        self._sleepers: dict[Sleeper, None] = {}
        self._tick = Timer(self._look)
        self._asleep: float | None = None

    def __len__(self) -> int:
        """How many want to know: the clients that have, or want, a connection."""
        return len(self._sleepers)

    def __bool__(self) -> bool:
        return True

    def subscribe(self, sleeper: Sleeper) -> None:
        """Tell somebody from now on; again is no error."""
        if not self._sleepers:
            self._deadlines.very_late = self._tell
            if self._looks:
                self._asleep, self._looked_at = asleep_time(), self._show()
                self._deadlines.set(self._tick, _TICK)
        elif self._looks:
            # Somebody may have cancelled the look that the others wait for.
            self._deadlines.restore(_TICK)
        self._sleepers[sleeper] = None

    def unsubscribe(self, sleeper: Sleeper) -> None:
        """Tell somebody no more; again is no error."""
        if self._sleepers.pop(sleeper, self) is None and not self._sleepers:
            self._deadlines.very_late = None
            self._tick.unset()
            self._deadlines.sweep_one(_TICK)

    # -- Inside -------------------------------------------------------------------

    def _look(self) -> None:
        self._deadlines.set(self._tick, _TICK)
        before, now = self._asleep, asleep_time()
        if now is not None:
            self._asleep = now
        asleep = 0.0 if now is None or before is None else now - before
        # A wall clock that was set back makes a look late as well.
        shown = zip(self._looked_at, self._show(), strict=True)
        late = min(after - before for before, after in shown) - _TICK
        self._looked_at = self._show()
        if asleep >= _SHORT or late >= _VERY_LATE:
            self._tell(max(asleep, late))

    def _show(self) -> tuple[float, float]:
        """What the monotonic clock shows, and that on the wall."""
        return time.monotonic(), max(time.time(), self._clock.seconds())

    def _tell(self, seconds: float) -> None:
        self._looked_at = self._show()
        log.info("nothing has happened for {seconds:.0f} s", seconds=seconds)
        for sleeper in list(self._sleepers):
            if sleeper in self._sleepers:
                try:
                    sleeper.woken(seconds)
                except Exception:
                    log.failure("{sleeper!r} raised", sleeper=sleeper)


_of_clock: WeakValueDictionary[int, WakeUps] = WeakValueDictionary()
