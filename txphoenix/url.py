"""The URL that a Phoenix socket is reached by.

A socket mounted at ``/socket`` is reached at ``/socket/websocket`` or
``/socket/longpoll``, with the connection's parameters and the serializer's version in
the query, as Phoenix's own client does it::

    ws://host/socket  {"token": "abc"}  ->  ws://host/socket/websocket?token=abc&vsn=2.0.0

Everything here is pure.
No error holds a query's value or a URL's userinfo.
"""

from __future__ import annotations

import math
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from .errors import ConfigurationError
from .host import read_host, server_name
from .legible import legible
from .redact import redact_url

__all__ = [
    "ProxyAddress",
    "Target",
    "TransportName",
    "add_params",
    "check_authority",
    "connect_url",
    "encode_params",
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

_DEFAULT_PORTS = {False: 80, True: 443}

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")
_SOCKS = re.compile(r"socks[^/]*://", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PORT = re.compile(r"[0-9]{1,5}")

# RFC 3986 section 3.3 and 3.4; the brackets are not in it, but Plug reads them.
_PATH_SAFE = "/%:@!$&'()*+,;=~"
_QUERY_SAFE = _PATH_SAFE + "?[]"

# What JavaScript's encodeURIComponent leaves alone, as Phoenix's own client uses it.
_PARAM_SAFE = "!~*'()"

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
    def server_name(self) -> str:
        """The host as the server knows it: see :func:`txphoenix.host.server_name`."""
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
        # RFC 6874 writes the zone's "%" so.
        authority = self._with_port(self.host.replace("%", "%25"))
        query = f"?{self.query}" if self.query else ""
        return f"{scheme}://{authority}{self.path}{query}"

    def _with_port(self, host: str) -> str:
        if ":" in host:
            host = f"[{host}]"
        if self.port == _DEFAULT_PORTS[self.secure]:
            return host
        return f"{host}:{self.port}"

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
    :param params: the connection's parameters, see :func:`encode_params`.
    :param vsn: the version of the serializer.
    :param exact: whether the path names the transport already.
    :raises ConfigurationError: if the URL, the transport or the parameters are no good.
    """
    if transport not in _SCHEMES:
        raise ConfigurationError(
            f"transport must be 'websocket' or 'longpoll', not {legible(transport)}"
        )
    target = parse(url)
    path = target.path if exact else _transport_path(target.path, transport)
    query = _merge(_merge(target.query, params or {}), {"vsn": vsn})
    scheme = _SCHEMES[transport][target.secure]
    return target._replace(path=path, query=query).url(scheme)


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
    return target._replace(query=_merge(target.query, params)).url(scheme)


def _merge(query: str, params: Mapping[str, Any]) -> str:
    """The query without the pairs that the parameters replace, then the parameters."""
    encoded = encode_params(params)
    replaced = {_root(name) for name in params}
    kept = [
        pair
        for pair in query.split("&")
        if pair and _root(unquote_plus(pair.partition("=")[0])) not in replaced
    ]
    return "&".join([*kept, encoded] if encoded else kept)


def _root(name: str) -> str:
    """The outermost name: ``user`` of ``user[id]``."""
    return name.partition("[")[0]


def encode_params(params: Mapping[str, Any]) -> str:
    """Parameters as a query, in their order, as Plug decodes it.

    A nested mapping is written ``user[id]=1``, a list ``ids[]=1&ids[]=2``, ``None`` as
    an empty value, a boolean as ``true`` or ``false``; names and values are
    percent-encoded UTF-8.
    An empty mapping or list writes nothing, as Plug has no notation for it.
    A mapping inside a list must have exactly one name: Plug cannot tell where one
    mapping ends and the next begins.

    Phoenix's own client writes a list as ``ids[0]=1``, which arrives as a map.

    :param params: names to ``str``, ``int``, ``float``, ``bool``, ``None``, mappings,
        lists and tuples.
    :raises ConfigurationError: if a name or a value is of another type.
    """
    if not isinstance(params, Mapping):
        raise ConfigurationError(
            f"params must be a mapping, not a {type(params).__name__}"
        )
    return "&".join(
        f"{_encode(name, name)}={_encode(name, value)}"
        for name, value in _flatten("", params)
    )


def _flatten(parent: str, value: object) -> Iterator[tuple[str, str]]:
    """The pairs of name and text that a value comes to under a parent's name."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flatten(_child(parent, key), item)
    elif isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, Mapping) and len(item) != 1:
                raise ConfigurationError(
                    f"params: a mapping in the list {parent!r} must have exactly one "
                    f"name, not {len(item)}; use a mapping of mappings instead"
                )
            yield from _flatten(f"{parent}[]", item)
    else:
        yield parent, _text(parent, value)


def _child(parent: str, key: object) -> str:
    """The name of a mapping's item under its parent's name."""
    where = f" in {parent!r}" if parent else ""
    if not isinstance(key, str):
        raise ConfigurationError(
            f"params: a name{where} must be a str, not a {type(key).__name__}"
        )
    if not key:
        raise ConfigurationError(f"params: a name{where} must not be empty")
    if not parent:
        return key
    if "[" in key or "]" in key:
        raise ConfigurationError(
            f"params: the name {key!r}{where} must not hold a bracket"
        )
    return f"{parent}[{key}]"


def _text(name: str, value: object) -> str:
    """A single value as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float) and math.isfinite(value):
        return float.__repr__(value)
    what = f"a {type(value).__name__}"
    if isinstance(value, float):
        what = "an infinite float or NaN"
    raise ConfigurationError(
        f"params: {name!r} must be a str, int, float, bool, None, mapping or list, "
        f"not {what}"
    )


def _encode(name: str, text: str) -> str:
    try:
        return quote(text, safe=_PARAM_SAFE)
    except UnicodeEncodeError:
        raise ConfigurationError(
            f"params: {name!r} holds a lone surrogate, which is not valid Unicode"
        ) from None


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
    host, port = _host_and_port("url", parts, _DEFAULT_PORTS[secure])
    try:
        path = quote(parts.path, safe=_PATH_SAFE)
        query = quote(parts.query, safe=_QUERY_SAFE)
    except UnicodeEncodeError:
        raise ConfigurationError(
            "url holds a lone surrogate, which is not valid Unicode"
        ) from None
    return Target(secure, host, port, path, query)


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
    _host_and_port(what, parts, _DEFAULT_PORTS[False])


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
    if isinstance(url, str) and _SOCKS.match(url):
        raise ConfigurationError(
            f"{name} names a SOCKS proxy, which takes an endpoint: give the option"
            " endpoint, as the documentation shows (The way to the server, SOCKS),"
            " or no proxy"
        )
    parts = _split(name, url, ("http", "https"))
    if parts.path not in ("", "/") or parts.query:
        raise ConfigurationError(f"{name} must have no path and no query")
    secure = _SECURE[parts.scheme]
    host, port = _host_and_port(name, parts, _DEFAULT_PORTS[secure])
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
    if _FORBIDDEN.search(url):
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
    if _BAD_ESCAPE.search(url):
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


def _host_and_port(name: str, parts: _Parts, default: int) -> tuple[str, int]:
    """The checked host, in ASCII, and the port."""
    if not parts.host:
        raise ConfigurationError(f"{name} must have a host")
    try:
        host = read_host(parts.host)
    except ValueError as error:
        raise ConfigurationError(f"{name} has a host that is {error}") from None
    if not parts.port:
        return host, default
    # More digits than int() reads are no port either.
    if not _PORT.fullmatch(parts.port) or not 1 <= int(parts.port) <= 65535:
        raise ConfigurationError(f"{name} must have a port from 1 to 65535")
    return host, int(parts.port)


def _shown(url: str) -> str:
    """The URL for an error's text: redacted, and cut to fit a line."""
    text = redact_url(url)
    return repr(
        text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
    )
