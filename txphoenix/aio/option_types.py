"""The types of the options of :func:`txphoenix.aio.connect`.

They are those of :class:`txphoenix.ClientOptions`, but for classes of channels, which
are :class:`txphoenix.aio.Channel`'s, and for what may be a coroutine function.
"""

# Written by docs/generate_options.py from txphoenix/options/options.py.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Any, TypedDict

from txphoenix.backoff import Backoff
from txphoenix.interfaces import JSONCodec, Serializer
from txphoenix.supplied import Headers, Params, Supplied

from .channel import Channel, ChannelFactory

__all__ = ["ChangedOptions", "ClientOptions"]


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of :func:`txphoenix.aio.connect`.

    Each is that of :class:`txphoenix.options.Options`.
    """

    name: str | None
    exact_url: bool
    transport: str | Callable[..., Any]
    endpoint: Any
    proxy: str | None
    tls: Any
    keepalive: bool
    longpoll_fallback: float | None
    connect_timeout: float
    params: Supplied[Params | None]
    headers: Supplied[Headers | None]
    auth_token: Supplied[str | None]
    cookies: CookieJar | bool | None
    vsn: str
    serializer: JSONCodec | Serializer | None
    compression: bool
    fast_frames: bool
    fast_http: bool
    fast_tls: bool
    auto_connect: bool
    reconnect: bool
    should_reconnect: Callable[[Exception], bool | Awaitable[bool]] | None
    backoff: Backoff | None
    reconnect_interval: float
    heartbeat_interval: float
    heartbeat_timeout: float
    close_timeout: float
    topic_channel_map: Mapping[str, ChannelFactory[Channel]]
    default_channel_class: ChannelFactory[Channel] | None
    default_channel_params: Supplied[Params] | None
    timeout: float
    join_channels: Mapping[str, Any] | Sequence[str]
    join_window: int
    rejoin_backoff: Backoff | None
    max_restarts: int
    max_seconds: float
    send_buffer: int
    push_buffer: int
    receive_buffer: int
    write_buffer: int
    max_message_size: int


class ChangedOptions(ClientOptions, total=False):
    """The keyword arguments of ``reconfigure()``: the URL may change as well."""

    url: Supplied[str]
