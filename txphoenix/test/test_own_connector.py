"""Tests of :mod:`txphoenix.transports.own_connector`: connectors that do not do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.error import NotConnectingError
from twisted.python.failure import Failure

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectTimeout,
    NotConnected,
    PushInterrupted,
)
from txphoenix.transports.connector import EndpointConnector

from .support import TOPIC, ClientTestCase
from .test_own_transport import Loopback


class Silent(Loopback):
    """Begins an attempt and tells nothing of it, whatever it is asked."""

    def connect(self) -> None:
        """Begin."""
        self.opened += 1
        self.factory.connection.attempt_started()

    def stopConnecting(self) -> None:
        """Say nothing."""

    def open(self) -> None:
        """Open after all."""
        self.factory.connection.transport_opened(self)


def raising(*names: str, kind: type[Loopback] = Loopback, **error: Any) -> type[Any]:
    """A connector of which some methods raise."""
    reason = error.get("error", ZeroDivisionError)

    def raises(*_: Any) -> Any:
        raise reason

    return type("Raising", (kind,), dict.fromkeys(names, raises))


class OwnConnectorCase(ClientTestCase):
    """A test of clients with such connectors."""

    def setUp(self) -> None:
        """Keep what is made."""
        super().setUp()
        self.made: list[Any] = []
        self.errors: list[Exception] = []

    def start(self, *kinds: type[Any], **options: Any) -> SocketClient:
        """A client that was started.

        :param kinds: of the connectors that are made, one after the other.
        """
        self.made = []

        def make(*arguments: Any) -> Any:
            kind = kinds[min(len(self.made), len(kinds) - 1)]
            self.made.append(kind(*arguments))
            return self.made[-1]

        client = self.make_client(transport=make, **options)
        self.errors = []
        client.on_error(self.errors.append)
        client.startService()
        return client

    def break_once(self, name: str, error: type[BaseException]) -> None:
        """Have a method of the first transport raise, the next time."""
        transport = self.made[0]

        def raises(*_: Any) -> None:
            delattr(transport, name)
            raise error

        setattr(transport, name, raises)

    def stop_client(self, client: SocketClient) -> None:
        """Stop a client; what says nothing of its end has a second more."""
        stopped = self.watch(client.stopService())
        self.memory.advance(client.options.close_timeout + 1)
        self.assert_fired(stopped, None)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class AttemptTests(OwnConnectorCase):
    """An attempt ends, whatever its connector says of it."""

    def assert_bounded(self, end: Callable[[SocketClient], Any]) -> None:
        """It ends a client whose connector is silent, and what opens late goes."""
        kinds: list[type[Any]] = [
            Silent,
            raising("stopConnecting", kind=Silent),
            raising("stopConnecting", kind=Silent, error=NotConnectingError),
            raising("stopConnecting", kind=Silent, error=SystemExit),
            raising("stopConnecting", "close", "abort", kind=Silent),
        ]
        for kind in kinds:
            with self.subTest(kind=vars(kind)):
                client = self.start(kind, Loopback)
                waiting = self.watch(client.when_connected())
                done = self.watch(end(client))
                self.assert_waits(done)
                self.memory.advance(3)
                self.assert_fired(done, None)
                self.assertEqual(len(waiting.fired), 1)
                self.assertEqual(client.status, "disconnected")
                self.assertEqual(self.clock.getDelayedCalls(), [])
                closed: list[Any] = []
                self.made[0].abort = lambda closed=closed: closed.append(1)
                self.made[0].open()
                self.assertEqual(closed, [1])
                self.assertFalse(client.connected)
                client.connect()
                self.assertTrue(client.connected)
                self.made[0].open()
                Loopback.close(self.made[0])
                self.assertTrue(client.connected)
                self.assertEqual(len(self.made), 2)
                self.stop_client(client)
                self.flushLoggedErrors(ZeroDivisionError, SystemExit)

    def test_disconnect(self) -> None:
        """By ``disconnect()``."""
        self.assert_bounded(lambda client: client.disconnect())

    def test_stop(self) -> None:
        """By ``stopService()``."""
        self.assert_bounded(lambda client: client.stopService())

    def test_reconfigure(self) -> None:
        """``reconfigure()`` goes on with another connector."""
        client = self.start(raising("stopConnecting", kind=Silent), Loopback)
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.advance(3)
        self.assert_fired(done, None)
        self.assertTrue(client.connected)
        self.made[0].close()
        self.assertTrue(client.connected)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_connect_again(self) -> None:
        """``connect()`` while the attempt that was given up is still silent."""
        client = self.start(Silent, Loopback)
        done = self.watch(client.disconnect())
        client.connect()
        self.memory.advance(3)
        self.assert_fired(done, None)
        self.assertTrue(client.connected)

    def test_connect_timeout(self) -> None:
        """An attempt has ``connect_timeout`` seconds, and then there is another."""
        client = self.start(Silent, Loopback, connect_timeout=7)
        self.memory.advance(7)
        self.assertEqual(client.status, "connecting")
        self.memory.advance(client.options.close_timeout)
        self.assertEqual([type(error) for error in self.errors], [ConnectTimeout])
        self.memory.advance(0.5)
        self.assertTrue(client.connected)
        self.made[0].open()
        self.made[0].close()
        self.assertTrue(client.connected)

    def test_stops_in_time(self) -> None:
        """One that fails when it is told to stays, with the error of its time."""

        class Obeys(Silent):
            def stopConnecting(self) -> None:
                failure = Failure(NotConnected("given up"))
                self.factory.clientConnectionFailed(self, failure)

        client = self.start(Obeys, connect_timeout=7)
        self.memory.advance(7)
        self.assertEqual([type(error) for error in self.errors], [ConnectTimeout])
        self.memory.advance(0.5)
        self.assertEqual(len(self.made), 1)
        self.assertEqual(self.made[0].opened, 2)
        self.made[0].open()
        self.memory.advance(60)
        self.assertTrue(client.connected)

    def test_opens_twice(self) -> None:
        """A transport that opens beside another is ended, and the other stays."""
        client = self.start(Loopback)
        other: Any = Loopback(self.clock, self.made[0].factory, None)
        ended: list[int] = []
        other.abort = lambda: ended.append(1)
        self.made[0].factory.connection.transport_opened(other)
        self.assertEqual(ended, [1])
        self.assertTrue(client.connected)

    def test_odd_words(self) -> None:
        """Whatever is told of an end is one."""
        for told in (
            Failure(ZeroDivisionError("oops")),
            ZeroDivisionError("oops"),
            None,
            "oops",
        ):

            class Fails(Loopback):
                def connect(self, told: Any = told) -> None:
                    self.opened += 1
                    self.factory.connection.attempt_started()
                    if self.opened == 1:
                        self.factory.clientConnectionFailed(self, told)
                    else:
                        self.factory.connection.transport_opened(self)

            client = self.start(Fails)
            self.assertEqual([type(it) for it in self.errors], [ConnectionFailed])
            self.memory.advance(0.5)
            self.assertTrue(client.connected)
            closed: list[Any] = []
            client.on_close(closed.append)
            self.made[0].factory.clientConnectionLost(self.made[0], told)
            self.assertTrue(isinstance(closed[0], ConnectionFailed))
            self.stop_client(client)

    def test_one_of_ours(self) -> None:
        """A connector of ours does as it does without the option."""
        client = self.start(EndpointConnector)
        self.memory.flush()
        self.assertTrue(client.connected)
        self.joined_channel(client=client)
        self.memory.advance(60)
        self.assertTrue(client.connected)
        self.lose_connection()
        self.assertFalse(client.connected)
        self.reconnect()


class OptionsTests(OwnConnectorCase):
    """A connector that does not take other options."""

    def test_reset_options(self) -> None:
        """They count all the same, and for the next transport there is another one."""
        for error in (ZeroDivisionError, SystemExit):
            client = self.start(raising("reset_options", error=error), Loopback)
            logged = self.flushLoggedErrors(error)
            done = self.watch(client.reconfigure(timeout=3))
            self.assert_fired(done, None)
            self.assertEqual(client.options.timeout, 3)
            self.assertEqual(client.channels.timeout, 3)
            self.assertTrue(client.connected)
            logged += self.flushLoggedErrors(error)
            self.assertEqual(len(logged), 1)
            self.made[0].close()
            self.memory.advance(0.5)
            self.assertTrue(client.connected)
            self.assertEqual(len(self.made), 2)
            self.assertEqual(self.made[1].options.timeout, 3)
            self.stop_client(client)


class TransportTests(OwnConnectorCase):
    """A transport of the user's that does not do what it must."""

    def test_silent(self) -> None:
        """One that does not end is taken for lost, and what it tells later is not."""

        def nothing(*_: Any) -> None:
            """Do nothing."""

        kind = type("Mute", (Loopback,), {"close": nothing, "abort": nothing})
        ends: list[Callable[[SocketClient], Any]] = [
            lambda it: it.disconnect(),
            lambda it: it.stopService(),
            lambda it: it.reconfigure(params={"a": "1"}),
            lambda it: it.connection.drop(ConnectionClosed(1006)),
        ]
        for end in ends:
            client = self.start(kind, Loopback)
            pushed = self.watch(self.joined_channel(client=client).push("echo", {}))
            result = end(client)
            done = None if result is None else self.watch(result)
            self.memory.advance(3)
            self.assertEqual(len(pushed.fired), 1)
            if done is not None:
                self.assert_fired(done, None)
            self.memory.advance(0.5)
            client.connect()
            self.assertTrue(client.connected)
            self.assertEqual(len(self.made), 2)
            Loopback.close(self.made[0])
            self.assertTrue(client.connected)
            self.stop_client(client)

    def test_closing(self) -> None:
        """One that closes by itself, and never says that it is done."""
        client = self.start(Loopback)
        self.made[0].factory.connection.transport_closing()
        self.assertFalse(client.connected)
        self.memory.advance(3.5)
        self.assertTrue(client.connected)

    def test_uses(self) -> None:
        """One that raises when it is used is taken for lost, and there is another."""
        for error in (ZeroDivisionError, SystemExit):
            client = self.start(Loopback)
            channel = self.joined_channel(client=client)
            self.break_once("send", error)
            pushed = self.watch(channel.push("echo", {}))
            channel.push_async("echo", {})
            self.memory.flush()
            lost = self.assert_failed(pushed, PushInterrupted)
            self.assertTrue(lost.was_sent)
            self.assertEqual(len(self.flushLoggedErrors(error)), 1)
            self.memory.advance(0.5)
            self.assertEqual(channel.state, "joined")
            self.stop_client(client)

    def test_join(self) -> None:
        """A join, a leave, a ping and a message of the client's are no different."""
        uses: list[Callable[[SocketClient], Any]] = [
            lambda it: it.join("rooms:other"),
            lambda it: it.leave(TOPIC),
            lambda it: it.ping(),
        ]
        for use in uses:
            client = self.start(Loopback)
            self.joined_channel(client=client)
            self.break_once("send", ZeroDivisionError)
            done = self.watch(use(client))
            self.memory.advance(0.5)
            self.assertTrue(client.connected)
            self.memory.advance(0.5)
            self.assertEqual(len(done.fired), 1)
            self.flushLoggedErrors(ZeroDivisionError)
            self.stop_client(client)

    def test_late_loss(self) -> None:
        """A transport tells of its loss when the next one is open."""

        class Fresh(Loopback):
            """Each transport is an object of its own."""

            transports: list[Loopback]

            def connect(self) -> None:
                self.opened += 1
                fresh = Loopback(self.reactor, self.factory, self.options)
                self.__dict__.setdefault("transports", []).append(fresh)
                self.factory.connection.attempt_started()
                self.factory.connection.transport_opened(fresh)

        client = self.start(Fresh)
        first = self.made[0].transports[0]
        first.close()
        self.memory.advance(0.5)
        self.assertTrue(client.connected)
        first.close()
        self.assertTrue(client.connected)
        self.made[0].transports[1].close()
        self.assertFalse(client.connected)

    def test_late_loss_of_a_broken_one(self) -> None:
        """So does one that was taken for lost, and is the connector itself."""
        for name in ("close", "abort", "resume_reading"):
            client = self.start(raising(name), Loopback)
            channel = self.joined_channel(client=client)
            done = self.watch(client.reconfigure(params={"a": "1"}))
            self.memory.advance(3)
            if name == "abort":
                client.connection.drop(ConnectionClosed(1006))
            self.memory.advance(1)
            self.assertEqual(len(done.fired), 1)
            self.assertTrue(client.connected)
            connection = self.made[0].factory.connection
            Loopback.close(self.made[0])
            connection.transport_closing()
            connection.transport_full()
            frame = b'[null,null,"rooms:lobby","phx_close",{}]'
            connection.frame_received(frame, False)
            connection.receiver_of(frame)(frame, False)
            self.assertTrue(client.connected)
            self.assertFalse(client.connection.is_full)
            self.assertEqual(channel.state, "joined")
            self.flushLoggedErrors(ZeroDivisionError)
            self.stop_client(client)

    def test_withdrawal(self) -> None:
        """A push whose time is over fails, if its transport can tell nothing of it."""

        def gone(*_: Any) -> Any:
            raise ZeroDivisionError

        attributes = {"withdraw": gone, "has_left": gone, "send": lambda *_: 7}
        kind = type("Bounded", (Loopback,), attributes)
        client = self.start(kind, timeout=1)
        join = self.watch(client.join(TOPIC))
        self.memory.advance(5)
        self.assertEqual(len(join.fired), 1)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_signs_of_life(self) -> None:
        """One whose signs raise is judged by its answers alone."""
        for name in ("follow_writes", "signs_of_life"):
            attributes = {
                "follow_writes": lambda _: None,
                "signs_of_life": lambda _: (False, 0, False),
                "needs_heartbeat": True,
            }
            kind = type("Observed", (raising(name),), attributes)
            setattr(kind, name, getattr(raising(name), name))
            client = self.start(kind)
            self.memory.advance(100)
            self.assertTrue(client.connected)
            beats = [it for it in self.made[0].sent if it[3] == "heartbeat"]
            self.assertEqual(len(beats), 3)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            cast(Any, self.made[0]).send = lambda *_: None
            self.memory.advance(41)
            self.assertEqual(self.made[0].opened, 2)
            self.stop_client(client)
