"""One connected client, whatever its transport: frames in, frames out.

The session behaves as the process does that Phoenix runs for a connection.
While a channel's ``join`` is awaited, or the server is paused, everything waits in its
mailbox: frames, broadcasts and kicks alike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from txphoenix.protocol.close_codes import INTERNAL_ERROR
from txphoenix.protocol.event_names import (
    HEARTBEAT,
    PHOENIX_TOPIC,
    PHX_CLOSE,
    PHX_JOIN,
    PHX_LEAVE,
    PHX_REPLY,
)
from txphoenix.protocol.message import Message

from ..runtime.package_log import package_log
from .codec import CodecError, ServerCodec, decoded, encoded
from .connect import Socket
from .frame import Frame
from .process import ChannelProcess, ProcessServer, ProcessTopics, RunChannel
from .replies import Reply, error, ok

__all__ = ["ClientSession", "SessionOptions", "SessionServer", "SessionTransport"]

log = Logger("txphoenix.testing.session.ServerSession", observer=package_log)

_Channel = TypeVar("_Channel", bound=RunChannel)
_Made_co = TypeVar("_Made_co", bound=RunChannel, covariant=True)


class SessionTransport(Protocol):
    """What carries a session's frames."""

    def send(self, data: bytes, is_binary: bool) -> None:
        """Send a frame."""

    def close(self, code: int) -> None:
        """Close in good order with that close code."""

    def drop(self) -> None:
        """End the connection without a close frame."""


class SessionOptions(Protocol[_Made_co]):
    """The options of a socket, as the sessions of its clients see them."""

    @property
    def channel_limit(self) -> int | None:
        """The most channels on a connection."""

    def channel_for(self, topic: object) -> type[_Made_co] | None:
        """The class of a topic's channels."""


class SessionTopics(ProcessTopics[_Channel], Protocol[_Channel]):
    """The server's topics, as its clients' sessions see them."""

    def tell_joined(self, channel: _Channel) -> None:
        """A channel has been joined."""

    def tell_left(self, channel: _Channel) -> None:
        """A channel has ended."""

    def tell_received(self, message: Message) -> None:
        """A message has come."""


class SessionServer(ProcessServer[_Channel], Protocol[_Channel]):
    """The server, as its clients' sessions see it: they tell it what happens."""

    @property
    def is_paused(self) -> bool:
        """Whether nothing is answered just now."""

    @property
    def keeps_frames(self) -> bool:
        """Whether each session keeps its frames."""

    @property
    def close_timeout(self) -> float:
        """Seconds that a client has for answering a close."""

    @property
    def attendance(self) -> SessionTopics[_Channel]:
        """The topics."""


class ClientSession(Generic[_Channel]):
    """What there is between a client and its channels of a class.

    :ivar socket: what is known of the client.
    :ivar endpoint: the server.
    :ivar options: the options of the socket that the client has connected to.
    :ivar frames: what was received and sent, if the server keeps it.
    :ivar closed: whether the session has ended.
    """

    def __init__(
        self,
        endpoint: SessionServer[_Channel],
        options: SessionOptions[_Channel],
        socket: Socket,
        codec: ServerCodec,
        transport: SessionTransport,
    ) -> None:
        self.endpoint = endpoint
        self.options = options
        self.socket = socket
        self.codec = codec
        self.frames: list[Frame] = []
        self.closed = False
        self._transport = transport
        self._processes: dict[Any, ChannelProcess[_Channel]] = {}
        self._mailbox: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._is_working = False
        self._joining: ChannelProcess[_Channel] | None = None
        self._writable: list[Deferred[None]] | None = None

    @property
    def processes(self) -> list[ChannelProcess[_Channel]]:
        """The channels that the client has joined."""
        return list(self._processes.values())

    def receive(self, data: bytes, is_binary: bool) -> None:
        """Take a frame of the client."""
        self.post(self._receive, data, is_binary)

    def send(self, message: Message) -> None:
        """Send a message of a channel.

        :raises CodecError: it cannot be encoded; in Phoenix, too, it is the channel
            that crashes then.
        """
        self.send_frame(*encoded(self.codec, message))

    def send_frame(self, data: bytes, is_binary: bool) -> None:
        """Send a frame that was encoded before, as a broadcast's is once for all."""
        self.post(self._write, data, is_binary)

    def close(self, code: int) -> None:
        """Close the connection, after what is in the mailbox."""
        self.post(self._close, code)

    def drop(self) -> None:
        """End the connection at once and without a close frame."""
        self._transport.drop()
        self.lost()

    def lost(self) -> None:
        """The connection has ended."""
        if self.closed:
            return
        self.closed = True
        self._mailbox.clear()
        for process in self.processes:
            process.end(None, {}, "closed")
        if self._joining is not None:
            self._joining.cancel()
        self.set_writable(True)
        self._tell_lost()

    # The mailbox.

    def post(self, action: Callable[..., object], *args: Any) -> None:
        """Do it as soon as all that came before it has been done."""
        if self.closed:
            return
        if self._mailbox or self._is_working or self._is_held:
            self._mailbox.append((action, args))
            self.work()
        else:
            self._do(action, args)

    def work(self) -> None:
        """Take on what waits in the mailbox, unless a join or a pause holds it."""
        if self._is_working:
            return
        self._is_working = True
        try:
            while self._mailbox and not self._is_held:
                self._do(*self._mailbox.popleft())
        finally:
            self._is_working = False

    def _do(self, action: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            action(*args)
        except CodecError as fault:
            log.info("{session!r}: {error}", session=self, error=fault)
            self._close(INTERNAL_ERROR)

    @property
    def _is_held(self) -> bool:
        return self._joining is not None or self.endpoint.is_paused

    # What the client sends.

    def _receive(self, data: bytes, is_binary: bool) -> None:
        if self.endpoint.keeps_frames:
            self.frames.append(Frame(False, data, is_binary))
        message = decoded(self.codec, data, is_binary)
        self.endpoint.attendance.tell_received(message)
        if message.topic == PHOENIX_TOPIC and message.event == HEARTBEAT:
            self._answer(message._replace(join_ref=None), ok())
        elif message.event == PHX_JOIN:
            self._join(message)
        else:
            self._deliver(message)

    def _deliver(self, message: Message) -> None:
        # A list or an object can be a topic on the wire, and no key of a dict.
        topic: object = message.topic
        process = self._processes.get(topic) if isinstance(topic, str) else None
        if process is None:
            if message.event == PHX_LEAVE:
                self._answer(message, ok())
            else:
                self._ignore(message)
        elif message.event == PHX_LEAVE:
            # A leave with an old join_ref has crossed the end of that join.
            if process.channel.join_ref in (message.join_ref, None):
                process.deliver(message)
        elif self.endpoint.flavour.takes_push(
            message.join_ref, process.channel.join_ref
        ):
            process.deliver(message)

    def _ignore(self, message: Message) -> None:
        refusal = error({"reason": "unmatched topic"})
        self._answer(message._replace(join_ref=None), refusal)

    def _answer(self, message: Message, reply: Reply) -> None:
        payload = {"status": reply.status, "response": reply.response}
        answer = message._replace(event=PHX_REPLY, payload=payload)
        self._write(*encoded(self.codec, answer))

    # Joining.

    def _join(self, message: Message) -> None:
        channel_class = self.options.channel_for(message.topic)
        if channel_class is None:
            self._ignore(message)
            return
        held = self._processes.get(message.topic)
        limit = self.options.channel_limit
        if held is None and limit is not None and len(self._processes) >= limit:
            self._answer(message, error({"reason": "too many channels joined"}))
            return
        process = ChannelProcess(self._make(channel_class), self, message)
        self._joining = process
        if held is not None:
            # Held back as all else, its phx_close follows the new join's reply.
            held.end(PHX_CLOSE, {}, "replaced")
        process.join().addCallback(self._join_decided, process, message)

    def _join_decided(
        self, reply: Reply, process: ChannelProcess[_Channel], message: Message
    ) -> None:
        self._joining = None
        if not self.closed:
            # First in the mailbox: the server may be paused just now.
            self._mailbox.appendleft((self._joined, (reply, process, message)))
            self.work()

    def _joined(
        self, reply: Reply, process: ChannelProcess[_Channel], message: Message
    ) -> None:
        if reply.status == "ok":
            self._processes[message.topic] = process
        self._answer(message, reply)
        if reply.status == "ok":
            process.start()
            self.endpoint.attendance.tell_joined(process.channel)

    def forget(self, process: ChannelProcess[_Channel]) -> None:
        """A channel has ended."""
        del self._processes[process.topic]
        self.endpoint.attendance.tell_left(process.channel)

    # What goes out.

    def _write(self, data: bytes, is_binary: bool) -> None:
        if self.endpoint.keeps_frames:
            self.frames.append(Frame(True, data, is_binary))
        self._transport.send(data, is_binary)

    def _close(self, code: int) -> None:
        self._transport.close(code)
        self.lost()

    def set_writable(self, writable: bool) -> None:
        """The transport has room for more, or has none."""
        if not writable:
            self._writable = self._writable or []
            return
        waiting, self._writable = self._writable, None
        for deferred in waiting or ():
            deferred.callback(None)

    def when_writable(self) -> Deferred[None]:
        """A Deferred that fires once the transport has room for more."""
        if self._writable is None:
            return succeed(None)
        deferred: Deferred[None] = Deferred()
        self._writable.append(deferred)
        return deferred

    # What only a session whose channels and server are known can do.

    def _make(self, channel_class: type[_Channel]) -> _Channel:
        """A channel that knows its session and its server."""
        raise NotImplementedError(f"{type(self).__name__} must make its channels")

    def _tell_lost(self) -> None:
        """Tell the server that the connection has ended."""
        raise NotImplementedError(f"{type(self).__name__} must tell of its end")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.socket!r}>"
