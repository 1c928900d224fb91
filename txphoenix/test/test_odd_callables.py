"""What callables of the user's return or raise that nobody would expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from zope.interface import implementer

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError, ConnectTimeout
from txphoenix.runtime.deadlines import Deadlines

from .network import NetworkTestCase, reactor

TRANSPORTS: tuple[dict[str, Any], ...] = (
    {},
    {"transport": "longpoll"},
    {"longpoll_fallback": 10.0},
)


class NamelessError(Exception):
    """An error that cannot be told of."""

    def __str__(self) -> str:
        raise SystemExit("told")

    __repr__ = __str__


def never() -> Deferred[Any]:
    """A Deferred that does not fire, and does not let itself be cancelled."""

    def cancel(_deferred: Deferred[Any]) -> None:
        raise ZeroDivisionError("cancelled")

    return Deferred(cancel)


@implementer(IStreamClientEndpoint)
class NeverEndpoint:
    """An endpoint that neither connects nor gives up."""

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Do nothing."""
        return never()


class UncancellableTests(NetworkTestCase):
    """Decision 4: an attempt can be given up whatever it waits for."""

    async def each(self, make: Callable[[str, bool], dict[str, Any]]) -> None:
        """An attempt ends in its time, and at a stop, and another one works.

        :param make: makes options; of a server's URL, and whether they are to be odd.
        """
        server = await self.serve()
        for options in TRANSPORTS:
            with self.subTest(options=options):
                client = SocketClient(
                    **{**make(server.url, True), **options},
                    connect_timeout=0.05,
                    reconnect=False,
                )
                self.addCleanup(client.stopService)
                client.startService()
                error = await self.failure_of(client.when_connected())
                self.assertIsInstance(error, ConnectTimeout)
                # Not from inside of what tells of the failure, which has a delay.
                await self.sleep(0)
                client.reconfigure(connect_timeout=10)
                client.connect()
                self.assertEqual(client.status, "connecting")
                await client.stopService()
                self.assertFalse(client.connection.is_wanted)
                client.reconfigure(**make(server.url, False))
                client.connect()
                await client.when_connected()
                await client.stopService()
                self.assertEqual(len(Deadlines.of(reactor)), 0)
                # The fallback has two transports to give up where one attempt ends.
                told = self.flushLoggedErrors(ZeroDivisionError)
                self.assertIn(len(told), (2, 3))

    async def test_params(self) -> None:
        """It waits for params."""
        await self.each(
            lambda url, is_odd: {"url": url, "params": never if is_odd else {}}
        )

    async def test_endpoint(self) -> None:
        """It waits for the user's endpoint."""
        await self.each(
            lambda url, is_odd: {
                "url": url,
                "endpoint": NeverEndpoint() if is_odd else None,
            }
        )


class NamelessTests(NetworkTestCase):
    """Decision 8: an error that cannot even be told of wedges nothing."""

    async def test_endpoint(self) -> None:
        """It is raised where an endpoint is made."""
        server = await self.serve()
        for options in TRANSPORTS:
            with self.subTest(options=options):
                calls: list[int] = []

                def endpoint(
                    _reactor: Any,
                    host: str,
                    port: int,
                    _tls: Any,
                    calls: list[int] = calls,
                ) -> Any:
                    calls.append(port)
                    if len(calls) <= 2:
                        raise NamelessError
                    return TCP4ClientEndpoint(reactor, host, port)

                client = self.client(server.url, endpoint=endpoint, **options)
                await client.when_connected()
                await client.stopService()

    def test_transport(self) -> None:
        """What is no connector is refused as such where it is made."""
        values: tuple[Any, ...] = (None, "websocket", Deferred())
        for made in values:
            error = self.assertRaises(
                ConfigurationError,
                SocketClient,
                "ws://127.0.0.1/socket",
                transport=lambda *_, made=made: made,
            )
            self.assertIn(type(made).__name__, str(error))
