"""What must have happened by a moment, and what happens if it has not.

Deadlines of the same duration fall due in the order in which they were set.
So one delayed call for each duration is enough, however many replies are awaited: a
delayed call for each would cost more than all the rest of a push.

Moments are those of a clock that nobody can set (:mod:`txphoenix.runtime.elapsed`).
The delayed calls are the reactor's, which goes by the wall clock.
One that was set back would let them wait for as long as it was set back, so whoever
sets a deadline first looks whether the two clocks are as far apart as they were.

A program that was blocked comes to its delayed calls before it reads what has arrived
meanwhile.
So a deadline that is found to be late is believed only after some turns of the reactor,
in which that is read.
One that is very late shows that nothing at all has happened meanwhile, and somebody may
want to know of that before any expires (:mod:`txphoenix.runtime.wake_ups`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from .elapsed import elapsed_time, is_reactor
from .package_log import package_log

__all__ = ["Deadline", "Deadlines", "DelayedCall", "Timer"]

log = Logger("txphoenix.deadlines", observer=package_log)

# Moments are floats: a delayed call may come this much (seconds) before the
# sum of its start and its delay.
_TOLERANCE: Final = 1e-6
# By so many seconds the wall clock may drift before that counts as being set.
_DRIFT: Final = 0.1
# A delayed call that comes so many seconds late was held up by something.
_LATE: Final = 0.01
# A turn of the reactor reads 64 KiB of each connection; Linux keeps up to 6 MiB.
_TURNS: Final = 100
# One that is so many seconds late is told of.
_VERY_LATE: Final = 20.0
# With so many durations in use, those that are not any more are looked for.
_MANY_QUEUES: Final = 16


class Deadline:
    """Something that must happen before a moment."""

    __slots__ = ("_due", "_queue")

    _due: float
    _queue: dict[Deadline, None] | None

    def __init__(self) -> None:
        self._queue = None

    def expired(self) -> None:
        """The moment has passed."""
        raise NotImplementedError(f"{type(self).__name__} must say what expiry means")

    @property
    def is_set(self) -> bool:
        """Whether the moment is still to come."""
        return self._queue is not None

    def unset(self) -> None:
        """Take the deadline away; it is no error if there is none."""
        queue = self._queue
        if queue is not None:
            self._queue = None
            del queue[self]


class Timer(Deadline):
    """A function that is called when the moment has passed.

    :param function: is called without arguments.
    """

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__()
        self._function = function

    def expired(self) -> None:
        """Call it."""
        self._function()


class DelayedCall(Timer):
    """What :meth:`Deadlines.callLater` returns.

    It is as much of an :class:`~twisted.internet.interfaces.IDelayedCall` as Twisted's
    own code and ours make use of.
    """

    __slots__ = ("_deadlines", "_duration")

    def __init__(
        self, deadlines: Deadlines, duration: float, function: Callable[[], object]
    ) -> None:
        super().__init__(function)
        self._deadlines = deadlines
        self._duration = duration
        deadlines.set(self, duration)

    def active(self) -> bool:
        """Whether the function is still to be called."""
        return self.is_set

    def cancel(self) -> None:
        """Do not call the function; it is no error if that has happened."""
        self.unset()
        self._deadlines.sweep_one(self._duration)


class _Queue(dict[Deadline, None]):
    """The deadlines of one duration, in the order in which they fall due."""

    __slots__ = ("call", "duration")

    call: IDelayedCall

    def __init__(self, duration: float) -> None:
        super().__init__()
        self.duration = duration


class Deadlines:
    """Deadlines on one clock.

    :param clock: calls later, and tells the time if there is no better clock.
    """

    __slots__ = (
        "__weakref__",
        "_afterwards",
        "_apart",
        "_clock",
        "_most_queues",
        "_queues",
        "_turns",
        "_woke_at",
        "elapsed",
        "very_late",
    )

    @classmethod
    def of(cls, clock: IReactorTime) -> Deadlines:
        """Those of a clock, the same for all clients that run on it.

        So a thousand idle clients have one delayed call, and not one each.
        """
        # As long as there is such a table it holds the clock, so that no other clock
        # can have its id.
        deadlines = _of_clock.get(id(clock))
        if deadlines is None:
            deadlines = _of_clock[id(clock)] = cls(clock)
        return deadlines

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self.elapsed: Callable[[], float] = elapsed_time(clock)
        """Tells the seconds since some moment; see :func:`elapsed_time`."""
        # Where nothing is read, there is nothing to wait for.
        self._turns = _TURNS if is_reactor(clock) else 0
        # How far the wall clock is ahead of the other.
        self._apart = clock.seconds() - self.elapsed()
        self._queues: dict[float, _Queue] = {}
        self._most_queues = _MANY_QUEUES
        # What is to be called once all that are late have been told; None if none are.
        self._afterwards: list[Callable[[], object]] | None = None
        self.very_late: Callable[[float], None] | None = None
        """Is told, before deadlines expire that are, for how long all stood still."""
        self._woke_at = self.elapsed()

    def set(self, deadline: Deadline, duration: float) -> None:
        """Have ``deadline`` expire in ``duration`` seconds."""
        if deadline._queue is not None:
            deadline.unset()
        now = self.elapsed()
        apart = self._clock.seconds() - now
        if not -_DRIFT < apart - self._apart < _DRIFT:
            self._clock_was_set(now, apart)
        queue = self._queues.get(duration)
        if queue is None:
            queue = self._new_queue(duration)
        elif not queue.call.active():
            # Somebody has cancelled all that the reactor held, as trial does after a
            # test that left something behind.
            self._call_for(queue, now)
        deadline._due = now + duration
        deadline._queue = queue
        queue[deadline] = None

    def left(self, deadline: Deadline) -> float:
        """The seconds until a deadline that is set."""
        return max(0.0, deadline._due - self.elapsed())

    def age(self, deadline: Deadline, duration: float) -> float:
        """The seconds since a deadline was set, be it that it is not any more.

        :param duration: with which it was set.
        :return: 0.0 if it never was.
        """
        try:
            return max(0.0, self.elapsed() - (deadline._due - duration))
        except AttributeError:
            return 0.0

    def callLater(
        self, delay: float, function: Callable[..., object], *args: Any, **kwargs: Any
    ) -> DelayedCall:
        """Call a function in ``delay`` seconds, as a reactor does.

        Twisted's own code has this in place of a reactor, wherever a clock that is set
        must not change how long it waits.
        """
        return DelayedCall(self, delay, partial(function, *args, **kwargs))

    def call_roughly(
        self, delay: float, function: Callable[[], object]
    ) -> IDelayedCall:
        """Call a function in ``delay`` seconds, or later if the clock is set back.

        That it is late shows nothing, as that of a deadline would.
        """
        return self._clock.callLater(delay, function)

    def afterwards(self, function: Callable[[], object]) -> None:
        """Call a function once all that expire in this moment have done so.

        Where nothing expires just now, it is called at once.
        """
        if self._afterwards is None:
            function()
        else:
            self._afterwards.append(function)

    def restore(self, duration: float) -> None:
        """Plan the delayed call of a duration again if somebody has cancelled it.

        Trial does so after a test that left something behind.
        """
        queue = self._queues.get(duration)
        if queue and not queue.call.active():
            self._call_for(queue, self.elapsed())

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def sweep(self) -> None:
        """Let go of the delayed calls that no deadline needs any more.

        An answered push leaves its delayed call to the next one of that duration.
        """
        for duration in [each for each, queue in self._queues.items() if not queue]:
            self.sweep_one(duration)

    def sweep_one(self, duration: float) -> None:
        """Let go of the delayed call of a duration that no deadline needs any more."""
        queue = self._queues.get(duration)
        if queue is not None and not queue:
            del self._queues[duration]
            if queue.call.active():
                queue.call.cancel()

    # -- Inside -------------------------------------------------------------------

    def _new_queue(self, duration: float) -> _Queue:
        if len(self._queues) >= self._most_queues:
            self.sweep()
            self._most_queues = max(_MANY_QUEUES, 2 * len(self._queues))
        queue = self._queues[duration] = _Queue(duration)
        queue.call = self._clock.callLater(duration, self._expire, queue)
        return queue

    def _call_for(self, queue: _Queue, now: float) -> None:
        """Plan the delayed call for the first of a queue."""
        first = next(iter(queue), None)
        due = now + queue.duration if first is None else first._due
        queue.call = self._clock.callLater(max(0.0, due - now), self._expire, queue)

    def _clock_was_set(self, now: float, apart: float) -> None:
        self._apart = apart
        self.sweep()
        for queue in self._queues.values():
            if queue.call.active():
                queue.call.cancel()
            self._call_for(queue, now)

    def _expire(self, queue: _Queue, turns: int = 0) -> None:
        """Have those expire that are due.

        :param turns: how many turns of the reactor they have been waited for already.
        """
        now = self.elapsed()
        first = next(iter(queue), None)
        if first is None:
            del self._queues[queue.duration]
        elif first._due > now + _TOLERANCE:
            self._call_for(queue, now)
        elif turns < self._turns and (turns or now - first._due > _LATE):
            queue.call = self._clock.callLater(0, self._expire, queue, turns + 1)
        elif self.very_late is not None and self._stood_still(first, now):
            # Whoever was told may have taken any of them away, or set others.
            if self._queues.get(queue.duration) is queue and not queue.call.active():
                self._call_for(queue, now)
                self.sweep_one(queue.duration)
        else:
            self._tell(self._take_late(queue, now))

    def _stood_still(self, first: Deadline, now: float) -> bool:
        """Tell of a deadline that is very late, once for all that are.

        :return: whether that was done.
        """
        apart = self._clock.seconds() - now
        # A wall clock that was set back lets delayed calls wait for as long.
        late = now - max(first._due, self._woke_at) - max(0.0, self._apart - apart)
        if late < _VERY_LATE or self.very_late is None:
            return False
        self._woke_at = now
        try:
            self.very_late(late)
        except Exception:
            log.failure("{function!r} raised", function=self.very_late)
        return True

    def _take_late(self, queue: _Queue, now: float) -> dict[Deadline, None]:
        late: dict[Deadline, None] = {}
        for deadline in queue:
            if deadline._due > now + _TOLERANCE:
                break
            late[deadline] = None
        for deadline in late:
            del queue[deadline]
            deadline._queue = late
        if queue:
            self._call_for(queue, now)
        else:
            del self._queues[queue.duration]
        return late

    def _tell(self, late: dict[Deadline, None]) -> None:
        """Have deadlines expire that are in no queue any more.

        What expires may do anything, such as to cancel another that is late as well:
        that takes it out of here.
        """
        afterwards: list[Callable[[], object]] = []
        before, self._afterwards = self._afterwards, afterwards
        try:
            # The first of a dict is not asked for again and again, since it is found
            # behind all that were there before it.
            for deadline in list(late):
                if deadline._queue is not late:
                    continue
                deadline.unset()
                try:
                    deadline.expired()
                except Exception:
                    # The next may be another client's.
                    log.failure("{deadline!r} raised", deadline=deadline)
        finally:
            if late:
                # A SystemExit, which is the reactor's to take.
                self._clock.callLater(0, self._tell, late)
            self._afterwards = before
            for function in afterwards:
                function()


_of_clock: WeakValueDictionary[int, Deadlines] = WeakValueDictionary()
