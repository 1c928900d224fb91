"""Tests of :mod:`txphoenix.transports.tls_sessions`, over real TCP and real TLS."""

from __future__ import annotations

import gc
import os
import ssl
import weakref
from datetime import timedelta
from ipaddress import ip_address
from time import time
from typing import Any
from unittest import mock

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions
from twisted.internet.tcp import Connection as TCPConnection
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from txphoenix import SocketClient
from txphoenix.errors import ConnectionFailed
from txphoenix.transports import tls_sessions
from txphoenix.transports.client_tls import system_tls
from txphoenix.transports.tls_sessions import TLSSessions, keep_session

from .certificates import Issuer
from .network import TOPIC, Tunnel, reactor
from .tls_case import CertificatesTestCase, Composed
from .tls_front import TLSFront, server_context

_HERE = (
    x509.DNSName("localhost"),
    x509.DNSName("a.b.example"),
    x509.IPAddress(ip_address("127.0.0.1")),
)
_VERSIONS = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)


class ResumptionTests(CertificatesTestCase):
    """A client that comes back."""

    async def front(self, certificate: CertificateOptions | None = None) -> TLSFront:
        """A server with TLS before it, and the certificate of the trusted authority."""
        server = await self.serve()
        certificate = certificate or self.root.sign(*_HERE)
        front = TLSFront(server.port, server_context(certificate))
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(front)
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        self._before = self.held()
        return front

    def url(self, host: str = "127.0.0.1") -> str:
        """The front's URL."""
        return f"wss://{host}:{self.port}/socket"

    async def begin(self, **options: Any) -> SocketClient:
        """A client that has joined its channel."""
        client = self.client(**{"url": self.url(), **options})
        _, self.room = await client.join(TOPIC)
        return client

    async def come_back(self, client: SocketClient, front: TLSFront) -> None:
        """Lose the connection, and wait until the channel works again."""
        opened = self.next_call(client.on_open)
        front.drop()
        await opened
        await self.room.push("echo", {})

    async def test_resumed(self) -> None:
        """The latest is resumed, in TLS 1.3 and 1.2, whoever says whom to trust.

        The connections are lost without a goodbye.
        """
        for version in _VERSIONS:
            for options in ({}, {"tls": self.own("localhost")}):
                front = await self.front()
                front.context.maximum_version = version
                client = await self.begin(**options)
                await self.come_back(client, front)
                await self.come_back(client, front)
                with self.subTest(version=version, options=options):
                    self.assertEqual(front.resumed, [False, True, True])
                await self.stop(client)

    async def stop(self, client: SocketClient) -> None:
        """Stop it, without a trace."""
        await client.stopService()
        await self.assert_nothing_held()

    async def test_longpoll(self) -> None:
        """So it is by long-poll, whose connections are several."""
        front = await self.front()
        client = await self.begin(transport="longpoll")
        await self.come_back(client, front)
        self.assertFalse(front.resumed[0])
        self.assertIn(True, front.resumed)
        await client.stopService()

    async def test_closed_in_order(self) -> None:
        """A client that has closed its connection resumes the session as well."""
        front = await self.front()
        client = await self.begin()
        await client.disconnect()
        client.connect()
        await client.when_connected()
        self.assertEqual(front.resumed, [False, True])
        await self.stop(client)

    async def test_tunnel(self) -> None:
        """Through a proxy the session is the server's, and resumed."""
        front = await self.front()
        tunnel = f"http://127.0.0.1:{await self.listen(Tunnel)}"
        client = await self.begin(proxy=tunnel)
        await self.come_back(client, front)
        self.assertEqual(front.resumed, [False, True])
        await self.stop(client)

    async def test_own_endpoint(self) -> None:
        """So it is where an endpoint of the user's puts the TLS around a connection."""
        front = await self.front()
        client = await self.begin(
            endpoint=lambda reactor, host, port, tls: wrapClientTLS(
                tls, self.here(port)
            )
        )
        await self.come_back(client, front)
        self.assertEqual(front.resumed, [False, True])
        await self.stop(client)

    async def test_each_client_its_own(self) -> None:
        """Another client of the process, with the same ``tls``, begins by itself."""
        front = await self.front()
        tls = self.own("localhost")
        first = await self.begin(tls=tls)
        await first.stopService()
        await self.stop(await self.begin(tls=tls))
        self.assertEqual(front.resumed, [False, False])

    async def test_server_has_forgotten(self) -> None:
        """A server that does not know the session shakes hands in full.

        What that leaves is resumed then.
        """
        certificate = self.root.sign(*_HERE)
        front = await self.front(certificate)
        client = await self.begin()
        front.context = server_context(certificate)
        await self.come_back(client, front)
        await self.come_back(client, front)
        self.assertEqual(front.resumed, [False, False, True])
        await self.stop(client)

    async def test_other_certificate(self) -> None:
        """A certificate that has changed meanwhile is judged as any other."""
        front = await self.front()
        client = await self.begin()
        front.context = server_context(self.root.sign(*_HERE))
        await self.come_back(client, front)
        self.assertEqual(front.resumed, [False, False])
        await self.stop(client)

    async def test_bad_certificate(self) -> None:
        """One that is no good is refused, though there was a session.

        An error leaves none: the server that had handed it out is judged anew.
        """
        name = x509.DNSName("x.example")
        for certificate, words in (
            (Issuer().sign(*_HERE), "an authority that is not trusted"),
            (self.root.sign(name), "not valid for host"),
            (self.root.sign(*_HERE, ends=-timedelta(1)), "has expired"),
        ):
            front = await self.front()
            good = front.context
            client = await self.begin()
            failed = self.next_call(client.on_error)
            front.context = server_context(certificate)
            front.drop()
            error = await failed
            self.assertIs(type(error), ConnectionFailed)
            self.assertIn(words, str(error))
            front.context = good
            await client.when_connected()
            self.assertEqual(front.resumed[0], False)
            self.assertNotIn(True, front.resumed)
            await self.stop(client)

    async def test_cut_off(self) -> None:
        """A session is offered once, whatever becomes of the handshake."""
        front = await self.front()
        client = await self.begin()
        failed = self.next_call(client.on_error)
        front.is_mute = True
        front.drop()
        await failed
        front.is_mute = False
        await client.when_connected()
        self.assertEqual(front.resumed, [False, False])
        await self.stop(client)

    async def test_other_host(self) -> None:
        """A session goes to no other host, though it is the same server."""
        front = await self.front()
        hosts = ["127.0.0.1", "localhost", "localhost", "127.0.0.1"]
        client = await self.begin(url=lambda: self.url(hosts.pop(0)))
        for _ in range(3):
            await self.come_back(client, front)
        self.assertEqual(front.resumed, [False, False, True, False])
        await self.stop(client)

    async def test_other_port(self) -> None:
        """Nor does it go to another port."""
        first = await self.front()
        ports = [self.port]
        second = await self.front()
        second.context = first.context
        ports += [self.port, self.port]
        client = await self.begin(url=lambda: f"wss://127.0.0.1:{ports.pop(0)}/socket")
        await self.come_back(client, first)
        await self.come_back(client, second)
        self.assertEqual(first.resumed, [False])
        self.assertEqual(second.resumed, [False, True])
        await self.stop(client)

    async def test_other_tls(self) -> None:
        """Nor is it offered once another object says whom to trust."""
        front = await self.front()
        client = await self.begin(tls=self.own("localhost"))
        await client.reconfigure(tls=self.own("localhost"))
        await client.reconfigure(tls=None)
        self.assertEqual(front.resumed, [False, False, False])
        await self.stop(client)

    async def test_other_authorities(self) -> None:
        """Nor is it when the machine trusts others: the server is judged again."""
        front = await self.front()
        client = await self.begin()
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(Issuer().pem)
        failed = self.next_call(client.on_error)
        with mock.patch.dict(os.environ, {"SSL_CERT_FILE": path}):
            front.drop()
            self.assertIn("not trusted", str(await failed))
            await self.stop(client)
        self.assertEqual(front.resumed, [False])

    async def test_not_judged(self) -> None:
        """Nor is what an endpoint of the user's has let pass without a judgement."""
        front = await self.front(Issuer().sign(*_HERE))

        class Lax(Composed):
            def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
                connection: SSL.Connection = super().clientConnectionForTLS(tlsProtocol)
                connection.set_verify(SSL.VERIFY_PEER, lambda *_: True)
                return connection

        client = await self.begin(
            endpoint=lambda reactor, host, port, tls: wrapClientTLS(
                Lax(tls), self.here(port)
            ),
            tls=self.own("localhost"),
        )
        failed = self.next_call(client.on_error)
        client.reconfigure(endpoint=None).addErrback(lambda _: None)
        self.assertIn("not trusted", str(await failed))
        self.assertEqual(front.resumed, [False])
        await self.stop(client)

    async def test_objects_of_others(self) -> None:
        """An object of the user's that has a check of its own never resumes."""
        front = await self.front()
        client = await self.begin(tls=Composed(self.own("localhost")))
        await self.come_back(client, front)
        self.assertEqual(front.resumed, [False, False])
        await self.stop(client)

    async def test_session_of_another_name(self) -> None:
        """A session is no way around the name, even if it is offered for another one.

        The authorities are the same, and so the context, which alone OpenSSL looks at.
        """
        front = await self.front(self.root.sign(x509.DNSName("a.b.example")))
        made: list[SSL.Connection] = []

        @implementer(IOpenSSLClientConnectionCreator)
        class Mixing:
            """Has the second name's connection offer the session of the first."""

            def __init__(self, tls: Any) -> None:
                self._tls = tls

            def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
                """Make it."""
                connection = self._tls.clientConnectionForTLS(tlsProtocol)
                if made:
                    connection.set_session(made[0].get_session())
                made.append(connection)
                return connection

        def endpoint(reactor: Any, host: str, port: int, tls: Any) -> Any:
            return wrapClientTLS(Mixing(tls), self.here(port))

        good = await self.begin(url=self.url("a.b.example"), endpoint=endpoint)
        await good.stopService()
        bad = self.client(self.url("x.example"), endpoint=endpoint, reconnect=False)
        error = await self.failure_of(bad.when_connected())
        self.assertIn("not valid for host 'x.example'", str(error))
        # It was resumed, as it has a certificate that came with no chain.
        # The server has not even heard the end of the handshake.
        self.assertIsNotNone(made[1].get_peer_certificate())
        self.assertIsNone(made[1].get_verified_chain())
        self.assertEqual(front.resumed, [False])
        await self.stop(bad)

    async def test_expiry(self) -> None:
        """It is offered no longer than each certificate of the chain was good for.

        The authority's own has a day.
        """
        clock = mock.Mock(return_value=time())
        self.patch(tls_sessions, "time", clock)
        for ends, lasting in ((timedelta(hours=1), 3600), (timedelta(9), 24 * 3600)):
            for late, is_resumed in ((-60, True), (60, False)):
                clock.return_value = time()
                front = await self.front(self.root.sign(*_HERE, ends=ends))
                client = await self.begin()
                # What a resumed session leaves is of the same certificates.
                await self.come_back(client, front)
                clock.return_value += lasting + late
                await self.come_back(client, front)
                with self.subTest(ends=ends, late=late):
                    self.assertEqual(front.resumed, [False, True, is_resumed])
                await self.stop(client)


class StockResumptionTests(ResumptionTests):
    """The same over Twisted's TLS."""

    def client(self, url: str, **options: Any) -> SocketClient:
        """Make a client without TLS of our own."""
        return super().client(url, **{"fast_tls": False, **options})


class Ended:
    """A transport that has ended.

    :param connection: its TLS.
    """

    def __init__(self, connection: SSL.Connection) -> None:
        self.getHandle = weakref.ref(connection)


class KeepTests(SynchronousTestCase):
    """:func:`keep_session`, and what it makes of transports of others."""

    def test_odd_transports(self) -> None:
        """It takes any transport, and raises nothing."""
        ended = Failure(SSL.Error())
        for transport in (
            None,
            object(),
            mock.Mock(getHandle=lambda: None),
            mock.Mock(getHandle=mock.Mock(side_effect=ValueError)),
            mock.Mock(getHandle=lambda: SSL.Connection(SSL.Context(SSL.TLS_METHOD))),
        ):
            keep_session(transport, ended)

    def test_without_tls(self) -> None:
        """Of TCP alone there is no session, and no line of the log about one."""
        no_handle = mock.Mock(side_effect=AttributeError)
        ended = mock.Mock(spec=TCPConnection, TLS=False, getHandle=no_handle)
        with capturedLogs() as captured:
            keep_session(ended, Failure(ConnectionDone()))
        self.assertEqual(captured, [])

    def test_unfinished(self) -> None:
        """A connection whose handshake has not ended leaves nothing."""
        sessions = TLSSessions()
        tls = sessions.resuming(system_tls("localhost"), None, "localhost", 1)
        connection = tls.clientConnectionForTLS(mock.Mock())
        keep_session(Ended(connection), Failure(ValueError()))
        self.assertIsNone(sessions._kept)
        # Nor does it hold itself any more.
        gone = weakref.ref(connection)
        gc.disable()
        self.addCleanup(gc.enable)
        del connection
        self.assertIsNone(gone())

    def test_left_alone(self) -> None:
        """What is not of our making is handed back as it is."""
        own = Composed(None)
        self.assertIs(TLSSessions().resuming(own, own, "localhost", 1), own)
