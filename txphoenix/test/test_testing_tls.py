"""Tests of the test server under TLS, with clients that are not Twisted's."""

from __future__ import annotations

import socket
import ssl
import warnings
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from twisted.internet.ssl import PrivateCertificate
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.static import Data

from txphoenix import SocketClient, client_tls
from txphoenix.testing import ChatRoom, PhoenixServer
from txphoenix.testing.cases import PhoenixMixin
from txphoenix.testing.tls import ClientAuthority, Credentials, self_signed

from .certificates import key_pem
from .extra import needs

# What is offered (None for nothing at all), and what the server chooses.
OFFERS = (
    (None, None),
    (["http/1.1"], "http/1.1"),
    (["h2", "http/1.1"], "http/1.1"),
    (["h2"], None),
    (["other"], None),
)


def negotiated(
    port: int, credentials: Credentials, offered: list[str] | None
) -> str | None:
    """What is chosen of the protocols that a client offers; called in a thread."""
    context = ssl.create_default_context(cadata=credentials.authority_pem.decode())
    if offered is not None:
        context.set_alpn_protocols(offered)
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return secure.selected_alpn_protocol()


def read(url: str, credentials: Credentials) -> bytes:
    """The body of an answer; called in a thread."""
    context = ssl.create_default_context(cadata=credentials.authority_pem.decode())
    with urlopen(url, context=context, timeout=10) as response:
        body: bytes = response.read()
        return body


class ProtocolNegotiationTests(PhoenixMixin, TestCase):
    """Clients that offer protocols by ALPN, as most do (RFC 7301)."""

    timeout = 120

    async def served(self, tls: Any) -> PhoenixServer:
        """A server with a page."""
        server = PhoenixServer({"rooms:*": ChatRoom}, tls=tls)
        server.resource = Resource()
        server.resource.putChild(b"page", Data(b"a page", "text/plain"))
        await server.start()
        self.addCleanup(server.stop)
        return server

    async def test_offers(self) -> None:
        """Each client is served, and by HTTP/1.1 if it offers that."""
        credentials = self_signed()
        server = await self.served(credentials.server)
        for offered, chosen in OFFERS:
            with self.subTest(offered=offered):
                found = await deferToThread(
                    negotiated, server.port, credentials, offered
                )
                self.assertEqual(found, chosen)

    async def test_urlopen(self) -> None:
        """urllib, which offers HTTP/1.1, reads a page."""
        credentials = self_signed()
        server = await self.served(credentials.server)
        body = await deferToThread(
            read, f"https://127.0.0.1:{server.port}/page", credentials
        )
        self.assertEqual(body, b"a page")

    async def test_own_certificate(self) -> None:
        """So does it where the certificate is one of the user's own."""
        credentials = self_signed()
        pem = credentials.authority_pem + key_pem(credentials)
        server = await self.served(PrivateCertificate.loadPEM(pem).options())
        body = await deferToThread(
            read, f"https://127.0.0.1:{server.port}/page", credentials
        )
        self.assertEqual(body, b"a page")
        chosen = await deferToThread(
            negotiated, server.port, credentials, ["h2", "http/1.1"]
        )
        # An older Twisted leaves it at none.
        self.assertIn(chosen, (None, "http/1.1"))

    @needs("prometheus_client")
    async def test_metrics(self) -> None:
        """Metrics that are served by TLS can be read by such a client."""
        from txphoenix.metrics import MetricsService

        credentials = self_signed()
        pem = self.mktemp()
        Path(pem).write_bytes(credentials.authority_pem + key_pem(credentials))
        service = MetricsService(f"ssl:0:interface=127.0.0.1:privateKey={pem}")
        service.startService()
        self.addCleanup(service.stopService)
        address: Any = await service.when_listening()
        url = f"https://127.0.0.1:{address.port}/metrics"
        body = await deferToThread(read, url, credentials)
        self.assertIn(b"txphoenix_joins_total", body)


class CredentialsTests(PhoenixMixin, TestCase):
    """What ``self_signed()`` makes."""

    timeout = 120

    async def joined(self, server: PhoenixServer, **files: Any) -> None:
        """A client joins that trusts what is in files."""
        await server.start()
        self.addCleanup(server.stop)
        client = SocketClient(server.url, tls=client_tls("127.0.0.1", **files))
        client.startService()
        self.addCleanup(client.stopService)
        channel = client.channel("rooms:lobby")
        await channel.join()
        self.assertTrue(channel.is_joined)

    def written(self, pem: bytes) -> str:
        """A file."""
        path: str = self.mktemp()
        Path(path).write_bytes(pem)
        return path

    async def test_authority_pem(self) -> None:
        """Its authority goes into a file that a client trusts."""
        credentials = self_signed()
        server = PhoenixServer({"rooms:*": ChatRoom}, tls=credentials.server)
        ca_file = self.written(credentials.authority_pem)
        await self.joined(server, ca_file=ca_file)

    async def test_no_warnings(self) -> None:
        """A server of TLS makes nobody warn, whom it asks for a certificate included.

        The pyOpenSSL of today warns of its own objects.
        """
        credentials, devices = self_signed(), ClientAuthority()
        tls = devices.demanded_by(credentials)
        mine = devices.sign("device-1")
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            await self.joined(
                PhoenixServer({"rooms:*": ChatRoom}, tls=tls),
                ca_file=self.written(credentials.authority_pem),
                cert_file=self.written(mine.certificate + mine.key),
            )
