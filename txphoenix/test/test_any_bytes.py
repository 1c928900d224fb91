"""No byte that a server sends raises out of a transport.

Whatever raises there all the same ends the attempt, or the connection, with its error.
"""

from __future__ import annotations

import random
from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from zope.interface import implementer

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionClosed, ConnectionFailed, HandshakeRefused
from txphoenix.transports.websocket import PhoenixClientProtocol

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase
from .network import NetworkTestCase
from .raw_server import SWITCHING, RawTestCase, server_frame

DIGITS = b"1" * 5000
LONG_STATUS = b"HTTP/1.1 " + DIGITS + b" Many\r\n\r\n"

# What a mutation puts in: what parsers stumble over.
SCRAPS = (
    DIGITS,
    b"\x00",
    b"\xff\xfe",
    b"\r\n",
    b"\r\n\r\n",
    b": ",
    b",;=\"'",
    b"-1",
    b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=" + DIGITS,
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=8\r\n",
    b"Sec-WebSocket-Protocol: phoenix\r\n",
    b"Content-Length: " + DIGITS + b"\r\n",
    b"HTTP/9.9",
)
FRAMES = (
    server_frame(1, b'["1","1","rooms:lobby","phx_reply",{}]'),
    server_frame(1, b"[" * 2000),
    server_frame(1, b"[null,null,1e999,2," + DIGITS + b"]"),
    server_frame(2, b"\x01\xff\xff\xff\xff"),
    server_frame(8, b"\x03\xe8bye"),
    server_frame(8, b"\x00\x01\xff"),
    server_frame(9, b"ping"),
    server_frame(10, b"pong"),
    server_frame(0, b"rest", 0),
    server_frame(1, b"begin", 0),
    server_frame(3, b"reserved"),
    server_frame(1, b"\xff\xff"),
    server_frame(1, b"rsv", 0xF0),
)


class FuzzTests(RawTestCase):
    """A server that says anything, byte by byte."""

    def setUp(self) -> None:
        """The same chances each time."""
        super().setUp()
        self.random = random.Random(27)

    def mutated(self, data: bytes) -> bytes:
        """The bytes with some of them changed, gone, doubled or put in."""
        for _ in range(self.random.randrange(4)):
            at = self.random.randrange(len(data) + 1)
            to = min(len(data), at + self.random.randrange(12))
            middle = self.random.choice(
                (b"", data[at:to] * 2, self.random.randbytes(3), *SCRAPS)
            )
            data = data[:at] + middle + data[to:]
        return data

    def ends(self, answer: bytes, frames: bytes, **options: Any) -> None:
        """Say it all; however it ends, the client has ended the attempt."""
        self.raw.answer = answer
        self.memory.segment_size = self.random.choice((1, 7, None))
        client = self.make_client(reconnect=False, **options)
        errors: list[Exception] = []
        losses: list[Exception] = []
        opened: list[None] = []
        client.on_error(errors.append)
        client.on_open(lambda: opened.append(None))
        # It may be lost by what is read with the answer.
        client.on_close(losses.append)
        client.startService()
        self.memory.flush()
        if not self.peer.is_lost:
            self.peer.send(frames)
            self.memory.flush()
        self.memory.advance(client.options.connect_timeout)
        self.memory.cut()
        self.memory.flush()
        self.assertEqual((client.status, self.memory.pairs), ("disconnected", []))
        told = [it for it in errors if isinstance(it, ConnectionFailed)]
        self.assertEqual(len(told) + len(losses), 1, (told, losses))
        self.assertEqual(len(losses), len(opened))
        self.assertEqual(self.flushLoggedErrors(), [])
        self.stop_client(client)

    def test_handshake(self) -> None:
        """A mutated answer to the handshake is refused, or taken for what it is."""
        for _ in range(400):
            compression = self.random.random() < 0.5
            self.ends(self.mutated(SWITCHING + b"\r\n"), b"", compression=compression)

    def test_frames(self) -> None:
        """Mutated frames are dropped, or end the connection."""
        for _ in range(400):
            frames = b"".join(self.random.choices(FRAMES, k=3))
            fast = self.random.random() < 0.5
            self.ends(SWITCHING + b"\r\n", self.mutated(frames), fast_frames=fast)

    def test_status(self) -> None:
        """A status of 5,000 digits is no status."""
        self.raw.answer = LONG_STATUS
        self.raw.closes = True
        client, [error] = self.refused_client()
        assert isinstance(error, HandshakeRefused)
        self.assertIsNone(error.status)
        self.assertLess(len(str(error)), 500)
        self.assertEqual(client.status, "disconnected")


class RaisingProtocolTests(RawTestCase):
    """Something in the protocol raises, be it our fault or another's."""

    def break_method(self, name: str) -> None:
        """Have a method of the first protocol raise."""
        working = getattr(PhoenixClientProtocol, name)

        def raises(protocol: Any, *arguments: Any) -> Any:
            if protocol.factory.connection.attempts == 1:
                raise ZeroDivisionError(name)
            return working(protocol, *arguments)

        self.enterContext(mock.patch.object(PhoenixClientProtocol, name, raises))

    def test_while_opening(self) -> None:
        """The attempt fails with it, and the next one comes."""
        for name in ("_connectionMade", "processHandshake", "_why_not_opened"):
            with self.subTest(name=name):
                self.raw.answer = b"HTTP/1.1 403 Forbidden\r\n\r\n"
                self.raw.closes = True
                self.break_method(name)
                client = self.make_client()
                errors: list[Any] = []
                client.on_error(errors.append)
                client.startService()
                self.memory.flush()
                self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
                [error] = errors
                self.assertEqual(type(error), ConnectionFailed)
                self.assertIsInstance(error.__cause__, ZeroDivisionError)
                self.assertEqual(client.status, "disconnected")
                self.memory.advance(0.5)
                self.assertEqual(type(errors[1]), HandshakeRefused)
                self.stop_client(client)

    def test_while_open(self) -> None:
        """The connection is lost with it, and the next one comes."""
        for name in ("processData", "_why_closed", "_connectionLost"):
            with self.subTest(name=name):
                self.raw.answer = SWITCHING + b"\r\n"
                client = self.make_client()
                losses: list[Any] = []
                client.on_close(losses.append)
                client.startService()
                self.memory.flush()
                self.assertTrue(client.connected)
                self.break_method(name)
                self.peer.send(server_frame(9, b"ping"))
                self.memory.flush()
                self.memory.cut()
                self.memory.flush()
                self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
                [reason] = losses
                self.assertEqual((type(reason), reason.code), (ConnectionClosed, 1006))
                self.assertIsInstance(reason.__cause__, ZeroDivisionError)
                self.memory.advance(0.5)
                self.assertTrue(client.connected)
                self.stop_client(client)


@implementer(IStreamClientEndpoint)
class OddEndpoint:
    """An endpoint that does not do what it should.

    :param does: takes the factory and returns what ``connect`` does.
    """

    def __init__(self, does: Any) -> None:
        self.connect = does


class OddEndpointTests(RawTestCase):
    """Endpoints of the user's that do something else than connect."""

    def fails(self, does: Any, **options: Any) -> SocketClient:
        """Each attempt fails, and the next one comes."""
        client = self.make_client(endpoint=OddEndpoint(does), **options)
        errors: list[Any] = []
        client.on_error(errors.append)
        client.startService()
        self.memory.advance(client.options.connect_timeout + 0.5)
        self.assertIsInstance(errors[0], ConnectionFailed)
        self.assertGreater(client.connection.attempts, 1)
        return client

    def test_no_connection(self) -> None:
        """It says that it has connected, and has made no protocol."""

        def does(_factory: Any) -> Deferred[Any]:
            done: Deferred[Any] = Deferred()
            done.callback(Protocol())
            return done

        for transport in ("websocket", "longpoll"):
            self.fails(does, transport=transport)

    def test_no_deferred(self) -> None:
        """It returns nothing of use."""
        self.fails(lambda _factory: None)

    def test_protocol_never_connected(self) -> None:
        """It has made the protocol, and never connects it, or much too late."""
        made: list[Any] = []

        def does(factory: Any) -> Deferred[Any]:
            made.append(factory.buildProtocol(None))
            return Deferred()

        self.fails(does)
        late = type(
            "Late",
            (),
            {"write": lambda *_: None, "loseConnection": lambda it: made.append((it,))},
        )()
        made[0].makeConnection(late)
        self.assertEqual(made[-1], (late,))


@by_treq_too
class LongPollTests(LongPollTestCase):
    """What a long-poll server may say."""

    def test_nested(self) -> None:
        """JSON nested too deeply to be read is no answer of Phoenix's."""
        nested = b"[" * 100_000
        client = self.begin(reconnect=False, serializer=None)
        self.server.take("GET").answer(200, nested)
        self.assertIsInstance(self.failure(client), HandshakeRefused)

    def test_numbers(self) -> None:
        """Nor is one with a status of 5,000 digits."""
        client = self.begin(reconnect=False)
        self.server.take("GET").answer(200, b'{"status":' + DIGITS + b"}")
        self.assertIsInstance(self.failure(client), HandshakeRefused)


class Endless(Protocol):
    """A server whose status has 5,000 digits."""

    def dataReceived(self, data: bytes) -> None:
        """Answer."""
        assert self.transport is not None
        self.transport.write(LONG_STATUS)
        self.transport.loseConnection()


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def test_status(self) -> None:
        """The attempt fails, the next one comes, and a stop is a stop."""
        port = await self.listen(Endless)
        for options in (
            {},
            {"transport": "longpoll"},
            {"longpoll_fallback": 1.0},
            {"proxy": f"http://127.0.0.1:{port}"},
        ):
            with self.subTest(**options):
                client = self.client(f"ws://127.0.0.1:{port}/socket", **options)
                failing = client.when_connected(fail_after_failures=2)
                self.assertIsInstance(await self.failure_of(failing), ConnectionFailed)
                await client.stopService()
                await self.assert_nothing_held()
