"""What a server sends behind its close frame counts for nothing (RFC 6455 section 1.4).

A server may send none, so whatever comes is a fault of its own, and no longer ours.
"""

from __future__ import annotations

from typing import Any

from .raw_server import SWITCHING, server_frame
from .test_websocket_session import (
    CLOSE,
    MESSAGE,
    PING,
    TEXT,
    SessionTestCase,
    closing,
)

AFTER = {
    "a message": server_frame(TEXT, MESSAGE),
    "a fragment": server_frame(TEXT, MESSAGE, first=0),
    "a ping": server_frame(PING, b"?"),
    "text that is none": server_frame(TEXT, b"\xff"),
    "a reserved opcode": server_frame(3, b"x"),
    "another close": closing(1002),
    "a close that is none": server_frame(CLOSE, b"\x03"),
    "a part of a message": server_frame(TEXT, MESSAGE)[:9],
}


class BehindCloseTests(SessionTestCase):
    """A server that goes on after its close frame."""

    def assert_discarded(self, *reads: bytes) -> None:
        """Have the server send reads, of which the first alone is a message."""
        self.closed.clear()
        self.messages.clear()
        self.peer.received = self.peer.received[: len(self.peer.request) + 4]
        for read in reads:
            self.send(read)
        (frame,) = self.sent_codes()
        self.assertEqual(frame, (CLOSE, 1000))
        self.peer.lose()
        self.memory.flush()
        self.assertEqual(len(self.messages), 1)
        ((error),) = self.closed
        self.assertEqual((error.code, error.was_clean), (1012, True))
        self.memory.advance(30.0)
        self.assertTrue(self.client.connected)

    def sent_codes(self) -> list[tuple[int, int]]:
        """The opcodes and the codes of the short frames that the client has sent."""
        found, data = [], self.peer.rest
        while data:
            size = data[1] & 0x7F
            mask, masked = data[2:6], data[6 : 6 + size]
            code = bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))[:2]
            found.append((data[0] & 0x0F, int.from_bytes(code, "big")))
            data = data[6 + size :]
        return found

    def test_discarded(self) -> None:
        """It is neither delivered nor answered, and the server's code is told."""
        self.connect()
        first, close = server_frame(TEXT, MESSAGE), closing(1012)
        for fast_frames in (True, False):
            self.client.reconfigure(fast_frames=fast_frames)
            self.memory.advance(30.0)
            for name, data in AFTER.items():
                with self.subTest(name=name, fast_frames=fast_frames):
                    self.assert_discarded(first + close + data * 3)
                    self.assert_discarded(first, close, data, data)

    def test_nothing_is_kept(self) -> None:
        """A server that has no end of it fills no memory."""
        self.connect()
        self.send(closing(1012))
        transport: Any = self.client.connection.link.transport
        for _ in range(20):
            self.send(bytes(10_000))
            self.assertLess(len(transport.data), 2)

    def test_with_the_handshake(self) -> None:
        """It is so if all comes at once."""
        close = closing(1012) + server_frame(TEXT, MESSAGE) + AFTER["text that is none"]
        self.raw.answer = SWITCHING + b"\r\n" + server_frame(TEXT, MESSAGE) + close
        self.client = client = self.make_client(reconnect=False)
        client.on_message(self.messages.append)
        client.on_close(self.closed.append)
        client.startService()
        self.memory.flush()
        self.peer.lose()
        self.memory.flush()
        self.assertEqual(len(self.messages), 1)
        self.assertEqual([error.code for error in self.closed], [1012])
