"""The fallback: a WebSocket if it works, long-poll if not.

Some proxies refuse a WebSocket, some never answer it, and some open it and let no frame
through.
So a WebSocket counts as open when the server has answered a first heartbeat on it, and
until then nobody is told of it; if that takes longer than ``longpoll_fallback``, or
fails, the same attempt goes on with long-poll::

    attempt_started -> WebSocket -> heartbeat -> answer                   -> opened
                           |            |
                  failed   v            v  failed, or too late
                       long-poll -> session                               -> opened
                           |
                           v  failed                                      -> failed

Once long-poll has worked where the WebSocket never did, later attempts begin with it.
A WebSocket that has once worked is always tried first, and so it is after an attempt in
which neither worked: the network may be another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from twisted.internet.error import NotConnectingError
from twisted.internet.interfaces import IConnector, IReactorTime
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from ..errors import (
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    ConnectTimeout,
    HandshakeRefused,
    NotConnected,
)
from ..legible import error_text
from ..options.options import Options
from ..options.shown_name import shown_name
from ..protocol.close_codes import SERVICE_RESTART, TRY_AGAIN_LATER
from ..runtime.deadlines import Deadlines, DelayedCall
from ..runtime.package_log import package_log
from .addresses import AnsweringAddresses
from .connector import EndpointConnector
from .interfaces import FrameReceiver, Transport
from .longpoll_connector import LongPollConnector
from .websocket_factory import ConnectorMaker, PhoenixClientFactory

__all__ = ["FallbackConnector"]

log = Logger("txphoenix.transports.fallback", observer=package_log)


class FallbackConnector:
    """Opens a WebSocket or, where that does not work, long-poll.

    :param reactor: opens transports, tells the time and calls later.
    :param factory: what is told.
    :param options: the client's options.
    """

    def __init__(
        self, reactor: IReactorTime, factory: PhoenixClientFactory, options: Options
    ) -> None:
        self._deadlines = Deadlines.of(reactor)
        self._factory = factory
        self._connection = factory.connection
        self._options = options
        addresses = factory.addresses
        self._websocket = _Path(
            self, reactor, _over_websocket(options), EndpointConnector, addresses
        )
        self._longpoll = _Path(
            self, reactor, _over_longpoll(options), LongPollConnector, addresses
        )
        # The path of the attempt under way, or of the open transport.
        self._path: _Path | None = None
        self._is_opened = False
        # A WebSocket on which nothing has come yet.
        self._unproved: Transport | None = None
        self._timer: DelayedCall | None = None
        # Why the path under way is given up, where that is our doing.
        self._given_up: Exception | None = None
        self._has_websocket_worked = False
        self._prefers_longpoll = False
        self._websocket_error: Exception | None = None
        # Whether the attempt under way makes its second WebSocket.
        self._is_second = False
        # Whether the log has it that there is no WebSocket.
        self._has_told = False

    def reset_options(self, options: Options) -> None:
        """Use other options, from the next transport on where they concern it."""
        self._options = options
        self._websocket.factory.reset_options(_over_websocket(options))
        self._longpoll.factory.reset_options(_over_longpoll(options))

    def connect(self) -> None:
        """Begin an attempt."""
        self._given_up = self._websocket_error = None
        self._is_second = False
        self._path = self._longpoll if self._prefers_longpoll else self._websocket
        self._connection.attempt_started()
        # Whoever was told may have given the attempt up already.
        given_up, self._given_up = self._given_up, None
        if given_up is not None:
            self._finish(given_up)
            return
        if self._path is self._websocket:
            self._timer = self._deadlines.callLater(
                self._options.longpoll_fallback or 0, self._time_out
            )
        self._path.factory.start_trying()

    def stopConnecting(self) -> None:
        """Give up the attempt under way.

        :raises NotConnectingError: there is none.
        """
        if self._path is None or self._is_opened:
            raise NotConnectingError()
        self._give_up(NotConnected("the attempt to connect was given up"))

    def dismiss(self) -> None:
        """Tell nothing more, whatever becomes of the attempt or the transport."""
        self._stop_timer()
        for path in (self._websocket, self._longpoll):
            path.factory.connector.dismiss()

    # -- What the paths tell ------------------------------------------------------

    def path_opened(self, path: _Path, transport: Transport) -> None:
        """A transport has opened."""
        if path is self._websocket:
            self._unproved = transport
            path.frame_received = self.first_received
            path.receiver_of = lambda _: self.first_received
            heartbeat = self._connection.encode_heartbeat()
            # The codec is the user's, and may have ended the attempt.
            if self._given_up is None:
                transport.send(*heartbeat)
        else:
            self._prefers_longpoll = not self._has_websocket_worked
            reason, self._websocket_error = self._websocket_error, None
            # Once until there is a WebSocket again: a client may come back often.
            if reason is not None and not self._has_told:
                self._has_told = True
                text = "{client}: there is long-poll, but no WebSocket: {reason}"
                self._tell(LogLevel.info, text, reason)
            self._open(transport)

    def first_received(self, data: bytes, is_binary: bool) -> None:
        """The first frame has come on the WebSocket: it works."""
        if not self._is_opened:
            transport, self._unproved = self._unproved, None
            self._has_websocket_worked, self._has_told = True, False
            self._open(cast(Transport, transport))
        # The transport has this function for the rest of a read, too.
        # A connection that was closed by whoever was told takes no more frames.
        self._connection.frame_received(data, is_binary)

    def path_ended(self, path: _Path, reason: Exception) -> None:
        """An attempt has failed, or a transport has ended."""
        if self._is_opened:
            self._is_opened = False
            self._path = None
            self._factory.clientConnectionLost(cast(IConnector, self), Failure(reason))
            return
        if self._given_up is None and self._may_do_without_compression(path):
            self._is_second = True
            path.factory.start_trying()
            return
        self._stop_timer()
        self._unproved = None
        # Whoever is told of it may raise it, and we are not to hold what that holds.
        given_up, self._given_up = self._given_up, None
        reason = given_up or reason
        has_choice = not isinstance(reason, ConfigurationError | NotConnected)
        if path is self._websocket and has_choice:
            self._tell(LogLevel.debug, "{client}: no WebSocket: {reason}", reason)
            self._websocket_error = reason
            self._path = self._longpoll
            self._longpoll.factory.start_trying()
        else:
            self._prefers_longpoll = False
            reason = self._better_error(reason)
            self._websocket_error = None
            self._finish(reason)

    # -- Inside -------------------------------------------------------------------

    def _tell(self, level: LogLevel, text: str, reason: Exception) -> None:
        client, told = shown_name(self._options), error_text(reason, 500)
        log.emit(level, text, client=client, reason=told, error=reason)

    def _open(self, transport: Transport) -> None:
        self._stop_timer()
        self._is_opened = True
        path = cast(_Path, self._path)
        self._connection.transport_opened(transport)
        # From the next read on, a frame takes no detour.
        path.frame_received = self._connection.frame_received
        path.receiver_of = self._connection.receiver_of

    def _may_do_without_compression(self, path: _Path) -> bool:
        """Whether a WebSocket has failed that may open without what it has offered."""
        return (
            path is self._websocket
            and not self._is_second
            and path.factory.was_offer_refused
        )

    def _better_error(self, reason: Exception) -> Exception:
        """What an attempt has failed with.

        It is what long-poll failed with, unless the server just has no long-poll, or
        has said why it closed the WebSocket, by a code that the next delay goes by.
        What either was told of ``Retry-After`` is in it, the longer of both.
        """
        first = self._websocket_error
        if first is None or not isinstance(reason, ConnectionFailed):
            return reason
        has_none = isinstance(reason, HandshakeRefused) and reason.status == 404
        better = first if has_none or _closed_for_now(first) else reason
        if isinstance(better, ConnectionFailed):
            wishes = (getattr(first, "retry_after", None), reason.retry_after)
            better.retry_after = max(filter(None, wishes), default=better.retry_after)
        return better

    def _finish(self, reason: Exception) -> None:
        self._path = None
        self._factory.clientConnectionFailed(cast(IConnector, self), Failure(reason))

    def _time_out(self) -> None:
        self._timer = None
        reason = ConnectTimeout(
            self._options.longpoll_fallback or 0, "a first answer by WebSocket"
        )
        self._factory.addresses.attempt_failed(reason)
        self._give_up(reason)

    def _give_up(self, reason: Exception) -> None:
        has_given_up = self._given_up is not None
        self._given_up = reason
        self._stop_timer()
        if has_given_up or self._path is None:
            return
        if self._unproved is not None:
            self._unproved.abort()
        elif self._path.is_trying:
            self._path.factory.connector.stopConnecting()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


class _Path:
    """One of the two transports: who keeps the connection, as its factory sees it.

    The factory never tries again by itself; that is for the whole to decide.
    """

    def __init__(
        self,
        connector: FallbackConnector,
        reactor: IReactorTime,
        options: Options,
        maker: ConnectorMaker,
        addresses: AnsweringAddresses,
    ) -> None:
        self._connector = connector
        self._connection = connector._connection
        self.factory = PhoenixClientFactory(reactor, options, self, maker, addresses)
        self.is_trying = False
        self.frame_received: FrameReceiver = self._connection.frame_received
        self.receiver_of: Callable[[bytes], FrameReceiver] = (
            self._connection.receiver_of
        )

    def attempt_begins(self) -> None:
        """The connector of a path is never the user's."""

    def attempt_started(self) -> None:
        """The whole has begun; nobody else is to be told."""
        self.is_trying = True

    def transport_opened(self, transport: Transport) -> None:
        """The transport has opened."""
        self.is_trying = False
        self._connector.path_opened(self, transport)

    def transport_closing(self) -> None:
        """The closing handshake has begun."""
        self._connection.transport_closing()

    def transport_full(self) -> None:
        """The transport has enough to write."""
        self._connection.transport_full()

    def transport_writable(self) -> None:
        """The transport has room again."""
        self._connection.transport_writable()

    def transport_lost(self, reason: ConnectionFailed) -> bool:
        """The transport has ended."""
        self._connector.path_ended(self, reason)
        return False

    def attempt_failed(self, reason: Exception) -> bool:
        """The attempt has failed."""
        self.is_trying = False
        self._connector.path_ended(self, reason)
        return False

    def proved_stable(self) -> None:
        """The server has answered."""
        self._connection.proved_stable()

    def encode_heartbeat(self) -> tuple[bytes, bool]:
        """Make a heartbeat's frame."""
        return self._connection.encode_heartbeat()

    def retry_delay(self, attempt: int) -> float:
        """Nobody asks: the factory does not try again."""
        return 0.0

    def retrying(self, attempt: int, delay: float) -> None:
        """Nor does it plan to."""


def _closed_for_now(error: Exception) -> bool:
    """Whether a server has closed since it restarts, or has too much to do."""
    return isinstance(error, ConnectionClosed) and error.code in (
        SERVICE_RESTART,
        TRY_AGAIN_LATER,
    )


def _over_websocket(options: Options) -> Options:
    return options.replace(longpoll_fallback=None)


def _over_longpoll(options: Options) -> Options:
    return options.replace(transport="longpoll", longpoll_fallback=None)
