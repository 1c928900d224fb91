"""Tests of ``transports/proxy.py``: the endpoint through an HTTP proxy."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import (
    MemoryReactorClock,
    StringTransportWithDisconnection,
)
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from txphoenix import SocketClient
from txphoenix.errors import ConnectionFailed
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.transports.proxy import HTTPConnectEndpoint


class Recorder(Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.received = b""
        self.lost: Failure | None = None

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        """Keep it."""
        self.lost = reason


class HTTPConnectEndpointTests(SynchronousTestCase):
    """The endpoint against a proxy whose answers the test writes."""

    def setUp(self) -> None:
        """Make a reactor in memory."""
        self.reactor = MemoryReactorClock()
        self.made: list[Recorder] = []

    def connect(
        self, host: str = "example.org", port: int = 443, auth: str | None = None
    ) -> Deferred[Any]:
        """Connect through the proxy at 127.0.0.1:3128."""
        endpoint = HTTPConnectEndpoint(
            TCP4ClientEndpoint(self.reactor, "127.0.0.1", 3128), host, port, auth
        )
        return endpoint.connect(Factory.forProtocol(self.make))

    def make(self) -> Recorder:
        """Make the protocol that talks to the server."""
        self.made.append(Recorder())
        return self.made[-1]

    def accept(self) -> tuple[Any, StringTransportWithDisconnection]:
        """Have the proxy accept the connection."""
        _, _, factory, _, _ = self.reactor.tcpClients[-1]
        tunnel: Any = factory.buildProtocol(None)
        transport = StringTransportWithDisconnection()
        transport.protocol = tunnel
        tunnel.makeConnection(transport)
        return tunnel, transport

    def test_request(self) -> None:
        """The proxy is asked for the host and port, with its authorization."""
        self.connect(auth="Basic dTpw")
        _, transport = self.accept()
        self.assertEqual(
            transport.value(),
            b"CONNECT example.org:443 HTTP/1.1\r\n"
            b"Host: example.org:443\r\n"
            b"Proxy-Authorization: Basic dTpw\r\n\r\n",
        )

    def test_retry_after(self) -> None:
        """A proxy that refuses may say when it wants to be asked again."""
        opening = self.connect()
        tunnel, _ = self.accept()
        tunnel.dataReceived(b"HTTP/1.1 503 Busy\r\nRetry-After: 30\r\n\r\n")
        error = self.failureResultOf(opening, ConnectionFailed).value
        self.assertEqual(error.retry_after, 30.0)

    def test_nothing_kept(self) -> None:
        """An open tunnel keeps neither the password nor the proxy's answer."""
        self.connect(auth="Basic dTpw")
        tunnel, _ = self.accept()
        tunnel.dataReceived(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n")
        self.assertEqual(len(self.made), 1)
        inner = tunnel._wrappedProtocol
        self.assertEqual((inner._request, inner._answer.begun), (b"", b""))
        self.assertIsNone(inner._authorization)

    def test_ipv6(self) -> None:
        """An IPv6 address stands in brackets."""
        self.connect("::1", 80)
        _, transport = self.accept()
        self.assertTrue(transport.value().startswith(b"CONNECT [::1]:80 HTTP/1.1\r\n"))

    def test_zone(self) -> None:
        """An address's zone is one of this machine, and not told to the proxy."""
        self.connect("fe80::1%eth0")
        _, transport = self.accept()
        self.assertEqual(
            transport.value(),
            b"CONNECT [fe80::1]:443 HTTP/1.1\r\nHost: [fe80::1]:443\r\n\r\n",
        )

    def test_final_dot(self) -> None:
        """The proxy looks the name up, and so is told of the dot that it ends in."""
        self.connect("svc.cluster.local.")
        _, transport = self.accept()
        self.assertIn(b"CONNECT svc.cluster.local.:443 HTTP/1.1\r\n", transport.value())

    def test_interim_answers(self) -> None:
        """Interim answers are skipped (RFC 9110 section 15.2), in whatever pieces."""
        connecting = self.connect()
        tunnel, _ = self.accept()
        answer = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n"
        for byte in answer + b"HTTP/1.1 200 OK\r\n\r\n":
            self.assertNoResult(connecting)
            tunnel.dataReceived(bytes([byte]))
        self.successResultOf(connecting)

    def test_opened(self) -> None:
        """At 200 the protocol is connected, and gets what follows the answer."""
        connecting = self.connect()
        tunnel, transport = self.accept()
        tunnel.dataReceived(b"HTTP/1.1 200 Connection est")
        self.assertNoResult(connecting)
        tunnel.dataReceived(b"ablished\r\nX: y\r\n\r\nhello")
        protocol = self.successResultOf(connecting)
        self.assertIs(protocol, self.made[0])
        tunnel.dataReceived(b" there")
        self.assertEqual(protocol.received, b"hello there")
        transport.clear()
        protocol.transport.write(b"hi")
        self.assertEqual(transport.value(), b"hi")
        transport.loseConnection()
        self.assertIsNotNone(protocol.lost)

    def check_refused(self, answer: bytes, said: str) -> None:
        """The answer fails the attempt with the text, and ends the connection."""
        connecting = self.connect()
        tunnel, transport = self.accept()
        tunnel.dataReceived(answer)
        failure = self.failureResultOf(connecting, ConnectionFailed)
        self.assertIn(said, str(failure.value))
        self.assertFalse(transport.connected)
        # What is still on its way is not for anybody.
        tunnel.dataReceived(b"more")
        self.assertEqual(self.made, [])

    def test_refused(self) -> None:
        """Any status but 2xx fails with the proxy's words."""
        self.check_refused(
            b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
            "the proxy refused: 407 Proxy Authentication Required",
        )

    def test_repeated_password(self) -> None:
        """A proxy that repeats what it was given is told of without the password."""
        for answer in (
            b"HTTP/1.1 407 not me:s3cret\r\n\r\n",
            b"HTTP/1.1 407 " + b"x" * 70 + b" bWU6czNjcmV0\r\n\r\n",
            b"what is bWU6czNjcmV0?\r\n\r\n",
        ):
            opening = self.connect(auth="Basic bWU6czNjcmV0")
            tunnel, _ = self.accept()
            tunnel.dataReceived(answer)
            error = self.failureResultOf(opening, ConnectionFailed).value
            self.assertNotIn("s3cret", str(error))
            self.assertNotIn("bWU6", str(error))

    def test_not_http(self) -> None:
        """An answer that is not HTTP fails, and says what came."""
        self.check_refused(b"SSH-2.0-x\r\n\r\n", "not HTTP: 'SSH-2.0-x'")

    def test_endless(self) -> None:
        """An answer without an end is not read for ever."""
        self.check_refused(b"HTTP/1.1 200 OK\r\n" + b"a" * 20_000, "bytes of headers")

    def test_endless_interim_answers(self) -> None:
        """Nor are answers that lead to nothing, by their number and by their bytes."""
        self.check_refused(
            b"HTTP/1.1 100 Continue\r\n\r\n" * 17, "more than 16 interim answers"
        )
        hint = b"HTTP/1.1 103 x\r\nLink: " + b"a" * 4000 + b"\r\n\r\n"
        self.check_refused(hint * 5 + b"HTTP", "bytes of headers")

    def test_refused_after_interim_answers(self) -> None:
        """The words that are told are those of the final answer."""
        self.check_refused(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\n\r\n",
            "the proxy refused: 403 No",
        )

    def test_hung_up(self) -> None:
        """A proxy that hangs up fails the attempt."""
        connecting = self.connect()
        _, transport = self.accept()
        transport.loseConnection()
        failure = self.failureResultOf(connecting, ConnectionFailed)
        self.assertIn("the proxy hung up", str(failure.value))

    def test_not_there(self) -> None:
        """A proxy that cannot be reached fails as its endpoint does."""
        connecting = self.connect()
        _, _, factory, _, _ = self.reactor.tcpClients[-1]
        factory.clientConnectionFailed(
            self.reactor.connectors[-1], Failure(ConnectionRefusedError())
        )
        self.failureResultOf(connecting, ConnectionRefusedError)

    def test_no_protocol(self) -> None:
        """A factory that makes no protocol fails the attempt."""
        self.make = lambda: None  # type: ignore[method-assign,assignment,return-value]
        endpoint = HTTPConnectEndpoint(
            TCP4ClientEndpoint(self.reactor, "127.0.0.1", 3128), "example.org", 443
        )
        factory = Factory()
        factory.buildProtocol = lambda addr: None  # type: ignore[method-assign]
        connecting = endpoint.connect(factory)
        tunnel, _ = self.accept()
        tunnel.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
        self.failureResultOf(connecting, ConnectionFailed)

    def test_protocol_raises(self) -> None:
        """What the factory or its protocol raises fails the Deferred."""

        class Raising(Recorder):
            def connectionMade(self) -> None:
                raise ZeroDivisionError

        def no_protocol() -> Any:
            raise ZeroDivisionError

        for make in (Raising, no_protocol):
            endpoint = HTTPConnectEndpoint(
                TCP4ClientEndpoint(self.reactor, "127.0.0.1", 3128), "host", 443
            )
            opened = endpoint.connect(Factory.forProtocol(make))
            tunnel, transport = self.accept()
            tunnel.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
            self.failureResultOf(opened, ZeroDivisionError)
            self.assertFalse(transport.connected)

    def test_cancelled_while_connecting(self) -> None:
        """Cancelling ends the connection to the proxy before it is there."""
        connecting = self.connect()
        connecting.cancel()
        self.failureResultOf(connecting)
        self.assertTrue(self.reactor.connectors[-1].stoppedConnecting)

    def test_cancelled_while_asking(self) -> None:
        """Cancelling ends the connection to the proxy that has not answered."""
        connecting = self.connect()
        _, transport = self.accept()
        connecting.cancel()
        self.failureResultOf(connecting, CancelledError)
        self.assertFalse(transport.connected)


class ForwardingProxy(Protocol):
    """A real HTTP proxy, as small as can be."""

    transport: Any
    asked: list[bytes]

    def connectionMade(self) -> None:
        """Wait for the request."""
        self.buffer = b""
        self.peer: Any = None

    def dataReceived(self, data: bytes) -> None:
        """Open the tunnel, then pass all on."""
        if self.peer is not None:
            self.peer.transport.write(data)
            return
        self.buffer += data
        if b"\r\n\r\n" not in self.buffer:
            return
        self.asked.append(self.buffer)
        host, _, port = self.buffer.split()[1].rpartition(b":")
        endpoint = TCP4ClientEndpoint(reactor, host.decode("ascii"), int(port))
        endpoint.connect(Factory.forProtocol(Upstream)).addCallback(self.opened)

    def opened(self, peer: Any) -> None:
        """Tell the client."""
        self.peer = peer
        peer.downstream = self
        self.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")

    def connectionLost(self, reason: Any = None) -> None:
        """Pass it on."""
        if self.peer is not None:
            self.peer.transport.loseConnection()


class Upstream(Protocol):
    """The proxy's connection to the server."""

    transport: Any
    downstream: Any

    def dataReceived(self, data: bytes) -> None:
        """Pass it on."""
        self.downstream.transport.write(data)

    def connectionLost(self, reason: Any = None) -> None:
        """Pass it on."""
        self.downstream.transport.loseConnection()


class ProxyOptionTests(PhoenixMixin, TestCase):
    """The option ``proxy`` over real TCP."""

    async def test_through_proxy(self) -> None:
        """A client with a proxy reaches its server through it, and only so."""
        asked: list[bytes] = []
        factory = Factory.forProtocol(ForwardingProxy)
        ForwardingProxy.asked = asked
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
            factory
        )
        self.addCleanup(port.stopListening)
        server = await self.phoenix_server()
        client = SocketClient(
            server.url, proxy=f"http://ann:secret@127.0.0.1:{port.getHost().port}"
        )
        client.startService()
        self.addCleanup(client.stopService)
        response, channel = await client.join("echo:a", {"k": 1})
        self.assertEqual(response, {"k": 1})
        self.assertEqual(await channel.push("echo", {"x": 1}), {"x": 1})
        credentials = b64encode(b"ann:secret")
        self.assertEqual(len(asked), 1)
        self.assertIn(b"CONNECT 127.0.0.1:%d HTTP/1.1" % server.port, asked[0])
        self.assertIn(b"Proxy-Authorization: Basic " + credentials, asked[0])
        await client.stopService()
