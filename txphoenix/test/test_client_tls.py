"""Tests of :mod:`txphoenix.transports.client_tls`.

How such names do on the network is in :mod:`.test_names_network`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import KeyPair, optionsForClientTLS
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient, client_tls
from txphoenix.errors import ConfigurationError


class ClientTLSTests(SynchronousTestCase):
    """:func:`client_tls`."""

    def test_usual_names(self) -> None:
        """For what Twisted takes, it is Twisted's."""
        for name in ("example.org", "example.org.", "10.0.0.1", "::1", "fe80::1%eth0"):
            self.assertIs(
                type(client_tls(name)), type(optionsForClientTLS("example.org"))
            )

    def test_other_names(self) -> None:
        """For any other name it is something that the option ``tls`` takes."""
        for name in ("my_service", "a--b.example.", "-a", "xn--a", "my_service.ü"):
            tls = client_tls(name)
            self.assertTrue(IOpenSSLClientConnectionCreator.providedBy(tls))
            SocketClient("wss://my_service", tls=tls)

    def test_no_name(self) -> None:
        """What can be no name is refused."""
        for name in ("", "a..b", "a b", "1.2.3", "[::1]x"):
            error = self.assertRaises(ConfigurationError, client_tls, name)
            self.assertIn("hostname is ", str(error))
        for nothing in (None, b"example.org", 5):
            error = self.assertRaises(ConfigurationError, client_tls, nothing)
            self.assertIn("hostname must be a str, not a value of ", str(error))

    def test_client_certificate(self) -> None:
        """The client's own certificate may be given for either kind of name."""
        mine = KeyPair.generate().selfSignedCert(1, CN="me")
        wrapped = Factory.forProtocol(Protocol)
        for name in ("example.org", "my_service"):
            tls = client_tls(name, client_certificate=mine)
            protocol = TLSMemoryBIOFactory(tls, True, wrapped).buildProtocol(None)
            connection: Any = tls.clientConnectionForTLS(protocol)
            subject = connection.get_certificate().to_cryptography().subject
            self.assertEqual(subject.rfc4514_string(), "CN=me")
