"""A client's connecting: its parameters, what is known of it, and its refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from .replies import NOTHING

__all__ = ["Connect", "Refused", "Socket", "plug_params"]


class Refused(Exception):
    """Raised by a ``connect`` callable or by a channel's ``join``: the answer is no.

    :param response: what the client of a refused join is told, any JSON value; ``{}``
        if not given.
        A refused connection is HTTP 403 whatever it says.
    """

    def __init__(self, response: Any = NOTHING) -> None:
        super().__init__(response)
        self.response = response


class Socket:
    """One client's connection, as its channels see it.

    :ivar id: what :meth:`Endpoint.kick` and its like find it by, or ``None``.
    :ivar params: the decoded query of the URL.
    :ivar headers: the request's headers, their names in lower case; of a repeated
        header the last.
    :ivar auth_token: the token that came by subprotocol, or by long-poll's header, or
        ``None``.
    :ivar uri: the whole URI of the request.
    :ivar path: its path.
    :ivar query: its query, undecoded.
    :ivar peer: the client's host and port.
    :ivar ssl_cert: the client's certificate (DER), or ``None``; Phoenix has it in
        ``connect_info``, as ``peer_data.ssl_cert``.
        See :class:`txphoenix.testing.tls.ClientAuthority`.
    :ivar transport: ``"websocket"`` or ``"longpoll"``.
    :ivar serializer: Phoenix's name of the serializer in use.
    :ivar assigns: anything that ``connect`` or a channel wants to keep.
    """

    def __init__(
        self,
        *,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        uri: str,
        peer: tuple[str, int],
        transport: str,
        serializer: str,
        auth_token: str | None = None,
        ssl_cert: bytes | None = None,
    ) -> None:
        self.id: str | None = None
        self.params = params
        self.headers = headers
        self.auth_token = auth_token
        self.uri = uri
        _, _, rest = uri.partition("://")
        location, _, self.query = rest.partition("?")
        self.path = "/" + location.partition("/")[2]
        self.peer = peer
        self.ssl_cert = ssl_cert
        self.transport = transport
        self.serializer = serializer
        self.assigns: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Socket {self.path} {self.transport} id={self.id!r}>"


Connect = Callable[[Mapping[str, Any], Socket], Any]
"""``connect(params, socket)`` returns the socket's id or ``None``, at once, by Deferred
or as a coroutine; it raises :exc:`Refused` for HTTP 403, anything else for HTTP 500.
Any other answer is HTTP 500 too, and logged as an error, which fails a trial test."""


def plug_params(query: str) -> dict[str, Any]:
    """Decode a query as Phoenix's ``Plug.Conn.Query`` does.

    ``a[b]=1`` makes an object of ``a``, ``a[]=1`` a list; of a repeated plain name the
    last counts.
    """
    params: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        head, *keys = name.replace("]", "").split("[")
        _put(params, [head, *keys], value)
    return params


def _put(params: dict[str, Any], keys: list[str], value: str) -> None:
    head, *rest = keys
    if not rest:
        params[head] = value
    elif rest == [""]:
        held = params.get(head)
        params[head] = [*(held if isinstance(held, list) else ()), value]
    else:
        inner = params.get(head)
        if not isinstance(inner, dict):
            inner = params[head] = {}
        _put(inner, rest, value)
