"""Does a scenario's actions with txphoenix.absinthe: those of :mod:`.script`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txphoenix import PhoenixError, SocketClient
from txphoenix.absinthe import AbsintheClient, GraphQLError, Subscription

from ..acting import PENDING, ActingClient
from ..txphoenix_client import RECONNECT, REJOIN, TIMEOUT, Connected

__all__ = ["AbsintheActions"]


class AbsintheActions(ActingClient):
    """The client of one scenario.

    :param reactor: the reactor.
    :param transport: ``"websocket"`` or ``"longpoll"``.
    :param url: the server's.
    """

    def __init__(self, reactor: Any, transport: str, url: str) -> None:
        super().__init__(reactor)
        client = SocketClient(
            url,
            transport=transport,
            params={"socket": "main"},
            backoff=lambda _: RECONNECT,
            rejoin_backoff=lambda _: REJOIN,
            timeout=TIMEOUT,
        )
        self._connected = Connected(client)
        self._absinthe = AbsintheClient(client)
        self._subscriptions: dict[str, Subscription] = {}
        self._outcomes: dict[str, Any] = {}
        self._heard: dict[str, list[Any]] = {}

    def waits(self) -> Mapping[str, Callable[..., bool]]:
        """What can be waited for; :data:`.script.WAITS` says what it means."""
        return {
            "opens": lambda count: self._connected.opens >= count,
            "closes": lambda count: self._connected.closes >= count,
            "results": lambda it, count: len(self._heard[it]) >= count,
            "ended": lambda it: self._outcomes[it] != PENDING,
        }

    def told(self) -> dict[str, Any]:
        """How everything has ended, and what the subscriptions have heard."""
        heard = {
            name: [["result", each] for each in results]
            for name, results in self._heard.items()
        }
        return {"outcomes": dict(self._outcomes), "heard": heard}

    async def end(self) -> None:
        """Stop the client."""
        await self._connected.client.stopService()

    # The actions.

    def _connect(self) -> None:
        self._connected.client.startService()

    def _disconnect(self) -> None:
        self._connected.client.disconnect()

    def _connect_again(self) -> None:
        self._connected.client.connect()

    def _send(self, name: str, document: str, variables: Any = None) -> None:
        self._outcomes[name] = PENDING
        if document.startswith("subscription"):
            self._subscribe(name, document, variables)
            return
        is_mutation = document.startswith("mutation")
        send = self._absinthe.mutate if is_mutation else self._absinthe.query
        self._note(name, send(document, variables))

    def _subscribe(self, name: str, document: str, variables: Any) -> None:
        heard = self._heard[name] = []
        subscription = self._absinthe.subscribe(document, variables)
        subscription.on_result(lambda data: heard.append({"data": data}))
        subscription.on_error(lambda error: heard.append(result_of(error)))
        subscription.on_close(lambda reason: self._closed(name, reason))
        self._subscriptions[name] = subscription

    def _closed(self, name: str, reason: object) -> None:
        if isinstance(reason, Exception):
            self._outcomes[name] = end_of(reason)

    def _cancel(self, name: str) -> None:
        self._note(name, self._subscriptions[name].unsubscribe(), "cancelled")

    # How they end.

    def _note(self, name: str, doing: Deferred[Any], word: str | None = None) -> None:
        doing.addCallbacks(lambda it: [word] if word else ["ok", it], ended)
        doing.addCallback(lambda it: self._outcomes.__setitem__(name, it))


def ended(failure: Failure) -> list[Any]:
    """How an operation has ended that has failed."""
    failure.trap(PhoenixError)
    error: Any = failure.value
    return end_of(error)


def end_of(error: BaseException) -> list[Any]:
    """A word, and what there is to say of an error."""
    if not isinstance(error, GraphQLError):
        return ["failed", type(error).__name__]
    if error.data is None:
        return ["failed", str(error)]
    return ["errors", result_of(error)]


def result_of(error: BaseException) -> dict[str, Any]:
    """A result with errors, as the server has sent it."""
    if not isinstance(error, GraphQLError):
        return {"failed": type(error).__name__}
    return {"data": error.data, "errors": error.errors}
