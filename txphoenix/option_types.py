"""The types of the options of a client, for type checkers and editors.

What each option means, its default and its check are in :mod:`txphoenix.options`.
This is what tells that ``SocketClient(url, heartbeet=3)`` is a mistake before it runs.
A function of your own that passes options on is checked in the same way::

    from typing import Unpack

    def make_client(**options: Unpack[ClientOptions]) -> SocketClient:
        return SocketClient("wss://example.org/socket", **options)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Any, TypeAlias, TypedDict, TypeVar

from .backoff import Backoff
from .channel import Channel
from .channel_factory import ChannelFactory
from .interfaces import JSONCodec

__all__ = ["ChangedOptions", "ClientOptions", "Headers", "Params", "Supplied"]

_T = TypeVar("_T")

Params: TypeAlias = Mapping[str, Any]
"""Parameters by their names."""

Headers: TypeAlias = Mapping[str, str]
"""Values of HTTP headers by their names."""

Supplied: TypeAlias = _T | Callable[[], _T | Awaitable[_T]]
"""A value, or a callable that returns it, a Deferred of it, or another awaitable."""


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of :class:`txphoenix.SocketClient`.

    Each is that of :class:`txphoenix.options.Options`.
    """

    name: str | None
    exact_url: bool
    params: Supplied[Params | None]
    headers: Supplied[Headers | None]
    auth_token: Supplied[str | None]
    transport: str | Callable[..., Any]
    heartbeat_interval: float
    heartbeat_timeout: float
    reconnect: bool
    reconnect_interval: float
    backoff: Backoff | None
    rejoin_backoff: Backoff | None
    should_reconnect: Callable[[Exception], bool] | None
    auto_connect: bool
    serializer: JSONCodec | None
    vsn: str
    timeout: float
    join_window: int
    connect_timeout: float
    close_timeout: float
    topic_channel_map: Mapping[str, ChannelFactory[Channel]]
    join_channels: Mapping[str, Any] | Sequence[str]
    default_channel_class: ChannelFactory[Channel] | None
    default_channel_params: Supplied[Params] | None
    send_buffer: int
    push_buffer: int
    receive_buffer: int
    write_buffer: int
    max_message_size: int
    tls: Any
    endpoint: Any
    proxy: str | None
    keepalive: bool
    cookies: CookieJar | bool | None
    longpoll_fallback: float | None
    compression: bool
    fast_frames: bool
    max_restarts: int
    max_seconds: float


class ChangedOptions(ClientOptions, total=False):
    """The keyword arguments of ``reconfigure()``: the URL may change as well."""

    url: Supplied[str]
