"""The client for asyncio: what users hold, around a :class:`txphoenix.SocketClient`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, Unpack, cast, overload

from twisted.internet.defer import Deferred

import txphoenix

# The first client would import it while the loop runs, and so would stop it meanwhile.
import txphoenix.transports.connector
from txphoenix import (
    ConfigurationError,
    ConnectionFailed,
    Handshake,
    Message,
    NotConnected,
)
from txphoenix.client import Buffers
from txphoenix.interfaces import Decoders, Remover
from txphoenix.supplied import Supplied

from .calls import Calls
from .channel import Channel, ChannelFactory
from .channels import Channels
from .decisions import Decisions
from .futures import wait
from .inside import Inside, Maker
from .inward import inward
from .option_types import ChangedOptions, ClientOptions
from .reactor import running_reactor

__all__ = ["Client", "connect"]

_Made = TypeVar("_Made", bound=Channel)


@asynccontextmanager
async def connect(
    url: Supplied[str],
    *,
    fail_after_failures: int | None = 1,
    **options: Unpack[ClientOptions],
) -> AsyncIterator[Client]:
    """Connect to a Phoenix socket, and stay connected through an ``async with``.

    ::

        async with connect("wss://example.org/socket") as client:
            response, channel = await client.join("rooms:lobby")

    The block begins with the connection open, or at once if ``auto_connect`` is false.
    From then on the client connects again by itself.
    At the end of the block the client stops, hooks that are still at work are
    cancelled, and those that are told of the end have ``close_timeout`` seconds.

    :param url: the socket's URL, such as ``"wss://example.org/socket"``, or a function
        or a coroutine function that returns it.
    :param fail_after_failures: after how many failed attempts to connect the block is
        not entered at all; with None it is waited for as long as it takes.
    :param options: see :class:`txphoenix.options.Options`.
        Functions among them may be coroutine functions where they are asked for url,
        ``params``, ``headers``, ``auth_token``, ``default_channel_params``,
        ``join_channels``' params and ``should_reconnect``.
        Classes of channels are :class:`txphoenix.aio.Channel`'s.
    :raises ConnectionFailed: there is no connection, and no other attempt.
    :raises ConfigurationError: an option is not what it must be, or Twisted's reactor
        cannot run on this loop; see :func:`txphoenix.aio.running_reactor`.
    """
    if asyncio.current_task() is None:
        raise ConfigurationError(
            "txphoenix.aio is for tasks of asyncio's: in a coroutine that Twisted runs,"
            " use txphoenix.SocketClient"
        )
    async with running_reactor() as reactor:
        client = Client(url, reactor, options)
        try:
            await client._begin(fail_after_failures)
            yield client
        finally:
            await client._end()


class Client:
    """One client of one Phoenix socket, for asyncio: what :func:`connect` gives.

    All is as with :class:`txphoenix.SocketClient`, whose methods say more of each;
    what returns a Deferred there is a coroutine function here.
    Methods that add a hook return a function that removes it, and a hook may be a
    coroutine function: it then begins at the next turn of the loop.
    """

    __slots__ = (
        "_calls",
        "_channels",
        "_decisions",
        "_inner",
        "_maker",
        "_reactor",
        "_trigger",
    )

    def __init__(
        self, url: Supplied[str], reactor: Any, options: ClientOptions
    ) -> None:
        self._calls = Calls(asyncio.get_running_loop())
        self._reactor = reactor
        self._maker = Maker(self._calls)
        self._decisions = Decisions(self._calls, self._give_up)
        given: dict[str, Any] = {"default_channel_class": None, **options, "url": url}
        self._inner = txphoenix.SocketClient(reactor=reactor, **self._inward(given))
        self._maker.manager = self._inner.channels
        self._channels = Channels(self._inner, self._maker)
        # If the reactor shuts down before the block has ended.
        self._trigger: Any = reactor.addSystemEventTrigger(
            "before", "shutdown", self._shut_down
        )

    def __repr__(self) -> str:
        return repr(self._inner).replace("SocketClient", "Client", 1)

    # -- What it is ---------------------------------------------------------------

    @property
    def twisted(self) -> txphoenix.SocketClient:
        """The client inside, for code that is Twisted's.

        What coroutine functions it is given, Twisted runs.
        """
        return self._inner

    @property
    def channels(self) -> Channels:
        """The channels that are not closed."""
        return self._channels

    @property
    def connected(self) -> bool:
        """Whether the connection is open."""
        return self._inner.connected

    @property
    def status(self) -> str:
        """``"disconnected"``, ``"connecting"`` or ``"connected"``."""
        return self._inner.status

    @property
    def handshake(self) -> Handshake | None:
        """What the server answered when the latest connection opened; None before."""
        return self._inner.handshake

    # -- The connection -----------------------------------------------------------

    def connect(self) -> None:
        """Connect, and stay connected until :meth:`disconnect`.

        While the client waits for its next attempt this makes it at once.

        :raises NotConnected: the client has been left.
        """
        self._calls.check_not_ended()
        self._decisions.refused = None
        self._inner.connect()

    async def disconnect(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and open no other until :meth:`connect`.

        All that waits fails with :exc:`~txphoenix.NotConnected`, or with
        :exc:`~txphoenix.PushInterrupted` where it was sent.

        :param code: the close code, 1000 or from 3000 to 4999.
        :param reason: told to the server, at most 123 bytes of UTF-8.
        :raises ConfigurationError: the code or the reason is not what it must be.
        """
        await wait(self._inner.disconnect(code, reason))

    async def when_connected(self, fail_after_failures: int | None = None) -> None:
        """Wait for the connection.

        :param fail_after_failures: give up after this many failed attempts.
        :raises ConnectionFailed: that was one too many, or there will be no other.
        :raises NotConnected: the client was told to disconnect.
        """
        try:
            await wait(self._inner.when_connected(fail_after_failures))
        except NotConnected:
            if self._decisions.refused is None:
                raise
            raise self._decisions.refused from None

    async def when_writable(self) -> None:
        """Wait until :meth:`push` would send a message at once."""
        await wait(self._inner.when_writable())

    async def ping(self, timeout: float | None = None) -> float:
        """Measure how long the server takes to answer.

        :param timeout: seconds; by default the client's ``timeout``.
        :return: the round trip in seconds.
        :raises HeartbeatTimeout: it did not answer in time.
        :raises NotConnected: there is no connection.
        """
        return await wait(self._inner.ping(timeout))

    async def reconfigure(self, **options: Unpack[ChangedOptions]) -> None:
        """Change options, and wait until the new ones have taken hold.

        Those of a connection make it reconnect and rejoin.

        :raises ConfigurationError: an option is unknown, or not what it must be.
        """
        given = self._inward(dict(options))
        await wait(self._inner.reconfigure(**given))

    # -- Channels -----------------------------------------------------------------

    @overload
    def channel(
        self,
        topic: str,
        params: Any = None,
        channel_class: None = None,
        *,
        decoders: Decoders | None = None,
    ) -> Channel: ...

    @overload
    def channel(
        self,
        topic: str,
        params: Any = None,
        channel_class: ChannelFactory[_Made] = ...,
        *,
        decoders: Decoders | None = None,
    ) -> _Made: ...

    def channel(
        self,
        topic: str,
        params: Any = None,
        channel_class: ChannelFactory[Channel] | None = None,
        *,
        decoders: Decoders | None = None,
    ) -> Channel:
        """Make the channel of a topic; it is closed until ``join()``.

        :param topic: such as ``"rooms:lobby"``.
        :param params: what its joins send, over ``default_channel_params``, or a
            function or a coroutine function that makes it anew for each.
        :param channel_class: a subclass of :class:`txphoenix.aio.Channel`, or a
            callable of topic, params and maker that makes one, such as
            ``functools.partial(Room, db=db)``; by default what ``topic_channel_map``
            has for the topic, or else ``default_channel_class``.
        :param decoders: beside those of the class, ``Channel.decoders``.
        :raises ConfigurationError: the topic is none, or no such channel is made.
        """
        factory = cast(ChannelFactory[Channel], channel_class)
        channel = self._channels.make(topic, params, factory)
        if decoders is not None:
            cast(Inside, channel.twisted).decode_by(decoders)
        return channel

    async def join(
        self, topic: str, params: Any = None, timeout: float | None = None
    ) -> tuple[Any, Channel]:
        """Make a channel and join it: :meth:`txphoenix.aio.Channel.join`.

        :return: the response of the server, and the channel.
        """
        channel = self.channel(topic, params)
        return await channel.join(timeout), channel

    async def leave(self, topic: str, timeout: float | None = None) -> None:
        """Leave a topic, if a channel has it."""
        await wait(self._inner.leave(topic, timeout))

    def push(self, message: Message) -> Message:
        """Send a message, or keep it until there is a connection.

        Its reply, if there is one, is for :meth:`on_message` and :meth:`on_topic`.

        :return: the message with its ref.
        :raises NotConnected: the client is disconnected.
        :raises BufferFull: too much is kept already; see :meth:`when_writable`.
        :raises SerializerError: it cannot be encoded.
        """
        return self._inner.push(message)

    # -- State --------------------------------------------------------------------

    def get_state(self, *key: str) -> Any:
        """What the client knows, whole or under one key.

        See :meth:`txphoenix.SocketClient.get_state`.

        :raises KeyError: there is nothing under that key.
        """
        return self._inner.get_state(*key)

    def buffers(self) -> Buffers:
        """See how full the buffers are; it takes a look at each channel."""
        return self._inner.buffers()

    def put_state(self, key: str, value: Any) -> None:
        """Keep a value under a key of your own.

        :raises ConfigurationError: the key is taken.
        """
        self._inner.put_state(key, value)

    # -- Hooks --------------------------------------------------------------------

    def on_open(self, function: Callable[[], Any]) -> Remover:
        """Add a hook, called without arguments when the connection has opened."""
        return self._inner.on_open(self._calls.of(function))

    def on_close(self, function: Callable[[ConnectionFailed], Any]) -> Remover:
        """Add a hook, called with the reason when the open connection has ended."""
        return self._inner.on_close(self._calls.of(function))

    def on_error(self, function: Callable[[Exception], Any]) -> Remover:
        """Add a hook, called with the error when an attempt to connect has failed.

        It is called with more: see :meth:`txphoenix.SocketClient.on_error`.
        """
        return self._inner.on_error(self._calls.of(function))

    def on_heartbeat(self, function: Callable[[float], Any]) -> Remover:
        """Add a hook, called with the round trip of each heartbeat that is answered.

        That is in seconds; a :meth:`ping` is one of them, and over long-poll there is
        no other.
        """
        return self._inner.on_heartbeat(self._calls.of(function))

    def on_message(self, function: Callable[[Message], Any]) -> Remover:
        """Add a hook, called with each :class:`txphoenix.Message` before its channel.

        A function that is a coroutine function begins after its channel has it.
        """
        return self._inner.on_message(self._calls.of(function))

    def on_topic(self, topic: str, function: Callable[[Message], Any]) -> Remover:
        """Add a hook for the messages of topics that no channel of this client has.

        :param topic: a topic, or the beginning of topics followed by ``*``.
            See :meth:`txphoenix.SocketClient.on_topic`.
        :raises ConfigurationError: ``topic`` is neither, or the heartbeats' own.
        """
        return self._inner.on_topic(topic, self._calls.of(function))

    # -- Inside -------------------------------------------------------------------

    def _inward(self, given: dict[str, Any]) -> Any:
        return inward(given, self._maker, self._decisions)

    def _shut_down(self) -> Deferred[None]:
        self._trigger = None
        self._calls.is_ending = True
        return self._inner.stopService()

    def _give_up(self) -> None:
        self._inner.disconnect()

    async def _begin(self, fail_after_failures: int | None) -> None:
        self._inner.startService()
        if self._inner.options.auto_connect:
            await self.when_connected(fail_after_failures)

    async def _end(self) -> None:
        self._calls.is_ending = True
        begun = self._calls.at_work()
        stopped = self._inner.stopService()
        # Before they can be told by an error of what they wait for.
        for task in begun:
            task.cancel()
        try:
            await wait(stopped)
            await self._calls.end(self._inner.options.close_timeout)
        finally:
            self._calls.cancel()
            trigger, self._trigger = self._trigger, None
            if trigger is not None:
                self._reactor.removeSystemEventTrigger(trigger)
