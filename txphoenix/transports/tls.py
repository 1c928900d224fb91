"""The verification of a server's certificate: that it is for the server's name.

Since Twisted 26.4, what ``optionsForClientTLS`` makes fails open: it takes a
certificate for another host if the comparison ends in anything but a mismatch.
One without a subjectAltName makes it do so, and one with an e-mail address alone, with
a URI that has a port, or with a name that is not ASCII.
(``verifyCallback`` in ``twisted/internet/_sslverify.py`` logs "while verifying
certificate" and returns what OpenSSL thinks of the signatures.)

So the certificate is compared here, by RFC 9525, and nothing but a match is taken::

    C: ClientHello
    S: certificate     not for the host, or a link of its chain is no good: refused
    C: Finished
    C: the request, with its secrets

:func:`verified` stands around what the option ``tls`` says, and around the default; it
decides inside of the handshake.
:func:`verify_transport` is for TLS in an endpoint of the user's.
It decides at the end of the handshake, and only where Twisted was to check the host's
name and could not.

All of this can go once each release of Twisted that we admit refuses such certificates
by itself; ``txphoenix/test/test_tls.py`` tells of the first that does.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from OpenSSL.crypto import X509
from OpenSSL.SSL import (
    TLS1_3_VERSION,
    VERIFY_FAIL_IF_NO_PEER_CERT,
    VERIFY_PEER,
    Connection,
)
from service_identity.pyopenssl import extract_patterns
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure
from zope.interface import implementer

from .server_identity import CertificateRefused, Identity, NoTLS, identity_of

__all__ = [
    "HANDSHAKE",
    "CertificateRefused",
    "Identity",
    "NoTLS",
    "VerifyingTLS",
    "identity_of",
    "is_judged",
    "is_verified",
    "names_host",
    "refusal",
    "verified",
    "verify",
    "verify_transport",
]

# What Twisted sets where it checks a host's name; ``CertificateOptions`` have one more
# (``verifyOnce``), unless told otherwise.
_CHECKED_BY_TWISTED: Final = VERIFY_PEER | VERIFY_FAIL_IF_NO_PEER_CERT

HANDSHAKE: Final = "do_handshake"
"""The method of a connection that begins a handshake and goes on with it.

One whose handshake is not done has one of its own, which checks the end.
"""

# What a connection has of ours if nobody has judged its chain.
_NOT_JUDGED: Final = "_txphoenix_not_judged"

# OpenSSL's codes (x509_vfy.h) for the faults of a chain that people meet.
_FAULTS: Final = {
    7: "a signature of the chain is wrong",
    9: "the certificate is not yet valid",
    10: "the certificate has expired",
    18: "the certificate is self-signed and not trusted",
    19: "the chain ends in an authority that is not trusted",
    20: "the certificate was signed by an authority that is not trusted or not known",
    21: "the certificate was signed by an authority that is not trusted or not known",
    22: "the chain is too long",
    23: "the certificate has been revoked",
    24: "a certificate of the chain is no authority's",
    25: "the chain is longer than an authority in it allows",
    26: "the certificate is not for TLS servers",
    66: "a key of the chain is too weak",
    68: "a signature of the chain is too weak",
    79: "a certificate of the chain is no authority's",
}


def verified(tls: Any) -> Any:
    """Have what the option ``tls`` says refuse all that it was to refuse.

    :param tls: what ``optionsForClientTLS`` has made, for whatever host and with
        whatever authorities; anything else is returned as it is.
    :raises ConfigurationError: no certificate can name its host.
    """
    # It has no public name, and there is no other way to learn it.
    host = getattr(tls, "_hostnameASCII", None)
    # A subclass may have a check of its own, whose place ours would take.
    if type(tls) is not _twisted_kind() or not isinstance(host, str):
        return tls
    return VerifyingTLS(tls, identity_of(host))


def names_host(tls: Any) -> bool:
    """Whether what the option ``tls`` says takes one host's certificate and no other's.

    What somebody has made may take any, and show a certificate of ours to all.
    """
    return isinstance(verified(tls), VerifyingTLS)


def verify(connection: Connection, tls_protocol: Any, identity: Identity) -> None:
    """Have the handshake of a connection take nothing but a host's certificate.

    Whatever check the connection had is replaced.
    A handshake in which no certificate was judged, as ciphers without any or a session
    that is resumed have it, is judged at its end.

    :param tls_protocol: is told of a refusal.
    """
    # A connection must not keep alive what it is a part of.
    protocol = weakref.ref(tls_protocol)
    is_accepted = False

    def judge(
        _connection: Connection, certificate: X509, fault: int, depth: int, ok: int
    ) -> bool:
        nonlocal is_accepted
        refused = refusal(identity, certificate, fault, depth, ok)
        is_accepted = refused is None and not depth
        refusing = protocol()
        if refused is not None and refusing is not None:
            refusing.failVerification(Failure(refused))
        return refused is None

    def check() -> None:
        if not is_accepted:
            _check(identity, _certificate_of(connection))
            vars(connection)[_NOT_JUDGED] = True
        if connection.get_protocol_version() == TLS1_3_VERSION:
            # It has no other handshake (RFC 8446 section 4.1.2), so that nobody asks
            # us any more.
            connection.set_verify(VERIFY_PEER)

    connection.set_verify(VERIFY_PEER, judge)
    _check_at_end(connection, check)


def verify_transport(transport: Any) -> None:
    """See that TLS which is not of our making does not fail open.

    Call it in ``makeConnection``, which is before the handshake.
    Where Twisted checks the host's name, a certificate that it cannot compare is then
    refused at the end of the handshake, unless it is for the name that the server was
    asked for (SNI).
    Where Twisted checks none, as with ``CertificateOptions``, nothing changes: that was
    somebody's decision.

    :param transport: any transport.
        Begun by ``startTLS`` in a protocol below ours, TLS cannot be seen here.
    """
    get_handle = getattr(transport, "getHandle", None)
    connection = None if get_handle is None else get_handle()
    if (
        isinstance(connection, Connection)
        and connection.get_verify_mode() == _CHECKED_BY_TWISTED
    ):
        _check_at_end(connection, lambda: _check_comparable(connection))


@cache
def _twisted_kind() -> type[Any]:
    """The class of what ``optionsForClientTLS`` makes, which has no public name."""
    return type(optionsForClientTLS("localhost", trustRootFromCertificates([])))


@implementer(IOpenSSLClientConnectionCreator)
class VerifyingTLS:
    """Makes connections that take nothing but a host's certificate.

    :param tls: makes the connections, with whatever check.
    :param identity: the host.
    """

    def __init__(self, tls: Any, identity: Identity) -> None:
        self._tls = tls
        self._identity = identity

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Connection:
        """Make the connection of a protocol."""
        connection: Connection = self._tls.clientConnectionForTLS(tlsProtocol)
        verify(connection, tlsProtocol, self._identity)
        return connection


def is_verified(connection: Connection) -> bool:
    """Whether the handshake of a connection of :class:`VerifyingTLS` has ended well."""
    return HANDSHAKE not in vars(connection)


def is_judged(connection: Connection) -> bool:
    """Whether the chain of a verified connection has been judged, and in this one.

    It has not where a session was resumed, or where somebody has put another check in
    the place of ours.
    """
    return _NOT_JUDGED not in vars(connection)


def refusal(
    identity: Identity, certificate: X509, fault: int, depth: int, ok: int
) -> CertificateRefused | None:
    """Judge one certificate of a chain, of which the server's own is at depth 0.

    :param fault: what OpenSSL has found (by its code) if it is not ``ok``.
    """
    if not ok:
        words = _FAULTS.get(fault, f"X.509 error {fault}")
        where = f" (number {depth} of the chain)" if depth else ""
        return CertificateRefused(f"certificate verify failed: {words}{where}")
    if depth:
        return None
    try:
        identity.check_again(certificate)
    # C has called us: what was raised here would be lost, and with it the refusal.
    except BaseException as error:
        if isinstance(error, CertificateRefused):
            return error
        refused = identity.refused(f"it cannot be compared: {type(error).__name__}")
        refused.__cause__ = error
        return refused
    return None


def _check_at_end(connection: Connection, check: Callable[[], None]) -> None:
    """Have the handshake of a connection end well only if a check does."""
    methods = vars(connection)
    own = methods.get(HANDSHAKE)
    shake_hands = connection.do_handshake
    # What is put there, unless somebody has put something around it.
    placed: list[weakref.ref[Callable[[], None]]] = []

    def shake_hands_and_check() -> None:
        shake_hands()
        try:
            check()
        except CertificateRefused:
            raise
        # Twisted takes nothing but OpenSSL's errors for the end of a handshake.
        except Exception as error:
            raise CertificateRefused(
                "the server's certificate cannot be compared with any host:"
                f" {type(error).__name__}"
            ) from error
        # The connection holds this function, which holds the connection: that would
        # keep all of it, when it has ended, until the garbage is collected.
        if placed and methods.get(HANDSHAKE) is placed.pop()():
            del methods[HANDSHAKE]
            if own is not None:
                methods[HANDSHAKE] = own

    # Twisted sends no application's bytes before this has returned.
    placed.append(weakref.ref(shake_hands_and_check))
    methods[HANDSHAKE] = shake_hands_and_check


def _check_comparable(connection: Connection) -> None:
    """Refuse a certificate that Twisted could not compare, and so has accepted."""
    certificate = _certificate_of(connection)
    try:
        if extract_patterns(certificate):
            # Then Twisted has compared it.
            return
    except Exception as error:
        cause: Exception | None = error
    else:
        cause = None
    host = connection.get_servername()
    if host is None:
        raise CertificateRefused(
            "the server's certificate cannot be compared with any host:"
            " its subjectAltName is missing or cannot be read"
        ) from cause
    _check(Identity(host.decode("ascii")), certificate)


def _check(identity: Identity, certificate: X509) -> None:
    refused = refusal(identity, certificate, 0, 0, 1)
    if refused is not None:
        raise refused


def _certificate_of(connection: Connection) -> X509:
    """The certificate that the server has shown."""
    certificate = connection.get_peer_certificate()
    if certificate is None:
        raise CertificateRefused("the server has shown no certificate")
    return certificate
