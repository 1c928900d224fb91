"""Every option of a client: its name, its type, its default and its check.

:class:`Options` is checked when it is made and never changes afterwards, so that
whoever holds one holds a valid one.

``url``, ``params``, ``headers`` and ``auth_token`` may be callables, which are asked
anew before each attempt to connect.
:func:`check_url`, :func:`check_params`, :func:`check_headers` and
:func:`check_auth_token` check what they answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import Any, Self, Unpack

from . import backoff as backoffs
from . import checks
from .backoff import Backoff
from .channel import Channel
from .channel_factory import ChannelFactory
from .checks import check_auth_token, check_headers, check_params, check_url
from .errors import ConfigurationError
from .interfaces import JSONCodec
from .option_types import ChangedOptions, ClientOptions, Headers, Params, Supplied
from .redact import REDACTED, redact_headers, redact_params, redact_url, shown
from .spelling import did_you_mean

__all__ = [
    "CONNECTION_OPTIONS",
    "Options",
    "check_auth_token",
    "check_headers",
    "check_params",
    "check_url",
]

# It keeps nothing of who asks it, so that one serves all clients.
_REJOIN_BACKOFF = backoffs.rejoin()

# What a snapshot shows of an option whose values are secrets.


def _secret(redact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def show(value: Any) -> Any:
        if value is None:
            return None
        return "<callable>" if callable(value) else redact(value)

    return show


_secret_params = _secret(redact_params)


def _secret_channels(channels: Mapping[str, Any]) -> dict[str, Any]:
    return {topic: _secret_params(params) for topic, params in channels.items()}


def _by(
    check: checks.Check,
    *,
    connection: bool = False,
    show: Callable[[Any], Any] = shown,
) -> dict[str, Any]:
    """What is kept of an option beside its type and default.

    :param check: what checks and normalises its value.
    :param connection: whether a change of it needs a new connection.
    :param show: what makes its value fit for a snapshot.
    """
    return {"check": check, "connection": connection, "show": show}


@dataclass(frozen=True, kw_only=True, repr=False, slots=True)
class Options:
    """The options of a client, checked.

    Durations are seconds, sizes are bytes, buffers are numbers of messages.

    :raises ConfigurationError: if a value is not what it must be; the text names the
        option, what was expected and what came.
    """

    name: str | None = field(default=None, metadata=_by(checks.service_name))
    """The name of the client's service, by which its parent finds it."""

    url: Supplied[str] = field(
        metadata=_by(
            checks.or_callable(check_url), connection=True, show=_secret(redact_url)
        )
    )
    """The socket's URL, such as ``wss://host/socket``. It must be given."""

    exact_url: bool = field(default=False, metadata=_by(checks.flag, connection=True))
    """Whether the URL's path is taken as it is.

    By default the transport's name is appended, as Phoenix serves a socket at
    ``/socket/websocket`` and ``/socket/longpoll``; a server may have it elsewhere
    (``websocket: [path: "/:key"]``).
    Parameters and ``vsn`` go into the query all the same.
    One path cannot lead to two transports, so there is no :attr:`longpoll_fallback`
    then.
    """

    params: Supplied[Params | None] = field(
        default_factory=dict,
        metadata=_by(
            checks.or_callable(check_params),
            connection=True,
            show=_secret(redact_params),
        ),
    )
    """The connection's parameters, sent in the URL's query."""

    headers: Supplied[Headers | None] = field(
        default_factory=dict,
        metadata=_by(
            checks.or_callable(check_headers),
            connection=True,
            show=_secret(redact_headers),
        ),
    )
    """Headers of the HTTP request that opens the connection, sent as UTF-8.

    One that the client sends too (``Host``, ``User-Agent``, ``Accept``, ``Pragma`` and
    the like) goes out once, with this value; one that only the client can write
    (``Upgrade``, ``Sec-WebSocket-Key`` and the like) is refused.
    """

    auth_token: Supplied[str | None] = field(
        default=None,
        metadata=_by(
            checks.or_callable(check_auth_token),
            connection=True,
            show=_secret(lambda token: REDACTED),
        ),
    )
    """The token for a socket with ``auth_token: true`` (Phoenix 1.8).

    It travels outside of the URL, as UTF-8: any text but for control characters, and
    for a space at either end.
    """

    transport: str | Callable[..., Any] = field(
        default="websocket", metadata=_by(checks.transport, connection=True)
    )
    """``"websocket"``, ``"longpoll"``, or a callable that makes a connector."""

    heartbeat_interval: float = field(
        default=30.0, metadata=_by(checks.network_seconds)
    )
    """Seconds between heartbeats; Phoenix closes after 60 without one."""

    heartbeat_timeout: float = field(default=10.0, metadata=_by(checks.network_seconds))
    """Seconds of silence after a heartbeat before the connection is dropped.

    What comes, and what goes while the heartbeat is under way, is no silence.
    While a join runs, a Phoenix server answers nothing else on that socket, so either
    this or the join's :attr:`timeout` must be longer than the slowest takes by itself.
    """

    reconnect: bool = field(default=True, metadata=_by(checks.flag))
    """Whether to connect again after a connection failed or was lost."""

    reconnect_interval: float = field(default=60.0, metadata=_by(checks.seconds))
    """The longest delay of the default :attr:`backoff`, in seconds."""

    backoff: Backoff | None = field(default=None, metadata=_by(checks.function))
    """Takes how many attempts to reconnect have failed, and returns the next delay.

    The default is exponential with full jitter.
    """

    rejoin_backoff: Backoff | None = field(default=None, metadata=_by(checks.function))
    """The same for a channel that must be joined again."""

    should_reconnect: Callable[[Exception], bool] | None = field(
        default=None, metadata=_by(checks.function)
    )
    """Takes the error that ended a connection or an attempt, and says whether to retry.

    The default is to retry always.
    """

    auto_connect: bool = field(default=True, metadata=_by(checks.flag))
    """Whether to connect as soon as the service starts."""

    serializer: JSONCodec | None = field(
        default=None, metadata=_by(checks.json_codec, connection=True)
    )
    """An object with the functions ``loads`` and ``dumps``, such as :mod:`json`.

    The default is ``orjson``, or :mod:`json` where that is missing.
    With either, integers are exact whatever their size.
    """

    vsn: str = field(default="2.0.0", metadata=_by(checks.vsn, connection=True))
    """The version of Phoenix's wire format; ``"1.0.0"`` is deprecated."""

    timeout: float = field(default=5.0, metadata=_by(checks.seconds))
    """Seconds to wait for the reply to a join, a push or a leave.

    Those of a join do not run while it waits behind other joins.
    """

    join_window: int = field(default=128, metadata=_by(checks.size))
    """How many joins are under way at most, since the server does one at a time.

    The others wait for their turn, in the order in which their channels want to join.
    """

    connect_timeout: float = field(default=15.0, metadata=_by(checks.network_seconds))
    """Seconds for one attempt to connect: parameters, TCP, TLS and handshake."""

    close_timeout: float = field(default=2.0, metadata=_by(checks.seconds))
    """Seconds for the server to finish the closing handshake, before an abort.

    What has not told of its end a second later is taken for ended.
    """

    topic_channel_map: Mapping[str, ChannelFactory[Channel]] = field(
        default_factory=dict, metadata=_by(checks.topic_channel_map)
    )
    """Topics to channel classes; a key such as ``"rooms:*"`` stands for a prefix.

    In place of a class any callable will do that takes topic, params and
    ``client.channels`` and returns a channel, such as
    ``functools.partial(Room, db=db)``.
    """

    join_channels: Mapping[str, Any] = field(
        default_factory=dict, metadata=_by(checks.join_channels, show=_secret_channels)
    )
    """Topics to join whenever connected, and the parameters of each.

    A sequence of topics is taken too, and kept as a mapping.
    The parameters are merged over :attr:`default_channel_params`, or are these if None.
    A channel that cannot be made is told to the log and to ``client.on_error``, and is
    tried again when the next connection opens; the others are joined.
    """

    default_channel_class: ChannelFactory[Channel] | None = field(
        default=None, metadata=_by(checks.optional_channel_class)
    )
    """The class of channels that :attr:`topic_channel_map` names none for.

    The default is ``EchoRoom``.
    A callable will do as well, as there.
    """

    default_channel_params: Supplied[Params] | None = field(
        default_factory=dict, metadata=_by(checks.channel_params, show=_secret_params)
    )
    """The parameters of all channels.

    A channel's own are merged over them, one level deep, when the channel is made; a
    callable, of either, is asked anew for each join.
    Own parameters that are no mapping take their place.
    """

    send_buffer: int = field(default=1000, metadata=_by(checks.count))
    """How many messages are kept while there is no connection."""

    push_buffer: int = field(default=1000, metadata=_by(checks.count))
    """How many pushes each channel keeps until it is joined."""

    receive_buffer: int = field(default=1000, metadata=_by(checks.size))
    """How many messages each channel keeps for ``receive()``."""

    write_buffer: int = field(default=16 * 1024 * 1024, metadata=_by(checks.size))
    """How many bytes may wait to be written to the connection.

    A push that finds as many waiting fails with
    :exc:`~txphoenix.errors.BufferFull`; ``when_writable()`` waits for room.
    A message of up to :attr:`max_message_size` goes whenever nothing waits, and
    what the protocol itself sends always does.
    """

    max_message_size: int = field(
        default=16 * 1024 * 1024, metadata=_by(checks.message_size)
    )
    """The largest message in bytes, in either direction; at least 100, which the
    protocol's own messages need.
    """

    tls: Any = field(default=None, metadata=_by(checks.tls, connection=True))
    """What :func:`txphoenix.client_tls` returns, or Twisted's ``optionsForClientTLS``.

    The default verifies the certificate against the system's authorities and its name
    against the URL's host.
    """

    endpoint: Any = field(default=None, metadata=_by(checks.endpoint, connection=True))
    """What to connect to instead of the URL's host and port.

    An :class:`~twisted.internet.interfaces.IStreamClientEndpoint`, the description of
    one as a string, or a callable that takes reactor, host, port and tls (None for a
    plain connection) and returns one.
    """

    proxy: str | None = field(
        default=None,
        metadata=_by(checks.proxy, connection=True, show=_secret(redact_url)),
    )
    """The HTTP proxy to go through: ``http://[user:password@]host[:port]``.

    With ``https://`` the connection to the proxy itself is TLS, and verified.
    ``"environment"`` stands for what ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and
    ``NO_PROXY`` say at each attempt.
    """

    keepalive: bool = field(default=False, metadata=_by(checks.flag, connection=True))
    """Whether the system shall look after idle TCP connections (``SO_KEEPALIVE``).

    A WebSocket's heartbeats find a dead peer sooner than most systems do.
    """

    cookies: CookieJar | None = field(default=None, metadata=_by(checks.cookie_jar))
    """Whether cookies that the server sets are sent with the next connection.

    ``True`` is a jar of the client's own, a :class:`http.cookiejar.CookieJar` is one
    that others may use as well; its rules hold.
    Without it a session of long-poll has cookies of its own, and a WebSocket none.
    """

    longpoll_fallback: float | None = field(
        default=None, metadata=_by(checks.optional_seconds)
    )
    """Seconds after which a WebSocket that does not answer gives way to long-poll."""

    compression: bool = field(default=False, metadata=_by(checks.flag, connection=True))
    """Whether to offer the WebSocket's permessage-deflate (RFC 7692)."""

    fast_frames: bool = field(default=True, metadata=_by(checks.flag, connection=True))
    """Whether simple frames take a short way past Autobahn's parser.

    Both ways are the same to the user and to the server; without this one, a message
    takes several times as long.
    """

    max_restarts: int = field(default=3, metadata=_by(checks.count))
    """How often a crashing channel is restarted in :attr:`max_seconds`.

    One crash more stops it with its error.
    """

    max_seconds: float = field(default=5.0, metadata=_by(checks.seconds))
    """The seconds in which :attr:`max_restarts` are counted."""

    def __post_init__(self) -> None:
        for option in dataclasses.fields(self):
            value = option.metadata["check"](option.name, getattr(self, option.name))
            object.__setattr__(self, option.name, value)
        if self.endpoint is not None and self.proxy is not None:
            raise ConfigurationError("proxy must be None if endpoint is given")
        if self.exact_url and self.longpoll_fallback is not None:
            raise ConfigurationError(
                "longpoll_fallback must be None if exact_url is True: the path of one "
                "URL cannot be that of the WebSocket and that of long-poll"
            )

    @classmethod
    def check(cls, url: Supplied[str], **options: Unpack[ClientOptions]) -> Self:
        """Make options out of keyword arguments whose names may be wrong.

        :raises ConfigurationError: if there is no option of a name, or a value is not
            what it must be.
        """
        return cls(url=url, **_check_names(options, "reactor"))

    def replace(self, **changes: Unpack[ChangedOptions]) -> Self:
        """These options with some of them changed; all are checked, or none changes.

        :raises ConfigurationError: as :meth:`check`.
        """
        return dataclasses.replace(self, **_check_names(changes))

    @property
    def reconnect_backoff(self) -> Backoff:
        """:attr:`backoff`, or the default."""
        return self.backoff or backoffs.exponential(maximum=self.reconnect_interval)

    @property
    def channel_backoff(self) -> Backoff:
        """:attr:`rejoin_backoff`, or the default."""
        return self.rejoin_backoff or _REJOIN_BACKOFF

    @property
    def asks_anew(self) -> bool:
        """Whether an attempt asks a callable, which may answer otherwise next time."""
        return any(
            callable(asked)
            for asked in (
                self.url,
                self.params,
                self.headers,
                self.auth_token,
                self.endpoint,
                self.transport,
            )
        )

    def snapshot(self) -> dict[str, Any]:
        """Every option by name, as JSON can hold it, with the secrets cut out.

        Values of parameters and headers, the token and the values in the URL's query
        are shown as :data:`txphoenix.redact.REDACTED`, callables as ``"<callable>"``,
        classes by their dotted names.
        """
        return {
            option.name: option.metadata["show"](getattr(self, option.name))
            for option in dataclasses.fields(self)
        }

    def __repr__(self) -> str:
        snapshot = self.snapshot()
        changed = [
            f"{option.name}={snapshot[option.name]!r}"
            for option in dataclasses.fields(self)
            if getattr(self, option.name) not in (option.default, {})
        ]
        return f"Options({', '.join(changed)})"


CONNECTION_OPTIONS: frozenset[str] = frozenset(
    option.name
    for option in dataclasses.fields(Options)
    if option.metadata["connection"]
)
"""The options of which a change needs a new connection."""


def _check_names(options: Mapping[str, Any], *others: str) -> dict[str, Any]:
    """The options, if there is one of each name.

    :param others: names of what is no option, and can be meant all the same.
    """
    names = [option.name for option in dataclasses.fields(Options)]
    for name in options:
        if name not in names:
            hint = did_you_mean(name, [*names, *others])
            raise ConfigurationError(f"there is no option {name!r}{hint}")
    # Their checks make of them what the fields' types say.
    return dict(options)
