"""Errors that say why, and what to call: mistakes that users make."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, setDebugging
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.python import threadable
from zope.interface import implementer

from txphoenix import (
    Channel,
    ChannelClosed,
    ConfigurationError,
    ConnectionFailed,
    ConnectTimeout,
    HandshakeRefused,
    JoinError,
    Message,
    NotConnected,
    PhoenixError,
    SocketClient,
)
from txphoenix.options.options import Options

from .network import NetworkTestCase, reactor
from .raw_server import RawServer
from .support import TOPIC, ClientTestCase


class NotConnectedTests(ClientTestCase):
    """What needs a connection where there is none, and none will be."""

    def refusals(self, client: SocketClient) -> list[NotConnected]:
        """What a join and a push of the client fail with."""
        joined = self.watch(client.channel(TOPIC).join())
        message = Message.push("a", "e", {})
        join = self.assert_failed(joined, NotConnected)
        push = self.assertRaises(NotConnected, client.push, message)
        self.assertIn(f"{TOPIC} cannot be joined: ", str(join))
        self.assertIn("e cannot be sent to a: ", str(push))
        return [join, push]

    def test_before_the_start(self) -> None:
        """Before the start it says that, and what starts it."""
        for error in self.refusals(self.make_client()):
            self.assertIn("not been started: call startService()", str(error))
            self.assertIsNone(error.__cause__)

    def test_without_auto_connect(self) -> None:
        """Where nobody has connected yet it says so."""
        client = self.make_client(auto_connect=False)
        client.startService()
        for error in self.refusals(client):
            self.assertIn("nobody has called connect() yet", str(error))

    def test_after_disconnect(self) -> None:
        """After disconnect() it says so, with the cause."""
        client = self.connected_client()
        self.watch(client.disconnect())
        self.memory.flush()
        for error in self.refusals(client):
            self.assertIn("told to disconnect: call connect()", str(error))
            self.assertIsInstance(error.__cause__, NotConnected)

    def test_after_the_stop(self) -> None:
        """After the stop it says what starts it again."""
        client = self.connected_client()
        self.watch(client.stopService())
        self.memory.flush()
        for error in self.refusals(client):
            self.assertIn("has been stopped: call startService()", str(error))

    def test_without_reconnect(self) -> None:
        """Where nothing is tried again, what failed is the cause."""
        self.memory.refuse(403)
        client = self.make_client(reconnect=False)
        client.startService()
        self.memory.flush()
        for error in self.refusals(client):
            self.assertIn("HTTP 403", str(error))
            self.assertIn("call connect()", str(error))
            self.assertIsInstance(error.__cause__, HandshakeRefused)

    def test_connected_again(self) -> None:
        """After another connect() the cause is what has failed since."""
        client = self.connected_client(reconnect=False)
        self.watch(client.disconnect())
        self.memory.flush()
        self.memory.refuse(403)
        client.connect()
        waiting = self.watch(client.when_connected())
        self.memory.flush()
        self.assert_failed(waiting, HandshakeRefused)
        for error in self.refusals(client):
            self.assertIsInstance(error.__cause__, HandshakeRefused)

    def test_kept_push(self) -> None:
        """A push of a channel that waits for a connection says it as well."""
        channel = self.joined_channel()
        self.watch(self._clients[0].disconnect())
        self.memory.flush()
        error = self.assert_failed(self.watch(channel.push("echo")), NotConnected)
        self.assertIn("echo cannot be pushed to rooms:lobby: ", str(error))
        self.assertIn("call connect()", str(error))


class NotJoinedTests(ClientTestCase):
    """What needs a joined channel."""

    def refusals(self, channel: Channel) -> list[ChannelClosed]:
        """What the pushes of a channel fail with."""
        return [
            self.assert_failed(self.watch(channel.push("e")), ChannelClosed),
            self.assertRaises(ChannelClosed, channel.push_async, "e"),
        ]

    def test_never_joined(self) -> None:
        """Before the join it says so."""
        channel = self.connected_client().channel(TOPIC)
        for error in self.refusals(channel):
            self.assertIn("not joined, but closed: call join() first", str(error))
        error = self.assert_failed(self.watch(channel.receive()), ChannelClosed)
        self.assertIn("call join() first", str(error))

    def test_refused(self) -> None:
        """After a refusal that is the cause."""
        channel = self.connected_client().channel(TOPIC)
        self.memory.refusal = {"reason": "unauthorized"}
        joined = self.watch(channel.join())
        self.memory.flush()
        refused = self.assert_failed(joined, JoinError)
        for error in self.refusals(channel):
            self.assertIs(error.__cause__, refused)
            self.assertIn(str(refused), str(error))
            self.assertIn("call join() to join it again", str(error))

    def test_crashed(self) -> None:
        """After a crash that ended it the crash is the cause."""

        class Fragile(Channel):
            restart = "temporary"

            def handle_join(self, response: Any) -> None:
                raise KeyError("on purpose")

        channel = self.connected_client().channel(TOPIC, None, Fragile)
        joined = self.watch(channel.join())
        self.memory.flush()
        self.assert_failed(joined, KeyError)
        self.flushLoggedErrors(KeyError)
        for error in self.refusals(channel):
            self.assertIsInstance(error.__cause__, KeyError)
            self.assertIn("on purpose", str(error))

    def test_left(self) -> None:
        """After a leave, and during it, it says so."""
        channel = self.joined_channel()
        self.watch(channel.leave())
        for error in self.refusals(channel):
            self.assertIn("but leaving: wait for its leave()", str(error))
        self.memory.flush()
        for error in self.refusals(channel):
            self.assertIn("it was left: call join()", str(error))


class MistakeTests(ClientTestCase):
    """What can be seen when it is written."""

    def test_channel_made_directly(self) -> None:
        """A channel is not made by its class; the error says how it is."""
        make: Any = Channel
        for args in (["rooms:lobby"], ["rooms:lobby", "params"]):
            error = self.assertRaises(ConfigurationError, make, *args)
            self.assertIn("client.channel(topic, params, Channel)", str(error))

    def test_restart(self) -> None:
        """A word that means nothing is refused where the class is made."""

        def make() -> None:
            class Room(Channel):
                restart = "permanant"

        error = self.assertRaises(ConfigurationError, make)
        self.assertIn("Room must be 'permanent', 'transient' or", str(error))
        self.assertIn("not 'permanant'", str(error))

    def test_restart_later(self) -> None:
        """One that is set later is refused by the join."""
        for wrong in ("always", None, ["transient"]):
            channel: Any = self.connected_client().channel(TOPIC)
            channel.restart = wrong
            error = self.assert_failed(self.watch(channel.join()), ConfigurationError)
            self.assertIn("must be 'permanent'", str(error))
            self.assertEqual(channel.state, "closed")

    def test_event(self) -> None:
        """An event is a string, for on() and off()."""
        channel: Any = self.connected_client().channel(TOPIC)
        for wrong in (3, None, b"news", print):
            for call in (channel.on, channel.off):
                error = self.assertRaises(ConfigurationError, call, wrong, print)
                self.assertIn("an event must be a str, not ", str(error))
            self.assertRaises(ConfigurationError, channel.on, wrong)

    def test_options_set_as_attributes(self) -> None:
        """An option of the client is not an attribute; the error says what to call."""
        client: Any = self.connected_client()
        for name in set(Options.check("ws://h/s").snapshot()) - {"name"}:
            error = self.assertRaises(ConfigurationError, setattr, client, name, 3)
            self.assertIn(f"reconfigure({name}=...)", str(error))
        self.assertEqual(client.get_state("timeout"), 5.0)
        client.mine = 3
        client.setName("it")

    def test_own_attributes(self) -> None:
        """Subclasses have what attributes they like, declared ones included."""

        class Client(SocketClient):
            timeout = 1

        class Room(Channel):
            pass

        client = Client("ws://127.0.0.1/socket", reactor=self.clock)
        client.timeout = 3
        room: Any = client.channel("a", None, Room)
        room.timeout = room.anything = 4
        self.assertEqual((client.timeout, room.timeout), (3, 4))

    def test_deferreds_fail(self) -> None:
        """A method that returns a Deferred fails it, and nothing has been done."""
        channel: Any = self.joined_channel()
        client: Any = self._clients[0]
        other = client.channel("rooms:other")
        calls: list[Callable[[Any], Deferred[Any]]] = [
            lambda wrong: channel.push("silent", {}, timeout=wrong),
            lambda wrong: channel.leave(timeout=wrong),
            lambda wrong: other.join(timeout=wrong),
            lambda wrong: client.join("rooms:other", timeout=wrong),
            lambda wrong: client.leave(TOPIC, timeout=wrong),
            lambda wrong: client.leave("nowhere", timeout=wrong),
            lambda wrong: client.ping(timeout=wrong),
        ]
        before = len(self.all_sent())
        bad: list[Any] = ["5", 0, -1, float("nan"), float("inf"), True, 10**400, []]
        for wrong in bad:
            for call in calls:
                error = self.assert_failed(self.watch(call(wrong)), ConfigurationError)
                self.assertIn("a timeout must be", str(error))
        self.watch(client.disconnect())
        self.memory.flush()
        client.connect()
        for wrong in ("x", 0, 1.5, True):
            waiting = self.watch(client.when_connected(fail_after_failures=wrong))
            error = self.assert_failed(waiting, ConfigurationError)
            self.assertIn("fail_after_failures must be", str(error))
        self.assert_failed(self.watch(client.join("")), ConfigurationError)
        self.assertEqual(len(self.all_sent()), before)


class ThreadTests(ClientTestCase):
    """Calls from another thread than the reactor's."""

    def setUp(self) -> None:
        """Have the reactor run in this thread."""
        super().setUp()
        self.patch(threadable, "ioThread", threadable.getThreadID())
        self.channel = self.joined_channel()
        self.client = self._clients[0]

    def in_thread(self, function: Callable[[], Any]) -> BaseException | None:
        """Call a function in another thread.

        :return: what it raises.
        """
        raised: list[BaseException] = []

        def run() -> None:
            try:
                function()
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=run, name="another")
        thread.start()
        thread.join()
        return raised[0] if raised else None

    def test_noticed(self) -> None:
        """With Deferred debugging each call is refused, and does nothing."""
        setDebugging(True)
        self.addCleanup(setDebugging, False)
        client, channel = self.client, self.channel
        before = len(self.all_sent())
        for function in (
            lambda: channel.push("echo"),
            lambda: channel.push_async("echo"),
            channel.join,
            channel.leave,
            client.connect,
            client.disconnect,
            client.startService,
            client.stopService,
            client.when_connected,
            client.ping,
            lambda: client.join("rooms:b"),
            lambda: client.leave(TOPIC),
            lambda: client.push(Message.push("a", "e", {})),
            lambda: client.reconfigure(timeout=3.0),
        ):
            error = self.in_thread(function)
            self.assertIsInstance(error, PhoenixError)
            self.assertIn("called from the thread 'another'", str(error))
            self.assertIn("callFromThread", str(error))
        self.assertEqual(len(self.all_sent()), before)
        self.assertTrue(client.connected)

    def test_own_thread(self) -> None:
        """In the reactor's thread nothing changes."""
        setDebugging(True)
        self.addCleanup(setDebugging, False)
        self.assert_answered()

    def test_before_the_reactor_runs(self) -> None:
        """Before the reactor runs there is no other thread."""
        setDebugging(True)
        self.addCleanup(setDebugging, False)
        self.patch(threadable, "ioThread", None)
        self.assert_answered()

    def assert_answered(self) -> None:
        """A push is answered."""
        pushed = self.watch(self.channel.push("echo", 1))
        self.memory.flush()
        self.assert_fired(pushed, 1)


class Mute(Protocol):
    """A server that never says anything."""


class AttemptTests(NetworkTestCase):
    """What is said of an attempt to connect; over TCP."""

    async def failure(self, url: Any, **options: Any) -> Exception:
        """What the only attempt fails with."""
        client = self.client(url, reconnect=False, **options)
        error = await self.failure_of(client.when_connected())
        await client.stopService()
        return error

    async def test_refused(self) -> None:
        """A refusal says by whom, and no secret."""
        for transport in ("websocket", "longpoll"):
            server = await self.serve()
            server.refuse(403)
            error = await self.failure(
                server.url, params={"token": "s3cret"}, transport=transport
            )
            self.assertIsInstance(error, HandshakeRefused)
            self.assertIn(f"127.0.0.1:{server.port}/socket/{transport}", str(error))
            self.assertNotIn("s3cret", str(error) + repr(error))

    async def test_callable_that_hangs(self) -> None:
        """A callable that never answers is named."""
        server = await self.serve()
        for name in ("url", "params", "headers", "auth_token"):
            options: dict[str, Any] = {name: Deferred}
            url = options.pop("url", server.url)
            error = await self.failure(url, connect_timeout=0.05, **options)
            self.assertIsInstance(error, ConnectTimeout)
            self.assertIn(f"waiting for what the callable of {name}", str(error))

    async def test_handshake_that_hangs(self) -> None:
        """A server that is mute is told apart, with TLS and without."""
        port = await self.listen(Mute)
        plain, secure = (f"{it}://127.0.0.1:{port}/socket" for it in ("ws", "wss"))
        for url, transport, awaited in (
            (plain, "websocket", "the answer to the opening handshake"),
            (plain, "longpoll", "the answer to the first request"),
            (secure, "websocket", "the TLS handshake"),
            (secure, "longpoll", "the TLS handshake"),
        ):
            error = await self.failure(url, transport=transport, connect_timeout=0.1)
            self.assertIsInstance(error, ConnectTimeout)
            self.assertIn(f"still waiting for {awaited}", str(error))

    async def test_endpoint_that_hangs(self) -> None:
        """A name or a TCP connection that does not come is told as that."""

        @implementer(IStreamClientEndpoint)
        class Hanging:
            def connect(self, _factory: object) -> Deferred[Any]:
                return Deferred()

        error = await self.failure(
            "ws://example.org:81/socket",
            connect_timeout=0.05,
            endpoint=lambda *_: Hanging(),
        )
        self.assertIn("waiting for a connection to the endpoint", str(error))
        self.assertIn("//example.org:81/", str(error))

    async def test_callable_that_raises(self) -> None:
        """What a callable has raised is the cause, and the text says so."""

        def params() -> Any:
            raise RuntimeError("s3cret")

        server = await self.serve()
        error = await self.failure(server.url, params=params)
        self.assertIsInstance(error, ConnectionFailed)
        self.assertIn("params raised RuntimeError (this error's __cause__", str(error))
        self.assertNotIn("s3cret", str(error))
        self.assertEqual(repr(error.__cause__), "RuntimeError('s3cret')")

    async def test_two_clients(self) -> None:
        """It can be seen which of two clients was refused."""
        texts = []
        for _ in range(2):
            server = RawServer()
            server.answer = b"HTTP/1.1 404 Not Found\r\n\r\n"
            server.closes = True
            endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
            port = await endpoint.listen(server)
            self.addCleanup(port.stopListening)
            url = f"ws://127.0.0.1:{port.getHost().port}/socket"
            texts.append((url, str(await self.failure(url))))
        for url, text in texts:
            self.assertIn(url, text)
