"""The host of a URL: what DNS, TLS and HTTP each make of it.

A name that DNS can hold is a host's name here, whatever its letters.
Docker and Kubernetes have ``my_service``, which RFC 1123 does not allow to a host, and
content networks have ``a--b.example.org``, which is no name of IDNA 2008.
Everything here is pure, and no error holds the host: a URL that was cut wrongly may
have a secret in its place.
"""

from __future__ import annotations

import ipaddress
import re

import idna

__all__ = ["read_host", "server_name"]

# RFC 1035 section 2.3.4, in characters: its own limit of 255 counts lengths as well.
_LONGEST_LABEL = 63
_LONGEST_NAME = 253

# Compiled at their first use, which an import need not wait for.
# As it is written; whatever is not written so is read with care.
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_LABEL = r"[a-z0-9_-]+"
# What inet_aton() takes for a part of an IPv4 address; no top-level domain is like it.
_NUMBER = r"[0-9]+|0x[0-9a-f]*"
# RFC 6874 section 2, without escapes: no system has an interface that needs one.
_ZONE = r"[A-Za-z0-9._~-]+"


def read_host(host: str) -> str:
    """A URL's host as it is connected to.

    :param host: the host as it stands in the URL, an IPv6 address in brackets.
    :return: a name in ASCII (A-labels for what is not) and in lower case, with the dot
        that it may end in; or an IP address without brackets, with its zone.
    :raises ValueError: it is none; the text says what else "the host is".
    """
    if re.fullmatch(_IPV4, host):
        return host
    if host.startswith("["):
        return _ipv6(host)
    name = _ascii(host)
    labels = name.removesuffix(".").split(".")
    if not all(labels):
        raise ValueError("no host name: a part of it between dots is empty")
    if not all(re.fullmatch(_LABEL, label) for label in labels):
        raise ValueError("neither a host name nor an IP address")
    if re.fullmatch(_NUMBER, labels[-1]):
        return _ipv4(name)
    if max(map(len, labels)) > _LONGEST_LABEL:
        raise ValueError(
            f"no host name: a part of it has more than {_LONGEST_LABEL} characters"
        )
    if len(name.removesuffix(".")) > _LONGEST_NAME:
        raise ValueError(f"no host name: it has more than {_LONGEST_NAME} characters")
    return name


def server_name(host: str) -> str:
    """The name by which a server knows itself, for a host of :func:`read_host`.

    The dot at the end tells DNS to look nowhere else, and a zone which interface leads
    to an address.
    Both concern the way to the server alone, and are not told to it: RFC 6066 section
    3 has no dot, and RFC 6874 section 1 no zone.
    """
    return host.partition("%")[0].removesuffix(".")


def _ipv6(host: str) -> str:
    # RFC 6874 writes the zone's "%" as "%25".
    address, percent, zone = host[1:-1].replace("%25", "%", 1).partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        raise ValueError("no IPv6 address, though it is in brackets") from None
    if not host.endswith("]") or (percent and not re.fullmatch(_ZONE, zone)):
        raise ValueError("no IPv6 address, though it is in brackets")
    # Interfaces' names differ by case.
    return address.lower() + percent + zone


def _ipv4(host: str) -> str:
    # Systems differ over "127.1" and "0x7f.1", and so do the programs on one of them.
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise ValueError(
            "no host name, as it ends in a number, and no IPv4 address, "
            "which is four decimal numbers from 0 to 255"
        ) from None


def _ascii(host: str) -> str:
    """A name in lower-case ASCII: IDNA 2008 (RFC 5891) for the parts that are not."""
    if host.isascii():
        return host.lower()
    try:
        labels = idna.uts46_remap(host, std3_rules=False).split(".")
        return ".".join(
            label if label.isascii() else idna.alabel(label).decode("ascii")
            for label in labels
        )
    except idna.IDNAError:
        raise ValueError(
            "no host name: IDNA does not allow its characters, their order, "
            "or how many they are"
        ) from None
