"""What this process wants itself, said so that the whole fleet hears it.

A topic of the configuration, or one that somebody pushes to, is wanted by subscribing
to an event of it that nobody publishes.
So there is one source of what is wanted, the router's subscriptions, whoever of the
fleet comes to own the topic; and a wish ends with the process that had it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autobahn.wamp.exception import ApplicationError, TransportLost
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from txphoenix.runtime.package_log import package_log

if TYPE_CHECKING:
    from autobahn.twisted.wamp import ApplicationSession
    from autobahn.wamp.request import Subscription

    from .interfaces import FleetURIs

__all__ = ["Wishes"]

log = Logger("txphoenix.wamp", observer=package_log)


class Wishes:
    """Topics that are wanted here, some for good, others while they are pushed to.

    :param idle: the seconds for which a topic is wanted after the end of the last call.
    """

    def __init__(
        self,
        session: ApplicationSession,
        uris: FleetURIs,
        clock: IReactorTime,
        idle: float,
    ) -> None:
        self._session = session
        self._uris = uris
        self._clock = clock
        self._idle = idle
        self._wishes: dict[str, _Wish] = {}
        self._always: frozenset[str] = frozenset()
        self._is_stopped = False

    async def always(self, topics: Iterable[str]) -> None:
        """Want topics for as long as the session lives."""
        self._always = frozenset(topics)
        wishes = [Deferred.fromCoroutine(self._subscribe(it)) for it in self._always]
        await gatherResults(wishes, consumeErrors=True)

    @contextmanager
    def wanting(self, topic: str) -> Iterator[None]:
        """Want a topic during a call of it, and until it has been idle afterwards."""
        if topic in self._always or self._is_stopped:
            yield
            return
        wish = self._wishes.get(topic)
        if wish is None:
            subscribing = Deferred.fromCoroutine(self._subscribe(topic))
            wish = self._wishes[topic] = _Wish(subscribing)
            subscribing.addErrback(self._refused, topic, wish)
        wish.calls += 1
        wish.cancel_timer()
        try:
            yield
        finally:
            wish.calls -= 1
            if not wish.calls and self._wishes.get(topic) is wish:
                wish.timer = self._clock.callLater(self._idle, self._end, topic, wish)

    def stop(self) -> None:
        """Forget all; the router does, when the session ends."""
        self._is_stopped = True
        for wish in self._wishes.values():
            wish.cancel_timer()
        self._wishes.clear()

    async def _subscribe(self, topic: str) -> Subscription:
        wish: Subscription = await self._session.subscribe(
            _ignore, self._uris.interest(topic)
        )
        return wish

    def _end(self, topic: str, wish: _Wish) -> None:
        del self._wishes[topic]
        wish.subscribing.addCallback(self._unsubscribe).addErrback(
            # Then the session has ended, or is about to.
            lambda failure: failure.trap(ApplicationError, TransportLost) and None
        )

    def _unsubscribe(self, wish: Subscription | None) -> Any:
        return None if wish is None else wish.unsubscribe()

    def _refused(self, failure: Any, topic: str, wish: _Wish) -> None:
        failure.trap(ApplicationError, TransportLost)
        wish.cancel_timer()
        if self._wishes.get(topic) is wish:
            del self._wishes[topic]
        log.debug(
            "the router refused to have {topic} wanted: {error}",
            topic=topic,
            error=failure.value,
        )


class _Wish:
    """A topic that is wanted for calls of it."""

    def __init__(self, subscribing: Deferred[Any]) -> None:
        self.subscribing = subscribing
        # How many are under way; without one the timer ends the wish.
        self.calls = 0
        self.timer: IDelayedCall | None = None

    def cancel_timer(self) -> None:
        """Do not end it yet."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None


def _ignore(*_args: object, **_kwargs: object) -> None:
    """Nobody publishes it."""
