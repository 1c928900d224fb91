"""txphoenix.absinthe, on a reactor of asyncio's."""

from __future__ import annotations

import asyncio
from typing import Any

from txphoenix import SocketClient
from txphoenix.absinthe import AbsintheClient, GraphQLError, Subscription

from .sides import Heard

__all__ = ["OurSide"]


class OurSide:
    """A client of ours.

    :param reactor: the reactor.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._client: SocketClient | None = None
        self._absinthe: Any = None
        self._subscriptions: dict[Heard, Subscription] = {}

    async def connect(self, url: str, **options: Any) -> None:
        """Connect."""
        more: dict[str, Any] = {}
        if "token" in options:
            more["params"] = lambda: {"token": options["token"]()}
        if "heartbeat" in options:
            interval = options["heartbeat"]
            more |= {"heartbeat_interval": interval, "heartbeat_timeout": interval}
        self._client = SocketClient(
            url,
            reactor=self._reactor,
            backoff=lambda _: 0.02,
            rejoin_backoff=lambda _: 0.02,
            **more,
        )
        self._client.startService()
        await _future(self._client.when_connected())
        self._absinthe = AbsintheClient(self._client)

    def subscribe(self, document: str, variables: Any = None) -> Heard:
        """Subscribe, with hooks that listen."""
        heard = Heard()
        subscription: Subscription = self._absinthe.subscribe(document, variables)
        self._subscriptions[heard] = subscription
        subscription.on_result(heard.results.append)
        subscription.on_close(lambda reason: _ended(heard, reason))
        return heard

    async def unsubscribe(self, heard: Heard) -> None:
        """End it."""
        await _future(self._subscriptions.pop(heard).unsubscribe())

    async def execute(self, document: str, variables: Any = None) -> Any:
        """Send it, as a mutation or a query."""
        is_mutation = document.startswith("mutation")
        send = self._absinthe.mutate if is_mutation else self._absinthe.query
        try:
            return await _future(send(document, variables))
        except GraphQLError as error:
            name = type(error).__name__
            return name if error.data is None else f"{name} with data"
        except Exception as error:
            return type(error).__name__

    async def close(self) -> None:
        """Stop the client."""
        if self._client is not None:
            await _future(self._client.stopService())


def _ended(heard: Heard, reason: object) -> None:
    is_error = isinstance(reason, BaseException)
    heard.end = type(reason).__name__ if is_error else str(reason)


def _future(deferred: Any) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = deferred.asFuture(asyncio.get_running_loop())
    return future
