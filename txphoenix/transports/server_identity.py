"""What a certificate must name: the identity of a server (RFC 9525)."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

from cryptography.x509 import (
    Certificate,
    DNSName,
    ExtensionNotFound,
    IPAddress,
    SubjectAlternativeName,
)
from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate
from OpenSSL.SSL import Error
from service_identity import CertificateError
from service_identity.hazmat import DNS_ID, DNSPattern

from ..errors import ConfigurationError

__all__ = ["CertificateRefused", "Identity", "NoTLS", "identity_of"]

# The most names of a certificate, and the most characters of one, that an error tells.
_SHOWN_NAMES: Final = 5
_SHOWN_CHARACTERS: Final = 100

# The most hosts whose identities are kept.
_KEPT_HOSTS: Final = 64

# The most certificates that an identity remembers: behind a name there may be several,
# on the nodes of a cluster or for several kinds of keys.
_KEPT_CERTIFICATES: Final = 8


class NoTLS(Error):
    """There is no TLS, and the text says why.

    It is an error of OpenSSL's kind, in OpenSSL's form: Twisted hands such a one on.
    """

    def __init__(self, text: str) -> None:
        super().__init__([("", "", text)])
        self._text = text

    def __str__(self) -> str:
        return self._text


class CertificateRefused(NoTLS):
    """A server's certificate is no good."""


class Identity:
    """A host, as a certificate may name it.

    :param host: a host name in ASCII, or an IP address.
        A zone, as in ``fe80::1%eth0``, is this machine's own and in no certificate.
    :raises ConfigurationError: no certificate can name it.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        # Certificates that name it, as they came (DER).
        self._named_by: set[bytes] = set()
        self._address: Any = None
        self._name: DNS_ID | None = None
        # What a wildcard is compared with.
        self._below: DNS_ID | None = None
        try:
            self._address = ip_address(host.partition("%")[0])
        except ValueError:
            try:
                self._name = DNS_ID(host)
                # A wildcard stands for a whole label (RFC 9525 section 6.3), of an IDN
                # too, where service_identity would take none.
                self._below = DNS_ID(re.sub(r"\Axn--[^.]*", "x", host))
            except (ValueError, UnicodeError) as error:
                raise ConfigurationError(
                    f"no certificate can name the host {_shown(host)}, so that it"
                    " cannot be reached by TLS"
                ) from error

    def check(self, certificate: Certificate) -> None:
        """See whether a certificate names this host.

        A common name does not (RFC 9525 section 6.3), and neither does a name that
        breaks the rules for wildcards.
        What else the certificate is for does not matter.

        :param certificate: the server's own.
        :raises CertificateRefused: it does not, or cannot be read.
        """
        try:
            found = certificate.extensions.get_extension_for_class(
                SubjectAlternativeName
            ).value
        except ExtensionNotFound:
            raise self.refused(
                "it has no subjectAltName, and a common name is not enough"
            ) from None
        # Beside ValueError it raises errors of its own, which have no other base.
        except Exception as error:
            raise self.refused("its subjectAltName cannot be read") from error
        names = found.get_values_for_type(DNSName)
        addresses = found.get_values_for_type(IPAddress)
        if self._name is None:
            is_named = self._address in addresses
        else:
            is_named = any(map(self._is_named_by, names))
        if not is_named:
            shown = [_shown(str(name)) for name in [*names, *addresses]]
            more = ", ..." if len(shown) > _SHOWN_NAMES else ""
            listed = ", ".join(shown[:_SHOWN_NAMES])
            raise self.refused(
                f"it is for {listed}{more}"
                if shown
                else "it names no host and no address"
            )

    def check_again(self, certificate: X509) -> None:
        """Do as :meth:`check` does, but compare the same certificate only once.

        What is remembered is that it names this host, which never changes.
        Its chain and its dates are OpenSSL's to judge, in each handshake.
        """
        encoded = dump_certificate(FILETYPE_ASN1, certificate)
        if encoded in self._named_by:
            return
        self.check(certificate.to_cryptography())
        if len(self._named_by) >= _KEPT_CERTIFICATES:
            self._named_by.clear()
        self._named_by.add(encoded)

    def refused(self, reason: str) -> CertificateRefused:
        """Make the error that says why a certificate is not for this host."""
        host = _shown(self.host)
        return CertificateRefused(
            f"the server's certificate is not valid for host {host}: {reason}"
        )

    def _is_named_by(self, name: str) -> bool:
        # It would leave out what stands around the name.
        if name != name.strip():
            return False
        try:
            pattern = DNSPattern.from_bytes(name.encode("ascii"))
        except (CertificateError, UnicodeError):
            return False
        wanted = self._below if "*" in name else self._name
        return wanted is not None and wanted.verify(pattern)


@lru_cache(_KEPT_HOSTS)
def identity_of(host: str) -> Identity:
    """The identity of a host, the same one for all who ask for it.

    :raises ConfigurationError: no certificate can name the host.
    """
    return Identity(host)


def _shown(name: str) -> str:
    """A name for an error's text: what a certificate says may be anything."""
    return ascii(
        name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "..."
    )
