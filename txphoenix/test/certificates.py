"""Certificates as no good authority would sign them, and some that are good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, NameOID
from OpenSSL.crypto import X509, PKey
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    optionsForClientTLS,
    trustRootFromCertificates,
)

from txphoenix.testing.tls import Credentials

__all__ = ["Issuer", "key_pem", "raw_names"]

_PEM = serialization.Encoding.PEM
_DAY = timedelta(days=1)


class Issuer:
    """An authority, on its own or made by another one.

    :param above: the authority that has signed it; none for a root.
    :param path_length: how many others may come between it and a server.
    """

    def __init__(
        self, above: Issuer | None = None, path_length: int | None = None
    ) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        # Of two with one name, a client tries the wrong one's key.
        self._name = _named(f"authority {x509.random_serial_number()}")
        signer = above or self
        builder = _builder(self._name, signer._name, self._key)
        ca = x509.BasicConstraints(ca=True, path_length=path_length)
        self.certificate = builder.add_extension(ca, critical=True).sign(
            signer._key, hashes.SHA256()
        )
        self.chain: list[x509.Certificate] = []
        """The authorities between a server and the root, the nearest first."""
        if above is not None:
            self.chain = [self.certificate, *above.chain]

    @property
    def pem(self) -> bytes:
        """The authority's own certificate."""
        pem: bytes = self.certificate.public_bytes(_PEM)
        return pem

    @property
    def trust_root(self) -> Any:
        """What a client is given that trusts this authority alone."""
        return trustRootFromCertificates([Certificate.loadPEM(self.pem)])

    def tls(self, host: str) -> Any:
        """TLS of a client that trusts this authority alone."""
        return optionsForClientTLS(host, self.trust_root)

    def sign(
        self,
        *names: x509.GeneralName,
        raw: bytes | None = None,
        common_name: str = "server",
        begins: timedelta = -2 * _DAY,
        ends: timedelta = _DAY,
        extensions: Sequence[x509.ExtensionType] = (),
        is_own: bool = False,
    ) -> CertificateOptions:
        """Make a server's key and certificate.

        :param names: its subjectAltName; it has none without any.
        :param raw: the subjectAltName as bytes (DER), in place of names.
        :param common_name: what its subject is called.
        :param begins: from when on it is good, from now on.
        :param ends: until when.
        :param extensions: what else is in it.
        :param is_own: whether it is the authority's own, so that it is self-signed.
        """
        key = self._key if is_own else ec.generate_private_key(ec.SECP256R1())
        subject = self._name if is_own else _named(common_name)
        builder = _builder(subject, self._name, key, begins, ends)
        if raw is not None:
            builder = builder.add_extension(
                x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, raw),
                critical=False,
            )
        elif names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(names), critical=False
            )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return CertificateOptions(
            privateKey=PKey.from_cryptography_key(key),
            certificate=X509.from_cryptography(
                builder.sign(self._key, hashes.SHA256())
            ),
            extraCertChain=[X509.from_cryptography(link) for link in self.chain],
        )


def raw_names(*names: tuple[int, bytes]) -> bytes:
    """A subjectAltName of any names, well formed or not (RFC 5280 section 4.2.1.6).

    :param names: each as its kind (1 an e-mail address, 2 a host name, 6 a URI, 7 an
        address) and its bytes.
    """
    content = b"".join(
        bytes([0x80 | kind, len(value)]) + value for kind, value in names
    )
    return bytes([0x30, len(content)]) + content


def key_pem(credentials: Credentials) -> bytes:
    """The key of the test server, as a file has it."""
    key: Any = credentials.server.privateKey
    if isinstance(key, PKey):
        key = key.to_cryptography_key()
    pem: bytes = key.private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: Any,
    begins: timedelta = -2 * _DAY,
    ends: timedelta = _DAY,
) -> Any:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )
