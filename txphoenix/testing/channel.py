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

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

if TYPE_CHECKING:
    from .connect import Socket
    from .endpoint import Endpoint
    from .process import ChannelProcess
    from .session import ServerSession

__all__ = ["Reply", "ServerChannel", "UnhandledEvent", "error", "ok", "reply"]


class Reply(NamedTuple):
    """What ``handle_in`` returns for a reply."""

    status: str
    response: Any


NOTHING: dict[str, Any] = {}
"""The response of a reply that has nothing to say."""


def ok(response: Any = NOTHING) -> Reply:
    """The reply of status ``ok``.

    :param response: any JSON value, or bytes for a binary reply; ``{}`` if not given.
    """
    return Reply("ok", response)


def error(response: Any = NOTHING) -> Reply:
    """The reply of status ``error``; see :func:`ok`."""
    return Reply("error", response)


def reply(status: str, response: Any = NOTHING) -> Reply:
    """A reply of any status; see :func:`ok`."""
    return Reply(status, response)


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
    _process: ChannelProcess

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
