"""A server in memory whose joins are work, for only so many schedulers.

A socket of Phoenix has one join after the other; those of several run beside each
other, as far as there are schedulers.
"""

from __future__ import annotations

# Twisted has functions without types.
# mypy: allow-untyped-calls
from bisect import insort
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txphoenix.testing import MemoryServer, ServerChannel
from txphoenix.testing.session import ServerSession

__all__ = ["FastClock", "Schedulers", "StormServer"]


class FastClock(Clock):
    """A clock that puts a call where it belongs, and does not sort all for each."""

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: Any, **kwargs: Any
    ) -> DelayedCall:
        """See :meth:`twisted.internet.task.Clock.callLater`."""
        call = DelayedCall(
            self.seconds() + delay,
            callable,
            args,
            kwargs,
            self.calls.remove,
            lambda _: self.calls.sort(key=DelayedCall.getTime),
            self.seconds,
        )
        insort(self.calls, call, key=DelayedCall.getTime)
        return call

    def _sortCalls(self) -> None:
        """They are in order."""


class Schedulers:
    """So many that work at a time; what is more than that waits in line.

    They go from one piece of work to the next without a pause, however coarsely the
    clock is advanced.

    :param clock: tells the time.
    :param count: how many there are.
    :ivar seconds: how long one is busy with each piece of work.
    """

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock = clock
        self._idle = count
        self._waiting: deque[Deferred[None]] = deque()
        # When the work was done whose end is being told.
        self._done_at: float | None = None
        self.seconds = 0.0

    def work(self) -> Deferred[None]:
        """Have a piece of work done; fires when it is."""
        done: Deferred[None] = Deferred()
        if self._idle:
            self._idle -= 1
            self._begin(done)
        else:
            self._waiting.append(done)
        return done

    def _begin(self, done: Deferred[None]) -> None:
        now = self._clock.seconds()
        ends = (now if self._done_at is None else self._done_at) + self.seconds
        if self.seconds:
            self._clock.callLater(max(0.0, ends - now), self._end, done, ends)
        else:
            self._end(done, ends)

    def _end(self, done: Deferred[None], ends: float) -> None:
        before, self._done_at = self._done_at, ends
        try:
            self._idle += 1
            if self._waiting:
                self._idle -= 1
                self._begin(self._waiting.popleft())
            if not done.called:
                done.callback(None)
        finally:
            self._done_at = before


class _Room(ServerChannel):
    """One whose join is a piece of work."""

    endpoint: StormServer

    def join(self, params: Any) -> Deferred[None]:
        return self.endpoint.schedulers.work()


class StormServer(MemoryServer):
    """A server in memory with so many schedulers.

    :ivar joins: how many joins have come since :meth:`restart`.
    :ivar back_at: when the first connection was opened since then.
    """

    def __init__(self, schedulers: int) -> None:
        super().__init__({"storm:*": _Room}, clock=FastClock(), channel_limit=None)
        self.schedulers = Schedulers(self.clock, schedulers)
        self.joins = 0
        self.back_at: float | None = None

    def restart(self) -> None:
        """Lose all clients, and be there for them at once."""
        self.joins, self.back_at = 0, None
        self.drop()
        self.flush()

    def session_opened(self, session: ServerSession) -> None:
        """Count what comes on it."""
        super().session_opened(session)
        if self.back_at is None:
            self.back_at = self.clock.seconds()
        take = session.receive

        def receive(data: bytes, is_binary: bool) -> None:
            self.joins += b'"phx_join"' in data
            take(data, is_binary)

        session.receive = receive  # type: ignore[method-assign]
