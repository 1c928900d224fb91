"""A client of Absinthe and its server in memory, for tests."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient
from txphoenix.absinthe import AbsintheClient, Subscription
from txphoenix.absinthe.testing import MemoryAbsintheServer
from txphoenix.backoff import steps
from txphoenix.testing import EchoChannel

TICKS = "subscription Ticks($room: ID) { ticked(room: $room) }"


class AbsintheCase(SynchronousTestCase):
    """A started client; nothing is sent before the test has it sent."""

    options: dict[str, Any] = {}

    def setUp(self) -> None:
        """Make a server with a field of each kind, and a client of it."""
        self.server = MemoryAbsintheServer(channels={"echo:*": EchoChannel})
        self.schema = self.server.schema
        self.schema.query("user", lambda variables: {"id": variables.get("id")})
        self.schema.mutation("rename", lambda variables: variables["name"])
        self.schema.subscription("ticked")
        self.client = SocketClient(
            self.server.url,
            endpoint=self.server.endpoint,
            reactor=self.server.clock,
            backoff=steps([0.1]),
            rejoin_backoff=steps([0.1]),
            **self.options,
        )
        self.client.startService()
        self.absinthe = AbsintheClient(self.client)
        self.addCleanup(self.end)

    def end(self) -> None:
        """Stop the client; after that nothing of it is left on the clock."""
        stopped = self.client.stopService()
        self.server.flush()
        self.successResultOf(stopped)
        self.server.stop()
        self.server.flush()
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def subscribed(self, **options: Any) -> Subscription:
        """A subscription that the server has taken."""
        subscription = self.absinthe.subscribe(TICKS, **options)
        self.server.flush()
        self.assertIs(self.now(subscription.when_subscribed()), subscription)
        return subscription

    def publish(self, *values: Any) -> None:
        """Have the server publish, and the client take it."""
        for value in values:
            self.schema.publish("ticked", value)
        self.server.flush()

    def now(self, deferred: Deferred[Any]) -> Any:
        """What a Deferred has fired with."""
        self.server.flush()
        return self.successResultOf(deferred)

    def error(self, deferred: Deferred[Any]) -> Any:
        """The error with which a Deferred has failed."""
        self.server.flush()
        return self.failureResultOf(deferred).value

    def lose(self) -> None:
        """Lose the connection, and be back."""
        self.server.drop()
        self.server.flush()
        self.server.advance(1)

    def ticks(self, subscription: Subscription, count: int) -> list[Any]:
        """The next results that wait for ``receive()``."""
        return [self.now(subscription.receive())["ticked"] for _ in range(count)]
