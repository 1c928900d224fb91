"""Tests of :mod:`txphoenix.transports.websocket`: the handshake."""

from __future__ import annotations

from base64 import b64encode

from txphoenix._version import __version__
from txphoenix.errors import ConnectionClosed, ConnectionFailed, HandshakeRefused
from txphoenix.testing import Refused, Socket
from txphoenix.transports.websocket import _LONGEST_HEAD

from .raw_server import SWITCHING, RawTestCase, server_frame
from .support import ClientTestCase

MESSAGE = b'[null,null,"rooms:lobby","news",{}]'


class RequestTests(RawTestCase):
    """What the client asks the server for."""

    def request(self, **options: object) -> list[str]:
        """The lines of the handshake's request, without the key."""
        self.connected_client(**options)
        lines = self.peer.request.decode("utf-8").split("\r\n")
        return [line for line in lines if not line.startswith("Sec-WebSocket-Key")]

    def test_plain(self) -> None:
        """The request is an upgrade to the WebSocket of that URL, and no more."""
        self.assertEqual(
            self.request(),
            [
                "GET /socket/websocket?vsn=2.0.0 HTTP/1.1",
                "Host: 127.0.0.1:4000",
                f"User-Agent: txphoenix/{__version__}",
                "Pragma: no-cache",
                "Cache-Control: no-cache",
                "Upgrade: WebSocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
            ],
        )

    def test_params(self) -> None:
        """Params are sent as Plug decodes them, and ``vsn`` once."""
        target = self.request(
            url="ws://127.0.0.1:4000/socket?a=1",
            params={"token": "a b&c", "user": {"ids": [1, 2]}},
        )[0]
        self.assertEqual(
            target,
            "GET /socket/websocket?a=1&token=a%20b%26c&user%5Bids%5D%5B%5D=1"
            "&user%5Bids%5D%5B%5D=2&vsn=2.0.0 HTTP/1.1",
        )

    def test_headers(self) -> None:
        """The user's headers are sent, in UTF-8."""
        lines = self.request(headers={"Authorization": "Bearer x", "X-Name": "Zoë"})
        self.assertIn("Authorization: Bearer x", lines)
        self.assertIn("X-Name: Zoë", lines)

    def test_auth_token(self) -> None:
        """The token is a subprotocol: standard base64 without its padding."""
        token = "???~~"
        encoded = b64encode(token.encode()).decode()
        self.assertTrue(encoded.endswith("=") and "/" in encoded, encoded)
        self.raw.answer = SWITCHING + b"Sec-WebSocket-Protocol: phoenix\r\n\r\n"
        expected = f"phoenix,base64url.bearer.phx.{encoded.rstrip('=')}"
        self.assertIn(
            f"Sec-WebSocket-Protocol: {expected}", self.request(auth_token=token)
        )

    def test_compression(self) -> None:
        """The option ``compression`` offers permessage-deflate."""
        lines = self.request(compression=True)
        self.assertIn(
            "permessage-deflate", self.peer.header("sec-websocket-extensions")
        )
        self.assertEqual(len(lines), 9)

    def test_ipv6(self) -> None:
        """The address in the URL is the host of the request, in its brackets."""
        self.assertIn("Host: [::1]:4000", self.request(url="ws://[::1]:4000/socket"))


class RefusalTests(RawTestCase):
    """A handshake that is answered with anything but a yes."""

    def refusal(self, answer: bytes, closes: bool = False) -> HandshakeRefused:
        """What the user is told of an answer to the handshake."""
        self.raw.answer = answer
        self.raw.closes = closes
        client, (error,) = self.refused_client()
        self.assertEqual(client.status, "disconnected")
        self.assertTrue(self.peer.is_lost)
        self.assertIsInstance(error, HandshakeRefused)
        assert isinstance(error, HandshakeRefused)
        return error

    def test_status(self) -> None:
        """Status, headers and reason phrase reach the user, whatever the status is."""
        for status, phrase in (
            (403, "Forbidden"),
            (404, "Not Found"),
            (500, "Internal Server Error"),
            (503, "Service Unavailable"),
            (200, "OK"),
        ):
            with self.subTest(status=status):
                error = self.refusal(
                    f"HTTP/1.1 {status} {phrase}\r\nRetry-After: 7\r\n"
                    f"Set-Cookie: a=1\r\nset-cookie: b=2\r\n\r\nbody".encode()
                )
                self.assertEqual(error.status, status)
                self.assertEqual(error.reason, phrase)
                expected = {"retry-after": "7", "set-cookie": "a=1, b=2"}
                self.assertEqual(error.headers, expected)
                self.assertEqual(
                    str(error),
                    f"handshake refused: HTTP {status} {phrase}".rstrip()
                    + ": body (ws://127.0.0.1:4000/socket/websocket?vsn=[redacted])",
                )

    def test_redirect(self) -> None:
        """One that the option endpoint cannot follow is told; the user sees where."""
        error = self.refusal(
            b"HTTP/1.1 302 Found\r\nLocation: https://example.org/?token=s3cret\r\n\r\n"
        )
        self.assertEqual(error.status, 302)
        self.assertEqual(error.headers["location"], "https://example.org/?token=s3cret")
        self.assertNotIn("s3cret", str(error))
        self.assertEqual(self.memory.connections_made, 1)

    def test_other_versions_and_phrases(self) -> None:
        """A status is read out of HTTP of any version, with and without a phrase."""
        for line, status, reason in (
            ("HTTP/1.0 403 Forbidden", 403, "Forbidden"),
            ("HTTP/1.1 403", 403, ""),
            ("HTTP/2 429 Too Many Requests", 429, "Too Many Requests"),
        ):
            with self.subTest(line=line):
                error = self.refusal(line.encode() + b"\r\n\r\n")
                self.assertEqual((error.status, error.reason), (status, reason))

    def test_incomplete_answer(self) -> None:
        """What was said before the connection ended is told all the same."""
        for answer in (
            b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n",
            b"HTTP/1.1 502 Bad Gateway\nServer: nginx\n\n",
        ):
            with self.subTest(answer=answer):
                error = self.refusal(answer, closes=True)
                self.assertEqual(error.status, 502)
                self.assertEqual(error.reason, "Bad Gateway")
                self.assertEqual(error.headers, {"server": "nginx"})

    def test_headers_that_are_not_utf_8(self) -> None:
        """Headers are ISO-8859-1 (RFC 9110 section 5.5); any byte may come in one."""
        error = self.refusal(
            b"HTTP/1.1 403 Verboten\xfc\r\nX-Why: \xfcbel\x85\x00 no: b\r\n\r\n"
        )
        self.assertEqual((error.status, error.reason), (403, "Verbotenü"))
        self.assertEqual(error.headers, {"x-why": "übel\x85\x00 no: b"})

    def test_no_http(self) -> None:
        """An answer that is no HTTP has no status, and the error says what came."""
        for answer, reason in (
            (
                b"220 mail.example.org ESMTP\r\n\r\n",
                'Unsupported HTTP version "220"',
            ),
            (b"HTTP/1.1 abc\r\n\r\n", 'Bad HTTP status code "abc"'),
            (b"\r\n\r\n", 'Bad HTTP response status line ""'),
            (b"\x16\x03\x01\x00\xff\r\n\r\n", 'Bad HTTP response status line "'),
        ):
            with self.subTest(answer=answer):
                error = self.refusal(answer)
                self.assertIsNone(error.status)
                self.assertTrue(error.reason.startswith(reason), error.reason)
                self.assertTrue(str(error).startswith(f"handshake refused: {reason}"))

    def test_no_upgrade_in_a_yes(self) -> None:
        """A 101 must be the answer to this request (RFC 6455 section 4.1)."""
        good = (SWITCHING + b"\r\n").decode()
        for old, new, reason in (
            ("Upgrade: websocket\r\n", "", "HTTP Upgrade header missing"),
            ("websocket", "h2c", "HTTP Upgrade header different from"),
            ("Connection: Upgrade\r\n", "", "HTTP Connection header missing"),
            ("ACCEPT", "bm8=", "HTTP Sec-WebSocket-Accept bogus value"),
            (
                "ACCEPT",
                "ACCEPT\r\nSec-WebSocket-Extensions: x-other",
                'server wants to use extension "x-other"',
            ),
            (
                "ACCEPT",
                "ACCEPT\r\nSec-WebSocket-Extensions: permessage-deflate; nonsense",
                "illegal extension parameter 'nonsense'",
            ),
        ):
            with self.subTest(reason=reason):
                error = self.refusal(good.replace(old, new).encode())
                self.assertEqual(error.status, 101)
                self.assertIn(reason, error.reason)

    def test_compression_that_was_not_offered(self) -> None:
        """Compression takes effect only if both sides want it, and the same one."""
        answer = SWITCHING + b"Sec-WebSocket-Extensions: permessage-%s\r\n\r\n"
        error = self.refusal(answer % b"deflate")
        self.assertIn("permessage-compress", error.reason)
        self.raw.answer = answer % b"bzip2"
        _, (told,) = self.refused_client(compression=True)
        self.assertIn("permessage-compress", str(told))

    def test_other_subprotocol(self) -> None:
        """Decision 11: the error tells of the subprotocol, and not of the token."""
        self.raw.answer = SWITCHING + b"Sec-WebSocket-Protocol: graphql\r\n\r\n"
        _, (error,) = self.refused_client(auth_token="s3cret")
        self.assertIn(
            "handshake refused: HTTP 101 the server chose a subprotocol that was not"
            " offered",
            str(error),
        )
        self.assertNotIn("s3cret", str(error))

    def test_long_phrase(self) -> None:
        """A reason phrase of any length makes no line of any length."""
        error = self.refusal(b"HTTP/1.1 500 " + b"x" * 5000 + b"\r\n\r\n")
        self.assertEqual(error.reason, "x" * 5000)
        self.assertLess(len(str(error)), 400)
        self.raw.answer = b"HTTP/1.1 " + b"y" * 5000 + b" \r\n\r\n"
        _, (other,) = self.refused_client()
        self.assertLess(len(str(other)), 400)

    def test_endless_headers(self) -> None:
        """Headers without an end are given up: memory is bounded (decision 10)."""
        self.raw.answer = b"HTTP/1.1 101 Switching Protocols\r\n"
        client = self.make_client(reconnect=False)
        errors: list[Exception] = []
        client.on_error(errors.append)
        client.startService()
        self.memory.flush()
        sent = 0
        while not self.peer.is_lost:
            self.assertLess(sent, 2 * _LONGEST_HEAD)
            self.peer.send(b"X-More: and more\r\n" * 100)
            sent += 1800
            self.memory.flush()
        (error,) = errors
        self.assertIn("more than 65536 bytes of headers", str(error))
        self.assertIsInstance(error, HandshakeRefused)

    def test_much_too_long_headers(self) -> None:
        """So are headers that end, but come in one huge read."""
        answer = b"HTTP/1.1 403 No\r\nX: " + b"x" * _LONGEST_HEAD + b"\r\n\r\n"
        self.assertEqual(self.refusal(answer).status, 403)

    def test_lost_in_the_handshake(self) -> None:
        """A connection that ends before there is an answer is a failed attempt."""
        self.raw.answer, self.raw.closes = None, True
        _, (error,) = self.refused_client()
        self.assertIs(type(error), ConnectionFailed)
        assert isinstance(error, ConnectionFailed)
        self.assertEqual(
            str(error),
            "lost during the handshake: ConnectionDone: Connection was closed cleanly."
            f" ({error.url})",
        )
        self.assertIsNotNone(error.__cause__)

    def test_frames_after_a_refusal(self) -> None:
        """What comes behind a refusal is not read."""
        self.raw.answer = b"HTTP/1.1 403 No\r\n\r\n" + server_frame(1, MESSAGE) * 100
        client, errors = self.refused_client()
        self.assertEqual(len(errors), 1)
        self.assertEqual(client.state.unrouted_messages, 0)


class AnswerTests(RawTestCase):
    """A handshake that is answered with a yes."""

    def test_byte_by_byte(self) -> None:
        """The answer may come in pieces of any size."""
        self.memory.segment_size = 1
        self.raw.answer = SWITCHING + b"\r\n" + server_frame(1, MESSAGE)
        client = self.connected_client()
        self.assertEqual(client.state.unrouted_messages, 1)

    def test_frames_behind_the_answer(self) -> None:
        """Frames in the same read as the answer are delivered, in order, after it."""
        self.raw.answer = (
            SWITCHING
            + b"\r\n"
            + server_frame(1, MESSAGE)
            + server_frame(1, b"not JSON")
        )
        client = self.make_client()
        told: list[object] = []
        client.on_open(lambda: told.append("open"))
        client.on_message(lambda message: told.append(message.event))
        client.on_error(lambda error: told.append(type(error).__name__))
        client.startService()
        self.memory.flush()
        self.assertEqual(told, ["open", "news", "SerializerError"])

    def test_headers_that_are_not_utf_8(self) -> None:
        """A header of any bytes is no reason to refuse a good answer."""
        self.raw.answer = SWITCHING + b"X-Served-By: caf\xe9 \xff\x00\r\n\r\n"
        self.connected_client()

    def test_close_behind_the_answer(self) -> None:
        """A server that takes the handshake and closes has opened all the same."""
        self.raw.answer = SWITCHING + b"\r\n" + server_frame(8, b"\x03\xf5")
        client = self.make_client()
        told: list[object] = []
        client.on_open(lambda: told.append("open"))
        client.on_close(told.append)
        client.startService()
        self.memory.flush()
        self.peer.lose()
        self.memory.flush()
        self.assertEqual(told[0], "open")
        closed = told[1]
        assert isinstance(closed, ConnectionClosed)
        self.assertEqual((closed.code, closed.was_clean), (1013, True))

    def test_header_at_the_limit(self) -> None:
        """As many bytes of headers as are allowed are taken."""
        filler = b"X: " + b"x" * (_LONGEST_HEAD - len(SWITCHING) - 200) + b"\r\n"
        self.raw.answer = SWITCHING + filler + b"\r\n"
        self.memory.segment_size = 4096
        self.connected_client()


class PhoenixHandshakeTests(ClientTestCase):
    """The handshake with Phoenix's side of it."""

    def connect(self, params: dict[str, object], socket: Socket) -> None:
        """Decide as the params say."""
        if "crash" in params:
            raise ValueError("crash")
        if params.get("token") != "good":
            raise Refused()

    def setUp(self) -> None:
        """Have the server ask for a token."""
        self.server_options = {"connect": self.connect}
        super().setUp()

    def status_of(self, **options: object) -> int | None:
        """The status of a refused attempt."""
        client = self.make_client(reconnect=False, **options)
        waiting = self.watch(client.when_connected())
        client.startService()
        self.memory.flush()
        return self.assert_failed(waiting, HandshakeRefused).status

    def test_statuses(self) -> None:
        """A refusal is 403, a crash 500, a wrong path 404, a wrong vsn 403."""
        self.connected_client(params={"token": "good"})
        self.assertEqual(self.status_of(params={"token": "bad"}), 403)
        self.assertEqual(self.status_of(params={"crash": True}), 500)
        self.assertEqual(self.status_of(url=self.memory.url_of("/other")), 404)
        self.memory.refuse(503)
        self.assertEqual(self.status_of(params={"token": "good"}), 503)
