"""Tests of :mod:`txphoenix.transports.write_at_once`, over real sockets."""

from __future__ import annotations

import socket
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from txphoenix.transports.write_at_once import write_now

# More than the buffers of both ends hold.
LARGE = 8 * 1024 * 1024


class Client(Protocol):
    """Tells of its end."""

    def __init__(self) -> None:
        self.lost: Deferred[object] = Deferred()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell of it."""
        self.lost.callback(reason.value)


class WriteNowTests(TestCase):
    """A transport of Twisted's, and a plain socket at its other end."""

    @inlineCallbacks
    def setUp(self) -> Any:  # type: ignore[override]
        """Connect the two."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        endpoint = HostnameEndpoint(reactor, b"127.0.0.1", listening.getsockname()[1])
        self.client = Client()
        yield connectProtocol(endpoint, self.client)
        self.transport = cast(Any, self.client.transport)
        self.peer, _ = listening.accept()
        self.peer.settimeout(20)
        self.addCleanup(self.peer.close)
        self.addCleanup(self.end)

    def end(self) -> Deferred[object]:
        """End the connection, and wait for it."""
        if self.transport.connected:
            self.transport.abortConnection()
        return self.client.lost

    def receive(self, size: int) -> bytes:
        """Read so much from the socket."""
        received = bytearray()
        while len(received) < size:
            received += self.peer.recv(size - len(received)) or b"?" * size
        return bytes(received)

    def test_at_once(self) -> None:
        """What is written has left before the reactor has its next turn."""
        write_now(self.transport, b"now")
        self.assertEqual(self.receive(3), b"now")

    @inlineCallbacks
    def test_order(self) -> Any:
        """What is buffered goes first, whoever has written it."""
        self.transport.write(b"one")
        write_now(self.transport, b"two")
        self.transport.write(b"three")
        received = yield deferToThread(self.receive, 11)
        self.assertEqual(received, b"onetwothree")

    @inlineCallbacks
    def test_large(self) -> Any:
        """What the socket does not take at once follows, whole and in order."""
        data = bytes(range(256)) * (LARGE // 256)
        write_now(self.transport, data)
        write_now(self.transport, b"after")
        received = yield deferToThread(self.receive, LARGE + 5)
        self.assertTrue(received == data + b"after")

    @inlineCallbacks
    def test_after_large(self) -> Any:
        """Once all has left, writes are done at once again."""
        write_now(self.transport, bytes(LARGE))
        yield deferToThread(self.receive, LARGE)
        yield deferLater(cast(Any, reactor), 0, lambda: None)
        self.test_at_once()

    @inlineCallbacks
    def test_closing(self) -> Any:
        """A transport that closes sends what it still takes, and then closes."""
        write_now(self.transport, b"last")
        self.transport.loseConnection()
        write_now(self.transport, b"words")
        yield self.client.lost
        self.assertEqual(self.receive(4), b"last")

    @inlineCallbacks
    def test_lost(self) -> Any:
        """Nothing is written to a transport that is gone, and nothing raised."""
        self.transport.loseConnection()
        yield self.client.lost
        write_now(self.transport, b"late")
        self.assertEqual(self.peer.recv(1), b"")

    @inlineCallbacks
    def test_reset(self) -> Any:
        """An error of the socket is the reactor's to find: it ends the connection."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.peer.close()
        write_now(self.transport, b"nobody")
        write_now(self.transport, b"there")
        reason = yield self.client.lost
        # Which of the two it is depends on what the reactor sees first.
        self.assertIsInstance(reason, ConnectionDone | ConnectionLost)

    def test_others(self) -> None:
        """What is no plain TCP connection of Twisted's has write() called."""
        written: list[bytes] = []

        class Wrapped:
            """Hands on all but write(), as the transport of TLS does."""

            write = staticmethod(written.append)

            def __getattr__(_, name: str) -> Any:
                return getattr(self.transport, name)

        write_now(Wrapped(), b"plain")
        self.transport.TLS = True
        self.patch(self.transport, "write", written.append)
        write_now(self.transport, b"text")
        self.assertEqual(written, [b"plain", b"text"])
        self.peer.setblocking(False)
        self.assertRaises(BlockingIOError, self.peer.recv, 1)
        self.transport.TLS = False
