"""Tests of ``client.on_heartbeat``: who is told of round trips, over each transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.testing.frame import Frame

from .aio_memory import AioMemoryTestCase
from .fallback_case import FallbackTestCase
from .support import ClientTestCase


def call(function: Callable[[], Any], _round_trip: float) -> None:
    """Call a function when a hook is called."""
    function()


class HeartbeatHookTests(ClientTestCase):
    """Over a WebSocket."""

    def answer_after(self, seconds: float) -> None:
        """Let the server's answer to what has just been sent take its time."""
        self.memory.advance(seconds)
        self.answer(self.sent()[-1])

    def silent_client(self) -> tuple[SocketClient, list[float]]:
        """A client whose heartbeats the server does not answer by itself."""
        client = self.connected_client()
        session = self.memory.sessions[-1]
        seen = session.frames

        def receive(data: bytes, is_binary: bool) -> None:
            seen.append(Frame(False, data, is_binary))

        session.receive = receive  # type: ignore[method-assign]
        told: list[float] = []
        client.on_heartbeat(told.append)
        return client, told

    def test_round_trip(self) -> None:
        """A hook is told the seconds between a heartbeat and its answer."""
        client, told = self.silent_client()
        self.memory.advance(client.options.heartbeat_interval)
        self.assertEqual(told, [])
        self.answer_after(0.25)
        self.assertEqual(told, [0.25])

    def test_each(self) -> None:
        """It is told of each heartbeat, until it is removed; again is no error."""
        client = self.connected_client(heartbeat_interval=10)
        told: list[float] = []
        other: list[float] = []
        remove = client.on_heartbeat(told.append)
        client.on_heartbeat(other.append)
        for _ in range(2):
            self.memory.advance(10)
        remove()
        remove()
        self.memory.advance(10)
        self.assertEqual((len(told), len(other)), (2, 3))

    def test_ping(self) -> None:
        """A ping is told of as well, before its Deferred fires."""
        client = self.connected_client()
        order: list[Any] = []
        client.on_heartbeat(order.append)
        client.ping().addCallback(lambda trip: order.append(("ping", trip)))
        self.memory.advance(0.5)
        self.assertEqual(order, [0.0, ("ping", 0.0)])

    def test_no_answer(self) -> None:
        """What is never answered is told as the loss alone."""
        client, told = self.silent_client()
        lost: list[Any] = []
        client.on_close(lost.append)
        self.memory.advance(client.options.heartbeat_interval)
        self.memory.advance(client.options.heartbeat_timeout)
        self.memory.advance(1)
        self.assertEqual((told, len(lost)), ([], 1))

    def test_after_a_reconnect(self) -> None:
        """It stays through a reconnect."""
        client = self.connected_client(heartbeat_interval=10)
        told: list[float] = []
        client.on_heartbeat(told.append)
        self.lose_connection()
        self.reconnect()
        self.memory.advance(10)
        self.assertEqual(len(told), 1)

    def test_raises(self) -> None:
        """What a hook raises, now or later, is logged and costs nothing else."""
        client = self.connected_client(heartbeat_interval=10)
        told: list[float] = []

        async def later(_trip: float) -> None:
            raise LookupError("later")

        def now(_trip: float) -> None:
            raise KeyError("now")

        client.on_heartbeat(now)
        client.on_heartbeat(later)
        client.on_heartbeat(told.append)
        self.memory.advance(10)
        self.memory.advance(10)
        self.assertEqual(len(told), 2)
        self.assertTrue(client.connected)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 2)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 2)

    def test_ends_the_connection(self) -> None:
        """A hook may disconnect, and cancel the ping that it is told of."""
        client = self.connected_client()
        for ends in (False, True):
            ping = client.ping()
            fired = self.watch(ping)
            end: Any = client.disconnect if ends else ping.cancel
            remove = client.on_heartbeat(partial(call, end))
            self.memory.flush()
            remove()
            self.assertEqual(len(fired.fired), 1)
        self.assertEqual(client.status, "disconnected")

    def test_wrong(self) -> None:
        """Only what can be called is a hook, and only by a call is it one."""
        client = self.make_client()
        self.assertRaises(TypeError, client.on_heartbeat, 5)
        with self.assertRaises(ConfigurationError):
            client.on_heartbeat = print  # type: ignore[method-assign, assignment]


class LongPollTests(FallbackTestCase):
    """Over long-poll."""

    def test_pings_alone(self) -> None:
        """Long-poll has no heartbeats: the hook is called for a ping, and for it alone.

        After a fallback it is the same.
        """
        for options in ({"transport": "longpoll", "longpoll_fallback": None}, {}):
            self.memory.is_deaf = not options
            client = self.begin(heartbeat_interval=10, **options)
            told: list[float] = []
            client.on_heartbeat(told.append)
            self.memory.advance(3)
            self.assertEqual(self.transports()[-1], "longpoll")
            self.memory.advance(60)
            self.assertEqual(told, [])
            pong = self.watch(client.ping())
            self.memory.advance(1)
            self.assertEqual(told, pong.fired)
            self.assertEqual(len(told), 1)


class AioTests(AioMemoryTestCase):
    """For asyncio."""

    def test_coroutine_function(self) -> None:
        """A hook may be a coroutine function, and is removed as others are."""
        client = self.open()
        told: list[float] = []

        async def tell(trip: float) -> None:
            await asyncio.sleep(0)
            told.append(trip)

        remove = client.on_heartbeat(tell)
        self.finish(client.ping())
        self.turn(3)
        remove()
        self.finish(client.ping())
        self.turn(3)
        self.assertEqual(len(told), 1)
        self.assertIsInstance(told[0], float)
