"""Tests of :mod:`txphoenix.transports.client_tls`.

How such names do on the network is in :mod:`.test_names_network`.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import (
    KeyPair,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
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

    def test_objects_of_others(self) -> None:
        """Objects of cryptography, say, are refused by a text that says what is wanted.

        Those who have just read pyOpenSSL's warnings may well try them.
        """
        mine = KeyPair.generate().selfSignedCert(1, CN="me")
        other = mine.original.to_cryptography()
        for name in ("example.org", "my_service"):
            for option in ("trust_root", "client_certificate"):
                for wrong in (other, mine.original, "ca.pem"):
                    with self.subTest(option=option, wrong=type(wrong)):
                        given: Any = {option: wrong}
                        with self.assertRaises(ConfigurationError) as caught:
                            client_tls(name, **given)
                        text = str(caught.exception)
                        self.assertIn(f"{option} must be a twisted.internet", text)
                        self.assertIn(f"of type {type(wrong).__name__}", text)
            client_tls(name, trustRootFromCertificates([mine]), mine)
            client_tls(name, platformTrust(), mine)
