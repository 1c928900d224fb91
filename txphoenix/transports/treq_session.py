"""HTTP requests by treq and Twisted's agent, none of whose connections outlives them.

This is the stock way, for whoever sets the option ``fast_http`` to false; a request
takes three times as long as with :mod:`.http`.
What is HTTP, and what is not, is for Twisted's parser to say.

Limits, timing, cookies, connections and the errors are ours, and so the same: treq and
the agent decompress without a limit, take any number of headers, and time nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, cast

from treq.client import HTTPClient
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from ..protocol.handshake import cookie_lines
from ..runtime.contexts import without_context
from ..runtime.deadlines import Deadlines, Timer
from .cookies import ServerCookies
from .http_answer import is_no_success
from .http_body import AnswerBody, RefusalBody, RequestBody
from .http_endpoint import TrackedEndpoint
from .http_head import Answer
from .http_requests import (
    LONGEST_IDLE,
    MOST_IDLE,
    NoAnswer,
    cookies_of,
    resource_of,
)
from .treq_answers import BodyProtocol, answer_of, cause_of_treq
from .treq_connections import Connection, ConnectionFactory

__all__ = ["TreqSession"]

# Where a request goes is the endpoint's, and what it asks for and its host are written
# as they are.
_ANY_URL = "http://x/"


@implementer(IAgentEndpointFactory)
class TreqSession:
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
        self.pool.cachedConnectionTimeout = LONGEST_IDLE
        self.pool.maxPersistentPerHost = MOST_IDLE
        # A poll that was repeated would lose what the first one was answered with.
        self.pool.retryAutomatically = False
        self.endpoint = TrackedEndpoint[Connection](endpoint, self.deadlines)
        """Knows the connections."""
        self._requests: dict[Deferred[Answer], None] = {}

    @property
    def connection(self) -> Any:
        """The transport of the oldest connection; None if there is none."""
        return self.endpoint.oldest()

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
        host, resource = resource_of(url)
        headers = _all_headers(headers, host, self.cookies)
        timeout = self.timeout if timeout is None else timeout
        exchange = _Exchange(self, resource, timeout, written)
        request = exchange.start(method, headers, body)
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
        closed = self.endpoint.close()
        self.deadlines.sweep()
        return closed

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Make an endpoint, which :class:`_Exchange` does, for Twisted's agent."""
        # Each request has its own, and this is asked for none.
        return cast(IStreamClientEndpoint, None)

    def _finished(self, result: Any, request: Deferred[Answer]) -> Any:
        del self._requests[request]
        return result


@implementer(IAgent, IStreamClientEndpoint)
class _Exchange:
    """One request and its answer.

    It stands between treq and Twisted's agent, as the agent of the one, so that no
    answer is decompressed without a limit, and as the pool and the endpoint of the
    other, so that it is known which connection serves the request.

    :param session: what has made it.
    :param resource: what is asked for.
    :param timeout: the seconds that it may be silent.
    :param written: called at the end, if the system has been given all of its body.
    """

    persistent = True

    def __init__(
        self,
        session: TreqSession,
        resource: str,
        timeout: float,
        written: Callable[[], None] | None = None,
    ) -> None:
        self.awaits_head = True
        """Whether the status and the headers of the answer have not come yet."""
        self._session = session
        self._resource = resource
        self._timeout = timeout
        self._written = written
        self._has_body = False
        self._is_written = False
        self._timer = Timer(self._time_out)
        self._connection: Connection | None = None
        self._encoding = b""
        self._lines: tuple[tuple[str, str], ...] = ()
        self._error: Exception | None = None
        self._request: Deferred[Any] | None = None
        self._is_ended = False

    def start(
        self, method: str, headers: Headers, body: bytes | None
    ) -> Deferred[Answer]:
        """Make the request."""
        self.alive()
        # Cookies are ours: treq's would not go beside one of the user's.
        client = HTTPClient(self, cast(Any, _no_cookies()), self._body_of_request)
        request: Deferred[Any] = maybeDeferred(
            client.request,
            method,
            _ANY_URL,
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
        # treq adds its own to what is there.
        encodings = headers.getRawHeaders(b"Accept-Encoding", [b"gzip"])
        headers.setRawHeaders(b"Accept-Encoding", encodings[:1])
        session = self._session
        agent = Agent.usingEndpointFactory(session.reactor, session, cast(Any, self))
        responding: Deferred[IResponse] = agent.request(
            method,
            _ANY_URL.encode("ascii")[:-1] + self._resource.encode("ascii"),
            headers,
            bodyProducer,
        )
        return responding.addCallback(self._head_received)

    def getConnection(self, key: Any, endpoint: Any) -> Deferred[Any]:
        """Take a connection out of the pool, for Twisted's agent."""
        taking: Deferred[Any] = self._session.pool.getConnection(key, cast(Any, self))
        return taking.addCallback(self._begin, key)

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Make a connection, for the pool."""
        factory = ConnectionFactory(
            self._session.endpoint, protocolFactory, lambda: not self._is_ended
        )
        connecting: Deferred[Connection] = without_context(
            self._session.endpoint.connect, factory
        )
        return connecting.addCallback(self._connected)

    def _connected(self, connection: Connection) -> Any:
        if connection.lost_with is not None:
            # It has ended already.
            return Failure(connection.lost_with)
        # The pool knows its own protocols.
        return connection.wrappedProtocol

    def _begin(self, protocol: Any, key: Any) -> Any:
        connection: Connection = protocol.transport
        if not connection.is_usable:
            connection.abortConnection()
            return self.getConnection(key, None)
        self._connection = connection
        connection.begin(self)
        return protocol

    def _head_received(self, response: IResponse) -> IResponse:
        self.awaits_head = False
        version = response.version
        if version[1:] < (1, 1) and self._connection is not None:
            # Twisted's client would keep it.
            self._connection.serves_no_other()
        headers = response.headers
        self._lines = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in headers.getAllRawHeaders()
            for value in values
        )
        self._encoding = b",".join(headers.getRawHeaders(b"Content-Encoding", []))
        headers.removeHeader(b"Content-Encoding")
        # treq looks at the cookies as well, and takes them for ASCII.
        cookies = headers.getRawHeaders(b"Set-Cookie")
        if cookies is not None:
            headers.setRawHeaders(b"Set-Cookie", [it for it in cookies if it.isascii()])
        return response

    # -- Inside -------------------------------------------------------------------

    def _body_of_request(self, body: bytes) -> _BodyProducer:
        self._has_body = True
        return _BodyProducer(body, self.alive, self._body_written)

    def _body_written(self) -> None:
        # What is left of it is with the system, and with the transport.
        self._is_written = True
        self.alive()
        cast(Connection, self._connection).has_moved()

    def _read(self, response: Any) -> Deferred[Answer]:
        connection = cast(Connection, self._connection)
        session, give_up = self._session, connection.abortConnection
        if is_no_success(response.code):
            body: AnswerBody = RefusalBody(self._encoding, give_up, session.deadlines)
        else:
            body = AnswerBody(self._encoding, session.limit, give_up)
        response.deliverBody(BodyProtocol(body, connection))
        if self._session.cookies is not None:
            self._session.cookies.take(cookie_lines(self._lines))
        return body.finished.addCallback(
            lambda content: answer_of(response, self._lines, content)
        )

    def _end(self, result: Any) -> Any:
        self._is_ended = True
        self._timer.unset()
        connection = self._connection
        if connection is not None:
            connection.end()
            has_left = self._is_written and not connection.unwritten
            if self._has_body and not self._is_written:
                # The server wants no more of it.
                connection.abortConnection()
            if has_left and self._written is not None:
                self._written()
        self._connection = self._request = None
        if not isinstance(result, Failure):
            return result
        self._session.deadlines.sweep()
        # Not raised, for it would get a traceback.
        return Failure(self._error or cause_of_treq(result.value))

    def _time_out(self) -> None:
        if self._connection is not None and self._connection.has_moved():
            # A line may be slow, and the system keeps much for it.
            self.alive()
            return
        self._error = NoAnswer(f"no answer within {self._timeout:g} s")
        if self._request is not None:
            self._request.cancel()


@implementer(IBodyProducer)
class _BodyProducer(RequestBody):
    """The body of a request, for Twisted's agent."""


def _no_cookies() -> CookieJar:
    """Make a jar that takes none."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def _all_headers(headers: Headers, host: str, cookies: ServerCookies | None) -> Headers:
    """The headers of a request: those given, and what goes with each."""
    headers = headers.copy()
    if not headers.hasHeader("Host"):
        headers.setRawHeaders("Host", [host])
    cookie = cookies_of(headers, cookies)
    if cookie is not None:
        headers.setRawHeaders(b"Cookie", [cookie])
    return headers
