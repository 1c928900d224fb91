"""Tests of ``transports/http.py``: requests, and what is left after them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost, ConnectionRefusedError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from txphoenix.errors import ConnectionFailed, MessageTooLarge
from txphoenix.transports.http_head import Answer

from .http_ways import HTTPWay, by_treq_too
from .scripted_http import Asked, ScriptedHTTP

URL = "http://127.0.0.1:4000/path?a=1"


@by_treq_too
class HTTPSessionTests(HTTPWay, SynchronousTestCase):
    """A session against a server whose answers the test writes."""

    def setUp(self) -> None:
        """Make a server and a session."""
        self.server = ScriptedHTTP()
        self.session = self.http(
            self.server.clock, self.server.endpoint, timeout=30.0, limit=1000
        )

    def ask(
        self, method: str = "GET", body: bytes | None = None
    ) -> tuple[Deferred[Answer], Asked]:
        """Make a request.

        :return: its Deferred, and how the server sees it.
        """
        asked = self.session.request(method, URL, Headers(), body)
        return asked, self.server.take(method)

    def assert_nothing_left(self) -> None:
        """No connection and no delayed call is left."""
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def close(self) -> None:
        """Close the session."""
        closed = self.session.close()
        self.server.flush()
        self.assertIsNone(self.successResultOf(closed))
        self.assert_nothing_left()

    def test_answer(self) -> None:
        """An answer has the status, the headers by lower-case names, and the body."""
        asked, seen = self.ask("POST", b"question")
        self.assertEqual((seen.uri, seen.body), ("/path?a=1", b"question"))
        seen.answer(418, b"answer", x_test="yes")
        answer = self.successResultOf(asked)
        self.assertEqual((answer.code, answer.phrase), (418, "I'm a teapot"))
        self.assertEqual(answer.headers["x-test"], "yes")
        self.assertEqual(answer.body, b"answer")
        self.close()

    def test_secrets(self) -> None:
        """The repr of an answer shows neither headers nor body."""
        answer = Answer(200, "OK", {"set-cookie": "secret"}, b'{"token":"secret"}')
        self.assertEqual(repr(answer), "<Answer 200, 18 bytes>")

    def test_long_phrase(self) -> None:
        """A server's words are cut to what an error can show."""
        asked, _ = self.ask()
        answer = b"HTTP/1.1 500 %s\r\nContent-Length: 0\r\n\r\n" % (b"no " * 1000)
        self.server.pairs[0].server.write(answer)
        self.server.flush()
        self.assertEqual(len(self.successResultOf(asked).phrase), 200)
        self.close()

    def test_redirect(self) -> None:
        """A redirect is an answer like any other: the headers go nowhere else."""
        asked, seen = self.ask()
        seen.answer(307, b"", location="http://example.org/")
        self.assertEqual(self.successResultOf(asked).code, 307)
        self.close()

    def test_persistent(self) -> None:
        """One connection serves one request after the other."""
        for _ in range(3):
            asked, seen = self.ask()
            seen.answer(200)
            self.successResultOf(asked)
        self.assertEqual(self.server.connections_made, 1)
        self.close()

    def test_timeout(self) -> None:
        """A request that takes too long takes its connection along."""
        asked, seen = self.ask()
        self.server.advance(29.9)
        self.assertNoResult(asked)
        self.server.advance(0.1)
        error = self.failureResultOf(asked, ConnectionFailed).value
        self.assertEqual(str(error), "no answer within 30 s")
        self.assertTrue(seen.is_lost)
        self.assert_nothing_left()

    def test_timeout_within_the_body(self) -> None:
        """So does one whose answer has begun."""
        asked, seen = self.ask()
        seen.write(200, b"be")
        self.server.advance(30.0)
        self.failureResultOf(asked, ConnectionFailed)
        self.assertTrue(seen.is_lost)
        self.assert_nothing_left()

    def test_limit(self) -> None:
        """A body is read up to the limit, and not further."""
        for size in (1000, 1001):
            asked, seen = self.ask()
            seen.answer(200, b"x" * size)
            if size == 1000:
                self.assertEqual(len(self.successResultOf(asked).body), 1000)
            else:
                error = self.failureResultOf(asked, MessageTooLarge).value
                self.assertEqual(
                    str(error),
                    "an answer of 1001 bytes or more exceeds the limit of 1000",
                )
        self.close()

    def test_limit_reached_twice(self) -> None:
        """What follows what was too much changes nothing."""
        asked, seen = self.ask()
        self.server.is_stalled = True
        # Two chunks, which come with one read.
        seen.write(200, b"x" * 2000)
        seen.write(200, b"x" * 2000)
        self.server.is_stalled = False
        self.server.flush()
        error = self.failureResultOf(asked, MessageTooLarge).value
        self.assertEqual(error.limit, 1000)
        self.assert_nothing_left()

    def test_causes(self) -> None:
        """A request fails with what has happened, not with what it was wrapped in."""
        causes: list[tuple[Deferred[Answer], type[Exception]]] = []
        asked, seen = self.ask()
        seen.hang_up()
        causes.append((asked, ConnectionLost))
        asked, seen = self.ask()
        seen.write(200, b"be", content_length="100")
        seen.hang_up()
        causes.append((asked, ConnectionLost))
        self.server.is_listening = False
        refused = self.session.request("GET", URL, Headers())
        causes.append((refused, ConnectionRefusedError))
        for failed, cause in causes:
            error = self.failureResultOf(failed, ConnectionFailed).value
            self.assertIs(type(error.__cause__), cause)
            self.assertIn(cause.__name__, str(error))
        self.assert_nothing_left()

    def test_close(self) -> None:
        """close() gives up the requests, and waits for the end of the connections."""
        requests = [self.ask(), self.ask("POST", b"x")]
        requests[1][1].write(200, b"be")
        closed = self.session.close()
        for asked, _ in requests:
            self.failureResultOf(asked, CancelledError)
        self.assertNoResult(closed)
        self.server.flush()
        self.successResultOf(closed)
        for _, seen in requests:
            self.assertTrue(seen.is_lost)
        self.assert_nothing_left()

    def test_close_again(self) -> None:
        """A second close() waits for the same."""
        self.ask()[0].addErrback(lambda failure: failure.trap(CancelledError))
        closed = [self.session.close(), self.session.close()]
        self.server.flush()
        for deferred in closed:
            self.successResultOf(deferred)

    def test_connected_after_close(self) -> None:
        """An endpoint that does not obey has its connection refused."""
        held: list[Any] = []

        class Endpoint:
            def connect(self, factory: Any) -> Deferred[Any]:
                held.append(factory)
                return Deferred()

        session = self.http(
            self.server.clock,
            Endpoint(),
            timeout=30.0,
            limit=1000,
        )
        asked = session.request("GET", URL, Headers())
        self.successResultOf(session.close())
        self.failureResultOf(asked, CancelledError)
        self.assertIsNone(held[0].buildProtocol(None))

    def test_server_answers_before_the_end(self) -> None:
        """An answer to a request that is cancelled meanwhile is nobody's."""
        asked, seen = self.ask()
        asked.cancel()
        self.assertIsInstance(self.failureResultOf(asked), Failure)
        self.server.flush()
        self.assertTrue(seen.is_lost)
        self.assert_nothing_left()


class LoadingTests(SynchronousTestCase):
    """What long-poll loads."""

    def test_as_needed(self) -> None:
        """Treq and Twisted's client are loaded by a session that they serve."""
        code = (
            "import sys; from txphoenix import SocketClient;"
            "from txphoenix.transports import longpoll_connector as it;"
            "client = SocketClient('ws://a', fast_http={fast}, transport='longpoll');"
            "it._session_class(client.options);"
            "print([n for n in ('treq', 'twisted.web.client') if n in sys.modules])"
        )
        for is_fast, loaded in ((True, []), (False, ["treq", "twisted.web.client"])):
            run = [sys.executable, "-c", code.format(fast=is_fast)]
            output = subprocess.run(run, capture_output=True, text=True, check=True)
            self.assertEqual(output.stdout.strip(), str(loaded))
