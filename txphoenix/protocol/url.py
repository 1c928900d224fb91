"""The URL that a Phoenix socket is reached by.

A socket mounted at ``/socket`` is reached at ``/socket/websocket`` or
``/socket/longpoll``, with the connection's parameters and the serializer's version in
the query, as Phoenix's own client does it::

    ws://host/socket  {"token": "abc"}  ->  ws://host/socket/websocket?token=abc&vsn=2.0.0

Everything here is pure.
No error holds a query's value or a URL's userinfo.

hyperlink does none of it.
It has no zones of addresses, no empty port and no ``@`` in a password; it takes
``+80`` and ``8_0`` for ports, ``127.1`` for a name, and an underscore for none; what it
refuses it shows.
It also writes a path to where there is none, escapes brackets in a query, and
normalises Unicode, so that a server would see another path than that of the URL.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import quote, unquote

from hyperlink import URL

from ..errors import ConfigurationError
from ..legible import legible
from .host import read_host, server_name
from .query_params import merge_params
from .redact import redact_url, redact_word

__all__ = [
    "ProxyAddress",
    "Target",
    "TransportName",
    "add_params",
    "check_authority",
    "connect_target",
    "connect_url",
    "parse",
    "parse_proxy",
]

TransportName = Literal["websocket", "longpoll"]

# Whether the scheme means TLS; Phoenix serves both transports on either pair.
_SECURE = {"ws": False, "wss": True, "http": False, "https": True}

_SCHEMES: dict[str, tuple[str, str]] = {
    "websocket": ("ws", "wss"),
    "longpoll": ("http", "https"),
}

# hyperlink's own, since it leaves these out where it writes an authority.
_DEFAULT_PORTS = {scheme: cast(int, URL(scheme=scheme).port) for scheme in _SECURE}

# Compiled at their first use, which an import need not wait for.
_FORBIDDEN = r"[\x00-\x20\x7f]"
_SOCKS = r"(?i)socks[^/]*://"
_BAD_ESCAPE = r"%(?![0-9A-Fa-f]{2})"
_PORT = r"[0-9]{1,5}"

_VERSIONS = ("2.0.0", "1.0.0")

# Some of what is in both of these.
_PLAIN = re.compile(r"[A-Za-z0-9_.~/%=&-]*")
# RFC 3986 section 3.3 and 3.4; the brackets are not in it, but Plug reads them.
_PATH_SAFE = "/%:@!$&'()*+,;=~"
_QUERY_SAFE = _PATH_SAFE + "?[]"

# A longer URL in an error would bury what the error says.
_SHOWN_CHARACTERS = 200


class Target(NamedTuple):
    """What a URL names: where to connect and what to ask for there."""

    secure: bool
    """Whether the connection is TLS."""

    host: str
    """A host name in ASCII (IDNA), or an IP address without brackets.

    It is what to connect to, with the dot that a name may end in and an address's zone.
    """

    port: int
    """The TCP port, the scheme's own (80 or 443) if the URL has none."""

    path: str
    """The path, percent-encoded; empty or beginning with ``/``."""

    query: str
    """The query, percent-encoded, without its ``?``. It may hold secrets."""

    @property
    def resource(self) -> str:
        """Path and query, as they stand in an HTTP request line."""
        path = self.path or "/"
        return f"{path}?{self.query}" if self.query else path

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, and no name."""
        # No name ends in a number: see read_host().
        return ":" in self.host or self.host.rpartition(".")[2].isdecimal()

    @property
    def server_name(self) -> str:
        """The host as the server knows it: see :func:`.host.server_name`."""
        return server_name(self.host)

    @property
    def authority(self) -> str:
        """The server's name and port, as they stand in the ``Host`` header.

        The port is left out where it is the scheme's own (RFC 6455 section 4.1, RFC
        9110 section 7.2).
        """
        return self._with_port(self.server_name)

    def url(self, scheme: str) -> str:
        """The whole URL under a scheme."""
        # RFC 6874 writes the "%" of a zone so.
        address, percent, zone = self.host.partition("%")
        authority = self._with_port(address)
        if percent:
            authority = authority.replace("]", f"%25{zone}]", 1)
        query = f"?{self.query}" if self.query else ""
        return f"{scheme}://{authority}{self.path}{query}"

    def _with_port(self, host: str) -> str:
        address = f"[{host}]" if ":" in host else host
        is_default = self.port == _DEFAULT_PORTS["wss" if self.secure else "ws"]
        return address if is_default else f"{address}:{self.port}"

    def __repr__(self) -> str:
        return f"Target({redact_url(self.url('wss' if self.secure else 'ws'))})"


def connect_url(
    url: str,
    *,
    transport: TransportName = "websocket",
    params: Mapping[str, Any] | None = None,
    vsn: str = "2.0.0",
    exact: bool = False,
) -> str:
    """The URL to connect to, for a socket's URL and its parameters.

    ``http`` and ``https`` are read as ``ws`` and ``wss``, or the other way round for
    long-poll.
    The transport's name is appended to the path unless the path ends in it; the other
    transport's name is replaced.
    If ``exact``, the path is taken as it is.
    The URL's own query is kept, but for names that ``params`` has too.
    ``vsn`` comes last and once, and the argument decides, whatever the URL or
    ``params`` say: it must fit the serializer.

    :param url: the socket's URL, such as ``"wss://host/socket"``.
    :param transport: ``"websocket"`` or ``"longpoll"``.
    :param params: the connection's parameters, see
        :func:`~txphoenix.protocol.query_params.encode_params`.
    :param vsn: the version of the serializer.
    :param exact: whether the path names the transport already.
    :raises ConfigurationError: if the URL, the transport or the parameters are no good.
    """
    if transport not in _SCHEMES:
        raise ConfigurationError(
            "transport must be 'websocket' or 'longpoll', not "
            f"{legible(redact_word(transport))}"
        )
    target = connect_target(
        url, transport=transport, params=params, vsn=vsn, exact=exact
    )
    return target.url(_SCHEMES[transport][target.secure])


def connect_target(
    url: str,
    *,
    transport: TransportName,
    params: Mapping[str, Any] | None,
    vsn: str,
    exact: bool,
) -> Target:
    """What :func:`connect_url` makes, taken apart."""
    target = parse(url)
    path = target.path if exact else _transport_path(target.path, transport)
    query = merge_params(target.query, params) if params else target.query
    if not query and vsn in _VERSIONS:
        # Nearly always, and nothing to escape.
        query = f"vsn={vsn}"
    else:
        query = merge_params(query, {"vsn": vsn})
    return Target(target.secure, target.host, target.port, path, query)


def _transport_path(path: str, transport: TransportName) -> str:
    segments = path.rstrip("/").split("/")
    if segments[-1] in _SCHEMES:
        segments.pop()
    return "/".join([*segments, transport])


def add_params(url: str, params: Mapping[str, Any]) -> str:
    """The URL with parameters added to its query, in place of those of the same name.

    :raises ConfigurationError: if the URL or the parameters are no good.
    """
    target = parse(url)
    scheme = url.partition(":")[0].lower()
    return target._replace(query=merge_params(target.query, params)).url(scheme)


def parse(url: str) -> Target:
    """Take a socket's URL apart.

    :param url: a ``ws``, ``wss``, ``http`` or ``https`` URL.
        Userinfo is refused, since it would end up in logs, and so is a fragment, as
        RFC 6455 section 3 says.
    :raises ConfigurationError: if it is not such a URL; the text says what is wrong.
    """
    parts = _split("url", url, tuple(_SECURE))
    if parts.userinfo is not None:
        raise ConfigurationError(
            "url must not hold a user name or password before its host; "
            "put credentials into params, auth_token or an Authorization header"
        )
    secure = _SECURE[parts.scheme]
    host, port = _host_and_port("url", parts)
    try:
        path = _quoted(parts.path, _PATH_SAFE)
        query = _quoted(parts.query, _QUERY_SAFE)
    except UnicodeEncodeError:
        raise ConfigurationError(
            "url holds a lone surrogate, which is not valid Unicode"
        ) from None
    return Target(secure, host, port, path, query)


def _quoted(text: str, safe: str) -> str:
    # Most have nothing to quote, and to see it is a fraction of quote()'s work.
    return text if _PLAIN.fullmatch(text) else quote(text, safe=safe)


def check_authority(text: str) -> None:
    """Check what a ``Host`` header is to hold: a host in ASCII, and maybe a port.

    :raises ConfigurationError: it is something else, or an address that has a zone,
        which means nothing to a server (RFC 6874 section 1).
    """
    what = "the value of 'Host' in headers"
    if not text.isascii() or any(mark in text for mark in "@/?%"):
        raise ConfigurationError(
            f"{what} must be a host in ASCII and maybe a port, as in a URL, "
            "and an address without a zone"
        )
    parts = _split(what, f"ws://{text}", ("ws",))
    _host_and_port(what, parts)


class ProxyAddress(NamedTuple):
    """Where an HTTP proxy listens, and what it asks for."""

    host: str
    port: int
    authorization: str | None
    """The value of ``Proxy-Authorization``, a secret, or None."""

    secure: bool = False
    """Whether the connection to the proxy itself is TLS."""

    def __repr__(self) -> str:
        return f"ProxyAddress(host={self.host!r}, port={self.port!r})"


def parse_proxy(url: str, name: str = "proxy") -> ProxyAddress:
    """Take apart the URL of an HTTP proxy, ``http://[user:password@]host[:port]``.

    :param url: the proxy's URL; user name and password are percent-encoded, and go to
        the proxy as Basic authentication (RFC 7617).
        With ``https`` the connection to the proxy is TLS.
    :param name: what holds the URL, for an error's text.
    :raises ConfigurationError: if it is not such a URL, that of a SOCKS proxy for
        instance.
    """
    if isinstance(url, str) and re.match(_SOCKS, url):
        raise ConfigurationError(
            f"{name} names a SOCKS proxy, which takes an endpoint: give the option"
            " endpoint, as the documentation shows (Proxies and load balancers, SOCKS),"
            " or no proxy"
        )
    parts = _split(name, url, ("http", "https"))
    if parts.path not in ("", "/") or parts.query:
        raise ConfigurationError(f"{name} must have no path and no query")
    secure = _SECURE[parts.scheme]
    host, port = _host_and_port(name, parts)
    if parts.userinfo is None:
        return ProxyAddress(host, port, None, secure)
    user, _, password = parts.userinfo.partition(":")
    if ":" in unquote(user):
        raise ConfigurationError(f"{name} must not have a user name with a colon in it")
    credentials = f"{unquote(user)}:{unquote(password)}"
    encoded = b64encode(credentials.encode("utf-8", "replace")).decode("ascii")
    return ProxyAddress(host, port, f"Basic {encoded}", secure)


class _Parts(NamedTuple):
    """A URL, cut but not checked any further."""

    scheme: str
    userinfo: str | None
    host: str
    """An IPv6 address is in brackets."""
    port: str
    path: str
    query: str


def _split(name: str, url: str, schemes: tuple[str, ...]) -> _Parts:
    """Cut a URL into its parts, after the checks that every URL must pass."""
    if not isinstance(url, str):
        raise ConfigurationError(f"{name} must be a str, not a {type(url).__name__}")
    # A line break would end a header, and a space the request line.
    if re.search(_FORBIDDEN, url):
        raise ConfigurationError(
            f"{name} must not hold spaces, line breaks or control characters"
        )
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in schemes:
        expected = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ConfigurationError(
            f"{name} must begin with {expected}, not {_shown(url)}"
        )
    if "#" in url:
        raise ConfigurationError(f"{name} must not have a fragment ('#...')")
    if re.search(_BAD_ESCAPE, url):
        raise ConfigurationError(
            f"{name} has a '%' that two hexadecimal digits do not follow; "
            f"write a literal '%' as '%25'"
        )
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    userinfo, at, address = authority.rpartition("@")
    # The colons of an IPv6 address are in brackets.
    colon = address.rfind(":", address.rfind("]") + 1)
    host, port = address, ""
    if colon >= 0:
        host, port = address[:colon], address[colon + 1 :]
    return _Parts(
        scheme.lower(), userinfo if at else None, host, port, slash + path, query
    )


def _host_and_port(name: str, parts: _Parts) -> tuple[str, int]:
    """The checked host, in ASCII, and the port, which may be the scheme's own."""
    if not parts.host:
        raise ConfigurationError(f"{name} must have a host")
    try:
        host = read_host(parts.host)
    except ValueError as error:
        raise ConfigurationError(f"{name} has a host that is {error}") from None
    if not parts.port:
        return host, _DEFAULT_PORTS[parts.scheme]
    # More digits than int() reads are no port either.
    if not re.fullmatch(_PORT, parts.port) or not 1 <= int(parts.port) <= 65535:
        raise ConfigurationError(f"{name} must have a port from 1 to 65535")
    return host, int(parts.port)


def _shown(url: str) -> str:
    """The URL for an error's text: redacted, and cut to fit a line."""
    text = redact_url(url)
    return repr(
        text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
    )
