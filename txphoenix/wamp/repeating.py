"""Do something whenever it may have become necessary, and again until it succeeds.

What is done here is to compare what is with what should be, and to do what is missing:
so it may be done at any time, and nothing is lost if two reasons for it coincide.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from autobahn.wamp.exception import ApplicationError, TransportLost
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from txphoenix.backoff import Backoff
from txphoenix.runtime.package_log import package_log

__all__ = ["Repeating"]

log = Logger("txphoenix.wamp", observer=package_log)


class Repeating:
    """Runs a coroutine function when asked, one run at a time.

    :param run: what to do; whoever asks while it runs has it run once more.
    :param backoff: the seconds until it runs again by itself after it has failed.
    :param every: the seconds until it runs again by itself after it has not, if it is
        to do that at all.
    """

    def __init__(
        self,
        clock: IReactorTime,
        run: Callable[[], Coroutine[Deferred[Any], Any, Any]],
        backoff: Backoff,
        every: float | None = None,
    ) -> None:
        self._clock = clock
        self._run = run
        self._backoff = backoff
        self._every = every
        self._failures = 0
        self._is_asked = False
        self._timer: IDelayedCall | None = None
        self.is_running = False
        self.is_stopped = False

    def ask(self) -> None:
        """Have it run, now or once more after the run that is under way."""
        self._is_asked = True
        if not self.is_running and not self.is_stopped:
            self._cancel_timer()
            self.is_running = True
            Deferred.fromCoroutine(self._work()).addErrback(
                lambda failure: log.failure(
                    "a part of the fleet raised, and is at rest", failure
                )
            )

    def stop(self) -> None:
        """Have it run no more; what is under way ends by itself."""
        self.is_stopped = True
        self._cancel_timer()

    async def _work(self) -> None:
        delay = self._every
        try:
            while self._is_asked and not self.is_stopped:
                self._is_asked = False
                delay = await self._run_once()
        finally:
            self.is_running = False
        if delay is not None and not self.is_stopped:
            self._timer = self._clock.callLater(delay, self.ask)

    async def _run_once(self) -> float | None:
        try:
            await self._run()
        except Exception as error:
            if self.is_stopped:
                return None
            if not isinstance(error, ApplicationError | TransportLost):
                log.failure("a part of the fleet raised, and is tried again")
            self._failures += 1
            return self._backoff(self._failures - 1)
        self._failures = 0
        return self._every

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
