"""HTTP requests by a client of our own, none of whose connections outlives its session.

A treq request goes through its own preparation and through Twisted's agent, pool and
parser, each of which does more than long-poll has use for; this takes a third of the
time.
With ``fast_http`` set to false, the client's option, requests are treq's
(:mod:`.treq_session`).

Everything is of the session's own: the connections, the cookies (a load balancer's,
which lead each request to the same server), and the end of all of it, which leaves no
connection and no delayed call behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from ..protocol.handshake import cookie_lines
from ..runtime.contexts import without_context
from ..runtime.deadlines import Deadlines, Timer
from .cookies import ServerCookies
from .http_connections import Connection, ConnectionFactory
from .http_endpoint import TrackedEndpoint
from .http_head import Answer
from .http_requests import (
    LONGEST_IDLE,
    MOST_IDLE,
    NoAnswer,
    cause_of,
    cookies_of,
    resource_of,
)

__all__ = ["Exchange", "HTTPSession"]


class HTTPSession:
    """Requests to one server.

    :param reactor: times the requests and the idle connections.
    :param endpoint: reaches the server, TLS included.
    :param timeout: the seconds that a request may be silent.
    :param limit: the most bytes that the body of an answer may have.
    :param cookies: takes the server's cookies, and has them for each request.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        endpoint: IStreamClientEndpoint,
        *,
        timeout: float,
        limit: int,
        cookies: ServerCookies | None = None,
    ) -> None:
        self.cookies = cookies
        self.timeout = timeout
        self.limit = limit
        self.deadlines = Deadlines.of(reactor)
        self._endpoint = TrackedEndpoint[Connection](endpoint, self.deadlines)
        self._idle: dict[Connection, Timer] = {}
        self._requests: dict[Exchange, None] = {}

    @property
    def connection(self) -> Any:
        """The transport of the oldest connection; None if there is none."""
        return self._endpoint.oldest()

    def request(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | None = None,
        timeout: float | None = None,
        written: Callable[[], None] | None = None,
    ) -> Deferred[Answer]:
        """Make a request: see :meth:`.HTTPRequests.request`."""
        head = _head(method, url, headers, self.cookies, body)
        timeout = self.timeout if timeout is None else timeout
        exchange = Exchange(self, head, body, timeout, written)
        self._requests[exchange] = None
        exchange.start(self._take_idle())
        return exchange.answer

    def close(self) -> Deferred[None]:
        """Give all requests up and end all connections.

        :return: a Deferred of None that fires when no connection is left.
        """
        for exchange in list(self._requests):
            exchange.answer.cancel()
        for timer in self._idle.values():
            timer.unset()
        self._idle.clear()
        closed = self._endpoint.close()
        self.deadlines.sweep()
        return closed

    # -- What is told -------------------------------------------------------------

    def connect(self, is_wanted: Callable[[], bool]) -> Deferred[Connection]:
        """Make a connection, as long as it is wanted."""
        factory = ConnectionFactory(self, is_wanted)
        connecting: Deferred[Connection] = without_context(
            self._endpoint.connect, factory
        )
        return connecting

    def connected(self, connection: Connection) -> None:
        """There is another connection."""
        self._endpoint.connected(connection)

    def is_free(self, connection: Connection) -> None:
        """A connection has served its request, and may serve another."""
        if len(self._idle) >= MOST_IDLE:
            connection.loseConnection()
            return
        timer = Timer(connection.loseConnection)
        self._idle[connection] = timer
        self.deadlines.set(timer, LONGEST_IDLE)

    def ends(self, connection: Connection) -> None:
        """A connection serves no further request."""
        self._forget(connection)
        self._endpoint.ends(connection)

    def disconnected(self, connection: Connection) -> None:
        """A connection has ended."""
        self._forget(connection)
        self._endpoint.disconnected(connection)

    def finished(self, exchange: Exchange) -> None:
        """A request has come to its end."""
        del self._requests[exchange]

    # -- Inside -------------------------------------------------------------------

    def _take_idle(self) -> Connection | None:
        """A connection that has served its request, if there is one."""
        while self._idle:
            connection, timer = self._idle.popitem()
            timer.unset()
            if connection.is_usable:
                return connection
            connection.abortConnection()
        return None

    def _forget(self, connection: Connection) -> None:
        timer = self._idle.pop(connection, None)
        if timer is not None:
            timer.unset()


class Exchange:
    """One request and its answer.

    :param session: what has made it.
    :param head: the request as it goes over the wire, up to its body.
    :param body: the body, if it has one.
    :param timeout: the seconds that it may be silent.
    :param written: called at the end, if the system has been given all of its body.
    :ivar answer: a Deferred, see :meth:`.HTTPRequests.request`.
    """

    def __init__(
        self,
        session: HTTPSession,
        head: bytes,
        body: bytes | None,
        timeout: float,
        written: Callable[[], None] | None = None,
    ) -> None:
        self.answer: Deferred[Answer] = Deferred(lambda _: self._give_up(None))
        self._session = session
        self._head = head
        self._body = body
        self._timeout = timeout
        self._written = written
        self._is_written = False
        self._timer = Timer(self._time_out)
        self._connection: Connection | None = None
        self._connecting: Deferred[Any] | None = None

    def start(self, connection: Connection | None) -> None:
        """Make the request.

        :param connection: one that is idle; None if there is none.
        """
        self.alive()
        if connection is not None:
            self._begin(connection)
            return
        # Before its callbacks, which may run at once.
        self._connecting = connecting = self._session.connect(
            lambda: not self.answer.called
        )
        connecting.addCallbacks(self._connected, self._not_connected)

    def limit(self) -> int:
        """The most bytes that the body of the answer may have."""
        return self._session.limit

    def alive(self) -> None:
        """Something comes or goes: begin the time anew."""
        self._session.deadlines.set(self._timer, self._timeout)

    def body_written(self) -> None:
        """What is left of the body is with the system, and with the transport."""
        self._is_written = True
        self.alive()

    def ended(self, result: Answer | Failure) -> None:
        """This is what came of it."""
        if self.answer.called:
            return
        if not isinstance(result, Failure):
            cookies = self._session.cookies
            if cookies is not None:
                cookies.take(cookie_lines(result.lines))
            self._end()
            self.answer.callback(result)
            return
        self._end()
        self._session.deadlines.sweep()
        # Not raised, for it would get a traceback.
        self.answer.errback(Failure(cause_of(result.value)))

    # -- Inside -------------------------------------------------------------------

    def _connected(self, connection: Connection) -> None:
        self._connecting = None
        if connection.error is not None:
            # It has ended already.
            self.ended(Failure(connection.error))
        else:
            self._begin(connection)

    def _begin(self, connection: Connection) -> None:
        self._connection = connection
        connection.begin(self, self._head, self._body)

    def _not_connected(self, failure: Failure) -> None:
        self._connecting = None
        self.ended(failure)

    def _end(self) -> None:
        self._timer.unset()
        connection, self._connection = self._connection, None
        has_left = (
            self._is_written and connection is not None and not connection.unwritten
        )
        self._session.finished(self)
        if has_left and self._written is not None:
            self._written()

    def _time_out(self) -> None:
        if self._connection is not None and self._connection.has_moved():
            # A line may be slow, and the system keeps much for it.
            self.alive()
            return
        self._give_up(NoAnswer(f"no answer within {self._timeout:g} s"))

    def _give_up(self, error: Exception | None) -> None:
        """End it without an answer, for the reason given or because nobody wants it."""
        connection, connecting = self._connection, self._connecting
        self.ended(Failure(CancelledError() if error is None else error))
        if connection is not None:
            connection.give_up()
        if connecting is not None:
            connecting.cancel()


def _head(
    method: str,
    url: str,
    headers: Headers,
    cookies: ServerCookies | None,
    body: bytes | None,
) -> bytes:
    """A request as it goes over the wire, up to its body.

    :raises ValueError: the URL cannot be sent as it is.
    """
    host, resource = resource_of(url)
    lines = [f"{method} {resource} HTTP/1.1".encode("ascii")]
    if not headers.hasHeader("Host"):
        lines.append(b"Host: " + host.encode("ascii"))
    cookie = cookies_of(headers, cookies)
    for name, values in headers.getAllRawHeaders():
        if cookie is None or name != b"Cookie":
            lines += [name + b": " + value for value in values]
    if cookie is not None:
        lines.append(b"Cookie: " + cookie)
    if not headers.hasHeader("Accept-Encoding"):
        lines.append(b"Accept-Encoding: gzip")
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n"
