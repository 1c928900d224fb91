"""A certificate for a test server, and what a client needs to trust it.

::

    credentials = self_signed()
    server = PhoenixServer(channels, tls=credentials.server)
    client = SocketClient(server.url, tls=client_tls(
        "127.0.0.1", credentials.trust_root))

What reads a file, as the options of a command do, gets one::

    Path("ca.pem").write_bytes(credentials.authority_pem)

A server can demand a certificate of its clients as well::

    devices = ClientAuthority()
    server = PhoenixServer(channels, tls=devices.demanded_by(credentials))
    mine = devices.sign("device-1")
    Path("device.pem").write_bytes(mine.certificate + mine.key)
    client = SocketClient(server.url, tls=client_tls(
        "127.0.0.1", credentials.trust_root, cert_file="device.pem"))
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509, PKey
from OpenSSL.SSL import NO_OVERLAPPING_PROTOCOLS, Context
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    trustRootFromCertificates,
)

from ..runtime.openssl_objects import for_context

__all__ = ["ClientAuthority", "ClientPEM", "Credentials", "self_signed"]

_PEM = serialization.Encoding.PEM


class Credentials(NamedTuple):
    """What :func:`self_signed` makes.

    :ivar server: the server's ``tls``.
    :ivar trust_root: the ``trustRoot`` of a client that is to trust it.
    """

    server: CertificateOptions
    trust_root: Certificate

    @property
    def authority_pem(self) -> bytes:
        """What a file with the authority has (PEM): a client's ``ca_file``."""
        pem: bytes = self.trust_root.dumpPEM()
        return pem


def self_signed(*hosts: str) -> Credentials:
    """Make a key and a certificate that is good for a day.

    :param hosts: the host names and IP addresses it is for; ``localhost`` and
        ``127.0.0.1`` if none are given.
    """
    names = [_general_name(host) for host in hosts or ("localhost", "127.0.0.1")]
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named("txphoenix test")
    certificate = (
        _builder(subject, subject, key, timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    trust_root = Certificate.loadPEM(certificate.public_bytes(_PEM))
    objects = for_context(
        PKey.from_cryptography_key(key), X509.from_cryptography(certificate)
    )
    return Credentials(_ServerOptions(**objects), trust_root)


class ClientPEM(NamedTuple):
    """A client's certificate and key, as files have them (PEM).

    :ivar certificate: the certificate, and behind it those of the authorities between
        it and the one that servers trust.
    :ivar key: its private key.
    """

    certificate: bytes
    key: bytes


class ClientAuthority:
    """Signs the certificates of clients, for servers that demand one.

    :param above: the authority that has signed this one's own certificate; without, it
        is the one that servers trust.
    """

    def __init__(self, above: ClientAuthority | None = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"clients {x509.random_serial_number():x}")
        signer = above or self
        ca = x509.BasicConstraints(ca=True, path_length=None)
        builder = _builder(self._name, signer._name, self._key, timedelta(days=1))
        made = builder.add_extension(ca, critical=True).sign(
            signer._key, hashes.SHA256()
        )
        self._pem = made.public_bytes(_PEM)
        self._chain: bytes = b"" if above is None else self._pem + above._chain

    def sign(
        self,
        name: str,
        *,
        life: timedelta = timedelta(days=1),
        password: bytes | None = None,
    ) -> ClientPEM:
        """Make a client's key and certificate.

        :param name: the common name of its subject.
        :param life: how long it is good; it has expired if that is not above zero.
        :param password: what the key is encrypted with; it is not if not given.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named(name), self._name, key, life)
        certificate = builder.sign(self._key, hashes.SHA256())
        return ClientPEM(
            certificate.public_bytes(_PEM) + self._chain, _key_pem(key, password)
        )

    def demanded_by(self, credentials: Credentials) -> CertificateOptions:
        """The ``tls`` of a server that takes no client without such a certificate.

        :param credentials: the server's own.
        """
        return _ServerOptions(
            privateKey=credentials.server.privateKey,
            certificate=credentials.server.certificate,
            trustRoot=trustRootFromCertificates([Certificate.loadPEM(self._pem)]),
        )


class _ServerOptions(CertificateOptions):
    """Those of a server that speaks HTTP/1.1, whatever else a client offers (ALPN).

    Twisted's own end the handshake of a client none of whose offers they know.
    """

    _selects = False

    def getContext(self) -> Context:
        """The context that all connections share."""
        context = super().getContext()
        # Before the first connection, as a context that has one is not to be changed.
        if not self._selects:
            self._selects = True
            context.set_alpn_select_callback(_select_protocol)
        return context


def _select_protocol(_connection: object, offered: list[bytes]) -> Any:
    return b"http/1.1" if b"http/1.1" in offered else NO_OVERLAPPING_PROTOCOLS


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    life: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # The clocks of two machines differ.
        .not_valid_before(now + min(life, timedelta()) - timedelta(hours=1))
        .not_valid_after(now + life)
    )


def _key_pem(key: ec.EllipticCurvePrivateKey, password: bytes | None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
