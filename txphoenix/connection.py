"""The connection: keeps one transport open, for as long as it is wanted.

::

              open()                            opened
    idle  -----------> attempt under way  -----------------> open
     ^                   |          ^                         |
     |            failed |          | the delay is over       | lost
     |                   v          |                         v
     +----- close() ---- waiting for the next attempt <-------+

The engine of this is Twisted's ``ReconnectingClientFactory``
(:class:`txphoenix.transports.websocket.PhoenixClientFactory`), which a connector
tells how each attempt and each transport ended.
What it asks before it goes on is here: whether, and after what delay.

The delays grow with each attempt, and begin anew only once a connection has proved
stable by an answer of the server, to a heartbeat or a join.
An open that is followed by a close says nothing about the server's health.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from math import isfinite
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from . import backoff, telemetry
from .errors import (
    ConfigurationError,
    ConnectionFailed,
    HeartbeatTimeout,
    MessageTooLarge,
    NotConnected,
)
from .handshake import Handshake
from .heartbeat import Heartbeat
from .interfaces import ConnectionListener, Transport
from .message import Message
from .options import Options
from .package_log import package_log
from .pending import Deadlines
from .serializer import serializer_for
from .transports.websocket import PhoenixClientFactory

__all__ = ["Connection", "check_close"]

log = Logger(observer=package_log)

_E = TypeVar("_E", bound=Exception)

# IANA's registry of close codes: the server restarts, and all its clients come back.
_SERVICE_RESTART = 1012
# The longest delay (seconds) before the first attempt after it.
_LONGEST_SPREAD = 5.0
# What a control frame's 125 bytes leave beside the code (RFC 6455 section 5.5).
_LONGEST_CLOSE_REASON = 123


def _ignore_frame(_data: bytes, _is_binary: bool) -> None:
    """Take a frame that comes before the first transport is open."""


def _has_left(_mark: int) -> bool:
    """Say of a transport that does not tell that it writes what it is given."""
    return True


def check_close(code: int, reason: str) -> None:
    """Check what a close frame of ours would say.

    :raises ConfigurationError: the code is not a client's to send (RFC 6455 section
        7.4), or the reason is too long.
    """
    is_number = isinstance(code, int) and not isinstance(code, bool)
    if not (is_number and (code == 1000 or 3000 <= code <= 4999)):
        raise ConfigurationError(
            f"a close code must be 1000 or from 3000 to 4999, not {code!r}"
        )
    if not isinstance(reason, str):
        raise ConfigurationError(f"a close reason must be a str, not {reason!r}")
    size = len(reason.encode("utf-8", "replace"))
    if size > _LONGEST_CLOSE_REASON:
        raise ConfigurationError(
            f"a close reason must have at most {_LONGEST_CLOSE_REASON} bytes of UTF-8,"
            f" not {size}"
        )


class Connection(Service):
    """One connection to a server, over as many transports as it takes.

    :param reactor: opens transports, tells the time and calls later.
    :param options: the client's options.
    :param listener: is told what happens.
    """

    name = "connection"

    def __init__(
        self, reactor: IReactorTime, options: Options, listener: ConnectionListener
    ) -> None:
        self._clock = reactor
        self._listener = listener
        self._count = count(1)
        self._transport: Transport | None = None
        self._heartbeat: Heartbeat | None = None
        self._is_attempting = False
        self._attempts = 0
        self._attempt_began = 0.0
        self._must_reopen = False
        self._drop_reason: ConnectionFailed | None = None
        self._last_close_code: int | None = None
        self._closing: list[Deferred[None]] = []
        self.is_open = False
        """Whether messages can be sent."""
        self.is_full = False
        """Whether ``write_buffer`` bytes wait to be written."""
        self.has_left: Callable[[int], bool] = _has_left
        """Whether a message has left this process, by the mark that :meth:`send` has
        returned; until all have been told of the loss of their transport."""
        self.is_wanted = False
        """Whether there is, or soon will be, a connection."""
        self.handshake: Handshake | None = None
        """What the server answered when the connection opened last."""
        self.frame_received: Callable[[bytes, bool], None] = _ignore_frame
        """Takes each frame: its content, and whether it is binary."""
        self._factory = PhoenixClientFactory(reactor, options, self)
        self.reset_options(options)
        self._encode = self._serializer.encode

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""
        self._options = options
        self._serializer = serializer_for(options.vsn, options.serializer)
        self._max_message_size = options.max_message_size
        self._factory.reset_options(options)
        if self._heartbeat is not None:
            self._heartbeat.reset(options.heartbeat_interval, options.heartbeat_timeout)

    # -- What the client calls ----------------------------------------------------

    @property
    def status(self) -> str:
        """``"connected"``, ``"connecting"`` while an attempt is under way, or
        ``"disconnected"``, between two attempts as well.
        """
        if self.is_open:
            return "connected"
        return "connecting" if self._is_attempting else "disconnected"

    def open(self) -> None:
        """Open the connection, and keep it open; again is no error."""
        if self.is_wanted:
            return
        self.is_wanted = True
        if self._is_under_way():
            # A close is under way; it goes first.
            self._must_reopen = True
        else:
            self._factory.start_trying()

    def close(self, code: int = 1000, reason: str = "") -> Deferred[None]:
        """Close the connection, or give up the attempt to open it.

        :param code: the close code that the server is told.
        :return: a Deferred of None that fires when nothing is left of it.
        """
        self.is_wanted = False
        self._must_reopen = False
        # Before anybody is told, who may open another.
        closing: Deferred[None] = Deferred()
        self._closing.append(closing)
        self._factory.stopTrying()
        if self._transport is not None:
            # A paused transport would never see the server's answer.
            self._transport.resume_reading()
        if self._transport is not None and self.is_open:
            self.is_open = False
            self._transport.close(code, reason)
        if closing in self._closing and not self._is_under_way():
            self._closing.remove(closing)
            closing.callback(None)
        return closing

    def reopen(self) -> None:
        """Close the transport, or give up the attempt, and open another at once.

        The connection is wanted all the while, so that pushes are kept.
        """
        if self._transport is not None:
            self._must_reopen = True
            self._transport.resume_reading()
            if self.is_open:
                self.is_open = False
                self._transport.close()
        elif self._is_attempting:
            self._must_reopen = True
            self._factory.connector.stopConnecting()
        else:
            self._factory.stopTrying()
            self._factory.start_trying()

    def drop(self, reason: ConnectionFailed) -> None:
        """Give the transport up at once, and open another."""
        if self._transport is not None and self.is_open:
            self._drop_reason = reason
            self.is_open = False
            self._transport.abort()

    def next_ref(self) -> str:
        """Make the next ref: ``"1"``, ``"2"`` and so on, never one twice."""
        return str(next(self._count))

    def send(self, message: Message) -> int | None:
        """Send a message, whether or not the connection :attr:`is_full`.

        :return: a mark for :attr:`has_left`; None where the transport gives none.
        :raises NotConnected: there is no connection.
        :raises MessageTooLarge: it has more bytes than ``max_message_size``.
        :raises SerializerError: it cannot be encoded.
        """
        data, is_binary = self._encode(message)
        if len(data) > self._max_message_size:
            raise MessageTooLarge(len(data), self._max_message_size)
        if not self.is_open or self._transport is None:
            raise NotConnected(f"{message.event} cannot be sent to {message.topic}")
        mark = self._transport.send(data, is_binary)
        if telemetry.message_handlers:
            telemetry.message_event("sent", self._listener, message, len(data))
        return mark

    def ping(self, deadlines: Deadlines, timeout: float) -> Deferred[float]:
        """Send a heartbeat; see :meth:`txphoenix.SocketClient.ping`."""
        if self._heartbeat is None or not self.is_open:
            return fail(NotConnected("the server cannot be pinged"))
        return self._heartbeat.ping(deadlines, timeout)

    def pause_reading(self) -> None:
        """Receive nothing until :meth:`resume_reading`."""
        if self._transport is not None and self._heartbeat is not None:
            self._heartbeat.pause()
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Receive again."""
        if self._transport is not None and self._heartbeat is not None:
            self._heartbeat.resume()
            self._transport.resume_reading()

    def heartbeat_received(self, message: Message) -> None:
        """Take a message of the topic ``phoenix``."""
        if self._heartbeat is not None:
            self._heartbeat.dispatch(message)

    def encode_heartbeat(self) -> tuple[bytes, bool]:
        """Make a heartbeat's frame, in the format of the next transport."""
        return self._serializer.encode(Message.heartbeat(self.next_ref()))

    def proved_stable(self) -> None:
        """The server has answered: begin the delays anew."""
        self._factory.retries = 0

    # -- What the transport and its factory tell ----------------------------------

    def attempt_started(self) -> None:
        """An attempt to open a transport begins."""
        self._is_attempting = True
        self._attempts += 1
        self._attempt_began = self._clock.seconds()
        self._listener.connection_connecting()

    def transport_opened(self, transport: Transport) -> None:
        """An attempt has succeeded."""
        self._is_attempting = False
        self._transport = transport
        self.has_left = getattr(transport, "has_left", _has_left)
        # A transport of the user's need not have one.
        self.handshake = getattr(transport, "handshake", None)
        self.is_open = True
        # A transport keeps to the format that its server was told.
        self._encode = self._serializer.encode
        self.frame_received = self._listener.frame_receiver(self._serializer)
        options = self._options
        self._heartbeat = Heartbeat(
            self._clock,
            options.heartbeat_interval,
            options.heartbeat_timeout,
            self._send_heartbeat,
            self.next_ref,
            self._heartbeat_answered,
            self.drop,
        )
        if transport.needs_heartbeat:
            self._heartbeat.start()
        self._listener.connection_opened(self._clock.seconds() - self._attempt_began)

    def transport_closing(self) -> None:
        """The closing handshake has begun: what is sent now would be lost."""
        self.is_open = False

    def transport_full(self) -> None:
        """The transport has enough to write."""
        self.is_full = True

    def transport_writable(self) -> None:
        """The transport has room again."""
        if self.is_full:
            self.is_full = False
            self._listener.connection_writable()

    def transport_lost(self, reason: ConnectionFailed) -> bool:
        """The transport has ended.

        :return: whether the factory shall open another.
        """
        reason, self._drop_reason = self._drop_reason or reason, None
        if isinstance(reason, HeartbeatTimeout):
            self._factory.addresses.attempt_failed(reason)
        self._transport = None
        self.is_open = self.is_full = False
        self._last_close_code = getattr(reason, "code", None)
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.stop(reason)
        was_asked = bool(self._closing)
        return self._ended(
            reason, lambda reason: self._listener.connection_lost(reason, was_asked)
        )

    def attempt_failed(self, reason: Exception) -> bool:
        """The transport could not be opened.

        :return: whether the factory shall try again.
        """
        self._is_attempting = False
        self._last_close_code = None
        return self._ended(reason, self._listener.connection_failed)

    def retry_delay(self, attempt: int) -> float:
        """The seconds to wait before an attempt; the first is number 0."""
        try:
            delay = float(self._options.reconnect_backoff(attempt))
            if not isfinite(delay):
                raise ValueError(f"a delay must be finite, not {delay!r}")
        except Exception:
            log.failure("backoff raised; the default delay is used")
            delay = backoff.exponential()(attempt)
        if self._last_close_code == _SERVICE_RESTART:
            longest = min(_LONGEST_SPREAD, self._options.reconnect_interval)
            return backoff.spread(max(0.0, delay), longest / 10, longest)
        return max(0.0, delay)

    def retrying(self, attempt: int, delay: float) -> None:
        """The next attempt is planned."""
        self._listener.connection_retrying(attempt, delay)

    # -- Inside -------------------------------------------------------------------

    def _is_under_way(self) -> bool:
        return self._is_attempting or self._transport is not None

    def _ended(self, reason: _E, tell: Callable[[_E], None]) -> bool:
        must_reopen, self._must_reopen = self._must_reopen, False
        self.is_wanted = self.is_wanted and (must_reopen or self._shall_retry(reason))
        closing, self._closing = self._closing, []
        attempts = self._attempts
        tell(reason)
        # All that was under way has been told; the transport itself may go.
        if self._transport is None:
            self.has_left = _has_left
        # Whoever was told may have called close(), or open() and begun an attempt.
        will_retry = self.is_wanted and attempts == self._attempts
        if will_retry and must_reopen:
            self._factory.start_trying()
            will_retry = False
        for deferred in closing:
            deferred.callback(None)
        return will_retry and attempts == self._attempts and self.is_wanted

    def _shall_retry(self, reason: Exception) -> bool:
        if not self._options.reconnect:
            return False
        decide = self._options.should_reconnect
        if decide is None:
            return True
        try:
            return bool(decide(reason))
        except Exception:
            log.failure("should_reconnect raised; trying again")
            return True

    def _send_heartbeat(self, message: Message) -> None:
        # A connection that is closing needs no heartbeat.
        if self.is_open:
            self.send(message)
            self._listener.heartbeat_sent()

    def _heartbeat_answered(self, round_trip: float) -> None:
        self.proved_stable()
        self._listener.heartbeat_answered(round_trip)
