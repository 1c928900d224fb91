"""Tests of :mod:`txphoenix.transports.tls_creator`: the option ``tls`` goes wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar

from OpenSSL import SSL
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionFailed
from txphoenix.testing.tls import self_signed
from txphoenix.transports.tls_creator import guarded

from .network import NetworkTestCase, Tunnel


@implementer(IOpenSSLClientConnectionCreator)
class Odd:
    """Makes whatever a function returns."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Make it."""
        return self.make()


def raises(error: BaseException) -> Callable[[], Any]:
    """What raises an error."""

    def make() -> Any:
        raise error

    return make


class Keeper(Protocol):
    """A server that keeps what it is told."""

    told: ClassVar[list[bytes]] = []

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.told.append(data)


class GuardedTLSTests(NetworkTestCase):
    """An attempt ends at once with an error that names the cause, on every way."""

    is_fast = True

    def client(self, url: Any, **options: Any) -> SocketClient:
        """A client with one of the two kinds of TLS."""
        return super().client(url, **{"fast_tls": self.is_fast, **options})

    def setUp(self) -> None:
        """Have a socket, which is none of the client's."""
        super().setUp()
        self.errors: list[BaseException] = [
            ZeroDivisionError("oops"),
            SystemExit("oops"),
            asyncio.CancelledError("oops"),
        ]
        other = socket.socket()
        self.addCleanup(other.close)
        context = SSL.Context(SSL.TLS_METHOD)
        self.cases: list[tuple[Callable[[], Any], str]] = [
            *((raises(error), "tls raised") for error in self.errors),
            (lambda: None, "not a value of type NoneType"),
            (object, "not a value of type object"),
            (lambda: SSL.Connection(context, other), "not one that has a socket"),
        ]

    async def assert_told(self, **options: Any) -> None:
        """Each fault ends the attempt, and the server hears nothing."""
        Keeper.told.clear()
        port = await self.listen(Keeper)
        for transport in ("websocket", "longpoll"):
            for make, words in self.cases:
                with self.subTest(transport=transport, words=words):
                    client = self.client(
                        f"wss://127.0.0.1:{port}/socket",
                        transport=transport,
                        tls=Odd(make),
                        reconnect=False,
                        connect_timeout=3600,
                        **options,
                    )
                    error = await self.failure_of(client.when_connected())
                    self.assertIs(type(error), ConnectionFailed)
                    self.assertIn("TLS: the option tls", str(error))
                    self.assertIn(words, str(error))
                    await client.stopService()
                    await self.assert_nothing_held()
        self.assertEqual(Keeper.told, [])
        for raised in self.errors:
            self.assertEqual(len(self.flushLoggedErrors(type(raised))), 2)

    async def test_direct(self) -> None:
        """Straight to the server."""
        await self.assert_told()

    async def test_proxy(self) -> None:
        """Through a proxy."""
        port = await self.listen(Tunnel)
        await self.assert_told(proxy=f"http://127.0.0.1:{port}")

    async def test_endpoint(self) -> None:
        """In an endpoint of the user's, which was given it."""

        def endpoint(reactor: Any, host: str, port: int, tls: Any) -> Any:
            return wrapClientTLS(tls, TCP4ClientEndpoint(reactor, host, port))

        await self.assert_told(endpoint=endpoint)

    async def test_good(self) -> None:
        """One that works is used as it is."""
        credentials = self_signed()
        server = await self.serve(tls=credentials.server)
        good = optionsForClientTLS("127.0.0.1", trustRoot=credentials.trust_root)
        for transport in ("websocket", "longpoll"):
            protocols: list[Any] = []

            @implementer(IOpenSSLClientConnectionCreator)
            class Own:
                def clientConnectionForTLS(
                    self, tlsProtocol: Any, protocols: list[Any] = protocols
                ) -> Any:
                    protocols.append(tlsProtocol)
                    return good.clientConnectionForTLS(tlsProtocol)

            client = self.client(server.url, transport=transport, tls=Own())
            await client.when_connected()
            self.assertTrue(protocols)
            await client.stopService()


class StockTLSTests(GuardedTLSTests):
    """So it is with Twisted's own TLS."""

    is_fast = False


class CopyTests(SynchronousTestCase):
    """What a callable is handed as its tls."""

    def test_copied(self) -> None:
        """It can be copied, and still does what the user's object does."""
        other = copy(guarded(Odd(lambda: None)))
        failed = self.assertRaises(
            SSL.Error, other.clientConnectionForTLS(None).do_handshake
        )
        self.assertIn("not a value of type NoneType", str(failed))
