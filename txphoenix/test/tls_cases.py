"""Odd certificates, and what a client must make of each (RFC 9525, RFC 5280)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from typing import NamedTuple

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from twisted.internet.ssl import CertificateOptions

from .certificates import Issuer, raw_names

__all__ = ["Case", "cases"]

# An X.400 address is constructed (0x20).
_DNS, _X400, _URI = 2, 0x23, 6
_DAY = timedelta(days=1)
_HOST = "a.b.example"
_ADDRESS = "127.0.0.1"
_OTHER = "not valid for host"


class Case(NamedTuple):
    """One certificate.

    :ivar name: what is odd about it.
    :ivar host: what the client takes the server for.
    :ivar certificate: the server's, with its key.
    :ivar fault: words of the error it is refused with; none if it is accepted.
    :ivar is_mixed: whether it has a name beside the right one that some releases of
        Twisted stumble over, which then refuse it.
    """

    name: str
    host: str
    certificate: CertificateOptions
    fault: str | None = None
    is_mixed: bool = False


def cases(root: Issuer) -> Iterator[Case]:
    """Every case; the client trusts the root alone."""
    yield from _names(root)
    yield from _wildcards(root)
    yield from _addresses(root)
    yield from _chains(root)


def _names(root: Issuer) -> Iterator[Case]:
    dns, email = x509.DNSName, x509.RFC822Name("me@a.b.example")
    uri = x509.UniformResourceIdentifier
    sign = root.sign
    yield Case("its name", _HOST, sign(dns(_HOST)))
    yield Case("in capitals", _HOST, sign(dns("A.B.Example")))
    yield Case("one of many", _HOST, sign(dns("x.example"), email, dns(_HOST)))
    mixed = sign(uri("https://b.example:1/"), dns(_HOST))
    yield Case("beside a URI", _HOST, mixed, is_mixed=True)
    mixed = sign(dns("*.com"), dns(_HOST))
    yield Case("beside a bad wildcard", _HOST, mixed, is_mixed=True)
    yield Case("another name", _HOST, sign(dns("x.example")), "it is for 'x.example'")
    none = "it has no subjectAltName"
    yield Case("none", _HOST, sign(), none)
    yield Case("none, but a common name", _HOST, sign(common_name=_HOST), none)
    empty = "it names no host"
    yield Case("an empty list", _HOST, sign(raw=raw_names()), empty)
    yield Case("an e-mail address", _HOST, sign(email), empty)
    yield Case("a URI", _HOST, sign(uri(f"https://{_HOST}/")), empty)
    yield Case("a URI with a port", _HOST, sign(uri(f"https://{_HOST}:1/")), empty)
    yield Case("a URI with a wildcard", _HOST, sign(uri("https://*")), empty)
    yield Case("a broken URI", _HOST, sign(raw=raw_names((_URI, b"x"))), empty)
    yield Case("an empty name", _HOST, sign(raw=raw_names((_DNS, b""))), "it is for ''")
    unread = "subjectAltName cannot be read"
    yield Case("not ASCII", _HOST, sign(raw=raw_names((_DNS, b"\xff"))), unread)
    yield Case(
        "of a kind that nobody reads",
        _HOST,
        sign(raw=raw_names((_X400, b"\x30\0"))),
        unread,
    )
    null = raw_names((_DNS, b"a.b.example\0.evil.example"))
    yield Case("a null in it", _HOST, sign(raw=null), _OTHER)
    control = raw_names((_DNS, b"\x1b[31mred"))
    yield Case("a control character in it", _HOST, sign(raw=control), "'\\x1b[31mred'")
    # OpenSSL itself finds fault with this one.
    yield Case("garbage", _HOST, sign(raw=b"\x30\x05abc"), "certificate")
    idn = "xn--bcher-kva.example"
    yield Case("an IDN", "b\xfccher.example", sign(dns(idn)))
    utf_8 = raw_names((_DNS, "b\xfccher.example".encode()))
    yield Case("an IDN as UTF-8", "b\xfccher.example", sign(raw=utf_8), _OTHER)


def _wildcards(root: Issuer) -> Iterator[Case]:
    yield Case("a wildcard", _HOST, root.sign(x509.DNSName("*.b.example")))
    for pattern, host in (
        ("*.example", _HOST),
        ("*.example", "a.example"),
        ("*", _HOST),
        ("*", "localhost"),
        ("*.", "localhost"),
        ("a*.b.example", _HOST),
        ("*a.b.example", _HOST),
        ("f*o.b.example", "foo.b.example"),
        ("a.*.example", _HOST),
        ("a.b.*", _HOST),
        ("*.*.example", _HOST),
        ("**.b.example", _HOST),
        ("*.a.b.example", _HOST),
        ("*..b.example", _HOST),
        ("*.com", "example.com"),
        ("*.0.0.1", _ADDRESS),
        ("*", _ADDRESS),
    ):
        # Not all of them are names that the library would write.
        raw = raw_names((_DNS, pattern.encode()))
        yield Case(f"{pattern} for {host}", host, root.sign(raw=raw), _OTHER)


def _addresses(root: Issuer) -> Iterator[Case]:
    address = x509.IPAddress(ip_address(_ADDRESS))
    yield Case("an address", _ADDRESS, root.sign(address))
    yield Case("an address for a name", _HOST, root.sign(address), _OTHER)
    other = x509.IPAddress(ip_address("127.0.0.2"))
    yield Case("another address", _ADDRESS, root.sign(other), "'127.0.0.2'")
    name = root.sign(x509.DNSName(_ADDRESS))
    yield Case("a name for an address", _ADDRESS, name, _OTHER)
    host = root.sign(x509.DNSName(_HOST))
    yield Case("a host's name for an address", _ADDRESS, host, _OTHER)
    common = root.sign(common_name=_ADDRESS)
    yield Case("no name for an address", _ADDRESS, common, "no subjectAltName")


def _chains(root: Issuer) -> Iterator[Case]:
    name = x509.DNSName(_HOST)
    yield Case("one between", _HOST, Issuer(root).sign(name))
    long = root
    for _ in range(12):
        long = Issuer(long)
    yield Case("too long a chain", _HOST, long.sign(name), "verify failed: ")
    short = Issuer(Issuer(root, path_length=0))
    longer = "longer than an authority in it allows"
    yield Case("longer than allowed", _HOST, short.sign(name), longer)
    expired = root.sign(name, ends=-_DAY)
    yield Case("expired", _HOST, expired, "the certificate has expired")
    early = root.sign(name, begins=_DAY, ends=2 * _DAY)
    yield Case("early", _HOST, early, "the certificate is not yet valid")
    client = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    purpose = root.sign(name, extensions=[client])
    yield Case("a client's", _HOST, purpose, "not for TLS servers")
    stranger = Issuer().sign(name)
    yield Case("a stranger's", _HOST, stranger, "an authority that is not trusted")
    own = Issuer().sign(name, is_own=True)
    yield Case("self-signed", _HOST, own, "self-signed and not trusted")
