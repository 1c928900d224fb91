"""The way of a call from the shared entry to the worker that has the topic.

Who has it is who has registered its lock, so the router finds it; nobody has to agree
with anybody on who that is.
Where nobody has it yet, it is wished for, and asked again until the caller's time is
up.
What has been handed to a worker is never handed to a second one: it may have been done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from txphoenix.backoff import steps

if TYPE_CHECKING:
    from autobahn.twisted.wamp import ApplicationSession

    from .interfaces import FleetURIs
    from .tenure import Tenure

__all__ = ["Routing"]

# The seconds to wait for a topic that nobody has, again and again.
_PAUSES = steps([0.02, 0.05, 0.1, 0.2, 0.5])
# How much later than a worker, which says what has happened, we give up: seconds.
_GRACE = 2.0


class Routing:
    """Hands calls to who has their topic.

    :param here: the tenure of a topic at this worker, if there is one.
    :param wanting: has a topic wanted meanwhile.
    """

    def __init__(
        self,
        session: ApplicationSession,
        uris: FleetURIs,
        clock: IReactorTime,
        here: Callable[[str], Tenure | None],
        wanting: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._session = session
        self._uris = uris
        self._clock = clock
        self._here = here
        self._wanting = wanting

    async def call(self, topic: str, method: str, timeout: float, *args: Any) -> Any:
        """Call a method of a topic, wherever it is.

        :param method: "push", with the event and the payload as ``args``, or
            "presence".
        :param timeout: seconds until it ends at the latest, but for a short grace in
            which who has the topic may say more than that it took too long.
        :raises ApplicationError: what the topic's holder has raised, or "moved",
            "interrupted" or "timeout" of the bridge's own errors.
        """
        deadline = self._clock.seconds() + timeout
        is_done, result = await self._try(topic, method, timeout, args)
        if is_done:
            return result
        with self._wanting(topic):
            return await self._keep_trying(topic, method, deadline, args)

    async def _keep_trying(
        self, topic: str, method: str, deadline: float, args: tuple[Any, ...]
    ) -> Any:
        attempt = 0
        while (left := deadline - self._clock.seconds()) > 0:
            await deferLater(self._clock, min(_PAUSES(attempt), left))
            attempt += 1
            left = deadline - self._clock.seconds()
            if left > 0:
                is_done, result = await self._try(topic, method, left, args)
                if is_done:
                    return result
        raise self._error(
            "timeout", topic, "no bridge had the topic in time; it was not sent"
        )

    async def _try(
        self, topic: str, method: str, left: float, args: tuple[Any, ...]
    ) -> tuple[bool, Any]:
        """Whether it was done, and its result; False alone if it certainly was not."""
        if method == "push":
            # What those who call the owner themselves say, its timeout being the last.
            args = (*args, left)
        tenure = self._here(topic)
        if tenure is not None and tenure.is_locked:
            trying = Deferred.fromCoroutine(tenure.serve(method, *args))
        else:
            trying = _left_alone(
                self._session.call(self._uris.lock(topic), method, *args)
            )
        trying.addTimeout(left + _GRACE, self._clock)
        try:
            return True, await trying
        except DeferredTimeout:
            raise self._error(
                "timeout", topic, "no answer in time; it may have been done or not"
            ) from None
        except ApplicationError as error:
            if error.error == ApplicationError.NO_SUCH_PROCEDURE:
                return False, None
            if error.error == ApplicationError.CANCELED:
                raise self._error(
                    "interrupted",
                    topic,
                    "the bridge that had the topic is gone; it may have been done or"
                    " not",
                ) from error
            raise

    def _error(self, name: str, topic: str, text: str) -> ApplicationError:
        return ApplicationError(self._uris.error(name), f"{topic}: {text}", topic=topic)


def _left_alone(call: Deferred[Any]) -> Deferred[Any]:
    """A call that goes on, whether anybody waits for its result or not.

    If a call is cancelled whose callee dies afterwards, Crossbar 26.10.1 answers it
    twice, and the caller's Autobahn then closes its connection: a worker that hangs
    would take another one with it.
    """
    waiting: Deferred[Any] = Deferred()
    # One result that comes after the end of the waiting is dropped by Twisted.
    call.addCallbacks(waiting.callback, waiting.errback)
    return waiting
