"""Tests of :mod:`txphoenix.transports.direct`."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConnectionFailed
from txphoenix.options.options import Options
from txphoenix.protocol.url import parse
from txphoenix.transports.direct import DirectEndpoint
from txphoenix.transports.endpoints import address_endpoint, is_direct
from txphoenix.transports.fast_tls import FastTLSTransport

from .network import TOPIC, NetworkTestCase, reactor


class ChoiceTests(SynchronousTestCase):
    """:func:`is_direct`."""

    def test_choice(self) -> None:
        """An address is dialled directly, unless something stands between."""
        for url, options, expected in (
            ("ws://127.0.0.1/s", {}, True),
            ("ws://[::1]:4000/s", {}, True),
            ("ws://[fe80::1%25eth0]/s", {}, True),
            ("ws://localhost/s", {}, False),
            ("ws://a1.example/s", {}, False),
            ("wss://127.0.0.1/s", {}, True),
            ("wss://localhost/s", {}, False),
            ("wss://127.0.0.1/s", {"proxy": "http://h"}, False),
            ("ws://127.0.0.1/s", {"proxy": "environment"}, False),
            ("ws://127.0.0.1/s", {"proxy": "http://h"}, False),
            ("ws://127.0.0.1/s", {"endpoint": "unix:/a"}, False),
        ):
            with self.subTest(url=url, options=options):
                made = Options.check(url, **cast(Any, options))
                self.assertIs(is_direct(parse(url), made), expected)


class SecureTests(SynchronousTestCase):
    """:func:`address_endpoint`."""

    def test_tls(self) -> None:
        """What reads the connection of an address is TLS itself."""
        for is_fast, kind in ((True, FastTLSTransport), (False, TLSMemoryBIOProtocol)):
            with self.subTest(is_fast=is_fast):
                reactor = MemoryReactorClock()
                url = "wss://127.0.0.1:4000/s"
                options = Options.check(url, fast_tls=is_fast)
                endpoint = address_endpoint(reactor, parse(url), options)
                connecting = endpoint.connect(Factory.forProtocol(Protocol))
                host, port, dialling, _, _ = reactor.tcpClients[-1]
                self.assertEqual((host, port), ("127.0.0.1", 4000))
                tls: Any = dialling.buildProtocol(IPv4Address("TCP", host, port))
                self.assertIsInstance(tls, kind)
                protocol = self.successResultOf(connecting)
                self.assertIs(protocol, tls.wrappedProtocol)


class DirectEndpointTests(SynchronousTestCase):
    """:class:`DirectEndpoint`, over a reactor in memory."""

    def setUp(self) -> None:
        """Have an endpoint."""
        self.reactor = MemoryReactorClock()
        self.factory = Factory.forProtocol(Protocol)
        self.endpoint = DirectEndpoint(self.reactor, "127.0.0.1", 4000, True)

    def connect(self) -> tuple[Deferred[Any], Any]:
        """Begin, and return what the reactor was given."""
        connecting = self.endpoint.connect(self.factory)
        host, port, dialling, timeout, _ = self.reactor.tcpClients[-1]
        self.assertEqual((host, port, timeout), ("127.0.0.1", 4000, None))
        self.reactor.connectors[-1].transport = self.transport = Switches()
        dialling.startedConnecting(self.reactor.connectors[-1])
        return connecting, dialling

    def test_connected(self) -> None:
        """The protocol is the factory's, and nothing is around it."""
        connecting, dialling = self.connect()
        protocol = dialling.buildProtocol(None)
        self.assertIs(self.successResultOf(connecting), protocol)
        self.assertIs(type(protocol), Protocol)
        self.assertEqual(self.transport.on, ["nodelay", "keepalive"])
        dialling.clientConnectionLost(None, Failure(ConnectionRefusedError()))
        self.assertIsNone(dialling._factory)
        self.assertIsNone(dialling._connector)

    def test_failed(self) -> None:
        """The error is the system's, and is told once."""
        connecting, dialling = self.connect()
        for _ in range(2):
            dialling.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
        self.failureResultOf(connecting, ConnectionRefusedError)

    def test_cancelled(self) -> None:
        """It is told to the reactor; what connects all the same is nobody's."""
        connecting, dialling = self.connect()
        connecting.cancel()
        self.failureResultOf(connecting, CancelledError)
        self.assertTrue(self.reactor.connectors[-1].stoppedConnecting)
        self.assertIsNone(dialling.buildProtocol(None))
        dialling.clientConnectionFailed(None, Failure(ConnectionRefusedError()))

    def test_factory_raises(self) -> None:
        """What the factory raises is the attempt's error."""
        connecting, dialling = self.connect()
        cast(Any, self.factory).buildProtocol = lambda addr: 1 / 0
        self.assertIsNone(dialling.buildProtocol(None))
        self.failureResultOf(connecting, ZeroDivisionError)


class Switches:
    """A transport whose options are noted."""

    def __init__(self) -> None:
        self.on: list[str] = []

    def setTcpNoDelay(self, on: bool) -> None:
        """Note it."""
        self.on.append("nodelay" if on else "")

    def setTcpKeepAlive(self, on: bool) -> None:
        """Note it."""
        self.on.append("keepalive" if on else "")


class DirectNetworkTests(NetworkTestCase):
    """Clients of a server at an address."""

    async def test_nothing_between(self) -> None:
        """The connection reads into the WebSocket itself."""
        server = await self.serve()
        client = self.client(server.url)
        await client.when_connected()
        await client.join(TOPIC)
        protocol: Any = client.connection.link.transport
        self.assertIs(protocol.transport.protocol, protocol)
        self.assertIsInstance(protocol.transport.getHandle(), socket.socket)

    async def test_refused(self) -> None:
        """A port at which nobody listens is told as before, with its URL."""
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        number = port.getHost().port
        await port.stopListening()
        client = self.client(
            f"ws://127.0.0.1:{number}/socket?token=s3cret", reconnect=False
        )
        error: Any = await self.failure_of(client.when_connected())
        self.assertIsInstance(error, ConnectionFailed)
        self.assertIsInstance(error.__cause__, ConnectionRefusedError)
        self.assertIn(f"127.0.0.1:{number}", error.url)
        self.assertNotIn("s3cret", error.url)
