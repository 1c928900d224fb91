"""The application behind a server: sockets, clients, channels and controls.

These four know each other, and a user's program knows all of them:
an :class:`Endpoint` has the :class:`SocketOptions` of its sockets, a
:class:`ServerSession` for each client, and in each of these the user's
:class:`ServerChannel`, which can ask for every other.
Here they are said to be of each other; how they work is below, where it is generic.

::

    class Room(ServerChannel):
        def join(self, params):
            if params.get("key") != "sesame":
                raise Refused({"reason": "unauthorized"})
            return {"welcome": self.topic}

        def handle_in(self, event, payload):
            self.broadcast(event, payload)
            return ok()
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.web.resource import IResource

from txphoenix.protocol.json_codecs import JSONCodec

from .client_session import ClientSession
from .codec import ServerCodec, checked_serializers
from .codecs import Codecs
from .connect import Connect, Socket
from .controls import Controls
from .endpoint_options import EndpointOptions, global_reactor
from .flavour import flavour_named
from .hooks import check_channels, check_connect
from .process import ChannelRunner
from .replies import NOTHING, reply

__all__ = [
    "Channels",
    "Endpoint",
    "EndpointOptions",
    "ServerChannel",
    "ServerSession",
    "SocketOptions",
    "UnhandledEvent",
    "global_reactor",
]


class UnhandledEvent(Exception):
    """A channel got an event that it does not know; as in Phoenix, it crashes."""


class ServerChannel:
    """One client's presence in one topic; subclass it.

    :ivar topic: the topic.
    :ivar params: what the client joined with.
    :ivar socket: the client's connection.
    :ivar session: the client's session.
    :ivar endpoint: the server.
    :ivar join_ref: the ref of the join.
    :ivar ref: the ref of the message being handled; keep it for a :meth:`reply` later.
    """

    topic: str
    params: Any
    socket: Socket
    session: ServerSession
    endpoint: Endpoint
    join_ref: Any
    ref: Any = None
    _process: ChannelRunner

    def join(self, params: Any) -> Any:
        """Decide whether the client may join.

        While a Deferred or a coroutine is awaited nothing at all is answered on the
        client's connection, just as with Phoenix.

        :return: the response of the ``ok`` reply, at once, by Deferred or as a
            coroutine; ``None`` is ``{}``.
            ``ok(response)`` is the same, and ``error(response)`` refuses.
        :raises Refused: the client may not; its response is the ``error`` reply's.
            Any other exception is a crash: ``{"reason": "join crashed"}``.
        """
        return {}

    def after_join(self) -> None:
        """Called once the reply to the join has been sent: push and broadcast here."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Handle what the client pushes.

        While a Deferred or a coroutine is awaited, further messages to this channel
        wait.

        :return: ``None``, or a :class:`Reply` from :func:`ok`, :func:`error` or
            :func:`reply`, at once, by Deferred or as a coroutine.
        :raises Exception: anything raised is a crash: the client gets ``phx_error``.
        """
        raise UnhandledEvent(event)

    def terminate(self, reason: str) -> None:
        """Called when the channel has ended, for whatever reason.

        :param reason: ``"left"``, ``"stopped"`` or what :meth:`stop` was given,
            ``"crashed"``, ``"killed"``, ``"replaced"`` by another join, or ``"closed"``
            with the connection.
        """

    def push(self, event: str, payload: Any) -> None:
        """Send a message to this client."""
        self._process.push(event, payload)

    def broadcast(self, event: str, payload: Any) -> None:
        """Send a message to all who have joined the topic, this client included."""
        self.endpoint.broadcast(self.topic, event, payload)

    def broadcast_from(self, event: str, payload: Any) -> None:
        """Send a message to all others who have joined the topic."""
        self.endpoint.broadcast(self.topic, event, payload, sender=self)

    def reply(self, ref: Any, status: str, response: Any = NOTHING) -> None:
        """Reply to the message of that ref, now or later.

        :param ref: what ``ref`` was while the message was handled.
        """
        self._process.reply(ref, reply(status, response))

    def call_later(
        self, delay: float, action: Callable[..., object], *args: Any
    ) -> IDelayedCall:
        """Do something later, unless the channel has ended by then.

        :param delay: seconds.
        :param action: what to call; an exception is a crash of the channel.
        :return: the call, which can be cancelled as long as it has not run.
        """
        return self._process.call_later(delay, action, args)

    def stop(self, reason: str = "stopped") -> None:
        """End the channel in good order: the client gets ``phx_close``.

        Within ``handle_in`` it takes effect after the reply.
        """
        self._process.stop(reason)

    def crash(self, reason: str = "killed") -> None:
        """End the channel as a crash does: the client gets ``phx_error``."""
        self._process.crash(reason)

    def ready(self) -> Deferred[None]:
        """A Deferred that fires once the connection takes more.

        Who awaits it before each push holds a flood back as TCP does.
        """
        return self.session.when_writable()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.topic}>"


Channels = Mapping[str, type[ServerChannel]]
"""Topic, or beginning of a topic and ``*`` -> the class of its channels."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SocketOptions:
    """What Phoenix's ``socket`` macro sets for one path.

    :ivar channels: the channels; the first pattern that fits a topic counts.
    :ivar connect: decides on a client's connecting; ``None`` takes all.
    :ivar timeout: seconds of the client's silence after which the server closes;
        ``None`` for never.
    :ivar max_frame_size: the most bytes of a client's frame.
    :ivar channel_limit: the most channels on a connection; ``None`` for no limit.
    :ivar compression: whether an offered permessage-deflate is taken.
    :ivar auth_token: whether an auth token is taken from the subprotocols, or from
        the header that long-poll has for it.
    :ivar websocket: whether there is a WebSocket.
    :ivar websocket_path: where it is, below the socket's path; a part that begins with
        a colon, as in ``"/:key"``, is a parameter of the connection.
    :ivar longpoll: whether there is long-poll.
    :ivar longpoll_path: where that is, likewise.
    :ivar longpoll_window: seconds that a poll waits for messages; a session ends if its
        client has not polled for one and a half of them.
    :ivar longpoll_pubsub_timeout: seconds that a request waits for its session to
        answer, which one that is gone does not.
    :ivar serializers: versions that are spoken beside Phoenix's own, or in their place.
    :raises TypeError: see :class:`Endpoint`.
    """

    channels: Channels = dataclasses.field(default_factory=dict)
    connect: Connect | None = None
    timeout: float | None = 60.0
    max_frame_size: int = 64_000_000
    channel_limit: int | None = 100
    compression: bool = False
    auth_token: bool = False
    websocket: bool = True
    websocket_path: str = "/websocket"
    longpoll: bool = True
    longpoll_path: str = "/longpoll"
    longpoll_window: float = 10.0
    longpoll_pubsub_timeout: float = 2.0
    serializers: Mapping[str, ServerCodec] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what is the user's."""
        check_channels(self.channels)
        check_connect(self.connect)

    def channel_for(self, topic: object) -> type[ServerChannel] | None:
        """The class of a topic's channels, ``None`` if no pattern fits it."""
        if not isinstance(topic, str):
            return None
        for pattern, channel_class in self.channels.items():
            prefix, star, _ = pattern.partition("*")
            if topic == pattern or (star and topic.startswith(prefix)):
                return channel_class
        return None


class ServerSession(ClientSession[ServerChannel]):
    """One connected client.

    :ivar socket: what is known of the client.
    :ivar endpoint: the server.
    :ivar options: the options of the socket that the client has connected to.
    :ivar frames: what was received and sent, if the server keeps it.
    :ivar closed: whether the session has ended.
    """

    endpoint: Endpoint
    options: SocketOptions

    def _make(self, channel_class: type[ServerChannel]) -> ServerChannel:
        channel = channel_class()
        channel.socket = self.socket
        channel.session = self
        channel.endpoint = self.endpoint
        return channel

    def _tell_lost(self) -> None:
        self.endpoint.session_lost(self)


class Endpoint(Controls[ServerChannel, ServerSession]):
    """What is common to the server over TCP and the server in memory.

    :param channels: topic, or beginning of a topic and ``*`` -> class of its channels.
    :param reactor: the clock.
    :param path: the path of the first socket; :meth:`add_socket` adds others.
    :param connect: ``connect(params, socket)`` decides on a client's connecting and
        returns the socket's id or ``None``; :exc:`Refused` is HTTP 403, any other
        exception HTTP 500, and so is any other answer, which is logged as an error.
    :param timeout: seconds of a client's silence after which it is closed; ``None``
        for never.
    :param max_frame_size: the most bytes of a client's frame.
    :param channel_limit: the most channels on a connection; ``None`` for no limit.
    :param compression: whether an offered permessage-deflate is taken.
    :param auth_token: whether an auth token is taken from the subprotocols, or from the
        header that long-poll has for it.
    :param websocket: whether there is a WebSocket.
    :param websocket_path: where it is, below ``path``; a part that begins with a colon,
        as in ``"/:key"``, is a parameter of the connection.
    :param longpoll: whether there is long-poll.
    :param longpoll_path: where that is, likewise.
    :param longpoll_window: seconds that a poll waits for messages (Phoenix's
        ``window_ms``).
    :param longpoll_pubsub_timeout: seconds that a request waits for the answer of its
        session, and in vain if that is gone (Phoenix's ``pubsub_timeout_ms``).
    :param flavour: the Phoenix that it is like, and the web server before that:
        ``"1.8-bandit"``, ``"1.8-cowboy"``, ``"1.8.11-bandit"`` (which drops a push
        without the join_ref of its join, as 1.8.3 to 1.8.11 do) or ``"1.7-bandit"``.
    :param close_timeout: seconds that a client has for answering a close.
    :param keep_frames: whether each session keeps its frames in ``frames``.
    :param json: the JSON codec of Phoenix's own serializers.
    :param serializers: a client's ``vsn`` -> a :class:`ServerCodec` that speaks it,
        beside Phoenix's own or in the place of one.
    :ivar resource: a resource of twisted.web for the paths that no socket has, or
        ``None`` for 404; set it at any time.
    :raises ValueError: there is no such flavour, or what is given for a ``vsn`` is no
        codec.
    :raises TypeError: ``connect`` or a channel's method cannot take what the server
        gives it.
    """

    def __init__(
        self,
        channels: Channels,
        reactor: IReactorTime,
        *,
        path: str = "/socket",
        connect: Connect | None = None,
        timeout: float | None = 60.0,
        max_frame_size: int = 64_000_000,
        channel_limit: int | None = 100,
        compression: bool = False,
        auth_token: bool = False,
        websocket: bool = True,
        websocket_path: str = "/websocket",
        longpoll: bool = True,
        longpoll_path: str = "/longpoll",
        longpoll_window: float = 10.0,
        longpoll_pubsub_timeout: float = 2.0,
        flavour: str = "1.8-bandit",
        close_timeout: float = 1.0,
        keep_frames: bool = False,
        json: JSONCodec | None = None,
        serializers: Mapping[str, ServerCodec] | None = None,
    ) -> None:
        super().__init__(flavour_named(flavour))
        self.reactor = reactor
        self.path = path
        self.close_timeout = close_timeout
        self.keeps_frames = keep_frames
        self.codecs = Codecs(json)
        self.resource: IResource | None = None
        self.sockets: dict[str, SocketOptions] = {
            path: SocketOptions(
                channels=channels,
                connect=connect,
                timeout=timeout,
                max_frame_size=max_frame_size,
                channel_limit=channel_limit,
                compression=compression,
                auth_token=auth_token,
                websocket=websocket,
                websocket_path=websocket_path,
                longpoll=longpoll,
                longpoll_path=longpoll_path,
                longpoll_window=longpoll_window,
                longpoll_pubsub_timeout=longpoll_pubsub_timeout,
                serializers=checked_serializers(serializers),
            )
        }

    def add_socket(self, path: str, **changes: Any) -> None:
        """Serve another path.

        :param changes: what is different from the first socket: any arguments of this
            class but ``reactor``, ``path``, ``flavour``, ``close_timeout``,
            ``keep_frames`` and ``json``.
        """
        first = self.sockets[self.path]
        self.sockets[path] = dataclasses.replace(first, **changes)
