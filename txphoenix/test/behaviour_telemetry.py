"""What telemetry is told, whatever carries a client's frames."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from txphoenix import (
    BufferFull,
    Channel,
    ChannelClosed,
    ConfigurationError,
    Message,
    MessageTooLarge,
    NotConnected,
    PushInterrupted,
    PushTimeout,
    SerializerError,
    telemetry,
)

from .behaviour import ECHO, BehaviourCase

__all__ = ["TelemetryMixin"]


class TelemetryMixin(BehaviourCase):
    """Each push ends with one event, and messages are counted as they are told of."""

    def setUp(self) -> None:
        """Note what is told of pushes, of what is dropped, and of messages."""
        super().setUp()
        self.ends: list[Any] = []
        self.dropped: list[Any] = []
        self.counted = {(kind, way): [0, 0] for kind in ("m", "t") for way in "sr"}
        for name, handler in (
            (telemetry.PUSH, self.take_end),
            (telemetry.CHANNEL, self.take_dropped),
            (telemetry.MESSAGE, self.count),
            (telemetry.TRAFFIC, self.count),
        ):
            telemetry.attach(handler_id(name), name, handler)
            self.addCleanup(telemetry.detach, handler_id(name))

    def take_end(self, _: Any, measured: Any, told: Any, __: Any) -> None:
        """Note the end of a push."""
        self.assertGreaterEqual(measured["duration"], 0.0)
        end = told.get("status") or type(told["error"])
        self.ends.append((told["event"], told["action"], end))
        self.durations = [*getattr(self, "durations", []), measured["duration"]]

    def take_dropped(self, _: Any, measured: Any, told: Any, __: Any) -> None:
        """Note what was dropped."""
        if told["action"] == "dropped":
            self.dropped.append((told["topic"], measured["count"], told["reason"]))

    def count(self, name: Any, measured: Any, told: Any, __: Any) -> None:
        """Count messages, by the events of each and by those of all in a turn."""
        counted = self.counted[name[-1][0], told["action"][0]]
        counted[0] += measured["count"]
        counted[1] += measured["size"]

    def assert_ended(self, *expected: Any) -> None:
        """These pushes have ended since this was asked last, in this order."""
        ends, self.ends = self.ends, []
        self.assertEqual(ends, list(expected))

    def assert_counted(self) -> None:
        """Messages were counted as they were told of, both ways."""
        self.memory.advance(0)
        for way in "sr":
            self.assertEqual(self.counted["t", way], self.counted["m", way])
            self.assertGreater(self.counted["t", way][0], 0)

    def fails(self, deferred: Deferred[Any], kind: type[BaseException]) -> None:
        """A Deferred fails with an error of that class."""
        self.assertIs(type(self.answered(deferred)), kind)

    def joined_here(self, **options: Any) -> Channel:
        """A channel, once what its join was told of is forgotten."""
        _, channel = self.joined(**options)
        return channel

    # -- The tests ----------------------------------------------------------------

    def test_replies(self) -> None:
        """A push that is answered is told of with its status, whatever that is."""
        channel = self.joined_here()
        for event, payload in (
            ("echo", {"a": 1}),
            ("echo_error", {"reason": "no"}),
            ("reply_status", {"status": "other", "response": {}}),
        ):
            self.answered(channel.push(event, payload))
        self.assert_ended(
            ("echo", "replied", "ok"),
            ("echo_error", "replied", "error"),
            ("reply_status", "replied", "other"),
        )
        self.answered(channel.push("reply_twice", {}))
        self.memory.flush()
        self.assert_ended(("reply_twice", "replied", "ok"))
        self.assert_counted()

    def test_no_reply(self) -> None:
        """A push that is not answered in time, or given up, is told of once."""
        channel = self.joined_here()
        self.fails(channel.push("noreply", {}, timeout=2.0), PushTimeout)
        self.assertAlmostEqual(self.durations[-1], 2.0)
        cancelled = self.watch(channel.push("noreply", {}))
        self.memory.advance(0.5)
        cancelled.deferred.cancel()
        self.assertAlmostEqual(self.durations[-1], 0.5)
        self.assert_ended(
            ("noreply", "failed", PushTimeout), ("noreply", "failed", CancelledError)
        )
        self.assert_counted()

    def test_refused_at_once(self) -> None:
        """A push that is none is told of, also where the Deferred fails at once."""
        channel = self.joined_here(max_message_size=10_000)
        wrong: Any = object()
        self.fails(channel.push("echo", wrong), SerializerError)
        self.fails(channel.push("echo", "x" * 10_001), MessageTooLarge)
        self.fails(channel.push("phx_leave", {}), ConfigurationError)
        self.fails(channel.push("echo", {}, timeout=-1.0), ConfigurationError)
        self.assertRaises(ConfigurationError, channel.push_async, "phx_leave", {})
        self.assertRaises(SerializerError, channel.push_async, "echo", wrong)
        self.assert_ended(
            ("echo", "failed", SerializerError),
            ("echo", "failed", MessageTooLarge),
            ("phx_leave", "failed", ConfigurationError),
            ("echo", "failed", ConfigurationError),
            ("phx_leave", "failed", ConfigurationError),
            ("echo", "failed", SerializerError),
        )
        self.assert_counted()

    def test_outage(self) -> None:
        """What is interrupted, kept, too much, expired or dropped is told of once."""
        channel = self.joined_here(push_buffer=2, timeout=3.0)
        pushes = [channel.push("noreply", {})]
        self.memory.refuse(503)
        self.memory.drop()
        self.wait_until(lambda: channel.state == "errored")
        self.assert_ended(("noreply", "failed", PushInterrupted))
        channel.push_async("ok", {})
        pushes += [channel.push("echo", {}), channel.push("too_many", {})]
        self.assert_ended(("too_many", "failed", BufferFull))
        outcomes = [self.watch(each) for each in pushes]
        self.memory.advance(3.0)
        self.assert_ended(
            ("ok", "failed", PushTimeout), ("echo", "failed", PushTimeout)
        )
        self.assertEqual(self.dropped, [(ECHO, 1, "unsent")])
        self.assertTrue(all(each.fired for each in outcomes))
        kept = channel.push("echo", {}, timeout=60.0)
        channel.push_async("ok", {})
        self.memory.refuse(None)
        self.answered(kept)
        self.assert_ended(("echo", "replied", "ok"))
        self.assertGreater(self.durations[-1], 0.0)
        self.assert_counted()

    def test_leave(self) -> None:
        """A leave ends pushes, and a reply that is late ends none of them again."""
        channel = self.joined_here()
        slow = self.watch(channel.push("slow", {"ms": 100}))
        leaving = self.watch(channel.leave())
        self.assert_ended(("slow", "failed", ChannelClosed))
        self.wait_until(lambda: leaving.fired)
        self.memory.advance(1.0)
        self.assert_failed(slow, ChannelClosed)
        self.fails(channel.push("echo", {}), ChannelClosed)
        self.assertRaises(ChannelClosed, channel.push_async, "echo", {})
        self.assert_ended(*[("echo", "failed", ChannelClosed)] * 2)
        self.assert_counted()

    def test_disconnect(self) -> None:
        """A disconnect ends what waits, and what follows it is refused."""
        client, channel = self.joined()
        waiting = channel.push("noreply", {})
        self.answered(client.disconnect())
        self.fails(waiting, PushInterrupted)
        self.fails(channel.push("echo", {}), NotConnected)
        self.assert_ended(
            ("noreply", "failed", PushInterrupted), ("echo", "failed", NotConnected)
        )
        self.assert_counted()

    def test_crash_on_the_server(self) -> None:
        """A crash of the channel on the server interrupts its pushes."""
        channel = self.joined_here()
        self.fails(channel.push("crash", {}), PushInterrupted)
        self.assert_ended(("crash", "failed", PushInterrupted))
        self.wait_until(lambda: channel.state == "joined")
        self.assert_counted()

    def test_messages_of_the_client(self) -> None:
        """A message of the client's is told of if it is refused or dropped."""
        client, _ = self.joined(send_buffer=1)
        sent = Message(None, None, ECHO, "ok", {})
        client.push(sent)
        self.memory.refuse(503)
        self.memory.drop()
        self.wait_until(lambda: not client.connected)
        client.push(sent._replace(event="kept"))
        self.assertRaises(BufferFull, client.push, sent._replace(event="too_many"))
        self.memory.advance(1.5)
        self.assert_ended(("too_many", "failed", BufferFull))
        client.disconnect()
        self.assertAlmostEqual(self.durations[-1], 1.5)
        self.assertRaises(NotConnected, client.push, sent)
        self.assert_ended(
            ("kept", "failed", NotConnected), ("ok", "failed", NotConnected)
        )
        self.assertEqual(self.dropped, [(ECHO, 1, "unsent")])
        self.memory.flush()
        self.assert_counted()


def handler_id(name: telemetry.EventName) -> str:
    """What the handler of a name is attached as."""
    return f"test of {name[-1]}"
