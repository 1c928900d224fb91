"""Host names of every kind, over real TCP and TLS, on each transport.

The names lead to 127.0.0.1; what is looked up, asked for by SNI, verified and said in
``Host`` is read at the other end.
"""

from __future__ import annotations

import io
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, cast

from OpenSSL import SSL
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.ssl import optionsForClientTLS

from txphoenix import client_tls
from txphoenix.cli.options import add_client_options, running_client
from txphoenix.cli.output import Terminal
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionFailed
from txphoenix.testing import PhoenixServer
from txphoenix.testing.tls import Credentials, self_signed

from .local_names import LocalNamesMixin
from .network import NO_IPV6, TOPIC, FarSide, NetworkTestCase, Tunnel, reactor

TRANSPORTS = ("websocket", "longpoll")


class LocalTunnel(Tunnel):
    """A proxy that finds every name at 127.0.0.1."""

    def dataReceived(self, data: bytes) -> None:
        """Connect to the port, whatever the host is."""
        if self._far is not None:
            cast(Any, self._far.transport).write(data)
            return
        self._unread += data
        head, end, _ = self._unread.partition(b"\r\n\r\n")
        if end:
            self.heads.append(head)
            port = int(head.split(b" ")[1].rpartition(b":")[2])
            endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
            far = Factory.forProtocol(lambda: FarSide(self))
            endpoint.connect(far).addCallback(self._connected)


class NamesTestCase(LocalNamesMixin, NetworkTestCase):
    """A test that connects by a name.

    :ivar asked_for: what clients have asked for by SNI.
    """

    asked_for: list[Any]

    def setUp(self) -> None:
        """Nothing has been asked for."""
        super().setUp()
        self.asked_for = []
        self._watched: list[Credentials] = []
        Tunnel.heads.clear()

    async def secure(self, credentials: Credentials) -> PhoenixServer:
        """A server with TLS that tells what it is asked for."""
        if credentials not in self._watched:
            self._watched.append(credentials)
            context = credentials.server.getContext()
            context.set_tlsext_servername_callback(self._told_name)
        return await self.serve(tls=credentials.server)

    def _told_name(self, connection: SSL.Connection) -> None:
        self.asked_for.append(connection.get_servername())

    async def converse(self, client: SocketClient) -> str:
        """Join, push and stop.

        :return: the ``Host`` that the server was told, without its port.
        """
        _, room = await client.join(TOPIC)
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
        server = self.server
        (session,) = server.connections
        host = session.socket.headers["host"]
        self.assertTrue(host.endswith(f":{server.port}"), host)
        await client.stopService()
        await server.stop(drain=False)
        return host.removesuffix(f":{server.port}")

    async def reach(
        self, host: str, credentials: Credentials | None = None, **options: Any
    ) -> str:
        """Connect to a server by that host, and see :meth:`converse`."""
        if credentials is None:
            self.server = await self.serve()
        else:
            self.server = await self.secure(credentials)
        scheme = "ws" if credentials is None else "wss"
        url = f"{scheme}://{host}:{self.server.port}/socket"
        return await self.converse(self.client(url, **options))


class PlainTests(NamesTestCase):
    """Without TLS."""

    async def test_names(self) -> None:
        """Each name that DNS can hold is looked up as it is, and told in ``Host``."""
        for transport in TRANSPORTS:
            for host, name in (
                ("my_service", "my_service"),
                ("My_Service.Prod", "my_service.prod"),
                ("a--b.example.org", "a--b.example.org"),
                ("-a-.example.org", "-a-.example.org"),
                ("xn--a", "xn--a"),
                ("my_service.bücher.example", "my_service.xn--bcher-kva.example"),
                ("1.2.3.example", "1.2.3.example"),
            ):
                with self.subTest(host=host, transport=transport):
                    del self.names[:]
                    self.assertEqual(await self.reach(host, transport=transport), name)
                    self.assertEqual(set(self.names), {name})

    async def test_final_dot(self) -> None:
        """The dot at the end is for DNS, and not for the server."""
        for transport in TRANSPORTS:
            with self.subTest(transport=transport):
                del self.names[:]
                told = await self.reach("svc.cluster.local.", transport=transport)
                self.assertEqual(told, "svc.cluster.local")
                self.assertEqual(set(self.names), {"svc.cluster.local."})

    async def test_through_a_proxy(self) -> None:
        """A proxy looks the name up, with its dot; and may have such a name itself."""
        for transport in TRANSPORTS:
            for host, told in (("my_service", "my_service"), ("a_b.", "a_b.")):
                with self.subTest(host=host, transport=transport):
                    Tunnel.heads.clear()
                    port = await self.listen(LocalTunnel)
                    proxy = f"http://my_proxy.:{port}"
                    name = await self.reach(host, transport=transport, proxy=proxy)
                    self.assertEqual(name, told.removesuffix("."))
                    asked = f"{told}:{self.server.port}".encode()
                    lines = Tunnel.heads[0].split(b"\r\n")
                    self.assertEqual(lines[0], b"CONNECT " + asked + b" HTTP/1.1")
                    self.assertEqual(lines[1], b"Host: " + asked)
                    self.assertEqual(set(self.names), {"my_proxy."})
                    del self.names[:]

    async def test_fallback(self) -> None:
        """The fallback reaches such a name by either transport."""
        server = self.server = await self.serve(websocket=False)
        url = f"ws://my_service:{server.port}/socket"
        name = await self.converse(self.client(url, longpoll_fallback=5.0))
        self.assertEqual(name, "my_service")

    async def test_zone(self) -> None:
        """A zone leads to the address, and the server is not told of it."""
        for transport in TRANSPORTS:
            with self.subTest(transport=transport):
                self.server = await self.serve(interface="::1")
                url = f"ws://[::1%251]:{self.server.port}/socket"
                told = await self.converse(self.client(url, transport=transport))
                self.assertEqual(told, "[::1]")

    test_zone.skip = NO_IPV6  # type: ignore[attr-defined]


class SecureTests(NamesTestCase):
    """With TLS: what is asked for by SNI, and what is verified."""

    async def test_underscore(self) -> None:
        """A certificate for ``my_service`` is for it, for whom the system trusts."""
        for transport in TRANSPORTS:
            with self.subTest(transport=transport):
                credentials = self_signed("my_service")
                self.trust(credentials)
                host = "My_Service"
                told = await self.reach(host, credentials, transport=transport)
                self.assertEqual(told, "my_service")
                self.assertEqual(set(self.asked_for), {b"my_service"})

    async def test_own_trust(self) -> None:
        """``client_tls`` makes the option ``tls`` for such a name."""
        credentials = self_signed("*.my_stack.example", "a--b.example")
        for host in ("web_1.my_stack.example", "a--b.example"):
            tls = client_tls(host, credentials.trust_root)
            for transport in TRANSPORTS:
                told = await self.reach(host, credentials, tls=tls, transport=transport)
                self.assertEqual(told, host)

    async def test_final_dot(self) -> None:
        """The dot is neither asked for nor verified."""
        for transport in TRANSPORTS:
            for host in ("svc.cluster.local", "my_svc.local"):
                with self.subTest(host=host, transport=transport):
                    del self.asked_for[:]
                    credentials = self_signed(host)
                    self.trust(credentials)
                    told = await self.reach(
                        f"{host}.", credentials, transport=transport
                    )
                    self.assertEqual(told, host)
                    self.assertEqual(set(self.asked_for), {host.encode()})
                    self.assertIn(f"{host}.", self.names)

    async def test_through_a_proxy(self) -> None:
        """Through a proxy it is the same."""
        credentials = self_signed("my_svc.local")
        self.trust(credentials)
        for transport in TRANSPORTS:
            port = await self.listen(LocalTunnel)
            told = await self.reach(
                "my_svc.local.",
                credentials,
                transport=transport,
                proxy=f"http://127.0.0.1:{port}",
            )
            self.assertEqual(told, "my_svc.local")
            self.assertEqual(set(self.asked_for), {b"my_svc.local"})

    async def test_zone(self) -> None:
        """A zone is no part of the address that a certificate is for."""
        credentials = self_signed("::1")
        self.trust(credentials)
        for transport in TRANSPORTS:
            self.server = await self.serve(interface="::1", tls=credentials.server)
            url = f"wss://[::1%251]:{self.server.port}/socket"
            told = await self.converse(self.client(url, transport=transport))
            self.assertEqual(told, "[::1]")

    test_zone.skip = NO_IPV6  # type: ignore[attr-defined]

    async def refused(self, host: str, **options: Any) -> None:
        """The server is not taken for that host, and is told nothing."""
        server = self.server
        url = f"wss://{host}:{server.port}/socket"
        for transport in TRANSPORTS:
            client = self.client(url, reconnect=False, transport=transport, **options)
            error = await self.failure_of(client.when_connected())
            self.assertIs(type(error), ConnectionFailed)
            self.assertIn("certificate", str(error))
            self.assertEqual(server.connections, [])
            await client.stopService()

    async def test_other_name(self) -> None:
        """A certificate for another name is not for this one."""
        for name in ("my-service", "other_service", "*.my_service", "127.0.0.1"):
            with self.subTest(name=name):
                credentials = self_signed(name)
                self.trust(credentials)
                self.server = await self.secure(credentials)
                await self.refused("my_service")

    async def test_not_trusted(self) -> None:
        """A certificate that nobody has vouched for is not taken."""
        self.trust(self_signed("my_service"))
        self.server = await self.secure(self_signed("my_service"))
        await self.refused("my_service")
        trust_root = self_signed("my_service").trust_root
        await self.refused("my_service", tls=client_tls("my_service", trust_root))

    async def test_command_line(self) -> None:
        """``--ca-file`` is for such a name too, and ``--exact-url`` for its path."""
        credentials = self_signed("my_service")
        server = await self.serve(tls=credentials.server, websocket_path="/:key")
        path = Path(self.mktemp())
        path.write_bytes(credentials.trust_root.dumpPEM())
        parser = ArgumentParser()
        add_client_options(parser)
        url = f"wss://my_service:{server.port}/socket/a"
        args = parser.parse_args(["--exact-url", "--ca-file", str(path), url])
        terminal = Terminal(io.StringIO(), io.StringIO(), io.StringIO(), {})
        async with running_client(reactor, args, terminal, reconnect=False) as client:
            await client.when_connected()
            (session,) = server.connections
            self.assertEqual(session.socket.params["key"], "a")

    async def test_given_tls(self) -> None:
        """What the option ``tls`` says counts, and not the URL."""
        credentials = self_signed("inside.example")
        tls = optionsForClientTLS("inside.example", trustRoot=credentials.trust_root)
        told = await self.reach("my_service", credentials, tls=tls)
        self.assertEqual(told, "my_service")
        self.assertEqual(self.asked_for, [b"inside.example"])
