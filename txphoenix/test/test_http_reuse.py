"""Tests of what a connection of HTTP is used for: never for what it might not carry."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from txphoenix.errors import ConnectionFailed
from txphoenix.transports import http_connections, treq_connections
from txphoenix.transports.http_head import Answer
from txphoenix.transports.http_life import is_quiet

from .http_ways import HTTPWay, by_treq_too

URL = "http://127.0.0.1:4000/path"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class SlowLine:
    """A transport that ends when the test says so, as TLS does when its peer says so.

    :ivar written: what was written.
    :ivar told: how it was asked to end.
    """

    def __init__(self) -> None:
        self.written = b""
        self.told: list[str] = []
        self.protocol: Any = None

    def write(self, data: bytes) -> None:
        """Note it."""
        self.written += data

    def writeSequence(self, data: Any) -> None:
        """Note it."""
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Never pause it."""

    def unregisterProducer(self) -> None:
        """There is nothing to do."""

    def pauseProducing(self) -> None:
        """The test says what comes."""

    resumeProducing = pauseProducing

    def loseConnection(self) -> None:
        """Note it."""
        self.told.append("lost")

    def abortConnection(self) -> None:
        """Note it."""
        self.told.append("aborted")

    def end(self, error: Exception) -> None:
        """End."""
        self.protocol.connectionLost(Failure(error))


@by_treq_too
class ReuseTests(HTTPWay, SynchronousTestCase):
    """A session over lines that the test ends."""

    def setUp(self) -> None:
        """Make a session."""
        self.lines: list[SlowLine] = []
        self.clock = Clock()
        self.session = self.http(self.clock, self, timeout=30.0, limit=1000)
        self.addCleanup(self.close)

    def connect(self, factory: Any) -> Deferred[Any]:
        """Connect at once, as the session's endpoint."""
        line = SlowLine()
        self.lines.append(line)
        line.protocol = factory.buildProtocol(None)
        line.protocol.makeConnection(line)
        return succeed(line.protocol)

    def close(self) -> None:
        """Close the session; all lines end, and nothing is left."""
        closed = self.session.close()
        for line in self.lines:
            line.end(ConnectionDone())
        self.successResultOf(closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def ask(self) -> Deferred[Answer]:
        """Make a request."""
        asked: Deferred[Answer] = self.session.request("GET", URL, Headers())
        return asked

    def answered(self) -> SlowLine:
        """The line of a request that has its answer, by its first connection."""
        asked = self.ask()
        [line] = self.lines
        line.protocol.dataReceived(EMPTY)
        self.successResultOf(asked)
        return line

    def assert_by_another(self) -> None:
        """The next request goes by another line, and has its answer there alone."""
        before = [line.written for line in self.lines]
        asked = self.ask()
        self.assertEqual(len(self.lines), len(before) + 1)
        self.assertEqual([line.written for line in self.lines[:-1]], before)
        self.lines[0].protocol.dataReceived(EMPTY)
        self.assertNoResult(asked)
        self.lines[-1].protocol.dataReceived(EMPTY)
        self.successResultOf(asked)

    def test_reused(self) -> None:
        """One that has served its request serves the next."""
        line = self.answered()
        asked = self.ask()
        self.assertEqual((len(self.lines), line.written.count(b"GET /")), (1, 2))
        line.protocol.dataReceived(EMPTY)
        self.successResultOf(asked)

    def test_not_asked(self) -> None:
        """Not one on which something came that nobody had asked for."""
        line = self.answered()
        line.protocol.dataReceived(EMPTY)
        self.assertEqual(line.told, ["aborted"])
        self.assert_by_another()

    def test_not_read_yet(self) -> None:
        """Nor one on which something waits to be read: that would be the answer."""
        line = self.answered()
        for module in (http_connections, treq_connections):
            self.patch(module, "is_quiet", lambda _: False)
        self.assert_by_another()
        self.assertIn("aborted", line.told)

    def test_ending(self) -> None:
        """Nor one that is idle for too long, although it has not ended yet."""
        line = self.answered()
        self.clock.advance(4.1)
        self.assertEqual(line.told, ["lost"])
        self.assert_by_another()

    def test_other_version(self) -> None:
        """Nor one of HTTP/1.0."""
        asked = self.ask()
        [line] = self.lines
        line.protocol.dataReceived(EMPTY.replace(b"1.1", b"1.0"))
        self.successResultOf(asked)
        self.assertEqual(line.told, ["lost"])
        self.assert_by_another()

    def test_end_that_takes_too_long(self) -> None:
        """One that is to end is aborted if its peer lets it wait."""
        line = self.answered()
        self.clock.advance(4.1)
        self.clock.advance(3.9)
        self.assertEqual(line.told, ["lost"])
        self.clock.advance(0.2)
        self.assertEqual(line.told, ["lost", "aborted"])

    def test_never_again(self) -> None:
        """A request that was lost with its connection is not made again."""
        for data in (b"", EMPTY[:5], EMPTY[:20], b"HTTP/1.1 100 X\r\n\r\n"):
            asked = self.ask()
            line = self.lines.pop()
            if data:
                line.protocol.dataReceived(data)
            line.end(ConnectionLost())
            error = self.failureResultOf(asked, ConnectionFailed).value
            self.assertIsInstance(error.__cause__, ConnectionLost)
            self.assertEqual(line.written.count(b"GET /"), 1)
            self.assertEqual(self.lines, [])
        line = self.answered()
        asked = self.ask()
        self.lines.remove(line)
        line.end(ConnectionDone())
        self.failureResultOf(asked, ConnectionFailed)
        self.assertEqual(self.lines, [])

    def test_cut_off(self) -> None:
        """A body that ends with the connection is whole if that was no accident."""
        for error in (ConnectionDone(), ConnectionLost()):
            asked = self.ask()
            line = self.lines.pop()
            line.protocol.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n[1,")
            self.assertNoResult(asked)
            line.end(error)
            if isinstance(error, ConnectionDone):
                self.assertEqual(self.successResultOf(asked).body, b"[1,")
            else:
                failed = self.failureResultOf(asked, ConnectionFailed).value
                self.assertIsInstance(failed.__cause__, ConnectionLost)

    def test_cookies_of_one_line(self) -> None:
        """A cookie does not make another header, whatever is in the jar."""

        class Cookies:
            def value(self, _: Any) -> str:
                """The cookies of a request."""
                return "a=b\r\nX-C: d"

            def take(self, _: Any) -> None:
                """Take none."""

        self.session.cookies = Cookies()
        self.answered()
        self.assertIn(b"\r\nCookie: a=b X-C: d\r\n", self.lines[0].written)


class QuietTests(SynchronousTestCase):
    """What waits to be read on a connection."""

    def setUp(self) -> None:
        """Make a connection."""
        self.near, self.far = socket.socketpair()
        self.addCleanup(self.near.close)
        self.addCleanup(self.far.close)
        self.near.setblocking(False)
        self.transport = FileDescriptor(reactor=Clock())  # type: ignore[arg-type]
        self.transport.socket = self.near  # type: ignore[attr-defined]

    def test_nothing(self) -> None:
        """Nothing is quiet, and so is what cannot be asked."""
        self.assertTrue(is_quiet(self.transport))
        self.assertTrue(is_quiet(FileDescriptor(reactor=Clock())))  # type: ignore[arg-type]
        self.assertTrue(is_quiet(object()))

    def test_something(self) -> None:
        """Bytes are not, nor is the end; and the bytes can be read all the same."""
        self.far.send(b"x")
        self.assertFalse(is_quiet(self.transport))
        self.assertEqual(self.near.recv(10), b"x")
        self.assertTrue(is_quiet(self.transport))
        self.far.close()
        self.assertFalse(is_quiet(self.transport))

    def test_closed(self) -> None:
        """Nor is a socket that is closed."""
        self.near.close()
        self.assertFalse(is_quiet(self.transport))
