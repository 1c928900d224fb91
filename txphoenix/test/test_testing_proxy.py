"""Tests of :mod:`txphoenix.testing.proxy`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from txphoenix import SocketClient
from txphoenix.testing import PhoenixServer, ServerChannel
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.proxy import FaultProxy

from .network import NO_IPV6


class Peer(Protocol):
    """Either end: keeps what it reads, and waits for it."""

    def __init__(self, made: Callable[[Peer], None] = lambda peer: None) -> None:
        self._made = made
        self.reads: list[bytes] = []
        self.lost: Failure | None = None
        self._waiting: list[Deferred[None]] = []

    def connectionMade(self) -> None:
        """Tell."""
        self._made(self)

    @property
    def received(self) -> bytes:
        """All that was read."""
        return b"".join(self.reads)

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.reads.append(data)
        self._tell()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Keep the reason."""
        self.lost = reason
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    async def until(self, received: bytes) -> None:
        """Wait until that has come."""
        # Not joined at each read: of many megabytes that would take seconds.
        while sum(map(len, self.reads)) < len(received):
            await self._something()
        if self.received != received:
            raise AssertionError(f"expected {received!r}, got {self.received!r}")

    async def ended(self) -> Any:
        """Wait for the end.

        :return: the type of its reason.
        """
        while self.lost is None:
            await self._something()
        return self.lost.type

    def _something(self) -> Deferred[None]:
        deferred: Deferred[None] = Deferred()
        self._waiting.append(deferred)
        return deferred


@implementer(IHalfCloseableProtocol)
class StayingPeer(Peer):
    """An end that may still write when it has read all."""

    def connectionMade(self) -> None:
        """Begin."""
        self.read_ended: Deferred[None] = Deferred()
        super().connectionMade()

    def readConnectionLost(self) -> None:
        """Nothing more will come."""
        self.read_ended.callback(None)

    def writeConnectionLost(self) -> None:
        """Nothing more can be written."""


class ProxyTests(TestCase):
    """What goes wrong, goes wrong as told."""

    timeout = 120

    async def serve(self) -> FaultProxy:
        """A server, and a proxy before it."""
        self.waiting: Deferred[Peer] = Deferred()
        factory = Factory.forProtocol(lambda: Peer(self.accepted_by_server))
        factory.noisy = False
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        listening: Any = await endpoint.listen(factory)
        self.addCleanup(listening.stopListening)
        self.listening = listening
        self.proxy = await FaultProxy(listening.getHost().port).start()
        self.addCleanup(self.proxy.stop)
        return self.proxy

    def accepted_by_server(self, peer: Peer) -> None:
        """A connection has come as far as the server."""
        waiting, self.waiting = self.waiting, Deferred()
        waiting.callback(peer)

    async def connect(self, wait: bool = True, stays: bool = False) -> tuple[Any, Any]:
        """A client's end and the server's end of a connection by the proxy.

        :param stays: whether the client stays when it has read all.
        """
        accepted = self.waiting
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.proxy.port)
        made = Factory.forProtocol(StayingPeer if stays else Peer)
        client: Any = await endpoint.connect(made)
        self.addCleanup(client.transport.abortConnection)
        return client, (await accepted if wait else None)

    async def test_half_close_to_client(self) -> None:
        """The client is told of an end, and what it still says is passed on."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_client.half_close()
        # Before its end is told: nothing has been read in between.
        client.transport.write(b"last words")
        await server.until(b"last words")
        server.transport.write(b"not passed on")
        self.assertIs(await client.ended(), ConnectionDone)
        self.assertEqual(client.received, b"")
        self.assertIs(await server.ended(), ConnectionDone)
        self.assertEqual(proxy.connections, 0)

    async def test_half_close_to_server(self) -> None:
        """The same for the server, of which what is held back is lost."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_server.hold()
        client.transport.write(b"held back")
        proxy.to_server.half_close()
        server.transport.write(b"last words")
        await client.until(b"last words")
        self.assertIs(await server.ended(), ConnectionDone)
        self.assertEqual(server.received, b"")
        self.assertIs(await client.ended(), ConnectionDone)

    async def test_half_close_and_end(self) -> None:
        """A client that stays for the other direction is let go of with the server."""
        proxy = await self.serve()
        client, server = await self.connect(stays=True)
        proxy.to_client.half_close()
        await client.read_ended
        self.assertIsNone(client.lost)
        gone: Deferred[None] = Deferred()
        lost = proxy._link_lost

        def link_lost(link: Any) -> None:
            lost(link)
            if not gone.called:
                gone.callback(None)

        self.patch(proxy, "_link_lost", link_lost)
        server.transport.loseConnection()
        # An error of the proxy is logged, and fails the test.
        await gone
        self.assertEqual(proxy.connections, 0)

    async def test_half_close_of_one_who_is_gone(self) -> None:
        """Who has gone while all is held back is told of nothing."""
        proxy = await self.serve()
        client, _ = await self.connect()
        proxy.to_server.hold()
        (pipe,) = proxy.to_server.pipes
        gone: Deferred[None] = Deferred()
        self.patch(pipe, "feed", gone.callback)
        client.transport.loseConnection()
        await gone
        proxy.to_client.half_close()
        self.assertEqual(proxy.connections, 1)

    async def test_passes_on(self) -> None:
        """Untouched it passes on bytes and ends, in both directions."""
        proxy = await self.serve()
        client, server = await self.connect()
        client.transport.write(b"to the server")
        await server.until(b"to the server")
        server.transport.write(b"to the client")
        await client.until(b"to the client")
        self.assertEqual((proxy.connections, proxy.connections_made), (1, 1))
        client.transport.loseConnection()
        self.assertIs(await server.ended(), ConnectionDone)
        client, server = await self.connect()
        server.transport.loseConnection()
        self.assertIs(await client.ended(), ConnectionDone)

    async def test_cut(self) -> None:
        """A cut ends both sides, in good order or by a reset."""
        proxy = await self.serve()
        for reset, reason in ((False, ConnectionDone), (True, ConnectionLost)):
            client, server = await self.connect()
            client.transport.write(b"here")
            await server.until(b"here")
            self.assertEqual(proxy.cut(reset=reset), 1)
            self.assertEqual(
                (await client.ended(), await server.ended()), (reason, reason)
            )

    async def test_rate(self) -> None:
        """Bytes pass no faster than told, and the sender is held up."""
        proxy = await self.serve()
        proxy.to_server.rate = 2_000_000
        client, server = await self.connect()
        data = bytes(range(256)) * 2000
        began = cast(Any, reactor).seconds()
        client.transport.write(data)
        await server.until(data)
        self.assertGreater(cast(Any, reactor).seconds() - began, len(data) / 2_100_000)
        # At most what one read brings was on its way here at any time.
        self.assertLessEqual(max(map(len, server.reads)), 2**16)
        server.transport.write(b"done")
        await client.until(b"done")

    async def test_stall(self) -> None:
        """Nothing is read any more, and so the sender is stuck; it can be released."""
        proxy = await self.serve()
        client, server = await self.connect()
        client.transport.write(b"1")
        await server.until(b"1")
        proxy.to_server.stall()
        data = b"x" * 20_000_000
        client.transport.write(data)
        server.transport.write(b"the other way")
        await client.until(b"the other way")
        self.assertEqual(server.received, b"1")
        transport = client.transport
        self.assertTrue(transport.dataBuffer or transport._tempDataBuffer)
        proxy.to_server.release()
        await server.until(b"1" + data)

    async def test_hold(self) -> None:
        """A held direction passes on neither bytes nor the end, until released."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_client.hold()
        server.transport.write(b"held")
        client.transport.write(b"passed")
        await server.until(b"passed")
        server.transport.loseConnection()
        await server.ended()
        self.assertEqual((client.received, client.lost), (b"", None))
        proxy.to_client.release()
        await client.until(b"held")
        await client.ended()

    async def test_delay(self) -> None:
        """A delayed direction passes on late, and in order."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_server.delay = 0.05
        before = proxy.reactor.seconds()
        client.transport.write(b"a")
        client.transport.write(b"b")
        await server.until(b"ab")
        self.assertGreaterEqual(proxy.reactor.seconds() - before, 0.049)

    async def test_segments(self) -> None:
        """A segmented direction passes on a few bytes in one turn."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_server.segment_size = 3
        client.transport.write(b"0123456789")
        await server.until(b"0123456789")
        self.assertGreater(len(server.reads), 1)

    async def test_cut_after(self) -> None:
        """After so many bytes the connection ends."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_server.cut_after = 5
        client.transport.write(b"012")
        await server.until(b"012")
        client.transport.write(b"3456")
        await server.until(b"01234")
        await server.ended()
        await client.ended()

    async def test_change(self) -> None:
        """Bytes can be changed on their way."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_client.change = bytes.upper
        server.transport.write(b"abc")
        await client.until(b"ABC")

    async def test_inject(self) -> None:
        """Bytes of one's own can be sent, even if the direction is held."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_client.hold()
        proxy.to_client.inject(b"mine")
        await client.until(b"mine")
        self.assertIsNone(server.lost)

    async def test_refuse(self) -> None:
        """A refusing proxy accepts nobody, keeps who is there, and comes back."""
        proxy = await self.serve()
        client, server = await self.connect()
        port = proxy.port
        await proxy.refuse()
        with self.assertRaises(ConnectError):
            await self.connect()
        client.transport.write(b"still here")
        await server.until(b"still here")
        self.assertIs(await proxy.start(), proxy)
        self.assertIs(await proxy.start(), proxy)
        self.assertEqual(proxy.port, port)
        await self.connect()

    async def test_no_server(self) -> None:
        """A client that cannot be passed on is reset."""
        await self.serve()
        await self.listening.stopListening()
        client, _ = await self.connect(wait=False)
        await client.ended()

    async def test_stop(self) -> None:
        """stop() leaves nothing: no port, no connection, no timer."""
        proxy = await self.serve()
        client, server = await self.connect()
        proxy.to_server.delay = 100.0
        client.transport.write(b"late")
        proxy.to_server.segment_size = 1
        await proxy.stop()
        await client.ended()
        await server.ended()
        await proxy.stop()
        self.assertEqual(proxy.connections, 0)

    async def test_client_goes_at_once(self) -> None:
        """A client that goes before the server is there leaves nothing."""
        proxy = await self.serve()
        client, _ = await self.connect(wait=False)
        proxy.to_server.inject(b"nowhere to go yet")
        client.transport.abortConnection()
        await client.ended()
        await proxy.stop()
        self.assertEqual(proxy.connections, 0)

    def test_url(self) -> None:
        """A URL leads by way of the proxy, and nothing else of it changes."""
        proxy = FaultProxy(40, Clock())
        proxy.port = 5000
        for url, changed in (
            ("ws://127.0.0.1:40/socket", "ws://127.0.0.1:5000/socket"),
            ("wss://[::40]:40?a=:40", "wss://[::40]:5000?a=:40"),
            ("http://localhost:40", "http://localhost:5000"),
            ("ws://127.0.0.1:4000/socket:40", "ws://127.0.0.1:4000/socket:40"),
        ):
            self.assertEqual(proxy.url(url), changed)


class MixinTests(PhoenixMixin, TestCase):
    """The mixin's proxy."""

    timeout = 120

    async def test_proxy(self) -> None:
        """It stands before the server, and stops with the test."""
        server = await self.phoenix_server({"t": ServerChannel})
        proxy = await self.phoenix_proxy(server)
        self.assertIn(f":{proxy.port}/", proxy.url(server.url))

    async def test_ipv6(self) -> None:
        """It is where the server is, by IPv6 too."""
        server = PhoenixServer({}, interface="::1")
        await server.start()
        self.addCleanup(server.stop, drain=False)
        proxy = await self.phoenix_proxy(server)
        client = SocketClient(proxy.url(server.url))
        client.startService()
        self.addCleanup(client.stopService)
        await client.when_connected()
        self.assertEqual(proxy.connections_made, 1)

    test_ipv6.skip = NO_IPV6  # type: ignore[attr-defined]
