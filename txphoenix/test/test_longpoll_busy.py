"""Tests of long-poll over TCP on slow lines, and with servers that read nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any, ClassVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from txphoenix import PushInterrupted, SocketClient, client_tls
from txphoenix.testing import FaultProxy
from txphoenix.testing.tls import Credentials, self_signed
from txphoenix.transports import longpoll_pace
from txphoenix.transports.writing import descriptor_of

from .http_ways import HTTPWay, by_treq_too
from .network import TOPIC, NetworkTestCase, OwnTime

# How much goes at a time, and how often (seconds); a silence is many times as long.
PIECE = 64 * 1024
PAUSE = 0.02
SILENCE = 0.4


def answer(body: bytes) -> bytes:
    """An answer of HTTP."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def said(status: int, *messages: list[Any]) -> bytes:
    """What Phoenix answers."""
    texts = [json.dumps(message) for message in messages]
    body = {"status": status, "token": "t", "messages": texts}
    return answer(json.dumps(body).encode("ascii"))


class SlowServer(Protocol):
    """A server that answers and reads piece by piece, or not at all.

    :cvar polled: what polls are answered with; those that come after it wait.
    :cvar reads: whether the body of a publish is read.
    :cvar time: what its pauses are counted by.
    :cvar connections: all there were.
    """

    polled: ClassVar[list[bytes]] = []
    time: ClassVar[Any] = None
    reads = True
    connections: ClassVar[list[SlowServer]] = []

    def connectionMade(self) -> None:
        """Have the system keep little of what is not read."""
        self.connections.append(self)
        self.is_lost = self.is_polled = False
        self._received = b""
        self._expected = 0
        transport: Any = self.transport
        descriptor: Any = descriptor_of(transport)
        descriptor.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)

    def dataReceived(self, data: bytes) -> None:
        """Answer a request, or read on."""
        transport: Any = self.transport
        if self._expected:
            self._expected -= len(data)
            self.read_on()
            return
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        self._received = b""
        if head.startswith(b"POST"):
            size = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
            self._expected = int(size) - len(rest)
            self.read_on()
        elif b"token=" not in head:
            transport.write(said(410))
        elif self.polled:
            self.write_slowly(self.polled.pop(0))
        else:
            self.is_polled = True

    def read_on(self) -> None:
        """Take a break."""
        transport: Any = self.transport
        if not self._expected:
            transport.write(said(200))
            return
        transport.pauseProducing()
        if self.reads:
            self.time.callLater(PAUSE, self._read)

    def _read(self) -> None:
        transport: Any = self.transport
        if not self.is_lost:
            transport.resumeProducing()

    def write_slowly(self, data: bytes) -> None:
        """Write a piece, and the rest later."""
        transport: Any = self.transport
        if not self.is_lost:
            transport.write(data[:PIECE])
            if data[PIECE:]:
                self.time.callLater(PAUSE, self.write_slowly, data[PIECE:])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take note of the end."""
        self.is_lost = True


class BusyTestCase(HTTPWay, NetworkTestCase):
    """A test with a slow server."""

    async def begin(
        self,
        polled: Sequence[bytes] = (),
        credentials: Credentials | None = None,
        **options: Any,
    ) -> SocketClient:
        """A client with a session, whose requests may be silent for a short time.

        :param polled: the answers to its polls; those that come after these wait.
        :param credentials: what the server has for TLS, behind a fault proxy.
        """
        self.patch(longpoll_pace, "_WINDOW", SILENCE / 2)
        self.patch(longpoll_pace, "_LONGEST_WINDOW", SILENCE / 2)
        # The silences are to be the server's, and no machine's that stands still.
        self.time = OwnTime()
        self.addCleanup(self.time.begin().stop)
        self.patch(SlowServer, "time", self.time)
        SlowServer.connections = []
        SlowServer.polled = list(polled)
        port = await self.listen(SlowServer, credentials and credentials.server)
        self.addCleanup(self.drop_all)
        scheme = "ws"
        if credentials is not None:
            scheme = "wss"
            self.proxy = await FaultProxy(port, self.time).start()
            self.addCleanup(self.proxy.stop)
            port = self.proxy.port
            options["tls"] = client_tls("127.0.0.1", credentials.trust_root)
        client = self.client(
            f"{scheme}://127.0.0.1:{port}/socket",
            transport="longpoll",
            fast_http=self.fast_http,
            reactor=self.time,
            heartbeat_interval=SILENCE / 2,
            heartbeat_timeout=SILENCE / 2,
            **options,
        )
        await client.when_connected()
        return client

    def drop_all(self) -> None:
        """End what a client has left."""
        for connection in SlowServer.connections:
            transport: Any = connection.transport
            if not connection.is_lost:
                transport.abortConnection()


@by_treq_too
class SlowLineTests(BusyTestCase):
    """A line on which each message takes a time."""

    async def test_download(self) -> None:
        """A large answer takes several times what a silence may."""
        client = await self.begin(reconnect=False)
        losses: list[Any] = []
        client.on_close(losses.append)
        heard: list[Any] = []
        client.on_message(heard.append)
        began = self.time.seconds()
        size = int(PIECE * SILENCE / PAUSE * 3)
        message = [None, None, TOPIC, "large", "x" * size]
        [poll] = SlowServer.connections
        poll.write_slowly(said(200, message))
        await self.until(lambda: heard or losses)
        self.assertEqual(losses, [])
        self.assertEqual(len(heard[0].payload), size)
        self.assertGreater(self.time.seconds() - began, SILENCE)

    async def test_upload(self) -> None:
        """So does a large message, also where the system has it already."""
        client = await self.begin(
            [said(204)] * 100,
            reconnect=False,
            write_buffer=64_000_000,
            max_message_size=64_000_000,
        )
        transport: Any = client.connection.link.transport
        ended: list[Any] = []
        client.on_close(ended.append)
        began = self.time.seconds()
        transport.send(b'["%s"]' % (b"x" * 8_000_000), False)
        await self.until(lambda: ended or not transport._outgoing.size)
        self.assertGreater(self.time.seconds() - began, 2 * SILENCE)
        self.assertEqual(ended, [])

    async def test_parts_of_records(self) -> None:
        """Under TLS a record may come more slowly than a silence may last."""
        client = await self.begin(credentials=self_signed(), reconnect=False)
        losses: list[Any] = []
        client.on_close(losses.append)
        heard: Deferred[Any] = self.next_call(client.on_message)
        self.proxy.to_client.rate = 20_000
        message = [None, None, TOPIC, "large", "x" * 40_000]
        await self.until(lambda: SlowServer.connections[0].is_polled)
        SlowServer.connections[0].write_slowly(said(200, message))
        self.assertEqual(len((await heard).payload), 40_000)
        self.assertEqual(losses, [])

    async def test_silence(self) -> None:
        """A line that is silent all the same is given up."""
        client = await self.begin(reconnect=False)
        reason = await self.next_call(client.on_close)
        self.assertEqual(reason.reason, f"no answer within {SILENCE:g} s")


@by_treq_too
class DeafServerTests(BusyTestCase):
    """A server that does not read what it is sent."""

    async def test_bounded(self) -> None:
        """What is not sent is not kept without bound, nor is it told to be sent."""
        self.patch(SlowServer, "reads", False)
        client = await self.begin(
            reconnect=False, write_buffer=4_000_000, max_message_size=64_000_000
        )
        connection: Any = client.connection
        transport: Any = connection.link.transport
        frame = b'["%s"]' % (b"x" * 32_000_000)
        large = transport.send(frame, False)
        small = transport.send(b"[]", False)
        self.assertTrue(connection.is_full)
        reason = await self.next_call(client.on_close)
        self.assertEqual(reason.reason, f"no answer within {SILENCE:g} s")
        self.assertFalse(transport.has_left(large))
        self.assertFalse(transport.has_left(small))


@by_treq_too
class WindowTests(HTTPWay, NetworkTestCase):
    """A server's window that is longer than the heartbeats."""

    async def test_idle(self) -> None:
        """An idle session lasts."""
        time: Any = OwnTime()
        server = await self.serve(reactor=time, longpoll_window=12.0)
        client = self.client(
            server.url,
            transport="longpoll",
            fast_http=self.fast_http,
            reactor=time,
            heartbeat_interval=1.0,
            heartbeat_timeout=5.0,
        )
        losses: list[Any] = []
        client.on_close(losses.append)
        joining = client.join(TOPIC)
        await self.until(lambda: time.advance(0.0) or joining.called)
        _, channel = await joining
        polls: Any = server.connections[0]._transport
        for _ in range(3):
            await self.until(lambda: time.advance(0.0) or polls._polls or losses)
            self.assertEqual(losses, [])
            (poll,) = polls._polls
            time.advance(11.9)
            self.assertEqual(list(polls._polls), [poll])
            time.advance(0.1)
            self.assertEqual(list(polls._polls), [])
        self.assertEqual(losses, [])
        push = channel.push("echo", 1)
        await self.until(lambda: time.advance(0.0) or push.called)
        self.assertEqual(await push, 1)

    async def test_interrupted(self) -> None:
        """What was pushed when a server fell silent has been sent, and is told so."""
        self.keep_sessions()
        self.patch(longpoll_pace, "_WINDOW", 0.2)
        time: Any = OwnTime()
        self.addCleanup(time.begin().stop)
        server = await self.serve(reactor=time, longpoll_window=0.1)
        client = self.client(
            server.url,
            transport="longpoll",
            fast_http=self.fast_http,
            reactor=time,
            heartbeat_interval=0.1,
            heartbeat_timeout=0.1,
        )
        _, channel = await client.join(TOPIC)
        server.pause()
        push = channel.push("echo", 1)
        error = await self.failure_of(push)
        self.assertIsInstance(error, PushInterrupted)
        self.assertIs(cast(PushInterrupted, error).was_sent, True)
        server.resume()
