"""Every option of a client: its name, its type, its default and its check.

:class:`Options` is checked when it is made and never changes afterwards, so that
whoever holds one holds a valid one.
Each option is declared here and nowhere else: what is made from the declarations and
checked in (:mod:`txphoenix.option_types` and the tables in ``docs/options.rst``) is
written by ``python docs/generate_options.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar
from typing import Any, ClassVar, Self, Unpack, cast

import attrs
from attrs import Attribute

from ..protocol.backoff import Backoff, ErrorBackoff
from ..protocol.json_codecs import JSONCodec
from ..protocol.message import Serializer
from . import checks, redacted, rules
from .channel_kinds import AnyChannel, ChannelFactory
from .derived import DerivedOptions
from .fields import declared, make_options, option, options_class
from .request_checks import check_auth_token, check_headers, check_params, check_url
from .spelling import check_names
from .supplied import Headers, Params, Supplied
from .types import ChangedOptions, ClientOptions

__all__ = ["CONNECTION_OPTIONS", "OPTIONS", "Options"]


@options_class
class Options(DerivedOptions):
    """The options of a client, checked.

    Durations are seconds, sizes are bytes, buffers are numbers of messages.

    :raises ConfigurationError: if a value is not what it must be; the text names the
        option, what was expected and what came.
    """

    # It tells type checkers that attrs made the class.
    __attrs_attrs__: ClassVar[tuple[Any, ...]]

    name: str | None = option(checks.service_name, default=None, group="Service")
    """The name of the client's service, by which its parent finds it."""

    url: Supplied[str] = option(
        checks.or_callable(check_url),
        group="Connection and TLS",
        reconnects=True,
        show=redacted.url,
        text=str,
    )
    """The socket's URL, such as ``wss://example.org/socket``. It must be given."""

    exact_url: bool = option(checks.flag, default=False, reconnects=True)
    """Whether the URL's path is taken as it is.

    By default the transport's name is appended, as Phoenix serves a socket at
    ``/socket/websocket`` and ``/socket/longpoll``; a server may have it elsewhere
    (``websocket: [path: "/:key"]``).
    Parameters and ``vsn`` go into the query all the same.
    One path leads to one transport, so there is no :attr:`longpoll_fallback` then.
    """

    transport: str | Callable[..., Any] = option(
        checks.transport, default="websocket", reconnects=True, text=str
    )
    """What carries the messages: ``"websocket"`` or ``"longpoll"``.

    A callable that makes a connector will do as well.
    """

    endpoint: Any = option(
        checks.endpoint, default=None, reconnects=True, show=redacted.word, text=str
    )
    """What to connect to instead of the URL's host, such as ``unix:path=/run/socket``.

    An :class:`~twisted.internet.interfaces.IStreamClientEndpoint`, the description of
    one as a string, or a callable that takes reactor, host, port and tls (None for a
    plain connection) and returns one.
    """

    proxy: str | None = option(
        checks.proxy,
        default=None,
        validator=rules.no_proxy_and_endpoint,
        reconnects=True,
        show=redacted.url,
    )
    """The HTTP proxy: ``http://[user:password@]host[:port]``, or ``"environment"``.

    With ``https://`` the connection to the proxy itself is TLS, and verified.
    ``"environment"`` stands for what ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and
    ``NO_PROXY`` say at each attempt.
    """

    tls: Any = option(checks.tls, default=None, reconnects=True)
    """What :func:`txphoenix.client_tls` returns, or Twisted's ``optionsForClientTLS``.

    The default verifies the certificate against the system's authorities and its name
    against the URL's host.
    """

    keepalive: bool = option(checks.flag, default=False, reconnects=True)
    """Whether the system shall look after idle TCP connections (``SO_KEEPALIVE``)."""

    longpoll_fallback: float | None = option(
        checks.optional_seconds, default=None, validator=rules.no_fallback_of_one_path
    )
    """Seconds after which a WebSocket that does not answer gives way to long-poll."""

    connect_timeout: float = option(checks.network_seconds, default=15.0)
    """Seconds for one attempt to connect: parameters, TCP, TLS and handshake."""

    max_redirects: int = option(checks.count, default=5, unit="redirects")
    """How many redirects of one attempt are followed; 0 refuses all.

    None leads from TLS to a connection without, and another host gets no secrets.
    """

    params: Supplied[Params | None] = option(
        checks.or_callable(check_params),
        factory=dict,
        group="Request and authentication",
        reconnects=True,
        show=redacted.params,
    )
    """The connection's parameters, sent in the URL's query."""

    headers: Supplied[Headers | None] = option(
        checks.or_callable(check_headers),
        factory=dict,
        reconnects=True,
        show=redacted.headers,
    )
    """Headers of the HTTP request that opens the connection, sent as UTF-8.

    One that the client sends too (``Host``, ``User-Agent``, ``Accept``, ``Pragma`` and
    the like) goes out once, with this value; one that only the client can write
    (``Upgrade``, ``Sec-WebSocket-Key`` and the like) is refused.
    """

    auth_token: Supplied[str | None] = option(
        checks.or_callable(check_auth_token),
        default=None,
        reconnects=True,
        show=redacted.token,
    )
    """The token for a socket with ``auth_token: true`` (Phoenix 1.8).

    It travels outside of the URL, as UTF-8: any text without control characters, and
    without a space at either end.
    """

    longpoll_token_header: bool = option(checks.flag, default=False, reconnects=True)
    """Whether long-poll names its session in a header (Phoenix 1.8.10 and later)."""

    cookies: CookieJar | None = option(
        checks.cookie_jar, default=None, takes="CookieJar | bool | None", text=bool
    )
    """Whether cookies that the server sets are sent with the next connection.

    ``True`` is a jar of the client's own, a :class:`http.cookiejar.CookieJar` is one
    that others may use as well; its rules hold.
    Without it a session of long-poll has cookies of its own, and a WebSocket none.
    """

    vsn: str = option(
        checks.vsn,
        default=rules.VSN,
        validator=rules.version_of_the_serializer,
        reconnects=True,
    )
    """The version of Phoenix's wire format; ``"1.0.0"`` is deprecated.

    Others are made known by :func:`txphoenix.serializer.register`.
    A whole :attr:`serializer` brings its own, and a ``vsn`` besides must be the same.
    """

    serializer: JSONCodec | Serializer | None = option(
        checks.serializer, default=None, reconnects=True
    )
    """A JSON codec such as :mod:`json` (``loads``, ``dumps``), or a whole serializer.

    The default is ``orjson``, or :mod:`json` where that is missing.
    With either, integers are exact, up to 4,300 digits.
    A whole one has ``encode``, ``decode`` and the ``vsn`` that the server is told
    (:class:`txphoenix.interfaces.Serializer`, :doc:`/howto-serializers`).
    """

    compression: bool = option(checks.flag, default=False, reconnects=True)
    """Whether to offer the WebSocket's permessage-deflate (RFC 7692)."""

    fast_frames: bool = option(checks.flag, default=True, reconnects=True)
    """Whether simple frames take a short way past Autobahn's parser.

    Both are the same to users and servers; Autobahn's takes several times as long.
    """

    fast_http: bool = option(checks.flag, default=True, reconnects=True)
    """Whether long-poll makes its requests itself, without treq and Twisted's agent.

    Both ways are the same to users and servers; treq's takes three times as long.
    """

    fast_tls: bool = option(checks.flag, default=True, reconnects=True)
    """Whether TLS is a transport of our own, without the detours of Twisted's.

    It is OpenSSL's TLS both ways, and verified alike; with false, a record takes about
    twice the time, and a write one more turn of the reactor.
    """

    auto_connect: bool = option(
        checks.flag, default=True, group="Reconnect, backoff and heartbeat"
    )
    """Whether to connect as soon as the service starts."""

    reconnect: bool = option(checks.flag, default=True)
    """Whether to connect again after a connection failed or was lost."""

    should_reconnect: Callable[[Exception], bool] | None = option(
        checks.function, default=None
    )
    """Takes the error that ended a connection or an attempt; says whether to retry.

    The default is to retry always.
    """

    backoff: Backoff | ErrorBackoff | None = option(checks.function, default=None)
    """Takes how many attempts to reconnect have failed, and returns the next delay.

    With a second parameter that has no default, or is named ``error``, it takes the
    error as well.
    The default is :func:`txphoenix.backoff.reconnect`, the first within 2.25 seconds.
    """

    reconnect_interval: float = option(checks.seconds, default=60.0)
    """The longest delay of the default :attr:`backoff`, in seconds."""

    max_retry_after: float | None = option(checks.optional_delay, default=None)
    """How much of a server's ``Retry-After`` is waited at most; 0 has it ignored.

    The default is :attr:`reconnect_interval`.
    """

    heartbeat_interval: float = option(checks.network_seconds, default=30.0)
    """Seconds between heartbeats; Phoenix closes after 60 without one."""

    heartbeat_timeout: float = option(checks.network_seconds, default=10.0)
    """Seconds of silence after a heartbeat before the connection is dropped.

    What comes, and what goes while the heartbeat is under way, is no silence.
    While a join runs, a Phoenix server answers nothing else on that socket, so this
    must be longer than the slowest join takes by itself.
    """

    close_timeout: float = option(checks.seconds, default=2.0)
    """Seconds for the server to finish the closing handshake, before an abort.

    What has not told of its end a second later is taken for ended.
    """

    disconnect_when_idle: float | None = option(checks.optional_seconds, default=None)
    """Seconds without a channel after which the client disconnects, or None."""

    topic_channel_map: Mapping[str, ChannelFactory[AnyChannel]] = option(
        checks.topic_channel_map, factory=dict, group="Channels"
    )
    """Topics to channel classes; a key such as ``"rooms:*"`` stands for a prefix.

    In place of a class any callable will do that takes topic, params and
    ``client.channels`` and returns a channel, such as
    ``functools.partial(Room, db=db)``.
    """

    default_channel_class: ChannelFactory[AnyChannel] | None = option(
        checks.optional_channel_class, default=None
    )
    """The class of channels that :attr:`topic_channel_map` names none for.

    The default is ``EchoRoom``.
    A callable will do as well, as there.
    """

    default_channel_params: Supplied[Params] | None = option(
        checks.channel_params, factory=dict, show=redacted.params
    )
    """The parameters of all channels.

    A channel's own are merged over them, one level deep, when the channel is made; a
    callable, of either, is asked anew for each join.
    Own parameters that are no mapping take their place.
    """

    timeout: float = option(checks.seconds, default=5.0)
    """Seconds to wait for the reply to a join, a push or a leave.

    Those of a join do not run while it waits behind other joins.
    """

    join_channels: Mapping[str, Any] = option(
        checks.join_channels,
        factory=dict,
        show=redacted.channels,
        takes="Mapping[str, Any] | Sequence[str]",
    )
    """Topics to join whenever connected, and the parameters of each.

    A sequence of topics is taken too, and kept as a mapping.
    The parameters are merged over :attr:`default_channel_params`, or are these if None.
    A channel that cannot be made is told to the log and to ``client.on_error``, and is
    tried again when the next connection opens; the others are joined.
    """

    join_window: int = option(checks.size, default=128, unit="joins")
    """How many joins are under way at most, since the server does one at a time.

    The others wait for their turn, in the order in which their channels want to join.
    """

    rejoin_backoff: Backoff | ErrorBackoff | None = option(
        checks.function, default=None
    )
    """The :attr:`backoff` of a channel that must be joined again."""

    max_restarts: int = option(checks.count, default=3, unit="restarts")
    """How often a crashing channel is restarted in :attr:`max_seconds`.

    One crash more stops it with its error.
    """

    max_seconds: float = option(checks.seconds, default=5.0)
    """The seconds in which :attr:`max_restarts` are counted."""

    send_buffer: int = option(
        checks.count, default=1000, group="Buffers and limits", unit="messages"
    )
    """How many messages are kept while there is no connection."""

    push_buffer: int = option(checks.count, default=1000, unit="pushes")
    """How many pushes each channel keeps until it is joined."""

    receive_buffer: int = option(checks.size, default=1000, unit="messages")
    """How many messages each channel keeps for ``receive()``."""

    write_buffer: int = option(checks.size, default=16 * 1024 * 1024, unit="bytes")
    """How many bytes may wait to be written to the connection.

    A push that finds as many waiting fails with
    :exc:`~txphoenix.errors.BufferFull`; ``when_writable()`` waits for room.
    A message of up to :attr:`max_message_size` goes whenever nothing waits, and
    what the protocol itself sends always does.
    """

    max_message_size: int = option(
        checks.message_size, default=16 * 1024 * 1024, unit="bytes"
    )
    """The largest message in bytes, in either direction.

    It is at least 100, which the protocol's own messages need.
    """

    @classmethod
    def check(cls, url: Supplied[str], **options: Unpack[ClientOptions]) -> Self:
        """Make options out of keyword arguments whose names may be wrong.

        :raises ConfigurationError: if there is no option of a name, or a value is not
            what it must be.
        """
        given = check_names(options, OPTIONS, "reactor")
        made = make_options(cls, url=url, **rules.one_version(given))
        rules.known_version(made)
        return made

    def replace(self, **changes: Unpack[ChangedOptions]) -> Self:
        """These options with some of them changed; all are checked, or none changes.

        :raises ConfigurationError: as :meth:`check`.
        """
        given = rules.one_version(check_names(changes, OPTIONS), self.serializer)
        changed: Self = attrs.evolve(cast(Any, self), **given)
        if "vsn" in given or "serializer" in given:
            rules.known_version(changed)
        return changed


OPTIONS: dict[str, Attribute[Any]] = {
    field.name: field for field in attrs.fields(Options)
}
"""All options by their names, in the order in which they are declared."""

CONNECTION_OPTIONS: frozenset[str] = frozenset(
    name for name, field in OPTIONS.items() if declared(field).reconnects
)
"""The options of which a change needs a new connection."""
