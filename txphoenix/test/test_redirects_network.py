"""Tests of redirects over TCP and TLS, by each transport."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS
from twisted.trial.unittest import TestCase

from txphoenix import HandshakeRefused, SocketClient
from txphoenix.testing import PhoenixServer, ServerChannel, Socket
from txphoenix.testing.tls import self_signed

from .network import Tunnel, reactor


class RedirectTests(TestCase):
    """A WebSocket that is led from one server to another."""

    options: ClassVar[dict[str, Any]] = {}
    timeout = 120

    async def server(self, **options: Any) -> PhoenixServer:
        """A server that remembers what it was asked."""
        asked: list[Socket] = []

        def connect(params: Any, socket: Socket) -> None:
            asked.append(socket)

        server = PhoenixServer({"rooms:*": ServerChannel}, connect=connect, **options)
        self.asked = asked
        await server.start()
        self.addCleanup(server.stop)
        return server

    def client(self, url: str, **options: Any) -> SocketClient:
        """A client that makes one attempt."""
        client = SocketClient(
            url,
            **{
                "reconnect": False,
                "params": {"token": "s3cret"},
                "headers": {"Authorization": "Bearer s3cret", "X-Key": "s3cret"},
                "auth_token": "s3cret",
                "cookies": True,
                **self.options,
                **options,
            },
        )
        self.addCleanup(client.stopService)
        return client

    def place(self, server: PhoenixServer) -> str:
        """Where a server takes the transport."""
        name = self.options.get("transport", "websocket")
        return f"{server.http_url}/{name}"

    async def test_other_server(self) -> None:
        """Each status leads to another server, which gets no secret."""
        first, second = await self.server(auth_token=True), await self.server()
        for status in (301, 302, 303, 307, 308):
            first.refuse(
                status,
                location=self.place(second),
                headers={"Set-Cookie": "sid=s3cret"},
                body="s3cret",
            )
            client = self.client(first.url)
            client.startService()
            await client.when_connected()
            await client.join("rooms:lobby")
            socket = self.asked[-1]
            self.assertNotIn(
                "s3cret", repr((socket.headers, socket.params, socket.uri))
            )
            self.assertEqual(socket.params["vsn"], "2.0.0")
            self.assertIsNone(socket.auth_token)
            self.assertEqual(first.connections, [])
            await client.stopService()

    async def test_same_server(self) -> None:
        """On the same server all goes along, and the next attempt begins anew."""
        server = await self.server(auth_token=True)
        name = self.options.get("transport", "websocket")
        server.add_socket("/moved", websocket=True, longpoll=True)
        other = f"/moved/{name}"
        server.refuse(307, location=other)
        seen: list[str] = []
        refusals = iter([307, None, 307, None])

        def refusal_of(name: str) -> int | None:
            seen.append(name)
            return next(refusals)

        self.patch(server, "refusal_of", refusal_of)
        client = self.client(server.url, reconnect=True, backoff=lambda _: 0.01)
        client.startService()
        await client.when_connected()
        socket = self.asked[-1]
        self.assertIn(other, socket.uri)
        self.assertEqual(socket.headers["authorization"], "Bearer s3cret")
        self.assertEqual(socket.auth_token, "s3cret")
        self.assertEqual(socket.params["token"], "s3cret")
        self.assertEqual(len(seen), 2)

    async def test_up_to_tls(self) -> None:
        """From TCP to TLS it goes, whose certificate is verified for the new host."""
        credentials = self_signed()
        plain = await self.server()
        secure = await self.server(tls=credentials.server)
        plain.refuse(301, location=self.place(secure))
        tls = optionsForClientTLS("127.0.0.1", trustRoot=credentials.trust_root)
        client = self.client(plain.url, tls=tls)
        client.startService()
        await client.when_connected()
        self.assertNotIn("s3cret", repr(self.asked[-1].headers))
        distrusting = self.client(plain.url)
        distrusting.startService()
        error: Any = await self.assertFailure(distrusting.when_connected(), Exception)
        self.assertIn("TLS", str(error))
        self.assertIsInstance(error.__context__, HandshakeRefused)

    async def test_down_from_tls(self) -> None:
        """From TLS to TCP it does not go, and nothing reaches the server there."""
        credentials = self_signed()
        secure = await self.server(tls=credentials.server)
        plain = await self.server()
        secure.refuse(302, location=self.place(plain))
        tls = optionsForClientTLS("127.0.0.1", trustRoot=credentials.trust_root)
        client = self.client(secure.url, tls=tls)
        client.startService()
        error: Any = await self.assertFailure(client.when_connected(), HandshakeRefused)
        self.assertIn("no TLS", str(error))
        self.assertEqual((error.status, self.asked), (302, []))

    async def test_loop(self) -> None:
        """A server that leads to itself is left after ``max_redirects``."""
        server = await self.server()
        asked: list[str] = []
        take = server.refusal_of

        def refusal_of(name: str) -> int | None:
            asked.append(name)
            return take(name)

        self.patch(server, "refusal_of", refusal_of)
        for most in (0, 3):
            server.refuse(302, location=self.place(server))
            asked.clear()
            client = self.client(server.url, max_redirects=most)
            client.startService()
            error: Any = await self.assertFailure(
                client.when_connected(), HandshakeRefused
            )
            self.assertIn("max_redirects", str(error))
            self.assertIn(f"127.0.0.1:{server.port}", str(error))
            self.assertEqual(len(asked), most + 1)

    async def test_refused_there(self) -> None:
        """The error is that of the last server, and its cause the redirect."""
        first, second = await self.server(), await self.server()
        first.refuse(302, location=self.place(second))
        second.refuse(503, body="full", headers={"Content-Type": "text/plain"})
        client = self.client(first.url)
        client.startService()
        error: Any = await self.assertFailure(client.when_connected(), HandshakeRefused)
        self.assertEqual((error.status, error.body), (503, "full"))
        self.assertIn(str(second.port), error.url)
        cause = error.__cause__
        assert isinstance(cause, HandshakeRefused)
        for each in (error, cause, error.__context__):
            self.assertIsNone(each and each.__traceback__, "it would hold secrets")
        self.assertEqual(cause.status, 302)
        self.assertIn(str(first.port), cause.url)

    async def test_nobody_there(self) -> None:
        """So it is if nobody listens at the other place."""
        first, second = await self.server(), await self.server()
        place = self.place(second)
        await second.stop()
        first.refuse(302, location=place)
        client = self.client(first.url)
        client.startService()
        error: Any = await self.assertFailure(client.when_connected(), Exception)
        self.assertIn("Refused", str(error))
        self.assertIsInstance(error.__context__, HandshakeRefused)

    async def test_proxy(self) -> None:
        """Through a proxy each server is reached by a tunnel of its own."""
        first, second = await self.server(), await self.server()
        first.refuse(302, location=self.place(second))
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        self.patch(Tunnel, "heads", [])
        port = await endpoint.listen(Factory.forProtocol(Tunnel))
        self.addCleanup(port.stopListening)
        client = self.client(first.url, proxy=f"http://127.0.0.1:{port.getHost().port}")
        client.startService()
        await client.when_connected()
        told = [head.split(b" ")[1].decode() for head in Tunnel.heads]
        ports = [int(each.rpartition(":")[2]) for each in told]
        self.assertEqual(list(dict.fromkeys(ports)), [first.port, second.port])
        self.assertNotIn("s3cret", repr(self.asked[-1].headers))
        await client.stopService()

    async def test_endpoint(self) -> None:
        """A callable that makes endpoints is asked for the other place as well."""
        first, second = await self.server(), await self.server()
        first.refuse(302, location=self.place(second))
        ports: list[int] = []

        def endpoint(reactor: Any, host: str, port: int, tls: Any) -> Any:
            ports.append(port)
            return TCP4ClientEndpoint(reactor, host, port)

        client = self.client(first.url, endpoint=endpoint)
        client.startService()
        await client.when_connected()
        self.assertEqual(ports, [first.port, second.port])


class LongPollTests(RedirectTests):
    """The same by long-poll."""

    options: ClassVar[dict[str, Any]] = {"transport": "longpoll"}


class LongPollByTreqTests(RedirectTests):
    """The same by long-poll with treq."""

    options: ClassVar[dict[str, Any]] = {"transport": "longpoll", "fast_http": False}


class StockTests(RedirectTests):
    """The same by Autobahn's own frames."""

    options: ClassVar[dict[str, Any]] = {"fast_frames": False}
