"""What happens to the connection of one client, and who is told, in which order.

::

    Connection  ->  ConnectionEvents  ->  state, telemetry: who observes
                                      ->  channels, outbox, hooks, who waits: who acts
                                      ->  the log, at its place between them

Observers are told first, and each knows nothing of the others.
The log is told when channels know: what it tells may be the user's code, and raise.
A new one is one more :class:`.ConnectionObserver` where the client's parts are made, in
:mod:`txphoenix.client.parts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..channels.join_channels import JoinChannels
from ..channels.keeper import ChannelKeeper
from ..errors import ConnectionFailed, NotConnected, SerializerError
from ..protocol.message import Serializer
from ..transports.interfaces import FrameReceivers
from .connection import Connection
from .connection_log import ConnectionLog
from .connection_observer import ConnectionObserver
from .hooks import HookLists
from .outbox import Outbox
from .router import MessageRouter
from .waiting import Waiting

__all__ = ["ConnectionEvents"]


class ConnectionEvents:
    """The listener of one client's connection.

    :param observers: are told first of all that happens.
    :param log: is told of most of it.
    :param connection: whose listener it is.
    :param channels: join, and wait for the next connection.
    :param join_channels: the channels that the client joins by itself.
    :param outbox: sends what was kept.
    :param waiting: who waits for the connection.
    :param hooks: the client's.
    :param router: takes what is received.
    """

    __slots__ = (
        "_channels",
        "_connection",
        "_hooks",
        "_join_channels",
        "_log",
        "_observers",
        "_outbox",
        "_router",
        "_waiting",
    )

    def __init__(
        self,
        observers: Sequence[ConnectionObserver],
        log: ConnectionLog,
        connection: Connection,
        channels: ChannelKeeper,
        join_channels: JoinChannels,
        outbox: Outbox,
        waiting: Waiting[Any],
        hooks: HookLists,
        router: MessageRouter,
    ) -> None:
        self._observers = observers
        self._log = log
        self._connection = connection
        self._channels = channels
        self._join_channels = join_channels
        self._outbox = outbox
        self._waiting = waiting
        self._hooks = hooks
        self._router = router

    def frame_receivers(self, serializer: Serializer) -> FrameReceivers:
        """Make what takes the frames of a transport that has opened."""
        return self._router.frame_receivers(serializer)

    def connection_connecting(self) -> None:
        """An attempt begins."""
        for observer in self._observers:
            observer.connection_connecting()

    def connection_opened(self, duration: float) -> None:
        """Have all channels join, send what was kept, and tell who waits."""
        connection = self._connection
        self._log.connection_opened(duration)
        attempt = connection.attempts
        for observer in self._observers:
            observer.connection_opened(duration)
            # Whoever was told may have closed the connection again.
            if not connection.is_still_open(attempt):
                return
        for act in (
            self._join_all,
            self._hooks.opened,
            self._waiting.connected,
            self._channels.check_writers,
        ):
            act()
            if not connection.is_still_open(attempt):
                return

    def connection_lost(self, reason: ConnectionFailed, was_asked: bool) -> None:
        """Have all channels wait for the next connection, if there will be one."""
        for observer in self._observers:
            observer.connection_lost(reason, was_asked)
        self._channels.connection_lost(reason, was_asked)
        self._log.connection_lost(reason, was_asked)
        self._waiting.abandon_unless_wanted(reason)
        self._hooks.closed(reason)
        self._channels.check_writers()

    def connection_failed(self, reason: Exception) -> None:
        """Tell who waits of a failed attempt."""
        # NotConnected is an attempt that we gave up ourselves.
        is_ours = isinstance(reason, NotConnected)
        if not is_ours:
            # Whoever is told may push, and be told why that was not sent.
            self._channels.connection_failed(reason)
        for observer in self._observers:
            observer.connection_failed(reason)
        if not is_ours:
            self._log.connection_failed(reason)
            self._hooks.tell_error(reason)
            self._waiting.attempt_failed(reason)
        self._waiting.abandon_unless_wanted(reason)

    def connection_retrying(self, attempt: int, delay: float) -> None:
        """The next attempt is planned."""
        for observer in self._observers:
            observer.connection_retrying(attempt, delay)
        self._log.connection_retrying(attempt, delay)

    def connection_writable(self) -> None:
        """Send what has waited for room, then tell who waits for it."""
        self._outbox.send_kept()
        self._channels.connection_writable()
        self._channels.check_writers()

    def heartbeat_sent(self) -> None:
        """A heartbeat has gone out."""
        for observer in self._observers:
            observer.heartbeat_sent()

    def heartbeat_unsent(self, error: SerializerError) -> None:
        """A heartbeat could not be made."""
        self._hooks.tell_error(error)

    def heartbeat_answered(self, round_trip: float) -> None:
        """The server has answered a heartbeat."""
        for observer in self._observers:
            observer.heartbeat_answered(round_trip)
        if self._hooks.heartbeat:
            self._hooks.heartbeat_answered(round_trip)

    def reading_paused(self) -> None:
        """Nothing is read until a reader has read."""
        for observer in self._observers:
            observer.reading_paused()

    def reading_resumed(self, duration: float) -> None:
        """The pause, or its connection, is over."""
        for observer in self._observers:
            observer.reading_resumed(duration)

    def messages_unsent(self, count: int) -> None:
        """The connection has ended before so many messages had left."""
        for observer in self._observers:
            observer.messages_unsent(count)

    def _join_all(self) -> None:
        attempt = self._connection.attempts
        with self._outbox.behind_joins():
            self._channels.connection_opened()
            if attempt == self._connection.attempts:
                self._join_channels.start(self._channels.options.join_channels)
