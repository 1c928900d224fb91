"""The user's callables may call the client: what they decide stands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.task import deferLater

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import PhoenixError
from txphoenix.protocol.message import Message
from txphoenix.testing import PhoenixServer

from .callables_case import ASYNC_CALLABLES, CALLABLES, CallablesCase
from .network import NetworkTestCase
from .support import TOPIC
from .test_own_transport import Loopback


def cancel(client: SocketClient) -> None:
    """Cancel what the client has given out."""
    for waiting in (client.when_connected(), client.reconfigure(params={"b": "2"})):
        waiting.addErrback(lambda _: None)
        waiting.cancel()


def push(client: SocketClient) -> None:
    """Send a message; this ends where it is called for each message that is sent."""
    client.push(Message(None, None, "other", "event", {}))


def anew(client: SocketClient) -> Any:
    """Disconnect and connect."""
    done = client.disconnect()
    client.connect()
    return done


def stop_and_start(client: SocketClient) -> Any:
    """Begin anew as a service."""
    done = client.stopService()
    client.startService()
    return done


def start_and_stop(client: SocketClient) -> Any:
    """Start what runs, and stop it."""
    client.startService()
    return client.stopService()


# What a callable calls, and whether the client is connected in the end, and running.
ACTIONS: dict[str, tuple[Callable[[SocketClient], Any], bool, bool]] = {
    "connect": (SocketClient.connect, True, True),
    "disconnect": (SocketClient.disconnect, False, True),
    "stopService": (SocketClient.stopService, False, False),
    "startService": (SocketClient.startService, True, True),
    "reconfigure": (lambda it: it.reconfigure(params={"b": "2"}), True, True),
    "other option": (lambda it: it.reconfigure(timeout=3), True, True),
    "join": (lambda it: it.join("rooms:other"), True, True),
    "join again": (lambda it: it.join(TOPIC), True, True),
    "leave": (lambda it: it.leave(TOPIC), True, True),
    "push": (push, True, True),
    "cancel": (cancel, True, True),
    "anew": (anew, True, True),
    "stop, start": (stop_and_start, True, True),
    "start, stop": (start_and_stop, False, False),
}


class CallingBackCase(CallablesCase):
    """A test in which a callable calls the client.

    :ivar begun: how many attempts had begun when it had called.
    """

    def setUp(self) -> None:
        """Nothing is being done."""
        super().setUp()
        self.is_acting = False
        self.begun = 0

    def perform(self, action: str) -> None:
        """Do what an action is; what is called meanwhile does not do it again."""
        if self.is_acting:
            return
        self.is_acting = True
        try:
            result = ACTIONS[action][0](self.client)
        except PhoenixError:
            return
        finally:
            self.is_acting = False
            self.begun = self.client.connection.attempts
        if isinstance(result, Deferred):
            self.watch(result)


class CallingBackTests(CallingBackCase):
    """Decisions 4, 5 and 6, from inside of each callable."""

    def once(self, name: str, action: str, **options: Any) -> None:
        """Do it the first time that a callable is called."""

        def act() -> None:
            if self.calls == 1:
                self.perform(action)

        client = self.make(name, act, **options)
        self.live()
        _, is_connected, is_running = ACTIONS[action]
        self.assertGreater(self.calls, 0)
        # A session of long-poll has a connection for each direction.
        most = 2 if options.get("transport") == "longpoll" else 1
        self.assertLessEqual(self.most_open, most)
        self.assertIs(client.connection.is_wanted, is_connected)
        self.assertIs(client.connected, is_connected)
        self.assertIs(bool(client.running), is_running)
        self.assertLess(client.connection.attempts, 20)
        if not is_connected:
            self.assertEqual(client.connection.attempts, self.begun)
            self.assertEqual(self.memory.pairs, [])
            too_late = self.watch(client.when_connected())
            self.assertEqual(len(too_late.fired), 1)
        if not is_running:
            self.assertEqual(client.channels.routes, {})
            self.assertEqual(self.clock.getDelayedCalls(), [])
        client.connect()
        self.step(1)
        self.assertTrue(client.connected)
        self.assertTrue(self.watch(client.when_connected()).fired)
        self.stop_client(client)

    def test_sync(self) -> None:
        """After each of the actions the client is as the action says."""
        for name in CALLABLES:
            for action in ACTIONS:
                with self.subTest(name=name, action=action):
                    self.once(name, action)

    def test_endpoint_after_others(self) -> None:
        """So it is if the attempt has waited for another callable before."""

        async def params() -> dict[str, Any]:
            await deferLater(self.clock, 0)
            return {}

        for transport in ("websocket", "longpoll"):
            for action in ACTIONS:
                with self.subTest(transport=transport, action=action):
                    self.once("endpoint", action, params=params, transport=transport)

    def test_nothing_is_dialled(self) -> None:
        """Who ends an attempt from what it asks for has it end before it dials."""

        async def url() -> str:
            await deferLater(self.clock, 0)
            return self.memory.url

        dialled: list[Any] = []
        self.patch(self.memory.endpoint, "connect", dialled.append)
        # The first is asked when the attempt begins, and others when that has answered.
        for options in ({}, {"url": url}, {"transport": "longpoll", "url": url}):
            for name in ("url", "params", "headers", "auth_token", "endpoint"):
                for action in ("disconnect", "stopService"):
                    if name not in options:
                        with self.subTest(name=name, action=action, options=options):
                            act = partial(self.perform, action)
                            client = self.make(name, act, **options)
                            client.startService()
                            self.step(1)
                            self.assertEqual((self.calls, dialled), (1, []))
                            self.assertFalse(client.connection.is_wanted)
                            self.stop_client(client)

    def test_given_up_at_its_beginning(self) -> None:
        """Who ends an attempt when told of it has nobody asked for anything."""
        asked: list[None] = []
        act = partial(self.perform, "disconnect")
        client = self.make("connecting", act, url=lambda: asked.append(None))
        client.startService()
        self.step(1)
        self.assertEqual((self.calls, asked), (1, []))

    def test_closed_while_it_opens(self) -> None:
        """Who closes a connection when told of it has nobody else told of that one.

        The transport closes and opens at once.
        """
        for action, expected in (
            ("disconnect", []),
            ("anew", ["hook", "waiting"]),
            ("reconfigure", ["hook", "waiting"]),
        ):
            told: list[tuple[str, int]] = []

            def tell(who: Any, told: list[Any] = told) -> None:
                told.append((who, self.client.connection.attempts))

            def act(action: str = action, tell: Any = tell) -> None:
                if self.calls == 1:
                    self.perform(action)
                    waiting = self.client.when_connected()
                    waiting.addCallbacks(lambda _: tell("waiting"), lambda _: None)

            with self.subTest(action=action):
                client = self.make("connected", act, transport=Loopback)
                client.on_open(partial(tell, "hook"))
                client.startService()
                self.step(1)
                self.assertEqual(sorted(told), [(who, 2) for who in expected])
                self.stop_client(client)

    def test_async(self) -> None:
        """So it is if the callable has taken a turn of the reactor before."""
        self.is_async = True
        for name in ASYNC_CALLABLES:
            for action in ACTIONS:
                with self.subTest(name=name, action=action):
                    self.once(name, action)


class NoWayAroundTests(CallingBackCase):
    """Decision 2: whoever calls back does not do away with the delays."""

    def attempts(self, name: str, act: Callable[[], object], kicks: bool) -> int:
        """How many attempts are made in ten minutes at a server that is of no use.

        :param kicks: whether it lets us in and throws us out, rather than refuse.
        """

        def backoff(attempt: int) -> float:
            self._given("backoff", None)
            return 60.0 if attempt > 6 else 0.5 * float(2**attempt)

        def bounded() -> None:
            # It shall fail rather than have no end.
            if self.client.connection.attempts < 200:
                act()

        client = self.make(name, bounded, backoff=backoff)
        self.memory.is_listening = kicks
        client.startService()
        for _ in range(300):
            self.memory.advance(2)
            if kicks:
                self.memory.drop()
        self.memory.flush()
        attempts = client.connection.attempts
        self.memory.is_listening = True
        self.stop_client(client)
        return attempts

    def assert_no_more(self, name: str, kicks: bool, more: int) -> None:
        """Each action, done each time, comes to so many attempts more at most."""
        alone = self.attempts(name, lambda: None, kicks)
        self.assertLess(alone, 20)
        for action in ("connect", "reconfigure", "anew", "stop, start"):
            with self.subTest(name=name, action=action, kicks=kicks):
                act = partial(self.perform, action)
                self.assertLessEqual(self.attempts(name, act, kicks), alone + more)

    def test_what_follows_an_end(self) -> None:
        """Whoever is told of an end, or asked what is to follow, changes nothing."""
        for name in ("on_error", "should_reconnect", "backoff", "reconnecting"):
            self.assert_no_more(name, False, 0)
        for name in ("on_close", "when_connected", "disconnected"):
            self.assert_no_more(name, True, 1)

    def test_elsewhere(self) -> None:
        """Who calls back elsewhere can hurry a few times, and then once a minute."""
        for name in ("url", "connecting"):
            self.assert_no_more(name, False, 15)
        for name in ("on_open", "on_heartbeat", "on_message", "handle_join", "dumps"):
            self.assert_no_more(name, True, 30)
        self.assert_no_more("socket", True, 30)

    def test_a_turn_later(self) -> None:
        """It makes no difference that it comes a turn of the reactor later."""
        self.is_async = True
        for name in ("params", "on_error"):
            self.assert_no_more(name, False, 15)
        for name in ("on_open", "on_close"):
            self.assert_no_more(name, True, 30)


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def stops(self, make: Callable[[Callable[[], None]], Any]) -> None:
        """A client whose callable stops it has stopped, and can be started again.

        :param make: makes options of a function that the callable must call.
        """
        server = await self.serve()
        stopping: list[Deferred[None]] = []

        def stop() -> None:
            if not stopping:
                stopping.append(client.stopService())

        client = SocketClient(server.url, **make(stop))
        self.addCleanup(client.stopService)
        client.startService()
        await self.lose_until(server, lambda: stopping)
        await stopping[0]
        self.assertFalse(client.connection.is_wanted)
        await self.assert_nothing_held()
        client.startService()
        await client.when_connected()

    async def lose_until(
        self, server: PhoenixServer, condition: Callable[[], object]
    ) -> None:
        """Lose connections until something has happened."""
        while not condition():
            server.drop()
            await self.sleep(0.01)

    async def test_should_reconnect(self) -> None:
        """It says that it shall go on, and has stopped it."""

        def make(stop: Callable[[], None]) -> Any:
            return {"should_reconnect": lambda _: stop() or True}  # type: ignore[func-returns-value]

        await self.stops(make)

    async def test_endpoint(self) -> None:
        """It makes an endpoint, and has stopped it."""

        async def params() -> dict[str, Any]:
            await self.sleep(0)
            return {}

        def make(stop: Callable[[], None]) -> Any:
            def endpoint(reactor: Any, host: str, port: int, _tls: Any) -> Any:
                stop()
                return TCP4ClientEndpoint(reactor, host, port)

            return {"endpoint": endpoint, "params": params}

        await self.stops(make)
