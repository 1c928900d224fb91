"""TLS to a server of any name that DNS can hold.

Twisted's own ``optionsForClientTLS`` takes what is a name of IDNA 2008, and so neither
``my_service`` nor ``a--b.example.org``.
Certificates have such names all the same, and what is checked for them is no less: see
:mod:`txphoenix.transports.tls`.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
)
from zope.interface import implementer

from ..errors import ConfigurationError
from ..protocol.host import read_host, server_name
from .system_trust import system_trust
from .tls import VerifyingTLS, identity_of

__all__ = ["client_tls", "system_tls"]


def client_tls(
    hostname: str,
    trust_root: Any = None,
    client_certificate: PrivateCertificate | None = None,
) -> IOpenSSLClientConnectionCreator:
    """What the option ``tls`` takes, for a server of any name.

    For a name that :func:`twisted.internet.ssl.optionsForClientTLS` takes it is what
    that returns.

    :param hostname: the name or address that the server's certificate must be for.
        The dot that a name may end in and the zone of an address are for the way there,
        and no part of it (RFC 6066 section 3).
    :param trust_root: whom to trust: a :class:`twisted.internet.ssl.Certificate`, or
        what :func:`twisted.internet.ssl.trustRootFromCertificates` makes of several;
        the system's authorities if not given.
    :param client_certificate: the client's own certificate and key, if the server asks
        for one.
    :raises ConfigurationError: ``hostname`` is neither.
    """
    if not isinstance(hostname, str):
        raise ConfigurationError(
            f"hostname must be a str, not a value of type {type(hostname).__name__}"
        )
    name = _server_name(hostname)
    try:
        return optionsForClientTLS(
            name, trustRoot=trust_root, clientCertificate=client_certificate
        )
    except UnicodeError:
        options: dict[str, Any] = {"trustRoot": trust_root or platformTrust()}
        if client_certificate is not None:
            options["privateKey"] = client_certificate.privateKey.original
            options["certificate"] = client_certificate.original
        return _named_server(name, CertificateOptions(**options).getContext())


def system_tls(host: str) -> IOpenSSLClientConnectionCreator:
    """What verifies a server where the option ``tls`` says nothing.

    It trusts whom the machine trusts at this moment, and takes next to no time to make.

    :param host: the server's, as a URL has it.
    :raises ConfigurationError: no certificate can name it.
    """
    return _named_server(server_name(host), system_trust.context())


def _server_name(hostname: str) -> str:
    if isIPAddress(hostname) or isIPv6Address(hostname):
        return server_name(hostname)
    try:
        return server_name(read_host(hostname))
    except ValueError as error:
        raise ConfigurationError(f"hostname is {error}") from None


def _named_server(name: str, context: SSL.Context) -> VerifyingTLS:
    return VerifyingTLS(_NamedServer(name, context), identity_of(name))


@implementer(IOpenSSLClientConnectionCreator)
class _NamedServer:
    """Makes connections to a server of any name, which check no name.

    :param name: what it is to show a certificate for.
    :param context: whom to trust, and the rest that the connections share.
    """

    def __init__(self, name: str, context: SSL.Context) -> None:
        self._context = context
        # An address is no name that a server can be asked for (RFC 6066 section 3).
        is_address = isIPAddress(name) or isIPv6Address(name)
        self._name = None if is_address else name.encode("ascii")

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Make the connection of a protocol."""
        connection = SSL.Connection(self._context, None)
        if self._name is not None:
            connection.set_tlsext_host_name(self._name)
        return connection
