"""Tests of :mod:`txphoenix.transports.answer_head`: RFC 9110 section 15.2."""

from __future__ import annotations

import re
from typing import Any, cast

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.errors import ConnectionFailed, HandshakeRefused
from txphoenix.transports import answer_head
from txphoenix.transports.answer_head import AnswerHead, accepted_head, is_interim
from txphoenix.transports.websocket import _LONGEST_HEAD

from .network import TOPIC, NetworkTestCase, Tunnel, reactor
from .properties import checked, given, st
from .raw_server import SWITCHING, RawServer, RawTestCase, server_frame
from .test_idle import factory_of

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\nX-Who: me\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n"
UNKNOWN = b"HTTP/1.0 199\r\n\r\n"
ALL = CONTINUE + PROCESSING + HINTS + UNKNOWN
MESSAGE = b'[null,null,"rooms:lobby","news",{}]'


class CountingPattern:
    """A pattern that counts the bytes that it is to be looked for in."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.searched = 0

    def search(self, data: bytearray, start: int) -> re.Match[bytes] | None:
        """Look for it, from there on."""
        self.searched += len(data) - start
        return self._pattern.search(data, start)


class AnswerHeadTests(SynchronousTestCase):
    """:class:`AnswerHead`."""

    def read(self, data: bytes, step: int) -> tuple[bytes, bytes] | None:
        """What is found in data that arrives in pieces, and what is left of it."""
        head = AnswerHead(1000)
        for start in range(0, len(data), step):
            found = head.read(data[start : start + step])
            if found is not None:
                return found[0], found[1] + data[start + step :]
        return None

    def test_read(self) -> None:
        """The head of the final answer is found, however it arrives."""
        final = b"HTTP/1.1 101 Switching\r\nA: b"
        rest = b"\x81\x01a\r\n\r\n\x81\x01b"
        for interim in (b"", CONTINUE, ALL, HINTS * 16):
            data = interim + final + b"\r\n\r\n" + rest
            for step in (1, 2, 3, 7, 1000):
                with self.subTest(interim=interim, step=step):
                    self.assertEqual(self.read(data, step), (final, rest))

    def test_lines_of_lf(self) -> None:
        """Lines may end in LF alone, all or some: RFC 9112 section 2.2."""
        for interim in (CONTINUE, HINTS):
            for end in (b"\n\n", b"\r\n\n", b"\n\r\n"):
                data = (
                    interim.replace(b"\r\n", b"\n")
                    + b"HTTP/1.1 101\nA: b"
                    + end
                    + b"xy"
                )
                for step in (1, 2, 1000):
                    with self.subTest(interim=interim, end=end, step=step):
                        self.assertEqual(
                            self.read(data, step), (b"HTTP/1.1 101\nA: b", b"xy")
                        )

    def test_not_whole(self) -> None:
        """Until it is whole there is nothing, but for what has begun."""
        head = AnswerHead(1000)
        self.assertIsNone(head.read(ALL + b"HTTP/1.1 2"))
        self.assertIsNone(head.read(b"00\r\n"))
        self.assertEqual(head.begun, b"HTTP/1.1 200\r\n")
        self.assertEqual(head.read(b"\r\nbody"), (b"HTTP/1.1 200", b"body"))
        self.assertEqual(head.begun, b"")

    def test_what_is_not_interim(self) -> None:
        """101 is final, and what only looks like an interim answer is left alone."""
        for head in (
            b"HTTP/1.1 101 Switching",
            b"HTTP/1.1 101",
            b"HTTP/1.1 1000 x",
            b"HTTP/1.1 10 x",
            b"HTTP/1.1 200 103",
            b"x HTTP/1.1 103",
            b"HTTP/1.1 103x",
            b"",
        ):
            self.assertEqual(self.read(head + b"\r\n\r\n", 1000), (head, b""))

    def test_odd_status(self) -> None:
        """What Python takes for the number 101 is no status (RFC 9112 section 4)."""
        for status in (b"+101", b"1_01", b"10_1", b"0101", b"1_0_1", b"+0_101"):
            for form in (b"HTTP/1.1 %b Yes", b"HTTP/1.1 %b", b" HTTP/1.1\t%b\tYes"):
                for step in (1, 1000):
                    with self.subTest(status=status, form=form, step=step):
                        error = self.assertRaises(
                            ValueError, self.read, form % status + b"\r\n\r\n", step
                        )
                        self.assertEqual(
                            str(error), "a status that is not three digits"
                        )

    def test_too_many(self) -> None:
        """There are at most sixteen interim answers."""
        head = AnswerHead(10_000)
        self.assertIsNone(head.read(CONTINUE * 16))
        error = self.assertRaises(ValueError, head.read, HINTS)
        self.assertEqual(str(error), "more than 16 interim answers")

    def test_too_long(self) -> None:
        """All together have so many bytes at most, whole or not."""
        for interim in (b"", CONTINUE, ALL):
            for end in (b"", b"\r\n\r\n"):
                with self.subTest(interim=interim, end=end):
                    line = b"a" * (1000 - len(interim))
                    AnswerHead(1000).read(interim + line + end)
                    error = self.assertRaises(
                        ValueError, AnswerHead(1000).read, interim + line + b"a" + end
                    )
                    self.assertEqual(str(error), "more than 1000 bytes of headers")

    def test_work(self) -> None:
        """The work grows with the length, and not with its square."""
        counting = CountingPattern(answer_head._END)
        self.patch(answer_head, "_END", counting)
        size = 64 * 1024
        head = AnswerHead(size)
        for _ in range(size):
            self.assertIsNone(head.read(b"a"))
        self.assertLessEqual(counting.searched, 4 * size)

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

    def test_lines_of_lf(self) -> None:
        """An answer whose lines end in LF alone opens a session as well."""
        answer = (ALL + SWITCHING + b"\r\n").replace(b"\r\n", b"\n")
        self.raw.answer = answer + server_frame(1, MESSAGE)
        client = self.make_client()
        messages: list[Any] = []
        client.on_message(messages.append)
        client.startService()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual([message.event for message in messages], ["news"])

    def test_work(self) -> None:
        """Nothing is kept of a head but once, and none of it where reads are added."""
        self.raw.answer = SWITCHING
        client = self.make_client()
        client.startService()
        self.memory.flush()
        counting = CountingPattern(answer_head._END)
        self.patch(answer_head, "_END", counting)
        size = 4000
        for byte in b"X-Long: " + b"a" * size:
            self.peer.send(bytes([byte]))
            self.memory.flush()
            self.assertEqual(factory_of(client).connector.protocol.data, b"")  # type: ignore[attr-defined]
        self.assertLessEqual(counting.searched, 5 * size)
        self.peer.send(b"\r\n\r\n")
        self.memory.flush()
        self.assertTrue(client.connected)

    def refusal(self, answer: bytes, closes: bool = False) -> Any:
        """What the user is told of an answer."""
        self.raw.answer, self.raw.closes = answer, closes
        _, (error,) = self.refused_client()
        return error

    def test_odd_status(self) -> None:
        """A handshake is refused whose status only a number could be."""
        answer = SWITCHING.replace(b" 101 ", b" +101 ") + b"\r\n"
        error = self.refusal(answer)
        self.assertIsInstance(error, HandshakeRefused)
        self.assertEqual(error.reason, "a status that is not three digits")

    def test_end_that_is_not_seen(self) -> None:
        """However it comes, the head ends where a blank line is."""
        answer = SWITCHING.replace(b"\r\n", b"\n\r\n", 1) + b"\r\n"
        for segment_size in (None, 1):
            self.memory.segment_size = segment_size
            error = self.refusal(answer)
            self.assertIsInstance(error, HandshakeRefused)

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
        """A WebSocket opens after them, whatever their lines end in."""
        answer = ALL + SWITCHING + b"\r\n"
        for sent in (answer, answer.replace(b"\r\n", b"\n")):
            _, port = await self.raw_port(sent)
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
        said = f"the proxy 127.0.0.1:{port} has sent more than 16 interim answers ("
        self.assertTrue(str(error).startswith(said), error)
        await client.stopService()
        await self.assert_nothing_held()


class AcceptedHeadTests(SynchronousTestCase):
    """:func:`accepted_head`, which must take nothing that Autobahn refuses."""

    KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
    # Both are of RFC 6455 section 1.3.
    GOOD = (
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    )

    def accepted(self, *lines: bytes, rest: bytes = b"") -> Any:
        """What is made of an answer of these lines."""
        data = b"\r\n".join([*lines, b"", b""]) + rest
        return accepted_head(data, self.KEY, ["phoenix", "chat"], 1000)

    def autobahn_opens(self, *lines: bytes) -> bool:
        """Whether Autobahn's own protocol opens at such an answer."""
        protocol: Any = WebSocketClientProtocol()
        protocol.factory = WebSocketClientFactory(
            reactor=Clock(), protocols=["phoenix", "chat"]
        )
        protocol.factory.openHandshakeTimeout = 0
        protocol.startHandshake = lambda: None
        protocol.transport = StringTransport()
        protocol._connectionMade()
        protocol.websocket_key = self.KEY
        protocol._dataReceived(b"\r\n".join([*lines, b"", b""]))
        return bool(protocol.state == protocol.STATE_OPEN)

    def test_accepted(self) -> None:
        """An answer that leaves nothing to weigh is taken, whatever else it says."""
        head = b"\r\n".join(self.GOOD)
        self.assertEqual(self.accepted(*self.GOOD, rest=b"\x81\0"), (head, None))
        for lines in (
            (*self.GOOD, b"date: Fri, 27 Nov 2026 10:00:00 GMT", b"server: Cowboy"),
            (b"HTTP/1.1 101", *reversed(self.GOOD[1:])),
            (
                self.GOOD[0],
                b"UPGRADE:WebSocket",
                b"connection:\t upgrade ",
                self.GOOD[3],
            ),
            (*self.GOOD, b"Set-Cookie: a=b", b"Set-Cookie: c=d", b"X-Empty:"),
        ):
            self.assertEqual(self.accepted(*lines), (b"\r\n".join(lines), None), lines)
            self.assertTrue(self.autobahn_opens(*lines))
        for name in ("phoenix", "chat"):
            lines = (*self.GOOD, b"Sec-WebSocket-Protocol: " + name.encode())
            self.assertEqual(self.accepted(*lines), (b"\r\n".join(lines), name))
            self.assertTrue(self.autobahn_opens(*lines))

    def test_left_to_autobahn(self) -> None:
        """An answer that is wrong, odd or not whole is not."""
        first, upgrade, connection, accept = self.GOOD
        for lines in (
            (b"HTTP/1.0 101 Switching Protocols", upgrade, connection, accept),
            (b"HTTP/1.1 200 OK", upgrade, connection, accept),
            (b"HTTP/1.1 1010 Hm", upgrade, connection, accept),
            (b"HTTP/1.1  101 Hm", upgrade, connection, accept),
            (b"HTTP/1.1 101 \xff", upgrade, connection, accept),
            (b" HTTP/1.1 101 Hm", upgrade, connection, accept),
            # A reader who takes LF for the end of a line finds the end of the head.
            (b"HTTP/1.1 101 Hm\n", upgrade, connection, accept),
            (b"HTTP/1.1 101 Hm\r", upgrade, connection, accept),
            (b"HTTP/1.1 101 \0", upgrade, connection, accept),
            (first, connection, accept),
            (first, upgrade, accept),
            (first, upgrade, connection),
            (first, b"Upgrade: websocket, h2c", connection, accept),
            (first, b"Upgrade: WebSockets", connection, accept),
            (first, upgrade, b"Connection: keep-alive", accept),
            (first, upgrade, b"Connection: keep-alive, Upgrade", accept),
            (first, upgrade, connection, accept[:-1]),
            (first, upgrade, connection, accept.upper()),
            (first, upgrade, connection, b"Sec-WebSocket-Accept:"),
            (*self.GOOD, accept),
            (*self.GOOD, upgrade),
            (*self.GOOD, connection),
            (*self.GOOD, b"Sec-WebSocket-Extensions: permessage-deflate"),
            (*self.GOOD, b"Sec-WebSocket-Extensions:"),
            (*self.GOOD, b"Sec-WebSocket-Protocol: other"),
            (*self.GOOD, b"Sec-WebSocket-Protocol:"),
            (*self.GOOD, *2 * [b"Sec-WebSocket-Protocol: chat"]),
            (*self.GOOD, b"no colon"),
            (*self.GOOD, b" folded: line"),
            (*self.GOOD, b": no name"),
            (*self.GOOD, b"Space : before the colon"),
            (*self.GOOD, b"X-Bare: a\nUpgrade: b"),
            (*self.GOOD, b"X-Bare: a\rb"),
            (*self.GOOD, b"X-Null: \0"),
            (*self.GOOD, b"X-Latin: \xe9"),
            (*self.GOOD, b"X-Long: " + b"x" * 1000),
            (b"HTTP/1.1 100 Continue", b"", *self.GOOD),
            (b"", *self.GOOD),
        ):
            with self.subTest(lines=lines):
                self.assertIsNone(self.accepted(*lines))
        whole = b"\r\n".join([*self.GOOD, b"", b""])
        for size in range(len(whole)):
            self.assertIsNone(accepted_head(whole[:size], self.KEY, (), 1000))
        self.assertIsNone(accepted_head(whole, b"another key", (), 1000))

    @checked
    @given(
        st.lists(
            st.sampled_from(
                [
                    *GOOD[1:],
                    b"connection: UPGRADE",
                    b"upgrade: h2c",
                    b"Connection: close, upgrade",
                    b"sec-websocket-accept: no",
                    b"Sec-WebSocket-Protocol: chat",
                    b"Sec-WebSocket-Protocol: other",
                    b"Sec-WebSocket-Extensions: x",
                    b"X: y",
                    b"Folded:",
                    b" more",
                ]
            ),
            max_size=7,
        )
    )
    def test_never_more_than_autobahn(self, lines: list[bytes]) -> None:
        """Whatever is taken here Autobahn would have taken as well."""
        if self.accepted(self.GOOD[0], *lines) is not None:
            self.assertTrue(self.autobahn_opens(self.GOOD[0], *lines))
