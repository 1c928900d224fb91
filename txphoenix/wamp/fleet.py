"""A fleet of workers that divide the wanted topics of a realm among them.

Each is a WAMP session of its own; none knows of the others but by the router, and none
is special.

- `interest.py` tells which topics are wanted, `wishes.py` those that this worker wants.
- `members.py` tells who is in the fleet, and `rendezvous.py` who of them owns a topic.
- `tenure.py` gets and gives back what this worker owns, under a lock at the router.
- `routing.py` finds the worker of a topic for a call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from autobahn.wamp.exception import ApplicationError, TransportLost
from autobahn.wamp.types import RegisterOptions
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

from .interest import Interest
from .members import Members
from .rendezvous import owner_of
from .routing import Routing
from .tenure import Tenure
from .wishes import Wishes

if TYPE_CHECKING:
    from autobahn.twisted.wamp import ApplicationSession
    from autobahn.wamp.request import Registration

    from .interfaces import FleetURIs, TopicHolder

__all__ = ["Fleet"]


class Fleet:
    """This worker's part in the fleet.

    :param session: a session that has joined the realm, and no other fleet.
    :param holder: what holds this worker's topics.
    :param clock: the reactor.
    :param entries: the procedures that all workers register together, by their URI;
        that of ``uris.push`` is among them, and makes this worker a member.
    :param always: topics that are wanted whether somebody has subscribed to them or
        not.
    :param idle: the seconds for which a topic is wanted after a call of it.
    :param check_every: the seconds after which what the router has told is compared
        with what it has.
    :param drop_timeout: the seconds that leaving a topic may take.
    """

    def __init__(
        self,
        session: ApplicationSession,
        uris: FleetURIs,
        holder: TopicHolder,
        clock: IReactorTime,
        entries: Mapping[str, Callable[..., Any]],
        always: Iterable[str] = (),
        idle: float = 30.0,
        check_every: float = 10.0,
        drop_timeout: float = 10.0,
    ) -> None:
        self._session = session
        self._uris = uris
        self._holder = holder
        self._clock = clock
        self._entries = entries
        self._always = tuple(always)
        self._drop_timeout = drop_timeout
        self._registrations: list[Registration] = []
        self._tenures: dict[str, Tenure] = {}
        self._calls: set[Deferred[Any]] = set()
        self._emptied: list[Deferred[None]] = []
        self._me: int | None = None
        self._is_stopping = False
        self.interest = Interest(session, uris, clock, self._settle, check_every)
        self._wishes = Wishes(session, uris, clock, idle)
        self._members = Members(session, clock, self._settle_all, check_every)
        self._routing = Routing(
            session, uris, clock, self._tenures.get, self._wishes.wanting
        )

    @property
    def members(self) -> frozenset[int]:
        """The IDs of the workers' sessions, this one's among them."""
        return self._members.ids

    def owner(self, topic: str) -> int | None:
        """The worker that a topic is for; None as long as no member is known."""
        return owner_of(topic, self._members.ids)

    async def start(self) -> None:
        """Become a member, and take what is this worker's from now on.

        :raises ApplicationError: the router lets this session do something of it not.
        """
        self._me = self._session.session_id
        hear = self._session.subscribe
        await hear(self._freed, "wamp.registration.on_unregister")
        await self._members.listen()
        await self.interest.start()
        shared = RegisterOptions(invoke="roundrobin")
        for uri, endpoint in self._entries.items():
            registration = await self._session.register(endpoint, uri, options=shared)
            self._registrations.append(registration)
            if uri == self._uris.push:
                self._members.follow(registration.id)
        await self._wishes.always(self._always)

    async def stop(self) -> None:
        """Give everything back, which ends within ``drop_timeout`` and a bit.

        Calls that this worker has handed on are waited for as long.
        If the session has ended, topics are left without waiting for anybody.
        """
        self._is_stopping = True
        self._wishes.stop()
        self.interest.stop()
        self._members.stop()
        if self._me is None or self._session.session_id != self._me:
            self._lose()
            return
        for registration in self._registrations:
            await _unregister(registration)
        self._registrations.clear()
        self._settle_all()
        if self._tenures:
            emptied: Deferred[None] = Deferred()
            self._emptied.append(emptied)
            await emptied
        if self._calls:
            waiting = DeferredList(list(self._calls))
            waiting.addTimeout(self._drop_timeout, self._clock)
            waiting.addErrback(lambda failure: failure.trap(DeferredTimeout) and None)
            await waiting

    async def call(self, topic: str, method: str, timeout: float, *args: Any) -> Any:
        """Call a method of a topic, wherever in the fleet it is; see `Routing.call`."""
        call = Deferred.fromCoroutine(self._routing.call(topic, method, timeout, *args))
        self._calls.add(call)
        try:
            return await call
        finally:
            self._calls.discard(call)

    def _is_mine(self, topic: str) -> bool:
        return (
            not self._is_stopping
            and topic in self.interest.topics
            and self.owner(topic) == self._me
        )

    def _settle(self, topics: Collection[str]) -> None:
        """Have what is so become what should be, as of some topics that has changed."""
        for topic in topics:
            if topic not in self._tenures and self._is_mine(topic):
                self._tenures[topic] = Tenure(
                    topic,
                    self._session,
                    self._uris,
                    self._holder,
                    self._clock,
                    is_mine=self._is_mine,
                    wanting=self._wishes.wanting,
                    on_end=self._ended,
                    drop_timeout=self._drop_timeout,
                )
            if topic in self._tenures:
                self._tenures[topic].settle()

    def _settle_all(self) -> None:
        self._settle({*self.interest.topics, *self._tenures})

    def _freed(self, _session: int | None, registration: int) -> None:
        for tenure in list(self._tenures.values()):
            if tenure.blocker == registration:
                tenure.settle()

    def _ended(self, tenure: Tenure) -> None:
        if self._tenures.get(tenure.topic) is tenure:
            del self._tenures[tenure.topic]
        if not self._tenures:
            emptied, self._emptied = self._emptied, []
            for each in emptied:
                each.callback(None)

    def _lose(self) -> None:
        for tenure in list(self._tenures.values()):
            tenure.lose()
            self._ended(tenure)


async def _unregister(registration: Registration) -> None:
    try:
        await registration.unregister()
    except (ApplicationError, TransportLost):
        # It goes with the session.
        return
