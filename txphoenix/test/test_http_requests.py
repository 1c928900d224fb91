"""Tests of ``transports/http_connections.py``: how a connection serves requests."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from txphoenix.errors import ConnectionFailed
from txphoenix.protocol.cookie_jar import bounded_jar
from txphoenix.protocol.url import parse
from txphoenix.transports.cookies import ServerCookies
from txphoenix.transports.http_head import Answer

from .http_ways import HTTPWay, by_treq_too
from .scripted_http import ScriptedHTTP

URL = "http://127.0.0.1:4000/path?a=1"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class RequestsTestCase(HTTPWay, SynchronousTestCase):
    """A test with a session, and a server whose every byte the test writes."""

    def setUp(self) -> None:
        """Make a server and a session."""
        self.server = ScriptedHTTP()
        self.session = self.http(
            self.server.clock, self.server.endpoint, timeout=30.0, limit=1_000_000
        )
        self.addCleanup(self.close)

    def close(self) -> None:
        """Close the session; nothing of it is left."""
        closed = self.session.close()
        self.server.flush()
        self.successResultOf(closed)
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def ask(self, **more: Any) -> Deferred[Answer]:
        """Make a request."""
        asked: Deferred[Answer] = self.session.request("POST", URL, Headers(), **more)
        self.server.flush()
        return asked

    def write(self, data: bytes) -> None:
        """Write to the client, by the latest connection."""
        self.server.pairs[-1].server.write(data)
        self.server.flush()


@by_treq_too
class ConnectionTests(RequestsTestCase):
    """How long a connection lasts, and what it is used for."""

    def test_idle(self) -> None:
        """One that is idle is ended before the server would do so."""
        asked = self.ask()
        self.write(EMPTY)
        self.successResultOf(asked)
        self.server.advance(3.9)
        self.assertEqual(len(self.server.pairs), 1)
        self.server.advance(0.2)
        self.assertEqual(self.server.pairs, [])

    def test_not_idle(self) -> None:
        """One that serves another request is not, however long that takes."""
        self.write_to(self.ask())
        asked = self.ask()
        self.server.advance(29.0)
        self.write(EMPTY)
        self.successResultOf(asked)
        self.assertEqual(self.server.connections_made, 1)

    def write_to(self, asked: Deferred[Answer]) -> None:
        """Answer a request."""
        self.write(EMPTY)
        self.successResultOf(asked)

    def test_last_answer(self) -> None:
        """A server that ends the connection has the next request by another."""
        for header in (b"Connection: close\r\n", b""):
            version = b"HTTP/1.1" if header else b"HTTP/1.0"
            asked = self.ask()
            self.write(version + b" 200 OK\r\n" + header + b"Content-Length: 0\r\n\r\n")
            self.successResultOf(asked)
            self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.connections_made, 2)

    def test_not_asked(self) -> None:
        """What comes without a request is nobody's answer, and ends the connection."""
        self.write_to(self.ask())
        self.write(EMPTY)
        self.assertEqual(self.server.pairs, [])
        asked = self.ask()
        self.assertNoResult(asked)
        self.write_to(asked)

    def test_behind_an_answer(self) -> None:
        """What comes behind an answer, with one read, is nobody's answer either."""
        asked = self.ask()
        self.write(EMPTY + b"HTTP/1.1 418 No\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual(self.successResultOf(asked).code, 200)
        if self.fast_http:
            # Twisted's parser throws it away without a word.
            self.assertEqual(self.server.pairs, [])
        asked = self.ask()
        self.assertNoResult(asked)
        self.write_to(asked)

    def test_lost_while_idle(self) -> None:
        """One that the server has ended meanwhile is not used."""
        self.write_to(self.ask())
        self.server.pairs[-1].server.loseConnection()
        self.server.flush()
        self.write_to(self.ask())
        self.assertEqual(self.server.connections_made, 2)

    def test_two_at_a_time(self) -> None:
        """Two are kept, and no more: nothing needs them."""
        asked = [self.ask() for _ in range(3)]
        for pair in list(self.server.pairs):
            pair.server.write(EMPTY)
        self.server.flush()
        for each in asked:
            self.successResultOf(each)
        self.assertEqual(len(self.server.pairs), 2)

    def test_asked_within(self) -> None:
        """Whoever is told of an answer may ask again, by the same connection."""
        answers: list[Deferred[Answer]] = []
        self.ask().addCallback(lambda _: answers.append(self.ask()))
        self.write(EMPTY)
        self.write(EMPTY)
        self.successResultOf(answers[0])
        self.assertEqual(self.server.connections_made, 1)

    def test_closed_within(self) -> None:
        """Or close the session."""
        self.ask().addCallback(lambda _: self.session.close())
        self.write(EMPTY)
        self.assertEqual(self.server.pairs, [])


@by_treq_too
class RequestBodyTests(RequestsTestCase):
    """Bodies of requests, and answers that come before all of one is written."""

    def test_one_write(self) -> None:
        """A short body goes out together with what is before it."""
        self.server.is_stalled = True
        self.session.request("POST", URL, Headers(), b"x" * 1000)
        self.server.is_stalled = False
        seen = self.server.take("POST")
        self.assertEqual(seen.body, b"x" * 1000)
        self.assertEqual(seen.header("content-length"), "1000")
        seen.answer(200)

    def test_long(self) -> None:
        """A long one goes out piece by piece, and is told to have left."""
        told: list[bool] = []
        body = bytes(range(256)) * 4000
        asked = self.ask(body=body, written=lambda: told.append(True))
        seen = self.server.take("POST")
        self.assertEqual(seen.body, body)
        self.assertEqual(told, [])
        seen.answer(200)
        self.successResultOf(asked)
        self.assertEqual(told, [True])

    def test_empty(self) -> None:
        """An empty one says that it is."""
        asked = self.ask(body=b"")
        seen = self.server.take("POST")
        self.assertEqual(seen.header("content-length"), "0")
        seen.answer(200)
        self.successResultOf(asked)


class Line:
    """A transport that takes one piece, or none.

    :param error: what it raises, if anything.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.told: list[str] = []
        self.producer: Any = None

    def write(self, data: bytes) -> None:
        """Take a piece, and no more for now."""
        if self.error is not None:
            raise self.error
        if self.producer is not None:
            self.producer.pauseProducing()

    def writeSequence(self, data: Any) -> None:
        """Take several."""
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have a producer to pause."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Have none."""
        self.producer = None

    def abortConnection(self) -> None:
        """Note it."""
        self.told.append("aborted")


@by_treq_too
class LineTests(HTTPWay, SynchronousTestCase):
    """A connection that takes less than all, or fails."""

    def request(self, line: Line) -> tuple[Deferred[Answer], Any]:
        """Make a request with a long body over a line."""

        class Endpoint:
            def connect(self, factory: Any) -> Deferred[Any]:
                """Connect at once."""
                self.protocol = factory.buildProtocol(None)
                self.protocol.makeConnection(line)
                return succeed(self.protocol)

        endpoint: Any = Endpoint()
        self.clock = Clock()
        self.session = self.http(self.clock, endpoint, timeout=30.0, limit=1000)
        asked = self.session.request("POST", URL, Headers(), bytes(100_000))
        return asked, endpoint.protocol

    def test_early_answer(self) -> None:
        """An answer before all of the body is written ends the connection."""
        line = Line()
        asked, connection = self.request(line)
        self.assertIsNotNone(line.producer)
        connection.dataReceived(EMPTY)
        self.assertEqual(self.successResultOf(asked).code, 200)
        if self.fast_http:
            # Twisted's client waits for the end.
            self.assertIsNone(line.producer)
        self.assertEqual(set(line.told), {"aborted"})
        connection.connectionLost(Failure(ConnectionLost()))
        self.successResultOf(self.session.close())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_raises(self) -> None:
        """A transport that raises is taken for lost, and the log or the error says so.

        What it raises within Twisted's client is in the error alone.
        """
        asked, _ = self.request(Line(ZeroDivisionError()))
        error = self.failureResultOf(asked, ConnectionFailed).value
        self.assertIsInstance(error.__cause__, ZeroDivisionError)
        logged = len(self.flushLoggedErrors(ZeroDivisionError))
        self.assertEqual(logged, 1 if self.fast_http else 0)


@by_treq_too
class HeadTests(RequestsTestCase):
    """What a request says before its body."""

    def test_host(self) -> None:
        """The URL's host is named, unless the headers name another."""
        for headers, host in (({}, "127.0.0.1:4000"), ({"hOst": ["a.b"]}, "a.b")):
            asked = self.session.request("GET", URL, Headers(headers))
            seen = self.server.take("GET")
            self.assertEqual((seen.uri, seen.header("host")), ("/path?a=1", host))
            seen.answer(200)
            self.successResultOf(asked)

    def test_no_path(self) -> None:
        """There always is a path."""
        for url, uri in (("http://a", "/"), ("http://a?b", "/?b"), ("http://a/", "/")):
            asked = self.session.request("GET", url, Headers())
            seen = self.server.take("GET")
            self.assertEqual(seen.uri, uri)
            seen.answer(200)
            self.successResultOf(asked)

    def test_not_encoded(self) -> None:
        """Nothing can be smuggled into the first line."""
        for part in (" x", "\x7f", "ü"):
            with self.assertRaises(ValueError):
                self.session.request("GET", f"http://a/{part}", Headers())

    def test_several_lines(self) -> None:
        """Nor into another: a value is one line."""
        asked = self.session.request("GET", URL, Headers({"X-A": ["b\r\nX-C: d"]}))
        seen = self.server.take("GET")
        self.assertIsNone(seen.header("x-c"))
        seen.answer(200)
        self.successResultOf(asked)

    def test_cookies(self) -> None:
        """The server's cookies go with the user's, in one header."""
        target = parse("ws://127.0.0.1:4000/path")
        self.session.cookies = ServerCookies(bounded_jar(), target)
        for expected in ("mine=1", "mine=1; node=7"):
            asked = self.session.request("GET", URL, Headers({"cookie": ["mine=1"]}))
            seen = self.server.take("GET")
            self.assertEqual(seen.header("cookie"), expected)
            seen.answer(200, set_cookie="node=7")
            self.successResultOf(asked)


@by_treq_too
class ConnectingTests(HTTPWay, SynchronousTestCase):
    """Endpoints that do not behave."""

    def session(self, connect: Any) -> Any:
        """A session over an endpoint."""

        class Endpoint:
            def connect(self, factory: Any) -> Any:
                """Connect as the test has it."""
                return connect(factory)

        self.server = ScriptedHTTP()
        endpoint: Any = Endpoint()
        return self.http(self.server.clock, endpoint, timeout=30.0, limit=1000)

    def test_raises(self) -> None:
        """One that raises fails the request."""

        def connect(_: Any) -> None:
            raise ZeroDivisionError

        asked = self.session(connect).request("GET", URL, Headers())
        error = self.failureResultOf(asked, ConnectionFailed).value
        self.assertIsInstance(error.__cause__, ZeroDivisionError)

    def test_late(self) -> None:
        """A connection that comes after the request was given up is refused."""
        held: list[Any] = []

        def connect(factory: Any) -> Any:
            held.append(factory)
            return Deferred()

        asked = self.session(connect).request("GET", URL, Headers())
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.assertIsNone(held[0].buildProtocol(None))

    def test_lost_at_once(self) -> None:
        """One that is lost before it is told of fails the request."""
        connecting: Deferred[Any] = Deferred()
        held: list[Any] = []

        def connect(factory: Any) -> Any:
            held.append(factory)
            return connecting

        asked = self.session(connect).request("GET", URL, Headers())
        connection = held[0].buildProtocol(None)
        connection.makeConnection(object())
        connection.connectionLost(Failure(ConnectionLost()))
        connecting.callback(connection)
        error = self.failureResultOf(asked, ConnectionFailed).value
        self.assertIsInstance(error.__cause__, ConnectionLost)
