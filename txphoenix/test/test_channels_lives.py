"""Decision 8: what a callback raises later counts in the join it belongs to, or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix.errors import ConnectionClosed, PushTimeout
from txphoenix.protocol.message import Message

from .crashing import Crash, Crashing, SupervisionTestCase
from .support import TOPIC


class Working(Crashing):
    """Each message makes it wait: for what the test gives, or a reply to a push.

    :ivar waits: what to wait for.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.waits: list[Deferred[Any]] = []
        self.began = 0

    def init(self, params: Any) -> None:
        """Be counted."""
        self.began += 1

    async def handle_in(self, event: str, payload: Any) -> None:
        """Wait."""
        waiting = self.push("silent") if event == "push" else Deferred()
        self.waits.append(waiting)
        await waiting


class LifeTestCase(SupervisionTestCase):
    """A channel whose callbacks are at work when something happens to it."""

    def working(self, event: str = "wait", count: int = 1, **options: Any) -> Working:
        """The channel, with messages at work."""
        channel = self.joined(Working, **options)
        assert isinstance(channel, Working)
        for number in range(count):
            self.memory.broadcast(TOPIC, event, number)
        self.memory.flush()
        self.assertEqual(len(channel.waits), count)
        return channel

    def assert_quiet(self, captured: Sequence[Any]) -> None:
        """Nothing was logged that is more than information, but of the connection."""
        levels = {
            event["log_level"]
            for event in captured
            # Where an outage is told, which is no fault of a callback.
            if event["log_namespace"] != "txphoenix.client"
        }
        self.assertLessEqual(levels, {LogLevel.debug, LogLevel.info})


class EarlierLifeTests(LifeTestCase):
    """What fails is of an earlier join."""

    def test_joined_anew(self) -> None:
        """It is logged and told, and the present join goes on."""
        channel = self.working(max_restarts=0)
        self.watch(channel.leave())
        self.memory.flush()
        self.watch(channel.join())
        self.memory.flush()
        channel.waits[0].errback(Crash("late"))
        self.memory.flush()
        self.assertEqual((channel.state, channel.began), ("joined", 2))
        self.assertEqual([type(error) for error in self.errors], [Crash])
        self.assertEqual(self.closes, ["left"])
        self.assert_crashes(1)

    def test_rejoined(self) -> None:
        """So it is after a rejoin."""
        channel = self.working(max_restarts=0)
        self.memory.kill_channel(TOPIC)
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")
        channel.waits[0].errback(Crash("late"))
        self.memory.flush()
        self.assertEqual((channel.state, channel.began), ("joined", 1))
        self.assertIsInstance(self.errors[-1], Crash)
        self.assert_crashes(1)

    def test_same_life(self) -> None:
        """The same in the present join is a crash."""
        channel = self.working()
        channel.waits[0].errback(Crash("late"))
        self.memory.flush()
        self.assertEqual((channel.state, channel.began), ("joined", 2))
        self.assert_crashes(1)

    def test_caught(self) -> None:
        """What a callback makes of an interruption is its own, and told."""

        class Making(Working):
            async def handle_in(self, event: str, payload: Any) -> None:
                try:
                    await super().handle_in(event, payload)
                except Exception as error:
                    raise Crash("made of it") from error

        channel = self.joined(Making, max_restarts=0)
        self.memory.broadcast(TOPIC, "push", {})
        self.memory.flush()
        self.memory.kill_channel(TOPIC)
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(self.errors), 2)
        self.assert_crashes(1)


class InterruptionTests(LifeTestCase):
    """Many callbacks are at work, and one thing happens."""

    def test_lost_connection(self) -> None:
        """A lost connection that interrupts their pushes is no crash at all.

        The hooks hear of the loss, once.
        """
        channel = self.working("push", 4, max_restarts=0)
        with capturedLogs() as captured:
            self.lose_connection()
            self.assertEqual(channel.state, "errored")
            self.reconnect()
        self.assertEqual((channel.state, channel.began), ("joined", 1))
        self.assertEqual([type(error) for error in self.errors], [ConnectionClosed])
        self.assert_quiet(captured)
        texts = [text for text in map(formatEvent, captured) if text]
        self.assertEqual(sum("ended early" in text for text in texts), 4)

    def test_push_of_another(self) -> None:
        """Nor is it where the push was another channel's that is told first."""
        channel = self.joined(max_restarts=0)

        async def ask(event: str, payload: Any) -> None:
            await self.other.push("silent")

        channel.handle_in = ask  # type: ignore[method-assign]
        self.news()
        with capturedLogs() as captured:
            self.lose_connection()
            self.reconnect()
        self.assertEqual(channel.state, "joined")
        self.assert_quiet(captured)

    def test_crash_on_the_server(self) -> None:
        """Nor is a crash on the server."""
        channel = self.working("push", 4, max_restarts=0)
        with capturedLogs() as captured:
            self.memory.kill_channel(TOPIC)
            self.memory.advance(1.0)
        self.assertEqual((channel.state, channel.began), ("joined", 1))
        self.assertEqual(len(self.errors), 1)
        self.assert_quiet(captured)

    def test_unanswered(self) -> None:
        """Pushes that all time out are one crash, whose restart ends the others."""
        channel = self.working("push", 4, max_restarts=1)
        self.memory.advance(5.0)
        self.assertEqual((channel.state, channel.began), ("joined", 2))
        self.assertEqual(len(self.flushLoggedErrors(PushTimeout)), 1)
        self.assertEqual([type(error) for error in self.errors], [PushTimeout])


class PingTests(LifeTestCase):
    """A callback that waits for a ping when the connection is lost."""

    def test_lost_connection(self) -> None:
        """It is interrupted like any other, and that is no crash."""

        class Pinging(Working):
            restart = "temporary"

            async def handle_in(self, event: str, payload: Any) -> None:
                await client.ping()

        channel = self.joined_channel(channel_class=Pinging)
        client = self._clients[-1]
        self.memory.answers = False
        channel.dispatch(Message(None, None, channel.topic, "ping", {}))
        self.lose_connection()
        self.memory.answers = True
        self.reconnect()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.flushLoggedErrors(), [])


class EndTests(LifeTestCase):
    """The user ends what callbacks and hooks are at work with: decision 4."""

    def assert_quiet_end(self, channel: Crashing, end: Any, state: str) -> None:
        """The end is in good order: no traceback, and nobody hears of an error."""
        with capturedLogs() as captured:
            self.watch(end())
            self.memory.flush()
        self.assertEqual(channel.state, state)
        self.assert_quiet(captured)
        self.assertEqual(self.errors, [])
        self.assertEqual(
            sum("ended early" in formatEvent(event) for event in captured), 1
        )

    def test_stop(self) -> None:
        """stopService() while a callback waits for its own push."""
        channel = self.working("push")
        self.assert_quiet_end(channel, self.client.stopService, "closed")

    def test_disconnect(self) -> None:
        """disconnect()."""
        channel = self.working("push")
        self.assert_quiet_end(channel, self.client.disconnect, "errored")

    def test_leave(self) -> None:
        """leave()."""
        channel = self.working("push")
        self.assert_quiet_end(channel, channel.leave, "closed")

    def test_kept(self) -> None:
        """disconnect() while the push waits to be sent."""
        channel = self.joined(Working)
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.errors.clear()
        self.server_sends(None, None, TOPIC, "push", {})
        self.assert_quiet_end(channel, self.client.disconnect, "errored")

    def test_push_while_closing(self) -> None:
        """A push that comes too late, before the connection is quite gone."""
        channel = self.joined(Crashing)
        gate: Deferred[None] = Deferred()

        async def push_late(event: str, payload: Any) -> None:
            await gate
            await channel.push("silent")

        channel.handle_in = push_late  # type: ignore[method-assign]
        self.news()

        def end() -> Deferred[None]:
            closed = self.client.disconnect()
            self.assertEqual(channel.state, "joined")
            gate.callback(None)
            return closed

        self.assert_quiet_end(channel, end, "errored")

    def test_hook(self) -> None:
        """A hook that waits for a push is no more at fault."""
        channel = self.joined()

        @channel.on("ask")
        async def ask(payload: Any) -> None:
            await channel.push("silent")

        self.memory.broadcast(TOPIC, "ask", {})
        self.memory.flush()
        self.assert_quiet_end(channel, self.client.stopService, "closed")


class CancelTests(LifeTestCase):
    """What a callback waits for is cancelled."""

    def test_cancelled(self) -> None:
        """Who cancels it means it to end: that is no crash."""
        channel = self.working("push", max_restarts=0)
        with capturedLogs() as captured:
            channel.waits[0].cancel()
        self.assertEqual((channel.state, channel.began), ("joined", 1))
        self.assertEqual(self.errors, [])
        self.assertEqual([event["log_level"] for event in captured], [LogLevel.debug])

    def test_init(self) -> None:
        """But without init there can be no join: there it is a crash like any other."""
        waits: list[Deferred[None]] = []

        class Beginning(Crashing):
            def init(self, params: Any) -> Deferred[None]:
                waits.append(Deferred())
                return waits[-1]

        channel = self.make(Beginning)
        joined = self.watch(channel.join())
        waits[0].cancel()
        self.memory.flush()
        self.assertEqual(len(waits), 2)
        waits[1].callback(None)
        self.memory.flush()
        self.assert_fired(joined, {})
        self.assertEqual(len(self.flushLoggedErrors(CancelledError)), 1)
