"""The connection as a user sees it: what it was asked for, and what it has told."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from zope.interface import implementer

from txphoenix import ConnectionFailed, SocketClient

from .promises import Promise, Promises
from .server import ModelServer

__all__ = ["DELAYS", "Link"]

DELAYS = (0.5, 1.0, 2.0, 5.0, 9.0)
"""The delays before attempts to connect, by how many have failed; the last stays."""

# The seconds after which a connection has lasted, so that the delays begin anew.
_LASTED = 10.0
_TOLERANCE = 1e-3
# What is told to end has this many seconds after close_timeout, at most.
_GRACE = 1.1
_RESTART = 1012


@implementer(IStreamClientEndpoint)
class Link:
    """What a user knows of a client's connection; it is the client's endpoint, too.

    :param transport: ``"websocket"``, ``"longpoll"`` or ``"fallback"``.
    :ivar client: the client.
    :ivar is_wanted: whether the user wants a connection.
    :ivar is_told_open: whether ``on_open`` was called last, and not ``on_close``.
    :ivar losses: how often ``on_close`` was called.
    :ivar goodbyes: how often the user has disconnected or stopped.
    :ivar is_asked: whether the user has asked for the end of what is open.
    :ivar is_over: whether the client was stopped, and that is over.
    :ivar push_buffer: the option's value.
    """

    client: SocketClient

    def __init__(
        self, promises: Promises, server: ModelServer, transport: str, push_buffer: int
    ) -> None:
        self._promises = promises
        self._server = server
        self._transport = transport
        self.push_buffer = push_buffer
        self.is_wanted = self.is_told_open = self.is_asked = False
        self.is_over = False
        self.losses = self.goodbyes = 0
        self._has_cause = False
        # Since when it has been seen not to be open, and its end was not told.
        self._closing_since: float | None = None
        self._goodbye_at = self._opened_at = self._deaf_since = 0.0
        # How many attempts have failed; None after the user has decided something.
        self._failed: int | None = None
        self._due: float | None = None
        self._was_restart = False
        # Over fallback: whether a WebSocket must be tried first, and whether something
        # has been in its way since the attempt began; None if none has begun.
        self._must_try = self._has_worked = False
        self._is_hindered: bool | None = None
        self._was_told_lost = False

    def hold(self, promise: Promise, holds: object, what: str) -> None:
        """Take note of a broken promise unless something is so."""
        self._promises.hold(promise, holds, f"connection: {what}")

    @property
    def _now(self) -> float:
        return self._server.clock.seconds()

    # -- What the user and the network do ------------------------------------------

    def decide(self, is_wanted: bool, ends: bool) -> None:
        """The user decides what is to be.

        :param ends: whether that ends what is open, or under way.
        """
        self.goodbyes += self.is_wanted and not is_wanted
        self.is_over = self.is_over and not is_wanted
        self.is_wanted = is_wanted
        self.is_asked = self.is_asked or ends
        self._failed = self._due = None
        if not is_wanted:
            self._goodbye_at = self._now

    def goodbye_over(self, kind: str) -> None:
        """What ends all has fired; after a stop, nothing is left until a start."""
        self.is_over = self.is_over or (kind == "stop" and not self.is_wanted)

    def disturb(self) -> None:
        """Something happens that may end the connection."""
        self._has_cause = True
        if self._is_hindered is not None:
            self._is_hindered = True

    def is_deaf(self, since: float) -> None:
        """From now on nothing is heard of the server."""
        self.disturb()
        self._deaf_since = since

    # -- What the client tells -----------------------------------------------------

    def told_open(self) -> None:
        """It is open."""
        self.hold(Promise.TOLD, not self.is_told_open, "on_open() twice")
        self.hold(Promise.TOLD, self.client.connected, "on_open(), not connected")
        self.hold(Promise.TOLD, self.is_wanted, "on_open() while nobody wants it")
        self.is_told_open, self.is_asked = True, False
        self._opened_at = self._now
        self._check_path()
        # A server may have ended a session before the client was told of its opening.
        self._has_cause = self._is_obstructed or self._server.sessions[-1].closed

    @property
    def _is_obstructed(self) -> bool:
        server = self._server
        return (
            server.is_stalled
            or server.is_paused
            or server.holds_joins
            or server.is_deaf
            or server.is_breaking
        )

    def _check_path(self) -> None:
        """A WebSocket is used where it may work, and nothing is in its way."""
        is_websocket = self._server.sessions[-1].socket.transport == "websocket"
        if self._transport == "fallback" and self._must_try and not self._is_hindered:
            self.hold(Promise.TOLD, is_websocket, "long-poll, and a WebSocket may work")
        self._has_worked = self._has_worked or is_websocket
        self._must_try = self._has_worked
        self._is_hindered = None

    def told_lost(self, reason: ConnectionFailed) -> None:
        """It is lost."""
        self.losses += 1
        self.hold(Promise.TOLD, self.is_told_open, "on_close() without on_open()")
        self.hold(Promise.TOLD, not self.client.connected, "on_close(), connected")
        has_cause = self._has_cause or self.is_asked
        self.hold(Promise.STAYS, has_cause, f"lost without a cause: {reason}")
        self.is_told_open = False
        self._is_hindered, self._was_told_lost = None, True
        self.told_error(reason)
        lasted = self._now - self._opened_at - _LASTED
        if abs(lasted) < _TOLERANCE:
            self._failed = None
        elif lasted > 0 and self._failed is not None:
            self._failed = 0

    def told_error(self, reason: Exception) -> None:
        """It is lost, or an attempt has failed: after a restart delays are spread."""
        self._was_restart = getattr(reason, "code", None) == _RESTART

    def backoff(self, attempt: int) -> float:
        """Be asked for the delay before the next attempt, as the client's option."""
        expected = attempt if self._failed is None else self._failed
        what = f"asked for attempt {attempt} after {expected} that failed"
        self.hold(Promise.DELAYS, attempt == expected, what)
        self._failed = attempt + 1
        # After an attempt in which neither worked the network may be another one.
        self._must_try = self._must_try or not self._was_told_lost
        self._is_hindered, self._was_told_lost = None, False
        delay = DELAYS[min(attempt, len(DELAYS) - 1)]
        self._due = None if self._was_restart else self._now + delay
        self._was_restart = False
        return delay

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, as the client's endpoint."""
        due, self._due = self._due, None
        if due is not None:
            late = self._now - due
            what = f"an attempt {late:g} s after its time"
            self.hold(Promise.DELAYS, abs(late) < _TOLERANCE, what)
        self.hold(Promise.TOLD, self._may_connect, "an attempt that nobody wants")
        server = self._server
        if self._is_hindered is None and not self.is_told_open:
            self._is_hindered = (
                self._is_obstructed
                or server.holds_connections
                or not server.is_listening
                or server.refusal_of("websocket") is not None
            )
        return self._server.accept(protocolFactory)

    @property
    def _may_connect(self) -> bool:
        # What was pushed before may need a request to itself.
        is_late = self._now > self._goodbye_at + self.client.options.close_timeout
        return self.is_wanted or (self._transport != "websocket" and not is_late)

    # -- What must be so after each step --------------------------------------------

    def check(self, options: Any) -> None:
        """What is told is so, and nothing is overdue."""
        now, client = self._now, self.client
        if self._due is not None:
            self.hold(
                Promise.DELAYS, now <= self._due + _TOLERANCE, "no attempt in time"
            )
        status = client.get_state("status")
        is_so = status == client.status and client.connected == (status == "connected")
        self.hold(Promise.TOLD, is_so, f"{status}, {client.status}, {client.connected}")
        if client.connected or not self.is_told_open:
            self.hold(
                Promise.TOLD,
                client.connected == self.is_told_open,
                f"connected: {client.connected}, told open: {self.is_told_open}",
            )
            self._closing_since = None
        else:
            if self._closing_since is None:
                self._closing_since = now
            is_over = now > self._closing_since + options.close_timeout + _GRACE
            self.hold(Promise.TOLD, not is_over, "its end is not told")
        if self._is_deaf and self._transport == "websocket" and self.is_told_open:
            bound = options.heartbeat_interval + options.heartbeat_timeout
            bound += options.close_timeout + _GRACE
            since = max(self._deaf_since, self._opened_at)
            self.hold(Promise.STAYS, now <= since + bound, "a dead peer was not found")

    @property
    def _is_deaf(self) -> bool:
        server = self._server
        return (server.is_stalled or server.is_paused) and not server.reads_paused
