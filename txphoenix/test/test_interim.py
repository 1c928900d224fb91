"""Tests of :mod:`txphoenix.transports.interim`: RFC 9110 section 15.2."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConnectionFailed, HandshakeRefused
from txphoenix.transports.interim import InterimAnswers, is_interim
from txphoenix.transports.websocket import _LONGEST_HEAD

from .network import TOPIC, NetworkTestCase, Tunnel, reactor
from .raw_server import SWITCHING, RawServer, RawTestCase, server_frame

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\nX-Who: me\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n"
UNKNOWN = b"HTTP/1.0 199\r\n\r\n"
ALL = CONTINUE + PROCESSING + HINTS + UNKNOWN
MESSAGE = b'[null,null,"rooms:lobby","news",{}]'


class InterimAnswersTests(SynchronousTestCase):
    """:class:`InterimAnswers`."""

    def test_skip(self) -> None:
        """Whole interim answers are taken out, and counted by their bytes."""
        interim = InterimAnswers()
        self.assertEqual(interim.skip(ALL + b"HTTP/1.1 2"), b"HTTP/1.1 2")
        self.assertEqual(interim.size, len(ALL))

    def test_byte_by_byte(self) -> None:
        """They are taken out as soon as they are whole, however they arrive."""
        interim = InterimAnswers()
        rest = b""
        for byte in ALL:
            rest = interim.skip(rest + bytes([byte]))
        self.assertEqual((rest, interim.size), (b"", len(ALL)))

    def test_what_is_none(self) -> None:
        """101 is final, and what only looks like one is left alone."""
        for data in (
            b"HTTP/1.1 101 Switching\r\n\r\n",
            b"HTTP/1.1 1000 x\r\n\r\n",
            b"HTTP/1.1 10 x\r\n\r\n",
            b"HTTP/1.1 200 103\r\n\r\n",
            b"x HTTP/1.1 103\r\n\r\n",
            b"HTTP/1.1 103x\r\n\r\n",
            b"",
        ):
            self.assertEqual(InterimAnswers().skip(data), data)

    def test_too_many(self) -> None:
        """There are at most sixteen."""
        interim = InterimAnswers()
        self.assertEqual(interim.skip(CONTINUE * 16), b"")
        error = self.assertRaises(ValueError, interim.skip, HINTS)
        self.assertEqual(str(error), "more than 16 interim answers")

    def test_is_interim(self) -> None:
        """All of 1xx are, but for 101."""
        found = [status for status in range(600) if is_interim(status)]
        self.assertEqual(found, [100, *range(102, 200)])
        self.assertFalse(is_interim(None))


class HandshakeTests(RawTestCase):
    """Interim answers before the answer to a WebSocket's handshake."""

    def test_skipped(self) -> None:
        """They are skipped, and what follows the 101 in the same read is taken."""
        for interim in (CONTINUE, PROCESSING, HINTS, UNKNOWN, ALL, HINTS * 16):
            with self.subTest(interim=interim):
                opened = SWITCHING + b"\r\n" + server_frame(1, MESSAGE)
                self.raw.answer = interim + opened
                messages: list[Any] = []
                client = self.make_client()
                client.on_message(messages.append)
                client.startService()
                self.memory.flush()
                self.assertTrue(client.connected)
                self.assertEqual([message.event for message in messages], ["news"])

    def test_byte_by_byte(self) -> None:
        """They may arrive in any pieces."""
        self.raw.answer = None
        client = self.make_client()
        client.startService()
        self.memory.flush()
        self.raw.answer = ALL + SWITCHING + b"\r\n"
        answer = self.peer.answer()
        for byte in answer:
            self.assertFalse(client.connected)
            self.peer.send(bytes([byte]))
            self.memory.flush()
        self.assertTrue(client.connected)

    def refusal(self, answer: bytes, closes: bool = False) -> Any:
        """What the user is told of an answer."""
        self.raw.answer, self.raw.closes = answer, closes
        _, (error,) = self.refused_client()
        return error

    def test_refusal_follows(self) -> None:
        """The status and the headers that are told are those of the final answer."""
        for closes in (False, True):
            error = self.refusal(
                ALL + b"HTTP/1.1 403 Forbidden\r\nRetry-After: 7\r\n\r\n", closes
            )
            self.assertIsInstance(error, HandshakeRefused)
            self.assertEqual((error.status, error.reason), (403, "Forbidden"))
            self.assertEqual(error.headers, {"retry-after": "7"})

    def test_end_follows(self) -> None:
        """A connection that ends then was lost, and nobody has refused it."""
        for answer in (ALL, ALL + HINTS[:-3], HINTS[:-2], CONTINUE + b"HTTP"):
            with self.subTest(answer=answer):
                error = self.refusal(answer, closes=True)
                self.assertIs(type(error), ConnectionFailed)
                self.assertIn("lost during the handshake", str(error))

    def test_too_many(self) -> None:
        """A server that only talks is given up, by the number of its answers."""
        error = self.refusal(CONTINUE * 17)
        self.assertIsInstance(error, HandshakeRefused)
        self.assertIsNone(error.status)
        self.assertEqual(error.reason, "more than 16 interim answers")
        self.assertTrue(self.peer.is_lost)

    def test_too_long(self) -> None:
        """And by their bytes, together with those of the final answer."""
        hint = b"HTTP/1.1 103 Early Hints\r\nLink: " + b"a" * 9000 + b"\r\n\r\n"
        error = self.refusal(hint * 8 + SWITCHING + b"\r\n")
        self.assertIsInstance(error, HandshakeRefused)
        self.assertEqual(error.reason, f"more than {_LONGEST_HEAD} bytes of headers")


class TalkingTunnel(Tunnel):
    """A proxy that says something before it says yes."""

    def _connected(self, far: Any) -> None:
        cast(Any, self.transport).write(ALL)
        super()._connected(far)


class EndlessTunnel(Protocol):
    """A proxy that never comes to an end."""

    def dataReceived(self, data: bytes) -> None:
        """Answer that the answer is on its way."""
        cast(Any, self.transport).write(PROCESSING * 17)


class NetworkTests(NetworkTestCase):
    """Interim answers over real TCP."""

    async def raw_port(self, answer: bytes) -> tuple[RawServer, int]:
        """A raw server that answers so, and its port."""
        raw = RawServer()
        raw.answer = answer
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(raw)
        self.addCleanup(port.stopListening)
        self.addCleanup(raw.lose_http)
        return raw, port.getHost().port

    async def test_websocket(self) -> None:
        """A WebSocket opens after them."""
        _, port = await self.raw_port(ALL + SWITCHING + b"\r\n")
        client = self.client(f"ws://127.0.0.1:{port}/socket", close_timeout=0.01)
        await client.when_connected()

    async def test_longpoll(self) -> None:
        """So does a session of long-poll."""
        body = b'{"status":410,"token":"t","messages":[]}'
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        _, port = await self.raw_port(ALL + head + body)
        client = self.client(
            f"ws://127.0.0.1:{port}/socket", transport="longpoll", close_timeout=0.01
        )
        await client.when_connected()

    async def test_proxy(self) -> None:
        """A tunnel may be preceded by them as well, on each transport."""
        server = await self.serve()
        port = await self.listen(TalkingTunnel)
        for transport in ("websocket", "longpoll"):
            client = self.client(
                server.url, proxy=f"http://127.0.0.1:{port}", transport=transport
            )
            _, room = await client.join(TOPIC)
            self.assertEqual(await room.push("echo", {"a": 1}), {"a": 1})
            await client.stopService()

    async def test_endless_proxy(self) -> None:
        """A proxy that only talks is given up."""
        port = await self.listen(EndlessTunnel)
        client = self.client(
            "ws://127.0.0.1:1/socket", proxy=f"http://127.0.0.1:{port}", reconnect=False
        )
        error = await self.failure_of(client.when_connected())
        self.assertEqual(str(error), "the proxy has sent more than 16 interim answers")
        await client.stopService()
        await self.assert_nothing_held()
