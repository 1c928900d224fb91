"""``client_tls()``: TLS to a server of any name that DNS can hold.

Twisted's own ``optionsForClientTLS`` takes what is a name of IDNA 2008, and so neither
``my_service`` nor ``a--b.example.org``.
Certificates have such names all the same, and what is checked for them is no less: see
:mod:`txphoenix.transports.tls`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
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
from ..legible import legible
from ..protocol.host import read_host, server_name
from ..protocol.url import parse
from .system_trust import SystemTrust, system_trust
from .tls import VerifyingTLS, identity_of
from .tls_files import FileNames, TLSFiles

__all__ = ["client_tls", "system_tls", "url_tls"]


def client_tls(
    hostname: str,
    trust_root: Any = None,
    client_certificate: PrivateCertificate | None = None,
    *,
    ca_file: str | os.PathLike[str] | None = None,
    cert_file: str | os.PathLike[str] | None = None,
    key_file: str | os.PathLike[str] | None = None,
    key_password: str | bytes | None = None,
    key_password_file: str | os.PathLike[str] | None = None,
) -> IOpenSSLClientConnectionCreator:
    """What the option ``tls`` takes, for a server of any name.

    Whom to trust and what to show are objects or files.
    Files are read now, so that what is wrong with them is told at once, and anew at
    each attempt to connect, so that they may be renewed while the client runs; an
    attempt fails that cannot read them.
    Without any file, for a name that
    :func:`twisted.internet.ssl.optionsForClientTLS` takes, it is what that returns.

    :param hostname: the name or address that the server's certificate must be for.
        The dot that a name may end in and the zone of an address are for the way there,
        and no part of it (RFC 6066 section 3).
    :param trust_root: whom to trust: a :class:`twisted.internet.ssl.Certificate`, or
        what :func:`twisted.internet.ssl.trustRootFromCertificates` makes of several;
        the system's authorities if not given.
    :param client_certificate: the client's own certificate and key, if the server asks
        for one.
    :param ca_file: the certificates to trust, in PEM, in place of ``trust_root``.
    :param cert_file: the client's own certificate, in PEM, in place of
        ``client_certificate``; behind it those that lead to the authority that the
        server knows.
    :param key_file: its key, in PEM; if not given, that is in ``cert_file`` as well.
    :param key_password: the password of the key, if that is encrypted.
    :param key_password_file: the file that has that password in its first line.
    :raises ConfigurationError: ``hostname`` is neither, what is given does not go
        together, or an object or a file is not there or not what it must be.
    """
    if not isinstance(hostname, str):
        raise ConfigurationError(
            f"hostname must be a str, not a value of type {type(hostname).__name__}"
        )
    name = _server_name(hostname)
    files = {
        "ca_file": _path("ca_file", ca_file),
        "cert_file": _path("cert_file", cert_file),
        "key_file": _path("key_file", key_file),
        "key_password_file": _path("key_password_file", key_password_file),
    }
    password = _password(key_password)
    _refuse_both("trust_root", trust_root, "ca_file", ca_file)
    _refuse_both("client_certificate", client_certificate, "cert_file", cert_file)
    _refuse_both("key_password", password, "key_password_file", key_password_file)
    _check_objects(trust_root, client_certificate)
    if password is None and not any(files.values()):
        return _object_tls(name, trust_root, client_certificate)
    return _files_tls(
        name,
        TLSFiles(
            files["ca_file"],
            files["cert_file"],
            files["key_file"],
            password or files["key_password_file"],
            trust_root,
        ),
    )


def _object_tls(
    name: str, trust_root: Any, client_certificate: PrivateCertificate | None
) -> IOpenSSLClientConnectionCreator:
    try:
        return optionsForClientTLS(
            name, trustRoot=trust_root, clientCertificate=client_certificate
        )
    except UnicodeError:
        options: dict[str, Any] = {"trustRoot": trust_root or platformTrust()}
        if client_certificate is not None:
            options["privateKey"] = client_certificate.privateKey.original
            options["certificate"] = client_certificate.original
        context = CertificateOptions(**options).getContext()
        return _named_server(name, lambda: context)


def url_tls(
    url: str,
    names: FileNames,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
    password: Path | None,
) -> IOpenSSLClientConnectionCreator | None:
    """What the option ``tls`` takes, by files that were given beside a URL.

    :return: None if there are none.
    :raises ConfigurationError: see :func:`client_tls`; or the URL is not one of TLS.
    """
    given = zip(names, (ca, certificate, key, password), strict=True)
    first = next((name for name, path in given if path is not None), None)
    if first is None:
        return None
    target = parse(url)
    if not target.secure:
        raise ConfigurationError(f"{first} is for a wss:// URL, which this is not")
    files = TLSFiles(ca, certificate, key, password, names=names)
    return _files_tls(server_name(target.host), files)


def _files_tls(name: str, files: TLSFiles) -> VerifyingTLS:
    # What is wrong shall be an error at once, and not one of a connection.
    files.context()
    return _named_server(name, files.context)


def system_tls(
    host: str, trust: SystemTrust = system_trust
) -> IOpenSSLClientConnectionCreator:
    """What verifies a server where the option ``tls`` says nothing.

    It trusts whom the machine trusts at this moment, and takes next to no time to make.

    :param host: the server's, as a URL has it.
    :param trust: has the context; that of the process is for nobody to change.
    :raises ConfigurationError: no certificate can name it.
    """
    context = trust.context()
    return _named_server(server_name(host), lambda: context)


def _server_name(hostname: str) -> str:
    if isIPAddress(hostname) or isIPv6Address(hostname):
        return server_name(hostname)
    try:
        return server_name(read_host(hostname))
    except ValueError as error:
        raise ConfigurationError(f"hostname is {error}") from None


def _path(name: str, value: str | os.PathLike[str] | None) -> Path | None:
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or not (path := os.fspath(value)):
        raise ConfigurationError(
            f"{name} must be the path of a file, not {legible(value)}"
        )
    return Path(path)


def _password(value: str | bytes | None) -> bytes | None:
    # It is not shown, whatever it is.
    if value is None:
        return None
    if not isinstance(value, str | bytes) or not value:
        raise ConfigurationError(
            "key_password must be a str or bytes that is not empty, or None, not a "
            f"value of type {type(value).__name__}"
        )
    if isinstance(value, bytes):
        return value
    # Raised here and not when it fails, as that error has the password in it.
    with suppress(UnicodeEncodeError):
        return value.encode("utf-8")
    raise ConfigurationError(
        "key_password has what UTF-8 cannot hold; give it as bytes"
    )


def _check_objects(trust_root: Any, client_certificate: Any) -> None:
    """Refuse objects of others, such as those of cryptography."""
    try:
        if trust_root is not None:
            # It finds out what it is, and makes nothing of it yet.
            CertificateOptions(trustRoot=trust_root)
    except TypeError:
        raise ConfigurationError(
            "trust_root must be a twisted.internet.ssl.Certificate or what"
            " trustRootFromCertificates() makes of several, not a value of type"
            f" {type(trust_root).__name__}"
        ) from None
    if client_certificate is not None and not isinstance(
        client_certificate, PrivateCertificate
    ):
        raise ConfigurationError(
            "client_certificate must be a twisted.internet.ssl.PrivateCertificate, not"
            f" a value of type {type(client_certificate).__name__}"
        )


def _refuse_both(name: str, value: Any, other: str, other_value: Any) -> None:
    if value is not None and other_value is not None:
        raise ConfigurationError(f"{name} and {other} cannot both be given")


def _named_server(name: str, context: Callable[[], SSL.Context]) -> VerifyingTLS:
    return VerifyingTLS(_NamedServer(name, context), identity_of(name))


@implementer(IOpenSSLClientConnectionCreator)
class _NamedServer:
    """Makes connections to a server of any name, which check no name.

    :param name: what it is to show a certificate for.
    :param context: returns whom to trust, and the rest that connections share.
    """

    def __init__(self, name: str, context: Callable[[], SSL.Context]) -> None:
        self._context = context
        # An address is no name that a server can be asked for (RFC 6066 section 3).
        is_address = isIPAddress(name) or isIPv6Address(name)
        self._name = None if is_address else name.encode("ascii")

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """Make the connection of a protocol."""
        connection = SSL.Connection(self._context(), None)
        if self._name is not None:
            connection.set_tlsext_host_name(self._name)
        return connection
