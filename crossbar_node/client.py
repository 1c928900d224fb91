"""A WAMP client of the realm: who uses the bridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from autobahn.twisted.wamp import ApplicationSession
from autobahn.twisted.websocket import WampWebSocketClientFactory
from autobahn.wamp.serializer import JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import (
    CloseDetails,
    ComponentConfig,
    EventDetails,
    SessionDetails,
    SubscribeOptions,
)
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint

from .configuration import PREFIX, REALM, realm_url
from .program import wait

__all__ = ["Client", "Event", "Heard", "join_realm"]


class Event(NamedTuple):
    """An event that came.

    :ivar uri: its topic, in WAMP's sense.
    """

    uri: str
    payload: Any


class Heard:
    """The events that a subscription has brought, in order.

    :ivar subscription: the subscription.
    """

    subscription: Any

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.events: list[Event] = []
        self._waiting: list[tuple[Callable[[list[Event]], bool], Deferred[None]]] = []

    def take(self, *arguments: Any, details: EventDetails) -> None:
        """Keep an event: this is the subscription's handler.

        A bridge's events have one argument, those of the meta API may have two.
        """
        payload = arguments[0] if len(arguments) == 1 else arguments
        self.events.append(Event(str(details.topic), payload))
        for entry in list(self._waiting):
            holds, deferred = entry
            if holds(self.events):
                self._waiting.remove(entry)
                deferred.callback(None)

    async def until(self, holds: Callable[[list[Event]], bool], what: str) -> None:
        """Wait until the events are such."""
        if not holds(self.events):
            deferred: Deferred[None] = Deferred()
            self._waiting.append((holds, deferred))
            await wait(
                deferred, self._reactor, what, lambda: f"heard {self.events[-20:]}"
            )

    async def more(self, seen: int, what: str) -> None:
        """Wait until there are more than so many."""
        await self.until(lambda events: len(events) > seen, what)

    async def first(self, uri: str) -> Any:
        """The payload of the first event of that URI, once it is there."""
        await self.until(lambda events: any(it.uri == uri for it in events), uri)
        return next(it.payload for it in self.events if it.uri == uri)


class Client(ApplicationSession):
    """A session, with what tests ask of one."""

    def __init__(self, config: ComponentConfig) -> None:
        super().__init__(config)
        self.joined: Deferred[Client] = Deferred()
        self.gone: Deferred[None] = Deferred()
        self.has_gone = False

    def onJoin(self, details: SessionDetails) -> None:
        """Who has asked for it gets it."""
        self.joined.callback(self)

    def onLeave(self, details: CloseDetails) -> None:
        """A session that could not join is an error; then the connection is closed."""
        if not self.joined.called:
            self.joined.errback(RuntimeError(f"{details.reason}: {details.message}"))
        self.disconnect()

    def onDisconnect(self) -> None:
        """It is over."""
        self.has_gone = True
        self.gone.callback(None)

    async def hear(self, uri: str, match: str = "exact") -> Heard:
        """Subscribe; the events are kept."""
        heard = Heard(self.config.extra["reactor"])
        options = SubscribeOptions(match=match, details_arg="details")
        heard.subscription = await self.subscribe(heard.take, uri, options=options)
        return heard

    async def members(self) -> list[int]:
        """The sessions of all bridges of the realm."""
        entry = await self.call("wamp.registration.lookup", f"{PREFIX}.push")
        if entry is None:
            return []
        sessions: list[int] = await self.call("wamp.registration.list_callees", entry)
        return sessions

    async def until_members(self, count: int) -> list[int]:
        """Wait until there are so many bridges; it is looked again at each change."""
        heard = await self.hear("wamp.registration.", "prefix")
        try:
            while True:
                seen = len(heard.events)
                members = await self.members()
                if len(members) == count:
                    return members
                await heard.more(
                    seen,
                    f"{count} bridges; there are {len(members)}",
                )
        finally:
            await heard.subscription.unsubscribe()

    async def end(self) -> None:
        """Leave, and wait until the connection is closed."""
        if not self.has_gone:
            self.leave()
            await wait(self.gone, self.config.extra["reactor"], "a client's end")


async def join_realm(reactor: Any, port: int, *, is_binary: bool = True) -> Client:
    """Join the realm.

    :param port: where the router listens for clients.
    :param is_binary: by MessagePack, and otherwise by JSON.
    """
    config = ComponentConfig(realm=REALM, extra={"reactor": reactor})
    client = Client(config)
    factory = WampWebSocketClientFactory(
        lambda: client,
        url=realm_url(port),
        serializers=[MsgPackSerializer() if is_binary else JsonSerializer()],
    )
    factory.setProtocolOptions(closeHandshakeTimeout=0, openHandshakeTimeout=0)
    factory.noisy = False
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    await endpoint.connect(factory)
    await wait(client.joined, reactor, "the realm")
    return client
