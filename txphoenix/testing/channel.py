"""The channels of the server kit: what a user writes.

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

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..protocol.message import Message
from .connect import Socket
from .frame import Frame
from .presence_tracker import PresenceTracker
from .replies import NOTHING, Reply, reply

__all__ = [
    "ChannelRunner",
    "ClientSession",
    "Controls",
    "ServerChannel",
    "UnhandledEvent",
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
    session: ClientSession
    endpoint: Controls
    join_ref: Any
    ref: Any = None
    _process: ChannelRunner

    def join(self, params: Any) -> Any:
        """Decide whether the client may join.

        While a Deferred or a coroutine is awaited nothing at all is answered on the
        client's connection, just as with Phoenix.

        :return: the response of the ``ok`` reply, at once, by Deferred or as a
            coroutine; ``None`` is ``{}``.
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

        :param ref: what :attr:`ref` was while the message was handled.
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


class ClientSession(Protocol):
    """A client's session, as its channels see it: a :class:`ServerSession`."""

    @property
    def socket(self) -> Socket:
        """What is known of the client."""

    @property
    def frames(self) -> list[Frame]:
        """What was received and sent, if the server keeps it."""

    @property
    def closed(self) -> bool:
        """Whether the session has ended."""

    def close(self, code: int) -> None:
        """Close the connection, after what is in the mailbox."""

    def drop(self) -> None:
        """End the connection at once and without a close frame."""

    def set_writable(self, writable: bool) -> None:
        """The transport has room for more, or has none."""

    def when_writable(self) -> Deferred[None]:
        """A Deferred that fires once the transport has room for more."""


class Controls(Protocol):
    """The server, as its channels see it: what an :class:`Endpoint` can be told."""

    @property
    def reactor(self) -> IReactorTime:
        """The clock."""

    @property
    def presence(self) -> PresenceTracker:
        """All presences."""

    @property
    def connections(self) -> Sequence[ClientSession]:
        """The connected clients, the oldest first."""

    def channels(self, topic: str | None = None) -> list[ServerChannel]:
        """The joined channels, of one topic or all."""

    def broadcast(
        self, topic: str, event: str, payload: Any, sender: ServerChannel | None = None
    ) -> int:
        """Send a message to all who have joined a topic, but for the sender."""

    def kick(self, id: str) -> int:
        """Close the connections of that id."""

    def drop(self, id: str | None = None) -> int:
        """End connections without a close frame, of that id or all."""

    def drain(self, id: str | None = None) -> int:
        """Close connections with 1012, of that id or all."""

    def kill_channel(self, topic: str) -> int:
        """Kill all channels of a topic."""

    def pause(self) -> None:
        """Answer nothing any more."""

    def resume(self) -> None:
        """Go on after a pause."""

    def refuse(self, status: int | None, transport: str | None = None) -> None:
        """Answer each handshake with that HTTP status."""

    def when_connected(self, count: int = 1) -> Deferred[Any]:
        """A Deferred that fires with the newest session once so many are connected."""

    def when_disconnected(self) -> Deferred[Any]:
        """A Deferred that fires with the next session that ends."""

    def when_joined(self, topic: str) -> Deferred[ServerChannel]:
        """A Deferred that fires with a channel of that topic once one is joined."""

    def when_left(self, topic: str) -> Deferred[ServerChannel]:
        """A Deferred that fires with the next channel of that topic that ends."""

    def when_received(self, event: str, topic: str | None = None) -> Deferred[Message]:
        """A Deferred that fires with the next message of that event from a client."""


class ChannelRunner(Protocol):
    """What runs a channel: it sends what the channel says, and ends it."""

    def push(self, event: str, payload: Any) -> None:
        """Send the client a message."""

    def reply(self, ref: Any, reply: Reply) -> None:
        """Send the client a reply."""

    def call_later(
        self, delay: float, action: Callable[..., object], args: tuple[Any, ...]
    ) -> IDelayedCall:
        """Do something later, unless the channel has ended by then."""

    def stop(self, reason: str) -> None:
        """End in good order, after the message being handled."""

    def crash(self, reason: str) -> None:
        """End as a crash does, at once."""
