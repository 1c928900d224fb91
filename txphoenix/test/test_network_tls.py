"""Decision 3: TLS is verified; over real TCP, with certificates made here.

The client trusts what the machine trusts; for these tests that is one authority, by
OpenSSL's variable ``SSL_CERT_FILE``.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, ClassVar, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet.interfaces import IOpenSSLContextFactory
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionFailed
from txphoenix.testing import PhoenixServer

from .network import TOPIC, NetworkTestCase, Tunnel

_PEM = serialization.Encoding.PEM


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """An authority that signs certificates for a day."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("txphoenix test authority")
        ca = x509.BasicConstraints(ca=True, path_length=0)
        builder = self._builder(self._name, self._key, timedelta(days=1))
        self._certificate = builder.add_extension(ca, critical=True).sign(
            self._key, hashes.SHA256()
        )
        self.pem = self._certificate.public_bytes(_PEM)

    def _builder(self, subject: x509.Name, key: Any, life: timedelta) -> Any:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + life)
        )

    def sign(
        self, host: str, life: timedelta = timedelta(days=1)
    ) -> IOpenSSLContextFactory:
        """Make a server's key and certificate.

        :param host: the name or address it is for.
        :param life: how long it is still good.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name: x509.GeneralName
        try:
            name = x509.IPAddress(ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        certificate = (
            self._builder(_name("server"), key, life)
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        key_pem = key.private_bytes(
            _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        private = PrivateCertificate.loadPEM(certificate.public_bytes(_PEM) + key_pem)
        options: IOpenSSLContextFactory = private.options()
        return options


class Plain(Protocol):
    """A server that knows no TLS, and says so as web servers do."""

    def dataReceived(self, data: bytes) -> None:
        """Answer whatever has come."""
        cast(Any, self.transport).write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


class TLSTests(NetworkTestCase):
    """What the client makes of a server's certificate."""

    more_options: ClassVar[dict[str, Any]] = {}

    def client(self, url: Any, **options: Any) -> SocketClient:
        """A client with one of the two kinds of TLS."""
        return super().client(url, **self.more_options, **options)

    def setUp(self) -> None:
        """Have the machine trust one authority."""
        super().setUp()
        self.authority = Authority()
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(self.authority.pem)
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = path
        self.addCleanup(self.restore, before)

    def restore(self, path: str | None) -> None:
        """Trust what was trusted before."""
        os.environ.pop("SSL_CERT_FILE", None)
        if path is not None:
            os.environ["SSL_CERT_FILE"] = path

    async def secure(self, certificate: IOpenSSLContextFactory) -> PhoenixServer:
        """A server with that certificate."""
        server = await self.serve(tls=certificate)
        self.assertTrue(server.url.startswith("wss://127.0.0.1:"), server.url)
        return server

    async def converse(self, client: SocketClient) -> None:
        """Join and push, and stop without a trace."""
        _, room = await client.join(TOPIC)
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
        await client.stopService()
        await self.assert_nothing_held()

    async def assert_refused(self, server: PhoenixServer, *words: str) -> None:
        """The server is refused with a clear error, and tried again."""
        client = self.client(server.url)
        errors: list[Exception] = []
        client.on_error(errors.append)
        await self.until(lambda: len(errors) > 1)
        self.assertEqual(server.connections, [])
        for error in errors:
            self.assertIs(type(error), ConnectionFailed)
            self.assertIsNotNone(error.__cause__)
            for word in ("TLS", *words):
                self.assertIn(word, str(error))
        await client.stopService()
        await self.assert_nothing_held()

    async def test_address(self) -> None:
        """The right address, signed by a trusted authority, is connected to."""
        server = await self.secure(self.authority.sign("127.0.0.1"))
        await self.converse(self.client(server.url))

    async def test_host_name(self) -> None:
        """So is the right name."""
        server = await self.secure(self.authority.sign("localhost"))
        await self.converse(self.client(server.url.replace("127.0.0.1", "localhost")))

    async def test_https(self) -> None:
        """An ``https`` URL is read as ``wss``, and verified just so."""
        server = await self.secure(self.authority.sign("127.0.0.1"))
        await self.converse(self.client(server.http_url))

    async def test_reconnect(self) -> None:
        """A lost connection is opened again, and verified again."""
        server = await self.secure(self.authority.sign("127.0.0.1"))
        client = self.client(server.url)
        _, room = await client.join(TOPIC)
        lost = self.next_call(client.on_close)
        server.drop()
        self.assertEqual((await lost).code, 1006)
        await self.until(lambda: room.state == "joined")
        self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})

    async def test_wrong_host(self) -> None:
        """A certificate for another host is refused, and the error names ours."""
        server = await self.secure(self.authority.sign("example.org"))
        await self.assert_refused(server, "127.0.0.1")

    async def test_wrong_host_name(self) -> None:
        """So is one for another name."""
        server = await self.secure(self.authority.sign("example.org"))
        client = self.client(
            server.url.replace("127.0.0.1", "localhost"), reconnect=False
        )
        error = await self.failure_of(client.when_connected())
        self.assertIn("localhost", str(error))

    async def test_unknown_authority(self) -> None:
        """A certificate that nobody trusted has signed is refused."""
        server = await self.secure(Authority().sign("127.0.0.1"))
        await self.assert_refused(server, "certificate verify failed")

    async def test_expired(self) -> None:
        """A certificate whose time is over is refused."""
        server = await self.secure(
            self.authority.sign("127.0.0.1", life=timedelta(days=-1))
        )
        await self.assert_refused(server, "certificate verify failed")

    async def test_own_tls(self) -> None:
        """The option ``tls`` has the client trust and check what it says."""
        stranger = Authority()
        server = await self.secure(stranger.sign("phoenix.example"))
        certificate = Certificate.loadPEM(stranger.pem)
        tls = optionsForClientTLS(
            "phoenix.example", trustRoot=trustRootFromCertificates([certificate])
        )
        await self.converse(self.client(server.url, tls=tls))

    async def test_no_tls(self) -> None:
        """A server without TLS is no server for ``wss``."""
        port = await self.listen(Plain)
        client = self.client(f"wss://127.0.0.1:{port}/socket", reconnect=False)
        error = await self.failure_of(client.when_connected())
        self.assertIn("TLS: ", str(error))

    async def test_plain_to_tls(self) -> None:
        """A server with TLS is none for ``ws``."""
        server = await self.secure(self.authority.sign("127.0.0.1"))
        client = self.client(server.url.replace("wss:", "ws:"), reconnect=False)
        error = await self.failure_of(client.when_connected())
        self.assertIsInstance(error, ConnectionFailed)

    async def test_proxy(self) -> None:
        """Through a tunnel it is the server that is verified, not the proxy."""
        server = await self.secure(self.authority.sign("127.0.0.1"))
        tunnel = f"http://me:pw@127.0.0.1:{await self.listen(Tunnel)}"
        await self.converse(self.client(server.url, proxy=tunnel))
        self.assertIn(b"Proxy-Authorization: Basic bWU6cHc=", Tunnel.heads[-1])
        other = await self.secure(self.authority.sign("example.org"))
        client = self.client(other.url, proxy=tunnel, reconnect=False)
        error = await self.failure_of(client.when_connected())
        self.assertIn("127.0.0.1", str(error))

    async def test_closing(self) -> None:
        """The closing handshake goes over TLS, and both sides hear of it."""
        server = await self.secure(self.authority.sign("127.0.0.1"))
        client = self.client(server.url)
        await client.when_connected()
        closed = self.next_call(client.on_close)
        await client.disconnect(4000, "bye")
        error = await closed
        self.assertEqual((error.code, error.was_clean), (1000, True))
        await self.assert_nothing_held()
        client.connect()
        await client.when_connected()
        server.drain()
        self.assertEqual((await self.next_call(client.on_close)).code, 1012)


class StockTLSTests(TLSTests):
    """So it is with Twisted's own TLS."""

    more_options: ClassVar[dict[str, Any]] = {"fast_tls": False}
