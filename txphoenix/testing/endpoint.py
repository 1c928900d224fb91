"""The application behind a server: sockets, clients, topics and controls."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypedDict, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from txphoenix.protocol.close_codes import SERVICE_RESTART
from txphoenix.protocol.json_codecs import JSONCodec
from txphoenix.protocol.message import Message

from .channel import ServerChannel
from .codec import ServerCodec
from .connect import Connect
from .flavour import flavour_named
from .options import Channels, SocketOptions
from .presence import PresenceTracker
from .process import ChannelProcess
from .session import ServerSession
from .waits import Waits

__all__ = ["Endpoint", "EndpointOptions"]


class EndpointOptions(TypedDict, total=False):
    """The keyword arguments of :class:`Endpoint`, for those that pass them on."""

    path: str
    connect: Connect | None
    timeout: float | None
    max_frame_size: int
    channel_limit: int | None
    compression: bool
    auth_token: bool
    websocket: bool
    websocket_path: str
    longpoll: bool
    longpoll_path: str
    longpoll_window: float
    longpoll_pubsub_timeout: float
    flavour: str
    close_timeout: float
    keep_frames: bool
    json: JSONCodec | None


class Endpoint:
    """What is common to the server over TCP and the server in memory.

    :param channels: topic, or beginning of a topic and ``*`` -> class of its channels.
    :param reactor: the clock.
    :param path: the path of the first socket; :meth:`add_socket` adds others.
    :param connect: ``connect(params, socket)`` decides on a client's connecting and
        returns the socket's id or ``None``; :exc:`Refused` is HTTP 403, any other
        exception HTTP 500.
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
    :param flavour: ``"1.8-bandit"``, ``"1.8-cowboy"`` or ``"1.7-bandit"``.
    :param close_timeout: seconds that a client has for answering a close.
    :param keep_frames: whether each session keeps its frames in ``frames``.
    :param json: the JSON codec.
    :raises ValueError: there is no such flavour.
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
    ) -> None:
        self.reactor = reactor
        self.path = path
        self.flavour = flavour_named(flavour)
        self.close_timeout = close_timeout
        self.keeps_frames = keep_frames
        self.json = json
        self.is_paused = False
        self._refusals: dict[str | None, int | None] = {}
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
            )
        }
        self.presence = PresenceTracker(self.broadcast)
        self._sessions: dict[ServerSession, None] = {}
        self._topics: dict[str, dict[ChannelProcess, None]] = {}
        self._waits = Waits()
        self._resumed: list[Deferred[None]] = []

    def add_socket(self, path: str, **changes: Any) -> None:
        """Serve another path.

        :param changes: what is different from the first socket: the options of
            :class:`SocketOptions`.
        """
        first = self.sockets[self.path]
        self.sockets[path] = dataclasses.replace(first, **changes)

    # Controls.

    @property
    def connections(self) -> list[ServerSession]:
        """The connected clients, the oldest first."""
        return list(self._sessions)

    def channels(self, topic: str | None = None) -> list[ServerChannel]:
        """The joined channels, of one topic or all."""
        topics = list(self._topics) if topic is None else [topic]
        return [
            process.channel for it in topics for process in self._topics.get(it, ())
        ]

    def broadcast(
        self, topic: str, event: str, payload: Any, sender: ServerChannel | None = None
    ) -> int:
        """Send a message to all who have joined a topic.

        :param sender: a channel that is left out.
        :return: how many it was sent to.
        :raises CodecError: the payload cannot be encoded.
        """
        message = Message(None, None, topic, event, payload)
        encoded: dict[type[ServerCodec], tuple[bytes, bool]] = {}
        receivers = [
            process
            for process in self._topics.get(topic, ())
            if process.channel is not sender
        ]
        for process in receivers:
            codec = process.session.codec
            frame = encoded.get(type(codec))
            if frame is None:
                frame = encoded[type(codec)] = codec.encode(message)
            process.session.send_frame(*frame)
        return len(receivers)

    def kick(self, id: str) -> int:
        """Close the connections of that id, as a ``disconnect`` broadcast to it does.

        :return: how many there were.
        """
        return self._each(id, lambda it: it.close(self.flavour.kick_code))

    def drop(self, id: str | None = None) -> int:
        """End connections without a close frame, of that id or all.

        :return: how many there were.
        """
        return self._each(id, ServerSession.drop)

    def drain(self, id: str | None = None) -> int:
        """Close connections with 1012, of that id or all, as a deploy does.

        :return: how many there were.
        """
        return self._each(id, lambda it: it.close(SERVICE_RESTART))

    def kill_channel(self, topic: str) -> int:
        """Kill all channels of a topic: their clients get ``phx_error``.

        :return: how many there were.
        """
        killed = self.channels(topic)
        for channel in killed:
            channel.crash()
        return len(killed)

    def pause(self) -> None:
        """Answer nothing any more: no frame, no ping, no close, no handshake.

        What comes and what is broadcast meanwhile waits for :meth:`resume`.
        """
        self.is_paused = True

    def resume(self) -> None:
        """Go on after :meth:`pause`."""
        self.is_paused = False
        waiting, self._resumed = self._resumed, []
        for deferred in waiting:
            deferred.callback(None)
        for session in self.connections:
            session.work()

    def when_resumed(self) -> Deferred[None]:
        """A Deferred that fires once the server is not paused."""
        if not self.is_paused:
            return succeed(None)
        deferred: Deferred[None] = Deferred()
        self._resumed.append(deferred)
        return deferred

    def refuse(self, status: int | None, transport: str | None = None) -> None:
        """Answer each handshake with that HTTP status; ``None`` takes clients again.

        :param transport: ``"websocket"`` or ``"longpoll"`` for one of them alone.
        """
        self._refusals[transport] = status

    def refusal_of(self, transport: str) -> int | None:
        """The HTTP status for handshakes of that transport, if they are refused."""
        return self._refusals.get(None) or self._refusals.get(transport)

    def _each(self, id: str | None, action: Callable[[ServerSession], None]) -> int:
        sessions = [it for it in self.connections if id is None or it.socket.id == id]
        for session in sessions:
            action(session)
        return len(sessions)

    # Waiting for what happens.

    def when_connected(self, count: int = 1) -> Deferred[ServerSession]:
        """A Deferred that fires once so many clients are connected.

        :return: it fires with the newest client's session.
        """
        if len(self._sessions) >= count:
            return succeed(self.connections[-1])
        return self._waits.wait("connected", lambda _: len(self._sessions) >= count)

    def when_disconnected(self) -> Deferred[ServerSession]:
        """A Deferred that fires with the next session that ends."""
        return self._waits.wait("disconnected", lambda _: True)

    def when_joined(self, topic: str) -> Deferred[ServerChannel]:
        """A Deferred that fires once a client has joined the topic.

        :return: it fires with the channel; with the newest, if it is joined already.
        """
        joined = self.channels(topic)
        if joined:
            return succeed(joined[-1])
        return self._waits.wait("joined", lambda channel: channel.topic == topic)

    def when_left(self, topic: str) -> Deferred[ServerChannel]:
        """A Deferred that fires with the next channel of the topic that ends."""
        return self._waits.wait("left", lambda channel: channel.topic == topic)

    def when_received(self, event: str, topic: str | None = None) -> Deferred[Message]:
        """A Deferred that fires with the next message of that event from a client."""
        return self._waits.wait(
            "received",
            lambda it: it.event == event and (topic is None or it.topic == topic),
        )

    # What the sessions and channels tell.

    def session_opened(self, session: ServerSession) -> None:
        """A client has connected."""
        self._sessions[session] = None
        self._waits.tell("connected", session)

    def session_lost(self, session: ServerSession) -> None:
        """A client's connection has ended."""
        self._sessions.pop(session, None)
        self._waits.tell("disconnected", session)

    def subscribe(self, process: ChannelProcess) -> None:
        """A channel has been joined: broadcasts to its topic go to it as well."""
        self._topics.setdefault(process.topic, {})[process] = None

    def unsubscribe(self, process: ChannelProcess) -> None:
        """A channel has ended."""
        subscribers = self._topics.get(process.topic, {})
        subscribers.pop(process, None)
        if not subscribers:
            self._topics.pop(process.topic, None)

    def tell_joined(self, channel: ServerChannel) -> None:
        """Tell those who wait for it that a channel has been joined."""
        self._waits.tell("joined", channel)

    def tell_left(self, channel: ServerChannel) -> None:
        """A channel has ended, and with it its presences."""
        self.presence.untrack_all(channel)
        self._waits.tell("left", channel)

    def tell_received(self, message: Message) -> None:
        """Tell those who wait for it that a message has come."""
        self._waits.tell("received", message)


def global_reactor() -> IReactorTime:
    """The process's reactor, imported no sooner than it is needed."""
    from twisted.internet import reactor

    return cast(IReactorTime, reactor)
