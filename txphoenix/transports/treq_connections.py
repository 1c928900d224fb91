"""The connections of :class:`.TreqSession`.

Twisted's client takes as many bytes of headers as a server sends, so they are counted
here, where all bytes come by; so is what tells that a request is alive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocol, IProtocolFactory
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from ..errors import ConnectionFailed
from ..runtime.package_log import package_log
from .failures import failed_with
from .http_body import AnswerTooLarge
from .http_endpoint import TrackedEndpoint
from .http_head import LONGEST_HEAD, line_too_long
from .http_life import LifeSigns, is_quiet, unwritten_of
from .tls import verify_transport
from .tls_sessions import keep_session

__all__ = ["Connection", "ConnectionFactory", "ServedRequest"]

log = Logger("txphoenix.transports.treq_connections", observer=package_log)


class ServedRequest(Protocol):
    """A request, as the connection that serves it knows it."""

    @property
    def awaits_head(self) -> bool:
        """Whether the status and the headers of the answer have not come yet."""

    def alive(self) -> None:
        """Something has come or gone."""


class Connection(ProtocolWrapper):
    """One connection, as HTTP's client sees it.

    :param endpoint: is told what becomes of it.
    :ivar lost_with: what has ended it, once it has ended.
    :ivar is_cut_off: whether that was not the server, in good order.
    """

    def __init__(
        self,
        factory: Any,
        wrapped: IProtocol,
        endpoint: TrackedEndpoint[Connection],
    ) -> None:
        super().__init__(factory, wrapped)
        self.lost_with: Exception | None = None
        self.is_cut_off = False
        self._endpoint = endpoint
        # The request under way.
        self._exchange: ServedRequest | None = None
        self._has_served = False
        self._head_size = 0
        self._life = LifeSigns()
        self._error: Exception | None = None
        self._is_last = self._is_ending = False

    def makeConnection(self, transport: Any) -> None:
        """Begin, over TLS that does not fail open."""
        verify_transport(transport)
        super().makeConnection(transport)

    @property
    def is_usable(self) -> bool:
        """Whether it can serve a request, as far as can be known before it is sent."""
        return not self._has_served or (
            self._error is None and not self._is_ending and is_quiet(self.transport)
        )

    def begin(self, exchange: ServedRequest) -> None:
        """Serve a request from now on."""
        self._exchange = exchange
        self._has_served = True
        self._head_size = 0
        self._life.begin(self)

    def end(self) -> None:
        """The request has its answer."""
        self._exchange = None
        if self._is_last and not self._is_ending and self.lost_with is None:
            self.loseConnection()

    def serves_no_other(self) -> None:
        """Have the request under way be the last; HTTP's client has not noticed."""
        self._is_last = True

    @property
    def unwritten(self) -> int:
        """How many bytes the system has not been given: see :func:`unwritten_of`."""
        return unwritten_of(self)

    def has_moved(self) -> bool:
        """Whether anything has come or gone since this was asked last."""
        return self._life.has_moved(self)

    def dataReceived(self, data: bytes) -> None:
        """Count what comes, and pass it on."""
        if self._error is not None:
            return
        exchange = self._exchange
        if exchange is None:
            # Nobody has asked.
            self.abortConnection()
            return
        exchange.alive()
        self._life.seen(self)
        super().dataReceived(data)
        if exchange.awaits_head:
            # After the client has seen it: the rest of a read may be the body.
            self._head_size += len(data)
            if self._head_size > LONGEST_HEAD:
                self._error = AnswerTooLarge(
                    self._head_size, LONGEST_HEAD, "the headers of an answer"
                )
                self.abortConnection()

    def loseConnection(self) -> None:
        """End the connection.

        HTTP's client has that for its only answer to a line that is too long.
        """
        if self._exchange is not None and self._exchange.awaits_head:
            self._error = line_too_long()
            # A server may let TLS wait for its end of the connection.
            self.abortConnection()
        else:
            self._is_ending = True
            self._endpoint.ends(self)
            self._end_by(super().loseConnection)

    def abortConnection(self) -> None:
        """End the connection at once, as far as its transport can.

        One that is no TCP, such as a channel of SSH, can end in good order alone.
        """
        if self._error is None:
            self._error = ConnectionFailed("the connection was given up")
        transport: Any = self.transport
        self._end_by(
            getattr(transport, "abortConnection", None) or transport.loseConnection
        )

    def _end_by(self, end: Callable[[], object]) -> None:
        """End the connection; a transport of the user's that raises is lost."""
        try:
            end()
        except BaseException as error:
            log.failure("the transport raised; it is taken for lost")
            self._error = self._error or failed_with(error)
            self.connectionLost()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell HTTP's client of the end.

        It is told of an error that is its own: what Twisted says may be an object that
        all connections of the process share, and what hangs on that stays for good.
        """
        if self.lost_with is not None:
            return
        keep_session(self.transport, reason)
        self.is_cut_off = self._error is not None or not reason.check(ConnectionDone)
        error = self._error or failed_with(reason.value or ConnectionDone())
        self.lost_with = error
        self._exchange = None
        super().connectionLost(Failure(error))


class ConnectionFactory(WrappingFactory):
    """Makes the protocol of one connection.

    :param endpoint: is told of it.
    :param factory: makes that of HTTP's client.
    :param is_wanted: whether a connection is still to be made: an endpoint that was
        told to stop may connect all the same, much later.
    """

    noisy = False

    def __init__(
        self,
        endpoint: TrackedEndpoint[Connection],
        factory: IProtocolFactory,
        is_wanted: Callable[[], bool],
    ) -> None:
        super().__init__(factory)
        self._endpoint = endpoint
        self._is_wanted = is_wanted

    def doStart(self) -> None:
        """Twisted's factory tells the log of each connection, which then holds it."""

    doStop = doStart

    def buildProtocol(self, addr: Any) -> Any:
        """Make it, if it is still wanted."""
        if not self._is_wanted():
            return None
        made: Any = self.wrappedFactory.buildProtocol(addr)
        return Connection(self, made, self._endpoint)

    def registerProtocol(self, p: Any) -> None:
        """It has begun."""
        self._endpoint.connected(p)

    def unregisterProtocol(self, p: Any) -> None:
        """It has ended."""
        self._endpoint.disconnected(p)
