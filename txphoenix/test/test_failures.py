"""Tests of :mod:`txphoenix.transports.failures`."""

from __future__ import annotations

from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from twisted.internet.error import ConnectionRefusedError
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConnectionFailed
from txphoenix.transports.failures import failed_with

OTHER = "TLS: the certificate is for another host:"


class FailedWithTests(SynchronousTestCase):
    """What a user is told of errors that others have raised."""

    def test_words(self) -> None:
        """The error says what happened in one line, and has its cause."""
        queue = [("asn1", "", "EVP lib"), ("SSL routines", "", "unsupported protocol")]
        for cause, words in (
            (OSError("no network"), "OSError: no network"),
            (
                ConnectionRefusedError(),
                "ConnectionRefusedError: Connection was refused by other side.",
            ),
            (SSL.Error(queue), "TLS: unsupported protocol"),
            (SSL.Error(), "TLS: Error()"),
            (SSL.Error([]), "TLS: Error([])"),
            (
                SSL.SysCallError(-1, "Unexpected EOF"),
                "TLS: SysCallError(-1, 'Unexpected EOF')",
            ),
            (VerificationError(errors=[]), f"{OTHER} VerificationError(errors=[])"),
            (CertificateError("empty"), f"{OTHER} empty"),
        ):
            with self.subTest(words=words):
                failed = failed_with(cause)
                self.assertIs(type(failed), ConnectionFailed)
                self.assertEqual(str(failed), words)
                self.assertIs(failed.__cause__, cause)

    def test_when(self) -> None:
        """It can say what was being done as well."""
        failed = failed_with(OSError("no network"), "lost during the handshake")
        self.assertEqual(
            failed.reason, "lost during the handshake: OSError: no network"
        )
