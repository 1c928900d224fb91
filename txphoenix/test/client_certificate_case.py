"""What the tests of client certificates share: files, and a server's authority."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing.tls import ClientAuthority, Credentials, self_signed

__all__ = ["PASSWORD", "CertificateFiles", "common_name"]

PASSWORD = "t0p s3cret"


class CertificateFiles:
    """A device's files, in a directory of the test's own.

    :ivar authority: who signs certificates of devices.
    :ivar credentials: those of the server.
    :ivar ca: the file with the certificate that the server is trusted by.
    """

    def __init__(self, test: SynchronousTestCase) -> None:
        self.directory = Path(test.mktemp()).absolute()
        self.directory.mkdir(parents=True)
        self.authority = ClientAuthority()
        self.credentials: Credentials = self_signed()
        self.ca = self.write("ca.pem", self.credentials.trust_root.dumpPEM())
        self.demanding = self.authority.demanded_by(self.credentials)

    def write(self, name: str, content: bytes) -> str:
        """Write a file; its path."""
        path = self.directory / name
        path.write_bytes(content)
        return str(path)

    def sign(self, name: str, **how: Any) -> tuple[str, str]:
        """Make a device's certificate and key; the two files, always the same."""
        made = self.authority.sign(name, **how)
        return (
            self.write("cert.pem", made.certificate),
            self.write("key.pem", made.key),
        )

    def password(self, text: str = PASSWORD + "\n") -> str:
        """Write the file with the key's password; its path."""
        return self.write("password", text.encode())


def common_name(der: bytes | None) -> str | None:
    """Whom a certificate names, if there is one."""
    if der is None:
        return None
    subject = x509.load_der_x509_certificate(der).subject
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
