"""Tests of ``disconnect_when_idle``: when it disconnects, and what brings it back."""

from __future__ import annotations

from typing import Any

from txphoenix import telemetry
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    AlreadyJoined,
    ConnectionClosed,
    ConnectionFailed,
    JoinTimeout,
    NotConnected,
)
from txphoenix.message import Message

from .support import TOPIC, ClientTestCase

OTHER = "rooms:other"
PUSH = Message(None, None, TOPIC, "hello", {})


class IdleTestCase(ClientTestCase):
    """A client that is idle after ten seconds."""

    def start(self, **options: Any) -> SocketClient:
        """A client that is connected."""
        return self.connected_client(**{"disconnect_when_idle": 10, **options})

    def idle(self, **options: Any) -> SocketClient:
        """A client that is idle by now."""
        client = self.start(**options)
        self.memory.advance(10)
        self.assert_idle(client)
        return client

    def assert_idle(self, client: SocketClient) -> None:
        """It is disconnected, and has nothing on the clock and in the network."""
        self.assertEqual(
            (client.status, client.get_state("idle"), self.memory.pairs),
            ("disconnected", True, []),
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def assert_in_use(self, client: SocketClient) -> None:
        """It is connected."""
        self.assertEqual(
            (client.status, client.get_state("idle")), ("connected", False)
        )


class CountTests(IdleTestCase):
    """From where the seconds count, and what keeps a client in use."""

    def test_never(self) -> None:
        """By default a client without a channel stays connected."""
        client = self.connected_client()
        self.memory.advance(100_000)
        self.assert_in_use(client)

    def test_from_the_opening(self) -> None:
        """Without a channel they count from the opening of the connection."""
        client = self.start()
        self.memory.advance(9.9)
        self.assert_in_use(client)
        self.memory.advance(0.2)
        self.assert_idle(client)

    def test_from_the_last_channel(self) -> None:
        """They count from the end of the last channel, however that ended."""
        client = self.start()
        ends = (
            lambda channel: channel.leave(),
            lambda channel: channel.stop(),
            lambda channel: channel.push_async("stop"),
        )
        for end in ends:
            first, last = client.channel(OTHER), client.channel(TOPIC)
            for channel in (first, last):
                self.watch(channel.join())
            self.memory.flush()
            self.memory.advance(50)
            first.leave()
            self.memory.advance(50)
            self.assert_in_use(client)
            end(last)
            self.memory.advance(9.9)
            self.assert_in_use(client)
        self.memory.advance(0.2)
        self.assert_idle(client)

    def test_refused_join(self) -> None:
        """A channel whose join is refused has ended."""
        client = self.start()
        self.memory.advance(5)
        self.memory.refusal = {"reason": "full"}
        self.watch(client.join(TOPIC))
        self.memory.flush()
        self.memory.advance(9)
        self.assert_in_use(client)
        self.memory.advance(2)
        self.assert_idle(client)

    def test_channels_that_are_not_joined(self) -> None:
        """A channel that joins, or waits to join again, is one as well."""
        client = self.start(timeout=60)
        self.memory.holds_joins = True
        joining = self.watch(client.join(TOPIC))
        self.memory.advance(55)
        self.assert_in_use(client)
        self.assert_waits(joining)
        self.memory.advance(6)
        self.memory.holds_joins = False
        client = self.start(rejoin_backoff=lambda _: 1000.0)
        channel = client.channels.start_channel(OTHER)
        self.memory.flush()
        channel.push_async("crash")
        self.memory.advance(900)
        self.assertEqual(channel.state, "errored")
        self.assert_in_use(client)

    def test_join_channels(self) -> None:
        """Those that the client joins by itself keep it in use, and do so again."""
        client = self.start(join_channels=[TOPIC])
        self.memory.advance(100)
        self.lose_connection()
        self.reconnect()
        self.memory.advance(100)
        self.assert_in_use(client)
        self.watch(client.leave(TOPIC))
        self.memory.advance(11)
        self.assert_idle(client)

    def test_join_channels_that_wait(self) -> None:
        """In an outage, topics that were never started need the connection."""
        self.memory.is_listening = False
        client = self.make_client(disconnect_when_idle=10, join_channels=[TOPIC])
        client.startService()
        self.memory.flush()
        joined = self.watch(client.join("rooms:den", timeout=1))
        self.memory.advance(50)
        self.assert_failed(joined, JoinTimeout)
        self.memory.is_listening = True
        self.memory.advance(60)
        self.assert_in_use(client)
        self.assertEqual([channel.topic for channel in client.channels], [TOPIC])

    def test_messages(self) -> None:
        """A message of the client's counts anew, and one that is kept does not end."""
        client = self.start()
        for _ in range(5):
            self.memory.advance(9)
            client.push(PUSH)
        self.memory.advance(9.9)
        self.assert_in_use(client)
        self.memory.advance(0.2)
        self.assert_idle(client)

    def test_kept_message(self) -> None:
        """One that is kept through an outage is sent, however long that takes."""
        client = self.start()
        self.memory.is_listening = False
        self.lose_connection()
        client.push(PUSH)
        self.memory.advance(35)
        self.assertFalse(client.get_state("idle"))
        self.memory.is_listening = True
        self.memory.advance(60)
        self.assertEqual(self.events_sent(), ["hello"])

    def test_topic_hooks(self) -> None:
        """A hook for topics needs the connection, and the seconds when it is gone."""
        client = self.start()
        remove = client.on_topic("news:*", print)
        self.memory.advance(25)
        self.assert_in_use(client)
        remove()
        self.memory.advance(9.9)
        self.assert_in_use(client)
        self.memory.advance(20)
        self.assert_idle(client)

    def test_ping_under_way(self) -> None:
        """A ping has its answer first."""
        client = self.start(heartbeat_interval=1000)
        self.memory.advance(9)
        session = self.memory.sessions[-1]
        session.receive = lambda *_: None  # type: ignore[method-assign]
        pong = self.watch(client.ping(15))
        self.memory.advance(14)
        self.assert_in_use(client)
        self.assert_waits(pong)

    def test_waiting_for_the_connection(self) -> None:
        """Whoever waits for the connection has it, however long that takes."""
        client = self.start()
        self.memory.is_listening = False
        self.lose_connection()
        waiting = self.watch(client.when_connected())
        self.memory.advance(100)
        self.assert_waits(waiting)
        self.memory.is_listening = True
        self.memory.advance(60)
        self.assert_fired(waiting, client)

    def test_outage(self) -> None:
        """An outage is none of a connection that nobody needs."""
        client = self.start()
        self.memory.advance(5)
        self.memory.is_listening = False
        self.lose_connection()
        self.memory.advance(4)
        self.assertFalse(client.get_state("idle"))
        self.memory.advance(2)
        self.assert_idle(client)

    def test_comes_and_goes(self) -> None:
        """A connection that is lost and opened again does not count anew."""
        client = self.start(backoff=lambda _: 0.5)
        for _ in range(3):
            self.memory.advance(2)
            self.lose_connection()
            self.reconnect()
        self.memory.advance(3)
        self.assert_idle(client)

    def test_stop(self) -> None:
        """A stop leaves no timer; the case looks for it."""
        for seconds in (0, 5, 10):
            client = self.start()
            self.memory.advance(seconds)
            self.watch(client.stopService())
            self.memory.advance(3)
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.assertFalse(client.get_state("idle"))


class BackTests(IdleTestCase):
    """What brings an idle client back."""

    def test_join(self) -> None:
        """A join connects by itself, by each of its ways."""
        for join in (
            lambda client: client.join(TOPIC),
            lambda client: client.channel(TOPIC).join(),
        ):
            client = self.idle()
            joined = self.watch(join(client))
            self.memory.flush()
            self.memory.advance(1)
            self.assertEqual(len(joined.fired), 1)
            self.assertNotIsInstance(joined.fired[0], Exception)
            self.assert_in_use(client)
            self.memory.advance(50)
            self.assert_in_use(client)
            self.watch(client.leave(TOPIC))
            self.memory.advance(11)
            self.assert_idle(client)

    def test_started_channel(self) -> None:
        """So does a channel that the manager starts."""
        client = self.idle()
        channel = client.channels.start_channel(TOPIC)
        self.memory.advance(1)
        self.assertTrue(channel.is_joined)

    def test_left_channel(self) -> None:
        """The channel that was the last may be joined again, in any moment."""
        client = self.start()
        channel = client.channel(TOPIC)
        self.watch(channel.join())
        self.memory.advance(1)
        rejoined: list[Any] = []
        client.on_close(lambda _: rejoined.append(self.watch(channel.join())))
        self.watch(channel.leave())
        self.memory.advance(10)
        self.memory.advance(2)
        self.assert_fired(rejoined[0], {})
        self.assert_in_use(client)

    def test_while_it_closes(self) -> None:
        """A join in the closing handshake waits for the next connection."""
        client = self.start()
        taken: list[Any] = []
        telemetry.attach(
            self,
            telemetry.SOCKET,
            lambda _n, _m, data, _c: taken.append(data["action"]),
        )
        self.addCleanup(telemetry.detach, self)
        self.clock.advance(10)
        self.assertTrue(client.get_state("idle"))
        self.assertTrue(self.memory.pairs)
        joined = self.watch(client.join(TOPIC))
        self.memory.advance(1)
        self.assertEqual(joined.fired[0][0], {})
        self.assertEqual(
            taken,
            ["idle", "disconnected", "connecting", "connected", "connection_duration"],
        )

    def test_from_telemetry(self) -> None:
        """Whoever is told of it may join at once."""
        client = self.start()
        joined: list[Any] = []

        def act(_name: Any, _measured: Any, data: Any, _config: Any) -> None:
            if data["action"] == "idle":
                joined.append(self.watch(client.join(TOPIC)))

        telemetry.attach(self, telemetry.SOCKET, act)
        self.addCleanup(telemetry.detach, self)
        self.memory.advance(10)
        self.memory.advance(1)
        self.assertEqual(joined[0].fired[0][0], {})
        self.memory.advance(30)
        self.assert_in_use(client)

    def test_message(self) -> None:
        """A message of the client's connects, and is sent then."""
        client = self.idle()
        client.push(PUSH)
        self.memory.advance(1)
        self.assert_in_use(client)
        self.assertEqual(self.events_sent(), ["hello"])

    def test_waiting(self) -> None:
        """So does whoever waits for the connection, or for room to write."""
        for wait in ("when_connected", "when_writable"):
            client = self.idle()
            waiting = self.watch(getattr(client, wait)())
            self.memory.advance(1)
            self.assert_fired(waiting, client)
            self.memory.advance(11)
            self.assert_idle(client)

    def test_connect(self) -> None:
        """So does connect(), and the seconds count anew."""
        client = self.idle()
        client.connect()
        self.memory.advance(9)
        self.assert_in_use(client)
        self.memory.advance(2)
        self.assert_idle(client)

    def test_ping(self) -> None:
        """A ping measures the connection that there is."""
        client = self.idle()
        self.assert_failed(self.watch(client.ping()), NotConnected)
        self.assert_idle(client)

    def test_no_server(self) -> None:
        """A join that finds no server waits for one as any other join does."""
        client = self.idle(reconnect=False)
        self.memory.is_listening = False
        joined = self.watch(client.join(TOPIC))
        self.memory.advance(1)
        # The server in memory refuses at once; another would later, by this error.
        self.assert_failed(joined, NotConnected)
        self.assertFalse(client.get_state("idle"))
        self.assert_failed(self.watch(client.join(TOPIC)), NotConnected)

    def test_nobody_any_more(self) -> None:
        """Where whoever came back gives up in an outage, the attempts end again."""
        client = self.idle()
        self.memory.is_listening = False
        waiting = self.watch(client.when_connected())
        self.memory.advance(15)
        self.assertFalse(client.get_state("idle"))
        waiting.deferred.cancel()
        self.memory.advance(25)
        self.assert_idle(client)

    def test_from_the_opening(self) -> None:
        """The seconds count from the opening, however long that took."""
        client = self.idle()
        self.memory.is_listening = False
        client.push(PUSH)
        self.memory.advance(7)
        self.memory.is_listening = True
        client.connect()
        self.memory.advance(9)
        self.assert_in_use(client)
        self.memory.advance(1)
        self.assert_idle(client)

    def test_why(self) -> None:
        """Where it does not come back, the error is that of the attempt."""
        client = self.idle(reconnect=False)
        self.memory.is_listening = False
        self.assertRaises(NotConnected, client.push, PUSH)
        error = self.assert_failed(
            self.watch(client.when_connected()), ConnectionFailed
        )
        self.assertNotIn("no channel", str(error))

    def test_disconnect(self) -> None:
        """The user's own disconnect() is no idleness, and only connect() ends it."""
        for client in (self.start(), self.idle()):
            self.watch(client.disconnect())
            self.memory.advance(20)
            self.assertFalse(client.get_state("idle"))
            self.assert_failed(self.watch(client.join(TOPIC)), NotConnected)
            self.assert_failed(self.watch(client.when_connected()), NotConnected)
            self.assertRaises(NotConnected, client.push, PUSH)

    def test_stop_and_start(self) -> None:
        """A stopped client is not idle, and one that is started connects."""
        client = self.idle()
        self.watch(client.stopService())
        self.memory.flush()
        self.assert_failed(self.watch(client.join(TOPIC)), NotConnected)
        client.startService()
        self.memory.advance(1)
        self.assert_in_use(client)
        self.memory.advance(11)
        self.assert_idle(client)

    def test_second_join(self) -> None:
        """Only the first of two joins of a topic is taken, as ever."""
        client = self.idle()
        first, second = (self.watch(client.join(TOPIC)) for _ in range(2))
        self.memory.advance(1)
        self.assertEqual(first.fired[0][0], {})
        self.assert_failed(second, AlreadyJoined)


class ToldTests(IdleTestCase):
    """Who is told of it."""

    def test_told(self) -> None:
        """The hooks, telemetry and the state tell of it; the server sees a close."""
        told: list[Any] = []

        def take(_name: Any, measured: Any, data: Any, _config: Any) -> None:
            told.append((data["action"], measured.get("duration")))

        client = self.start()
        lost: list[Any] = []
        client.on_close(lost.append)
        telemetry.attach(self, telemetry.SOCKET, take)
        self.addCleanup(telemetry.detach, self)
        self.memory.advance(10)
        self.assertEqual(told, [("idle", 10.0), ("disconnected", None)])
        [reason] = lost
        self.assertIsInstance(reason, ConnectionClosed)
        self.assertEqual((reason.code, reason.was_clean), (1000, True))
        self.memory.advance(200)
        self.assertEqual(len(told), 2)
