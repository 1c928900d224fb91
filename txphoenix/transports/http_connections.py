"""The connections of an HTTP session, none of which outlives it.

A connection serves one request at a time, and then the next, for as long as the server
allows it.
What tells that a request is alive is found here, where all bytes come by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer, ISSLTransport
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as BaseProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import ConnectionFailed, MessageTooLarge
from ..runtime.deadlines import Deadlines
from ..runtime.package_log import package_log
from .failures import failed_with
from .http_answer import AnswerReader
from .http_body import MalformedAnswer, RequestBody
from .http_head import Answer, ParseError
from .http_life import LifeSigns, is_quiet, unwritten_of
from .tls import verify_transport
from .tls_sessions import keep_session
from .write_at_once import write_now
from .writing import write_through

__all__ = ["Connection", "ConnectionFactory", "ServedRequest", "Session"]

log = Logger("txphoenix.transports.http_connections", observer=package_log)

# A body of up to so many bytes goes out in one write with what is before it.
_SHORT_BODY = 16 * 1024


class ServedRequest(Protocol):
    """A request, as the connection that serves it knows it."""

    def limit(self) -> int:
        """The most bytes that the body of the answer may have."""

    def alive(self) -> None:
        """Something has come or gone."""

    def body_written(self) -> None:
        """The transport has taken all of the body."""

    def ended(self, result: Answer | Failure) -> None:
        """This is the answer, or why there is none; the connection is free."""


class Session(Protocol):
    """Whoever has made a connection, as that knows it."""

    @property
    def deadlines(self) -> Deadlines | None:
        """What times the bodies of refusals, of which the beginning is enough then."""

    def connected(self, connection: Connection) -> None:
        """It has begun."""

    def is_free(self, connection: Connection) -> None:
        """It has served its request, and may serve another."""

    def ends(self, connection: Connection) -> None:
        """It ends in good order, and serves no further request."""

    def disconnected(self, connection: Connection) -> None:
        """It has ended."""


class Connection(BaseProtocol):
    """One connection.

    :param session: is told what becomes of it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        # The request under way, its body if that takes more than one write, and what
        # reads its answer.
        self._request: ServedRequest | None = None
        self._body: _Body | None = None
        self._reader: AnswerReader | None = None
        self._life = LifeSigns()
        self._error: Exception | None = None
        self._is_lost = False
        self._write: Callable[[Any, bytes], object] = write_now

    def makeConnection(self, transport: Any) -> None:
        """Begin, over TLS that does not fail open."""
        verify_transport(transport)
        if ISSLTransport.providedBy(transport):
            self._write = write_through
        self._session.connected(self)
        super().makeConnection(transport)

    @property
    def error(self) -> Exception | None:
        """Why it serves no further request; None if it does."""
        return self._error

    @property
    def is_usable(self) -> bool:
        """Whether it can serve a request, as far as can be known before it is sent."""
        return self._error is None and is_quiet(self.transport)

    def begin(self, request: ServedRequest, head: bytes, body: bytes | None) -> None:
        """Serve a request.

        :param request: is told what becomes of it.
        :param head: as it goes over the wire.
        :param body: what follows it, if anything.
        """
        self._request = request
        self._reader = AnswerReader(
            request.limit,
            self.abortConnection,
            self._session.deadlines,
            to_head=head.startswith(b"HEAD "),
        )
        self._life.begin(self.transport)
        self._or_lost(lambda: self._send(request, head, body))

    def _send(self, request: ServedRequest, head: bytes, body: bytes | None) -> None:
        transport: Any = self.transport
        if body is None or len(body) <= _SHORT_BODY:
            self._write(transport, head + body if body else head)
            if body is not None:
                self._written()
        else:
            self._write(transport, head)
            self._body = _Body(transport, body, request.alive, self._written)
            self._body.start()

    def give_up(self) -> None:
        """Forget the request under way, and end."""
        self._request = None
        self.abortConnection()

    @property
    def unwritten(self) -> int:
        """How many bytes the system has not been given: see :func:`unwritten_of`."""
        return unwritten_of(self.transport)

    def has_moved(self) -> bool:
        """Whether anything has come or gone since this was asked last."""
        return self._life.has_moved(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Take what has come of an answer."""
        request, reader = self._request, self._reader
        if self._error is not None:
            return
        if request is None or reader is None:
            # Nobody has asked.
            self.abortConnection()
            return
        try:
            rest = reader.take(data)
        except ParseError:
            self._fail(MalformedAnswer("an answer is not HTTP (ParseError)"))
        except (ConnectionFailed, MessageTooLarge) as error:
            self._fail(error)
        else:
            if self._error is not None:
                # There was too much of its body.
                return
            if rest is not None:
                self._answered(reader, rest)
                return
            request.alive()
            self._life.seen(self.transport)

    def _answered(self, reader: AnswerReader, rest: bytes) -> None:
        body, self._body, self._reader = self._body, None, None
        is_whole = body is None or body.is_done
        if body is not None:
            body.stop()
        request, self._request = self._request, None
        answering = reader.finish()
        if not is_whole:
            # The server wants no more of it.
            self.abortConnection()
        elif reader.is_persistent and not rest:
            self._session.is_free(self)
        else:
            self.loseConnection()
        if request is not None:
            answering.addBoth(request.ended)
        else:
            answering.addErrback(lambda _: None)

    def _written(self) -> None:
        """What is left of the body is with the system, and with the transport."""
        if self._request is not None:
            self._request.body_written()
            self.has_moved()

    def _fail(self, error: Exception) -> None:
        self._error = error
        self.abortConnection()

    def loseConnection(self) -> None:
        """End the connection in good order, once nothing is to come any more."""
        if self._error is None:
            self._error = ConnectionFailed("the connection is not used any more")
        self._session.ends(self)
        transport: Any = self.transport
        self._or_lost(transport.loseConnection)

    def abortConnection(self) -> None:
        """End the connection at once, as far as its transport can.

        One that is no TCP, such as a channel of SSH, can end in good order alone.
        """
        if self._error is None:
            self._error = ConnectionFailed("the connection was given up")
        transport: Any = self.transport
        self._or_lost(
            getattr(transport, "abortConnection", None) or transport.loseConnection
        )

    def _or_lost(self, call: Callable[[], object]) -> None:
        """Call the transport; one of the user's that raises is lost."""
        try:
            call()
        except BaseException as error:
            log.failure("the transport raised; it is taken for lost")
            self._error = failed_with(error)
            self.connectionLost()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell of the end.

        What is told is an error of its own: what Twisted says may be an object that all
        connections of the process share, and what hangs on that stays for good.
        """
        if self._is_lost:
            return
        self._is_lost = True
        # Some bodies end with the connection, and are whole if that is not cut off.
        is_end = self._error is None and reason.check(ConnectionDone) is not None
        keep_session(self.transport, reason)
        error = self._error or failed_with(reason.value or ConnectionDone())
        self._error = error
        request, self._request = self._request, None
        reader, self._reader = self._reader, None
        if self._body is not None:
            self._body.stopProducing()
            self._body = None
        self._session.disconnected(self)
        if request is None:
            return
        ended = None if reader is None else reader.lost(Failure(error), is_end)
        if ended is None:
            request.ended(Failure(error))
        else:
            ended.addBoth(request.ended)


@implementer(IPushProducer)
class _Body(RequestBody):
    """A body that takes more than one write."""

    def __init__(
        self,
        transport: Any,
        body: bytes,
        progressed: Callable[[], None],
        written: Callable[[], None],
    ) -> None:
        super().__init__(body, progressed, written)
        self._transport = transport

    def start(self) -> None:
        """Begin to write it."""
        self._transport.registerProducer(self, True)
        self.startProducing(self._transport).addCallback(lambda _: self._unregister())

    @property
    def is_done(self) -> bool:
        """Whether the transport has taken all of it."""
        return bool(self._finished.called)

    def stop(self) -> None:
        """Write no more."""
        if not self.is_done:
            self.stopProducing()
            self._unregister()

    def _unregister(self) -> None:
        self._transport.unregisterProducer()


class ConnectionFactory(Factory):
    """Makes the protocol of one connection.

    :param session: is told of it.
    :param is_wanted: whether a connection is still to be made: an endpoint that was
        told to stop may connect all the same, much later.
    """

    noisy = False

    def __init__(self, session: Session, is_wanted: Callable[[], bool]) -> None:
        self._session = session
        self._is_wanted = is_wanted

    def doStart(self) -> None:
        """Twisted's factory tells the log of each connection, which then holds it."""

    doStop = doStart

    def buildProtocol(self, addr: Any) -> Any:
        """Make it, if it is still wanted."""
        return Connection(self._session) if self._is_wanted() else None
