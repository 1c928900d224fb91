"""Tests of :mod:`txphoenix.runtime.lasting`: what comes and goes proves nothing."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.runtime.lasting import LEAST, Pace, has_lasted
from txphoenix.testing import PhoenixServer
from txphoenix.testing.client_session import ClientSession

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase
from .network import NetworkTestCase
from .support import TOPIC, ClientTestCase

MINUTES = 600


def doubling(attempt: int) -> float:
    """A backoff without chance: half a second, twice as much each time, a minute."""
    return 60.0 if attempt > 6 else 0.5 * float(2**attempt)


def attempts_in(seconds: float, length: float = 0.0) -> int:
    """How many attempts there are with that backoff, each for so long."""
    attempts, now = 1, length
    while (now := now + doubling(attempts - 1) + length) <= seconds + length:
        attempts += 1
    return attempts


class HasLastedTests(SynchronousTestCase):
    """What is long enough."""

    def test_has_lasted(self) -> None:
        """It is ten seconds, and the delay that led to it."""
        self.assertFalse(has_lasted(9.9, 0.0))
        self.assertTrue(has_lasted(10.0, 0.5))
        self.assertFalse(has_lasted(59.0, 60.0))
        self.assertTrue(has_lasted(60.0, 60.0))
        # A clock that was set back proves nothing.
        self.assertFalse(has_lasted(-3600.0, 0.5))
        self.assertEqual(LEAST, 10.0)


class PaceTests(SynchronousTestCase):
    """How often something may be done."""

    def test_most(self) -> None:
        """So many times at once, then one in each turn."""
        pace = Pace(3, 60.0)
        self.assertTrue(pace.is_rested(1000.0))
        self.assertEqual(
            [pace.take(1000.0) for _ in range(5)], [True] * 3 + [False] * 2
        )
        self.assertFalse(pace.is_rested(1000.0))
        self.assertEqual([pace.take(1059.0), pace.take(1060.0)], [False, True])
        self.assertEqual([pace.take(1119.0), pace.take(1300.0)], [False, True])

    def test_reset(self) -> None:
        """A client goes by the ``reconnect_interval`` that it has by now."""
        pace = Pace(1, 60.0)
        pace.take(1000.0)
        pace.reset(1.0)
        self.assertEqual([pace.take(1000.5), pace.take(1001.5)], [False, True])
        client = SocketClient("ws://example.org/socket", reactor=Clock())
        client.reconfigure(reconnect_interval=1)
        hurried = client.connection.patience.hurried
        self.assertEqual([hurried.take(0.0) for _ in range(6)], [True] * 5 + [False])
        self.assertTrue(hurried.take(1.0))

    def test_clock_set_back(self) -> None:
        """A clock that goes back an hour makes nobody wait for an hour."""
        pace = Pace(2, 60.0)
        pace.take(5000.0)
        self.assertFalse(pace.take(1400.0))
        self.assertTrue(pace.take(1460.0))


class LeavingServerCase(ClientTestCase):
    """A server that takes clients in and throws them out."""

    def count(self, seconds: float, stay: float = 0.0, **options: Any) -> int:
        """How many connections there are in ten minutes.

        :param seconds: how long each lasts.
        """
        client = self.make_client(backoff=doubling, **options)
        made = before = self.memory.connections_made
        client.startService()
        end = self.clock.seconds() + MINUTES
        while self.clock.seconds() < end:
            self.memory.advance(0.05)
            if client.connected and self.memory.connections_made > made:
                made = self.memory.connections_made
                self.stayed(client)
                self.memory.advance(seconds)
                for connection in self.memory.connections:
                    connection.close(self.code)
                self.memory.flush()
        self.stop_client(client)
        self.assertGreater(made - before, 10)
        return made - before

    code = 1011

    def stayed(self, client: SocketClient) -> None:
        """Do what is done on each connection."""


class ServerTests(LeavingServerCase):
    """Decision 2: there are as many connections as the backoff alone would have."""

    def test_joined(self) -> None:
        """A join proves nothing, whatever the code of the close is."""
        for code in (1011, 1009, 1000, 1001, 1012):
            with self.subTest(code=code):
                self.code = code
                made = self.count(1.0, join_channels=[TOPIC])
                self.assertLessEqual(made, attempts_in(MINUTES, 1.0) + 1)

    def test_refused(self) -> None:
        """Nor does a refused join."""
        self.memory.refusal = {"reason": "full"}
        made = self.count(0.0, join_channels=[TOPIC])
        self.assertLessEqual(made, attempts_in(MINUTES) + 1)

    def test_short_heartbeats(self) -> None:
        """Nor do heartbeats that are answered in the first moments."""
        made = self.count(1.0, heartbeat_interval=0.05)
        self.assertLessEqual(made, attempts_in(MINUTES, 1.0) + 1)

    def test_fallback(self) -> None:
        """Nor does the first frame of a WebSocket that long-poll would stand in for."""
        made = self.count(1.0, longpoll_fallback=2.0, join_channels=[TOPIC])
        self.assertLessEqual(made, attempts_in(MINUTES, 1.0) + 1)

    def test_large_message(self) -> None:
        """A message over the limit at each join is not fetched without end."""
        take = ClientSession.receive

        def receive(session: Any, data: bytes, is_binary: bool) -> None:
            take(session, data, is_binary)
            self.memory.broadcast(TOPIC, "all", "x" * 2000)

        self.patch(ClientSession, "receive", receive)
        client = self.make_client(
            backoff=doubling, max_message_size=1000, join_channels=[TOPIC]
        )
        reasons: list[Any] = []
        client.on_close(reasons.append)
        client.startService()
        for _ in range(MINUTES * 2):
            self.memory.advance(0.5)
        self.assertEqual({reason.code for reason in reasons}, {1009})
        self.assertLessEqual(len(reasons), attempts_in(MINUTES) + 1)


class PingTests(LeavingServerCase):
    """A ping right after the open is an answer, and proves nothing."""

    def stayed(self, client: SocketClient) -> None:
        """Ping."""
        self.watch(client.ping())
        self.memory.flush()

    def test_ping(self) -> None:
        """The delays grow all the same."""
        self.assertLessEqual(self.count(1.0), attempts_in(MINUTES, 1.0) + 1)


@by_treq_too
class LongPollTests(LongPollTestCase):
    """The same with long-poll."""

    def test_first_poll(self) -> None:
        """A session that ends after its first answered poll has not lasted."""
        client = self.begin(backoff=doubling)
        clock: Clock = self.server.clock
        sessions = 0
        while clock.seconds() < MINUTES:
            if self.server.asked:
                poll = self.server.open_session()
                sessions += 1
                poll.say(204)
                self.server.take("GET").say(410)
            self.server.advance(0.5)
        self.assertFalse(client.connected)
        self.assertGreater(sessions, 10)
        self.assertLessEqual(sessions, attempts_in(MINUTES) + 1)


class ChannelTests(ClientTestCase):
    """Decision 7: a channel that joins and crashes joins less and less often."""

    def joins(self, happen: Any, seconds: float = 0.5) -> list[int]:
        """The attempts that ``rejoin_backoff`` is asked for as it happens."""
        asked: list[int] = []

        def rejoin_backoff(attempt: int) -> float:
            asked.append(attempt)
            return float(2**attempt)

        self.joined_channel(
            channel_class=self.channel_class, rejoin_backoff=rejoin_backoff
        )
        for attempt in range(5):
            happen()
            self.memory.flush()
            self.memory.advance(2**attempt)
            self.memory.advance(seconds)
        return asked

    channel_class: type[Channel] | None = None

    def test_crash(self) -> None:
        """A crash on the server after each join lets the delays grow."""
        crash = self.memory.kill_channel
        self.assertEqual(self.joins(lambda: crash(TOPIC)), [0, 1, 2, 3, 4])

    def test_closed(self) -> None:
        """So does a close, of a channel that comes back even then."""

        class Permanent(Channel):
            restart = "permanent"

        self.channel_class = Permanent

        def close() -> None:
            for channel in self.memory.channels(TOPIC):
                channel.stop()

        self.assertEqual(self.joins(close), [0, 1, 2, 3, 4])

    def test_lasted(self) -> None:
        """One that has lasted, over a lost connection too, begins anew."""

        def happen() -> None:
            self.memory.advance(16)
            self.lose_connection()
            self.reconnect()
            self.memory.kill_channel(TOPIC)

        self.assertEqual(self.joins(happen), [0, 0, 0, 0, 0])

    def test_lost_in_between(self) -> None:
        """One that has not begins no anew with another connection."""

        def happen() -> None:
            self.memory.kill_channel(TOPIC)
            self.memory.flush()
            self.lose_connection()
            self.reconnect()

        self.assertEqual(self.joins(happen), [0, 1, 2, 3, 4])


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def test_thrown_out(self) -> None:
        """A server that ends each connection after its join is asked less and less."""
        for options in ({}, {"longpoll_fallback": 5.0}):
            with self.subTest(**options):
                server = await self.serve()
                self.assertEqual(await self.asked(server, **options), [0, 1, 2, 3, 4])

    async def asked(self, server: PhoenixServer, **options: Any) -> list[int]:
        """What the backoff is asked, while five connections are ended after a join."""
        asked: list[int] = []

        def backoff(attempt: int) -> float:
            asked.append(attempt)
            return 0.01

        client = self.client(
            server.url, backoff=backoff, join_channels=["rooms:lobby"], **options
        )
        for attempts in range(1, 6):
            await client.when_connected()
            await self.until(lambda: server.channels("rooms:lobby"))
            await client.ping()
            server.drop()
            await self.until(lambda: len(asked) == attempts)  # noqa: B023
        await client.stopService()
        return asked
