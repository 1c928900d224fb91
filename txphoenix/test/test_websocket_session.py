"""Tests of :mod:`txphoenix.transports.websocket`: frames, and how it closes."""

from __future__ import annotations

import zlib
from typing import Any

from txphoenix.errors import (
    ConfigurationError,
    ConnectionClosed,
    MessageTooLarge,
    NotConnected,
)
from txphoenix.protocol.message import Message
from txphoenix.testing import ServerChannel, ok

from .raw_server import SWITCHING, RawTestCase, server_frame
from .support import ClientTestCase

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MESSAGE = b'[null,null,"rooms:lobby","news",{}]'


def closing(code: int, reason: bytes = b"") -> bytes:
    """A close frame of the server."""
    return server_frame(CLOSE, code.to_bytes(2, "big") + reason)


def unmasked(data: bytes) -> tuple[int, bytes]:
    """The opcode and the payload of the one short frame that a client has sent."""
    mask, masked = data[2:6], data[6:]
    assert data[1] == 0x80 | len(masked), data
    return data[0] & 0x0F, bytes(b ^ mask[i % 4] for i, b in enumerate(masked))


class SessionTestCase(RawTestCase):
    """A client that is connected to a raw server."""

    def setUp(self) -> None:
        """Connect, and keep what the hooks are told."""
        super().setUp()
        self.closed: list[Any] = []
        self.messages: list[Message] = []
        self.errors: list[Exception] = []

    def connect(self, **options: Any) -> None:
        """Connect."""
        self.client = client = self.make_client(**options)
        client.on_close(self.closed.append)
        client.on_message(self.messages.append)
        client.on_error(self.errors.append)
        client.startService()
        self.memory.flush()
        self.assertTrue(client.connected)

    def send(self, *frames: bytes) -> None:
        """Have the server send bytes."""
        self.peer.send(b"".join(frames))
        self.memory.flush()

    def assert_closed(self, code: int, reason: str, was_clean: bool) -> None:
        """The connection has been closed, once, and that is what the user was told."""
        self.assertEqual([type(reason) for reason in self.closed], [ConnectionClosed])
        closed = self.closed[0]
        self.assertEqual(
            (closed.code, closed.reason, closed.was_clean), (code, reason, was_clean)
        )


class ServerClosesTests(SessionTestCase):
    """The server begins to close."""

    def test_codes(self) -> None:
        """The user is told the server's code and reason; the close is answered."""
        for code in (1000, 1001, 1002, 1011, 1012, 4001):
            with self.subTest(code=code):
                self.closed.clear()
                self.connect()
                self.send(closing(code, "Grüße".encode()))
                self.assertEqual(self.closed, [])
                self.assertFalse(self.client.connected)
                self.assertEqual(
                    unmasked(self.peer.rest), (CLOSE, (1000).to_bytes(2, "big"))
                )
                self.peer.lose()
                self.memory.flush()
                self.assert_closed(code, "Grüße", True)

    def test_second(self) -> None:
        """A second close changes nothing; some servers answer the answer to theirs."""
        for close_timeout in (0.5, 5.0):
            self.closed.clear()
            self.connect(close_timeout=close_timeout, reconnect=False)
            self.send(closing(1012, b"restart"))
            self.send(closing(1000, b"bye"))
            self.send(server_frame(CLOSE))
            self.peer.lose()
            self.memory.flush()
            self.assert_closed(1012, "restart", True)

    def test_without_a_code(self) -> None:
        """A close without a code is 1005 (RFC 6455 section 7.1.5)."""
        self.connect()
        self.send(server_frame(CLOSE))
        self.peer.lose()
        self.memory.flush()
        self.assert_closed(1005, "", True)

    def test_without_a_close_frame(self) -> None:
        """A connection that just ends is 1006, and nothing more is to be said."""
        self.connect()
        self.peer.lose()
        self.memory.flush()
        self.assert_closed(1006, "", False)
        self.assertEqual(
            str(self.closed[0]), "connection closed with code 1006 (no close frame)"
        )

    def test_reset(self) -> None:
        """A connection that is lost is 1006, with what the transport says of it."""
        self.connect()
        self.lose_connection()
        said = "Connection to the other side was lost in a non-clean fashion."
        self.assert_closed(1006, said, False)
        self.assertEqual(type(self.closed[0].__cause__).__name__, "ConnectionLost")

    def test_nothing_is_sent_meanwhile(self) -> None:
        """Once the close has begun a message is kept, for it would be lost."""
        self.connect()
        self.send(closing(1012))
        self.assertEqual(self.client.status, "disconnected")
        self.client.push(Message.push("rooms:lobby", "late", {}, None, None))
        self.assertEqual(len(self.client.state.to_send), 1)
        self.peer.lose()
        self.memory.advance(5)
        self.assertEqual(len(self.client.state.to_send), 0)
        self.assertIn(b"late", unmasked(self.peer.rest)[1])

    def test_connection_that_stays(self) -> None:
        """A server that closes and does not end TCP is left after close_timeout."""
        self.connect(close_timeout=3, reconnect=False)
        self.send(closing(1001))
        self.memory.advance(2.9)
        self.assertFalse(self.peer.is_lost)
        self.memory.advance(0.1)
        self.assertTrue(self.peer.is_lost)
        self.assert_closed(1001, "", True)

    def test_read_after_the_loss(self) -> None:
        """A close that a pause has held back is told, and nothing is left behind."""
        self.connect(reconnect=False, receive_buffer=1)
        channel = self.client.channel("rooms:lobby")
        self.watch(channel.join())
        joined = b'["1","1","rooms:lobby","phx_reply",{"status":"ok","response":{}}]'
        self.send(server_frame(TEXT, joined))
        read = [self.watch(channel.receive())]
        self.send(server_frame(TEXT, MESSAGE) * 3 + closing(4001))
        self.assertTrue(self.client.connected)
        self.lose_connection()
        self.assert_closed(4001, "", True)
        self.assertEqual(len(self.messages), 4)
        self.assertEqual(len(read[0].fired), 1)
        self.watch(self.client.disconnect())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_wrong_codes(self) -> None:
        """A code that nobody may send breaks the protocol (RFC 6455 section 7.4)."""
        for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000):
            with self.subTest(code=code):
                self.closed.clear()
                self.connect(reconnect=False)
                self.send(closing(code))
                self.memory.advance(2)
                self.assert_closed(1002, f"invalid close code {code}", False)

    def test_wrong_reason(self) -> None:
        """A reason that is not UTF-8 is 1007."""
        self.connect()
        self.send(closing(1000, b"\xff"))
        self.memory.advance(2)
        self.assert_closed(1007, "invalid close reason (non-UTF8 payload)", False)


class ClientClosesTests(SessionTestCase):
    """The client begins to close."""

    def test_answered(self) -> None:
        """The close is sent with code and reason, answered, and then it is over."""
        self.connect()
        done = self.watch(self.client.disconnect(4001, "Grüße"))
        self.memory.flush()
        said = (4001).to_bytes(2, "big") + "Grüße".encode()
        self.assertEqual(unmasked(self.peer.rest), (CLOSE, said))
        self.assert_waits(done)
        self.send(closing(1000))
        self.assert_waits(done)
        self.peer.lose()
        self.memory.flush()
        self.assert_fired(done, None)
        self.assert_closed(1000, "", True)

    def test_not_answered(self) -> None:
        """Decision 4: a server that never answers is left after close_timeout."""
        self.connect(close_timeout=3)
        done = self.watch(self.client.disconnect())
        self.memory.advance(2.9)
        self.assert_waits(done)
        self.memory.advance(0.1)
        self.assert_fired(done, None)
        self.assert_closed(1006, "the server did not finish the close in 3 s", False)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_messages_meanwhile(self) -> None:
        """What comes after the close was sent is not wanted any more."""
        self.connect()
        self.watch(self.client.disconnect())
        self.send(server_frame(TEXT, MESSAGE), b"\x81\x01x", closing(1000))
        self.assertEqual((self.messages, self.errors), ([], []))
        self.peer.lose()
        self.memory.flush()

    def test_nonsense_meanwhile(self) -> None:
        """A server that breaks the protocol in the close is left at once."""
        self.connect()
        done = self.watch(self.client.disconnect())
        self.memory.flush()
        self.send(server_frame(3, b"x"))
        self.assert_fired(done, None)

    def test_wrong_code_or_reason(self) -> None:
        """A code that no client may send is refused, and nothing has happened."""
        self.connect()
        for code, reason, said in (
            (1001, "", "a close code must be 1000 or from 3000 to 4999, not 1001"),
            (5000, "", "a close code must be 1000 or from 3000 to 4999, not 5000"),
            (True, "", "a close code must be 1000 or from 3000 to 4999, not True"),
            ("1000", "", "a close code must be 1000 or from 3000 to 4999, not '1000'"),
            (1000, b"bye", "a close reason must be a str, not b'bye'"),
            (
                1000,
                "ü" * 62,
                "a close reason must have at most 123 bytes of UTF-8, not 124",
            ),
        ):
            with self.subTest(said=said):
                arguments: Any = (code, reason)
                error = self.assertRaises(
                    ConfigurationError, self.client.disconnect, *arguments
                )
                self.assertEqual(str(error), said)
                self.assertTrue(self.client.connected)


class WrongFramesTests(SessionTestCase):
    """Frames that break the WebSocket protocol end the connection, with a reason."""

    def close_after(self, data: bytes, **options: Any) -> ConnectionClosed:
        """How the connection was closed after the server had sent ``data``."""
        self.closed.clear()
        self.connect(reconnect=False, **options)
        self.send(data)
        self.assertEqual(unmasked(self.peer.rest)[0], CLOSE)
        told = int.from_bytes(unmasked(self.peer.rest)[1][:2], "big")
        self.send(closing(1000))
        self.peer.lose()
        self.memory.flush()
        (closed,) = self.closed
        assert isinstance(closed, ConnectionClosed)
        self.assertEqual(closed.code, told)
        self.assertFalse(closed.was_clean)
        self.assertNotEqual(closed.reason, "")
        return closed

    def test_invalid_utf_8(self) -> None:
        """Text that is not UTF-8 is 1007, whole or in a frame that goes on."""
        for frames in (
            server_frame(TEXT, b'["\xff"]'),
            server_frame(TEXT, b"\xc3"),
            server_frame(TEXT, b"\xff", 0) + server_frame(0, b""),
        ):
            with self.subTest(frames=frames):
                closed = self.close_after(frames)
                self.assertEqual(closed.code, 1007)
                self.assertIn("UTF-8", closed.reason)

    def test_too_large(self) -> None:
        """Decision 10: a message over the limit is 1009, as soon as that shows."""
        for frames in (
            server_frame(TEXT, b"x" * 101),
            server_frame(BINARY, b"x" * 200_000)[:100],
            server_frame(TEXT, b"x" * 60, 0) + server_frame(0, b"x" * 60),
        ):
            with self.subTest(size=len(frames)):
                closed = self.close_after(frames, max_message_size=100)
                self.assertEqual(closed.code, 1009)
                self.assertIn("100", closed.reason)

    def test_largest(self) -> None:
        """A message of just ``max_message_size`` bytes is taken."""
        self.connect(max_message_size=100)
        self.send(server_frame(TEXT, MESSAGE + b" " * (100 - len(MESSAGE))))
        self.assertEqual([message.event for message in self.messages], ["news"])

    def test_too_large_when_inflated(self) -> None:
        """Compression does not get round the limit."""
        self.raw.answer = (
            SWITCHING + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        )
        deflate = zlib.compressobj(wbits=-15)
        data = deflate.compress(b"x" * 100_000) + deflate.flush(zlib.Z_SYNC_FLUSH)
        frame = server_frame(TEXT, data[:-4], first=0xC0)
        self.assertLess(len(frame), 1000)
        closed = self.close_after(frame, max_message_size=1000, compression=True)
        self.assertEqual(closed.code, 1009)

    def test_protocol_errors(self) -> None:
        """All else that RFC 6455 section 5 forbids is 1002."""
        for name, frames in {
            "masked": bytes([0x81, 0x80 | 1, 1, 2, 3, 4, 5]),
            "reserved bit": server_frame(TEXT, b"{}", first=0xA0),
            "reserved opcode": server_frame(3, b""),
            "long ping": server_frame(PING, b"x" * 126),
            "fragmented ping": server_frame(PING, b"", first=0),
            "continuation of nothing": server_frame(0, b"{}"),
            "new message inside of one": server_frame(TEXT, b"{", 0)
            + server_frame(TEXT, b"}"),
            "length in more bytes than it needs": b"\x81\x7e\x00\x01x",
        }.items():
            with self.subTest(name=name):
                self.assertEqual(self.close_after(frames).code, 1002)

    def test_messages_before(self) -> None:
        """What came before the wrong frame, in the same read, is delivered."""
        self.messages.clear()
        self.close_after(server_frame(TEXT, MESSAGE) * 3 + server_frame(3, b""))
        self.assertEqual(len(self.messages), 3)


class RightFramesTests(SessionTestCase):
    """Frames of other shapes than Phoenix sends mostly."""

    def test_fragments_and_pings(self) -> None:
        """A message may come in fragments, with a ping between them."""
        self.connect()
        half = len(MESSAGE) // 2
        self.send(
            server_frame(TEXT, MESSAGE[:half], 0),
            server_frame(PING, b"are you there"),
            server_frame(0, MESSAGE[half:]),
        )
        self.assertEqual([message.event for message in self.messages], ["news"])
        self.assertEqual(unmasked(self.peer.rest), (PONG, b"are you there"))

    def test_unasked_pong(self) -> None:
        """A pong that nobody asked for is no error (RFC 6455 section 5.5.3)."""
        self.connect()
        self.send(server_frame(PONG, b"x"), server_frame(TEXT, MESSAGE))
        self.assertEqual(len(self.messages), 1)


class SizeTests(ClientTestCase):
    """Messages that are too large to send (decision 10)."""

    def test_push(self) -> None:
        """The push fails before anything is sent, and the connection lives on."""
        channel = self.joined_channel(max_message_size=200)
        sent = len(self.sent())
        for payload in ({"body": "x" * 200}, b"x" * 200):
            push = self.watch(channel.push("echo", payload))
            error = self.assert_failed(push, MessageTooLarge)
            self.assertEqual(error.limit, 200)
            self.assertGreater(error.size, 200)
        self.assertEqual(len(self.sent()), sent)
        push = self.watch(channel.push("echo", {"a": 1}))
        self.memory.flush()
        self.assert_fired(push, {"a": 1})

    def test_client_push(self) -> None:
        """So does a message of ``client.push()``."""
        client = self.connected_client(max_message_size=200)
        message = Message.push("rooms:lobby", "echo", "x" * 200, None, None)
        self.assertRaises(MessageTooLarge, client.push, message)
        self.assertEqual(self.sent(), [])

    def test_largest(self) -> None:
        """The limit counts bytes of the encoded message, and so many may be sent."""
        client = self.connected_client()
        message = Message.push("rooms:lobby", "silent", "ü" * 50, None, "1")
        client.push(message)
        self.memory.flush()
        size = len(self.memory.sessions[-1].frames[0].data)
        client.reconfigure(max_message_size=size)
        client.push(message)
        client.reconfigure(max_message_size=size - 1)
        error = self.assertRaises(MessageTooLarge, client.push, message)
        self.assertEqual((error.size, error.limit), (size, size - 1))

    def test_reconfigured(self) -> None:
        """A changed limit holds at once, in both directions."""
        channel = self.joined_channel(max_message_size=200)
        client = self._clients[0]
        self.watch(client.reconfigure(max_message_size=5000))
        push = self.watch(channel.push("echo", "x" * 1000))
        self.memory.flush()
        self.assert_fired(push, "x" * 1000)
        self.watch(client.reconfigure(max_message_size=500))
        closed: list[Any] = []
        client.on_close(closed.append)
        self.memory.broadcast(channel.topic, "news", "x" * 1000)
        self.memory.flush()
        self.assertEqual([it.code for it in closed], [1009])
        self.assertEqual(self.memory.connections_made, 1)

    def test_nothing_is_sent_to_nobody(self) -> None:
        """Without a connection there is a clear error."""
        client = self.make_client()
        message = Message.push("rooms:lobby", "echo", {}, None, None)
        error = self.assertRaises(NotConnected, client.push, message)
        self.assertIn("echo cannot be sent to rooms:lobby: ", str(error))


class Binary(ServerChannel):
    """A channel that sends bytes back."""

    def handle_in(self, event: str, payload: Any) -> Any:
        """Push and answer."""
        self.push("echoed", payload)
        return ok(payload)


class CompressionTests(ClientTestCase):
    """The option ``compression`` (RFC 7692)."""

    server_channels = {"rooms:*": Binary}

    def test_both_want_it(self) -> None:
        """Messages are compressed in both directions, and come out as they went in."""
        self.memory.add_socket("/small", compression=True)
        channel = self.joined_channel(
            url=self.memory.url_of("/small"), compression=True, max_message_size=50_000
        )
        received: list[Any] = []
        channel.on("echoed", received.append)
        payloads: list[Any] = [{"body": "ü" * 10_000}, b"\x00\xff" * 10_000, [None]]
        pushes = [self.watch(channel.push("echo", payload)) for payload in payloads]
        self.memory.flush()
        self.assertEqual([push.fired for push in pushes], [[it] for it in payloads])
        self.assertEqual(received, payloads)

    def test_server_does_not(self) -> None:
        """A server that ignores the offer is spoken to without."""
        channel = self.joined_channel(compression=True)
        push = self.watch(channel.push("echo", {"a": 1}))
        self.memory.flush()
        self.assert_fired(push, {"a": 1})
