"""HTTP requests over persistent connections, none of which outlives its session.

Everything is of the session's own: the connections, the cookies (a load balancer's,
which lead each request to the same server), and the end of all of it, which leaves no
connection and no delayed call behind.

A request may take as long as it is alive: bytes of its answer come, or bytes of its
body go.
It is silence that is timed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers

from ..errors import ConnectionFailed, MessageTooLarge
from ..protocol.handshake import cookie_lines
from ..runtime.deadlines import Deadlines, Timer
from .cookies import ServerCookies
from .failures import failed_with
from .http_answer import Answer
from .http_body import AnswerTooLarge, MalformedAnswer
from .http_connections import Connection, TrackedEndpoint

__all__ = [
    "Answer",
    "AnswerTooLarge",
    "Exchange",
    "HTTPSession",
    "MalformedAnswer",
    "NoAnswer",
]

# Servers and load balancers end idle connections, the quickest after 5 seconds.
# A request that is on its way at that moment is lost, and nobody knows whether it was
# acted on; so ours end sooner.
_LONGEST_IDLE: Final = 4
# What would end a request's first line, or is no ASCII.
_NOT_IN_URLS: Final = re.compile(r"[^\x21-\x7e]")
# A poll and a publish are all that is ever under way.
_MOST_IDLE: Final = 2


class NoAnswer(ConnectionFailed):
    """A request has been silent for too long."""


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
        self.endpoint = TrackedEndpoint(endpoint, self._keep, self._forget)
        """Makes the connections."""
        self._idle: dict[Connection, Timer] = {}
        self._requests: dict[Exchange, None] = {}

    @property
    def connection(self) -> Any:
        """The transport of the oldest connection; None if there is none."""
        oldest = self.endpoint.oldest()
        return None if oldest is None else oldest.transport

    def request(
        self,
        method: str,
        url: str,
        headers: Headers,
        body: bytes | None = None,
        timeout: float | None = None,
        written: Callable[[], None] | None = None,
    ) -> Deferred[Answer]:
        """Make a request; redirects are not followed.

        A request that has failed is not made again: its answer may have been lost.

        :param url: what is asked for; every request goes to the same server.
        :param timeout: the seconds that this one may be silent, if not the session's.
        :param written: called before the Deferred fires, if the system has been given
            all of the body.
        :return: a Deferred of the answer.
            It fails with :exc:`AnswerTooLarge` if it is over a limit, with
            :exc:`MalformedAnswer` if it cannot be understood, with :exc:`NoAnswer` if
            it is silent for too long, with
            :exc:`twisted.internet.defer.CancelledError` at :meth:`close`, and with
            another :exc:`ConnectionFailed` if there is no connection, or it ends.
            None of these has a traceback, which would hold the headers.
        """
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
        closed = self.endpoint.close()
        self.deadlines.sweep()
        return closed

    def finished(self, exchange: Exchange) -> None:
        """A request has come to its end."""
        del self._requests[exchange]

    def _take_idle(self) -> Connection | None:
        """A connection that has served its request, if there is one."""
        for connection, timer in self._idle.items():
            timer.unset()
            del self._idle[connection]
            return connection
        return None

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) >= _MOST_IDLE:
            connection.abortConnection()
            return
        timer = Timer(connection.loseConnection)
        self._idle[connection] = timer
        self.deadlines.set(timer, _LONGEST_IDLE)

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
    :ivar answer: a Deferred, see :meth:`HTTPSession.request`.
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
        self._connecting = connecting = self._session.endpoint.connect(
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
        self.answer.errback(Failure(_cause(result.value)))

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
    parts = urlsplit(url)
    resource = parts.path or "/"
    if parts.query:
        resource += f"?{parts.query}"
    if _NOT_IN_URLS.search(resource):
        raise ValueError("what is requested must be percent-encoded")
    lines = [f"{method} {resource} HTTP/1.1".encode("ascii")]
    if not headers.hasHeader("Host"):
        lines.append(b"Host: " + parts.netloc.encode("ascii"))
    cookie: str | None = None
    if cookies is not None:
        given = headers.getRawHeaders("Cookie")
        cookie = cookies.value("; ".join(given) if given else None)
    for name, values in headers.getAllRawHeaders():
        if cookie is None or name != b"Cookie":
            lines += [name + b": " + value for value in values]
    if cookie is not None:
        lines.append(b"Cookie: " + cookie.encode("utf-8"))
    if not headers.hasHeader("Accept-Encoding"):
        lines.append(b"Accept-Encoding: gzip")
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _cause(error: BaseException | None) -> BaseException:
    """What a request has failed with, of what has happened below it."""
    if isinstance(error, CancelledError):
        return CancelledError()
    if isinstance(error, ConnectionFailed | MessageTooLarge):
        error.__traceback__ = error.__context__ = None
        return error
    return failed_with(error or ConnectionFailed("no reason was given"))
