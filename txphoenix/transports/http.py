"""HTTP requests over persistent connections, none of which outlives its session.

Everything but the requests themselves is of the session's own: the connections, the
cookies (a load balancer's, which lead each request to the same server), and the end of
all of it, which leaves no connection and no delayed call behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple, cast

from treq.client import HTTPClient
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import (
    IConsumer,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    Agent,
    HTTPConnectionPool,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import (
    IAgent,
    IAgentEndpointFactory,
    IBodyProducer,
    IResponse,
)
from zope.interface import implementer

from ..deadlines import Deadlines
from ..errors import ConnectionFailed, MessageTooLarge
from ..handshake import cookie_lines
from .cookies import ServerCookies
from .tls import verify_transport

__all__ = ["Answer", "AnswerTooLarge", "HTTPSession"]

# Servers and load balancers end idle connections, the quickest after 5 seconds.
# A request that is on its way at that moment is lost, and nobody knows whether it was
# acted on; so ours end sooner.
_LONGEST_IDLE = 4

# The most bytes of a server's words that an error repeats.
_LONGEST_PHRASE = 200

_FAILED = (RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed)


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


class AnswerTooLarge(MessageTooLarge):
    """The body of an answer exceeds the limit.

    Its ``size`` is how much of it had come when it was given up.
    """

    def __str__(self) -> str:
        return (
            f"an answer of {self.size} bytes or more exceeds the limit of {self.limit}"
        )


@implementer(IAgentEndpointFactory)
class HTTPSession:
    """Requests to one server.

    :param reactor: times the requests and the idle connections.
    :param endpoint: reaches the server, TLS included.
    :param timeout: the seconds that a request may take.
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
        self._cookies = cookies
        self.timeout = timeout
        self.limit = limit
        self._reactor = reactor
        # A request is timed as all else is, by what has really passed.
        self._deadlines = cast(IReactorTime, Deadlines.of(reactor))
        self._endpoint = _TrackedEndpoint(endpoint)
        self._pool = HTTPConnectionPool(reactor)
        self._pool.cachedConnectionTimeout = _LONGEST_IDLE
        # A poll that was repeated would lose what the first one was answered with.
        self._pool.retryAutomatically = False
        agent = Agent.usingEndpointFactory(reactor, self, self._pool)
        # Cookies are ours: treq's would not go beside one of the user's.
        self._client = HTTPClient(
            _OneEncoding(agent),
            cast(Any, _no_cookies()),
            data_to_body_producer=_Producer,
        )
        self._requests: dict[Deferred[Answer], None] = {}

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """Every request goes to the same server."""
        return self._endpoint

    def request(
        self, method: str, url: str, headers: Headers, body: bytes | None = None
    ) -> Deferred[Answer]:
        """Make a request; redirects are not followed.

        :return: a Deferred of the answer.
            It fails with :exc:`AnswerTooLarge` if its body is over the limit, with
            :exc:`ConnectionFailed` if it takes too long, with
            :exc:`twisted.internet.defer.CancelledError` at :meth:`close`, and with the
            connection's error.
        """
        exchange = Deferred.fromCoroutine(self._exchange(method, url, headers, body))
        exchange.addTimeout(self.timeout, self._deadlines, _timed_out)
        self._requests[exchange] = None
        return exchange.addBoth(self._finished, exchange)

    def close(self) -> Deferred[None]:
        """Give all requests up and end all connections.

        :return: a Deferred of None that fires when no connection is left.
        """
        for request in list(self._requests):
            request.cancel()
        # It takes its delayed calls along.
        self._pool.closeCachedConnections()
        return self._endpoint.close()

    def _finished(self, result: Any, exchange: Deferred[Answer]) -> Any:
        del self._requests[exchange]
        return result

    async def _exchange(
        self, method: str, url: str, headers: Headers, body: bytes | None
    ) -> Answer:
        cookies = self._cookies
        if cookies is not None:
            headers = _with_cookies(headers, cookies)
        try:
            response = await self._client.request(
                method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                unbuffered=True,
                reactor=cast(Any, self._reactor),
            )
            lines = tuple(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, values in response.headers.getAllRawHeaders()
                for value in values
            )
            if cookies is not None:
                cookies.take(cookie_lines(lines))
            content = await _read(response, self.limit)
        except _FAILED as failed:
            # They tell of a list of failures, of which the first is the cause.
            raise failed.reasons[0].value from failed
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


def _timed_out(result: Any, timeout: float) -> Any:
    raise ConnectionFailed(f"no answer within {timeout:g} s")


def _read(response: IResponse, limit: int) -> Deferred[bytes]:
    body = _Body(limit)
    response.deliverBody(body)
    return body.finished


class _Body(Protocol):
    """Collects the body of an answer, as long as it is within the limit."""

    def __init__(self, limit: int) -> None:
        self.finished: Deferred[bytes] = Deferred(lambda _: self._give_up())
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._limit:
            self._parts.append(data)
        else:
            self._parts.clear()
            self._give_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.finished.called:
            return
        if self._size > self._limit:
            # Not before: the pool takes a connection back while the last of an answer
            # is being delivered, and whoever is told may close the pool.
            self.finished.errback(AnswerTooLarge(self._size, self._limit))
        # A server that ends the body with the connection cannot tell that it is whole.
        elif reason.check(ResponseDone, PotentialDataLoss):
            self.finished.callback(b"".join(self._parts))
        else:
            self.finished.errback(reason)

    def _give_up(self) -> None:
        # An abort is not among the things that an answer's transport can do.
        cast(ITransport, self.transport).loseConnection()


@implementer(IAgent)
class _OneEncoding:
    """An agent that sends ``Accept-Encoding`` once.

    treq says what it can decode, beside what the user has said.
    """

    def __init__(self, agent: IAgent) -> None:
        self._agent = agent

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        headers = Headers() if headers is None else headers.copy()
        accepted = headers.getRawHeaders(b"Accept-Encoding", [])
        headers.setRawHeaders(b"Accept-Encoding", accepted[:1])
        return self._agent.request(method, uri, headers, bodyProducer)


@implementer(IBodyProducer)
class _Producer:
    """The body of a request, all of it at once.

    treq's own would write piece by piece, on the clock of the global reactor.
    """

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Everything is written already."""

    resumeProducing = stopProducing = pauseProducing


@implementer(IStreamClientEndpoint)
class _TrackedEndpoint:
    """An endpoint that knows its connections, and ends them all."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint
        self._is_closed = False
        self._connections: dict[ProtocolWrapper, None] = {}
        self._empty: list[Deferred[None]] = []

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        factory = _ConnectionFactory(self, protocolFactory)
        connecting: Deferred[Any] = self._endpoint.connect(factory)
        # The pool knows its own protocols.
        return connecting.addCallback(lambda connection: connection.wrappedProtocol)

    def close(self) -> Deferred[None]:
        self._is_closed = True
        for connection in list(self._connections):
            connection.abortConnection()
        if not self._connections:
            return succeed(None)
        empty: Deferred[None] = Deferred()
        self._empty.append(empty)
        return empty

    def may_connect(self) -> bool:
        """An endpoint that was told to stop may connect all the same, much later."""
        return not self._is_closed

    def connected(self, connection: ProtocolWrapper) -> None:
        self._connections[connection] = None

    def disconnected(self, connection: ProtocolWrapper) -> None:
        del self._connections[connection]
        if not self._connections:
            waiting, self._empty = self._empty, []
            for deferred in waiting:
                deferred.callback(None)


class _VerifiedConnection(ProtocolWrapper):
    """One connection, over TLS that does not fail open."""

    def makeConnection(self, transport: Any) -> None:
        verify_transport(transport)
        super().makeConnection(transport)


class _ConnectionFactory(WrappingFactory):
    """Makes the protocol of one connection."""

    noisy = False
    protocol = _VerifiedConnection

    def __init__(self, endpoint: _TrackedEndpoint, factory: IProtocolFactory) -> None:
        super().__init__(factory)
        self._endpoint = endpoint

    def buildProtocol(self, addr: Any) -> Any:
        return super().buildProtocol(addr) if self._endpoint.may_connect() else None

    def registerProtocol(self, p: ProtocolWrapper) -> None:
        self._endpoint.connected(p)

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        self._endpoint.disconnected(p)
