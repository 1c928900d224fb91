"""Which proxy the environment names for a server.

The variables are those that ``curl`` and Python's :mod:`urllib` know, and those of a
WebSocket go first:

- ``WSS_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` for a server with TLS, the first that is
  set;
- ``WS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` for one without;
- ``NO_PROXY``, the servers to which no proxy leads: see :func:`is_exempt`.

A name in small letters goes before the same one in capitals.
Under CGI, where a request can set it, ``HTTP_PROXY`` counts in small letters alone.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.request import getproxies_environment

from ..protocol.host import read_host
from ..protocol.url import ProxyAddress, Target, parse_proxy

__all__ = ["environment_proxy", "is_exempt"]

_KINDS: Final = {True: ("wss", "https", "all"), False: ("ws", "http", "all")}


def environment_proxy(target: Target) -> ProxyAddress | None:
    """Tell which proxy the environment names, at this moment.

    :param target: the server.
    :return: None if there is no proxy for it.
    :raises ConfigurationError: what it names is no HTTP proxy; the error has the name
        of the variable, and nothing secret.
    """
    variables = getproxies_environment()
    kinds = _KINDS[target.secure]
    kind = next((it for it in kinds if variables.get(it, "").strip()), None)
    if kind is None or is_exempt(target.host, target.port, variables.get("no", "")):
        return None
    url, name = variables[kind].strip(), _name(kind)
    # As curl and urllib have it, no scheme means http.
    return parse_proxy(url if "://" in url else f"http://{url}", name)


def is_exempt(host: str, port: int, exempt: str) -> bool:
    """Tell whether a server is reached without a proxy.

    :param host: a host name in ASCII, or an IP address.
    :param port: the server's port.
    :param exempt: names and addresses with commas or spaces between them.
        A name stands for its subdomains too, whether it begins with a dot, with ``*.``
        or with neither.
        An address may be a network, as in ``10.0.0.0/8``.
        Either may have a port.
        A single ``*`` among them stands for everything.
    """
    items = [item for item in re.split(r"[\s,]+", exempt) if item]
    if "*" in items:
        return True
    address = _address(host)
    if address is not None:
        return any(_has(item, address, port) for item in items)
    name = host.removesuffix(".").lower()
    return any(_stands_for(item, name, port) for item in items)


def _has(item: str, address: Any, port: int) -> bool:
    """Whether an item is an address, or a network that it is in."""
    # An IPv6 address has colons of its own, and needs brackets before a port.
    match = re.fullmatch(r"\[([^]]*)\](/\d+)?(?::(\d+))?|([^:]*):(\d+)", item)
    if match is not None:
        item = match[4] or f"{match[1] or ''}{match[2] or ''}"
        wanted = match[3] or match[5]
        if wanted is not None and wanted != str(port):
            return False
    try:
        return address in ip_network(item, strict=False)
    except ValueError:
        return False


def _stands_for(item: str, host: str, port: int) -> bool:
    """Whether an item is a name, or the end of it."""
    name, colon, wanted = item.partition(":")
    if colon and wanted != str(port):
        return False
    name = name.removeprefix("*").lstrip(".").removesuffix(".").lower()
    if not name.isascii():
        try:
            name = read_host(name)
        except ValueError:
            return False
    return name != "" and f".{host}".endswith(f".{name}")


def _address(host: str) -> Any:
    try:
        # A zone is this machine's own.
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _name(kind: str) -> str:
    """The variable as it is written; the one in small letters goes first."""
    names = [name for name in os.environ if name.lower() == f"{kind}_proxy"]
    return min(names, key=lambda name: not name.islower(), default=f"{kind}_proxy")
