"""The connection: keeps one transport open, for as long as it is wanted.

::

              open()                            opened
    idle  -----------> attempt under way  -----------------> open
     ^                   |          ^                         |
     |            failed |          | the delay is over       | lost
     |                   v          |                         v
     +----- close() ---- waiting for the next attempt <-------+

The engine of this is Twisted's ``ReconnectingClientFactory``
(:class:`txphoenix.transports.websocket_factory.PhoenixClientFactory`), which a
connector tells how each attempt and each transport ended.
What it asks before it goes on is here: whether, and after what delay.
The transport itself is used by :mod:`txphoenix.client.link`.

The delays grow with each attempt, and begin anew only once a connection has lasted
(:mod:`txphoenix.transports.patience`).
Whoever is asked or told here may call back: a hook, ``should_reconnect``, a backoff.
What it decides by :meth:`Connection.open`, :meth:`Connection.close` or
:meth:`Connection.reopen` counts for more than what it returns.
It is taken note of, and acted on when all have been told; so nothing begins in the
middle of an end, and an attempt after a failed one has its delay whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..errors import ConnectionClosed, ConnectionFailed, HeartbeatTimeout, NotConnected
from ..options.options import Options
from ..options.shown_name import shown_name
from ..protocol.close_codes import NORMAL
from ..protocol.handshake import Handshake
from ..runtime.deadlines import Deadlines
from ..runtime.lasting import Pace
from ..runtime.package_log import package_log
from ..transports.choice import make_connector
from ..transports.failures import failed_with
from ..transports.interfaces import Transport
from ..transports.patience import Patience
from ..transports.websocket_factory import PhoenixClientFactory
from .closing import Overdue, tell_end, untold
from .interfaces import ConnectionListener
from .link import Link
from .receiving import NOBODY
from .retry_policy import retry_delay, shall_retry

__all__ = ["Connection", "next_attempt"]

log = Logger("txphoenix.connection", observer=package_log)

_E = TypeVar("_E", bound=Exception)


class Connection(Service):
    """One connection to a server, over as many transports as it takes.

    :param reactor: opens transports, tells the time and calls later.
    :param options: the client's options.
    :param client: whose messages telemetry is told of.
    """

    name = "connection"
    _listener: ConnectionListener
    withdraw = property(lambda self: self.link.withdraw)
    pause_reading = property(lambda self: self.link.pause_reading)
    resume_reading = property(lambda self: self.link.resume_reading)
    encode_heartbeat = property(lambda self: self.link.encode_heartbeat)
    listener = property(lambda self: self._listener)

    def __init__(self, reactor: IReactorTime, options: Options, client: object) -> None:
        self._deadlines = Deadlines.of(reactor)
        self._elapsed = self._deadlines.elapsed
        self._is_attempting = False
        self.attempts = 0
        """How many attempts have begun."""
        self.patience = Patience(options.reconnect_interval)
        # Whether somebody is being told of an end, or asked what is to follow.
        self._is_deciding = False
        # Counts what the user has decided, so that an answer that is older shows.
        self._decisions = 0
        self._must_reopen = False
        self._drop_reason: ConnectionFailed | None = None
        self._closing: dict[Deferred[None], None] = {}
        self._overdue: Overdue | None = None
        self.is_open = self.is_full = False
        """Whether messages can be sent; whether ``write_buffer`` bytes wait for it."""
        self.is_wanted = False
        """Whether there is, or soon will be, a connection."""
        self.handshake: Handshake | None = None
        """What the server answered when the connection opened last."""
        self.link = link = Link(reactor, options, self, client)
        """The open transport, and all that is asked of it."""
        # The link's own, without a call more: each push and join passes here.
        self.send, self.encode, self.write = link.send, link.encode, link.write
        self.next_ref = link.next_ref
        # What takes frames, and what picks a faster one for those of a read.
        self.frame_received, self.receiver_of = NOBODY
        self._factory = PhoenixClientFactory(reactor, options, self, make_connector)
        self._options = options
        # A connector that is the user's is told of them now, as at each change.
        self._factory.reset_options(options)

    def report_to(self, listener: ConnectionListener) -> None:
        """Tell a listener all that happens.

        Called once, before :meth:`open`: it knows the channels, which know this.
        """
        self._listener = listener

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""
        self.link.reset_options(options)
        self._options = options
        self.patience.reset(options.reconnect_interval)
        self._factory.reset_options(options)

    # -- What the client calls ----------------------------------------------------

    @property
    def status(self) -> str:
        """``"connected"``; ``"connecting"`` in an attempt; else ``"disconnected"``."""
        if self.is_open:
            return "connected"
        return "connecting" if self._is_attempting else "disconnected"

    def open(self) -> None:
        """Open the connection, and keep it open; again is no error.

        Between two attempts the next begins at once, if that is not asked too often.
        """
        self._decisions += 1
        was_wanted, self.is_wanted = self.is_wanted, True
        self.link.wake_ups.subscribe(self.link)
        if self._is_under_way():
            # If a close is under way, it goes first.
            self._must_reopen = self._must_reopen or not was_wanted
        elif self._is_deciding:
            # Also where there was to be no other attempt.
            self._factory.continueTrying = 1
        elif was_wanted:
            self._hurry()
        else:
            self._factory.begin_anew(self.patience)

    def close(self, code: int = NORMAL, reason: str = "") -> Deferred[None]:
        """Close the connection, or give up the attempt to open it.

        :param code: the close code that the server is told.
        :return: a Deferred of None that fires when nothing is left of it.
        """
        self._decisions += 1
        self.is_wanted = False
        self.link.wake_ups.unsubscribe(self.link)
        self._must_reopen = False
        # Before anybody is told, who may open another.
        closing: Deferred[None] = Deferred()
        self._closing[closing] = None
        self._factory.stopTrying()
        if closing in self._closing:
            # Otherwise an attempt has ended, and whoever was told has begun another.
            self._close_transport(code, reason)
        if closing in self._closing and not self._is_under_way():
            del self._closing[closing]
            closing.callback(None)
        self._expect_end()
        return closing

    def reopen(self) -> None:
        """Open another transport at once; it is wanted all the while, for pushes."""
        self._decisions += 1
        if self._is_under_way():
            self._must_reopen = True
            if self.link.transport is not None:
                self._close_transport()
            else:
                self._factory.stop_connecting()
            self._expect_end()
        elif not self._is_deciding:
            self._hurry()

    def drop(self, reason: ConnectionFailed) -> None:
        """Give the transport up at once, and open another.

        Where all has stood still, so is an attempt, and none has to wait.
        """
        has_slept = isinstance(reason, HeartbeatTimeout) and reason.has_slept
        if has_slept:
            self.patience.woken(self._elapsed())
        if self.link.transport is not None and (self.is_open or has_slept):
            self._drop_reason = reason if self.is_open else self._drop_reason
            self.is_open = False
            self.link.abort()
            self._expect_end()
        elif has_slept:
            self.reopen()

    def is_still_open(self, attempt: int) -> bool:
        """Whether it is open, and was not opened anew since :attr:`attempts` was so."""
        return self.is_open and attempt == self.attempts

    def proved_stable(self) -> None:
        """The server has answered: begin the delays anew, if it was not too early."""
        if self.patience.has_answered(self._elapsed()):
            self._factory.retries = 0

    # -- What the transport and its factory tell ----------------------------------

    def attempt_begins(self) -> None:
        """Somebody may be asked for the connector of an attempt."""
        self._is_attempting = True

    def attempt_started(self) -> None:
        """An attempt to open a transport begins."""
        self.attempts += 1
        self.patience.began(self._elapsed())
        self._listener.connection_connecting()

    def transport_opened(self, transport: Transport) -> None:
        """An attempt has succeeded."""
        self._is_attempting = False
        self.link.opened(transport)
        duration = self.patience.opened(self._elapsed())
        if self._must_reopen or not self.is_wanted:
            # It was given up, and has opened all the same.
            self.link.abort()
            self._expect_end()
            return
        # Another, that was given up before it was open, may have had enough.
        self.is_open, self.is_full = True, False
        try:
            self.link.begin()
            self.handshake = getattr(transport, "handshake", None)
            receivers = self._listener.frame_receivers(self.link.serializer)
            self.frame_received, self.receiver_of = receivers
            self._listener.connection_opened(duration)
        except BaseException as error:
            log.failure("the connection is dropped: nobody was told that it is open")
            self.drop(failed_with(error, "an error of our own"))

    def transport_closing(self) -> None:
        """The closing handshake has begun: what is sent now would be lost."""
        self.is_open = False
        self._expect_end()

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
        if self.link.transport is None:
            # It was told before, or taken for lost.
            return False
        self._is_deciding = True
        reason, self._drop_reason = self._drop_reason or reason, None
        if isinstance(reason, HeartbeatTimeout) and not reason.has_slept:
            self._factory.addresses.attempt_failed(reason)
        heartbeat = self.link.lost()
        self.is_open = self.is_full = False
        if self.patience.has_lasted(self._elapsed()):
            self._factory.retries = 0
        self.patience.ended(reason, self._elapsed())
        was_asked = bool(self._closing)

        def tell(reason: ConnectionFailed) -> None:
            if heartbeat is not None:
                tell_end(heartbeat.stop, reason)
            self._listener.connection_lost(reason, was_asked)

        return self._ended(reason, tell, self.patience.replaced)

    def attempt_failed(self, reason: Exception) -> bool:
        """The transport could not be opened.

        :return: whether the factory shall try again.
        """
        if not self._is_attempting:
            # It is open, or has failed before, whatever its connector says.
            return False
        self._is_deciding, self._is_attempting = True, False
        self.patience.ended(reason, self._elapsed())
        return self._ended(
            reason, self._listener.connection_failed, self.patience.hurried
        )

    def retry_delay(self, attempt: int) -> float:
        """The seconds to wait before an attempt; the first is number 0."""
        self._is_deciding = True
        return retry_delay(self._options, attempt, self.patience, self._elapsed())

    def retrying(self, attempt: int, delay: float) -> None:
        """The next attempt is planned, unless the backoff has decided otherwise."""
        self.patience.planned(delay)
        if self.is_wanted:
            self._listener.connection_retrying(attempt, delay)
        self._is_deciding = False
        if self.is_wanted:
            # It is no longer planned where somebody has closed and opened meanwhile.
            self._factory.plan(delay)

    # -- What the link tells ------------------------------------------------------

    def transport_raised(self, lost: ConnectionClosed) -> None:
        """The transport has raised in use: take it for lost, in the next turn."""
        self._drop_reason, self.is_open = lost, False
        self._overdue = self._overdue or Overdue(self._deadlines, self._end_overdue)
        self._overdue.at_once()

    def transport_broke(self, lost: ConnectionClosed) -> None:
        """The transport has raised where it was to end: take it for lost."""
        self._factory.lose(lost)

    def heartbeat_answered(self, round_trip: float) -> None:
        """The server has answered a heartbeat."""
        self.proved_stable()
        self._listener.heartbeat_answered(round_trip)

    # -- Inside -------------------------------------------------------------------

    def _is_under_way(self) -> bool:
        return self._is_attempting or self.link.transport is not None

    def _ended(self, reason: _E, tell: Callable[[_E], None], pace: Pace) -> bool:
        # The state first: whatever happens in what follows, it is whole.
        must_reopen, self._must_reopen = self._must_reopen, False
        if self.is_wanted and not must_reopen:
            decisions = self._decisions
            goes_on = shall_retry(self._options, reason)
            if decisions == self._decisions:
                self.is_wanted = goes_on
        if not self.is_wanted:
            self.link.wake_ups.unsubscribe(self.link)
        closing, self._closing = self._closing, {}
        if self._overdue is not None:
            self._overdue.cancel()
        was_asked = must_reopen or bool(closing)
        self.patience.follow(pace if was_asked else self.patience.hurried)
        tell_end(tell, reason)
        self.link.told_of_loss()
        for deferred in closing:
            deferred.callback(None)
        if self.is_wanted and not was_asked:
            # The factory goes on, and calls retrying().
            return True
        self._is_deciding = False
        if self.is_wanted:
            self._factory.begin(pace)
        return False

    def _hurry(self) -> None:
        """Have the planned attempt begin at once, if that is not asked too often."""
        if self.patience.may_hurry(self._elapsed(), shown_name(self._options)):
            self._factory.start_trying()

    def _close_transport(self, code: int = NORMAL, reason: str = "") -> None:
        if self.link.release() and self.is_open:
            self.is_open = False
            self.link.close(code, reason)

    def _expect_end(self) -> None:
        """Give what was told to end its time."""
        is_given_up = self._is_attempting and (self._must_reopen or not self.is_wanted)
        is_ending = is_given_up if self.link.transport is None else not self.is_open
        if is_ending:
            self._overdue = self._overdue or Overdue(self._deadlines, self._end_overdue)
            self._overdue.expect(self._options.close_timeout)

    def _end_overdue(self) -> None:
        """Take for ended what was told to end, and has not said that it did."""
        attempts, transport = self.attempts, self.link.transport
        self.link.abort()
        if self.link.transport is not transport or attempts != self.attempts:
            return
        if transport is None:
            self._factory.fail_attempt(NotConnected("the attempt was given up"))
        else:
            self._factory.lose(untold())


def next_attempt(connection: Connection) -> float | None:
    """In how many seconds the planned attempt begins; None if none is planned."""
    return connection._factory.next_attempt
