"""What a server says, wherever it says it: legible in each line, and harmless."""

from __future__ import annotations

import json
from typing import Any

from autobahn.twisted.websocket import WebSocketServerProtocol
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.logger import LogEvent, eventAsText, globalLogPublisher
from zope.interface import implementer

from txphoenix import (
    ConnectionClosed,
    HandshakeRefused,
    JoinError,
    Message,
    PushError,
    SocketClient,
    telemetry,
)
from txphoenix.cli.output import as_json
from txphoenix.service.services import LoggedChannel
from txphoenix.testing import PhoenixServer, Refused, ServerChannel, error, ok

from .network import NetworkTestCase

WORDS = "\x1b[2J\r\nFAKE \x9b\u202e\x7f" + "x" * 48_000


def deep() -> Any:
    """JSON that is nested 980 deep."""
    value: Any = 1
    for _ in range(980):
        value = {"reason": value}
    return value


class Hostile(ServerChannel):
    """A channel that says no, at length."""

    says: Any = None

    def join(self, params: Any) -> Any:
        """Refuse the topics that ask for it."""
        if self.topic.endswith("refuse"):
            raise Refused(self.says)
        return self.says

    def handle_in(self, event: str, payload: Any) -> Any:
        """Say it in the way that is asked for."""
        if event == "wait":
            return None
        if event == "news":
            self.push(as_json(self.says)[:100], self.says)
            return ok()
        return error(self.says)


class DeepJSON:
    """A codec of the server that writes JSON of any depth."""

    loads = staticmethod(json.loads)
    dumps = staticmethod(as_json)


class HostileCase(NetworkTestCase):
    """The base of the tests below: all lines of the log are looked at."""

    says: Any = None

    def setUp(self) -> None:
        """Listen to the log."""
        super().setUp()
        self.lines: list[str] = []

        def observe(event: LogEvent) -> None:
            if event.get("log_namespace", "").startswith("txphoenix"):
                self.lines.append(eventAsText(event, includeTimestamp=False))

        globalLogPublisher.addObserver(observe)  # type: ignore[arg-type]
        self.addCleanup(globalLogPublisher.removeObserver, observe)  # type: ignore[arg-type]
        telemetry.attach_debug_handler()
        self.addCleanup(telemetry.detach_debug_handler)

    def assert_legible(self, *errors: BaseException) -> None:
        """Each line of the log and each text of an error is fit to be read."""
        texts = [text for error in errors for text in (str(error), repr(error))]
        for text in (*self.lines, *texts):
            self.assertTrue(text.isprintable(), ascii(text[:200]))
            self.assertLess(len(text), 1200)
        self.assertTrue(self.lines)

    async def hostile_client(self, **options: Any) -> tuple[Any, SocketClient]:
        """A server that says it, and its client."""
        room = type("Room", (Hostile,), {"says": self.says})
        server = PhoenixServer({"*": room}, json=DeepJSON())
        await server.start()
        self.addCleanup(server.stop, drain=False)
        client = self.client(server.url, **options)
        client.on_error(lambda error: self.lines.append(str(error)))
        await client.when_connected()
        return server, client


class WordsTests(HostileCase):
    """Long words with controls in them."""

    says = WORDS

    async def talk(self, **options: Any) -> None:
        """Be told it in each kind of answer."""
        server, client = await self.hostile_client(**options)
        closed: list[object] = []
        room = client.channel("rooms:a", channel_class=LoggedChannel)
        room.on_close(closed.append)
        await room.join()
        refused = await self.failure_of(client.join("rooms:refuse"))
        answered = await self.failure_of(room.push("no"))
        assert isinstance(refused, JoinError)
        assert isinstance(answered, PushError)
        self.assertEqual(as_json(refused.response), as_json(self.says))
        self.assertEqual(as_json(answered.response), as_json(self.says))
        # A topic and an event that nobody has asked for, and what is no message.
        session = server.connections[0]
        session.send(Message(None, None, as_json(self.says), "news", {}))
        await room.push("news")
        waiting = room.push("wait")
        crashed = self.next_call(room.on_error)
        session.send(
            Message(room.join_ref, room.join_ref, "rooms:a", "phx_error", self.says)
        )
        interrupted = await self.failure_of(waiting)
        self.assert_legible(refused, answered, interrupted, await crashed)
        # The connection has not noticed.
        await self.until(lambda: room.state == "joined")
        self.assertEqual(server.connections, [session])

    async def test_websocket(self) -> None:
        """Over a WebSocket."""
        await self.talk()

    async def test_longpoll(self) -> None:
        """By long-poll."""
        await self.talk(transport="longpoll")


class NestedTests(WordsTests):
    """JSON that is nested as deep as it is read."""

    says = property(lambda self: deep())


class CloseTests(HostileCase):
    """What a WebSocket is closed with."""

    async def test_close_reason(self) -> None:
        """In the reason of a close."""
        server, client = await self.hostile_client(reconnect=False)
        lost = self.next_call(client.on_close)
        transport: Any = server.connections[0]._transport
        # The kit's own gives no reason, as Phoenix's servers do.
        WebSocketServerProtocol.sendCloseFrame(transport, 4000, WORDS[:100].encode())
        reason = await lost
        self.assertIsInstance(reason, ConnectionClosed)
        self.assertEqual(reason.reason, WORDS[:100])
        self.assert_legible(reason)


class Answering(Protocol):
    """A server that refuses each request at length."""

    def dataReceived(self, data: bytes) -> None:
        """Answer."""
        words = WORDS.replace("\r\n", "").encode("latin-1", "replace")
        # A longer line is refused for its length, by long-poll.
        head = b"HTTP/1.1 500 " + words[:10_000] + b"\r\nX: " + words[:1000]
        self.transport.write(head + b"\r\nContent-Length: 0\r\n\r\n")  # type: ignore[union-attr]
        self.transport.loseConnection()  # type: ignore[union-attr]


class PhraseTests(HostileCase):
    """What HTTP says."""

    async def test_websocket(self) -> None:
        """In the answer to a handshake."""
        await self.refuse()

    async def test_longpoll(self) -> None:
        """In the answer to long-poll's first request."""
        await self.refuse(transport="longpoll")

    async def refuse(self, **options: Any) -> None:
        """Be refused."""
        port = await self.listen(Answering)
        url = f"ws://127.0.0.1:{port}/socket"
        client = self.client(url, reconnect=False, **options)
        refused = await self.failure_of(client.when_connected())
        self.assertIsInstance(refused, HandshakeRefused)
        self.assertIn("HTTP 500 \\x1b[2JFAKE \\x9b", str(refused))
        self.assert_legible(refused)

    async def test_endpoint(self) -> None:
        """In the error of an endpoint."""

        @implementer(IStreamClientEndpoint)
        class Failing:
            def connect(self, _factory: object) -> Any:
                raise OSError(WORDS)

        client = self.client(
            "ws://127.0.0.1:1/socket",
            endpoint=lambda *_: Failing(),
            reconnect=False,
        )
        failed = await self.failure_of(client.when_connected())
        self.assertIn("OSError: \\x1b[2J", str(failed))
        self.assert_legible(failed)
