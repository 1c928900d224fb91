"""What the tests of odd certificates share."""

from __future__ import annotations

import os
from importlib import metadata
from typing import Any, ClassVar, cast
from unittest import mock

from OpenSSL import SSL
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
)
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, optionsForClientTLS
from twisted.python.failure import Failure
from zope.interface import implementer

from txphoenix.errors import ConnectionFailed
from txphoenix.protocol.url import parse

from .certificates import Issuer
from .network import NetworkTestCase, reactor
from .tls_cases import Case

__all__ = [
    "IS_CLOSED",
    "TOKEN",
    "Anonymous",
    "CertificatesTestCase",
    "Composed",
    "Recorder",
    "Resuming",
    "raiser",
]

TOKEN = "t0ken-that-nobody-may-see"

IS_CLOSED = tuple(map(int, metadata.version("twisted").split(".")[:2])) < (26, 4)
"""Whether this Twisted fails closed; it then refuses in words of its own."""


class Recorder(Protocol):
    """A server that notes what it is told inside of TLS.

    :cvar open: those that are connected.
    :cvar told: all that they were told.
    """

    open: ClassVar[set[Recorder]] = set()
    told: ClassVar[list[bytes]] = []

    def __init__(self) -> None:
        self.received = b""

    def connectionMade(self) -> None:
        """Note that there is a client."""
        self.open.add(self)

    def dataReceived(self, data: bytes) -> None:
        """Note it; the head of a request is enough."""
        self.told.append(data)
        self.received += data
        if b"\r\n\r\n" in self.received:
            cast(Any, self.transport).loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note that there is none any more."""
        self.open.discard(self)


@implementer(IOpenSSLServerConnectionCreator)
class Anonymous:
    """A server that shows no certificate."""

    def serverConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Make its connection."""
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(b"aNULL:@SECLEVEL=0")
        return SSL.Connection(context, None)


@implementer(IOpenSSLClientConnectionCreator)
class Resuming:
    """Makes what another one makes, and resumes the first session."""

    def __init__(self) -> None:
        self._tls: Any = None
        self._made: list[SSL.Connection] = []

    def around(self, tls: Any) -> Any:
        """Use that from now on."""
        self._tls = tls
        return self

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Make it."""
        connection = self._tls.clientConnectionForTLS(tlsProtocol)
        if self._made:
            connection.set_session(self._made[0].get_session())
        self._made.append(connection)
        return connection

    def keys(self) -> set[bytes | None]:
        """The keys of the sessions; before TLS 1.3 those resumed have one key."""
        return {connection.master_key() for connection in self._made}


@implementer(IOpenSSLClientConnectionCreator)
class Composed:
    """Makes what Twisted makes."""

    def __init__(self, tls: Any) -> None:
        self._tls = tls

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Make it."""
        return self._tls.clientConnectionForTLS(tlsProtocol)


def raiser(error: BaseException) -> Any:
    """Make a function that raises."""

    def check(_certificate: Any) -> None:
        raise error

    return check


class CertificatesTestCase(NetworkTestCase):
    """Shows certificates to clients that trust one authority."""

    timeout = 120

    def setUp(self) -> None:
        """Have the machine trust the authority."""
        super().setUp()
        self.root = Issuer()
        self.directory = self.mktemp()
        os.makedirs(self.directory)
        path = os.path.join(self.directory, "root.pem")
        with open(path, "wb") as file:
            file.write(self.root.pem)
        trusting = mock.patch.dict(os.environ, {"SSL_CERT_FILE": path})
        trusting.start()
        self.addCleanup(trusting.stop)

    async def try_out(
        self, certificate: CertificateOptions, url: str, options: Any
    ) -> tuple[Exception, bytes]:
        """Connect once to a server with that certificate.

        :param url: the URL, without the port.
        :param options: takes the host in ASCII and the server's port, and returns the
            client's options.
        :return: the error, and what the server was told inside of TLS.
        """
        Recorder.told.clear()
        listening = await SSL4ServerEndpoint(
            reactor, 0, certificate, interface="127.0.0.1"
        ).listen(Factory.forProtocol(Recorder))
        port = listening.getHost().port
        client = self.client(
            f"{url}:{port}/socket",
            params={"token": TOKEN},
            reconnect=False,
            **options(parse(url).host, port),
        )
        error = await self.failure_of(client.when_connected())
        await client.stopService()
        await self.until(lambda: not Recorder.open)
        await listening.stopListening()
        # Some releases of Twisted log what they stumble over.
        self.flushLoggedErrors()
        return error, b"".join(Recorder.told)

    def check_one(self, case: Case, error: Exception, told: bytes) -> None:
        """Hold what has happened against what should."""
        self.assertNotIn(TOKEN, str(error))
        self.assertNotIn("\x1b", str(error))
        if case.fault is not None:
            self.assertEqual(told, b"")
            self.assertIs(type(error), ConnectionFailed)
            self.assertIn("" if IS_CLOSED and not case.fault else "TLS: ", str(error))
            self.assertIn(case.fault, str(error))
            self.assertIsNotNone(error.__cause__)
        elif not (case.is_mixed and told == b"" and IS_CLOSED):
            self.assertIn(TOKEN.encode(), told)
            self.assertNotIn("TLS: ", str(error))

    def own(self, host: str, **more: Any) -> Any:
        """What the user gives as ``tls``."""
        return optionsForClientTLS(host, self.root.trust_root, **more)

    def here(self, port: int) -> Any:
        """The endpoint of the server."""
        return TCP4ClientEndpoint(reactor, "127.0.0.1", port)
