"""Tests of :mod:`txphoenix.runtime.wake_ups`, and of clients that wake up."""

from __future__ import annotations

import time
from typing import Any, ClassVar
from unittest import mock

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    HeartbeatTimeout,
    PushError,
    PushInterrupted,
)
from txphoenix.protocol.backoff import steps
from txphoenix.runtime import elapsed, wake_ups
from txphoenix.runtime.deadlines import Deadlines, Timer
from txphoenix.runtime.elapsed import asleep_time
from txphoenix.runtime.wake_ups import WakeUps

from .network import TOPIC, NetworkTestCase, reactor
from .support import ClientTestCase

HOUR = 3600.0


class Sleeper:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[float] = []

    def woken(self, seconds: float) -> None:
        """Note it."""
        self.told.append(seconds)


class ClockTests(SynchronousTestCase):
    """Wake-ups on a clock, where a late deadline shows them."""

    def setUp(self) -> None:
        """Somebody wants to know."""
        self.clock = Clock()
        self.deadlines = Deadlines.of(self.clock)
        self.wake_ups = WakeUps.of(self.clock)
        self.sleeper = Sleeper()
        self.wake_ups.subscribe(self.sleeper)
        self.expired: list[str] = []

    def set(self, name: str, duration: float) -> Timer:
        """Set a deadline."""
        timer = Timer(lambda: self.expired.append(name))
        self.deadlines.set(timer, duration)
        return timer

    def test_an_hour(self) -> None:
        """It is told once, before anything expires; then all expires, once."""
        for name, duration in (("a", 5.0), ("b", 10.0), ("c", 10.0), ("d", 2 * HOUR)):
            self.set(name, duration)
        seen: list[list[str]] = []
        self.patch(self.sleeper, "woken", lambda _: seen.append(list(self.expired)))
        self.clock.advance(HOUR)
        self.assertEqual(seen, [[]])
        self.assertEqual(sorted(self.expired), ["a", "b", "c"])
        self.clock.advance(HOUR)
        self.assertEqual(sorted(self.expired), ["a", "b", "c", "d"])

    def test_how_long(self) -> None:
        """It is told for how long nothing has happened, as far as deadlines show it."""
        self.set("a", 30.0)
        self.clock.advance(10)
        self.clock.advance(HOUR)
        self.assertEqual(self.sleeper.told, [HOUR - 20])

    def test_taken_away(self) -> None:
        """Whoever is told may take all deadlines away, and set others."""
        first = self.set("a", 5.0)

        def woken(_seconds: float) -> None:
            first.unset()
            self.deadlines.sweep()
            self.set("b", 5.0)

        self.patch(self.sleeper, "woken", woken)
        self.clock.advance(HOUR)
        self.assertEqual(self.expired, [])
        self.clock.advance(5)
        self.assertEqual(self.expired, ["b"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_left_behind(self) -> None:
        """Nothing is left of what is taken away and not set anew."""
        first = self.set("a", 5.0)
        self.patch(self.sleeper, "woken", lambda _: first.unset())
        self.clock.advance(HOUR)
        self.assertEqual((self.expired, self.clock.getDelayedCalls()), ([], []))

    def test_late(self) -> None:
        """What is late by less than twenty seconds is no sleep."""
        self.set("a", 5.0)
        self.clock.advance(24.9)
        self.assertEqual((self.expired, self.sleeper.told), (["a"], []))

    def test_set_back(self) -> None:
        """A clock that is set back makes calls late; that is no sleep."""
        self.clock.advance(12 * HOUR)
        self.set("a", 5.0)
        self.clock.rightNow -= HOUR
        self.clock.advance(HOUR + 5)
        self.assertEqual((self.expired, self.sleeper.told), (["a"], []))

    def test_raises(self) -> None:
        """Others are told, and all expires, whatever one of them raises."""
        other = Sleeper()

        def woken(_seconds: float) -> None:
            self.wake_ups.unsubscribe(last)
            raise RuntimeError("no")

        last = Sleeper()
        self.patch(self.sleeper, "woken", woken)
        self.wake_ups.subscribe(other)
        self.wake_ups.subscribe(last)
        self.set("a", 5.0)
        self.clock.advance(HOUR)
        self.assertEqual((len(other.told), last.told, self.expired), (1, [], ["a"]))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_unsubscribed(self) -> None:
        """Who wants to know no more is not told; no delayed call is left."""
        self.wake_ups.unsubscribe(self.sleeper)
        self.wake_ups.unsubscribe(self.sleeper)
        self.set("a", 5.0)
        self.clock.advance(HOUR)
        self.assertEqual((self.expired, self.sleeper.told), (["a"], []))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class AsleepTests(SynchronousTestCase):
    """How long the machine has been asleep."""

    def test_clocks(self) -> None:
        """It is by how much one clock is ahead of the other."""
        self.patch(elapsed, "_WITH_SLEEP", 7)
        self.patch(time, "clock_gettime", lambda clock: 5000.0 if clock == 7 else 0)
        self.patch(time, "monotonic", lambda: 1400.0)
        self.assertEqual(asleep_time(), 3600.0)

    def test_held_up(self) -> None:
        """A look that was held up says nothing."""
        self.patch(elapsed, "_WITH_SLEEP", 7)
        self.patch(time, "clock_gettime", lambda _: 5000.0)
        moments = iter([1400.0, 1400.2])
        self.patch(time, "monotonic", lambda: next(moments))
        self.assertIsNone(asleep_time())

    def test_no_clock(self) -> None:
        """Where there is no such clock, nobody knows."""
        self.patch(elapsed, "_WITH_SLEEP", None)
        self.assertIsNone(asleep_time())


class LeftOverTests(SynchronousTestCase):
    """Who wants to know, where an earlier test has left somebody behind."""

    def test_cancelled_look(self) -> None:
        """Somebody looks again, though all that the reactor held was cancelled."""
        asleep = 0.0
        self.patch(wake_ups, "is_reactor", lambda _clock: True)
        self.patch(wake_ups, "asleep_time", lambda: asleep)
        clock = Clock()
        everybody = WakeUps.of(clock)
        everybody.subscribe(Sleeper())
        # As trial does.
        for call in clock.getDelayedCalls():
            call.cancel()
        sleepers = [Sleeper(), Sleeper()]
        for sleeper in sleepers:
            everybody.subscribe(sleeper)
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        asleep = HOUR
        clock.advance(1)
        self.assertEqual([sleeper.told for sleeper in sleepers], [[HOUR], [HOUR]])


class ClientTests(ClientTestCase):
    """A client over a WebSocket, on a clock that jumps by an hour.

    :cvar options: the client's.
    :cvar short: for how long the server, which sleeps as well, keeps who is silent.
    """

    options: ClassVar[dict[str, Any]] = {}
    short = 25.0

    def setUp(self) -> None:
        """A client that has joined."""
        super().setUp()
        self.made: SocketClient = self.connected_client(**self.options)
        self.losses: list[Exception] = []
        self.made.on_close(self.losses.append)
        self.room = self.joined_channel(client=self.made)

    def sleep(self, seconds: float = HOUR) -> None:
        """Have the clock jump, while nothing else happens."""
        self.clock.advance(seconds)

    def assert_slept(self) -> None:
        """The connection was given up, once and for its sleep."""
        (reason,) = self.losses
        assert isinstance(reason, HeartbeatTimeout)
        self.assertTrue(reason.has_slept)
        self.assertIn("stood still for 3", str(reason))

    def assert_back(self) -> None:
        """There is a connection again, without any delay, and the channel is joined."""
        self.assertTrue(self.made.connected)
        self.assertEqual(self.room.state, "joined")
        push = self.watch(self.room.push("echo", {"a": 1}))
        self.memory.flush()
        self.assert_fired(push, {"a": 1})

    def test_an_hour(self) -> None:
        """The connection is given up, and another is there, in that moment."""
        self.sleep()
        self.assertFalse(self.made.connected)
        self.memory.flush()
        self.assert_slept()
        self.assert_back()
        self.assertEqual(self.clock.seconds(), HOUR)

    def test_pushes(self) -> None:
        """What was under way fails, once."""
        pushes = [self.watch(self.room.push("silent", timeout=t)) for t in (1, 5, 9e3)]
        self.memory.flush()
        self.sleep()
        self.memory.flush()
        self.assert_failed(pushes[-1], PushInterrupted)
        for push in pushes:
            self.assertIsInstance(push.fired[0], PushError)
        self.memory.advance(10)
        self.assertEqual([len(push.fired) for push in pushes], [1, 1, 1])
        self.assert_back()

    def test_paused(self) -> None:
        """So it is while reading is paused."""
        connection: Any = self.made.connection
        connection.pause_reading()
        self.sleep()
        self.memory.flush()
        self.assert_slept()
        self.assert_back()

    def test_short(self) -> None:
        """A jump that is no longer than a silence may be costs nothing."""
        self.sleep(self.short)
        self.memory.flush()
        self.memory.advance(30)
        self.assertEqual(self.losses, [])

    def test_twice(self) -> None:
        """It may sleep as often as it likes."""
        for _ in range(8):
            self.losses.clear()
            self.sleep()
            self.memory.flush()
            self.assert_slept()
            self.assert_back()

    def test_no_network(self) -> None:
        """Until the network is there, it is tried about each second."""
        self.memory.is_listening = False
        self.sleep()
        self.memory.advance(60)
        self.assertEqual(len(self.losses), 1)
        self.assertFalse(self.made.connected)
        self.memory.is_listening = True
        self.memory.advance(1.0)
        self.assert_back()

    def test_no_network_for_long(self) -> None:
        """After two minutes the delays are the usual ones."""
        self.made.reconfigure(backoff=steps([100.0]))
        self.memory.is_listening = False
        self.sleep()
        self.memory.advance(125)
        self.memory.is_listening = True
        self.memory.advance(90)
        self.assertFalse(self.made.connected)
        self.memory.advance(11)
        self.assert_back()

    def test_refused(self) -> None:
        """A server that answers, and refuses, is asked after the usual delays."""
        self.made.reconfigure(backoff=steps([100.0]))
        self.memory.refuse(503)
        self.sleep()
        self.memory.flush()
        self.memory.refuse(None)
        self.memory.advance(99)
        self.assertFalse(self.made.connected)
        self.memory.advance(2)
        self.assert_back()

    def test_asleep_in_an_attempt(self) -> None:
        """An attempt that was under way is begun anew."""
        self.memory.holds_connections = True
        self.lose_connection()
        self.memory.advance(5)
        self.assertEqual(self.made.status, "connecting")
        self.memory.holds_connections = False
        self.sleep()
        self.memory.flush()
        self.assert_back()

    def test_asleep_in_a_close(self) -> None:
        """One that was being closed is not waited for."""
        self.made.reconfigure(close_timeout=600)
        self.memory.pause()
        self.made.reconfigure(params={"a": "1"})
        self.memory.flush()
        self.assertFalse(self.made.connected)
        WakeUps.of(self.clock)._tell(HOUR)
        self.memory.flush()
        self.assertEqual(len(self.losses), 1)
        self.memory.resume()
        self.memory.flush()
        self.assert_back()
        self.assertEqual(self.clock.seconds(), 0)

    def test_asleep_in_a_delay(self) -> None:
        """A delay that was under way is over."""
        self.made.reconfigure(backoff=steps([3000.0, 9000.0]))
        self.memory.is_listening = False
        self.lose_connection()
        self.memory.advance(3001)
        self.memory.is_listening = True
        ping = Timer(lambda: None)
        self.made.connection._deadlines.set(ping, 1.0)
        self.sleep()
        self.memory.flush()
        self.assert_back()

    def test_asked_too_often(self) -> None:
        """So it is where attempts at once were asked for more often than may be.

        On Linux and macOS the clocks of a delay have stood still with the machine.
        """
        self.memory.is_listening = False
        self.lose_connection()
        self.memory.advance(600)
        for _ in range(10):
            self.made.connect()
            self.memory.advance(0.1)
        self.memory.is_listening = True
        WakeUps.of(self.clock)._tell(HOUR)
        self.memory.flush()
        self.assert_back()

    def test_disconnected(self) -> None:
        """A client that was told to disconnect sleeps on."""
        self.watch(self.made.disconnect())
        self.memory.flush()
        self.made.connection._deadlines.set(Timer(lambda: None), 1.0)
        connections = self.memory.connections_made
        self.sleep()
        self.memory.advance(100)
        self.assertEqual(self.memory.connections_made, connections)

    def test_no_reconnect(self) -> None:
        """One that shall not reconnect does not."""
        self.made.reconfigure(reconnect=False)
        self.sleep()
        self.memory.advance(100)
        self.assert_slept()
        self.assertFalse(self.made.connected)


class LongPollTests(ClientTests):
    """The same over long-poll."""

    options: ClassVar[dict[str, Any]] = {"transport": "longpoll"}
    short = 12.0


class ReactorTestCase(NetworkTestCase):
    """Clocks of a real reactor that jump by an hour.

    :cvar options: the client's.
    """

    options: ClassVar[dict[str, Any]] = {}

    # Trial's own limit goes by a clock that is set.
    timeout = int(HOUR) + 120

    def setUp(self) -> None:
        """Have clocks that jump."""
        super().setUp()
        self.deadlines = Deadlines.of(reactor)
        self.monotonic = self.asleep = 0.0
        self.patch(self.deadlines, "elapsed", lambda: time.monotonic() + self.monotonic)
        self.patch(wake_ups, "asleep_time", lambda: self.asleep)

    def set_wall_clock(self, seconds: float) -> None:
        """Set it, for a minute at most."""
        ahead = mock.patch.object(reactor, "seconds", lambda: time.time() + seconds)
        ahead.start()
        self.addCleanup(ahead.stop)
        guard = reactor.callLater(60, ahead.stop)
        self.addCleanup(lambda: guard.active() and guard.cancel())

    async def start(self) -> None:
        """A client that has joined."""
        server = await self.serve(timeout=None)
        self.made = self.client(server.url, **self.options)
        self.losses: list[Exception] = []
        self.made.on_close(self.losses.append)
        _, self.room = await self.made.join(TOPIC)

    async def assert_slept(self) -> None:
        """It is found, and the client is back, long before any heartbeat."""
        await self.until(lambda: self.losses and self.room.is_joined)
        (reason,) = self.losses
        assert isinstance(reason, HeartbeatTimeout)
        self.assertTrue(reason.has_slept)
        self.assertEqual(await self.room.push("echo", {"a": 1}), {"a": 1})
        await self.made.stopService()
        self.assertFalse(any("Deadlines._expire" in str(it) for it in self.held()))

    async def look_twice(self) -> None:
        """Wait until somebody has looked twice at the clocks."""
        looks: list[None] = []

        def look() -> float:
            looks.append(None)
            return self.asleep

        self.patch(wake_ups, "asleep_time", look)
        await self.until(lambda: len(looks) > 1)


class ReactorTests(ReactorTestCase):
    """A client over a WebSocket."""

    async def test_both(self) -> None:
        """All clocks go on: a virtual machine was moved, or this is Windows."""
        await self.start()
        self.monotonic = HOUR
        self.set_wall_clock(HOUR)
        await self.assert_slept()

    async def test_later(self) -> None:
        """So it is where only who looks at the clocks sees it."""
        await self.start()
        monotonic, wall = time.monotonic, time.time
        self.patch(time, "monotonic", lambda: monotonic() + HOUR)
        self.patch(time, "time", lambda: wall() + HOUR)
        await self.assert_slept()

    async def test_asleep(self) -> None:
        """The monotonic clock stands still: a laptop was suspended."""
        await self.start()
        self.asleep = HOUR
        self.set_wall_clock(HOUR)
        await self.assert_slept()

    async def test_nap(self) -> None:
        """After a short sleep the server is asked at once, and nothing is lost."""
        await self.start()
        answered: list[float] = []
        self.patch(self.made.connection, "heartbeat_answered", answered.append)
        self.asleep = 20.0
        await self.until(lambda: answered)
        self.assertEqual(self.losses, [])

    async def test_wall_clock(self) -> None:
        """The wall clock alone is set: nothing happens."""
        await self.start()
        for seconds in (HOUR, -HOUR):
            self.set_wall_clock(seconds)
            # Whoever pushes sees that it was set.
            await self.room.push("echo", {"a": 1})
            await self.look_twice()
        self.assertEqual(self.losses, [])


class LongPollReactorTests(ReactorTestCase):
    """A client over long-poll, whose server's wall clock is left as it is."""

    options: ClassVar[dict[str, Any]] = {"transport": "longpoll"}

    async def test_asleep(self) -> None:
        """The monotonic clock stands still: a laptop was suspended."""
        await self.start()
        self.asleep = HOUR
        await self.assert_slept()

    async def test_nap(self) -> None:
        """After a short sleep nothing is lost; the poll that is under way will tell."""
        await self.start()
        self.asleep = 20.0
        await self.look_twice()
        self.assertEqual(self.losses, [])
