"""HTTP requests over persistent connections, none of which outlives its session.

Everything but the requests themselves is of the session's own: the connections, the
cookies (a load balancer's, which lead each request to the same server), and the end of
all of it, which leaves no connection and no delayed call behind.

A request may take as long as it is alive: bytes of its answer come, or bytes of its
body go.
It is silence that is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, NamedTuple, cast

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    Agent,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseFailed,
)
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from ..errors import ConnectionFailed, MessageTooLarge
from ..protocol.handshake import cookie_lines
from ..runtime.deadlines import Deadlines, Timer
from .cookies import ServerCookies
from .failures import failed_with
from .http_body import AnswerBody, AnswerTooLarge, MalformedAnswer, RequestBody
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

# The most bytes of a server's words that an error repeats.
_LONGEST_PHRASE: Final = 200


class Answer(NamedTuple):
    """A whole answer.

    ``headers`` are by their lower-case names.
    ``body`` is not compressed any more.
    """

    code: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes
    lines: tuple[tuple[str, str], ...] = ()
    """The headers one by one, as they came."""

    @property
    def head(self) -> bytes:
        """The answer as it came, up to its body."""
        headers = [f"{name}: {value}" for name, value in self.lines]
        first = f"HTTP/1.1 {self.code} {self.phrase}"
        return "\r\n".join([first, *headers]).encode("latin-1")

    def __repr__(self) -> str:
        return f"<Answer {self.code}, {len(self.body)} bytes>"


class NoAnswer(ConnectionFailed):
    """A request has been silent for too long."""


@implementer(IAgentEndpointFactory)
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
        self.reactor = reactor
        self.deadlines = Deadlines.of(reactor)
        self.pool = HTTPConnectionPool(reactor)
        self.pool.cachedConnectionTimeout = _LONGEST_IDLE
        # A poll that was repeated would lose what the first one was answered with.
        self.pool.retryAutomatically = False
        self._endpoint = TrackedEndpoint(endpoint)
        self._requests: dict[Deferred[Answer], None] = {}

    @property
    def connection(self) -> Any:
        """The oldest connection; None if there is none."""
        return self._endpoint.oldest()

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Every request goes to the same server."""
        return self._endpoint

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
        timeout = self.timeout if timeout is None else timeout
        exchange = Exchange(self, timeout, written)
        request = exchange.start(method, url, headers, body)
        self._requests[request] = None
        return request.addBoth(self._finished, request)

    def close(self) -> Deferred[None]:
        """Give all requests up and end all connections.

        :return: a Deferred of None that fires when no connection is left.
        """
        for request in list(self._requests):
            request.cancel()
        # It takes its delayed calls along.
        self.pool.closeCachedConnections()
        self.deadlines.sweep()
        return self._endpoint.close()

    def _finished(self, result: Any, request: Deferred[Answer]) -> Any:
        del self._requests[request]
        return result


@implementer(IAgent)
class Exchange:
    """One request and its answer.

    It stands between treq and Twisted's agent, as the agent of the one, so that no
    answer is decompressed without a limit, and as the pool of the other, so that it is
    known which connection serves the request.

    :param session: what has made it.
    :param timeout: the seconds that it may be silent.
    :param written: called at the end, if the system has been given all of its body.
    """

    persistent = True

    def __init__(
        self,
        session: HTTPSession,
        timeout: float,
        written: Callable[[], None] | None = None,
    ) -> None:
        self.awaits_head = True
        """Whether the status and the headers of the answer have not come yet."""
        self._session = session
        self._timeout = timeout
        self._written = written
        self._is_written = False
        self._timer = Timer(self._time_out)
        self._connection: Connection | None = None
        self._encoding = b""
        self._error: Exception | None = None
        self._request: Deferred[Any] | None = None

    def start(
        self, method: str, url: str, headers: Headers, body: bytes | None
    ) -> Deferred[Answer]:
        """Make the request."""
        self.alive()
        cookies = self._session.cookies
        if cookies is not None:
            headers = _with_cookies(headers, cookies)
        # Cookies are ours: treq's would not go beside one of the user's.
        client = HTTPClient(self, cast(Any, _no_cookies()), self._body_of_request)
        request: Deferred[Any] = maybeDeferred(
            client.request,
            method,
            url,
            headers=headers,
            data=body,
            allow_redirects=False,
            unbuffered=True,
            reactor=cast(Any, self._session.reactor),
        )
        self._request = request
        request.addCallback(self._read)
        return request.addBoth(self._end)

    def alive(self) -> None:
        """Something comes or goes: begin the time anew."""
        self._session.deadlines.set(self._timer, self._timeout)

    # -- Between treq and Twisted -------------------------------------------------

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """Make the request, for treq."""
        headers = Headers() if headers is None else headers.copy()
        # treq adds its own to the user's.
        encodings = headers.getRawHeaders(b"Accept-Encoding", [b"gzip"])
        headers.setRawHeaders(b"Accept-Encoding", encodings[:1])
        session = self._session
        agent = Agent.usingEndpointFactory(session.reactor, session, cast(Any, self))
        responding: Deferred[IResponse] = agent.request(
            method, uri, headers, bodyProducer
        )
        return responding.addCallback(self._head_received)

    def getConnection(self, key: Any, endpoint: IStreamClientEndpoint) -> Deferred[Any]:
        """Take a connection out of the pool, for Twisted's agent."""
        taking: Deferred[Any] = self._session.pool.getConnection(key, endpoint)
        return taking.addCallback(self._begin)

    def _begin(self, protocol: Any) -> Any:
        self._connection = protocol.transport
        self._connection.begin(self)
        return protocol

    def _head_received(self, response: IResponse) -> IResponse:
        self.awaits_head = False
        headers = response.headers
        self._encoding = b",".join(headers.getRawHeaders(b"Content-Encoding", []))
        headers.removeHeader(b"Content-Encoding")
        # treq looks at the cookies as well, and takes them for ASCII.
        cookies = headers.getRawHeaders(b"Set-Cookie")
        if cookies is not None:
            headers.setRawHeaders(b"Set-Cookie", [it for it in cookies if it.isascii()])
        return response

    # -- Inside -------------------------------------------------------------------

    def _body_of_request(self, body: bytes) -> RequestBody:
        return RequestBody(body, self.alive, self._body_written)

    def _body_written(self) -> None:
        # What is left of it is with the system, and with the transport.
        self._is_written = True
        self.alive()
        cast(Connection, self._connection).has_moved()

    def _read(self, response: Any) -> Deferred[Answer]:
        body = AnswerBody(
            self._encoding,
            self._session.limit,
            cast(Connection, self._connection).abortConnection,
        )
        response.deliverBody(body)
        lines = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.getAllRawHeaders()
            for value in values
        )
        if self._session.cookies is not None:
            self._session.cookies.take(cookie_lines(lines))
        return body.finished.addCallback(
            lambda content: _answer(response, lines, content)
        )

    def _end(self, result: Any) -> Any:
        self._timer.unset()
        connection = self._connection
        if connection is not None:
            connection.end()
            has_left = self._is_written and not connection.unwritten
            if has_left and self._written is not None:
                self._written()
        self._connection = self._request = None
        if not isinstance(result, Failure):
            return result
        self._session.deadlines.sweep()
        # Not raised, for it would get a traceback.
        return Failure(self._error or _cause(result.value))

    def _time_out(self) -> None:
        if self._connection is not None and self._connection.has_moved():
            # A line may be slow, and the system keeps much for it.
            self.alive()
            return
        self._error = NoAnswer(f"no answer within {self._timeout:g} s")
        if self._request is not None:
            self._request.cancel()


def _no_cookies() -> CookieJar:
    """Make a jar that takes none."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _with_cookies(headers: Headers, cookies: ServerCookies) -> Headers:
    given = headers.getRawHeaders("Cookie")
    value = cookies.value("; ".join(given) if given else None)
    if value is not None:
        headers = headers.copy()
        headers.setRawHeaders("Cookie", [value])
    return headers


def _answer(
    response: Any, lines: tuple[tuple[str, str], ...], content: bytes
) -> Answer:
    """Make an answer of what HTTP's client has read.

    :raises MalformedAnswer: it has a status that none has.
    """
    if not 100 <= response.code <= 999:
        raise MalformedAnswer("the status of an answer must have three digits")
    return Answer(
        response.code,
        response.phrase[:_LONGEST_PHRASE].decode("latin-1"),
        {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.getAllRawHeaders()
        },
        content,
        lines,
    )


def _cause(error: BaseException | None) -> BaseException:
    """What a request has failed with, of what HTTP's client says of it.

    That has a list of failures, of which the first is the cause.
    """
    is_answer = isinstance(error, ResponseFailed)
    if isinstance(error, ResponseFailed | RequestTransmissionFailed):
        error = error.reasons[0].value
    if isinstance(error, CancelledError):
        return CancelledError()
    if isinstance(error, ConnectionFailed | MessageTooLarge):
        error.__traceback__ = error.__context__ = None
        return error
    if is_answer:
        # Whatever was raised while it was read; its frames hold the request.
        return MalformedAnswer(f"an answer is not HTTP ({type(error).__name__})")
    return failed_with(error or ConnectionFailed("no reason was given"))
