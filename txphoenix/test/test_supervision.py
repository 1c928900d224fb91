"""Crashes of channels, and those whom they do not concern."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest import mock

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Cooperator
from twisted.trial.unittest import TestCase

from txphoenix import telemetry
from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import PushInterrupted
from txphoenix.telemetry import CHANNEL, EventName
from txphoenix.testing import EchoChannel, ServerChannel, ok
from txphoenix.testing.cases import PhoenixMixin

from .support import TOPIC, ClientTestCase, Outcome

MESSAGES = 10_000


class Boom(Exception):
    """What a channel raises."""


class Fragile(Channel):
    """Raises at each message."""

    begun = 0

    def init(self, params: Any) -> None:
        """Count the beginnings."""
        self.begun += 1

    def handle_in(self, event: str, payload: Any) -> Any:
        """Raise."""
        raise Boom(event)


class Sturdy(Channel):
    """Keeps each message, and tells when all have come."""

    def init(self, params: Any) -> None:
        """Begin with none."""
        self.payloads: list[Any] = []
        self.complete: Deferred[None] = Deferred()

    def handle_in(self, event: str, payload: Any) -> None:
        """Keep the payload."""
        self.payloads.append(payload)
        if len(self.payloads) == MESSAGES:
            self.complete.callback(None)


class Greeting(ServerChannel):
    """Sends a message at each join."""

    joins = 0

    def after_join(self) -> None:
        """Count the join, and greet."""
        type(self).joins += 1
        self.push("hello", {})

    def handle_in(self, event: str, payload: Any) -> Any:
        """Answer."""
        return ok()


class Told:
    """What the hooks and telemetry are told of one channel."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.errors: list[BaseException] = []
        self.reasons: list[object] = []
        self.left: list[object] = []
        channel.on_error(self.errors.append)
        channel.on_close(self.reasons.append)
        telemetry.attach(id(self), CHANNEL, self._take)

    def detach(self) -> None:
        """Listen no more."""
        telemetry.detach(id(self))

    def _take(
        self,
        name: EventName,
        measurements: Mapping[str, Any],
        metadata: Mapping[str, Any],
        config: object,
    ) -> None:
        if metadata["channel"] is self.channel and metadata["action"] == "left":
            self.left.append(metadata["reason"])


class CrashTests(PhoenixMixin, TestCase):
    """A channel that crashes time and again, over TCP."""

    timeout = 120

    async def start(self) -> SocketClient:
        """Start a server and a client."""
        self.patch(Greeting, "joins", 0)
        self.server = await self.phoenix_server(
            {"fragile": Greeting, "sturdy": EchoChannel}
        )
        client = SocketClient(self.server.url)
        client.startService()
        self.addCleanup(client.stopService)
        return client

    def send_all(self) -> Deferred[Any]:
        """Have the server send all messages, a few in each turn of the reactor."""

        def send() -> Any:
            for number in range(MESSAGES):
                self.server.broadcast("sturdy", "number", number)
                if number % 10 == 0:
                    yield None

        turns = Cooperator(
            terminationPredicateFactory=lambda: lambda: True,
            scheduler=lambda work: reactor.callLater(0, work),
        )
        return turns.cooperate(send()).whenDone()

    async def test_stopped_in_the_end(self) -> None:
        """Decision 8: three restarts in five seconds, then an end with the error.

        Another channel of the same socket receives every one of 10,000 messages.
        """
        client = await self.start()
        sturdy = client.channel("sturdy", channel_class=Sturdy)
        await sturdy.join()
        sent = self.send_all()

        fragile = client.channel("fragile", channel_class=Fragile)
        told = Told(fragile)
        self.addCleanup(told.detach)
        stopped = fragile.when_stopped()
        await fragile.join()
        error = None
        try:
            await stopped
        except Boom as raised:
            error = raised
        self.assertIsInstance(error, Boom)
        # In the midst of it.
        self.assertTrue(0 < len(sturdy.payloads) < MESSAGES)

        self.assertEqual(fragile.begun, 4)
        self.assertEqual(Greeting.joins, 4)
        self.assertEqual(fragile.state, "closed")
        self.assertIsNone(client.channels.find("fragile"))
        self.assertEqual(told.reasons, [error])
        self.assertEqual(told.left, [error])
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 4)

        await sent
        await sturdy.complete
        self.assertEqual([type(each) for each in told.errors], [Boom] * 4)
        self.assertIs(told.errors[-1], error)
        self.assertEqual(sturdy.payloads, list(range(MESSAGES)))
        self.assertEqual(sturdy.state, "joined")
        self.assertTrue(client.connected)
        self.assertEqual(len(self.server.connections), 1)

    async def test_other_crashes(self) -> None:
        """A crash out of any callback, now or later, ends in the same way."""

        class InJoin(Fragile):
            def handle_join(self, response: Any) -> None:
                raise Boom("handle_join")

        class InInit(Fragile):
            def init(self, params: Any) -> None:
                super().init(params)
                raise Boom("init")

        class Later(Fragile):
            async def handle_in(self, event: str, payload: Any) -> Any:
                await self.push("event")
                raise Boom("later")

        client = await self.start()
        for channel_class in (InJoin, InInit, Later):
            channel = client.channel("fragile", channel_class=channel_class)
            stopped = channel.when_stopped()
            channel.join().addErrback(lambda failure: failure.trap(Boom))
            await self.assertFailure(stopped, Boom)
            self.assertEqual(channel.begun, 4, channel_class)
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 12)

    async def test_hook(self) -> None:
        """A hook that raises is logged, and the channel stays as it is."""
        client = await self.start()
        channel = client.channel("fragile")
        heard: list[Any] = []

        def raising(payload: Any) -> None:
            raise Boom("hook")

        channel.on("hello", raising)
        channel.on("hello", heard.append)
        await channel.join()
        await channel.push("event")
        self.assertEqual(heard, [{}])
        self.assertEqual(Greeting.joins, 1)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)


class IntensityTests(ClientTestCase):
    """How many crashes are too many, on a clock."""

    def crash(self, channel: Channel) -> None:
        """Have a message come."""
        self.memory.broadcast(channel.topic, "boom", {})
        self.memory.flush()

    def fragile(self, **options: Any) -> Channel:
        """A joined channel that raises at each message."""
        return self.joined_channel(channel_class=Fragile, **options)

    def crashes_until_stopped(self, channel: Channel, pause: float, limit: int) -> int:
        """Let it crash again and again.

        :param pause: seconds from one crash to the next.
        :return: after how many crashes it stopped, or ``limit``.
        """
        self.addCleanup(self.flushLoggedErrors, Boom)
        for count in range(1, limit):
            self.crash(channel)
            if channel.state == "closed":
                return count
            self.memory.advance(pause)
        return limit

    def test_default(self) -> None:
        """Three restarts in five seconds are borne, a fourth crash is not."""
        self.assertEqual(self.crashes_until_stopped(self.fragile(), 1.0, 20), 4)

    def test_slow_crashes(self) -> None:
        """Crashes that are far enough apart are borne for ever."""
        self.assertEqual(self.crashes_until_stopped(self.fragile(), 2.0, 20), 20)

    def test_options(self) -> None:
        """``max_restarts`` and ``max_seconds`` say how many are too many."""
        for restarts, seconds, pause, expected in (
            (0, 5.0, 1.0, 1),
            (1, 5.0, 1.0, 2),
            (1, 5.0, 6.0, 10),
            (5, 60.0, 10.0, 6),
        ):
            channel = self.fragile(max_restarts=restarts, max_seconds=seconds)
            self.assertEqual(
                self.crashes_until_stopped(channel, pause, 10), expected, restarts
            )
            channel.stop()

    def test_counted_for_each_channel(self) -> None:
        """The crashes of one channel are not counted against another."""
        client = self.connected_client()
        first = self.joined_channel("rooms:1", None, Fragile, client)
        second = self.joined_channel("rooms:2", None, Fragile, client)
        self.assertEqual(self.crashes_until_stopped(first, 0.1, 20), 4)
        self.assertEqual(self.crashes_until_stopped(second, 0.1, 20), 4)

    def test_temporary(self) -> None:
        """A channel that is ``temporary`` ends with its first crash."""
        self.enterContext(mock.patch.object(Fragile, "restart", "temporary"))
        self.assertEqual(self.crashes_until_stopped(self.fragile(), 1.0, 20), 1)

    def closed_by_server(self, restart: str) -> Channel:
        """A channel that the server has closed in good order."""
        self.enterContext(mock.patch.object(Fragile, "restart", restart))
        channel = self.fragile()
        self.watch(channel.push("stop"))
        self.memory.flush()
        self.memory.advance(1.0)
        return channel

    def test_permanent(self) -> None:
        """A channel that is ``permanent`` joins again if the server closes it."""
        self.assertEqual(self.closed_by_server("permanent").state, "joined")

    def test_transient(self) -> None:
        """The others are closed then, and nobody calls it an error."""
        for restart in ("transient", "temporary"):
            channel = self.closed_by_server(restart)
            self.assertEqual(channel.state, "closed")

    def test_pushes_of_a_crashed_channel(self) -> None:
        """A push that awaits its reply at a crash fails; a later one waits."""
        channel = self.fragile()
        sent = self.watch(channel.push("silent"))
        kept: list[Outcome[Any]] = []
        channel.on_error(
            lambda error: kept.append(self.watch(channel.push("echo", {"n": 1})))
        )
        self.memory.flush()
        self.crash(channel)
        self.memory.advance(0.1)
        self.assert_failed(sent, PushInterrupted)
        self.assert_fired(kept[0], {"n": 1})
        self.flushLoggedErrors(Boom)

    def test_manager(self) -> None:
        """The manager finds, starts and terminates channels by their topics."""
        client = self.connected_client()
        manager = client.channels
        channel = manager.start_channel(TOPIC, {"a": 1})
        stopped = self.watch(channel.when_stopped())
        self.memory.flush()
        self.assertIs(manager.find(TOPIC), channel)
        self.assertIs(
            client.getServiceNamed("channels").getServiceNamed(TOPIC), channel
        )
        self.assertTrue(manager.terminate_channel(TOPIC))
        self.assertFalse(manager.terminate_channel(TOPIC))
        self.assertIsNone(manager.find(TOPIC))
        self.assert_fired(stopped, None)
        others = [manager.start_channel(f"rooms:{number}") for number in range(3)]
        self.memory.flush()
        manager.terminate()
        self.assertEqual({each.state for each in others}, {"closed"})
        self.memory.flush()
        self.assertEqual(self.memory.channels(), [])
