"""What follows an answer to the offer of compression that cannot be used."""

from __future__ import annotations

from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import HandshakeRefused

from .network import NetworkTestCase, reactor
from .raw_server import SWITCHING, RawConnection, RawServer, RawTestCase

OFFER = "sec-websocket-extensions"

BAD_ANSWERS = {
    "permessage-deflate; client_max_window_bits=8": "'8'",
    "permessage-deflate; server_max_window_bits=8": "'8'",
    "permessage-deflate; client_max_window_bits=16": "'16'",
    "permessage-deflate; client_max_window_bits": "client_max_window_bits",
    "permessage-deflate; client_max_window_bits=x": "'x'",
    "permessage-deflate; client_no_context_takeover=1": "'1'",
    "permessage-deflate; nonsense": "'nonsense'",
    "permessage-deflate; server_no_context_takeover; server_no_context_takeover": (
        "multiple"
    ),
    "permessage-deflate, permessage-deflate": "multiple",
    "permessage-deflate\r\nSec-WebSocket-Extensions: permessage-deflate": "once",
    "permessage-bzip2": "denied by client",
    "x-webkit-deflate-frame": "x-webkit-deflate-frame",
    "permessage-deflate; =; ;": "parameter",
    ";": '""',
}
"""Answers to an offer, and a word of what is said of each."""


class ShrinkingServer(RawServer):
    """A server that gives a bad answer to an offer, and a good one to none.

    :ivar extensions: what it answers to an offer.
    :ivar fixed: what it answers in any case, if it is not None.
    """

    extensions = ""
    fixed: bytes | None = None

    def answer_to(self, connection: RawConnection) -> bytes:
        """The answer to a handshake; there is no long-poll."""
        if not connection.header("upgrade"):
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        if self.fixed is not None:
            return self.fixed
        if connection.header(OFFER):
            line = f"Sec-WebSocket-Extensions: {self.extensions}\r\n"
            return SWITCHING + line.encode("ascii") + b"\r\n"
        return SWITCHING + b"\r\n"


class RefusedTests(RawTestCase):
    """Compression is offered once to a server that cannot do it as we can."""

    raw: ShrinkingServer

    def setUp(self) -> None:
        """Have a server that answers an offer badly."""
        super().setUp()
        self.raw = ShrinkingServer()
        self.memory._server_factory = self.raw  # type: ignore[assignment]

    def begin(self, extensions: str, **options: Any) -> tuple[SocketClient, list[Any]]:
        """A client that has got that answer to its first handshake."""
        self.raw.extensions = extensions
        client = self.make_client(compression=True, **options)
        errors: list[Any] = []
        client.on_error(errors.append)
        client.startService()
        self.memory.flush()
        return client, errors

    def test_connects_without(self) -> None:
        """The attempt ends with an error that says so; the next one succeeds."""
        for extensions, word in BAD_ANSWERS.items():
            with self.subTest(extensions=extensions):
                made = self.memory.connections_made
                client, errors = self.begin(extensions)
                self.assertFalse(client.connected)
                (error,) = errors
                self.assertIsInstance(error, HandshakeRefused)
                self.assertEqual(error.status, 101)
                self.assertIn(word, error.reason)
                self.assertTrue(self.peer.header(OFFER))
                self.memory.advance(0.5)
                self.assertTrue(client.connected)
                self.assertEqual(self.peer.header(OFFER), "")
                self.assertEqual(self.memory.connections_made, made + 2)
                self.assertEqual(len(errors), 1)
                self.stop_client(client)

    def test_remembered(self) -> None:
        """After a loss it is not offered again, and the log has said it once."""
        client, errors = self.begin("permessage-deflate; client_max_window_bits=8")
        self.memory.advance(0.5)
        for _ in range(3):
            self.memory.cut()
            self.memory.flush()
            self.memory.advance(0.5)
            self.assertTrue(client.connected)
            self.assertEqual(self.peer.header(OFFER), "")
        self.assertEqual(len(errors), 1)

    def test_other_options(self) -> None:
        """Other options may lead elsewhere: it is offered again."""
        client, _ = self.begin("permessage-deflate; client_max_window_bits=8")
        self.memory.advance(0.5)
        self.raw.extensions = "permessage-deflate; client_max_window_bits=9"
        client.reconfigure(url="ws://127.0.0.1:4000/other").addErrback(lambda _: None)
        self.memory.flush()
        self.memory.advance(2.5)
        self.assertTrue(client.connected)
        self.assertTrue(self.peer.header(OFFER))

    def test_other_server(self) -> None:
        """It is offered to another one, to which a callable leads, and only to that."""
        for fallback in (None, 5.0):
            with self.subTest(fallback=fallback):
                where = ["ws://127.0.0.1:4000/socket"]
                self.raw.extensions = "permessage-deflate; client_max_window_bits=8"
                client = self.make_client(
                    url=lambda where=where: where[0],
                    compression=True,
                    longpoll_fallback=fallback,
                )
                client.startService()
                self.memory.advance(0.5)
                for where[0], offers in (
                    ("ws://127.0.0.1:4000/other", [False]),
                    ("ws://localhost:4000/socket", [True, False]),
                    ("ws://localhost:4000/other", [False]),
                    ("ws://localhost:4001/socket", [True, False]),
                ):
                    made = len(self.raw.connections)
                    self.memory.cut()
                    self.memory.advance(1.0)
                    found = [
                        OFFER in each.request.decode("ascii").lower()
                        for each in self.raw.connections[made:]
                        if each.header("upgrade")
                    ]
                    self.assertEqual(found, offers)
                self.stop_client(client)

    def test_not_offered(self) -> None:
        """An answer to no offer is refused, each time."""
        self.raw.fixed = (
            SWITCHING + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        )
        client = self.make_client()
        errors: list[Any] = []
        client.on_error(errors.append)
        client.startService()
        self.memory.flush()
        self.memory.advance(1.0)
        self.assertFalse(client.connected)
        self.assertEqual(len(errors), 3)
        for error in errors:
            self.assertIn("denied by client", error.reason)

    def test_refused_otherwise(self) -> None:
        """A refusal that has nothing to do with it changes nothing."""
        self.raw.fixed = b"HTTP/1.1 503 Busy\r\nSec-WebSocket-Extensions: x\r\n\r\n"
        self.begin("")
        self.memory.advance(1.0)
        self.assertTrue(self.peer.header(OFFER))

    def test_fallback(self) -> None:
        """With a fallback it is a WebSocket without compression, and no long-poll."""
        client, errors = self.begin(
            "permessage-deflate; client_max_window_bits=8", longpoll_fallback=5.0
        )
        self.assertEqual(self.memory.connections_made, 2)
        self.assertTrue(self.peer.request.startswith(b"GET /socket/websocket?"))
        self.assertEqual(self.peer.header(OFFER), "")
        self.assertEqual(errors, [])
        client.stopService()

    def test_fallback_is_bounded(self) -> None:
        """The second WebSocket may fail by a callable: long-poll is what follows."""
        urls = ["ws://127.0.0.1:4000/socket"]
        client, errors = self.begin(
            "permessage-deflate; client_max_window_bits=8",
            url=urls.pop,
            longpoll_fallback=5.0,
        )
        (error,) = errors
        self.assertIn("url raised IndexError", str(error))
        self.assertEqual(client.status, "disconnected")
        client.stopService()


class NetworkTests(NetworkTestCase):
    """The same over real TCP."""

    async def test_connects_without(self) -> None:
        """A server that answers 8 bits, which zlib cannot do, is connected to."""
        raw = ShrinkingServer()
        raw.extensions = "permessage-deflate; client_max_window_bits=8"
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(raw)
        self.addCleanup(port.stopListening)
        self.addCleanup(raw.lose_http)
        client = self.client(
            f"ws://127.0.0.1:{port.getHost().port}/socket",
            compression=True,
            close_timeout=0.01,
        )
        await client.when_connected()
        self.assertEqual(len(raw.connections), 2)
