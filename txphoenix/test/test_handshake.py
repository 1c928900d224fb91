"""Tests of :mod:`txphoenix.handshake`, and of ``client.handshake``."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any, cast

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Handshake

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase
from .raw_server import SWITCHING, RawTestCase

SECRET = "s3cret"


class HandshakeTests(SynchronousTestCase):
    """The answer itself."""

    def test_headers(self) -> None:
        """Headers are by lower-case names, and one that comes twice is joined."""
        head = b"HTTP/1.1 101 OK\r\nX-A: 1\r\nx-a:2 \r\nnonsense\r\nB: c"
        handshake = Handshake("websocket", 101, head=head)
        self.assertEqual(handshake.headers, {"x-a": "1, 2", "b": "c"})
        self.assertEqual(handshake.lines, (("X-A", "1"), ("x-a", "2"), ("B", "c")))

    def test_cookies(self) -> None:
        """Each cookie is by its name, without what it is good for."""
        handshake = Handshake(
            "longpoll",
            200,
            head=b"HTTP/1.1 200 OK\r\n"
            b"Set-Cookie: a=1; Expires=Thu, 01 Jan 2099 00:00:00 GMT\r\n"
            b"set-cookie: b = x=y ;Path=/\r\n"
            b"Set-Cookie: nonsense\r\n"
            b"Cookie: c=1\r\n",
        )
        self.assertEqual(handshake.cookies, {"a": "1", "b": "x=y"})

    def test_repr(self) -> None:
        """Decision 11: names are shown, and no value."""
        head = f"HTTP/1.1 101 OK\r\nSet-Cookie: {SECRET}\r\nX-A: {SECRET}".encode()
        handshake = Handshake("websocket", 101, SECRET, head)
        self.assertEqual(
            repr(handshake), "<Handshake websocket 101, headers: set-cookie, x-a>"
        )
        self.assertNotIn(SECRET, str(handshake))

    def test_repr_of_hostile_names(self) -> None:
        """What a server sent is cut, and its control characters are shown."""
        head = b"HTTP/1.1 101 OK\r\n\x1b[31m\xff: 1\r\n" + b"x" * 50000 + b": 1"
        shown = repr(Handshake("websocket", 101, head=head))
        self.assertIn("headers: \\x1b[31m\xff, xxx", shown)
        self.assertTrue(shown.endswith("xxx... (50008 characters)>"), shown)
        self.assertLess(len(shown), 300)

    def test_frozen(self) -> None:
        """It does not change."""
        handshake: Any = Handshake("websocket", 101)
        with self.assertRaises(FrozenInstanceError):
            handshake.status = 200


class WebSocketTests(RawTestCase):
    """That of a WebSocket."""

    def test_open(self) -> None:
        """It is there when the client is open, and stays until the next."""
        client = self.make_client()
        seen: list[Any] = []
        client.on_open(lambda: seen.append(client.handshake))
        self.assertIsNone(client.handshake)
        self.raw.answer = SWITCHING + b"X-Node: 1\r\nSet-Cookie: a=b\r\n\r\n"
        client.startService()
        self.memory.flush()
        handshake = cast(Handshake, client.handshake)
        self.assertEqual((handshake.transport, handshake.status), ("websocket", 101))
        self.assertEqual(handshake.headers["x-node"], "1")
        self.assertEqual(handshake.headers["upgrade"], "websocket")
        self.assertEqual(handshake.cookies, {"a": "b"})
        self.assertIsNone(handshake.subprotocol)
        self.assertEqual(seen, [handshake])
        self.raw.answer = SWITCHING + b"X-Node: 2\r\n\r\n"
        self.peer.lose()
        self.memory.flush()
        self.assertIs(client.handshake, handshake)
        self.memory.advance(1)
        self.assertEqual(cast(Handshake, client.handshake).headers["x-node"], "2")

    def test_refused(self) -> None:
        """A refusal is no handshake; its error has the headers."""
        self.raw.answer = b"HTTP/1.1 403 No\r\nX-Node: 1\r\n\r\n"
        client, _ = self.refused_client()
        self.assertIsNone(client.handshake)

    def test_subprotocol(self) -> None:
        """The subprotocol that the server has chosen is told."""
        self.raw.answer = SWITCHING + b"Sec-WebSocket-Protocol: phoenix\r\n\r\n"
        client = self.connected_client(auth_token="token")
        self.assertEqual(cast(Handshake, client.handshake).subprotocol, "phoenix")


@by_treq_too
class LongPollTests(LongPollTestCase):
    """That of long-poll."""

    def test_open(self) -> None:
        """It is the answer that opened the session."""
        client = self.begin()
        self.server.take("GET").answer(
            200, b'{"status":410,"token":"t"}', set_cookie="a=b", x_node="1"
        )
        handshake = cast(Handshake, client.handshake)
        self.assertEqual((handshake.transport, handshake.status), ("longpoll", 200))
        self.assertEqual(handshake.headers["x-node"], "1")
        self.assertEqual(handshake.cookies, {"a": "b"})
        self.server.take("GET").answer(200, b'{"status":204}', x_node="2")
        self.assertEqual(cast(Handshake, client.handshake).headers["x-node"], "1")
