"""Fuzzes URLs: those of sockets and of proxies, the ``Host`` header, and params.

The first byte of an input says which; params are JSON.
What is no good is a :exc:`~txphoenix.errors.ConfigurationError`, which holds no secret.
What is good is read alike again, by ourselves and by the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from txphoenix.errors import ConfigurationError
from txphoenix.protocol.query_params import encode_params
from txphoenix.protocol.url import (
    add_params,
    check_authority,
    connect_url,
    parse,
    parse_proxy,
)
from txphoenix.test.strict_json import depth_of, strict_json

__all__ = ["urls"]

_DEEP = 100
_URL = re.compile(r"[\x21-\x7e]+")
_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}
# A shorter one may be a part of what an error says in any case.
_SHORTEST_SECRET = 12


def urls(data: bytes) -> None:
    """The target."""
    if not data:
        return
    kind, rest = data[0] & 3, data[1:]
    if kind == 3:
        _params(rest)
        return
    text = rest.decode("utf-8", "surrogateescape")
    if kind == 0:
        _socket(text, data[0])
    elif kind == 1:
        _proxy(text)
    else:
        _authority(text)


def _socket(text: str, flags: int) -> None:
    transport: Any = "longpoll" if flags & 4 else "websocket"
    is_exact = bool(flags & 8)
    read = partial(connect_url, transport=transport, exact=is_exact)
    try:
        url = read(text)
    except ConfigurationError as error:
        _hides(str(error), text, read)
        return
    if not _URL.fullmatch(url):
        raise AssertionError(f"not to be sent: {url!r}")
    parts = urlsplit(url)
    if parts.scheme not in (("http", "https") if flags & 4 else ("ws", "wss")):
        raise AssertionError(f"of another scheme: {url!r}")
    if not is_exact and not parts.path.endswith("/" + transport):
        raise AssertionError(f"of another path: {url!r}")
    versions = [value for name, value in parse_qsl(parts.query) if name == "vsn"]
    if versions != ["2.0.0"]:
        raise AssertionError(f"of the versions {versions}: {url!r}")
    target = parse(url)
    _is_host(target.server_name)
    port = parts.port or _PORTS[parts.scheme]
    # The standard library reads the zone of an address as it is written.
    host = (parts.hostname or "").replace("%25", "%").lower()
    if (host, port) != (target.host.lower(), target.port):
        raise AssertionError(f"{target.host!r}, {target.port}: {url!r}")
    again = read(url)
    if again != url:
        raise AssertionError(f"{url!r} is {again!r} the next time")
    if add_params(url, {}) != url:
        raise AssertionError(f"{url!r} is changed by nothing")
    if target.url(parts.scheme) != url:
        raise AssertionError(f"{target!r} of {url!r}")


def _is_host(name: str) -> None:
    """Whether it is in ASCII, and an address only if it is one to all."""
    if not re.fullmatch(r"[0-9a-z_.:-]+", name):
        raise AssertionError(f"no host: {name!r}")
    last = name.rpartition(".")[2]
    if ":" in name or last.isdecimal():
        ip_address(name)


def _proxy(text: str) -> None:
    try:
        address = parse_proxy(text)
    except ConfigurationError as error:
        _hides(str(error), text, parse_proxy)
        return
    if not 1 <= address.port <= 65535:
        raise AssertionError(f"port {address.port}")
    _is_host(address.host.partition("%")[0].removesuffix("."))
    if address.authorization is not None:
        if not re.fullmatch(r"Basic [0-9A-Za-z+/]*=*", address.authorization):
            raise AssertionError("no header")
        if address.authorization in repr(address):
            raise AssertionError("the secret is shown")


def _authority(text: str) -> None:
    try:
        check_authority(text)
    except ConfigurationError:
        return
    if not re.fullmatch(r"[\x21-\x7e]+", text) or any(mark in text for mark in "@/?%#"):
        raise AssertionError(f"taken for a Host: {text!r}")


def _hides(said: str, text: str, read: Callable[[str], object]) -> None:
    """Whether an error holds nothing of the query and of what is before the host.

    What it says of the same text without the secret as well is no secret's.
    """
    for start, end in _secrets(text):
        secret = text[start:end]
        if len(secret) < _SHORTEST_SECRET or secret not in said:
            continue
        try:
            read(text[:start] + text[end:])
        except ConfigurationError as error:
            if secret in str(error):
                continue
        raise AssertionError(f"{secret!r} is in {said!r}")


def _secrets(text: str) -> Iterator[tuple[int, int]]:
    """Where each begins and ends."""
    query = text.find("?") + 1
    if query:
        for match in re.finditer(r"=([^&#]+)", text[query:]):
            yield query + match.start(1), query + match.end(1)
    userinfo = re.match(r"(?:wss?|https?)://([^/]*)@", text)
    if userinfo:
        yield userinfo.span(1)


def _params(data: bytes) -> None:
    if depth_of(data) > _DEEP:
        return
    try:
        value = strict_json(data)
    except (ValueError, RecursionError):
        return
    try:
        query = encode_params(value)
    except ConfigurationError:
        return
    if not re.fullmatch(r"[0-9A-Za-z_.!~*'()%&=-]*", query):
        raise AssertionError(f"not to be sent: {query!r}")
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    expected = list(_flat("", value))
    if pairs != expected:
        raise AssertionError(f"{pairs!r}, and not {expected!r}")
    added = connect_url("ws://host/socket?vsn=9&a=1", params=value)
    if not added.endswith("vsn=2.0.0") or added.count("vsn=") != 1:
        # A name that only ends so is another.
        names = [name for name, _ in parse_qsl(urlsplit(added).query)]
        if names[-1:] != ["vsn"] or names.count("vsn") != 1:
            raise AssertionError(f"of several versions: {added!r}")


def _flat(name: str, value: Any) -> Any:
    """The pairs, as Plug would put them together again."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(f"{name}[{key}]" if name else key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _flat(f"{name}[]", item)
    elif value is None or isinstance(value, bool):
        yield name, {None: "", True: "true", False: "false"}[value]
    else:
        yield name, value if isinstance(value, str) else repr(value)
