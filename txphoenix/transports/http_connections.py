"""The connections of an HTTP session, none of which outlives it.

Twisted's client takes as many bytes of headers as a server sends, so they are counted
here, where all bytes come by; so is what tells that a request is alive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from ..runtime.package_log import package_log
from .failures import failed_with
from .http_body import AnswerTooLarge, MalformedAnswer
from .tls import verify_transport
from .tls_sessions import keep_session
from .writing import bytes_received, descriptor_of, in_kernel, unwritten

__all__ = ["Connection", "ServedRequest", "TrackedEndpoint"]

log = Logger("txphoenix.transports.http_connections", observer=package_log)

# The most bytes of an answer's headers, with all interim answers (RFC 9110 section
# 15.2) before it; a WebSocket's handshake has as much.
_LONGEST_HEAD: Final = 64 * 1024


class ServedRequest(Protocol):
    """A request, as the connection that serves it knows it."""

    @property
    def awaits_head(self) -> bool:
        """Whether the status and the headers of the answer have not come yet."""

    def alive(self) -> None:
        """Something has come or gone."""


class Connection(ProtocolWrapper):
    """One connection, as HTTP's client sees it."""

    def __init__(self, factory: Any, wrapped: IProtocol) -> None:
        super().__init__(factory, wrapped)
        # The request under way.
        self._exchange: ServedRequest | None = None
        self._head_size = 0
        # How many bytes of ours the peer had not taken, when that was looked at last.
        self._not_taken = 0
        # How many bytes had ever come.
        self._came = 0
        self._error: Exception | None = None
        self._is_lost = False

    def makeConnection(self, transport: Any) -> None:
        """Begin, over TLS that does not fail open."""
        verify_transport(transport)
        super().makeConnection(transport)

    def begin(self, exchange: ServedRequest) -> None:
        """Serve a request from now on."""
        self._exchange = exchange
        self._head_size = 0
        self._came = bytes_received(descriptor_of(self))

    def end(self) -> None:
        """The request has its answer."""
        self._exchange = None

    @property
    def unwritten(self) -> int:
        """How many bytes the system has not been given, as far as that can be known.

        After the loss it is what was so then.
        """
        return 0 if descriptor_of(self) is None else unwritten(self)

    def has_moved(self) -> bool:
        """Whether anything has come or gone since this was asked last.

        That the peer takes bytes of ours shows here alone, and so does the part of a
        record of TLS.
        """
        descriptor = descriptor_of(self)
        not_taken, came = self._not_taken, self._came
        if descriptor is not None:
            self._not_taken = unwritten(self) + in_kernel(descriptor)
            self._came = bytes_received(descriptor)
        return self._not_taken < not_taken or came < self._came

    def dataReceived(self, data: bytes) -> None:
        """Count what comes, and pass it on."""
        if self._error is not None:
            return
        exchange = self._exchange
        if exchange is not None:
            exchange.alive()
            self._came = bytes_received(descriptor_of(self))
        super().dataReceived(data)
        if exchange is not None and exchange.awaits_head:
            # After the client has seen it: the rest of a read may be the body.
            self._head_size += len(data)
            if self._head_size > _LONGEST_HEAD:
                self._error = AnswerTooLarge(
                    self._head_size, _LONGEST_HEAD, "the headers of an answer"
                )
                self.abortConnection()

    def loseConnection(self) -> None:
        """End the connection.

        HTTP's client has that for its only answer to a line that is too long.
        """
        if self._exchange is not None and self._exchange.awaits_head:
            self._error = MalformedAnswer(
                f"a line of an answer has more than {LineReceiver.MAX_LENGTH} bytes"
            )
            # A server may let TLS wait for its end of the connection.
            self.abortConnection()
        else:
            self._end_by(super().loseConnection)

    def abortConnection(self) -> None:
        """End the connection at once, as far as its transport can.

        One that is no TCP, such as a channel of SSH, can end in good order alone.
        """
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
        if self._is_lost:
            return
        self._is_lost = True
        keep_session(self.transport, reason)
        error = self._error or failed_with(reason.value or ConnectionDone())
        self._exchange = None
        super().connectionLost(Failure(error))


@implementer(IStreamClientEndpoint)
class TrackedEndpoint:
    """An endpoint that knows its connections, and ends them all.

    :param endpoint: what connects.
    """

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint
        self._is_closed = False
        self._connections: dict[Connection, None] = {}
        self._empty: list[Deferred[None]] = []

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect as the endpoint does."""
        factory = _ConnectionFactory(self, protocolFactory)
        connecting: Deferred[Any] = self._endpoint.connect(factory)
        # The pool knows its own protocols.
        return connecting.addCallback(lambda connection: connection.wrappedProtocol)

    def close(self) -> Deferred[None]:
        """End all connections.

        :return: a Deferred of None that fires when none is left.
        """
        self._is_closed = True
        for connection in list(self._connections):
            connection.abortConnection()
        if not self._connections:
            return succeed(None)
        empty: Deferred[None] = Deferred()
        self._empty.append(empty)
        return empty

    def oldest(self) -> Connection | None:
        """The connection that was made first, of those that are open."""
        return next(iter(self._connections), None)

    def may_connect(self) -> bool:
        """An endpoint that was told to stop may connect all the same, much later."""
        return not self._is_closed

    def connected(self, connection: Connection) -> None:
        """There is another connection."""
        self._connections[connection] = None

    def disconnected(self, connection: Connection) -> None:
        """A connection has ended."""
        del self._connections[connection]
        if not self._connections:
            waiting, self._empty = self._empty, []
            for deferred in waiting:
                deferred.callback(None)


class _ConnectionFactory(WrappingFactory):
    """Makes the protocol of one connection."""

    protocol = Connection
    noisy = False

    def __init__(self, endpoint: TrackedEndpoint, factory: IProtocolFactory) -> None:
        super().__init__(factory)
        self._endpoint = endpoint

    def doStart(self) -> None:
        """Twisted's factory tells the log of each connection, which then holds it."""

    doStop = doStart

    def buildProtocol(self, addr: Any) -> Any:
        return super().buildProtocol(addr) if self._endpoint.may_connect() else None

    def registerProtocol(self, p: Connection) -> None:
        self._endpoint.connected(p)

    def unregisterProtocol(self, p: Connection) -> None:
        self._endpoint.disconnected(p)
