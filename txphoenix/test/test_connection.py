"""Tests of :mod:`txphoenix.client.connection`: staying connected."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from txphoenix import telemetry
from txphoenix.client import connection
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    ConnectionClosed,
    ConnectionFailed,
    HandshakeRefused,
    NotConnected,
)
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.message import Message

from .support import ClientTestCase
from .test_own_transport import Loopback


class RetryTestCase(ClientTestCase):
    """A client whose delays are noted."""

    def setUp(self) -> None:
        """Note what is told of reconnecting."""
        super().setUp()
        self.asked: list[int] = []
        self.retries: list[tuple[int, float]] = []
        self.errors: list[Any] = []
        self.closed: list[Any] = []
        telemetry.attach(self, telemetry.SOCKET, self.note)
        self.addCleanup(telemetry.detach, self)

    def note(self, _name: Any, measured: Any, data: Any, _config: Any) -> None:
        """Note the attempts that are planned."""
        if data["action"] == "reconnecting":
            self.retries.append((data["attempt"], measured["delay"]))

    def backoff(self, attempt: int) -> float:
        """A second for the first attempt, two for the second, and so on."""
        self.asked.append(attempt)
        return attempt + 1.0

    def start(self, **options: Any) -> SocketClient:
        """Start a client."""
        client = self.make_client(**{"backoff": self.backoff, **options})
        client.on_error(self.errors.append)
        client.on_close(self.closed.append)
        client.startService()
        self.memory.flush()
        return client


class DelayTests(RetryTestCase):
    """Decision 2: when the next attempt is made."""

    def test_by_attempt(self) -> None:
        """The delay is asked by the number of attempts that have failed, and kept."""
        self.memory.is_listening = False
        client = self.start()
        self.assertEqual(self.retries, [(1, 1.0)])
        self.memory.advance(0.9)
        self.assertEqual((client.status, len(self.errors)), ("disconnected", 1))
        self.memory.advance(0.1)
        self.assertEqual(self.retries, [(1, 1.0), (2, 2.0)])
        self.memory.advance(1.9)
        self.assertEqual(len(self.errors), 2)
        self.memory.advance(0.1)
        self.assertEqual(self.asked, [0, 1, 2])
        self.memory.is_listening = True
        self.memory.advance(3)
        self.assertTrue(client.connected)

    def test_default(self) -> None:
        """By default the first is at most 2.25 seconds, and all are random."""
        client = self.make_client(backoff=None, reconnect_interval=4)
        connection = client.connection
        first = [connection.retry_delay(0) for _ in range(200)]
        self.assertTrue(all(0 < delay <= 2.25 for delay in first))
        self.assertGreater(len(set(first)), 190)
        later = [connection.retry_delay(50) for _ in range(200)]
        self.assertTrue(all(0 < delay <= 4 for delay in later))
        self.assertGreater(max(later), 3)

    def test_long_delay(self) -> None:
        """A delay of hours is one of hours, whatever Twisted's factory would do."""
        self.memory.is_listening = False
        client = self.start(backoff=steps([100_000.0]))
        self.memory.is_listening = True
        self.clock.advance(99_999)
        self.assertEqual(client.status, "disconnected")
        self.memory.advance(1)
        self.assertTrue(client.connected)

    def test_not_reset_by_an_open(self) -> None:
        """A server that takes a connection and closes it has not proved anything."""
        self.start()
        for _ in range(4):
            self.memory.drop()
            self.memory.flush()
            self.memory.advance(self.retries[-1][1])
        self.assertEqual(self.asked, [0, 1, 2, 3])

    def test_reset_by_a_heartbeat(self) -> None:
        """An answer to a heartbeat begins the delays anew."""
        client = self.start()
        for expected in ([0], [0, 1], [0, 1, 0]):
            if len(expected) == 3:
                self.memory.advance(31)
            self.memory.drop()
            self.memory.flush()
            self.assertEqual(self.asked, expected)
            self.memory.advance(self.retries[-1][1])
            self.assertTrue(client.connected)

    def test_reset_by_a_ping(self) -> None:
        """A ping is a heartbeat as well, if it is not answered in the first moments."""
        client = self.start()
        for seconds in (0, 1, 10):
            self.memory.drop()
            self.memory.advance(self.retries[-1][1] if self.retries else 1)
            self.memory.advance(self.retries[-1][1])
            self.memory.advance(seconds)
            self.watch(client.ping())
            self.memory.flush()
        self.memory.drop()
        self.memory.flush()
        self.assertEqual(self.asked, [0, 1, 2, 0])

    def test_not_reset_by_a_join(self) -> None:
        """The reply to a join says no more than an open, be it a refusal or not."""
        client = self.start(join_channels=["rooms:lobby"])
        self.memory.drop()
        self.memory.advance(1)
        self.memory.refusal = {"reason": "full"}
        self.memory.drop()
        self.memory.advance(2)
        self.memory.drop()
        self.memory.flush()
        self.assertEqual(self.asked, [0, 1, 2])
        self.assertEqual(client.status, "disconnected")

    def test_reset_by_time(self) -> None:
        """A connection has lasted after ten seconds, and after its own delay."""
        client = self.start(backoff=lambda attempt: self.backoff(attempt) * 8)
        for seconds in (9.9, 15.9, 23.9, 24.0, 10.0):
            self.memory.drop()
            self.memory.flush()
            self.memory.advance(self.retries[-1][1])
            self.assertTrue(client.connected)
            self.memory.advance(seconds)
        self.memory.drop()
        self.memory.flush()
        self.assertEqual(self.asked, [0, 1, 2, 3, 4, 5])

    def test_reset_by_connect(self) -> None:
        """A user who connects again begins anew."""
        self.memory.is_listening = False
        client = self.start()
        self.memory.advance(1)
        self.watch(client.disconnect())
        client.connect()
        self.memory.flush()
        self.assertEqual(self.asked, [0, 1, 0])

    def test_wrong_backoff(self) -> None:
        """A backoff that raises or gives no number is logged, and ours is taken."""
        raised: list[Any] = [ZeroDivisionError(), "soon", float("nan"), float("inf")]

        def wrong(attempt: int) -> Any:
            if isinstance(raised[0], Exception):
                raise raised[0]
            return raised[0]

        client = self.make_client(backoff=wrong)
        while raised:
            delay = client.connection.retry_delay(0)
            self.assertTrue(0 < delay <= 2.25, delay)
            raised.pop(0)
        self.assertEqual(len(self.flushLoggedErrors()), 4)

    def test_negative_delay(self) -> None:
        """There is no waiting for the past."""
        client = self.make_client(backoff=lambda attempt: -1.0)
        self.assertEqual(client.connection.retry_delay(0), 0.0)


class CountingDeferred(Deferred[Any]):
    """A Deferred that counts how often one is compared."""

    compared = 0

    __hash__ = Deferred.__hash__

    def __eq__(self, other: object) -> bool:
        CountingDeferred.compared += 1
        return self is other


class ClosingTests(ClientTestCase):
    """Many may wait for the end of one connection."""

    def test_linear(self) -> None:
        """None of them is compared with the others."""
        self.patch(connection, "Deferred", CountingDeferred)
        CountingDeferred.compared = 0
        client = self.connected_client()
        done = [self.watch(client.connection.close()) for _ in range(1000)]
        self.memory.flush()
        for each in done:
            self.assert_fired(each, None)
        self.assertLess(CountingDeferred.compared, 1000)


class ServiceRestartTests(RetryTestCase):
    """Decision 2: after 1012 all clients come back, and should not come at once."""

    def delays_after(self, code: int, **options: Any) -> list[float]:
        """The delays after a close with that code."""
        client = self.make_client(transport=Loopback, **options)
        client.startService()
        delays = []
        for _ in range(100):
            client.connection._factory.lose(ConnectionClosed(code))
            delays.append(client.connection.retry_delay(0))
            self.memory.advance(60)
        return delays

    def test_spread(self) -> None:
        """The first delay is longer, and spread wider."""
        delays = self.delays_after(1012, backoff=None)
        self.assertTrue(all(0.5 < delay <= 5 for delay in delays))
        self.assertGreater(max(delays) - min(delays), 3)
        other = self.delays_after(1001, backoff=None)
        self.assertTrue(all(0 < delay <= 2.25 for delay in other))

    def test_short_interval(self) -> None:
        """It is not longer than ``reconnect_interval``."""
        delays = self.delays_after(1012, backoff=None, reconnect_interval=1)
        self.assertTrue(all(0.1 < delay <= 1 for delay in delays))

    def test_long_backoff(self) -> None:
        """It is never shorter than the user's backoff has it."""
        delays = self.delays_after(1012, backoff=steps([7.0]))
        self.assertEqual(set(delays), {7.0})

    def test_first_only(self) -> None:
        """An attempt that fails afterwards has the usual delay."""
        self.start()
        self.memory.is_listening = False
        self.memory.drain()
        self.memory.flush()
        self.memory.advance(5)
        self.assertGreaterEqual(self.retries[0][1], 1.0)
        self.assertEqual(self.retries[1], (2, 2.0))

    def test_each_time(self) -> None:
        """A second 1012 is one as well, also where nothing was proved between."""
        self.start(backoff=steps([0.01]))
        for _ in range(3):
            self.memory.drain()
            self.memory.advance(5)
        self.assertTrue(all(delay > 0.5 for _, delay in self.retries))


class DecisionTests(RetryTestCase):
    """Whether there is another attempt."""

    def test_every_close_is_retried(self) -> None:
        """A close that the user did not ask for is retried, whatever its code is."""
        client = self.start(backoff=steps([0.5]))
        for code in (1000, 1001, 1002, 1006, 1011, 1012, 1013, 4000):
            with self.subTest(code=code):
                if code == 1006:
                    self.memory.cut()
                else:
                    self.memory.connections[-1].close(code)
                self.memory.flush()
                self.assertEqual(client.status, "disconnected")
                self.assertEqual(self.closed[-1].code, code)
                # After 1013, try again later, that is not sooner than in 5 seconds.
                self.memory.advance(15 if code == 1013 else 5)
                self.assertTrue(client.connected)

    def test_every_failure_is_retried(self) -> None:
        """So is every failed attempt, with the error told each time."""
        client = self.start(backoff=steps([0.5]))
        self.memory.cut()
        for status in (403, 404, 500, 503):
            self.memory.refuse(status)
            self.memory.advance(0.5)
            self.assertEqual(self.errors[-1].status, status)
        self.memory.refuse(None)
        self.memory.advance(0.5)
        self.assertTrue(client.connected)
        self.assertEqual(len(self.errors), 4)

    def test_reconnect_is_false(self) -> None:
        """With ``reconnect=False`` a failure is the end, until ``connect()``."""
        self.memory.is_listening = False
        client = self.start(reconnect=False)
        self.memory.advance(100)
        self.assertEqual(len(self.errors), 1)
        too_late = self.watch(client.when_connected())
        error = self.assert_failed(too_late, ConnectionFailed)
        self.assertEqual(str(error), str(self.errors[0]))
        self.memory.is_listening = True
        client.connect()
        waiting = self.watch(client.when_connected())
        self.memory.flush()
        self.assert_fired(waiting, client)
        self.lose_connection()
        self.memory.advance(100)
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(len(self.closed), 1)
        self.assertEqual(self.retries, [])

    def test_reconnect_is_false_fails_who_waits(self) -> None:
        """Who waits for the connection, a join or a push then has the error."""
        self.memory.holds_connections = True
        client = self.start(reconnect=False)
        waiting = self.watch(client.when_connected())
        join = self.watch(client.join("rooms:lobby"))
        self.memory.is_listening = False
        self.memory.release_connections()
        self.memory.flush()
        error = self.assert_failed(waiting, ConnectionFailed)
        self.assertIs(self.assert_failed(join, ConnectionFailed), error)

    def test_should_reconnect(self) -> None:
        """The user decides by the error; for instance, a 403 is the end."""
        seen: list[Exception] = []

        def decide(reason: Exception) -> bool:
            seen.append(reason)
            return not (isinstance(reason, HandshakeRefused) and reason.status == 403)

        self.memory.refuse(503)
        client = self.start(should_reconnect=decide)
        waiting = self.watch(client.when_connected())
        self.memory.refuse(403)
        self.memory.advance(1)
        self.assertEqual(self.assert_failed(waiting, HandshakeRefused).status, 403)
        self.assertEqual(seen, self.errors)
        self.memory.advance(100)
        self.assertEqual(len(seen), 2)
        self.memory.refuse(None)
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.lose_connection()
        self.assertEqual(seen[2:], self.closed)

    def test_should_reconnect_raises(self) -> None:
        """One that raises is logged, and the client comes back."""

        def decide(reason: Exception) -> bool:
            raise ZeroDivisionError

        client = self.start(should_reconnect=decide)
        self.lose_connection()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.memory.advance(1)
        self.assertTrue(client.connected)

    def test_not_asked_when_told(self) -> None:
        """A disconnect of the user's is nothing to decide on."""
        seen: list[Exception] = []

        def decide(reason: Exception) -> bool:
            seen.append(reason)
            return True

        client = self.start(should_reconnect=decide)
        self.watch(client.disconnect())
        self.memory.flush()
        self.assertEqual(seen, [])

    def test_not_asked_when_connected_again(self) -> None:
        """Who connects while a close is under way has decided for another."""
        asked: list[Exception] = []
        for options in ({"reconnect": False}, {"should_reconnect": asked.append}):
            client = self.connected_client(**options)
            closed = self.watch(client.disconnect())
            client.connect()
            self.memory.flush()
            self.assert_fired(closed, None)
            self.assertTrue(client.connected)
        self.assertEqual(asked, [])


class UnconnectedTests(ClientTestCase):
    """A connection that is not open."""

    def test_nothing_to_do(self) -> None:
        """Without a transport there is nothing to pause, to resume or to drop."""
        connection = self.make_client().connection
        connection.pause_reading()
        connection.resume_reading()
        connection.drop(ConnectionClosed(1006))
        self.assertEqual(connection.status, "disconnected")

    def test_send(self) -> None:
        """Nothing can be sent, and the error says what."""
        connection = self.make_client().connection
        error = self.assertRaises(NotConnected, connection.send, Message.heartbeat("1"))
        self.assertEqual(str(error), "heartbeat cannot be sent to phoenix")

    def test_retry(self) -> None:
        """The factory plans no attempt that nobody wants."""
        client = self.make_client()
        self.watch(client.disconnect())
        client.connection._factory.retry()
        self.assertEqual(self.clock.getDelayedCalls(), [])
