"""Tests of :mod:`txphoenix.testing.server`, over TCP."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, cast

from twisted.application.service import Application, IService
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from txphoenix.testing import PhoenixServer, ServerChannel, demo_channels
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.tls import self_signed

from .recorded_app import recorded_server
from .recordings import Closed, Happening
from .wire_client import WireClient

TARGET = "/socket/websocket?vsn=2.0.0"
HEARTBEAT = b'[null,"1","phoenix","heartbeat",{}]'


class NetworkClient(WireClient):
    """A client over TCP that tells when something has come."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Deferred[None]] = []

    def dataReceived(self, data: bytes) -> None:
        """Tell."""
        super().dataReceived(data)
        self._tell()

    def connectionLost(self, *args: Any) -> None:
        """Tell."""
        super().connectionLost(*args)
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    async def opened(self) -> None:
        """Wait for the answer to the handshake."""
        while not self.head and self.lost is None:
            await self._something()

    async def next(self) -> Happening:
        """Wait for the next frame or the end."""
        while not self.happenings:
            await self._something()
        return self.happenings.pop(0)

    async def ended(self) -> None:
        """Wait for the end."""
        while self.lost is None:
            await self._something()

    def _something(self) -> Deferred[None]:
        deferred: Deferred[None] = Deferred()
        self._waiting.append(deferred)
        return deferred


class ServerTests(PhoenixMixin, TestCase):
    """The server over TCP."""

    timeout = 120

    async def connect(self, server: PhoenixServer, tls: Any = None) -> NetworkClient:
        """A client with an open WebSocket."""
        endpoint: Any = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)
        if tls is not None:
            endpoint = wrapClientTLS(tls, endpoint)
        client: NetworkClient = await endpoint.connect(
            Factory.forProtocol(NetworkClient)
        )
        client.open(TARGET)
        await client.opened()
        self.assertIn(b" 101 ", client.head)
        return client

    async def answers(self, client: NetworkClient) -> None:
        """The client's heartbeat is answered."""
        client.send(HEARTBEAT)
        answer: Any = await client.next()
        self.assertIn(b'"phx_reply"', answer.data)

    async def test_urls(self) -> None:
        """The URLs have the port that it got."""
        server = await self.phoenix_server(path="/s")
        self.assertNotEqual(server.port, 0)
        self.assertEqual(server.url, f"ws://127.0.0.1:{server.port}/s")
        self.assertEqual(server.http_url, f"http://127.0.0.1:{server.port}/s")
        self.assertEqual(server.url_of("/b"), f"ws://127.0.0.1:{server.port}/b")

    def test_urls_of_ipv6(self) -> None:
        """An address of IPv6 is in brackets, and its zone as a URL has it."""
        for interface, host in (("::1", "[::1]"), ("fe80::1%lo", "[fe80::1%25lo]")):
            server = PhoenixServer({}, port=4000, interface=interface)
            self.assertEqual(server.url, f"ws://{host}:4000/socket")
            self.assertEqual(server.http_url, f"http://{host}:4000/socket")

    def test_urls_of_all_addresses(self) -> None:
        """A server that listens on all addresses is reached by the loopback's."""
        for interface, host in (
            ("", "127.0.0.1"),
            ("0.0.0.0", "127.0.0.1"),
            ("::", "[::1]"),
        ):
            server = PhoenixServer({}, port=4000, interface=interface)
            self.assertEqual(server.interface, interface)
            self.assertEqual(server.url, f"ws://{host}:4000/socket")
            self.assertEqual(server.http_url, f"http://{host}:4000/socket")

    async def test_conversation(self) -> None:
        """A client connects, joins and is heard."""
        server = await self.phoenix_server()
        client = await self.connect(server)
        client.send(b'["1","1","echo:a","phx_join",{}]')
        await client.next()
        self.assertEqual(len(server.channels("echo:a")), 1)
        await self.answers(client)
        client.send_close(1000)
        self.assertEqual(await client.next(), Closed("", 1000))

    async def test_stop_drains(self) -> None:
        """stop() closes with 1012, and fires when the connections are gone."""
        server = await self.phoenix_server()
        client = await self.connect(server)
        await server.stop()
        self.assertEqual(server.connections, [])
        self.assertEqual(await client.next(), Closed("", 1012))
        await client.ended()

    async def test_stop_drops(self) -> None:
        """stop(drain=False) ends connections without a close frame."""
        server = await self.phoenix_server()
        client = await self.connect(server)
        await server.stop(drain=False)
        self.assertEqual(await client.next(), Closed("", 1006))

    async def test_stop_while_held(self) -> None:
        """stop() waits close_timeout at most for a session that a join holds."""
        never: Deferred[Any] = Deferred()

        class Slow(ServerChannel):
            def join(self, params: Any) -> Awaitable[Any]:
                return never

        server = await self.phoenix_server({"t": Slow}, close_timeout=0.05)
        client = await self.connect(server)
        client.send(b'["1","1","t","phx_join",{}]')
        await server.when_received("phx_join")
        await server.stop()
        self.assertEqual(await client.next(), Closed("", 1006))
        self.assertTrue(never.called)

    async def test_stop_while_paused(self) -> None:
        """A paused server that stops says nothing."""
        server = await self.phoenix_server()
        client = await self.connect(server)
        server.pause()
        await server.stop()
        self.assertEqual(await client.next(), Closed("", 1006))

    async def test_stop_in_handshake(self) -> None:
        """stop() ends connections that have asked for nothing yet."""
        server = await self.phoenix_server()
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)
        client: Any = await endpoint.connect(Factory.forProtocol(NetworkClient))
        client.write(b"GET ")
        other = await self.connect(server)
        await self.answers(other)
        await server.stop()
        await client.ended()

    async def test_stop_without_start(self) -> None:
        """stop() before start() is nothing."""
        await PhoenixServer({}).stop()

    async def test_start_again(self) -> None:
        """A second start() says that there was one, and the server goes on."""
        server = await self.phoenix_server()
        with self.assertRaises(RuntimeError) as caught:
            await server.start()
        self.assertEqual(
            str(caught.exception),
            f"the server has been started, and listens on port {server.port}: "
            "stop() it before another start(), or restart() it",
        )
        server.startService()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        await self.answers(await self.connect(server))

    async def test_start_while_stopping(self) -> None:
        """A start() before stop() has fired says so; after it the port is the same."""
        server = await self.phoenix_server()
        port = server.port
        stops = [server.stop(), server.stop()]
        with self.assertRaisesRegex(RuntimeError, "the server is stopping: start"):
            await server.start()
        self.assertFalse(server.running)
        for stop in stops:
            await stop
        await server.start()
        self.assertEqual(server.port, port)
        await self.answers(await self.connect(server))

    async def test_restart(self) -> None:
        """restart() comes back on the same port, and takes clients again."""
        server = await self.phoenix_server()
        port = server.port
        client = await self.connect(server)
        self.assertIs(await server.restart(), server)
        self.assertEqual(server.port, port)
        self.assertEqual(await client.next(), Closed("", 1012))
        await self.answers(await self.connect(server))
        await server.restart(drain=False)
        await self.answers(await self.connect(server))

    async def test_port_in_use(self) -> None:
        """start() fails if the port is taken."""
        server = await self.phoenix_server()
        second = PhoenixServer({}, port=server.port)
        with self.assertRaises(CannotListenError):
            await second.start()

    async def test_service(self) -> None:
        """It is a service: it starts and stops with an application."""
        application: Any = Application("test")
        server = PhoenixServer(demo_channels())
        server.setServiceParent(application)
        service = IService(application)
        service.startService()
        await self.answers(await self.connect(server))
        await service.stopService()
        self.assertEqual(server.connections, [])

    async def test_service_that_cannot_listen(self) -> None:
        """As a service it logs why it cannot listen."""
        server = await self.phoenix_server()
        second = PhoenixServer({}, port=server.port)
        second.startService()
        self.assertEqual(len(self.flushLoggedErrors(CannotListenError)), 1)
        await second.stopService()

    async def test_tls(self) -> None:
        """With tls it speaks wss, and a client can verify it."""
        credentials = self_signed()
        server = PhoenixServer(demo_channels(), tls=credentials.server)
        await server.start()
        self.addCleanup(server.stop)
        self.assertTrue(server.url.startswith("wss://127.0.0.1:"))
        self.assertTrue(server.http_url.startswith("https://127.0.0.1:"))
        for host in ("localhost", "127.0.0.1"):
            tls = optionsForClientTLS(host, trustRoot=credentials.trust_root)
            client = await self.connect(server, tls)
            await self.answers(client)
            session = server.connections[-1]
            self.assertTrue(session.socket.uri.startswith("https://"))
            client.send_close(1000)
            await client.ended()

    async def test_flood_is_held_back(self) -> None:
        """A client that does not read pauses a throttled flood; reading ends it."""
        server = recorded_server()
        await server.start()
        self.addCleanup(server.stop)
        client = await self.connect(server)
        client.send(b'["1","1","bench:a","phx_join",{}]')
        await client.next()
        transport: Any = client.transport
        transport.pauseProducing()
        count = 2_000
        client.send(b'["1","2","bench:a","flood",{"n":%d,"size":10000}]' % count)
        await server.when_received("flood")
        # It is told before the message is handled, which happens in the same turn.
        await deferLater(cast(Any, reactor), 0)
        [session] = server.connections
        self.assertFalse(session.when_writable().called)
        transport.resumeProducing()
        for i in range(count):
            frame: Any = await client.next()
            self.assertIn(b'"i":%d,' % i, frame.data)
        done: Any = await client.next()
        self.assertIn(b'"n":%d' % count, done.data)
