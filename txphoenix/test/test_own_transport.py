"""Tests of the option ``transport`` with a connector of the user's."""

from __future__ import annotations

import json
from typing import Any, cast

from twisted.internet.error import NotConnectingError
from twisted.python.failure import Failure

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionClosed, ConnectionFailed, NotConnected

from .support import TOPIC, ClientTestCase


class Loopback:
    """A connector and its transport in one: whatever is sent is answered with ok."""

    needs_heartbeat = False

    def __init__(self, reactor: Any, factory: Any, options: Any) -> None:
        self.reactor = reactor
        self.factory = factory
        self.options = options
        self.sent: list[list[Any]] = []
        self.opened = 0

    # -- The connector ------------------------------------------------------------

    def connect(self) -> None:
        """Open at once."""
        self.opened += 1
        self.factory.connection.attempt_started()
        self.factory.connection.transport_opened(self)

    def stopConnecting(self) -> None:
        """There is nothing to stop."""
        raise NotConnectingError()

    def reset_options(self, options: Any) -> None:
        """Take other options."""
        self.options = options

    # -- The transport ------------------------------------------------------------

    def send(self, data: bytes, is_binary: bool) -> None:
        """Answer, in the reactor's next turn."""
        message = json.loads(data)
        self.sent.append(message)
        reply = [*message[:3], "phx_reply", {"status": "ok", "response": message[4]}]
        self.reactor.callLater(
            0, self.factory.connection.frame_received, json.dumps(reply).encode(), False
        )

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End."""
        lost = ConnectionClosed(code, reason, True)
        self.factory.clientConnectionLost(self, Failure(lost))

    def abort(self) -> None:
        """End."""
        self.close(1006)

    def pause_reading(self) -> None:
        """Nothing is held back."""

    def resume_reading(self) -> None:
        """Nothing is held back."""


class LoopbackTestCase(ClientTestCase):
    """A test whose clients may have a loopback."""

    def setUp(self) -> None:
        """Keep what is made."""
        super().setUp()
        self.made: list[Loopback] = []

    def make(self, reactor: Any, factory: Any, options: Any) -> Loopback:
        """What the option is given."""
        self.made.append(Loopback(reactor, factory, options))
        return self.made[-1]


class OwnTransportTests(LoopbackTestCase):
    """Decision 1: any other transport is just another connector."""

    def test_from_the_start(self) -> None:
        """It opens, carries messages, is lost, and is opened again."""
        channel = self.joined_channel(transport=self.make, timeout=7)
        (loopback,) = self.made
        self.assertEqual(loopback.options.timeout, 7.0)
        push = self.watch(channel.push("echo", {"b": 2}))
        self.memory.flush()
        self.assert_fired(push, {"b": 2})
        loopback.abort()
        self.assertEqual(channel.state, "errored")
        self.memory.advance(0.5)
        self.assertEqual((channel.state, loopback.opened), ("joined", 2))

    def test_heartbeat(self) -> None:
        """A transport that needs no heartbeat has none, but a ping is one."""
        channel = self.joined_channel(transport=self.make)
        self.memory.advance(1000)
        self.assertEqual([it[3] for it in self.made[0].sent], ["phx_join"])
        ping = self.watch(self._clients[0].ping())
        self.memory.flush()
        self.assert_fired(ping, 0.0)
        self.assertEqual(channel.state, "joined")

    def test_lost_before_the_answer(self) -> None:
        """What a hook has just ended the transport of is the answer to no ping."""
        client = self.connected_client(transport=self.make)
        told: list[object] = []
        client.on_heartbeat(told.append)
        client.on_message(lambda _message: self.made[0].abort())
        ping = self.watch(client.ping())
        self.memory.flush()
        self.assertIsInstance(ping.fired[0], ConnectionClosed)
        self.assertEqual(told, [])

    def test_reconfigured(self) -> None:
        """A client goes over to it and back, and its channels with it."""
        channel = self.joined_channel()
        client = self._clients[0]
        self.assert_fired(self.watch(client.reconfigure(timeout=3)), None)
        there = self.watch(client.reconfigure(transport=self.make))
        self.memory.flush()
        self.assert_fired(there, None)
        self.assertEqual(channel.state, "joined")
        self.assertEqual([it[2:4] for it in self.made[0].sent], [[TOPIC, "phx_join"]])
        self.assertEqual(self.memory.connections, [])
        back = self.watch(client.reconfigure(transport="websocket"))
        self.memory.flush()
        self.assert_fired(back, None)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(self.memory.connections), 1)

    def test_first_heartbeat(self) -> None:
        """A transport that is on trial can be sent a heartbeat before it is open."""
        connection = self.make_client().connection
        data, is_binary = connection.encode_heartbeat()
        self.assertEqual(json.loads(data), [None, "1", "phoenix", "heartbeat", {}])
        self.assertIs(is_binary, False)


class RaisingTransportTests(LoopbackTestCase):
    """What the user's connector and transport raise ends an attempt, or a transport."""

    def loopback(self, name: str, error: BaseException) -> Any:
        """What makes connectors; the first one raises in a method."""

        def make(reactor: Any, factory: Any, options: Any) -> Loopback:
            made = self.make(reactor, factory, options)
            if len(self.made) == 1:

                def raises(*_: Any) -> None:
                    delattr(made, name)
                    raise error

                setattr(made, name, raises)
            return made

        return make

    def test_connect(self) -> None:
        """An attempt that raises has failed, and the next one comes."""
        for error in (ZeroDivisionError(), SystemExit()):
            self.made.clear()
            client = self.make_client(transport=self.loopback("connect", error))
            errors: list[Any] = []
            client.on_error(errors.append)
            client.startService()
            self.assertEqual([it.__cause__ for it in errors], [error])
            self.memory.advance(0.5)
            self.assertTrue(client.connected)
            self.assertEqual(len(self.flushLoggedErrors(type(error))), 1)

    def test_end(self) -> None:
        """A transport that raises when it shall end is taken for lost."""
        for name in ("close", "abort", "resume_reading"):
            error = ZeroDivisionError()
            self.made.clear()
            client = self.make_client(transport=self.loopback(name, error))
            client.startService()
            self.assertTrue(client.connected)
            if name == "abort":
                client.connection.drop(ConnectionClosed(1006))
                self.assertFalse(client.connected)
                self.memory.advance(0.5)
                self.assertTrue(client.connected)
            else:
                done = self.watch(client.disconnect())
                self.assert_fired(done, None)
                client.connect()
                self.assertTrue(client.connected)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_made_anew(self) -> None:
        """A callable that makes no connector fails the attempt, and is asked again."""
        client = self.connected_client()
        made = [None, self.make]

        def make(*arguments: Any) -> Any:
            make_next = made.pop(0)
            if make_next is None:
                raise ZeroDivisionError
            return make_next(*arguments)

        done = self.watch(client.reconfigure(transport=make))
        self.memory.flush()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assert_waits(done)
        self.memory.advance(0.5)
        self.assert_fired(done, None)

    def test_stop_connecting(self) -> None:
        """One that opens although it was given up is closed at once."""

        class Slow(Loopback):
            def connect(self) -> None:
                self.factory.connection.attempt_started()

            def stopConnecting(self) -> None:
                raise ZeroDivisionError

        slow: list[Slow] = []

        def make(*arguments: Any) -> Slow:
            slow.append(Slow(*arguments))
            return slow[0]

        client = self.make_client(transport=make)
        client.startService()
        done = self.watch(client.disconnect())
        self.assert_waits(done)
        slow[0].factory.connection.transport_opened(slow[0])
        self.assert_fired(done, None)
        self.assertEqual(client.status, "disconnected")
        self.flushLoggedErrors(ZeroDivisionError)
        self._clients.clear()


class FaithlessTests(ClientTestCase):
    """A connector or a transport of the user's that does what it must not."""

    def setUp(self) -> None:
        """Keep what is made."""
        super().setUp()
        self.made: list[Any] = []

    def started(self, kind: type[Loopback], **options: Any) -> SocketClient:
        """A client that was started, with a connector of that kind."""

        def make(*arguments: Any) -> Loopback:
            self.made.append(kind(*arguments))
            return cast(Loopback, self.made[-1])

        self.made.clear()
        client = self.make_client(transport=make, **options)
        client.startService()
        return client

    def test_told_twice(self) -> None:
        """A failure or a loss that is told twice plans one attempt, and it ends."""

        class FailsTwice(Loopback):
            def connect(self) -> None:
                self.factory.connection.attempt_started()
                for _ in range(2):
                    failure = Failure(ConnectionFailed("no"))
                    self.factory.clientConnectionFailed(self, failure)

        class LostTwice(Loopback):
            def abort(self) -> None:
                self.close(1006)
                self.close(1006)

        for kind in (FailsTwice, LostTwice):
            client = self.started(kind)
            if client.connected:
                self.made[0].abort()
            # The next attempt, and the log's reminder of the outage.
            self.assertEqual(len(self.clock.getDelayedCalls()), 2)
            self.stop_client(client)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_attributes(self) -> None:
        """One whose attributes raise is dropped, and there is another attempt."""

        def raises(_transport: Any) -> Any:
            raise ZeroDivisionError

        for name in ("needs_heartbeat", "handshake"):
            odd = type("Odd", (Loopback,), {name: property(raises)})
            client = self.started(odd)
            self.assertFalse(client.connected)
            self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
            delattr(odd, name)
            self.memory.advance(0.5)
            self.assertTrue(client.connected)

    def test_connect_while_it_is_given_up(self) -> None:
        """A disconnect() does not close what was connected after it."""

        class FirstWaits(Loopback):
            def connect(self) -> None:
                if self.opened:
                    super().connect()
                else:
                    self.opened = 1
                    self.factory.connection.attempt_started()

            def stopConnecting(self) -> None:
                failure = Failure(NotConnected("given up"))
                self.factory.clientConnectionFailed(self, failure)

        client = self.started(FirstWaits)
        client.when_connected().addErrback(lambda _: client.connect())
        self.assert_fired(self.watch(client.disconnect()), None)
        self.assertTrue(client.connected)
        self.assertEqual(self.made[0].opened, 2)

    def test_callable_calls_back(self) -> None:
        """What is called inside of the callable that makes the connector stands."""
        actions: list[tuple[Any, int]] = [
            (lambda client: client.connect(), 1),
            (lambda client: client.disconnect(), 0),
            (lambda client: (client.disconnect(), client.connect()), 1),
            (lambda client: client.reconfigure(params={"a": "1"}), 1),
            (lambda client: client.stopService(), 0),
            (lambda client: (client.stopService(), client.startService()), 1),
        ]
        for act, opened in actions:
            client = self.connected_client()
            made: list[Loopback] = []

            def make(
                *arguments: Any,
                client: Any = client,
                made: list[Loopback] = made,
                act: Any = act,
            ) -> Loopback:
                made.append(Loopback(*arguments))
                if len(made) == 1:
                    act(client)
                return made[-1]

            changed = self.watch(client.reconfigure(transport=make))
            self.memory.advance(10)
            self.assertEqual(len(changed.fired), 1)
            self.assertEqual(sum(it.opened for it in made), opened)
            self.assertIs(client.connected, bool(opened))
            self.stop_client(client)

    def test_codec_connects_anew(self) -> None:
        """A join that the codec replaces with the connection is sent once."""
        acts: list[Any] = []

        class Codec:
            loads = staticmethod(json.loads)

            @staticmethod
            def dumps(value: Any) -> str:
                if acts:
                    acts.pop()()
                return json.dumps(value)

        class New(Loopback):
            """The transport is another each time."""

            def connect(self) -> None:
                transport = Loopback(self.reactor, self.factory, self.options)
                transport.sent = self.sent
                self.factory.connection.attempt_started()
                self.factory.connection.transport_opened(transport)

        client = self.started(New, serializer=Codec)

        def anew() -> None:
            client.disconnect()
            client.connect()

        acts.append(anew)
        joined = self.watch(client.join(TOPIC))
        self.memory.flush()
        self.assertEqual(len(joined.fired), 1)
        self.assertLessEqual(len(self.made[0].sent), 1)
