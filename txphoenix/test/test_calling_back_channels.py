"""What codecs and telemetry decide about a channel stands, at each of their calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix import telemetry
from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    ChannelClosed,
    JoinTimeout,
    PhoenixError,
    PushInterrupted,
    SerializerError,
)
from txphoenix.protocol.channel_states import State
from txphoenix.runtime.deadlines import Deadlines
from txphoenix.testing import PhoenixServer

from .network import NetworkTestCase
from .support import TOPIC, ClientTestCase, Outcome

EVENTS = (
    telemetry.SOCKET,
    telemetry.CHANNEL,
    telemetry.MESSAGE,
    telemetry.STATE_CHANGE,
)


def leave(channel: Channel) -> list[Deferred[Any]]:
    """Leave."""
    return [channel.leave()]


def terminate(channel: Channel) -> list[Deferred[Any]]:
    """Stop."""
    channel.stop()
    return []


def leave_and_join(channel: Channel) -> list[Deferred[Any]]:
    """Leave and join."""
    return [channel.leave(), channel.join()]


def join(channel: Channel) -> list[Deferred[Any]]:
    """Join."""
    return [channel.join()]


class Codec:
    """A codec that calls back with each text that it writes.

    :param touch: is called with the text.
    """

    def __init__(self, touch: Callable[[str], object]) -> None:
        self._touch = touch

    def loads(self, data: str | bytes, /) -> Any:
        """Read."""
        return json.loads(data)

    def dumps(self, value: Any, /) -> str:
        """Write."""
        text = json.dumps(value)
        self._touch(text)
        return text


class EachCallTests(ClientTestCase):
    """Decision 5: at whatever call it comes, the client and the server agree."""

    def setUp(self) -> None:
        """Nobody acts, yet."""
        super().setUp()
        self.calls = 0
        self.at = 0
        self.is_counting = False
        self.act: Callable[[Channel], list[Deferred[Any]]] = lambda _: []
        for event in EVENTS:
            telemetry.attach(event, event, self._told)
            self.addCleanup(telemetry.detach, event)

    def _told(self, _name: Any, _measured: Any, data: Any, _config: Any) -> None:
        if data["client"] is self.client:
            self._touch()

    def _touch(self, _text: str = "") -> None:
        if not self.is_counting:
            return
        self.calls += 1
        if self.calls == self.at:
            for deferred in self.act(self.channel):
                self.watch(deferred)

    def live(self, at: int) -> None:
        """Lead a channel through a life.

        :param at: at which call of a codec or of telemetry something is done.
        """
        case = self

        class Entered(Channel):
            def handle_join(self, response: Any) -> Any:
                case.assertIs(self.state, State.JOINED)

        self.client = client = self.make_client(
            serializer=Codec(self._touch), join_window=1
        )
        self.calls, self.at, self.is_counting = 0, at, True
        self.channel = channel = client.channel(TOPIC, {}, Entered)
        client.startService()
        for step in (
            channel.join,
            lambda: channel.push("echo"),
            lambda: channel.push("silent", timeout=60),
            channel.leave,
            channel.join,
            self.memory.cut,
            lambda: channel.push("echo"),
            lambda: channel.push("silent", timeout=60),
            lambda: self.memory.advance(1),
            lambda: self.memory.kill_channel(TOPIC),
            lambda: self.memory.advance(2),
            channel.stop,
            channel.join,
        ):
            try:
                result = step()
            except PhoenixError:
                continue
            if isinstance(result, Deferred):
                self.watch(result)
            self.memory.flush()
        self.is_counting = False
        self.memory.advance(100)

    def assert_agreed(self) -> None:
        """The server holds what the client holds, and nothing is kept for the past."""
        [session] = self.memory.connections
        held = [process.topic for process in session.processes]
        channel, joins = self.channel, self.client.channels.joins
        joined = [TOPIC] if channel.state is State.JOINED else []
        self.assertEqual(held, joined)
        self.assertEqual(list(self.client.channels.routes), joined)
        if not joined:
            self.assertIs(channel.state, State.CLOSED)
            self.assertIsNone(channel.join_ref)
            self.assertEqual(channel._membership.pushes.take_all(), [])
        # The window has room for others.
        other = self.watch(self.client.join("rooms:other"))
        self.memory.flush()
        self.assertEqual(len(other.fired), 1)
        self.assertIsInstance(other.fired[0], tuple)
        self.assertFalse(joins.waiting)

    def each(self, act: Callable[[Channel], list[Deferred[Any]]]) -> None:
        """Do something at the first call of a life, at the second, and so on."""
        self.act = act
        self.live(0)
        calls = self.calls
        self.assertGreater(calls, 50)
        self.stop_client(self.client)
        for at in range(1, calls + 1):
            with self.subTest(act=act.__name__, at=at):
                self.live(at)
                self.assert_agreed()
                self.stop_client(self.client)
                self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_leave(self) -> None:
        """It is left."""
        self.each(leave)

    def test_stop(self) -> None:
        """It is stopped."""
        self.each(terminate)

    def test_leave_and_join(self) -> None:
        """It is left, and joined again."""
        self.each(leave_and_join)

    def test_join(self) -> None:
        """It is joined."""
        self.each(join)


class PushTests(ClientTestCase):
    """Decision 6: a push whose join ends while it is sent fails at once."""

    def pushed(self, act: Callable[[Channel], object]) -> Outcome[Any]:
        """What becomes of a push in whose encoding something is done."""
        acts: list[Callable[[Channel], object]] = []

        def touch(text: str) -> None:
            if acts and "silent" in text:
                acts.pop()(channel)

        channel = self.joined_channel(serializer=Codec(touch))
        acts.append(act)
        return self.watch(channel.push("silent", timeout=60))

    def test_left(self) -> None:
        """It was left, and nobody answers."""
        outcome = self.pushed(Channel.leave)
        self.memory.flush()
        self.assert_failed(outcome, ChannelClosed)

    def test_crashed(self) -> None:
        """It has begun anew, and nobody answers."""
        crash = ZeroDivisionError("crash")

        def restart(channel: Channel) -> None:
            [client] = self._clients
            client.channels.supervision.restart(channel._membership, crash)

        outcome = self.pushed(restart)
        self.assert_failed(outcome, PushInterrupted)

    def test_nothing_left(self) -> None:
        """Nothing of it is on the clock when the client has stopped."""
        self.pushed(Channel.stop)
        [client] = self._clients
        self.stop_client(client)
        self.assertEqual(len(Deadlines.of(self.clock)), 0)


class RaisingCodecTests(ClientTestCase):
    """Decision 8: a codec that raises for what the protocol sends by itself."""

    def setUp(self) -> None:
        """It raises for nothing."""
        super().setUp()
        self.word = "nothing"

    def _touch(self, text: str) -> None:
        if self.word in text:
            raise ZeroDivisionError("it is raised")

    def client(self, **options: Any) -> SocketClient:
        """A client that is connected, and has the codec."""
        client = self.connected_client(serializer=Codec(self._touch), **options)
        self.word = "phx_leave"
        return client

    def test_leave(self) -> None:
        """The channel is left, and can be joined again."""
        for end in (Channel.leave, Channel.stop):
            with self.subTest(end=end.__name__):
                self.word = "nothing"
                client = self.client()
                channel = self.joined_channel(client=client)
                push = self.watch(channel.push("silent", timeout=60))
                ended: Deferred[None] | None = end(channel)
                if ended is not None:
                    self.assert_fired(self.watch(ended), None)
                self.assert_failed(push, ChannelClosed)
                self.assertEqual(len(self.flushLoggedErrors(SerializerError)), 1)
                joined = self.watch(channel.join())
                self.memory.flush()
                self.assert_fired(joined, {})
                self.stop_client(client)

    def test_ping(self) -> None:
        """A ping fails with that, once, and is not waited for."""
        client = self.client()
        self.word = "heartbeat"
        self.assert_failed(self.watch(client.ping()), SerializerError)
        self.assertEqual(len(Deadlines.of(self.clock)), 1)

    def test_heartbeat_behind_a_join(self) -> None:
        """A join that is not answered fails all the same."""
        client = self.client(timeout=5, heartbeat_interval=100)
        self.memory.answers = False
        self.word = "heartbeat"
        joins = [self.watch(client.join(f"rooms:{name}")) for name in "ab"]
        self.memory.advance(5)
        self.assert_failed(joins[0], JoinTimeout)
        self.memory.advance(5)
        self.assertNotEqual(self.flushLoggedErrors(SerializerError), [])
        self.memory.answers = True

    def test_fallback(self) -> None:
        """A WebSocket that cannot be proved makes room for long-poll at once."""
        self.word = "heartbeat"
        client = self.make_client(
            serializer=Codec(self._touch), longpoll_fallback=1000.0
        )
        client.startService()
        self.memory.advance(1)
        self.assertTrue(client.connected)
        self.assertEqual(len(self.flushLoggedErrors(SerializerError)), 1)


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def leaves(self, server: PhoenixServer, **options: Any) -> None:
        """Who is told that a join is sent leaves, and the server finds out."""
        client = self.client(server.url, **options)
        channel = client.channel(TOPIC)
        left: list[Deferred[None]] = []

        def sent(_name: Any, _measured: Any, data: Any, _config: Any) -> None:
            if data["client"] is client and data["event"] == "phx_join" and not left:
                left.append(channel.leave())

        telemetry.attach("leaver", telemetry.MESSAGE, sent)
        self.addCleanup(telemetry.detach, "leaver")
        gone = server.when_left(TOPIC)
        error = await self.failure_of(channel.join())
        self.assertIsInstance(error, ChannelClosed)
        await gone
        await left[0]
        self.assertEqual(server.channels(TOPIC), [])
        await channel.join()
        await client.stopService()
        telemetry.detach("leaver")

    async def test_leave(self) -> None:
        """By a WebSocket, and by long-poll."""
        server = await self.serve()
        await self.leaves(server)
        await self.leaves(server, transport="longpoll")
