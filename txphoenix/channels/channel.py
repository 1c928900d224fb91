"""A channel: one topic on one socket.

Here is what users call and override; all else of a channel is its
:class:`~txphoenix.channels.membership.Membership`, and what it does in which state is
the table of :mod:`txphoenix.protocol.channel_states`.
Its :class:`txphoenix.channels.ChannelManager` sends and receives for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, TypeVar, overload

from twisted.internet.defer import Deferred, succeed

from ..errors import ChannelClosed
from ..options.channel_kinds import AnyChannel
from ..protocol.channel_states import State
from ..protocol.event_names import PHX_JOIN
from ..protocol.message import Message
from ..runtime.assignments import never_assigned
from ..runtime.reactor_thread import fails_its_deferred
from .class_attributes import check_attributes, check_class, keep_properties
from .decoded_events import Decoders
from .decoding import check_decoders, decoded
from .hooked_channel import HookedChannel
from .membership import Holder, Membership
from .messages import dispatch
from .presence_history import USUAL_EVENTS, PresenceHistory
from .unavailable import made_by_itself

__all__ = ["Channel"]

_Decoded = TypeVar("_Decoded")

# The payload of a push without one; None is a payload.
_EMPTY: dict[str, Any] = {}


class Channel(HookedChannel, AnyChannel):
    """One topic, from the join to the leave, over as many connections as it takes.

    Made by :meth:`txphoenix.SocketClient.channel`, never directly.
    Methods that return a Deferred do not raise for a wrong argument: it fails with
    :exc:`ConfigurationError`.
    Subclasses override :meth:`init`, :meth:`handle_join`, :meth:`handle_in` and
    :meth:`handle_close`, which may return a Deferred or be an ``async def``.
    An exception out of any but the last is a crash of this channel, which restarts as
    :attr:`restart` says and touches no other.

    :ivar topic: the topic, such as ``"rooms:lobby"``.
    :ivar params: what the join sends: any JSON value, or a callable that makes it
        (a Deferred or an awaitable of it will do) anew for each join.
    """

    restart: ClassVar[str] = "transient"
    """What follows a crash: ``"transient"`` joins again; ``"temporary"`` does not;
    ``"permanent"`` joins again even where the server has closed the channel."""

    presence_events: ClassVar[tuple[str, str]] = USUAL_EVENTS
    """The events that bring the whole list of presences, and a change of it.

    What they bring is kept for a :class:`txphoenix.Presence` that is made later.
    A class that names others names them in its body: two different ones, and none of
    the protocol's own, or that raises ConfigurationError."""

    decoders: ClassVar[Decoders] = {}
    """Event -> what makes a typed value of its payload, for hooks, :meth:`handle_in`
    and :meth:`receive`.

    It takes the payload, or bytes of a binary message, and answers at once.
    What it raises costs that message alone, and is told to ``on_error`` as
    :exc:`DecodeError`."""

    _takes_events: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._takes_events = cls.handle_in is not Channel.handle_in
        cls.presence_events = check_class(cls)
        keep_properties(cls, Channel, ("state", "join_ref"))

    def __init__(
        self,
        topic: str,
        params: Any = None,
        manager: Any = None,
        decoders: Decoders | None = None,
    ) -> None:
        if manager is None:
            raise made_by_itself(type(self).__name__)
        # Service sets these two later, which would cost each channel a dict of its own.
        self.running = 0
        self.name = topic
        self.topic = topic
        self.params = params
        self._membership: Membership[Channel] = Membership(self, manager)
        if self.decoders or decoders:
            self._membership.own_hooks().decode(self.decoders)
            self._decode_by(decoders or {})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.topic} {self._membership.state}>"

    # -- What subclasses override -------------------------------------------------

    def init(self, params: Any) -> Any:
        """Begin anew: called before the first join is sent.

        So it is before the next one after a crash, which is an exception out of a
        method of this class, and after a leave, or once the server has closed the
        channel.
        A lost connection, or a crash of the channel on the server, is followed by a
        rejoin: what was set here is kept.

        The join is sent when this is done, and its time runs meanwhile.
        A lost connection or a leave cancels it; the next join then begins anew.

        :param params: what the join is about to send.
        """

    def handle_join(self, response: Any) -> Any:
        """Be joined: called after each join and each rejoin; nothing waits for it.

        :param response: what the server answered.
        """

    @never_assigned("override it in a subclass, or call channel.on(event, function)")
    def handle_in(self, event: str, payload: Any) -> Any:
        """Take a message that no hook of :meth:`on` takes.

        A subclass that has this takes all of them: none is left for :meth:`receive`.
        Later messages do not wait for it.
        """

    def handle_message(self, message: Message) -> Any:
        """Take a message that no hook takes, whole.

        It goes to :meth:`handle_in` of a subclass, or else is kept for :meth:`receive`.
        """
        if self._takes_events:
            return self.handle_in(message.event, message.payload)
        self._membership.inbox.put(message)
        return None

    def handle_close(self, reason: object) -> Any:
        """Be closed, for the reason :meth:`on_close` tells: called once at the end."""

    # -- What users call ----------------------------------------------------------

    @property
    def state(self) -> State:
        """``"closed"``, ``"joining"``, ``"joined"``, ``"leaving"`` or ``"errored"``."""
        return self._membership.state

    @property
    def join_ref(self) -> str | None:
        """The ref of the join that the server has, or None."""
        return self._membership.joins.ref

    @property
    def is_joined(self) -> bool:
        """Whether the server has taken the join and the connection is there."""
        return self._membership.state is State.JOINED

    @overload
    def join(self, timeout: float | None = None) -> Deferred[Any]: ...

    @overload
    def join(
        self, timeout: float | None = None, *, decode: Callable[[Any], _Decoded]
    ) -> Deferred[_Decoded]: ...

    @fails_its_deferred
    def join(
        self,
        timeout: float | None = None,
        *,
        decode: Callable[[Any], Any] | None = None,
    ) -> Deferred[Any]:
        """Join the topic.

        A connection under way is waited for.
        Once joined, the channel joins again by itself after each reconnect and each
        crash on the server, with its params asked anew if they are a function.
        A channel that was closed begins with an empty queue for :meth:`receive`.

        :param timeout: seconds, the wait for a connection included, but not the time
            in which the server works on other joins; by default the client's
            ``timeout``.
        :param decode: makes a typed value of the response; where it raises, the
            Deferred fails with :exc:`DecodeError`, and the channel is joined.
        :return: a Deferred of the response of the server.
            It fails with :exc:`JoinError` (the server refused), :exc:`JoinTimeout`
            (its ``was_sent`` tells whether there was a connection at all),
            :exc:`AlreadyJoined` (the topic is taken; ``error.channel`` has it),
            :exc:`NotConnected` (the client is not started, or disconnected),
            :exc:`ConnectionFailed` (no connection, and none will be tried again),
            :exc:`ChannelClosed` (left or stopped meanwhile), :exc:`SerializerError`
            (the params cannot be sent), or with what the callable for them has raised.
            Cancelling it leaves the channel.
        """
        membership = self._membership
        check_attributes(self)
        joining = partial(membership.join, membership.manager.check_timeout(timeout))
        if decode is None:
            return joining()
        return decoded(joining, self.topic, PHX_JOIN, decode)

    @overload
    def push(
        self, event: str, payload: Any = ..., timeout: float | None = None
    ) -> Deferred[Any]: ...

    @overload
    def push(
        self,
        event: str,
        payload: Any = ...,
        timeout: float | None = None,
        *,
        decode: Callable[[Any], _Decoded],
    ) -> Deferred[_Decoded]: ...

    def push(
        self,
        event: str,
        payload: Any = _EMPTY,
        timeout: float | None = None,
        *,
        decode: Callable[[Any], Any] | None = None,
    ) -> Deferred[Any]:
        """Push an event and wait for the server's reply.

        While the channel is joining or about to join again the push is kept, and
        sent after the join.
        It is encoded when it is sent: until then the payload must not be changed, and
        one that cannot be encoded fails only then.

        :param payload: any JSON value, of which None is ``null``, or bytes for a binary
            message; by default ``{}``.
        :param timeout: seconds; by default the client's ``timeout``.
        :param decode: makes a typed value of the response; where it raises, the
            Deferred fails with :exc:`DecodeError`, and nothing else does.
        :return: a Deferred of the response of an ``ok`` reply.
            It fails with :exc:`PushError` (any other status; ``error.response`` is
            what the server said), :exc:`PushTimeout` (its ``was_sent`` tells whether
            the server may have acted on it), :exc:`PushInterrupted` (the connection was
            lost or the channel crashed; its ``was_sent`` tells the same),
            :exc:`BufferFull` (see :meth:`when_writable`), :exc:`ChannelClosed`,
            :exc:`NotConnected` (the client was told to disconnect),
            :exc:`ConnectionFailed` (never sent, and there will be no connection) or
            :exc:`SerializerError`.
            An event of the protocol's own, such as ``phx_leave``, is a wrong argument.
            Cancelling it forgets the reply, and the push itself if that has not left.
        """
        inside = self._membership
        push = (inside.made_pushes or inside.pushes).push
        if decode is None:
            return push(event, payload, timeout)
        pushing = partial(push, event, payload, timeout)
        return decoded(pushing, self.topic, event, decode)

    def push_async(self, event: str, payload: Any = _EMPTY) -> None:
        """Push an event and do not wait for a reply.

        One that cannot be sent within the client's ``timeout``, or that was kept and
        cannot be encoded, is dropped, and the log says so, in one line a moment.
        A loop of them in which none is dropped waits for :meth:`when_writable`.
        What was sent may still be lost with the connection, and nobody is told: who
        has to know waits for the reply to :meth:`push`.

        :raises ChannelClosed: the channel is not joined and not about to be.
        :raises BufferFull: too many pushes wait for the join, or bytes to be written.
        :raises SerializerError: the channel is joined, and the payload cannot be sent.
        :raises ConfigurationError: the event is one of the protocol's own.
        """
        inside = self._membership
        (inside.made_pushes or inside.pushes).push_async(event, payload)

    def when_writable(self) -> Deferred[Channel]:
        """Wait until a push would be sent at once.

        That is when the channel is joined and fewer bytes than ``write_buffer`` wait
        to be written; a join that waits for the topic to be left is waited for, too.
        Who waits is told one after the other, as long as the next would be sent.

        :return: a Deferred of this channel, fired at once if that is so.
            It fails as a push would: with :exc:`ChannelClosed`, :exc:`NotConnected`,
            or the error for which there will be no connection.
        """
        membership = self._membership
        return membership.manager.writers.wait(self, membership.pushes.why_not_send)

    @fails_its_deferred
    def leave(self, timeout: float | None = None) -> Deferred[None]:
        """Leave the topic.

        Pushes without a reply fail with :exc:`ChannelClosed`.
        The channel may be joined again afterwards.

        :param timeout: seconds for the answer; by default the client's ``timeout``.
            While the channel is leaving already, the time of the first leave counts.
        :return: a Deferred of None that fires when the channel is closed; a server
            that does not answer, or a lost connection, closes it just as well.
            Cancelling it does not stop the leave.
        """
        membership = self._membership
        return membership.leave(membership.manager.check_timeout(timeout))

    def when_stopped(self) -> Deferred[None]:
        """Wait for the end of the channel.

        :return: a Deferred of None that fires when the channel is closed in good
            order; it fails with the error that closed it otherwise: a refused join,
            or the crash after which it was not restarted.
            A channel that is closed is waited for through its next join, at most to
            the end of :meth:`txphoenix.SocketClient.stopService`; from then on it fires
            at once, until the client is started again.
        """
        membership = self._membership
        if membership.state is State.CLOSED and membership.manager.has_stopped:
            return succeed(None)
        return membership.stops.wait()

    def receive(self) -> Deferred[Message]:
        """Take the oldest message that no hook took, or wait for the next.

        :return: a Deferred of the :class:`Message`.
            It fails with :exc:`ChannelClosed` after the last message of a closed
            channel, and with :exc:`NotConnected` after ``disconnect()``.
            Cancelling it takes no message, and leaves nobody for whom a full queue
            would hold the server back.
        """
        return self._membership.inbox.get()

    def __aiter__(self) -> Channel:
        """Iterate over the messages that no hook takes, until the channel closes."""
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except ChannelClosed as closed:
            if isinstance(closed.reason, BaseException):
                raise
            raise StopAsyncIteration from None

    @property
    def dropped_messages(self) -> int:
        """How many messages were dropped because nobody read them.

        Those that are left unread at the next :meth:`join` are among them.
        """
        inbox = self._membership.made_inbox
        return 0 if inbox is None else inbox.dropped

    @property
    def presence_history(self) -> PresenceHistory | None:
        """What a Presence that is made now has missed; None for nothing."""
        return self._membership.presences

    def stop(self) -> None:
        """End at once: tell the server, if it is there, and wait for nothing."""
        self._membership.stop("stopped")

    # -- What the manager calls ---------------------------------------------------

    def dispatch(self, message: Message) -> None:
        """Take a message that the server sent to this topic.

        One of an earlier join is dropped; a broadcast, without a join_ref, never is.
        Most messages come by a shorter way, so there is nothing to override here.
        """
        dispatch(self._membership, message)

    def stopService(self) -> None:
        """End at once, with the service this channel belongs to."""
        super().stopService()
        # A channel that has ended by itself is taken out of its service, too.
        if self._membership.state is not State.CLOSED:
            self.stop()

    # -- Inside -------------------------------------------------------------------

    def _decode_by(self, decoders: Decoders) -> None:
        """Have events decoded that the class does not name, or otherwise."""
        checked = check_decoders("decoders", decoders, type(self).presence_events)
        self._membership.own_hooks().decode(checked)


def keep_trying(channel: Channel) -> None:
    """Have the first join be tried until it succeeds, as a rejoin is."""
    channel._membership.joins.keep_trying()


def manager_of(channel: object) -> Holder[Channel] | None:
    """A channel's manager; None if its class forgets ``super().__init__()``."""
    return getattr(getattr(channel, "_membership", None), "manager", None)
