"""Tests of ``transports/http_connections.py``: what a server may send, and how long."""

from __future__ import annotations

import tracemalloc
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectionAborted, ConnectionLost
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from zope.interface import implementer

from txphoenix.transports.http_body import AnswerTooLarge, MalformedAnswer
from txphoenix.transports.http_head import Answer
from txphoenix.transports.http_requests import NoAnswer

from .http_ways import HTTPWay, by_treq_too
from .scripted_http import ScriptedHTTP
from .test_write_buffer import Descriptor

URL = "http://127.0.0.1:4000/path"
OK = b"HTTP/1.1 200 OK\r\n"


class RawAnswerTestCase(HTTPWay, SynchronousTestCase):
    """A test with a session, and a server whose every byte the test writes."""

    def setUp(self) -> None:
        """Make a server and a session."""
        self.server = ScriptedHTTP()
        self.session = self.http(
            self.server.clock, self.server.endpoint, timeout=30.0, limit=1_000_000
        )

    def ask(self, **headers: str) -> Deferred[Answer]:
        """Make a request, which has a connection of its own."""
        values = Headers({name.replace("_", "-"): [it] for name, it in headers.items()})
        asked: Deferred[Answer] = self.session.request("GET", URL, values)
        self.server.flush()
        self.pair = self.server.pairs[-1]
        return asked

    def write(self, data: bytes) -> None:
        """Write to the client."""
        self.pair.server.write(data)
        self.server.flush()

    def assert_nothing_left(self) -> None:
        """No connection and no delayed call is left."""
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def has_ended(self, asked: Deferred[Answer]) -> bool:
        """Whether a request has an answer, or has failed."""
        results: list[Any] = []

        def note(result: Any) -> Any:
            results.append(result)
            return result

        asked.addBoth(note)
        return bool(results)

    def close(self) -> None:
        """Close the session."""
        closed = self.session.close()
        self.server.flush()
        self.successResultOf(closed)
        self.assert_nothing_left()

    def assert_failed(self, asked: Any, kind: type[Exception], words: str) -> None:
        """A request has failed, with a clear text, and with nothing that is held."""
        error = self.failureResultOf(asked, kind).value
        self.assertIn(words, str(error))
        self.assertLess(len(str(error)), 300)
        self.assertIsNone(error.__context__)
        self.assert_nothing_left()


@by_treq_too
class HeadTests(RawAnswerTestCase):
    """The headers of an answer, and what comes before them."""

    def test_without_end(self) -> None:
        """Headers that do not end are given up after 64 KiB, and not kept."""
        asked = self.ask()
        self.write(OK)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        sent = 0
        while not self.has_ended(asked) and sent < 1_000_000:
            self.write(b"X-Filler: 0123456789\r\n" * 100)
            sent += 2200
        self.assertLess(sent, 70_000)
        self.assert_failed(asked, AnswerTooLarge, "the headers of an answer of 6")
        self.assertLess(tracemalloc.get_traced_memory()[1], 2_000_000)

    def test_at_once(self) -> None:
        """So are those that come with one read."""
        asked = self.ask()
        self.write(OK + b"X-Filler: 0123456789\r\n" * 5_000)
        self.assert_failed(asked, AnswerTooLarge, "exceeds the limit of 65536")

    def test_as_long_as_they_may_be(self) -> None:
        """Headers of nearly 64 KiB are taken, and the body with them does not count."""
        asked = self.ask()
        body = b"x" * 100_000
        self.write(OK + b"X-Filler: 0123456789\r\n" * 2_900)
        self.write(b"Content-Length: 200000\r\n\r\n" + body)
        self.write(body)
        self.assertEqual(self.successResultOf(asked).body, 2 * body)
        self.close()

    def test_each_anew(self) -> None:
        """Each answer of a connection has as much."""
        for _ in range(3):
            asked = self.ask()
            self.write(OK + b"X-Filler: 0123456789\r\n" * 2_000)
            self.write(b"Content-Length: 1\r\n\r\nx")
            self.successResultOf(asked)
        self.assertEqual(self.server.connections_made, 1)
        self.close()

    def test_long_line(self) -> None:
        """A line that is too long is an error that says so."""
        for line in (b"X-Filler: " + b"x" * 17_000, b"x" * 17_000):
            asked = self.ask()
            self.write(OK + line)
            self.assert_failed(
                asked, MalformedAnswer, "a line of an answer has more than 16384 bytes"
            )
            # It is not waited for the server's end, which TLS would do.
            self.assertIsInstance(self.pair.client.loss, ConnectionAborted)

    def test_interim(self) -> None:
        """Interim answers are skipped (RFC 9110 section 15.2)."""
        asked = self.ask()
        self.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 3)
        self.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        self.write(OK + b"Content-Length: 1\r\n\r\nx")
        self.assertEqual(self.successResultOf(asked).body, b"x")
        self.close()

    def test_interim_without_end(self) -> None:
        """So many of them, and no more."""
        asked = self.ask()
        sent = 0
        while not self.has_ended(asked) and sent < 1_000_000:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
            sent += 2500
        self.assert_failed(asked, AnswerTooLarge, "the headers of an answer")

    def test_trailers_without_end(self) -> None:
        """The trailers of a body in chunks are bounded, too."""
        asked = self.ask()
        self.write(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
        sent = 0
        while not self.has_ended(asked) and sent < 1_000_000:
            self.write(b"X-Filler: 0123456789\r\n" * 100)
            sent += 2200
        self.assert_failed(asked, MalformedAnswer, "an answer is not HTTP")

    def test_extensions_without_end(self) -> None:
        """So are the extensions of a chunk."""
        asked = self.ask()
        self.write(OK + b"Transfer-Encoding: chunked\r\n\r\n1;a=")
        sent = 0
        while not self.has_ended(asked) and sent < 1_000_000:
            self.write(b"x" * 1000)
            sent += 1000
        self.assert_failed(asked, MalformedAnswer, "an answer is not HTTP")

    def test_encodings(self) -> None:
        """A compressed answer is asked for, once, unless the user asks for another."""
        for given, expected in (
            ({}, b"gzip"),
            ({"Accept_Encoding": "identity"}, b"identity"),
        ):
            asked = self.session.request("GET", URL, Headers(), None)
            self.server.take("GET").answer(200)
            self.successResultOf(asked)
            values = Headers(
                {name.replace("_", "-"): [it] for name, it in given.items()}
            )
            asked = self.session.request("GET", URL, values)
            seen = self.server.take("GET")
            raw = seen._request.requestHeaders.getRawHeaders(b"Accept-Encoding")
            self.assertEqual(raw, [expected])
            seen.answer(200)
        self.close()


@by_treq_too
class SilenceTests(RawAnswerTestCase):
    """How long a request may take: as long as something comes."""

    def test_slow(self) -> None:
        """An answer that comes bit by bit takes as long as it takes."""
        asked = self.ask()
        self.write(OK + b"Content-Length: 100\r\n\r\n")
        for _ in range(100):
            self.server.advance(29.0)
            self.assertNoResult(asked)
            self.write(b"x")
        self.assertEqual(self.successResultOf(asked).body, b"x" * 100)
        self.close()

    def test_silent(self) -> None:
        """Between two bytes there is no more time than before the first."""
        asked = self.ask()
        self.server.advance(29.0)
        self.write(OK + b"Content-Length: 100\r\n\r\n")
        self.server.advance(29.0)
        self.write(b"x")
        self.server.advance(30.0)
        self.assert_failed(asked, NoAnswer, "no answer within 30 s")

    def test_others(self) -> None:
        """What comes on one connection is no sign of life of another."""
        first = self.ask()
        second = self.ask()
        self.server.advance(20.0)
        self.write(OK + b"Content-Length: 1\r\n\r\n")
        self.server.advance(10.0)
        self.failureResultOf(first, NoAnswer)
        self.assertNoResult(second)
        self.write(b"x")
        self.successResultOf(second)
        self.close()

    def test_of_its_own(self) -> None:
        """A request may have another time than the session's."""
        asked = self.session.request("GET", URL, Headers(), timeout=50.0)
        self.server.advance(49.9)
        self.assertNoResult(asked)
        self.server.advance(0.1)
        self.failureResultOf(asked, NoAnswer)


@by_treq_too
class WrittenTests(HTTPWay, SynchronousTestCase):
    """What of a request the system has been given."""

    def lose(self, room: int) -> bool:
        """Lose the connection of a request once the system has taken so many bytes.

        :return: whether the body is told to have left.
        """
        line = Descriptor()
        told: list[bool] = []

        @implementer(IStreamClientEndpoint)
        class Endpoint:
            """Connects to the line."""

            def connect(self, protocolFactory: Any) -> Deferred[Any]:
                """Connect at once."""
                self.protocol = protocolFactory.buildProtocol(None)
                self.protocol.makeConnection(line)
                return succeed(self.protocol)

        endpoint = Endpoint()
        session = self.http(Clock(), endpoint, timeout=30.0, limit=1000)
        asked = session.request(
            "POST", URL, Headers(), b"x" * 1000, None, lambda: told.append(True)
        )
        line.take(room)
        self.assertEqual(len(line.out) >= 1000, room >= 1000)
        endpoint.protocol.connectionLost(Failure(ConnectionLost()))
        self.failureResultOf(asked)
        return bool(told)

    def test_kept(self) -> None:
        """A body of which the transport has kept some has not left; else it has."""
        self.assertFalse(self.lose(1000))
        self.assertTrue(self.lose(10_000))


class Tunnel:
    """A transport that is no TCP: as with a channel of SSH, its end has one kind."""

    def __init__(self) -> None:
        self.ends = 0
        self.protocol: Any = None

    def write(self, data: bytes) -> None:
        """Nobody answers."""

    def writeSequence(self, data: Any) -> None:
        """Nobody answers."""

    def loseConnection(self) -> None:
        """End, some time."""
        self.ends += 1


@by_treq_too
class TunnelTests(HTTPWay, SynchronousTestCase):
    """A session over what cannot be aborted."""

    def test_close(self) -> None:
        """Its end gives the request up, and ends the connection."""
        tunnel = Tunnel()

        @implementer(IStreamClientEndpoint)
        class Endpoint:
            """Connects to the tunnel."""

            def connect(self, protocolFactory: Any) -> Deferred[Any]:
                """Connect at once."""
                tunnel.protocol = protocolFactory.buildProtocol(None)
                tunnel.protocol.makeConnection(tunnel)
                return succeed(tunnel.protocol)

        clock = Clock()
        session = self.http(clock, Endpoint(), timeout=30.0, limit=1000)
        asked = session.request("GET", URL, Headers())
        self.assertNoResult(asked)
        closed = session.close()
        self.failureResultOf(asked, CancelledError)
        self.assertGreater(tunnel.ends, 0)
        self.assertNoResult(closed)
        tunnel.protocol.connectionLost(Failure(ConnectionLost()))
        self.successResultOf(closed)
        self.assertEqual(clock.getDelayedCalls(), [])


@by_treq_too
class StatusTests(RawAnswerTestCase):
    """Answers of which some say nothing that HTTP knows."""

    def test_malformed(self) -> None:
        """Whatever comes, the request ends, with an error that says so."""
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for answer in (
            b"HTTP/1.1 " + b"1" * 5_000 + b"\r\n\r\n",
            b"HTTP/1.1 " + b"2" * 4_300 + b" OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 -5 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 1000 OK\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 \xff\xfe OK\r\n\r\n",
            b"HTTP/" + b"9" * 5_000 + b".1 200 OK\r\n\r\n",
            b"HTTP/-1.1 200 OK\r\n\r\n",
            b"\r\n\r\n",
            b"\x00" * 100 + b"\r\n",
            OK + b"no colon\r\n\r\n",
            OK + b"Content-Length: -1\r\n\r\n",
            OK + b"Content-Length: 1e3\r\n\r\n",
            OK + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
            OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            OK + b" continued\r\n\r\n",
            OK + b"Transfer-Encoding: gzip\r\n\r\n",
            OK + b"Transfer-Encoding: \xff\r\n\r\n",
            OK + b"Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
            chunked + b"-1\r\n",
            chunked + b"g\r\n",
            chunked + b"\r\n\r\n",
            chunked + b"1" * 2_000 + b"\r\n",
            chunked + b"1\r\nxyz",
            chunked + b"1;\x00\r\n",
        ):
            with self.subTest(answer=answer[:60]):
                asked = self.ask()
                self.write(answer)
                self.failureResultOf(asked, MalformedAnswer)
        self.close()

    def test_odd(self) -> None:
        """What HTTP allows, or nearly, is an answer all the same."""
        for answer in (
            b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 999 \xff\r\nContent-Length: 0\r\n\r\n",
            OK + b"Content-Length: 0, 0\r\n\r\n",
            OK + b"Set-Cookie: \xff\x00=;;;=\r\nContent-Length: 0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        ):
            with self.subTest(answer=answer[:60]):
                asked = self.ask()
                self.write(answer)
                self.successResultOf(asked)
        self.close()
