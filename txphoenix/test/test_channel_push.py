"""Pushing an event: what is sent, when, and how its Deferred ends."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.logger import LogLevel, capturedLogs

from txphoenix.errors import (
    BufferFull,
    ChannelClosed,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    MessageTooLarge,
    NotConnected,
    PushError,
    PushInterrupted,
    PushTimeout,
    SerializerError,
)
from txphoenix.testing import Reply, ServerChannel, ok

from .support import TOPIC, ClientTestCase, Room


class BinaryRoom(ServerChannel):
    """Answers with what it was sent, turned around."""

    def handle_in(self, event: str, payload: Any) -> Reply:
        """Turn bytes around."""
        return ok(bytes(reversed(payload)))


class PushTests(ClientTestCase):
    """A push on a joined channel."""

    server_channels = {"rooms:*": Room, "binary:*": BinaryRoom}

    def test_ok(self) -> None:
        """It is sent at once, with the join_ref and a fresh ref; the reply fires it."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("echo", {"a": 1}))
        self.memory.flush()
        self.assert_fired(outcome, {"a": 1})
        self.assertEqual(self.sent()[-1], ["1", "2", TOPIC, "echo", {"a": 1}])

    def test_payloads(self) -> None:
        """A payload may be any JSON value, null included, and ``{}`` if not given."""
        channel = self.joined_channel()
        payloads: list[Any] = [{}, [], [1, None], "text", 1.5, True, None]
        for payload in payloads:
            outcome = self.watch(channel.push("echo", payload))
            self.memory.flush()
            self.assert_fired(outcome, payload)
        outcome = self.watch(channel.push("echo"))
        self.memory.flush()
        self.assert_fired(outcome, {})

    def test_binary(self) -> None:
        """Bytes go and come in binary frames."""
        channel = self.joined_channel("binary:a")
        outcome = self.watch(channel.push("turn", b"\x00\x01\xff"))
        self.memory.flush()
        self.assert_fired(outcome, b"\xff\x01\x00")

    def test_error(self) -> None:
        """The status ``error`` fails it with what the server said."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("refuse", {"reason": "no", "code": 7}))
        self.memory.flush()
        error = self.assert_failed(outcome, PushError)
        self.assertEqual(error.status, "error")
        self.assertEqual(error.response, {"reason": "no", "code": 7})
        self.assertEqual(
            (error.reason, error.topic, error.event), ("no", TOPIC, "refuse")
        )
        self.assertEqual(channel.state, "joined")

    def test_other_status(self) -> None:
        """So does any other status but ``ok``."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("other", "what"))
        self.memory.flush()
        error = self.assert_failed(outcome, PushError)
        self.assertEqual((error.status, error.response), ("other", "what"))

    def test_malformed_reply(self) -> None:
        """A reply that is none fails it, and shows what came."""
        channel = self.joined_channel()
        payloads: list[Any] = [{"status": "ok"}, [], None, "ok"]
        for number, payload in enumerate(payloads, start=2):
            outcome = self.watch(channel.push("silent"))
            self.memory.flush()
            self.server_sends("1", str(number), TOPIC, "phx_reply", payload)
            error = self.assert_failed(outcome, PushError)
            self.assertEqual((error.status, error.response), ("malformed", payload))

    def test_out_of_order(self) -> None:
        """Replies find their pushes by ref, in whatever order they come."""
        channel = self.joined_channel()
        first = self.watch(channel.push("silent"))
        second = self.watch(channel.push("silent"))
        self.memory.flush()
        self.answer(["1", "3", TOPIC], response="second")
        self.assert_waits(first)
        self.answer(["1", "2", TOPIC], response="first")
        self.assert_fired(second, "second")
        self.assert_fired(first, "first")

    def test_second_reply(self) -> None:
        """A second reply, one to an unknown ref and one without a ref do nothing."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("echo"))
        self.memory.flush()
        for ref in ("2", "99", None):
            self.answer(["1", ref, TOPIC], "error")
        self.assert_fired(outcome, {})
        self.assertEqual(channel.state, "joined")

    def test_timeout(self) -> None:
        """Without a reply it fails after the client's timeout; a late one is moot."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("silent"))
        self.memory.advance(4.9)
        self.assert_waits(outcome)
        self.memory.advance(0.1)
        error = self.assert_failed(outcome, PushTimeout)
        self.assertEqual(
            (error.timeout, error.topic, error.event), (5.0, TOPIC, "silent")
        )
        self.answer(["1", "2", TOPIC])
        self.assertEqual(channel.state, "joined")

    def test_own_timeout(self) -> None:
        """The timeout can be given in the call."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("silent", timeout=0.5))
        self.memory.advance(0.5)
        self.assertEqual(self.assert_failed(outcome, PushTimeout).timeout, 0.5)
        for wrong in (0, "5", float("nan")):
            pushed = self.watch(channel.push("silent", {}, wrong))  # type: ignore[arg-type]
            self.assert_failed(pushed, ConfigurationError)

    def test_reply_in_time(self) -> None:
        """A reply that came leaves nothing that could time out."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("echo"))
        self.memory.flush()
        self.memory.advance(20.0)
        self.assert_fired(outcome, {})

    def test_cancel(self) -> None:
        """Cancelling forgets the reply."""
        channel = self.joined_channel()
        deferred = channel.push("echo")
        outcome = self.watch(deferred)
        deferred.cancel()
        self.assert_failed(outcome, CancelledError)
        self.memory.advance(20.0)
        self.assertEqual(self.events_sent(), ["phx_join", "echo"])

    def test_unsendable(self) -> None:
        """What cannot be encoded fails its own Deferred and nothing else."""
        channel = self.joined_channel()
        error = self.assert_failed(
            self.watch(channel.push("echo", {"a": object()})), SerializerError
        )
        self.assertIn("echo", str(error))
        outcome = self.watch(channel.push("echo"))
        self.memory.flush()
        self.assert_fired(outcome, {})

    def test_too_large(self) -> None:
        """Decision 10: one beyond max_message_size fails before it is sent."""
        channel = self.joined_channel(max_message_size=100)
        outcome = self.watch(channel.push("echo", "x" * 100))
        error = self.assert_failed(outcome, MessageTooLarge)
        self.assertEqual(error.limit, 100)
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_interrupted(self) -> None:
        """Decision 6: one that was sent fails at once when the connection is lost."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("silent"))
        self.memory.flush()
        self.lose_connection()
        error = self.assert_failed(outcome, PushInterrupted)
        self.assertIsInstance(error.cause, ConnectionClosed)
        self.assertEqual((error.topic, error.event), (TOPIC, "silent"))
        self.reconnect()
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_interrupted_by_crash(self) -> None:
        """So does one that the channel's crash on the server leaves unanswered."""
        channel = self.joined_channel()
        outcome = self.watch(channel.push("crash"))
        self.memory.flush()
        error = self.assert_failed(outcome, PushInterrupted)
        self.assertIsInstance(error.cause, ChannelClosed)


class KeptPushTests(ClientTestCase):
    """A push that is kept until the channel is joined."""

    def test_before_the_join(self) -> None:
        """They are sent in order after the join, before its Deferred fires."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        order: list[str] = []
        channel.join().addCallback(lambda _: channel.push_async("after"))
        outcomes = [self.watch(channel.push("echo", {"n": n})) for n in range(3)]
        for outcome in outcomes:
            outcome.deferred.addCallback(lambda _: order.append("push"))
        self.memory.flush()
        for number, outcome in enumerate(outcomes):
            self.assert_fired(outcome, {"n": number})
        self.assertEqual(
            self.sent()[1:],
            [["1", str(n + 2), TOPIC, "echo", {"n": n}] for n in range(3)]
            + [["1", "5", TOPIC, "after", {}]],
        )

    def test_across_a_reconnect(self) -> None:
        """Decision 6: one not yet sent waits for the rejoin, with its new join_ref."""
        channel = self.joined_channel()
        self.lose_connection()
        outcome = self.watch(channel.push("echo", {"a": 1}))
        self.memory.advance(0.4)
        self.assert_waits(outcome)
        self.reconnect()
        self.assert_fired(outcome, {"a": 1})
        self.assertEqual(self.sent()[-1], ["2", "3", TOPIC, "echo", {"a": 1}])

    def test_while_the_connection_closes(self) -> None:
        """So does one that is made while the connection closes."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.assertEqual(channel.state, "joined")
        outcome = self.watch(channel.push("echo"))
        self.memory.flush()
        self.assert_fired(done, None)
        self.assert_fired(outcome, {})
        self.assertEqual(self.events_sent(0), ["phx_join"])

    def test_timeout(self) -> None:
        """Decision 6: its time runs from the call; when it is over it is never sent."""
        channel = self.joined_channel()
        self.memory.is_listening = False
        self.lose_connection()
        early = self.watch(channel.push("echo", {"n": 1}, timeout=2.0))
        late = self.watch(channel.push("echo", {"n": 2}, timeout=4.0))
        self.memory.advance(2.0)
        self.assert_failed(early, PushTimeout)
        self.assert_waits(late)
        self.memory.is_listening = True
        self.reconnect()
        self.assert_fired(late, {"n": 2})
        self.assertEqual(self.events_sent(), ["phx_join", "echo"])

    def test_time_goes_on_after_it_is_sent(self) -> None:
        """What is left of its time is for the reply."""
        channel = self.joined_channel()
        self.lose_connection()
        outcome = self.watch(channel.push("silent", timeout=2.0))
        self.reconnect()
        self.memory.advance(1.4)
        self.assert_waits(outcome)
        self.memory.advance(0.1)
        self.assert_failed(outcome, PushTimeout)

    def test_cancel(self) -> None:
        """Cancelled, it is never sent."""
        channel = self.joined_channel()
        self.lose_connection()
        deferred = channel.push("echo")
        outcome = self.watch(deferred)
        deferred.cancel()
        self.assert_failed(outcome, CancelledError)
        self.reconnect()
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_unsendable(self) -> None:
        """What cannot be encoded fails when it would be sent; the others are sent."""
        channel = self.joined_channel()
        self.lose_connection()
        before = self.watch(channel.push("echo", 1))
        outcome = self.watch(channel.push("echo", {"a": object()}))
        after = self.watch(channel.push("echo", 2))
        self.reconnect()
        self.assert_failed(outcome, SerializerError)
        self.assert_fired(before, 1)
        self.assert_fired(after, 2)

    def test_full(self) -> None:
        """Decision 10: beyond push_buffer a push fails with BufferFull."""
        channel = self.joined_channel(push_buffer=2)
        self.lose_connection()
        kept = [self.watch(channel.push("echo", n)) for n in range(2)]
        error = self.assert_failed(self.watch(channel.push("echo", 2)), BufferFull)
        self.assertEqual((error.limit, error.topic, error.event), (2, TOPIC, "echo"))
        self.reconnect()
        for number, outcome in enumerate(kept):
            self.assert_fired(outcome, number)

    def test_refused_join(self) -> None:
        """A refused first join fails what was kept for it."""
        client = self.connected_client()
        self.memory.refusal = {}
        channel = client.channel(TOPIC)
        self.watch(channel.join())
        outcome = self.watch(channel.push("echo"))
        self.memory.flush()
        self.assertIs(self.assert_failed(outcome, ChannelClosed).was_sent, False)

    def test_ends_of_the_channel(self) -> None:
        """Where the channel ends, each is told whether it was sent."""
        for end, reason in (
            (lambda channel: channel.leave(), "left"),
            (lambda channel: channel.stop(), "stopped"),
            (lambda _: self.memory.channels(TOPIC)[0].stop(), "closed"),
        ):
            client = self.connected_client()
            channel = self.joined_channel(client=client)
            sent = self.watch(channel.push("silent"))
            end(channel)
            self.memory.flush()
            error = self.assert_failed(sent, ChannelClosed)
            self.assertEqual((error.reason, error.was_sent), (reason, True))
            self.watch(channel.join())
            kept = self.watch(channel.push("silent"))
            self.watch(channel.leave())
            error = self.assert_failed(kept, ChannelClosed)
            self.assertEqual((error.reason, error.was_sent), ("left", False))
            self.stop_client(client)

    def test_given_up(self) -> None:
        """Where there will be no other connection it fails with the last error."""
        channel = self.joined_channel(
            should_reconnect=lambda error: isinstance(error, ConnectionClosed)
        )
        self.memory.is_listening = False
        self.lose_connection()
        outcome = self.watch(channel.push("echo"))
        self.memory.advance(0.5)
        self.assert_failed(outcome, ConnectionFailed)
        self.assert_failed(self.watch(channel.push("echo")), NotConnected)


class NoPushTests(ClientTestCase):
    """Where a push is neither sent nor kept."""

    def test_closed(self) -> None:
        """A channel that was never joined, or has closed, takes none."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        error = self.assert_failed(self.watch(channel.push("echo")), ChannelClosed)
        self.assertIn("not joined, but closed", str(error))
        self.assertRaises(ChannelClosed, channel.push_async, "echo")

    def test_leaving(self) -> None:
        """Nor does one that is leaving."""
        channel = self.joined_channel()
        self.watch(channel.leave())
        self.assert_failed(self.watch(channel.push("echo")), ChannelClosed)
        self.assertRaises(ChannelClosed, channel.push_async, "echo")

    def test_disconnected(self) -> None:
        """Nor does any after disconnect(); what was kept fails."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.lose_connection()
        kept = self.watch(channel.push("echo"))
        self.watch(client.disconnect())
        self.assert_failed(kept, NotConnected)
        self.assert_failed(self.watch(channel.push("echo")), NotConnected)
        self.assertRaises(NotConnected, channel.push_async, "echo")

    def test_disconnected_before_joined(self) -> None:
        """What was kept for a first join fails likewise."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        self.watch(channel.join())
        kept = self.watch(channel.push("echo"))
        self.watch(client.disconnect())
        self.assert_failed(kept, NotConnected)


class PushAsyncTests(ClientTestCase):
    """A push without a reply."""

    def test_sent(self) -> None:
        """It is sent at once, and its reply is dropped."""
        channel = self.joined_channel()
        channel.push_async("echo", {"a": 1})
        channel.push_async("echo")
        channel.push_async("echo", None)
        self.memory.flush()
        self.assertEqual(
            self.sent()[1:],
            [
                ["1", "2", TOPIC, "echo", {"a": 1}],
                ["1", "3", TOPIC, "echo", {}],
                ["1", "4", TOPIC, "echo", None],
            ],
        )

    def test_unsendable(self) -> None:
        """What cannot be encoded is raised."""
        channel = self.joined_channel()
        self.assertRaises(SerializerError, channel.push_async, "echo", object())

    def test_kept(self) -> None:
        """It is kept as a push is, in order with it."""
        channel = self.joined_channel()
        self.lose_connection()
        first = self.watch(channel.push("echo", 1))
        channel.push_async("echo", 2)
        third = self.watch(channel.push("echo", 3))
        self.reconnect()
        self.assert_fired(first, 1)
        self.assert_fired(third, 3)
        self.assertEqual([it[4] for it in self.sent()[1:]], [1, 2, 3])

    def test_full(self) -> None:
        """Decision 10: beyond push_buffer, BufferFull is raised."""
        channel = self.joined_channel(push_buffer=0)
        self.lose_connection()
        self.assertRaises(BufferFull, channel.push_async, "echo")

    def assert_dropped(self, captured: Any, reason: str) -> None:
        """The log says that a push was never sent."""
        [text] = [
            each["log_format"].format(**each)
            for each in captured
            if each["log_level"] is LogLevel.warn and "never" in each["log_format"]
        ]
        self.assertTrue(text.startswith(f"{TOPIC}: echo was never sent: "), text)
        self.assertIn(reason, text)

    def test_timeout(self) -> None:
        """Decision 10: one that could not be sent in time is dropped, and logged."""
        channel = self.joined_channel()
        self.memory.is_listening = False
        self.lose_connection()
        channel.push_async("echo")
        with capturedLogs() as captured:
            self.memory.advance(5.0)
        self.assert_dropped(captured, "within 5 s")

    def test_left(self) -> None:
        """So is one whose channel is left before."""
        channel = self.joined_channel()
        self.lose_connection()
        channel.push_async("echo")
        with capturedLogs() as captured:
            self.watch(channel.leave())
        self.assert_dropped(captured, "left")

    def test_kept_unsendable(self) -> None:
        """So is one that is kept and cannot be encoded."""
        channel = self.joined_channel()
        self.lose_connection()
        channel.push_async("echo", object())
        with capturedLogs() as captured:
            self.reconnect()
        self.assert_dropped(captured, "object")
