"""The link: the open transport of a connection, and all that is asked of it.

A message leaves here: codec, limit, transport, telemetry.
What encodes a message and what is told of it may be the user's, and end the connection
or the join that the message belongs to.
Who has to look after that in between encodes and writes in two steps.

The transport may be the user's as well, and raise.
While it is in use that is a loss of which the reactor's next turn tells, for whoever
uses it is in the middle of something; where it is told to end it has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from sys import maxsize
from typing import Any, Final, cast

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..errors import (
    HeartbeatTimeout,
    MessageTooLarge,
    NotConnected,
    SerializerError,
)
from ..options.options import Options
from ..protocol.close_codes import NORMAL
from ..protocol.custom_serializer import chosen_serializer
from ..protocol.message import Message, Serializer
from ..protocol.serializer import serializer_for
from ..runtime.deadlines import Deadlines
from ..runtime.package_log import package_log
from ..runtime.wake_ups import WakeUps
from ..telemetry import message_event, message_handlers, traffic_handlers
from ..telemetry.handlers import message_watchers
from ..transports.interfaces import ObservedTransport, Transport
from .closing import raised
from .heartbeat import Heartbeat
from .link_owner import LinkOwner
from .optional_methods import has_all
from .traffic import count_message, tell_traffic
from .withdrawal import Withdrawal, withdrawal_for

__all__ = ["Link"]

log = Logger("txphoenix.connection", observer=package_log)

_OBSERVED: Final = ("follow_writes", "signs_of_life")
# It keeps nothing of a connection, so that one serves all clients.
_V2: Final = "2.0.0"
_shared_serializer = cache(lambda: serializer_for(_V2, None))
_shared_encode = cache(lambda: _shared_serializer().encode)


class Link:
    """The transport of one connection, over as many as there will be.

    :param clock: tells the time and calls later.
    :param options: the client's options.
    :param owner: is asked whether the link is open, and told what happens to it.
    :param client: whose messages telemetry is told of.
    """

    __slots__ = (
        "_encode",
        "_max_message_size",
        "_options",
        "_owner",
        "_paused_at",
        "_withdrawal",
        "client",
        "clock",
        "heartbeat",
        "next_ref",
        "serializer",
        "transport",
        "wake_ups",
    )

    def __init__(
        self, clock: IReactorTime, options: Options, owner: LinkOwner, client: object
    ) -> None:
        self.clock = clock
        """Tells the time and calls later."""
        self.wake_ups = WakeUps.of(clock)
        """Tells of sleep, whoever subscribes; the link does for its owner."""
        self._owner = owner
        self.client = client
        """Whose messages telemetry is told of."""
        # In C, all of it: each message that is sent has one.
        # A count would be one more object for the garbage collector to walk.
        self.next_ref: Callable[[], str] = map(str, range(1, maxsize)).__next__
        """Makes the next ref: ``"1"``, ``"2"`` and so on, never one twice."""
        self.transport: Transport | None = None
        """The transport, from its opening to its loss."""
        self.heartbeat: Heartbeat | None = None
        """The heartbeat of the transport, from :meth:`begin` to the loss."""
        # Made at its first use, or at the loss of a transport until that is told.
        self._withdrawal: Withdrawal | None = None
        # Since when nothing is read.
        self._paused_at: float | None = None
        self._options = options
        self.serializer = _serializer_of(options)
        self.reset_options(options)
        self._encode = _encoding(self.serializer)

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""
        before, now = self._options, options
        if now.vsn != before.vsn or now.serializer is not before.serializer:
            # Before all else is changed, for what makes one may raise.
            self.serializer = _serializer_of(now)
        self._options = options
        self._max_message_size = options.max_message_size
        if self.heartbeat is not None:
            self.heartbeat.reset(options.heartbeat_interval, options.heartbeat_timeout)

    # -- From the opening of a transport to its loss ------------------------------

    def opened(self, transport: Transport) -> None:
        """There is a transport, which may have been given up meanwhile."""
        self.transport = transport

    def begin(self) -> None:
        """Send by the transport from now on, and have heartbeats if it needs them."""
        transport = self.transport
        if transport is None:
            return
        if self._withdrawal is not None:
            self._withdrawal.opened(transport)
        # A transport keeps to the format that its server was told.
        self._encode = _encoding(self.serializer)
        self.heartbeat = Heartbeat(
            self.clock,
            self._options.heartbeat_interval,
            self._options.heartbeat_timeout,
            self,
            cast(ObservedTransport, transport)
            if has_all(transport, _OBSERVED)
            else None,
        )
        if transport.needs_heartbeat:
            self.heartbeat.start()

    def lost(self) -> Heartbeat | None:
        """The transport is lost.

        :return: its heartbeat, which is to be stopped as soon as the loss may be told.
        """
        self._withdrawal = withdrawal_for(self._withdrawal, self.transport)
        self._withdrawal.lost()
        self.transport = None
        heartbeat, self.heartbeat = self.heartbeat, None
        return heartbeat

    def told_of_loss(self) -> None:
        """All have been told of the loss: the transport itself may go."""
        unsent = 0 if self._withdrawal is None else self._withdrawal.told()
        self._end_pause()
        if unsent:
            self._owner.listener.messages_unsent(unsent)
        tell_traffic(self)

    # -- Messages -----------------------------------------------------------------

    def send(self, message: Message) -> int | None:
        """Send a message, whether or not the connection is full.

        :return: a mark for ``withdraw``; None where the transport gives none.
        :raises NotConnected: there is no connection.
        :raises MessageTooLarge: it has more bytes than ``max_message_size``.
        :raises SerializerError: it cannot be encoded.
        """
        owner = self._owner
        attempts = owner.attempts
        # The codec may be the user's, and close the connection, or open another.
        data, is_binary = self._encode(message)
        if len(data) > self._max_message_size:
            raise MessageTooLarge(len(data), self._max_message_size)
        if not owner.is_open or attempts != owner.attempts or self.transport is None:
            raise NotConnected(f"{message.event} cannot be sent to {message.topic}")
        # As write() does it, without the call: this is on the way of each push.
        try:
            mark = self.transport.send(data, is_binary)
        except NotConnected:
            raise
        except BaseException as error:
            # Nobody knows what was sent, and the loss says so to who waits for a reply.
            self._raised(error)
            return None
        if message_watchers:
            if traffic_handlers:
                count_message(self, "sent", len(data))
            if message_handlers:
                message_event("sent", self.client, message, len(data))
        return mark

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make the frame of a message, for :meth:`write`.

        :raises MessageTooLarge: it has more bytes than ``max_message_size``.
        :raises SerializerError: it cannot be encoded.
        """
        data, is_binary = self._encode(message)
        if len(data) > self._max_message_size:
            raise MessageTooLarge(len(data), self._max_message_size)
        return data, is_binary

    def write(self, message: Message, data: bytes, is_binary: bool) -> int | None:
        """Send the frame of a message.

        :return: as :meth:`send`.
        :raises NotConnected: there is no connection.
        """
        if not self._owner.is_open or self.transport is None:
            raise NotConnected(f"{message.event} cannot be sent to {message.topic}")
        try:
            mark = self.transport.send(data, is_binary)
        except NotConnected:
            raise
        except BaseException as error:
            self._raised(error)
            return None
        if message_watchers:
            if traffic_handlers:
                count_message(self, "sent", len(data))
            if message_handlers:
                message_event("sent", self.client, message, len(data))
        return mark

    def withdraw(self, mark: int | None) -> bool:
        """Take back a message; see :meth:`.withdrawal.Withdrawal.withdraw`."""
        self._withdrawal = withdrawal_for(self._withdrawal, self.transport)
        return self._withdrawal.withdraw(mark)

    # -- Heartbeats ---------------------------------------------------------------

    def encode_heartbeat(self) -> tuple[bytes, bool]:
        """Make a heartbeat's frame, in the format of the next transport."""
        return self.serializer.encode(Message.heartbeat(self.next_ref()))

    def ping(self, deadlines: Deadlines, timeout: float) -> Deferred[float]:
        """Send a heartbeat; see :meth:`txphoenix.SocketClient.ping`."""
        owner = self._owner
        if self.heartbeat is None or not owner.is_open:
            return fail(NotConnected(f"no ping while the client is {owner.status}"))
        return self.heartbeat.ping(deadlines, timeout)

    # -- What the heartbeat calls -------------------------------------------------

    def send_heartbeat(self, message: Message) -> None:
        """Send a heartbeat's message."""
        # A connection that is closing needs none; the codec may close it as well.
        with suppress(NotConnected):
            self.send(message)
            self._owner.listener.heartbeat_sent()

    def heartbeat_unsent(self, error: SerializerError) -> None:
        """A heartbeat could not be made."""
        log.failure("a heartbeat cannot be encoded")
        self._owner.listener.heartbeat_unsent(error)

    def heartbeat_answered(self, round_trip: float) -> None:
        """The server has answered a heartbeat after ``round_trip`` seconds."""
        self._owner.heartbeat_answered(round_trip)

    def heartbeat_failed(self, reason: HeartbeatTimeout) -> None:
        """The server has not answered: have the transport given up."""
        self._owner.drop(reason)

    # -- Sleep --------------------------------------------------------------------

    def woken(self, seconds: float) -> None:
        """Nothing has happened for so many seconds.

        After so long a silence a server counts as gone; after less of it, it is asked.
        """
        interval = self._options.heartbeat_interval
        timeout = self._options.heartbeat_timeout
        if seconds > interval + timeout:
            self._owner.drop(HeartbeatTimeout(timeout, seconds))
        elif self.heartbeat is not None:
            self.heartbeat.hasten()

    # -- Reading ------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Receive nothing until :meth:`resume_reading`."""
        heartbeat = self.heartbeat
        if self.transport is not None and heartbeat is not None:
            is_paused = self._use(self.transport.pause_reading)
            # It asks the transport what it can tell from now on.
            heartbeat.pause()
            if is_paused:
                self._paused_at = Deadlines.of(self.clock).elapsed()
                self._owner.listener.reading_paused()

    def resume_reading(self) -> None:
        """Receive again."""
        # First, for what was held back may pause again.
        self._end_pause()
        if self.transport is not None and self.heartbeat is not None:
            self.heartbeat.resume()
            self._use(self.transport.resume_reading)

    def _end_pause(self) -> None:
        """Tell of the end of a pause, if there is one."""
        paused_at, self._paused_at = self._paused_at, None
        if paused_at is not None:
            duration = Deadlines.of(self.clock).elapsed() - paused_at
            self._owner.listener.reading_resumed(duration)

    # -- The end ------------------------------------------------------------------

    def release(self) -> bool:
        """Read again, for what is paused would never see the answer to a close.

        :return: whether the transport is still there, after what was read.
        """
        transport = self.transport
        if transport is not None:
            self._end(transport.resume_reading)
        return self.transport is transport

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the transport in good order."""
        if self.transport is not None:
            self._end(self.transport.close, code, reason)

    def abort(self) -> None:
        """End the transport at once."""
        if self.transport is not None:
            self._end(self.transport.abort)

    # -- Inside -------------------------------------------------------------------

    def _use(self, method: Callable[[], None]) -> bool:
        """Call a method of the transport; return whether it did not raise."""
        try:
            method()
        except BaseException as error:
            self._raised(error)
            return False
        return True

    def _raised(self, error: BaseException) -> None:
        log.failure("the transport raised; it is taken for lost")
        self._owner.transport_raised(raised(error))

    def _end(self, end: Callable[..., None], *args: Any) -> None:
        """Call a method that ends the transport: one that raises is as good as lost."""
        attempts = self._owner.attempts
        try:
            end(*args)
        except BaseException as error:
            log.failure("the transport raised; it is taken for lost")
            # It may have told of its loss before, and another may be open.
            if self.transport is not None and attempts == self._owner.attempts:
                self._owner.transport_broke(raised(error))


def _serializer_of(options: Options) -> Serializer:
    """The serializer of a client; for most clients it is the same."""
    if options.serializer is None and options.vsn == _V2:
        return _shared_serializer()
    return chosen_serializer(options.vsn, options.serializer)


def _encoding(serializer: Serializer) -> Callable[[Message], tuple[bytes, bool]]:
    """What encodes by a serializer; for most clients it is one bound method."""
    if serializer is _shared_serializer():
        return _shared_encode()
    return serializer.encode
