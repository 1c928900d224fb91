"""Decision 10: what waits to be written is bounded, over real TCP and TLS."""

from __future__ import annotations

import os
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import BufferFull, PushInterrupted, PushTimeout
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.message import Message
from txphoenix.testing import FaultProxy, ServerChannel, ok
from txphoenix.testing.tls import self_signed
from txphoenix.transports.writing import unwritten

from .network import TOPIC, NetworkTestCase, reactor
from .raw_server import RawServer, server_frame

KB = 1000
LIMIT = 1000 * KB


class Ledger(ServerChannel):
    """Keeps the numbers of what it is pushed."""

    numbers: ClassVar[list[int]] = []

    def handle_in(self, event: str, payload: Any) -> Any:
        """Keep the number, and say so."""
        self.numbers.append(payload["n"])
        return ok({})


class OutageTests(NetworkTestCase):
    """A server that is away for longer than a push is kept."""

    async def test_loop(self) -> None:
        """Decision 10: a loop of ``push_async`` rests till there is a connection."""
        Ledger.numbers.clear()
        server = await self.serve(channels={"rooms:*": Ledger})
        made = self.client(server.url, timeout=0.1, backoff=steps([0.05]))
        _, room = await made.join(TOPIC, timeout=50)
        await room.push("put", {"n": 0}, timeout=50)
        await server.stop()

        async def write() -> None:
            for number in range(1, 3000):
                await room.when_writable()
                room.push_async("put", {"n": number})

        writing = Deferred.fromCoroutine(write())
        for _ in range(4):
            refused: Deferred[object] = Deferred()
            remove = made.on_error(refused.callback)
            await refused
            remove()
        self.assertFalse(writing.called)
        await server.start()
        await writing
        await room.push("put", {"n": 3000}, timeout=50)
        self.assertEqual(Ledger.numbers, list(range(3001)))


class StuckLineTests(NetworkTestCase):
    """A server that stops reading, and goes on.

    :cvar is_secure: whether under TLS.
    """

    is_secure = False
    timeout = 120

    async def start(self, **options: Any) -> None:
        """A client that has joined, and a server that then reads nothing more."""
        Ledger.numbers.clear()
        credentials = self_signed() if self.is_secure else None
        server = await self.serve(
            channels={"rooms:*": Ledger}, tls=credentials and credentials.server
        )
        self.proxy: FaultProxy = await self.stand_between(server)
        if credentials is not None:
            options["tls"] = optionsForClientTLS(
                "127.0.0.1", trustRoot=credentials.trust_root
            )
        options = {"write_buffer": LIMIT, "timeout": 50.0, **options}
        self.made: SocketClient = self.client(self.proxy.url(server.url), **options)
        _, self.room = await self.made.join(TOPIC)
        self.proxy.to_server.stall()

    def waiting(self) -> int:
        """How many bytes this process holds for the connection."""
        transport: Any = self.made.connection.link.transport
        outgoing = sum(map(len, transport._writer.parts))
        held: int = transport._writer._buffer.waiting + unwritten(transport.transport)
        return held + outgoing

    def payload(self, number: int, size: int = 100 * KB) -> dict[str, Any]:
        """A payload that no compression makes small."""
        return {"n": number, "body": os.urandom(size // 2).hex()}

    async def fill(self) -> int:
        """Push without waiting until no more is taken.

        :return: how many pushes were taken.
        """
        for number in range(1000):
            try:
                self.room.push_async("put", self.payload(number))
            except BufferFull as full:
                self.assertEqual((full.buffer, full.limit), ("write_buffer", LIMIT))
                self.assertIn("1000000 bytes", str(full))
                return number
            self.assertLess(self.waiting(), LIMIT + 120 * KB)
            if number % 10 == 9:
                await deferLater(reactor, 0)
        raise self.failureException("everything was taken")

    async def test_bounded(self) -> None:
        """No more than the limit waits, by whichever way it is pushed.

        Nothing that was taken is lost when the server reads again.
        """
        await self.start()
        taken = await self.fill()
        message = Message(None, None, TOPIC, "put", self.payload(-1))
        self.assertRaises(BufferFull, self.made.push, message)
        refused = self.room.push("put", self.payload(-1))
        self.failureResultOf(refused, BufferFull)
        self.assertLess(self.waiting(), LIMIT + 120 * KB)
        self.proxy.to_server.release()
        await self.room.when_writable()
        await self.room.push("put", self.payload(taken))
        self.assertEqual(Ledger.numbers, list(range(taken + 1)))

    async def test_one_turn(self) -> None:
        """The limit holds within one turn of the reactor as well."""
        await self.start()
        with self.assertRaises(BufferFull):
            for number in range(400):
                self.room.push_async("put", self.payload(number))
        self.assertLess(self.waiting(), LIMIT + 120 * KB)

    async def test_protocol_goes_on(self) -> None:
        """What the protocol itself sends is not refused: joins, leaves, heartbeats."""
        await self.start()
        taken = await self.fill()
        other = self.made.join("rooms:other")
        left = self.room.leave()
        ping = self.made.ping(50)
        self.proxy.to_server.release()
        for waiting in (other, left, ping):
            await waiting
        self.assertEqual(len(Ledger.numbers), taken)

    async def test_writers_take_turns(self) -> None:
        """Each that waits for room finds some, and all that is pushed arrives."""
        await self.start()
        taken = await self.fill()

        async def write(number: int) -> None:
            await (self.room if number % 2 else self.made).when_writable()
            self.room.push_async("put", self.payload(number))

        writing = [
            Deferred.fromCoroutine(write(number)) for number in range(taken, taken + 50)
        ]
        self.assertFalse(any(it.called for it in writing))
        self.proxy.to_server.release()
        await gatherResults(writing)
        await self.room.when_writable()
        await self.room.push("put", self.payload(-1, 10))
        self.assertEqual(Ledger.numbers, [*range(taken + 50), -1])

    async def test_large_message(self) -> None:
        """A message that is larger than the limit goes whenever nothing waits."""
        await self.start(write_buffer=10)
        self.proxy.to_server.release()
        for number in range(3):
            await self.room.when_writable()
            await self.room.push("put", self.payload(number, 1000 * KB))
        self.assertEqual(Ledger.numbers, [0, 1, 2])

    async def test_timeouts(self) -> None:
        """``was_sent`` of those that time out is true of those that arrive, exactly.

        What had not left then is taken back, so that it can be repeated.
        """
        await self.start(write_buffer=100 * LIMIT)
        pushes = [
            self.room.push("put", self.payload(number), timeout=1.0)
            for number in range(200)
        ]
        sent = []
        for number, push in enumerate(pushes):
            error = await self.failure_of(push)
            self.assertIsInstance(error, PushTimeout)
            if getattr(error, "was_sent", None):
                sent.append(number)
            else:
                self.assertIn("not sent within 1 s: it still waited", str(error))
        self.assertLess(self.waiting(), 300 * KB)
        self.assertLess(len(sent), 150)
        self.proxy.to_server.release()
        await self.room.push("put", self.payload(-1, 10))
        self.assertEqual(Ledger.numbers, [*sent, -1])

    async def test_cancelled(self) -> None:
        """A push that is cancelled before it has left never does."""
        await self.start(write_buffer=100 * LIMIT)
        pushes = [self.room.push("put", self.payload(n)) for n in range(100)]
        await deferLater(reactor, 0)
        before = self.waiting()
        for push in pushes:
            push.addErrback(lambda _: None)
            push.cancel()
        self.assertLess(self.waiting(), 300 * KB)
        self.assertGreater(before, 1000 * KB)
        self.proxy.to_server.release()
        await self.room.push("put", self.payload(-1, 10))
        self.assertEqual(Ledger.numbers[-1], -1)
        self.assertLess(len(Ledger.numbers), 100)

    async def test_lost(self) -> None:
        """``was_sent`` of those that a loss interrupts is false of what never left."""
        await self.start(write_buffer=100 * LIMIT, reconnect=False)
        pushes = [self.room.push("put", self.payload(n)) for n in range(200)]
        for push in pushes:
            push.addErrback(lambda failure: failure.value)
        await deferLater(reactor, 0)
        await deferLater(reactor, 0)
        held = self.waiting()
        self.proxy.cut(reset=True)
        errors: list[Any] = [await push for push in pushes]
        for error in errors:
            self.assertIsInstance(error, PushInterrupted)
        was_sent = [error.was_sent for error in errors]
        # In the order in which they were pushed.
        self.assertEqual(was_sent, sorted(was_sent, reverse=True))
        self.assertLess(abs(was_sent.count(False) - held / (100 * KB)), 2)
        self.assertIn("not sent", str(errors[-1]))
        self.flushLoggedErrors()

    async def test_kept_pushes(self) -> None:
        """What was kept for a join follows it as the line takes it, in order."""
        await self.start(push_buffer=200)
        self.proxy.to_server.release()
        await self.room.leave()
        joined = self.room.join()
        pushes = [self.room.push("put", self.payload(n)) for n in range(100)]
        self.proxy.to_server.rate = 20_000 * KB
        most = 0
        await joined
        while not all(push.called for push in pushes):
            most = max(most, self.waiting())
            await deferLater(reactor, 0)
        await gatherResults(pushes)
        self.assertEqual(Ledger.numbers, list(range(100)))
        self.assertLess(most, LIMIT + 120 * KB)

    async def test_stopped(self) -> None:
        """A client whose server reads nothing stops in the time for a close."""
        await self.start(close_timeout=0.2)
        await self.fill()
        waiting = self.room.when_writable()
        await self.made.stopService()
        await self.failure_of(waiting)
        await self.proxy.stop()
        await self.assert_nothing_held()


class SecureStuckLineTests(StuckLineTests):
    """The same under TLS."""

    is_secure = True


class WithoutFastFramesTests(StuckLineTests):
    """The same where frames take Autobahn's way."""

    async def start(self, **options: Any) -> None:
        """Have them do so."""
        await super().start(fast_frames=False, **options)


class PongTests(NetworkTestCase):
    """A server that pings and does not read costs no memory."""

    async def test_pings(self) -> None:
        """Of 40,000 pings the answers do not pile up."""
        raw = RawServer()
        port = reactor.listenTCP(0, raw, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        # The systems keep little; each connection has what the port has.
        port.socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 64 * KB)
        client = self.client(
            f"ws://127.0.0.1:{port.getHost().port}/socket", reconnect=False
        )
        await client.when_connected()
        transport: Any = client.connection.link.transport
        socket = transport.transport.getHandle()
        socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 64 * KB)
        (peer,) = raw.connections
        peer.transport.pauseProducing()  # type: ignore[union-attr]
        pings = server_frame(9, b"x" * 125) * 4000
        for _ in range(10):
            peer.send(pings)
            while peer.transport._tempDataBuffer or peer.transport.dataBuffer:  # type: ignore[union-attr]
                await deferLater(reactor, 0)
            held = transport._writer._buffer.waiting + unwritten(transport.transport)
            self.assertLess(held, 500 * KB)
        peer.transport.abortConnection()  # type: ignore[union-attr]
        await self.next_call(client.on_close)
