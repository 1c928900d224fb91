"""Tests of heartbeats through a client: when they go out, and what silence does."""

from __future__ import annotations

from typing import Any

from txphoenix.errors import (
    ConfigurationError,
    ConnectionClosed,
    HeartbeatTimeout,
    NotConnected,
)

from .support import ClientTestCase


class ClientHeartbeatTests(ClientTestCase):
    """The heartbeats of a client, to a server in memory."""

    def test_keeps_the_connection(self) -> None:
        """A connection on which nothing else happens stays open."""
        client = self.connected_client()
        self.memory.advance(600)
        self.assertTrue(client.connected)
        self.assertEqual(self.memory.connections_made, 1)
        self.assertEqual(set(self.events_sent()), {"heartbeat"})

    def test_silent_server(self) -> None:
        """A server that falls silent is found out, told, and connected to again."""
        client = self.connected_client()
        told: list[BaseException] = []
        client.on_close(told.append)
        self.memory.pause()
        self.memory.advance(39.9)
        self.assertTrue(client.connected)
        self.memory.advance(0.1)
        self.assertEqual(client.status, "disconnected")
        (error,) = told
        self.assertIsInstance(error, HeartbeatTimeout)
        self.assertIsInstance(error, TimeoutError)
        self.assertEqual(str(error), "no reply to a heartbeat within 10 s")
        self.memory.resume()
        self.memory.advance(0.5)
        self.assertTrue(client.connected)

    def test_interval_and_timeout(self) -> None:
        """The options ``heartbeat_interval`` and ``heartbeat_timeout`` hold."""
        client = self.connected_client(heartbeat_interval=5, heartbeat_timeout=1)
        self.memory.advance(5)
        self.assertEqual(self.events_sent(), ["heartbeat"])
        self.memory.pause()
        self.memory.advance(5.9)
        self.assertTrue(client.connected)
        self.memory.advance(0.1)
        self.assertFalse(client.connected)

    def test_reconfigured(self) -> None:
        """A changed interval holds for the open connection, at once."""
        client = self.connected_client()
        client.reconfigure(heartbeat_interval=5, heartbeat_timeout=2)
        self.memory.advance(5)
        self.memory.advance(5)
        self.assertEqual(len(self.sent()), 2)
        self.memory.pause()
        self.memory.advance(7)
        self.assertFalse(client.connected)

    def test_reconfigured_again(self) -> None:
        """However often the interval changes, it runs from the last answer on."""
        client = self.connected_client(heartbeat_interval=30)
        for number in range(10):
            self.memory.advance(4)
            client.reconfigure(heartbeat_interval=29 + number % 2)
        self.assertEqual(self.events_sent(), ["heartbeat"])
        # By a shorter one it has been due for a while.
        client.reconfigure(heartbeat_interval=5)
        self.memory.advance(0)
        self.assertEqual(self.events_sent(), ["heartbeat"] * 2)
        self.memory.advance(2)
        client.reconfigure(heartbeat_interval=20)
        self.memory.advance(17.9)
        self.assertEqual(self.events_sent(), ["heartbeat"] * 2)
        self.memory.advance(0.1)
        self.assertEqual(self.events_sent(), ["heartbeat"] * 3)

    def test_reconfigured_while_silent(self) -> None:
        """However often the timeout changes, a silent server is found in its time."""
        client = self.connected_client(heartbeat_interval=5, heartbeat_timeout=10)
        self.memory.pause()
        for number in range(4):
            self.memory.advance(3.5)
            client.reconfigure(heartbeat_timeout=11 - number % 2)
        self.assertTrue(client.connected)
        self.memory.advance(1)
        self.assertFalse(client.connected)

    def test_read_late(self) -> None:
        """An answer that is read late puts the next heartbeat off by no interval."""
        channel = self.joined_channel(receive_buffer=1)
        read = [self.watch(channel.receive())]
        self.memory.advance(29)
        for number in range(3):
            self.memory.broadcast(channel.topic, "news", number)
        self.memory.flush()
        self.memory.advance(30)
        self.assertEqual(self.events_sent().count("heartbeat"), 1)
        read += [self.watch(channel.receive()) for _ in range(2)]
        self.memory.flush()
        self.assertEqual([one.fired[0].payload for one in read], [0, 1, 2])
        self.memory.advance(10.5)
        self.memory.advance(0.5)
        self.assertEqual(self.events_sent().count("heartbeat"), 2)

    def test_rests_while_paused(self) -> None:
        """Decision 10: a slow reader keeps its connection, and heartbeats go out."""
        channel = self.joined_channel(receive_buffer=40)
        read = [self.watch(channel.receive())]
        for number in range(42):
            self.memory.broadcast(channel.topic, "news", number)
        self.memory.flush()
        for _ in range(10):
            self.memory.advance(30)
            read.append(self.watch(channel.receive()))
        self.assertTrue(self._clients[0].connected)
        self.assertEqual(self.events_sent().count("heartbeat"), 10)
        read += [self.watch(channel.receive()) for _ in range(31)]
        self.memory.flush()
        self.assertEqual([one.fired[0].payload for one in read], list(range(42)))
        self.memory.advance(300)
        self.assertTrue(self._clients[0].connected)
        self.assertEqual(self.memory.connections_made, 1)

    def test_silent_while_paused(self) -> None:
        """A server that falls silent is found though nothing is read."""
        channel = self.joined_channel()
        client = self._clients[0]
        told: list[BaseException] = []
        client.on_close(told.append)
        connection: Any = client.connection
        connection.pause_reading()
        self.memory.broadcast(channel.topic, "news", 1)
        self.memory.advance(600)
        self.assertEqual(told, [])
        # The latest heartbeat has just been answered.
        self.memory.is_stalled = True
        self.memory.advance(39.9)
        self.assertEqual(told, [])
        self.memory.advance(0.1)
        self.memory.is_stalled = False
        self.memory.flush()
        self.assertIsInstance(told[0], HeartbeatTimeout)

    def test_ping(self) -> None:
        """A ping fires with the seconds it took, and is no heartbeat on the timer."""
        client = self.connected_client()
        ping = self.watch(client.ping())
        self.assert_waits(ping)
        self.memory.flush()
        self.assert_fired(ping, 0.0)
        self.assertEqual(self.sent(), [[None, "1", "phoenix", "heartbeat", {}]])

    def test_ping_in_vain(self) -> None:
        """A ping fails at its timeout, at a loss, and where there is no connection."""
        client = self.connected_client(timeout=3)
        self.memory.pause()
        late, lost = self.watch(client.ping()), self.watch(client.ping(60))
        self.memory.advance(3)
        self.assertEqual(self.assert_failed(late, HeartbeatTimeout).timeout, 3.0)
        self.assertTrue(client.connected)
        self.lose_connection()
        self.assertEqual(self.assert_failed(lost, ConnectionClosed).code, 1006)
        self.assert_failed(self.watch(client.ping()), NotConnected)
        self.memory.resume()

    def test_ping_while_closing(self) -> None:
        """In the closing handshake a ping cannot be sent any more."""
        client = self.connected_client()
        ping = self.watch(client.ping())
        closed = self.watch(client.disconnect())
        self.assert_failed(self.watch(client.ping()), NotConnected)
        self.memory.flush()
        self.assert_fired(closed, None)
        self.assertEqual(len(ping.fired), 1)

    def test_beat_while_closing(self) -> None:
        """No heartbeat is sent, or missed, once the close has begun."""
        client = self.connected_client(heartbeat_interval=1, close_timeout=30)
        told: list[Exception] = []
        client.on_close(told.append)
        self.memory.pause()
        self.memory.advance(0.5)
        closed = self.watch(client.disconnect())
        self.memory.advance(25)
        self.assert_waits(closed)
        self.memory.resume()
        self.memory.flush()
        self.assert_fired(closed, None)
        self.assertEqual([type(it) for it in told], [ConnectionClosed])
        self.assertEqual(self.sent(), [])

    def test_ping_with_a_wrong_timeout(self) -> None:
        """A timeout that is none fails the Deferred."""
        client = self.connected_client()
        for wrong in (0, -1, float("inf"), "5", True):
            with self.subTest(wrong=wrong):
                pinged = self.watch(client.ping(wrong))  # type: ignore[arg-type]
                self.assert_failed(pinged, ConfigurationError)
