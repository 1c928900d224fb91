"""A certificate for a test server, and what a client needs to trust it.

::

    credentials = self_signed()
    server = PhoenixServer(channels, tls=credentials.server)
    client = SocketClient(server.url, tls=optionsForClientTLS(
        "127.0.0.1", trustRoot=credentials.trust_root))
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet.ssl import Certificate, CertificateOptions, PrivateCertificate

__all__ = ["Credentials", "self_signed"]


class Credentials(NamedTuple):
    """What :func:`self_signed` makes.

    :ivar server: the server's ``tls``.
    :ivar trust_root: the ``trustRoot`` of a client that is to trust it.
    """

    server: CertificateOptions
    trust_root: Certificate


def self_signed(*hosts: str) -> Credentials:
    """Make a key and a certificate that is good for a day.

    :param hosts: the host names and IP addresses it is for; ``localhost`` and
        ``127.0.0.1`` if none are given.
    """
    names = [_general_name(host) for host in hosts or ("localhost", "127.0.0.1")]
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "txphoenix test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    certificate_pem = certificate.public_bytes(pem)
    key_pem = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    private = PrivateCertificate.loadPEM(certificate_pem + key_pem)
    return Credentials(private.options(), Certificate.loadPEM(certificate_pem))


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
