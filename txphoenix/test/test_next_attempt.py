"""Tests of the time of the next attempt: in the state, and in telemetry."""

from __future__ import annotations

from typing import Any

from txphoenix import telemetry
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError

from .aio_memory import AioMemoryTestCase
from .fallback_case import FallbackTestCase
from .support import ClientTestCase


class NextAttemptTests(ClientTestCase):
    """``get_state("next_attempt_in")`` and ``get_state("next_attempt_at")``."""

    def waiting_client(self, **options: Any) -> SocketClient:
        """A client whose first attempt has failed, and whose next is in 8 seconds."""
        self.memory.is_listening = False
        client = self.make_client(**{"backoff": lambda _: 8.0, **options})
        client.startService()
        self.memory.flush()
        return client

    def assert_next(self, client: SocketClient, seconds: float | None) -> None:
        """The next attempt is in so many seconds; None for no attempt."""
        at = None if seconds is None else self.clock.seconds() + seconds
        state = client.get_state()
        for told in (client.get_state, state.__getitem__):
            self.assertEqual(told("next_attempt_in"), seconds)
            self.assertEqual(told("next_attempt_at"), at)

    def test_not_planned(self) -> None:
        """There is none before the start, in an attempt, and while connected."""
        client = self.make_client()
        self.assert_next(client, None)
        client = self.connecting_client()
        self.assert_next(client, None)
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_next(client, None)

    def test_planned(self) -> None:
        """After a failure it is what is left of the delay, and None once it begins."""
        client = self.waiting_client()
        self.assert_next(client, 8.0)
        self.memory.advance(3)
        self.assert_next(client, 5.0)
        self.memory.is_listening = True
        self.memory.advance(5)
        self.assertTrue(client.connected)
        self.assert_next(client, None)
        self.memory.is_listening = False
        self.lose_connection()
        self.assert_next(client, 8.0)

    def test_each_failure(self) -> None:
        """Each failed attempt plans another."""
        delays = iter([1.0, 2.0, 4.0, 8.0])
        client = self.waiting_client(backoff=lambda _: next(delays))
        for seconds in (1.0, 2.0, 4.0):
            self.assert_next(client, seconds)
            self.memory.advance(seconds)

    def test_no_other(self) -> None:
        """There is none where it is not tried again, and after disconnect()."""
        client = self.waiting_client(reconnect=False)
        self.assert_next(client, None)
        client = self.waiting_client()
        self.watch(client.disconnect())
        self.assert_next(client, None)
        client.connect()
        self.assert_next(client, 8.0)
        self.watch(client.stopService())
        self.assert_next(client, None)

    def test_connect(self) -> None:
        """An attempt at once takes the place of the planned one, and plans anew.

        One that is asked for too often does not, and nothing changes.
        """
        client = self.waiting_client()
        self.memory.advance(3)
        for _ in range(5):
            client.connect()
            self.assert_next(client, 8.0)
            self.memory.advance(1)
        self.assert_next(client, 7.0)
        client.connect()
        self.assert_next(client, 7.0)

    def test_reconfigure(self) -> None:
        """Another delay is that of the next failure; another URL is tried at once."""
        client = self.waiting_client()
        self.memory.advance(1)
        self.watch(client.reconfigure(backoff=lambda _: 50.0))
        self.assert_next(client, 7.0)
        waiting = self.watch(client.reconfigure(params={"a": "b"}))
        self.assert_next(client, 50.0)
        self.assert_waits(waiting)

    def test_retry_after(self) -> None:
        """A server that says when to come back is in it, as long as that is waited."""
        self.memory.refuse(503, retry_after=30)
        client = self.make_client(backoff=lambda _: 8.0)
        client.startService()
        self.memory.flush()
        # Clients of one server are spread behind what it says.
        delay = client.get_state("next_attempt_in")
        self.assertGreaterEqual(delay, 30.0)
        self.memory.advance(16)
        self.assertAlmostEqual(client.get_state("next_attempt_in"), delay - 16)
        self.memory.refuse(None)
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_next(client, None)

    def test_sleep(self) -> None:
        """Who has slept tries again at once, and then soon."""
        client = self.waiting_client(backoff=lambda _: 1000.0)
        self.clock.advance(1500)
        self.memory.flush()
        self.assertLessEqual(client.get_state("next_attempt_in"), 1000.0)
        self.assertGreaterEqual(
            client.get_state("next_attempt_at"), self.clock.seconds()
        )

    def test_idle(self) -> None:
        """A client that nobody needs plans none."""
        client = self.connected_client(disconnect_when_idle=5, backoff=lambda _: 1000.0)
        self.memory.is_listening = False
        self.lose_connection()
        self.assert_next(client, 1000.0)
        self.memory.advance(6)
        self.assert_next(client, None)

    def test_who_is_told(self) -> None:
        """Telemetry has the moment, which is planned by then and as the state says."""
        told: list[Any] = []

        def take(_name: Any, measured: Any, data: Any, _config: Any) -> None:
            if data["action"] == "reconnecting":
                now = self.clock.seconds()
                told.append((measured["delay"], data["next_attempt_at"] - now))
                self.assert_next(client, 8.0)

        telemetry.attach(self, telemetry.SOCKET, take)
        self.addCleanup(telemetry.detach, self)
        client = self.make_client(backoff=lambda _: 8.0)
        client.on_error(lambda _: self.assert_next(client, None))
        self.memory.is_listening = False
        client.startService()
        self.memory.flush()
        self.memory.advance(8)
        self.assertEqual(told, [(8.0, 8.0), (8.0, 8.0)])

    def test_disconnected_when_told(self) -> None:
        """Whoever is told and disconnects has undone the plan."""

        def take(_name: Any, _measured: Any, data: Any, _config: Any) -> None:
            if data["action"] == "reconnecting":
                data["client"].disconnect()
                self.assert_next(data["client"], None)

        telemetry.attach(self, telemetry.SOCKET, take)
        self.addCleanup(telemetry.detach, self)
        client = self.waiting_client()
        self.assert_next(client, None)

    def test_put(self) -> None:
        """They are the client's own, as ``idle`` is."""
        client = self.make_client()
        for key in ("next_attempt_in", "next_attempt_at", "idle"):
            with self.assertRaises(ConfigurationError):
                client.put_state(key, 1)


class FallbackTests(FallbackTestCase):
    """With long-poll to fall back to."""

    def test_one_attempt(self) -> None:
        """The fallback is of the attempt under way, and no next one."""
        self.memory.is_deaf = True
        client = self.begin(backoff=lambda _: 8.0)
        self.memory.advance(1)
        self.assertIsNone(client.get_state("next_attempt_in"))
        self.memory.advance(2)
        self.assertEqual(self.transports()[-1], "longpoll")
        self.memory.is_listening = False
        self.memory.drop()
        self.memory.flush()
        self.assertEqual(client.get_state("next_attempt_in"), 8.0)


class AioTests(AioMemoryTestCase):
    """For asyncio."""

    def test_state(self) -> None:
        """It is the same there."""
        client = self.open(backoff=lambda _: 8.0)
        self.assertIsNone(client.get_state("next_attempt_in"))
        self.memory.is_listening = False
        self.lose_connection()
        self.assertEqual(client.get_state("next_attempt_in"), 8.0)
