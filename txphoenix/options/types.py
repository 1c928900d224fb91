"""The types of the options of a client, for type checkers and editors.

What each option means, its default and its check are in :mod:`txphoenix.options`.
This is what tells that ``SocketClient(url, heartbeet=3)`` is a mistake before it runs.
A function of your own that passes options on is checked in the same way::

    from typing import Unpack

    def make_client(**options: Unpack[ClientOptions]) -> SocketClient:
        return SocketClient("wss://example.org/socket", **options)
"""

# Written by docs/generate_options.py from txphoenix/options/options.py.

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http.cookiejar import CookieJar
from typing import Any, TypedDict

from ..protocol.backoff import Backoff
from ..protocol.json_codecs import JSONCodec
from ..protocol.message import Serializer
from .channel_kinds import AnyChannel, ChannelFactory
from .supplied import Headers, Params, Supplied

__all__ = ["ChangedOptions", "ClientOptions"]


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of :class:`txphoenix.SocketClient`.

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
    should_reconnect: Callable[[Exception], bool] | None
    backoff: Backoff | None
    reconnect_interval: float
    heartbeat_interval: float
    heartbeat_timeout: float
    close_timeout: float
    topic_channel_map: Mapping[str, ChannelFactory[AnyChannel]]
    default_channel_class: ChannelFactory[AnyChannel] | None
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
