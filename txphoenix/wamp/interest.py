"""Which topics the realm wants: those that its subscriptions name.

The router tells who subscribes by its subscription meta API, and what it tells is taken
as a sign alone where Crossbar 26.10.1 does not say what is so: when a session dies, it
tells ``on_delete`` of all of its subscriptions or of none, whichever fits the last of
them.
So after each ``on_unsubscribe`` the router is asked whether anybody is left.
Nor does it list subscriptions by wildcard, unless those of one session are asked for;
so each session is asked about, at the 1st, 2nd, 4th, 8th comparison and so on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.internet.interfaces import IReactorTime

from txphoenix.backoff import steps

from .repeating import Repeating

if TYPE_CHECKING:
    from autobahn.twisted.wamp import ApplicationSession

    from .interfaces import FleetURIs

__all__ = ["Interest"]

# How many questions wait for the router's answer at a time.
_AT_A_TIME = 32


class Interest:
    """The topics that somebody in the realm has subscribed to.

    :param session: one that has joined, and asks the router by its meta API.
    :param on_change: called with those topics that are wanted now, or no longer.
    :param every: the seconds after which all is compared with the router's lists.
    """

    def __init__(
        self,
        session: ApplicationSession,
        uris: FleetURIs,
        clock: IReactorTime,
        on_change: Callable[[Collection[str]], None],
        every: float,
    ) -> None:
        self._counts: Counter[str] = Counter()
        self._session = session
        self._uris = uris
        self._on_change = on_change
        # The topics of subscriptions, by their ID; None for those that name none, so
        # that nobody asks about these twice.
        self._named: dict[int, str | None] = {}
        self._wildcards: set[int] = set()
        self._comparisons = 0
        self._comparing = Repeating(clock, self._compare, steps([0.1, 0.5, 2.0]), every)

    @property
    def topics(self) -> Collection[str]:
        """The topics that are wanted."""
        return self._counts.keys()

    async def start(self) -> None:
        """Listen first, and then ask what there was before."""
        hear = self._session.subscribe
        await hear(self._created, "wamp.subscription.on_create")
        await hear(self._subscribed, "wamp.subscription.on_subscribe")
        await hear(self._unsubscribed, "wamp.subscription.on_unsubscribe")
        self._comparing.ask()

    def stop(self) -> None:
        """Want nothing, and ask no more."""
        self._comparing.stop()
        self._named.clear()
        self._counts.clear()

    def _created(self, _session: int, details: dict[str, Any]) -> None:
        self._note(details)

    def _subscribed(self, _session: int, number: int) -> None:
        # Most were told of by on_create; but what is retained keeps a subscription
        # that nobody has.
        if number not in self._named:
            self._ask(number)

    def _unsubscribed(self, _session: int | None, number: int) -> None:
        if self._named.get(number) is not None:
            self._ask(number)

    def _ask(self, number: int) -> None:
        if not self._comparing.is_stopped:
            Deferred.fromCoroutine(self._learn(number)).addErrback(
                # It is compared again before long.
                lambda _: self._comparing.ask()
            )

    async def _learn(self, number: int) -> None:
        """Ask about one subscription; answers come in the order of the questions."""
        call = self._session.call
        try:
            details = None
            if self._named.get(number) is None:
                details = await call("wamp.subscription.get", number)
                if self._uris.wanted_topic(details["uri"], details["match"]) is None:
                    self._named[number] = None
                    return
            if not await call("wamp.subscription.count_subscribers", number):
                self._forget([number])
            elif details is not None:
                self._note(details)
        except ApplicationError as error:
            if error.error == ApplicationError.NO_SUCH_SUBSCRIPTION:
                self._forget([number])
            elif error.error == ApplicationError.NOT_AUTHORIZED:
                # One of the router's own.
                self._named[number] = None
            else:
                raise

    def _note(self, details: dict[str, Any]) -> None:
        number, match = details["id"], details["match"]
        if self._comparing.is_stopped or self._named.get(number) is not None:
            return
        topic = self._uris.wanted_topic(details["uri"], match)
        self._named[number] = topic
        if topic is None:
            return
        if match == "wildcard":
            self._wildcards.add(number)
        self._counts[topic] += 1
        if self._counts[topic] == 1:
            self._on_change({topic})

    def _forget(self, numbers: Iterable[int]) -> None:
        unwanted = set()
        for number in numbers:
            self._wildcards.discard(number)
            topic = self._named.pop(number, None)
            if topic is not None:
                self._counts[topic] -= 1
                if not self._counts[topic]:
                    del self._counts[topic]
                    unwanted.add(topic)
        if unwanted:
            self._on_change(unwanted)

    async def _compare(self) -> None:
        call = self._session.call
        listed = _numbers(await call("wamp.subscription.list"))
        # What was told of in the meantime came before the answer, or is not yet here.
        self._forget(set(self._named) - listed - self._wildcards)
        asked = (listed - set(self._named)) | self._wildcards
        # The first answers may be of before; then it is done more and more rarely.
        if (self._comparisons + 1).bit_count() == 1:
            asked |= await self._of_each_session() - set(self._named)
        await _each(asked, self._learn)
        self._comparisons += 1

    async def _of_each_session(self) -> set[int]:
        found: set[int] = set()

        async def ask(session: int) -> None:
            try:
                answer = await self._session.call("wamp.subscription.list", session)
            except ApplicationError as error:
                if error.error != ApplicationError.NO_SUCH_SESSION:
                    raise
            else:
                found.update(_numbers(answer))

        await _each(await self._session.call("wamp.session.list"), ask)
        return found


def _numbers(listed: dict[str, list[int]]) -> set[int]:
    return {number for numbers in listed.values() for number in numbers}


async def _each(numbers: Iterable[int], ask: Callable[[int], Any]) -> None:
    """Ask about each, so many at a time."""
    rest = list(numbers)
    while rest:
        now, rest = rest[:_AT_A_TIME], rest[_AT_A_TIME:]
        asked = [Deferred.fromCoroutine(ask(number)) for number in now]
        try:
            await gatherResults(asked, consumeErrors=True)
        except FirstError as error:
            error.subFailure.raiseException()
