"""One topic at one worker, from the lock that it has to get to the one it gives back.

The lock of a topic is a procedure that the router lets one session register, and what
it does when it is called is to push to the topic, or to tell who is present.
So a topic is joined only by who has its lock, whatever each worker believes of the
fleet, and it is given back only when the topic is left::

    nothing --register--> locked --take--> joined
    nothing <--unregister-- locked <--drop-- joined

Whether the topic is this worker's can change at any time, and in each state the way is
from there.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from autobahn.wamp.exception import ApplicationError, TransportLost
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from txphoenix.backoff import steps
from txphoenix.runtime.package_log import package_log

from .arguments import EMPTY, Arguments
from .repeating import Repeating

if TYPE_CHECKING:
    from autobahn.twisted.wamp import ApplicationSession
    from autobahn.wamp.request import Registration

    from .interfaces import FleetURIs, TopicHolder

__all__ = ["Tenure"]

log = Logger("txphoenix.wamp", observer=package_log)

# A lock is asked for again when its owner is heard to give it back; the rest is for
# when that is not heard.
_LOCK_BACKOFF = steps([0.1, 0.25, 0.5, 1.0])
# A refused join.
_JOIN_BACKOFF = steps([1.0, 2.0, 5.0, 10.0, 30.0])


class Tenure:
    """What this worker has of a topic, and the way to what it should have.

    :param is_mine: whether the topic should be this worker's.
    :param wanting: has the topic wanted during each call of it.
    :param on_end: called with it when it has nothing, and should have nothing.
    :param drop_timeout: the seconds after which the lock is given back even if the
        holder has not left the topic, which is a fault of the holder's.
    """

    def __init__(
        self,
        topic: str,
        session: ApplicationSession,
        uris: FleetURIs,
        holder: TopicHolder,
        clock: IReactorTime,
        is_mine: Callable[[str], bool],
        wanting: Callable[[str], AbstractContextManager[None]],
        on_end: Callable[[Tenure], None],
        drop_timeout: float,
    ) -> None:
        self.topic = topic
        self.blocker: int | None = None
        """The ID of the registration by which another worker has the lock."""
        self._session = session
        self._uris = uris
        self._holder = holder
        self._clock = clock
        self._is_mine = is_mine
        self._wanting = wanting
        self._on_end = on_end
        self._arguments = Arguments(uris, topic=topic)
        self._drop_timeout = drop_timeout
        self._lock: Registration | None = None
        self._is_taken = False
        self._is_joined = False
        self._is_ending = False
        self._taking: Deferred[None] | None = None
        self._failed_joins = 0
        self._settling = Repeating(clock, self._settle, self._backoff)

    @property
    def is_locked(self) -> bool:
        """Whether this worker has the lock, and is not about to give it back."""
        return self._lock is not None and not self._is_ending

    def settle(self) -> None:
        """See what the topic should be, as that may have changed."""
        if self._taking is not None and not self._is_mine(self.topic):
            self._taking.cancel()
        self._settling.ask()

    def lose(self) -> None:
        """The session has ended, and the lock with it: leave the topic at once."""
        self._settling.stop()
        if self._taking is not None:
            self._taking.cancel()
        if not self._is_ending:
            self._is_ending = True
            Deferred.fromCoroutine(self._leave())

    async def serve(
        self,
        method: str,
        event: Any = None,
        payload: Any = EMPTY,
        timeout: float | None = None,
    ) -> Any:
        """Do something with the topic; the holder sees to it that it is joined first.

        This is the procedure that the lock is, for workers and for everybody else.

        :param method: "push", of which the rest is as for ``PREFIX.push``, or
            "presence" alone.
        :raises ApplicationError: what the holder raises; or WAMP's own
            "no_such_procedure" if the topic is about to be left: then nothing was
            done, as if the lock had been given back already.
        """
        self._check(method, event, payload, timeout)
        if not self.is_locked:
            raise ApplicationError(
                ApplicationError.NO_SUCH_PROCEDURE,
                f"no bridge has {self.topic} just now",
                topic=self.topic,
            )
        with self._wanting(self.topic):
            if method == "push":
                return await self._holder.push(self.topic, event, payload, timeout)
            return await self._holder.presence(self.topic)

    def _check(self, method: object, event: Any, payload: Any, timeout: Any) -> None:
        wrong = self._arguments.wrong
        if method not in ("push", "presence"):
            raise wrong(f"method must be 'push' or 'presence', not {method!r:.100}")
        if method == "push":
            self._arguments.check_event(event)
            self._arguments.check_timeout(timeout)
        elif event is not None or payload is not EMPTY or timeout is not None:
            raise wrong("presence takes no event, payload or timeout")

    async def _settle(self) -> None:
        if self._is_mine(self.topic):
            if self._lock is None:
                await self._acquire()
            if self._is_mine(self.topic) and not self._is_joined:
                await self._take()
        if not self._is_mine(self.topic) and not self._settling.is_stopped:
            await self._give_up()
            if not self._is_mine(self.topic):
                self._settling.stop()
                self._on_end(self)

    async def _acquire(self) -> None:
        lock = self._uris.lock(self.topic)
        try:
            self._lock = await self._session.register(self.serve, lock)
        except ApplicationError as error:
            if error.error == ApplicationError.PROCEDURE_ALREADY_EXISTS:
                self.blocker = await self._session.call(
                    "wamp.registration.lookup", lock
                )
                if self.blocker is None:
                    # It was given back meanwhile.
                    self._settling.ask()
            raise
        self.blocker = None

    async def _take(self) -> None:
        self._is_taken = True
        self._taking = Deferred.fromCoroutine(self._holder.take(self.topic))
        try:
            await self._taking
        except CancelledError:
            # It is no longer this worker's.
            return
        except Exception:
            self._failed_joins += 1
            raise
        finally:
            self._taking = None
        self._is_joined = True
        self._failed_joins = 0

    async def _give_up(self) -> None:
        self._is_ending = True
        try:
            await self._leave()
            lock, self._lock = self._lock, None
            if lock is not None:
                await self._unregister(lock)
        finally:
            self._is_ending = False

    async def _leave(self) -> None:
        moved = ApplicationError(
            self._uris.error("moved"),
            f"{self.topic} moves to another bridge; what was under way may have been"
            " done or not",
            topic=self.topic,
        )
        self._is_joined = False
        if self._is_taken:
            dropping = Deferred.fromCoroutine(self._holder.drop(self.topic, moved))
            dropping.addTimeout(self._drop_timeout, self._clock)
            try:
                await dropping
            except Exception:
                log.failure("{topic}: the bridge could not leave it", topic=self.topic)
            self._is_taken = False

    async def _unregister(self, lock: Registration) -> None:
        try:
            await lock.unregister()
        except (ApplicationError, TransportLost) as error:
            # It is gone already, or goes with the session.
            log.debug(
                "the lock of {topic} was gone: {error}", topic=self.topic, error=error
            )

    def _backoff(self, failures: int) -> float:
        if self._lock is not None:
            return _JOIN_BACKOFF(max(self._failed_joins - 1, 0))
        return _LOCK_BACKOFF(failures)
