"""A clock that is set while a client runs, back or forwards."""

from __future__ import annotations

import time
from typing import Any
from unittest import mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import telemetry
from txphoenix.channels.channel import Channel
from txphoenix.client.connection_events import ConnectionEvents
from txphoenix.errors import (
    ConnectTimeout,
    HeartbeatTimeout,
    JoinTimeout,
    PushTimeout,
)
from txphoenix.runtime.deadlines import Deadlines, Timer

from .network import NetworkTestCase, reactor
from .support import TOPIC, ClientTestCase, Outcome

HOUR = 3600.0


class DeadlinesTests(SynchronousTestCase):
    """Deadlines on a clock that is set back."""

    def setUp(self) -> None:
        """Have a clock that shows noon."""
        self.clock = Clock()
        self.clock.advance(12 * HOUR)
        self.deadlines = Deadlines(self.clock)
        self.expired: list[str] = []

    def set(self, name: str, duration: float) -> Timer:
        """Set a deadline."""
        timer = Timer(lambda: self.expired.append(name))
        self.deadlines.set(timer, duration)
        return timer

    def test_same_duration(self) -> None:
        """What is set afterwards expires in its time, and what was set before too."""
        self.set("before", 5.0)
        self.clock.rightNow -= HOUR
        self.set("after", 5.0)
        self.clock.advance(4.9)
        self.assertEqual(self.expired, [])
        self.clock.advance(0.2)
        self.assertEqual(self.expired, ["before", "after"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_other_duration(self) -> None:
        """Whatever is set helps all the others that were set before."""
        self.set("before", 5.0)
        self.set("long before", 30.0)
        self.clock.rightNow -= HOUR
        self.set("after", 2.0)
        self.clock.advance(2.0)
        self.assertEqual(self.expired, ["after"])
        self.clock.advance(3.0)
        self.assertEqual(self.expired, ["after", "before"])
        self.clock.advance(25.0)
        self.assertEqual(self.expired, ["after", "before", "long before"])

    def test_left_over_timer(self) -> None:
        """A timer that an answered push has left is of no hindrance."""
        self.set("answered", 5.0).unset()
        self.clock.rightNow -= HOUR
        self.set("after", 5.0)
        self.clock.advance(5.0)
        self.assertEqual(self.expired, ["after"])

    def test_again_and_again(self) -> None:
        """It may be set back as often as one likes."""
        for number in range(5):
            self.set(str(number), 5.0)
            self.clock.advance(0.5)
            self.clock.rightNow -= HOUR
        self.set("last", 5.0)
        self.clock.advance(5.0)
        self.assertEqual(self.expired, [*"01234", "last"])


class ClientTests(ClientTestCase):
    """A client whose clock is set back by an hour."""

    def setUp(self) -> None:
        """Have a clock that shows noon."""
        super().setUp()
        self.clock.advance(12 * HOUR)

    def set_back(self) -> None:
        """Set it back."""
        self.clock.rightNow -= HOUR

    def assert_expires(self, outcome: Outcome[Any], kind: type[Exception]) -> None:
        """It fails after five seconds."""
        self.memory.advance(4.9)
        self.assert_waits(outcome)
        self.memory.advance(0.2)
        self.assert_failed(outcome, kind)

    def test_pushes(self) -> None:
        """A push times out, before which there were others, with or without answers."""
        channel = self.joined_channel()
        self.watch(channel.push("silent"))
        self.watch(channel.push("echo"))
        self.memory.flush()
        self.set_back()
        self.assert_expires(self.watch(channel.push("silent")), PushTimeout)

    def test_joins(self) -> None:
        """A join does."""
        client = self.connected_client()
        self.watch(client.join("rooms:a"))
        self.memory.flush()
        self.memory.answers = False
        self.set_back()
        self.assert_expires(self.watch(client.join("rooms:b")), JoinTimeout)

    def test_join_offline(self) -> None:
        """So does one that waits for a connection."""
        client = self.connecting_client()
        self.set_back()
        self.assert_expires(self.watch(client.join("rooms:a")), JoinTimeout)

    def test_leaves(self) -> None:
        """A leave ends in its time."""
        channel = self.joined_channel()
        self.memory.answers = False
        self.set_back()
        left = self.watch(channel.leave())
        self.memory.advance(5.0)
        self.assert_fired(left, None)

    def test_ping(self) -> None:
        """A ping times out, and tells no time that has not passed."""
        client = self.connected_client()
        ping = self.watch(client.ping())
        self.clock.advance(0)
        self.set_back()
        self.memory.flush()
        self.assert_fired(ping, 0.0)
        self.memory.is_stalled = True
        self.assert_expires(self.watch(client.ping()), HeartbeatTimeout)

    def test_heartbeats(self) -> None:
        """Heartbeats go on, once anything at all is set; after a reconnect, too."""
        channel = self.joined_channel()
        self.memory.advance(10.0)
        self.watch(channel.push("echo"))
        self.memory.flush()
        self.set_back()
        self.watch(channel.push("echo"))
        self.memory.advance(19.9)
        self.assertNotIn("heartbeat", self.events_sent())
        self.memory.advance(0.2)
        self.assertEqual(self.events_sent()[-1], "heartbeat")
        self.set_back()
        self.lose_connection()
        self.memory.advance(0.6)
        self.memory.advance(30.0)
        self.assertEqual(self.events_sent()[-1], "heartbeat")
        self.set_back()
        self.watch(channel.push("echo"))
        self.memory.is_stalled = True
        self.memory.advance(40.0)
        self.assertFalse(self._clients[0].connected)
        self.memory.is_stalled = False

    def test_reconnect(self) -> None:
        """The wait for the next attempt is no longer."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.lose_connection()
        self.set_back()
        self.watch(channel.push("echo"))
        self.memory.advance(0.6)
        self.assertTrue(client.connected)

    def test_rejoin(self) -> None:
        """Nor is that for the next join."""
        channel = self.joined_channel()
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.set_back()
        self.watch(channel.push("echo"))
        self.memory.advance(1.0)
        self.assertTrue(channel.is_joined)

    def test_connect_timeout(self) -> None:
        """An attempt to connect ends in its time."""
        client = self.make_client(reconnect=False)
        errors: list[Exception] = []
        client.on_error(errors.append)
        self.memory.holds_connections = True
        client.startService()
        self.memory.flush()
        self.set_back()
        self.watch(client.join("rooms:a"))
        self.memory.advance(15.0)
        self.assertEqual([type(each) for each in errors], [ConnectTimeout])

    def test_close_timeout(self) -> None:
        """A close that the server does not answer ends in its time."""
        client = self.connected_client()
        reasons: list[Exception] = []
        client.on_close(reasons.append)
        self.memory.is_stalled = True
        self.set_back()
        self.watch(client.disconnect())
        self.memory.advance(2.0)
        self.memory.is_stalled = False
        self.memory.flush()
        self.assertIn("did not finish the close in 2 s", str(reasons))

    def test_reader(self) -> None:
        """A reader that has gone is given up in its time."""
        client = self.connected_client(receive_buffer=2)
        channel = self.joined_channel(client=client)
        self.watch(channel.receive())
        self.set_back()
        for _ in range(4):
            self.watch(channel.push("whisper"))
        self.memory.flush()
        self.memory.advance(40.0)
        self.assertEqual(channel.dropped_messages, 1)

    def test_crashes(self) -> None:
        """Crashes that lie back an hour and a minute do not count as new ones."""

        class Fragile(Channel):
            def handle_in(self, event: str, payload: Any) -> None:
                raise RuntimeError("crash")

        channel = self.joined_channel(channel_class=Fragile)
        for _ in range(3):
            self.server_sends(None, None, TOPIC, "x", {})
        self.set_back()
        self.watch(channel.push("echo"))
        self.memory.advance(60.0)
        for _ in range(3):
            self.server_sends(None, None, TOPIC, "x", {})
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 6)

    def test_durations(self) -> None:
        """No duration that is told is negative, or an hour."""
        told: list[float] = []

        def note(
            event: Any, measurements: Any, metadata: Any, config: Any = None
        ) -> None:
            if "duration" in measurements:
                told.append(measurements["duration"])

        events = [telemetry.SOCKET, telemetry.CHANNEL]
        telemetry.attach_many("durations", events, note)
        self.addCleanup(telemetry.detach, "durations")
        client = self.connecting_client()
        self.watch(client.join(TOPIC))
        self.set_back()
        self.memory.release_connections()
        self.memory.is_stalled = True
        self.set_back()
        self.memory.is_stalled = False
        self.memory.flush()
        left = self.watch(client.leave(TOPIC))
        self.clock.advance(0)
        self.set_back()
        self.memory.flush()
        self.assert_fired(left, None)
        self.watch(client.ping())
        self.clock.advance(0)
        self.set_back()
        self.memory.flush()
        self.assertEqual(len(told), 4)
        self.assertEqual([each for each in told if not 0 <= each < 1], [])


class ReactorTests(NetworkTestCase):
    """The wall clock of a real reactor is set."""

    def set_by(self, seconds: float) -> None:
        """Set it, for a minute at most."""
        ahead = mock.patch.object(reactor, "seconds", lambda: time.time() + seconds)
        ahead.start()
        self.addCleanup(ahead.stop)
        # Trial's own limit goes by the same clock.
        guard = reactor.callLater(60, ahead.stop)
        self.addCleanup(lambda: guard.active() and guard.cancel())

    timeout = int(HOUR) + 120

    async def test_back(self) -> None:
        """A push times out in its time, and heartbeats go on."""
        server = await self.serve()
        client = self.client(server.url, heartbeat_interval=0.3, heartbeat_timeout=5.0)
        channel = client.channel(TOPIC)
        await channel.join()
        waiting = self.failure_of(channel.push("silent", timeout=0.2))
        self.set_by(-HOUR)
        took = await client.ping()
        self.assertTrue(0 <= took < 5)
        began = time.monotonic()
        error = await self.failure_of(channel.push("silent", timeout=0.2))
        self.assertIsInstance(error, PushTimeout)
        self.assertLess(time.monotonic() - began, 5)
        self.assertIsInstance(await waiting, PushTimeout)
        answers: list[float] = []
        self.patch(
            ConnectionEvents,
            "heartbeat_answered",
            lambda _, round_trip: answers.append(round_trip),
        )
        await self.until(lambda: len(answers) > 1)
        self.assertEqual([each for each in answers if not 0 <= each < 5], [])

    async def test_forwards(self) -> None:
        """What has not really waited for so long does not expire."""
        server = await self.serve(timeout=None)
        client = self.client(server.url, heartbeat_interval=0.02, heartbeat_timeout=60)
        channel = client.channel(TOPIC)
        await channel.join()
        push = channel.push("silent", timeout=60)
        failed: list[object] = []
        push.addErrback(failed.append)
        self.set_by(HOUR)
        for _ in range(3):
            await self.sleep(0.02)
            self.assertEqual(await channel.push("echo", {"a": 1}), {"a": 1})
        self.assertEqual(failed, [])
        self.assertTrue(client.connected)
        push.cancel()
