"""Tests of :mod:`txphoenix.testing.memory`."""

from __future__ import annotations

import gc
from functools import partial
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import (
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
)
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import ConnectionClosed, ConnectionFailed, SocketClient
from txphoenix.testing import MemoryServer
from txphoenix.testing.memory import MemoryConnection, MemoryTransport

from .kit import KitTestCase
from .wire_client import RawClient

HEARTBEAT: tuple[Any, ...] = (None, "9", "phoenix", "heartbeat", {})
ANSWER = [None, "9", "phoenix", "phx_reply", {"status": "ok", "response": {}}]


class TransportTests(SynchronousTestCase):
    """The two ends of a connection behave as TCP's do."""

    def setUp(self) -> None:
        """Two connected ends."""
        address: Any = object()
        self.client, self.server = RawClient(), RawClient()
        self.pair = MemoryConnection(
            MemoryTransport(address, "peer"),  # type: ignore[arg-type]
            MemoryTransport(address, address),
        )
        self.here, self.there = self.pair.client, self.pair.server
        for protocol, transport in (
            (self.client, self.here),
            (self.server, self.there),
        ):
            transport.protocol = protocol
            protocol.makeConnection(transport)

    def pump(self, size: int | None = None) -> None:
        """Pump until nothing moves."""
        while self.pair.pump(size):
            pass

    def reasons(self) -> list[Any]:
        """Why each end has ended, or ``None``."""
        return [
            None if it.lost is None else it.lost.type
            for it in (self.client, self.server)
        ]

    def test_bytes(self) -> None:
        """What one end writes the other reads, both ways."""
        self.here.writeSequence([b"a", b"b"])
        self.there.write(b"c")
        self.assertEqual(self.server.received, b"")
        self.pump()
        self.assertEqual((self.client.received, self.server.received), (b"c", b"ab"))

    def test_segments(self) -> None:
        """The bytes come in pieces if asked for."""
        self.here.write(b"abc")
        self.pair.pump(2)
        self.assertEqual(self.server.received, b"ab")
        self.pump(2)
        self.assertEqual(self.server.received, b"abc")

    def test_lose(self) -> None:
        """A close comes after the bytes, and ends both ends in good order."""
        self.here.write(b"last")
        self.here.loseConnection()
        self.here.write(b"too late")
        self.pump()
        self.assertEqual(self.server.received, b"last")
        self.assertEqual(self.reasons(), [ConnectionDone, ConnectionDone])

    def test_other_closes(self) -> None:
        """Half a close and the end of production are closes, too."""
        for close in ("loseWriteConnection", "stopProducing"):
            self.setUp()
            getattr(self.there, close)()
            self.pump()
            self.assertEqual(self.reasons(), [ConnectionDone, ConnectionDone])

    def test_abort(self) -> None:
        """An abort loses what was written, and the other end knows."""
        self.here.write(b"lost")
        self.here.abortConnection()
        self.here.abortConnection()
        self.pump()
        self.assertEqual(self.server.received, b"")
        self.assertEqual(self.reasons(), [ConnectionAborted, ConnectionLost])

    def test_cut(self) -> None:
        """A cut ends both ends at once, and what is under way is lost."""
        self.here.write(b"lost")
        self.pair.cut()
        self.pair.cut()
        self.assertEqual(self.reasons(), [ConnectionLost, ConnectionLost])
        self.pump()
        self.assertEqual(self.server.received, b"")
        self.assertFalse(self.pair.is_open)

    def test_paused(self) -> None:
        """An end that does not read gets neither bytes nor the end."""
        self.there.pauseProducing()
        self.here.write(b"a")
        self.pump()
        self.assertEqual(self.server.received, b"")
        self.there.resumeProducing()
        self.pump()
        self.assertEqual(self.server.received, b"a")
        self.there.pauseProducing()
        self.here.loseConnection()
        self.pump()
        self.assertEqual(self.reasons(), [ConnectionDone, None])
        self.there.resumeProducing()
        self.pump()
        self.assertEqual(self.reasons(), [ConnectionDone, ConnectionDone])

    def test_write_to_closed(self) -> None:
        """An end that writes to one that is gone is lost, though it does not read."""
        for last in (b"", b"never read"):
            self.setUp()
            self.here.pauseProducing()
            self.there.write(last)
            self.there.loseConnection()
            self.pump()
            self.assertTrue(self.here.connected)
            self.here.write(b"a")
            self.pump()
            self.assertIs(self.reasons()[0], ConnectionLost)
            self.assertEqual((self.client.received, self.server.received), (b"", b""))
            self.assertFalse(self.pair.is_open)

    def test_write_before_last_bytes(self) -> None:
        """An end that reads has the last bytes of the other first."""
        self.there.write(b"the last")
        self.there.loseConnection()
        self.here.write(b"a")
        self.pump(3)
        self.assertEqual(self.client.received, b"the last")
        self.assertEqual(self.reasons(), [ConnectionDone, ConnectionDone])

    def test_exception(self) -> None:
        """What a protocol raises is logged and ends the connection."""

        def fail(data: bytes) -> None:
            raise ValueError("asked to fail")

        self.server.dataReceived = fail  # type: ignore[method-assign]
        self.here.write(b"a")
        self.pump()
        self.assertEqual(self.reasons(), [ConnectionDone, ValueError])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_tcp(self) -> None:
        """The rest of a TCP transport is there, and does nothing."""
        here = self.here
        here.setTcpNoDelay(True)
        here.setTcpKeepAlive(True)
        here.registerProducer(cast(Any, None), True)
        here.unregisterProducer()
        self.assertEqual(
            (here.getTcpNoDelay(), here.getTcpKeepAlive(), here.getPeer()),
            (True, False, "peer"),
        )
        self.assertIs(here.getHost(), self.there.getHost())


class ConnectingTests(KitTestCase):
    """How clients connect."""

    def setUp(self) -> None:
        """A server."""
        self.serve()
        self.factory = Factory.forProtocol(RawClient)

    def test_connect(self) -> None:
        """connect() fires with the protocol, connected."""
        connected = self.memory.endpoint.connect(self.factory)
        client: Any = self.successResultOf(connected)
        self.assertEqual(client.transport.getPeer().port, 4000)
        self.assertEqual(self.memory.connections_made, 1)
        self.assertEqual(len(self.memory.pairs), 1)

    def test_refused(self) -> None:
        """A server that does not listen refuses."""
        self.memory.is_listening = False
        refused = self.memory.endpoint.connect(self.factory)
        self.failureResultOf(refused, ConnectionRefusedError)
        self.assertEqual(self.memory.connections_made, 0)

    def test_no_protocol(self) -> None:
        """A factory without a protocol is refused."""
        self.factory.buildProtocol = lambda addr: None  # type: ignore[method-assign]
        refused = self.memory.endpoint.connect(self.factory)
        self.failureResultOf(refused, ConnectionRefusedError)

    def test_held(self) -> None:
        """Held connections are decided on when released; one may be cancelled."""
        self.memory.holds_connections = True
        first, second = (self.memory.endpoint.connect(self.factory) for _ in range(2))
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertNoResult(second)
        self.memory.release_connections()
        self.assertIsInstance(self.successResultOf(second), RawClient)
        self.assertEqual(self.memory.connections_made, 1)

    def test_given_up_while_another_is_decided_on(self) -> None:
        """Whoever is told may give up the one that is next."""
        for is_listening in (True, False):
            self.memory.is_listening = is_listening
            self.memory.holds_connections = True
            made = self.memory.connections_made
            first = self.memory.endpoint.connect(self.factory)
            second = self.memory.endpoint.connect(self.factory)
            first.addBoth(_cancel, second)
            self.memory.release_connections()
            self.successResultOf(first)
            self.failureResultOf(second, CancelledError)
            self.assertEqual(self.memory.connections_made, made + is_listening)

    def test_given_up_while_it_is_made(self) -> None:
        """One that is given up while it is made is ended, if it is made at all."""
        build = self.factory.buildProtocol
        for is_made in (True, False):
            self.memory.holds_connections = True
            held = self.memory.endpoint.connect(self.factory)

            def give_up(
                addr: Any, held: Deferred[Any] = held, is_made: bool = is_made
            ) -> Any:
                held.cancel()
                return build(addr) if is_made else None

            self.factory.buildProtocol = give_up  # type: ignore[method-assign]
            self.memory.release_connections()
            self.failureResultOf(held, CancelledError)
            self.memory.flush()
            self.assertEqual(self.memory.pairs, [])
            # What is left of a Deferred with an error is told to the log.
            gc.collect()
            self.assertEqual(self.flushLoggedErrors(), [])

    def test_hook_disconnects_another(self) -> None:
        """A client's hook may disconnect a client that is held as well."""
        self.memory.holds_connections = True
        self.memory.is_listening = False
        clients = [
            SocketClient(
                self.memory.url,
                endpoint=self.memory.endpoint,
                reactor=self.memory.clock,
                reconnect=False,
            )
            for _ in range(2)
        ]
        for client, other in (clients, clients[::-1]):
            client.on_error(partial(_disconnect, other))
            client.startService()
        self.memory.release_connections()
        for client in clients:
            self.assertEqual(client.status, "disconnected")
            self.successResultOf(client.stopService())
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_url(self) -> None:
        """The URLs of its sockets."""
        self.assertEqual(self.memory.url, "ws://127.0.0.1:4000/socket")
        self.assertEqual(self.memory.url_of("/b"), "ws://127.0.0.1:4000/b")


def _cancel(_result: Any, other: Deferred[Any]) -> None:
    other.cancel()


def _disconnect(other: SocketClient, _reason: Exception) -> None:
    other.disconnect()


class ServerTests(KitTestCase):
    """What is special about the server in memory."""

    def test_clock(self) -> None:
        """It takes the test's clock."""
        clock = Clock()
        self.assertIs(MemoryServer({}, clock=clock).clock, clock)

    def test_advance(self) -> None:
        """Time passes from call to call, and bytes flow in between."""
        memory = self.serve(timeout=2.0)
        client = self.talker()

        def beat() -> None:
            client.send(b'[null,"9","phoenix","heartbeat",{}]')

        for at in (1.5, 3.0, 4.5):
            memory.clock.callLater(at, beat)
        memory.advance(6.0)
        self.assertEqual(client.heard(), [ANSWER] * 3)
        self.assertEqual(memory.clock.seconds(), 6.0)
        memory.advance(1.0)
        self.assertEqual(client.heard(), [1002])

    def test_wait_for(self) -> None:
        """wait_for lets as much time pass as is needed, or raises."""
        memory = self.serve(timeout=2.0)
        client = self.talker()
        memory.wait_for(lambda: client.lost)
        self.assertEqual(memory.clock.seconds(), 2.0)
        self.assertRaises(TimeoutError, memory.wait_for, lambda: False)
        memory.clock.callLater(100.0, list)
        self.assertRaises(TimeoutError, memory.wait_for, lambda: False, 50.0)
        self.assertEqual(memory.clock.seconds(), 2.0)
        memory.advance(100.0)

    def test_flush_within(self) -> None:
        """A flush within a flush is none: the one around it goes on afterwards."""
        memory = self.serve()
        client = self.talker()
        seen: list[int] = []

        def within() -> None:
            client.send(b'[null,"9","phoenix","heartbeat",{}]')
            memory.flush()
            seen.append(len(client.happenings))

        memory.clock.callLater(0, within)
        memory.flush()
        self.assertEqual(seen, [0])
        self.assertEqual(client.heard(), [ANSWER])

    def test_stalled(self) -> None:
        """Nothing arrives while the network is stalled, and all of it later."""
        memory = self.serve()
        client = self.talker()
        memory.is_stalled = True
        self.assertEqual(client.say(*HEARTBEAT), [])
        memory.is_stalled = False
        self.assertEqual(client.heard(), [ANSWER])

    def test_byte_by_byte(self) -> None:
        """Everything works with reads of one byte."""
        memory = self.serve()
        memory.segment_size = 1
        self.assertEqual(self.talker().say(*HEARTBEAT), [ANSWER])

    def test_cut(self) -> None:
        """cut() ends all connections."""
        memory = self.serve()
        clients = self.talker(), self.talker()
        memory.cut()
        self.assertEqual([it.heard() for it in clients], [[1006], [1006]])
        self.assertEqual(memory.connections, [])

    def test_stop_and_start(self) -> None:
        """stop() drains or drops, and refuses until start()."""
        for drain, code in ((True, 1012), (False, 1006)):
            memory = self.serve()
            client = self.talker()
            half_open: RawClient = RawClient.connect(memory)
            memory.stop(drain=drain)
            self.assertEqual(client.heard(), [code])
            self.assertIsNotNone(half_open.lost)
            self.assertRaises(ConnectionRefusedError, self.talker)
            memory.start()
            self.assertEqual(self.talker().say(*HEARTBEAT), [ANSWER])

    def test_stop_paused(self) -> None:
        """A paused server that stops says nothing."""
        memory = self.serve()
        client = self.talker()
        memory.pause()
        memory.stop()
        self.assertEqual(client.heard(), [1006])

    def test_drop_of_a_slow_reader(self) -> None:
        """A client that does not read learns of a drop by its next heartbeat."""
        memory = self.serve()
        client = SocketClient(
            memory.url,
            endpoint=memory.endpoint,
            reactor=memory.clock,
            receive_buffer=2,
            heartbeat_interval=10.0,
            reconnect=False,
        )
        reasons: list[ConnectionFailed] = []
        client.on_close(reasons.append)
        client.startService()
        channel = client.channel("echo:a")
        channel.join()
        memory.flush()
        channel.receive()
        for _ in range(5):
            memory.broadcast("echo:a", "news", {})
        memory.flush()
        memory.drop()
        memory.advance(9.0)
        self.assertEqual(reasons, [])
        memory.advance(1.0)
        self.assertEqual([type(it) for it in reasons], [ConnectionClosed])
        self.assertEqual(memory.pairs, [])
        self.successResultOf(client.stopService())
