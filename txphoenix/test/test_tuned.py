"""Tests of :mod:`txphoenix.transports.tuned`, over real sockets."""

from __future__ import annotations

import socket
from typing import Any
from unittest import skipIf

from twisted import version as twisted_version  # type: ignore[attr-defined]
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.tcp import Client, Server
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from txphoenix.client.socket_client import SocketClient
from txphoenix.testing import PhoenixServer
from txphoenix.testing.tls import self_signed
from txphoenix.transports.tuned import TunedEndpoint

from .network import NO_IPV6, TOPIC, FarSide, NetworkTestCase, Tunnel, reactor


def _is_far_side(protocol: Any) -> bool:
    # An endpoint wraps a protocol.
    return isinstance(getattr(protocol, "_wrappedProtocol", protocol), FarSide)


class TransportSocketTests(NetworkTestCase):
    """Each TCP connection that is opened, as the system sees it.

    :cvar transport: the option.
    """

    transport = "websocket"
    fast_http = True

    def sockets(self) -> list[socket.socket]:
        """Those that a client has opened, but for the far sides of a tunnel."""
        return [
            each.socket
            for each in reactor.getReaders()
            if isinstance(each, Client) and not _is_far_side(each.protocol)
        ]

    def options(self) -> set[tuple[bool, bool]]:
        """What each of them has: ``TCP_NODELAY``, and ``SO_KEEPALIVE``."""
        return {
            (
                bool(each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)),
                bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)),
            )
            for each in self.sockets()
        }

    async def assert_tuned(self, url: str, **options: Any) -> None:
        """A client's connections delay nothing, and are kept alive if asked for."""
        for keepalive in (False, True):
            client = self.client(
                url,
                transport=self.transport,
                fast_http=self.fast_http,
                keepalive=keepalive,
                **options,
            )
            _, channel = await client.join(TOPIC)
            # With long-poll a poll waits meanwhile, on a connection of its own.
            pushed = channel.push("echo", {"a": 1})
            self.assertEqual(self.options(), {(True, keepalive)})
            await pushed
            self.assertEqual(self.options(), {(True, keepalive)})
            await client.stopService()

    async def test_address(self) -> None:
        """By an address of IPv4."""
        server = await self.serve()
        await self.assert_tuned(server.url)

    async def test_ipv6(self) -> None:
        """By an address of IPv6."""
        server = await self.serve(interface="::1")
        await self.assert_tuned(server.url)

    test_ipv6.skip = NO_IPV6  # type: ignore[attr-defined]

    async def test_host_name(self) -> None:
        """By a name."""
        server = await self.serve()
        await self.assert_tuned(server.url.replace("127.0.0.1", "localhost"))

    async def test_endpoints(self) -> None:
        """By a description, by the user's own endpoint, and by a callable."""
        server = await self.serve()
        own = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)
        description = f"tcp:127.0.0.1:{server.port}"
        for endpoint in (description, own, lambda *_: own):
            await self.assert_tuned("ws://phoenix/socket", endpoint=endpoint)

    async def test_proxy(self) -> None:
        """Through an HTTP proxy."""
        server = await self.serve()
        port = await self.listen(Tunnel)
        await self.assert_tuned(server.url, proxy=f"http://127.0.0.1:{port}")

    async def secure(self) -> tuple[PhoenixServer, Any]:
        """A server with TLS, and what trusts it."""
        credentials = self_signed()
        server = await self.serve(tls=credentials.server)
        trust = optionsForClientTLS("localhost", trustRoot=credentials.trust_root)
        return server, trust

    async def test_tls(self) -> None:
        """Under TLS."""
        server, trust = await self.secure()
        url = server.url.replace("127.0.0.1", "localhost")
        await self.assert_tuned(url, tls=trust)

    async def test_tls_through_proxy(self) -> None:
        """Under TLS through an HTTP proxy."""
        server, trust = await self.secure()
        port = await self.listen(Tunnel)
        await self.assert_tuned(server.url, tls=trust, proxy=f"http://127.0.0.1:{port}")

    async def test_unix_socket(self) -> None:
        """A UNIX socket has no such options, and works."""
        server, path = await self.serve_unix()
        client = self.client(
            "ws://phoenix/socket",
            transport=self.transport,
            endpoint=f"unix:{path}",
            keepalive=True,
        )
        _, channel = await client.join(TOPIC)
        self.assertEqual(await channel.push("echo", {"a": 1}), {"a": 1})
        await client.stopService()
        server.drop()

    @skipIf(
        (twisted_version.major, twisted_version.minor) < (25, 5),
        "Twisted's HTTP server has Nagle's algorithm on in releases before 25.5",
    )
    async def test_kit(self) -> None:
        """The server kit delays nothing either, as Phoenix's servers do not."""
        server = await self.serve()
        client = self.client(server.url, transport=self.transport)
        await client.join(TOPIC)
        accepted = [each for each in reactor.getReaders() if isinstance(each, Server)]
        self.assertTrue(accepted)
        for each in accepted:
            self.assertTrue(each.getTcpNoDelay())
        await client.stopService()


class LongPollSocketTests(TransportSocketTests):
    """The same of the connections of long-poll."""

    transport = "longpoll"


class LongPollByTreqSocketTests(TransportSocketTests):
    """The same where the requests are treq's."""

    transport = "longpoll"
    fast_http = False


class FallbackSocketTests(NetworkTestCase):
    """The WebSocket of a client with a fallback."""

    async def test_fallback(self) -> None:
        """It is opened by the same means."""
        server = await self.serve()
        client: SocketClient = self.client(server.url, longpoll_fallback=5.0)
        await client.when_connected()
        for each in reactor.getReaders():
            if isinstance(each, Client):
                self.assertTrue(each.getTcpNoDelay())
        await client.stopService()


@implementer(IStreamClientEndpoint)
class Given:
    """An endpoint that has a transport, or a Deferred for its only answer."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def connect(self, protocolFactory: Any) -> Any:
        """Answer."""
        if isinstance(self.answer, Deferred):
            return self.answer
        protocol = protocolFactory.buildProtocol(None)
        protocol.transport = self.answer
        return succeed(protocol)


class Stubborn:
    """A transport that cannot be tuned."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Refuse."""
        raise NotImplementedError("not here")


class TunedEndpointTests(SynchronousTestCase):
    """What is not TCP is left as it is."""

    def connect(self, answer: Any) -> Any:
        """Connect to an endpoint that answers so."""
        factory = Factory.forProtocol(Protocol)
        return TunedEndpoint(Given(answer), True).connect(factory)

    def test_others(self) -> None:
        """A transport that cannot be tuned, or none, is a connection all the same."""
        for transport in (Stubborn(), object(), None):
            with self.subTest(transport=transport):
                connected = self.connect(transport)
                protocol = self.successResultOf(connected)
                self.assertIs(protocol.transport, transport)

    def test_failed(self) -> None:
        """A failure passes as it is."""
        refused = self.connect(fail(ConnectionRefusedError()))
        self.failureResultOf(refused, ConnectionRefusedError)
