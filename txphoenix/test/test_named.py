"""What cannot be reached is named: the server, its proxy, or the endpoint."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from txphoenix.errors import ConnectionFailed, ConnectTimeout, JoinTimeout, NotConnected
from txphoenix.transports.named import NamedEndpoint, endpoint_name

from .network import TOPIC, NetworkTestCase, reactor

SECRET = "s3cret"


@implementer(IStreamClientEndpoint)
class Given:
    """An endpoint that is one Deferred."""

    def __init__(self, connecting: Deferred[Any]) -> None:
        self.connecting = connecting

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Connect, or not."""
        return self.connecting


@implementer(IStreamClientEndpoint)
class Mute:
    """An endpoint that never connects."""

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Wait."""
        return Deferred()


class NamedEndpointTests(SynchronousTestCase):
    """The endpoint in memory."""

    def connect(self, connecting: Deferred[Any]) -> Deferred[Any]:
        """Connect, as the end of the world."""
        return NamedEndpoint(Given(connecting), "the end").connect(Factory())

    def test_named(self) -> None:
        """What the endpoint says has the name before it, and is the cause."""
        cause = OSError("no route")
        error = self.failureResultOf(self.connect(fail(cause)), ConnectionFailed).value
        self.assertEqual(str(error), "the end: OSError: no route")
        self.assertIs(cast(Any, error).__cause__, cause)

    def test_others(self) -> None:
        """An error of ours, a cancellation and a success are left as they are."""
        ours = NotConnected()
        self.assertIs(self.failureResultOf(self.connect(fail(ours))).value, ours)
        connecting = self.connect(Deferred())
        connecting.cancel()
        self.failureResultOf(connecting, CancelledError)
        made: Deferred[Any] = Deferred()
        connecting = self.connect(made)
        made.callback(self)
        self.assertIs(self.successResultOf(connecting), self)

    def test_names(self) -> None:
        """An endpoint has the name of its kind, and an address that is no secret."""
        named = (
            ("tcp:host=localhost:port=1", "the endpoint tcp:host=localhost:port=1"),
            ("unix:/run/x", "the endpoint unix:/run/x"),
            (f"socks:me:{SECRET}", "the endpoint socks:..."),
            (TCP4ClientEndpoint(reactor, "h", 1), "the endpoint TCP4ClientEndpoint"),
            ("tcp:\x1b[2J:1", "the endpoint tcp:\\x1b[2J:1"),
        )
        for given, name in named:
            self.assertEqual(endpoint_name(given), name)


class DownTests(NetworkTestCase):
    """What the error and the log say where nobody listens, over real TCP."""

    async def closed_port(self) -> int:
        """A port on which nobody listens."""
        server = await self.serve()
        port = server.port
        await server.stop()
        return port

    async def error_of(self, url: str, **options: Any) -> ConnectionFailed:
        """What the first attempt fails with."""
        client = self.client(url, **options)
        error = await self.failure_of(client.when_connected(1))
        self.assertIsInstance(error, ConnectionFailed)
        join = await self.failure_of(client.join(TOPIC, timeout=0.01))
        self.assertIsInstance(join, JoinTimeout)
        self.assertIn(str(error), str(join))
        await client.stopService()
        return cast(ConnectionFailed, error)

    async def test_server(self) -> None:
        """A server that is down is named by the URL, the secrets cut out."""
        port = await self.closed_port()
        for transport in ("websocket", "longpoll"):
            error = await self.error_of(
                f"ws://127.0.0.1:{port}/socket",
                params={"token": SECRET},
                transport=transport,
            )
            self.assertIn("Connection refused", str(error))
            self.assertIn(f"//127.0.0.1:{port}/socket/{transport}?token=[", str(error))
            self.assertNotIn(SECRET, str(error))
            self.assertNotIn("the proxy", str(error))

    async def test_proxy(self) -> None:
        """A proxy that is down is named by host and port, and not by its password."""
        port = await self.closed_port()
        for transport in ("websocket", "longpoll"):
            for scheme in ("http", "https"):
                error = await self.error_of(
                    "ws://x.example/socket",
                    proxy=f"{scheme}://me:{SECRET}@127.0.0.1:{port}",
                    transport=transport,
                )
                text = str(error)
                self.assertTrue(text.startswith(f"the proxy 127.0.0.1:{port}: "), text)
                self.assertIn("Connection refused", text)
                self.assertIn("//x.example/socket/", text)
                self.assertNotIn(SECRET, text)

    async def test_mute(self) -> None:
        """So is what takes too long: a proxy that does not answer, or an endpoint."""
        port = await self.listen(Protocol)
        proxy = f"127.0.0.1:{port}"
        for transport in ("websocket", "longpoll"):
            for options, name in (
                ({"proxy": f"http://me:{SECRET}@{proxy}"}, f"proxy {proxy}"),
                ({"endpoint": Mute()}, "endpoint Mute"),
                ({"endpoint": lambda *_: Mute()}, "endpoint that the callable"),
            ):
                error = await self.error_of(
                    "ws://x.example/socket",
                    transport=transport,
                    connect_timeout=0.1,
                    **options,
                )
                self.assertIsInstance(error, ConnectTimeout)
                self.assertIn(f"waiting for a connection to the {name}", str(error))
                self.assertIn("//x.example/socket/", str(error))
                self.assertNotIn(SECRET, str(error))

    async def test_endpoint(self) -> None:
        """So is an endpoint, be it given as it is, described, or made by a function."""
        port = await self.closed_port()
        given = HostnameEndpoint(reactor, b"127.0.0.1", port)
        endpoints: list[tuple[Any, str]] = [
            (given, "the endpoint HostnameEndpoint: "),
            (lambda *_: given, "the endpoint HostnameEndpoint: "),
            (f"tcp:127.0.0.1:{port}", f"the endpoint tcp:127.0.0.1:{port}: "),
        ]
        for transport in ("websocket", "longpoll"):
            for endpoint, name in endpoints:
                error = await self.error_of(
                    "wss://x.example/socket", endpoint=endpoint, transport=transport
                )
                self.assertTrue(str(error).startswith(name), error)
                self.assertIn("//x.example/socket/", str(error))
