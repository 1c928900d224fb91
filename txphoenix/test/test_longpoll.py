"""Tests of ``transports/longpoll_connector.py``: how a session is opened, or is not."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from twisted.internet.error import ConnectionRefusedError
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import (
    ConfigurationError,
    ConnectionFailed,
    ConnectTimeout,
    HandshakeRefused,
    SocketClient,
)
from txphoenix._version import __version__
from txphoenix.protocol.message import Message
from txphoenix.testing import MemoryServer

from .http_ways import by_treq_too
from .longpoll_case import SHOUT, LongPollTestCase
from .scripted_http import Asked
from .test_secrets import FORMS, SECRET, SecretKeeper


@by_treq_too
class OpeningTests(LongPollTestCase):
    """How a session is opened, or is not."""

    def test_request(self) -> None:
        """The first request has the params and no token of ours; later ones have it."""
        self.begin(
            url="ws://127.0.0.1:4000/socket?a=%20b",
            params={"user": {"id": 1}, "token": "mine"},
            headers={"X-Test": "yes"},
            auth_token="s3cret",
        )
        opening = self.server.take("GET")
        self.assertEqual(
            opening.uri,
            "/socket/longpoll?a=%20b&user%5Bid%5D=1&token=mine&vsn=2.0.0",
        )
        opening.say(410, token="SFM.x-y/z", messages=[])
        poll = self.server.take("GET")
        self.assertEqual(
            poll.uri,
            "/socket/longpoll?a=%20b&user%5Bid%5D=1&vsn=2.0.0&token=SFM.x-y%2Fz",
        )
        for asked in (opening, poll):
            self.assertEqual(asked.header("host"), "127.0.0.1:4000")
            self.assertEqual(asked.header("accept"), "application/json")
            self.assertEqual(asked.header("accept-encoding"), "gzip")
            self.assertEqual(asked.header("user-agent"), f"txphoenix/{__version__}")
            self.assertEqual(asked.header("x-test"), "yes")
            self.assertEqual(asked.header("x-phoenix-authtoken"), "s3cret")

    def test_publish(self) -> None:
        """A publish has the user's headers, the session's token and its type."""
        client, _ = self.open(
            headers={
                "X-Test": "yes",
                "user-agent": "mine",
                "Content-Type": "no",
                "accept": "text/x",
            }
        )
        client.push(Message(None, None, "a", "b", {}))
        publish = self.server.take("POST")
        self.assertEqual(publish.uri, "/socket/longpoll?vsn=2.0.0&token=the-token")
        self.assertEqual(publish.header("content-type"), "application/x-ndjson")
        self.assertEqual(publish.header("x-test"), "yes")
        self.assertEqual(publish.header("user-agent"), "mine")
        self.assertIsNone(publish.header("x-phoenix-authtoken"))

    def test_no_auth_token(self) -> None:
        """Without a token there is no header for it."""
        self.begin()
        self.assertIsNone(self.server.take("GET").header("x-phoenix-authtoken"))

    def test_asked_anew(self) -> None:
        """Url, params, headers and token are asked for before each attempt."""
        asked: list[str] = []

        def supply(name: str, value: Any) -> Any:
            def answer() -> Any:
                asked.append(name)
                return value

            return answer

        names = ["url", "params", "headers", "auth_token"]
        self.begin(
            url=supply("url", self.server.url),
            params=supply("params", {"n": 1}),
            headers=supply("headers", {}),
            auth_token=supply("auth_token", "secret"),
        )
        self.assertEqual(asked, names)
        self.server.take("GET").answer(500)
        self.server.advance(0.5)
        self.assertEqual(asked, names * 2)

    def test_refused(self) -> None:
        """A 403 in the body is a refused handshake, as it is with a WebSocket."""
        client = self.begin()
        self.server.take("GET").answer(200, b'{"status":403}', x_reason="secret")
        error = self.failure(client)
        self.assertIsInstance(error, HandshakeRefused)
        self.assertEqual((error.status, error.reason), (403, "Forbidden"))
        self.assertEqual(error.headers["x-reason"], "secret")
        self.assertNotIn("secret", f"{error} {error!r}")

    def test_http_status(self) -> None:
        """Any other status of HTTP refuses as well; a redirect is not followed."""
        for code, reason in ((302, "Found"), (404, "Not Found"), (502, "Bad Gateway")):
            self.errors.clear()
            client = self.begin(reconnect=False)
            self.server.take("GET").answer(code, b"", location="http://127.0.0.1/")
            error = self.failure(client)
            self.assertIsInstance(error, HandshakeRefused)
            self.assertEqual((error.status, error.reason), (code, reason))

    def test_not_phoenix(self) -> None:
        """Whatever does not open a session is refused, in words that say so."""
        expected = "not an answer of Phoenix's long-poll"
        for body, status, reason in (
            (b"", 200, expected),
            (b"<html>", 200, expected),
            (b"[410]", 200, expected),
            (b"{}", 200, expected),
            (b'{"status":"410"}', 200, expected),
            (b'{"status":-2000}', 200, expected),
            (b'{"status":410}', 200, expected),
            (b'{"status":410,"token":1}', 200, expected),
            (b'{"status":410,"token":""}', 200, expected),
            (b'{"status":500}', 500, "Internal Server Error"),
            (b'{"status":204,"token":"x"}', 204, "No Content"),
            (b'{"status":599}', 599, ""),
        ):
            self.errors.clear()
            client = self.begin(reconnect=False)
            self.server.take("GET").answer(200, body)
            error = self.failure(client)
            self.assertIsInstance(error, HandshakeRefused)
            self.assertEqual((error.status, error.reason), (status, reason), body)

    def test_no_connection(self) -> None:
        """A connection that is refused is told with its cause."""
        self.server.is_listening = False
        error = self.failure(self.begin())
        self.assertIs(type(error), ConnectionFailed)
        self.assertIn("ConnectionRefusedError", str(error))
        self.assertIsInstance(error.__cause__, ConnectionRefusedError)

    def test_hangs_up(self) -> None:
        """So is one that ends without an answer, or in the middle of it."""
        for has_begun in (False, True):
            self.errors.clear()
            client = self.begin(reconnect=False)
            opening = self.server.take("GET")
            if has_begun:
                opening.write(200, b'{"sta', content_length="100")
            opening.hang_up()
            error = self.failure(client)
            self.assertIs(type(error), ConnectionFailed)
            self.assertIn("ConnectionLost", str(error))

    def test_not_http(self) -> None:
        """So is an answer that is not HTTP at all."""
        client = self.begin()
        self.server.pairs[0].server.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        self.server.flush()
        error = self.failure(client)
        self.assertIsInstance(error, HandshakeRefused)
        self.assertEqual((error.status, error.headers), (None, {}))
        self.assertEqual(error.reason, "an answer is not HTTP (ParseError)")

    def test_too_late(self) -> None:
        """An attempt that takes too long ends, and leaves nothing behind."""
        client = self.begin(connect_timeout=3.0)
        opening = self.server.take("GET")
        self.server.advance(2.9)
        self.assertEqual(client.status, "connecting")
        self.server.advance(0.1)
        self.assertIsInstance(self.failure(client), ConnectTimeout)
        self.assertTrue(opening.is_lost)

    def test_never_connected(self) -> None:
        """The same while the connection itself is not made."""
        self.server.holds_connections = True
        client = self.begin(connect_timeout=3.0)
        self.server.advance(3.0)
        self.assertIsInstance(self.failure(client), ConnectTimeout)
        self.server.release_connections()
        self.assertEqual(self.server.pairs, [])

    def test_answer_without_end(self) -> None:
        """An answer that does not end within the time is given up as well."""
        client = self.begin(connect_timeout=3.0)
        opening = self.server.take("GET")
        opening.write(200, b'{"status":410')
        self.server.advance(3.0)
        self.assertIsInstance(self.failure(client), ConnectTimeout)
        self.assertTrue(opening.is_lost)

    def test_disconnect(self) -> None:
        """disconnect() gives the attempt up, and takes its connection along."""
        client = self.begin()
        opening = self.server.take("GET")
        done = client.disconnect()
        self.server.flush()
        self.successResultOf(done)
        self.assertTrue(opening.is_lost)
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.errors, [])
        self.server.advance(60)
        self.assertEqual(self.server.asked, [])

    def test_disconnect_while_asked_for_params(self) -> None:
        """A disconnect() by one of the user's callables means no request at all."""
        client: SocketClient

        def params() -> dict[str, str]:
            client.disconnect()
            return {}

        client = SocketClient(
            self.server.url,
            reactor=self.server.clock,
            endpoint=self.server.endpoint,
            transport="longpoll",
            params=params,
        )
        self.clients.append(client)
        client.startService()
        self.server.flush()
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.server.connections_made, 0)

    def test_bad_answer_of_the_user(self) -> None:
        """Params that are none are the user's mistake, and told as that."""
        client = self.begin(params=lambda: 7)
        self.assertIsInstance(self.failure(client), ConfigurationError)

    def test_hook_disconnects(self) -> None:
        """A hook that disconnects as soon as it is open means no poll."""
        client = self.begin()
        client.on_open(client.disconnect)
        self.server.take("GET").say(410, token="t", messages=[])
        self.server.flush()
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.server.asked, [])
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.connections_made, 1)

    def test_cookies(self) -> None:
        """A load balancer's cookie comes back with each request of the session."""
        self.begin()
        self.server.take("GET").answer(
            200, b'{"status":410,"token":"t"}', set_cookie="node=7"
        )
        self.assertEqual(self.server.take("GET").header("cookie"), "node=7")

    def test_cookie_of_a_domain(self) -> None:
        """So does one of the domain, whatever letters the host's name has."""
        for host in ("my_service.example.org", "a--b.example.org.", "ok.example.org"):
            self.begin(url=f"ws://{host}:4000/socket")
            self.server.take("GET").answer(
                200,
                b'{"status":410,"token":"t"}',
                set_cookie="node=7; Domain=example.org",
            )
            self.assertEqual(self.server.take("GET").header("cookie"), "node=7", host)

    def test_zone(self) -> None:
        """The zone of an address is not for the server."""
        self.begin(url="ws://[fe80::1%25eth0]:4000/socket")
        self.assertEqual(self.server.take("GET").header("host"), "[fe80::1]:4000")

    def test_version_1(self) -> None:
        """Version 1 is asked for, and its frames go one by one."""
        client = self.begin(vsn="1.0.0")
        self.flushWarnings()
        poll = self.server.open_session()
        self.assertIn("vsn=1.0.0", poll.uri)
        for i in range(2):
            client.push(Message(None, None, "a", "b", i))
        for i in range(2):
            publish = self.server.take("POST")
            self.assertEqual(publish.header("content-type"), "text/plain")
            self.assertEqual(json.loads(publish.body)["payload"], i)
            self.assertEqual(self.server.asked, [])
            publish.say(200)


@by_treq_too
class SecretTests(LongPollTestCase):
    """Decision 11: neither the user's secrets nor the session's token are shown."""

    def test_secrets(self) -> None:
        """However a session ends, or does not begin."""
        keeper = SecretKeeper(self, [*FORMS, "the-token"])
        answers: list[Callable[[Asked], None]] = [
            lambda it: it.say(403, token=SECRET),
            lambda it: it.say(410, token=7),
            lambda it: it.answer(404, SECRET.encode(), x_secret=SECRET),
            lambda it: it.answer(302, b"", location=f"http://example.org/?t={SECRET}"),
            lambda it: it.answer(200, SECRET.encode()),
            lambda it: it.answer(200, b"x" * 1000),
            lambda it: it.hang_up(),
        ]
        for is_open in (False, True):
            for answer in answers:
                client = self.begin(
                    url=f"{self.server.url}?key={quote(SECRET, safe='')}",
                    params={"token": SECRET},
                    headers={"Authorization": SECRET},
                    auth_token=SECRET,
                    max_message_size=200,
                    reconnect=False,
                )
                if is_open:
                    self.server.open_session()
                    client.push(Message(None, None, "a", "b", {"token": SECRET}))
                    answer(self.server.take("POST"))
                else:
                    answer(self.server.take("GET"))
                self.assertFalse(client.connected)
                keeper.keep(client, repr(client.connection), client.get_state())
                for error in (*self.errors, *self.losses):
                    keeper.keep_error(error)
        self.assertEqual(len(self.errors) + len(self.losses), 2 * len(answers))
        keeper.assert_kept()


@by_treq_too
class BrokenTests(LongPollTestCase):
    """Faults that nobody expects."""

    def test_listener_raises(self) -> None:
        """An exception out of a callback is logged, and the session ends."""
        client, poll = self.open(reconnect=False)

        def broken(data: bytes, is_binary: bool) -> None:
            raise ZeroDivisionError

        connection: Any = client.connection
        connection.receiver_of = lambda _read: broken
        poll.say(200, messages=[SHOUT % 1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.loss(client).code, 1006)

    def test_endpoint_raises(self) -> None:
        """So is an endpoint that raises, as far as the attempt goes."""

        def endpoint(*args: Any) -> Any:
            raise ZeroDivisionError

        error = self.failure(self.begin(endpoint=endpoint))
        self.assertIsInstance(error.__cause__, ZeroDivisionError)

    def test_endpoint_ignores_cancel(self) -> None:
        """An endpoint that connects long after it was told to stop is not taken."""
        self.server.holds_connections = True
        client = self.begin()
        done = client.disconnect()
        self.server.flush()
        self.successResultOf(done)
        self.server.release_connections()
        self.server.flush()
        self.assertEqual(self.server.pairs, [])


class ForgottenTests(SynchronousTestCase):
    """A client of a server in memory that is forgotten, as a test may end."""

    def begin(self, fast_http: bool) -> None:
        """Have an attempt under way, and forget it."""
        server = MemoryServer({})
        SocketClient(
            server.url,
            reactor=server.clock,
            endpoint=server.endpoint,
            transport="longpoll",
            fast_http=fast_http,
        ).startService()
        server.clock.advance(0)
        self.assertEqual(server.connections_made, 1)

    def test_opening(self) -> None:
        """An attempt under way goes in silence: Python has nothing to say of it."""
        gc.collect()
        said: list[object] = []
        self.patch(sys, "unraisablehook", lambda it: said.append(it.exc_value))
        for fast_http in (True, False):
            self.begin(fast_http)
            gc.collect()
        self.assertEqual(said, [])
