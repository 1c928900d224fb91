"""The client: the root of the tree of services, and what users hold.

::

    SocketClient (MultiService)
      state        SocketState
      connection   Connection
      channels     ChannelManager (MultiService)
        rooms:lobby   Channel

Its parts are made by :mod:`txphoenix.client.parts`.
"""

from __future__ import annotations

from typing import Any, TypeVar, Unpack, cast, overload

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.interfaces import IReactorTime

from ..channels.channel import Channel
from ..channels.decoded_events import Decoders
from ..errors import ConfigurationError, NotConnected
from ..options.channel_kinds import ChannelFactory
from ..options.options import CONNECTION_OPTIONS, OPTIONS, Options
from ..options.supplied import Supplied
from ..options.types import ChangedOptions, ClientOptions
from ..protocol.close_codes import NORMAL
from ..protocol.handshake import Handshake
from ..protocol.message import Message
from ..runtime.assignments import check_set
from ..runtime.reactor_thread import fails_its_deferred, in_reactor_thread
from ..runtime.waiters import wait_for
from .buffers import Buffers, look_into_buffers
from .closing import check_close
from .hooks import ClientHooks
from .interfaces import NEVER_IDLE
from .parts import make_parts

__all__ = ["SocketClient"]

_Made = TypeVar("_Made", bound=Channel)


class SocketClient(ClientHooks, MultiService):
    """One client of one Phoenix socket.

    It is a service: give it to an application with ``setServiceParent``, or call
    ``startService`` yourself.

    :ivar channels: its channels, a :class:`txphoenix.channels.ChannelManager`.
    :param url: the socket's URL, such as ``"wss://example.org/socket"``, or a callable
        that returns it, a Deferred of it, or an awaitable.
    :param reactor: by default the global one.
    :param options: the options, each by its name: see :doc:`/options`.
    :raises ConfigurationError: an option is unknown, or not what it must be.
    """

    def __init__(
        self,
        url: Supplied[str],
        *,
        reactor: IReactorTime | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        if reactor is None:
            # Importing it installs it, which is for the user to do.
            from twisted.internet import reactor as global_reactor

            reactor = cast(IReactorTime, global_reactor)
        self.options = Options.check(url, **options)
        MultiService.__init__(self)
        ClientHooks.__init__(self)
        if self.options.name is not None:
            self.setName(self.options.name)
        # While it ends, each child is told of the stop, and of no start.
        self._is_stopping = self._is_ending = False
        parts = make_parts(self, reactor, self.options, self._hook_lists)
        self.state, self.connection, self.channels = services = parts[:3]
        self._join_channels, self._outbox, self._waiting, self._observers = parts[3:]
        self._idleness = NEVER_IDLE
        self._mind_idleness()
        for child in services:
            child.setServiceParent(self)

    def __repr__(self) -> str:
        return f"<SocketClient {self.state.shown_url} {self.status}>"

    def __setattr__(self, name: str, value: object) -> None:
        check_set(self, name, OPTIONS, "an option: set it with reconfigure({0}=...)")
        super().__setattr__(name, value)

    # -- The connection -----------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether the connection is open."""
        return self.connection.is_open

    @property
    def status(self) -> str:
        """``"disconnected"``, ``"connecting"`` or ``"connected"``."""
        return self.connection.status

    @property
    def handshake(self) -> Handshake | None:
        """What the server answered when the latest connection opened; None before."""
        return self.connection.handshake

    @in_reactor_thread
    def startService(self) -> None:
        """Start, and connect unless ``auto_connect`` is false."""
        if not self.running or self._is_stopping:
            self._start()
            if self.options.auto_connect:
                self.connect()

    @in_reactor_thread
    def stopService(self) -> Deferred[None]:
        """Disconnect, and close all channels.

        :return: a Deferred of None that fires when the reactor holds nothing of this
            client any more, unless it was started again meanwhile.
            Cancelling it ends the waiting; the client stops all the same.
        """
        self._is_stopping = True
        self._idleness.forget()
        return wait_for(self._waiting.disconnect(NORMAL, "").addCallback(self._stop))

    @in_reactor_thread
    def connect(self) -> None:
        """Connect, and stay connected until :meth:`disconnect`.

        It starts the service if that is not running.
        While the client waits for its next attempt this makes it at once, as for a
        network that is back; on a connected client it does nothing.
        Five attempts at once may be asked for so, then one in each
        ``reconnect_interval``; what is asked for beyond that waits for its time, and
        the log says so.
        Called by what is told of a failure, it leaves the attempt its delay.
        :meth:`when_connected` tells when it is done.
        """
        self._start()
        self._idleness.forget()
        self._waiting.hope()
        self.connection.open()

    @in_reactor_thread
    def disconnect(self, code: int = NORMAL, reason: str = "") -> Deferred[None]:
        """Close the connection, and open no other.

        All that waits fails with :exc:`NotConnected`, or
        :exc:`PushInterrupted` where it was sent.
        Channels that were joined join again after a later :meth:`connect`.

        :param code: the close code, 1000 or from 3000 to 4999.
        :param reason: told to the server, at most 123 bytes of UTF-8.
        :return: a Deferred of None that fires when the connection is gone.
            Cancelling it ends the waiting; the connection is closed all the same.
        :raises ConfigurationError: the code or the reason is not what it must be.
        """
        check_close(code, reason)
        self._idleness.forget()
        return wait_for(self._waiting.disconnect(code, reason))

    @fails_its_deferred
    def when_connected(
        self, fail_after_failures: int | None = None
    ) -> Deferred[SocketClient]:
        """Wait for the connection.

        Before the client is started it waits for that, too.

        :param fail_after_failures: give up after this many failed attempts.
        :return: a Deferred of this client, fired at once if it is connected.
            It fails with the error of the attempt, if that was one too many or if
            there will be no other, and with :exc:`NotConnected` at
            :meth:`disconnect` and at the stop of the service; after either, and
            until :meth:`connect`, it fails at once.
            It fails with :exc:`ConfigurationError` if the number is none.
        """
        self._idleness.connection_missed()
        return self._waiting.wait(fail_after_failures)

    def when_writable(self) -> Deferred[SocketClient]:
        """Wait until :meth:`push` would send a message at once.

        That is when the connection is open and fewer bytes than ``write_buffer`` wait
        to be written.
        Those who wait are told one after the other, as long as the next message would
        be sent.
        A message to a topic whose join waits behind others is kept all the same.

        :return: a Deferred of this client, fired at once if that is so; it waits and
            fails as that of :meth:`when_connected` where there is no connection.
        """
        self._idleness.connection_missed()
        return self.channels.writers.wait(self, self._waiting.why_not_send)

    @fails_its_deferred
    def ping(self, timeout: float | None = None) -> Deferred[float]:
        """Measure how long the server takes to answer.

        :param timeout: seconds; by default the client's ``timeout``.
        :return: a Deferred of the round trip in seconds.
            It fails with :exc:`HeartbeatTimeout`, :exc:`NotConnected`, or the error
            with which the connection was lost.
        """
        return self.connection.link.ping(
            self.channels.deadlines, self.channels.check_timeout(timeout)
        )

    @in_reactor_thread
    def reconfigure(self, **options: Unpack[ChangedOptions]) -> Deferred[None]:
        """Change options.

        All are checked before one is changed.
        Those of the connection, which :doc:`/options` marks, make it reconnect and
        rejoin; the others take hold at once.
        New topics of ``join_channels`` are started; one that is no longer named stays.

        :return: a Deferred of None that fires when the new options have taken hold:
            with a connection option, when the client is connected again and each
            channel is joined again, closed, or has failed to join and tries again.
            It fails as :meth:`when_connected` does.
        :raises ConfigurationError: an option is unknown, or not what it must be, or
            it is a new ``name`` while the service has a parent that knows the old one.
        """
        changed = self.options.replace(**options)
        if changed.name != self.options.name and self.parent is not None:
            raise ConfigurationError(
                "name cannot be changed while a parent knows the client by it"
            )
        self.connection.reset_options(changed)
        if changed.name != self.options.name:
            self.name = changed.name
        self.options = self.state.options = changed
        self.channels.reset_options(changed)
        self._mind_idleness()
        self._idleness.reset_options(changed)
        if CONNECTION_OPTIONS.isdisjoint(options) or not self.connection.is_wanted:
            self._join_channels.start(self.options.join_channels)
            return succeed(None)
        self.connection.reopen()
        return self.when_connected().addCallback(lambda _: self.channels.when_settled())

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
            callable that makes it anew for each.
        :param channel_class: see :meth:`txphoenix.channels.ChannelManager.make`, which
            also says what is raised.
        :param decoders: beside those of the class, :attr:`~txphoenix.Channel.decoders`.
        """
        channel = self.channels.make(topic, params, channel_class)
        if decoders is not None:
            channel._decode_by(decoders)
        return channel

    def join(
        self, topic: str, params: Any = None, timeout: float | None = None
    ) -> Deferred[tuple[Any, Channel]]:
        """Make a channel and join it.

        :return: a Deferred of the response and the channel; see
            :meth:`txphoenix.channel.Channel.join` for how it fails.
            It fails as well with what :meth:`channel` raises.
        """
        try:
            channel = self.channel(topic, params)
        except BaseException:
            return fail()
        return channel.join(timeout).addCallback(lambda response: (response, channel))

    @fails_its_deferred
    def leave(self, topic: str, timeout: float | None = None) -> Deferred[None]:
        """Leave a topic; what waits to join it after a leave is over as well.

        :return: a Deferred of None; it fires at once if no channel has the topic.
        """
        return self.channels.leave(topic, self.channels.check_timeout(timeout))

    @in_reactor_thread
    def push(self, message: Message) -> Message:
        """Send a message, or keep it until there is a connection.

        It gets the client's next ref, as two of one ref would take each other's reply.
        One to a topic whose join waits behind others waits for that, too.
        A ``join_ref`` of None is replaced by that of the topic's channel when the
        message is sent.
        Its reply, if there is one, is for :meth:`on_message` and :meth:`on_topic`.
        Whatever it is, it is sent as it is: of a ``phx_join`` or a ``phx_leave`` the
        channel of that topic knows nothing, so call its ``join()`` or ``leave()``.

        :return: the message with its ref.
        :raises NotConnected: the client is not started, or disconnected.
        :raises BufferFull: ``send_buffer`` messages are kept already, or
            ``write_buffer`` bytes wait to be written; see :meth:`when_writable`.
        :raises SerializerError: it cannot be encoded.
        :raises ConfigurationError: it is no Message.
        """
        self._idleness.pushed()
        return self._outbox.push(message)

    # -- State --------------------------------------------------------------------

    def get_state(self, *key: str) -> Any:
        """What the client knows, whole or under one key.

        Without a key, a dict that can be turned into JSON, with the secrets cut out.
        With one, the value itself: an option, ``"status"``, ``"connected"``,
        ``"joined_channels"``, ``"to_send"``, or what :meth:`put_state` has put there.
        ``"next_attempt_in"`` (seconds) and ``"next_attempt_at"`` (Unix time) are None
        if no attempt is planned; ``"idle"`` tells what ``disconnect_when_idle`` did.

        :raises KeyError: there is nothing under that key.
        """
        # From its first moment a close is no connection any more.
        now = {"status": self.status, "connected": self.connected}
        if not key:
            return {**self.state.snapshot(), **now}
        (name,) = key
        return now[name] if name in now else self.state.get(name)

    def buffers(self) -> Buffers:
        """See how full the buffers are; it takes a look at each channel."""
        return look_into_buffers(self.state, self.connection.link, self.channels)

    def put_state(self, key: str, value: Any) -> None:
        """Keep a value under a key of your own.

        :raises ConfigurationError: the key is taken, by an option (see
            :meth:`reconfigure`) or by the client itself.
        """
        self.state.put(key, value)

    # -- Inside -------------------------------------------------------------------

    def _mind_idleness(self) -> None:
        is_wanted = self.options.disconnect_when_idle is not None
        if is_wanted and self._idleness is NEVER_IDLE:
            from .idleness import Idleness

            parts = self.connection, self.channels, self._join_channels, self.state
            told = self._waiting, self._hook_lists, self._observers
            self._idleness = Idleness(self, *parts, *told)

    def _start(self) -> None:
        if self._is_stopping:
            # Before the stop has ended, whose channels go, and not those that follow.
            self._is_stopping = False
            self._join_channels.forget()
            self.channels.begin_anew(NotConnected("the client was told to stop"))
        if not (self.running or self._is_ending):
            super().startService()

    def _stop(self, _result: None) -> Deferred[None]:
        if not self._is_stopping:
            return succeed(None)
        self._join_channels.forget()
        self._is_ending = True
        stopped: Deferred[Any] = maybeDeferred(super().stopService)
        self._is_ending = False
        if not self._is_stopping:
            # Who was told of the end of a channel has started the service again.
            super().startService()
        return stopped.addCallback(lambda _: self.channels.deadlines.sweep())
