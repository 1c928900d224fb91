"""The checks of what the request holds: its URL, parameters, headers and token.

A callable may be given for each of these; then they check what it answers.
No error holds a value, for each may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import ConfigurationError
from ..protocol.query_params import encode_params
from ..protocol.url import check_authority, parse
from .checks import wrong

__all__ = ["check_auth_token", "check_headers", "check_params", "check_url"]

# Compiled when they are first needed: not all clients have headers or a token.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2
_UNFIT = r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]"

_BODY = "it tells what the body is, which is the client's"
_UPGRADE = "it asks for the WebSocket"
_HANDSHAKE = "it is a part of the handshake"
# What only the client can write, and why: another value would break the request.
_OWN_HEADERS = {
    "connection": _UPGRADE,
    "content-encoding": _BODY,
    "content-length": _BODY,
    "transfer-encoding": _BODY,
    "upgrade": _UPGRADE,
}


def check_url(url: object) -> str:
    """The URL, if it is one that a client can connect to.

    :raises ConfigurationError: if it is not.
    """
    if not isinstance(url, str):
        raise wrong("url", "a str", url)
    parse(url)
    return url


def check_params(params: object) -> dict[str, Any]:
    """A copy of the connection's parameters; none for None.

    :raises ConfigurationError: if they are no mapping of names to values that a query
        can hold.
    """
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        raise wrong("params", "a mapping of names to values", params)
    if params:
        encode_params(params)
    return dict(params)


def check_headers(headers: object) -> dict[str, str]:
    """A copy of the headers; none for None.

    :raises ConfigurationError: if they are no mapping of ``str`` to ``str``, if a name
        is not an HTTP token, if a value holds a line break or another control
        character, if a name comes twice in different case, if it is a header that
        only the client can write, or if ``Host`` is no host.
    """
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise wrong("headers", "a mapping of str to str", headers)
    seen = set()
    for header, value in headers.items():
        _check_header_name(header)
        if header.lower() in seen:
            raise ConfigurationError(f"headers: {header!r} comes twice")
        seen.add(header.lower())
        _check_header_value(header, value)
    return dict(headers)


def _check_header_name(header: object) -> None:
    if not isinstance(header, str):
        raise wrong("a name in headers", "a str", header)
    if not re.fullmatch(_TOKEN, header):
        # Name and value may have been swapped, so the name is not shown.
        raise ConfigurationError(
            "headers: a name must be one or more letters, digits or any of "
            "!#$%&'*+.^_`|~-, and one is not"
        )
    lower = header.lower()
    why = _HANDSHAKE if lower.startswith("sec-websocket-") else _OWN_HEADERS.get(lower)
    if why is not None:
        raise ConfigurationError(
            f"headers: the client writes {header!r} itself, as {why}"
        )


def _check_header_value(header: str, value: object) -> None:
    if not isinstance(value, str):
        raise wrong(f"the value of {header!r} in headers", "a str", value)
    if re.search(_UNFIT, value):
        raise ConfigurationError(
            f"headers: the value of {header!r} must not hold line breaks, other "
            "control characters or lone surrogates"
        )
    if header.lower() == "host":
        check_authority(value)


def check_auth_token(token: object) -> str | None:
    """The token, or None.

    :raises ConfigurationError: if it is neither None nor text that can go into a
        header as UTF-8 and come out of it the same.
    """
    if token is None:
        return None
    if not isinstance(token, str):
        raise wrong("auth_token", "a str", token)
    if not token or re.search(_UNFIT, token) or token != token.strip(" \t"):
        raise ConfigurationError(
            "auth_token must be one or more characters, without line breaks, other "
            "control characters or lone surrogates, and with no space or tab at "
            "either end, where HTTP drops them"
        )
    return token
