"""What a client does at what its connection tells.

Here is what happens when an attempt begins and fails, and when the connection opens
and is lost: who is told, and in which order.
What users call is in :mod:`txphoenix.client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel

from .. import telemetry
from ..channels.channel_telemetry import ChannelTelemetry
from ..channels.events import ChannelEvents
from ..channels.join_channels import JoinChannels
from ..channels.manager import ChannelManager
from ..errors import ConfigurationError, ConnectionFailed, NotConnected
from ..options.options import Options
from ..protocol.events import PHOENIX_TOPIC
from ..protocol.message import Message, Serializer
from ..runtime.kept_errors import unraised
from ..runtime.package_log import package_log
from ..transports.interfaces import FrameReceivers
from .connection import Connection
from .hooks import ClientHooks
from .outbox import Outbox
from .receiving import frame_receivers
from .state import SocketState
from .waiters import ConnectionWaiters

if TYPE_CHECKING:
    from .socket_client import SocketClient

__all__ = ["ClientEvents"]

# Whatever a client logs has its name.
log = Logger("txphoenix.client", observer=package_log)


class ClientEvents(ClientHooks):
    """A client, but for what users call.

    :param reactor: opens transports, tells the time and calls later.
    :param options: the client's options.
    """

    def __init__(self, reactor: IReactorTime, options: Options) -> None:
        super().__init__()
        self.options = options
        if self.options.name is not None:
            self.setName(self.options.name)
        self._waiters: ConnectionWaiters[SocketClient] = ConnectionWaiters()
        # Why there will be no connection, until connect() is called.
        self._gave_up: Exception | None = None
        self._is_stopping = False
        # Whether each child is told of the stop just now, and can be told of no start.
        self._is_ending = False
        # The level at which the log has it that attempts fail, in this row of them.
        self._told_at: LogLevel | None = None
        self.state = SocketState(self.options)
        self.connection = Connection(reactor, self.options, self)
        # Who observes the channels subscribes here, and the outbox below.
        events = ChannelEvents()
        events.subscribe(self.state)
        events.subscribe(ChannelTelemetry(self, events))
        self.channels = ChannelManager(
            reactor, self.options, self.connection, events, self.state
        )
        self._join_channels = JoinChannels(self.channels, self._error_hooks.call)
        self._outbox = Outbox(
            self.state, self.connection, self.channels, self._error_hooks.call
        )
        for child in (self.state, self.connection, self.channels):
            child.setServiceParent(self)

    # -- What the connection tells ------------------------------------------------

    def frame_receivers(self, serializer: Serializer) -> FrameReceivers:
        """Make what takes the frames of a transport that has opened."""
        return frame_receivers(
            self.connection,
            serializer,
            self,
            self.channels.routes,
            self._message_hooks,
        )

    def message_received(self, message: Message) -> None:
        """Give a message to the channel that has its topic."""
        if self._message_hooks.entries:
            self._message_hooks.call(message)
        membership = self.channels.routes.get(message.topic)
        if membership is not None:
            try:
                membership.channel.dispatch(message)
            except BaseException as error:
                self.channels.give_up(membership, error)
        elif message.topic == PHOENIX_TOPIC:
            self.connection.heartbeat_received(message)
            self.channels.joins.server_answered(message.ref)
        else:
            # A channel that was left, and the server had not heard of it yet.
            for observer in self.channels.events.observers:
                observer.message_unrouted(message)

    def frame_dropped(self, reason: Exception) -> None:
        """Count and report a frame that is no message."""
        self.state.count_dropped_frame(reason)
        self._error_hooks.call(reason)

    def connection_connecting(self) -> None:
        """Take note that an attempt begins."""
        self._set_status("connecting")
        telemetry.socket_connecting(self, self.state.shown_url)

    def connection_opened(self, duration: float) -> None:
        """Send what was kept, have all channels join, and tell who waits."""
        self._told_at = None
        log.info("{client!r}: the connection is open", client=self)
        attempt = self.connection.attempts
        for step in (
            lambda: self._set_status("connected"),
            lambda: telemetry.socket_connected(self, self.state.shown_url),
            lambda: telemetry.socket_connection_duration(
                self, self.state.shown_url, duration
            ),
            self._join_all,
            self._open_hooks.call,
            lambda: self._waiters.connected(cast("SocketClient", self)),
            self.channels.writers.check,
        ):
            step()
            # Whoever was told may have closed the connection again.
            if not self.connection.is_open or attempt != self.connection.attempts:
                return

    def connection_lost(self, reason: ConnectionFailed, was_asked: bool) -> None:
        """Have all channels wait for the next connection, if there will be one."""
        self._set_status("disconnected")
        telemetry.socket_disconnected(self, self.state.shown_url, reason)
        self.channels.connection_lost(reason, was_asked)
        if not was_asked:
            log.info(
                "{client!r}: the connection is lost: {reason}",
                client=self,
                reason=reason,
            )
        self._abandon_unless_wanted(reason)
        self._close_hooks.call(reason)
        self.channels.writers.check()

    def connection_failed(self, reason: Exception) -> None:
        """Tell who waits of a failed attempt."""
        self._set_status("disconnected")
        # NotConnected is an attempt that we gave up ourselves.
        if not isinstance(reason, NotConnected):
            self.channels.connection_failed(reason)
            telemetry.socket_connection_error(self, self.state.shown_url, reason)
            self._log_failure(reason)
            self._error_hooks.call(reason)
            self._waiters.attempt_failed(reason)
        self._abandon_unless_wanted(reason)

    def connection_retrying(self, attempt: int, delay: float) -> None:
        """Take note that the next attempt is planned."""
        telemetry.reconnecting(self, self.state.shown_url, attempt, delay)
        log.debug(
            "{client!r}: attempt {attempt} in {delay:.2f} s",
            client=self,
            attempt=attempt,
            delay=delay,
        )

    def connection_writable(self) -> None:
        """Send what has waited for room, then tell who waits for it."""
        self._outbox.send_kept()
        self.channels.connection_writable()
        self.channels.writers.check()

    def heartbeat_sent(self) -> None:
        """Take note of a heartbeat."""
        telemetry.heartbeat_sent(self, self.state.shown_url)

    def heartbeat_answered(self, round_trip: float) -> None:
        """Take note of a heartbeat's round trip."""
        telemetry.heartbeat_duration(self, self.state.shown_url, round_trip)

    # -- Inside -------------------------------------------------------------------

    def _set_status(self, status: str) -> None:
        old, self.state.status = self.state.status, status
        if old != status:
            telemetry.socket_status_changed(self, self.state.shown_url, old, status)

    def _log_failure(self, reason: Exception) -> None:
        text = "{client!r}: not connected: {reason}"
        level = LogLevel.warn
        if isinstance(reason, ConfigurationError):
            text += (
                "; no retry can mend this, unless what is called for it answers"
                " otherwise"
                if self.connection.is_wanted
                else "; it is not tried again, since no retry can mend this"
            )
            level = LogLevel.error
        # Once in a row of failures: the others are mostly the same.
        if self._told_at is None or level > self._told_at:
            self._told_at = level
        else:
            level = LogLevel.info
        log.emit(level, text, client=self, reason=reason)

    def _join_all(self) -> None:
        attempt = self.connection.attempts
        with self._outbox.behind_joins():
            self.channels.connection_opened()
            if attempt == self.connection.attempts:
                self._join_channels.start(self.options.join_channels)

    def _abandon(self, reason: Exception) -> None:
        self._told_at = None
        self._outbox.abandon(reason)
        self.channels.abandon(reason)
        self._waiters.abandon(reason)
        self.channels.writers.check()

    def _abandon_unless_wanted(self, reason: Exception) -> None:
        if not self.connection.is_wanted:
            reason = unraised(self._gave_up) if self._gave_up else reason
            self._gave_up = unraised(reason)
            self._abandon(reason)
