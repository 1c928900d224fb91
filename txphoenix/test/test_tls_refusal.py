"""Tests of :mod:`txphoenix.transports.tls`: what a refusal is, and of what.

What becomes of it on the network is in :mod:`.test_tls`.
"""

from __future__ import annotations

import gc
import weakref
from ipaddress import ip_address
from typing import cast
from unittest import mock

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConfigurationError
from txphoenix.transports.failures import failed_with
from txphoenix.transports.tls import (
    CertificateRefused,
    Identity,
    identity_of,
    is_verified,
    refusal,
    verified,
    verify,
    verify_transport,
)

from .certificates import Issuer
from .tls_case import Composed, raiser


class RefusalTests(SynchronousTestCase):
    """What a refusal is, whatever the comparison has ended in."""

    def judge(self, error: BaseException) -> CertificateRefused:
        """Have the comparison raise something."""
        identity = Identity("a.b.example")
        self.patch(identity, "check", raiser(error))
        certificate = X509.from_cryptography(Issuer().certificate)
        refused = refusal(identity, certificate, 0, 0, 1)
        if refused is None:
            raise self.failureException("it was accepted")
        return refused

    def test_any_exception(self) -> None:
        """Whatever is raised is a refusal, with it as the cause."""
        for error in (ValueError("x"), KeyError(), SystemExit(), KeyboardInterrupt()):
            with self.subTest(error=error):
                refused = self.judge(error)
                self.assertIs(refused.__cause__, error)
                self.assertIn("a.b.example", str(refused))
                self.assertIn(type(error).__name__, str(refused))

    def test_its_own(self) -> None:
        """The comparison's own refusal stays as it is."""
        error = CertificateRefused("why")
        self.assertIs(self.judge(error), error)

    def test_fault_of_the_chain(self) -> None:
        """A fault is told in words if it is a common one, and by its number if not."""
        identity = Identity("a.b.example")
        certificate = X509.from_cryptography(Issuer().certificate)
        for fault, depth, words in (
            (10, 0, "the certificate has expired"),
            (10, 1, "the certificate has expired (number 1 of the chain)"),
            (999, 0, "X.509 error 999"),
        ):
            refused = refusal(identity, certificate, fault, depth, 0)
            self.assertEqual(str(refused), f"certificate verify failed: {words}")
        self.assertIsNone(refusal(identity, certificate, 0, 1, 1))

    def test_form(self) -> None:
        """It has the form of OpenSSL's errors, on which Twisted relies."""
        refused = CertificateRefused("why")
        self.assertIsInstance(refused, SSL.Error)
        self.assertEqual(refused.args[0][-1][-1], "why")
        self.assertEqual(str(failed_with(refused)), "TLS: why")

    def test_long_names(self) -> None:
        """What a certificate says is cut, and there is no end of its names."""
        names = [x509.DNSName(f"{n}.{'x' * 200}.example") for n in range(50)]
        certificate = signed(*names)
        error = self.assertRaises(
            CertificateRefused, Identity("a.b.example").check, certificate
        )
        self.assertLess(len(str(error)), 700)
        self.assertIn(", ...", str(error))

    def test_compared_once(self) -> None:
        """That a certificate is for a host is remembered; that it is not, never."""
        identity = Identity("a.b.example")
        good = server_certificate(x509.DNSName("a.b.example"))
        bad = server_certificate(x509.DNSName("x.example"))
        for _ in range(2):
            self.assertIsNone(refusal(identity, good, 0, 0, 1))
            self.assertIn("x.example", str(refusal(identity, bad, 0, 0, 1)))
        with mock.patch.object(identity, "check") as check:
            self.assertIsNone(refusal(identity, good, 0, 0, 1))
            self.assertEqual(check.mock_calls, [])
            # The dates and the chain are OpenSSL's to judge, each time.
            self.assertIn("expired", str(refusal(identity, good, 10, 0, 0)))
            # Those remembered are bounded.
            for _ in range(20):
                other = server_certificate(x509.DNSName("a.b.example"))
                self.assertIsNone(refusal(identity, other, 0, 0, 1))
        self.assertEqual(len(check.mock_calls), 20)
        self.assertLess(len(identity._named_by), 10)

    def test_remembered_for_one_host(self) -> None:
        """What one host's identity remembers is nothing to another's."""
        certificate = server_certificate(x509.DNSName("a.b.example"))
        for host, is_refused in (("a.b.example", False), ("x.example", True)):
            refused = refusal(identity_of(host), certificate, 0, 0, 1)
            self.assertEqual(refused is not None, is_refused)
            self.assertIs(identity_of(host), identity_of(host))

    def test_held_by_nobody(self) -> None:
        """A connection whose handshake is done is gone with its last user.

        OpenSSL's part of it is large, and nothing that Python counts.
        """
        connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
        certificate = server_certificate(x509.DNSName("a.b.example"))
        with (
            mock.patch.object(SSL.Connection, "do_handshake"),
            mock.patch.object(
                SSL.Connection, "get_peer_certificate", return_value=certificate
            ),
        ):
            verify(connection, mock.Mock(), Identity("a.b.example"))
            self.assertFalse(is_verified(connection))
            connection.do_handshake()
        self.assertTrue(is_verified(connection))
        gone = weakref.ref(connection)
        gc.disable()
        self.addCleanup(gc.enable)
        del connection
        self.assertIsNone(gone())

    def test_zone(self) -> None:
        """The zone of an address is in no certificate."""
        address = x509.IPAddress(ip_address("fe80::1"))
        Identity("fe80::1%eth0").check(signed(address))

    def test_host_that_nothing_names(self) -> None:
        """A host that cannot be in a certificate is refused before any connection."""
        for host in ("", "123", "a b", "b\xfc cher"):
            with self.subTest(host=host):
                self.assertRaises(ConfigurationError, Identity, host)

    def test_twisted_still_tells_the_host(self) -> None:
        """The host that ``optionsForClientTLS`` was given is known to us.

        Its place has no public name; without it the option ``tls`` would be left to
        Twisted.
        """
        for host in ("a.b.example", "127.0.0.1", "::1"):
            own = optionsForClientTLS(host)
            self.assertIsNot(verified(own), own)

    def test_left_alone(self) -> None:
        """What is not just what Twisted has made may have a check of its own."""
        own = optionsForClientTLS("a.b.example")
        own.__class__ = type("Own", (type(own),), {})
        for tls in (own, Composed(own), None):
            self.assertIs(verified(tls), tls)

    def test_end_of_the_handshake(self) -> None:
        """Whatever a look at the certificate ends in there, the handshake fails."""
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        for error in (ValueError("x"), KeyError(), CertificateRefused("why")):
            connection = SSL.Connection(context, None)
            connection.do_handshake = lambda: None  # type: ignore[method-assign]
            verify_transport(mock.Mock(getHandle=lambda it=connection: it))
            self.patch(SSL.Connection, "get_peer_certificate", raiser(error))
            refused = self.assertRaises(CertificateRefused, connection.do_handshake)
            if refused is not error:
                self.assertIs(refused.__cause__, error)
                self.assertIn(f"any host: {type(error).__name__}", str(refused))

    def test_no_tls(self) -> None:
        """A transport without TLS, or without a handle, is nothing to look at."""
        verify_transport(StringTransport())
        verify_transport(mock.Mock(getHandle=lambda: None))


def server_certificate(*names: x509.GeneralName) -> X509:
    """A server's certificate, as OpenSSL has it."""
    return cast(X509, Issuer().sign(*names).certificate)


def signed(*names: x509.GeneralName) -> x509.Certificate:
    """A server's certificate."""
    return server_certificate(*names).to_cryptography()
