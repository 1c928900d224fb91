"""Where metrics are served: a port of this machine alone, unless told otherwise."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from ..errors import ConfigurationError
from ..legible import legible

__all__ = ["endpoint_description", "server_endpoint"]

# The kinds of endpoints that have an interface, and what it is for this machine alone.
_LOOPBACK = {"tcp": "127.0.0.1", "tcp6": r"\:\:1", "ssl": "127.0.0.1"}

_LAST_PORT = 65_535
_DIGITS = 5


def endpoint_description(where: object) -> str:
    """A port, or the description of an endpoint, as the latter.

    One of TCP that names no interface gets that of this machine alone.

    :raises ConfigurationError: it is none.
    """
    if isinstance(where, int) and not isinstance(where, bool):
        where = str(where)
    if not isinstance(where, str) or not where.strip():
        raise _wrong(where)
    where = where.strip()
    if re.fullmatch(r"[+-]?\d+", where):
        # A number of thousands of digits is no int.
        if len(where.lstrip("+0")) > _DIGITS or not 0 <= int(where) <= _LAST_PORT:
            raise _wrong(where)
        where = f"tcp:{int(where)}"
    description = _with_interface(where)
    _parsed(None, description)
    return description


def server_endpoint(reactor: Any, description: str) -> IStreamServerEndpoint:
    """The endpoint of a description.

    :raises ConfigurationError: there is none.
    """
    return _parsed(reactor, description)


def _with_interface(description: str) -> str:
    # A colon in a value is escaped.
    kind, *arguments = re.split(r"(?<!\\):", description)
    if kind == "haproxy":
        # It stands before the endpoint that listens.
        return f"{kind}:{_with_interface(description[len(kind) + 1 :])}"
    names = [argument.partition("=")[0] for argument in arguments if "=" in argument]
    # Without names the port comes first, and then the interface.
    is_given = "interface" in names or len(arguments) - len(names) > 1
    if kind not in _LOOPBACK or is_given:
        return description
    return f"{description}:interface={_LOOPBACK[kind]}"


def _parsed(reactor: Any, description: str) -> IStreamServerEndpoint:
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, description)
    except Exception as error:
        # What it raises depends on the kind, and on whoever has written that.
        raise ConfigurationError(
            f"metrics cannot be served at {_shown(description)}: {legible(error)}"
        ) from None
    return endpoint


def _wrong(where: object) -> ConfigurationError:
    return ConfigurationError(
        f"metrics must be a port from 0 to {_LAST_PORT}, or an endpoint's description "
        f"such as tcp:9464:interface=0.0.0.0, not {_shown(where)}"
    )


def _shown(where: object) -> str:
    # A URL may have a password in it.
    is_like_url = isinstance(where, str) and re.search("://|@", where) is not None
    return "what looks like a URL" if is_like_url else legible(where)
