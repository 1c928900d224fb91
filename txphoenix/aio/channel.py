"""A channel for asyncio: one topic on one socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, TypeVar, overload

import txphoenix
from txphoenix import ChannelClosed, ConfigurationError, Message, NotConnected
from txphoenix.interfaces import Decoders

from .calls import Call
from .futures import future_of, wait
from .hooked_channel import HookedChannel
from .inside import Inside, Maker, inside_class, outward, said_by

__all__ = ["Channel", "ChannelFactory"]

_C = TypeVar("_C", bound="Channel")
_Decoded = TypeVar("_Decoded")

ChannelFactory: TypeAlias = Callable[[str, Any, Any], _C]
"""Takes topic, params and a maker, and makes a channel of that topic.

Each class of channels is one.
"""

# The payload of a push without one; None is a payload.
_EMPTY: dict[str, Any] = {}


class Channel(HookedChannel):
    """One topic, from the join to the leave, over as many connections as it takes.

    Made by :meth:`txphoenix.aio.Client.channel`, never directly.
    All is as with :class:`txphoenix.Channel`, whose methods say more of each; what
    returns a Deferred there is a coroutine function here.
    Methods that add a hook return a function that removes it, and a hook may be a
    coroutine function.
    Subclasses override :meth:`init`, :meth:`handle_join`, :meth:`handle_in` and
    :meth:`handle_close`, as ``def`` or as ``async def``.
    An exception out of any but the last is a crash of this channel, which restarts as
    :attr:`restart` says and touches no other.
    """

    restart: ClassVar[str] = "transient"
    """What follows a crash: ``"transient"`` joins again; ``"temporary"`` does not;
    ``"permanent"`` joins again even where the server has closed the channel."""

    presence_events: ClassVar[tuple[str, str]] = txphoenix.Channel.presence_events
    """The events that bring the whole list of presences, and a change of it."""

    decoders: ClassVar[Decoders] = {}
    """Event -> what makes a typed value of its payload, for hooks, :meth:`handle_in`
    and :meth:`receive`; a plain function, see :attr:`txphoenix.Channel.decoders`."""

    _inside: ClassVar[type[Inside]]
    _takes_events: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._make_inside()

    @classmethod
    def _make_inside(cls) -> None:
        own = [
            name
            for name in ("handle_in", "handle_message")
            if getattr(cls, name) is not getattr(Channel, name)
        ]
        cls._takes_events = "handle_in" in own
        cls._inside = inside_class(cls, own)

    def __init__(
        self,
        topic: str,
        params: Any = None,
        maker: Any = None,
        decoders: Decoders | None = None,
    ) -> None:
        if not isinstance(maker, Maker):
            raise ConfigurationError(
                f"a {type(self).__name__} is made by client.channel(topic, params,"
                " channel_class), and hands on what that gives it: topic, params, maker"
            )
        if self._inside.said != said_by(type(self)):
            # Something was set of the class after it was made.
            type(self)._make_inside()
        self._calls = maker.calls
        # What was taken out for a task that was cancelled in that moment.
        self._put_back: deque[Message] = deque()
        self._receiving: list[asyncio.Future[Message]] = []
        asked = maker.calls.of(params)
        self._inner = self._inside(topic, asked, maker.manager, decoders)
        self._inner.wear(self, maker.calls)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("decoders", "presence_events", "restart"):
            # The join looks at it there, and refuses what would change nothing.
            setattr(self._inner, name, value)
        elif callable(getattr(Channel, name, None)):
            raise ConfigurationError(
                f"{name} is a method, and what is set in its place is never called:"
                " add a hook by channel.on(...), or override it in a subclass"
            )
        super().__setattr__(name, value)

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
        self._inner.keep(message)
        return None

    def handle_close(self, reason: object) -> Any:
        """Be closed, for the reason :meth:`on_close` tells: called once at the end."""

    # -- What it is ---------------------------------------------------------------

    @property
    def topic(self) -> str:
        """The topic, such as ``"rooms:lobby"``."""
        return self._inner.topic

    @property
    def params(self) -> Any:
        """What the join sends: any JSON value, or a function that makes it.

        That may be a coroutine function, and is asked anew for each join.
        """
        params = self._inner.params
        return params.given if isinstance(params, Call) else params

    @params.setter
    def params(self, params: Any) -> None:
        self._inner.params = self._calls.of(params)

    @property
    def twisted(self) -> txphoenix.Channel:
        """The channel inside, for code that is Twisted's.

        What coroutine functions it is given, Twisted runs.
        """
        return self._inner

    @property
    def state(self) -> str:
        """``"closed"``, ``"joining"``, ``"joined"``, ``"leaving"`` or ``"errored"``."""
        return self._inner.state

    @property
    def join_ref(self) -> str | None:
        """The ref of the join that the server has, or None."""
        return self._inner.join_ref

    @property
    def is_joined(self) -> bool:
        """Whether the server has taken the join and the connection is there."""
        return self._inner.is_joined

    @property
    def dropped_messages(self) -> int:
        """How many messages were dropped because nobody read them."""
        return self._inner.dropped_messages

    # -- What users call ----------------------------------------------------------

    @overload
    async def join(self, timeout: float | None = None) -> Any: ...

    @overload
    async def join(
        self, timeout: float | None = None, *, decode: Callable[[Any], _Decoded]
    ) -> _Decoded: ...

    async def join(self, timeout: float | None = None, *, decode: Any = None) -> Any:
        """Join the topic; from then on it is joined again by itself.

        When the task is cancelled, the channel is left.

        :param timeout: seconds; by default the client's ``timeout``.
        :param decode: makes a typed value of the response.
        :return: the response of the server.
        :raises DecodeError: the decoder has raised; the channel is joined.
        :raises JoinError: the server refused; :exc:`~txphoenix.JoinTimeout` and
            :exc:`~txphoenix.AlreadyJoined` are of this kind.
        :raises NotConnected: the client is disconnected.
        :raises ConnectionFailed: there is no connection, and none will be tried again.
        :raises ChannelClosed: left or stopped meanwhile.
        :raises SerializerError: the params cannot be sent.
        """
        self._put_back.clear()
        joining = self._inner.join(timeout, decode=decode)
        try:
            return await wait(joining)
        except asyncio.CancelledError:
            if self._inner.is_joined:
                # It was done in the same moment, which nobody will know.
                self._inner.leave()
            raise
        except txphoenix.AlreadyJoined as error:
            outward(error)
            raise

    @overload
    async def push(
        self, event: str, payload: Any = ..., timeout: float | None = None
    ) -> Any: ...

    @overload
    async def push(
        self,
        event: str,
        payload: Any = ...,
        timeout: float | None = None,
        *,
        decode: Callable[[Any], _Decoded],
    ) -> _Decoded: ...

    async def push(
        self,
        event: str,
        payload: Any = _EMPTY,
        timeout: float | None = None,
        *,
        decode: Any = None,
    ) -> Any:
        """Push an event and wait for the server's reply.

        While the channel is joining or about to join again the push is kept, and
        sent after the join.
        When the task is cancelled, the reply is forgotten, and the push itself if that
        has not left.

        :param payload: any JSON value, of which None is ``null``, or bytes for a binary
            message; by default ``{}``.
        :param timeout: seconds; by default the client's ``timeout``.
        :param decode: makes a typed value of the response.
        :return: the response of an ``ok`` reply.
        :raises DecodeError: the decoder has raised.
        :raises PushError: the reply has another status; :exc:`~txphoenix.PushTimeout`,
            :exc:`~txphoenix.PushInterrupted` and :exc:`~txphoenix.BufferFull` are of
            this kind.
        :raises ChannelClosed: the channel is not joined and not about to be.
        :raises NotConnected: the client was told to disconnect.
        :raises ConnectionFailed: never sent, and there will be no connection.
        :raises SerializerError: the payload cannot be sent.
        """
        return await wait(self._inner.push(event, payload, timeout, decode=decode))

    def push_async(self, event: str, payload: Any = _EMPTY) -> None:
        """Push an event and do not wait for a reply.

        A loop of them in which none is dropped awaits :meth:`when_writable`.

        :raises ChannelClosed: the channel is not joined and not about to be.
        :raises BufferFull: too many pushes wait for the join, or bytes to be written.
        :raises SerializerError: the channel is joined, and the payload cannot be sent.
        :raises ConfigurationError: the event is one of the protocol's own.
        """
        self._inner.push_async(event, payload)

    async def when_writable(self) -> None:
        """Wait until a push would be sent at once; it raises what a push would."""
        await wait(self._inner.when_writable())

    async def leave(self, timeout: float | None = None) -> None:
        """Leave the topic; it may be joined again afterwards.

        Pushes without a reply fail with :exc:`~txphoenix.ChannelClosed`.
        When the task is cancelled, the channel is left all the same.

        :param timeout: seconds for the answer; by default the client's ``timeout``.
        """
        await wait(self._inner.leave(timeout))

    async def when_stopped(self) -> None:
        """Wait for the end of the channel.

        It raises the error that closed the channel, if that was not in good order: a
        refused join, or the crash after which it was not restarted.
        """
        await wait(self._inner.when_stopped())

    def stop(self) -> None:
        """End at once: tell the server, if it is there, and wait for nothing."""
        self._inner.stop()

    async def receive(self) -> Message:
        """Take the oldest message that no hook took, or wait for the next.

        When the task is cancelled, no message is taken.

        :raises ChannelClosed: the channel is closed, and the last message was taken.
        :raises NotConnected: the client was told to disconnect.
        """
        if self._put_back:
            return self._put_back.popleft()
        receiving = self._inner.receive()
        taken: list[Message] = []
        receiving.addCallback(_note, taken)
        future = future_of(receiving)
        self._receiving.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            receiving.cancel()
            for message in taken:
                self._give_back(message)
            raise
        finally:
            self._receiving.remove(future)

    def __aiter__(self) -> Channel:
        """Iterate over the messages that no hook takes, until the channel closes.

        It ends in good order with the client's ``async with``, too.
        """
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except ChannelClosed as closed:
            if isinstance(closed.reason, BaseException):
                raise
        except NotConnected:
            if not self._calls.is_ending:
                raise
        raise StopAsyncIteration

    # -- Inside -------------------------------------------------------------------

    def _give_back(self, message: Message) -> None:
        if all(future.done() for future in self._receiving):
            self._put_back.append(message)
        else:
            # Another task waits already, and nothing else may come.
            self._inner.keep(message)


Channel._make_inside()


def _note(message: Message, taken: list[Message]) -> Message:
    taken.append(message)
    return message
