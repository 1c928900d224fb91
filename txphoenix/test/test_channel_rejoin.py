"""Joining again: after a lost connection, a crash on the server, a failed rejoin."""

from __future__ import annotations

import json
from typing import Any

from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix.channels.channel import Channel, keep_trying
from txphoenix.errors import (
    ChannelClosed,
    ConnectionClosed,
    JoinError,
    JoinTimeout,
    PushError,
    PushInterrupted,
)
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase


class RejoinTestCase(ClientTestCase):
    """A joined channel, and the errors that it reports."""

    def setUp(self) -> None:
        """Count the attempts that the backoff is asked for."""
        super().setUp()
        self.attempts: list[int] = []
        self.errors: list[BaseException] = []

    def backoff(self, attempt: int) -> float:
        """Wait one second, then two, and so on."""
        self.attempts.append(attempt)
        return attempt + 1.0

    def channel_to_rejoin(self, **options: Any) -> Channel:
        """A joined channel that reports."""
        options.setdefault("rejoin_backoff", self.backoff)
        channel_class = options.pop("channel_class", None)
        params = options.pop("params", None)
        self.client = self.connected_client(**options)
        channel = self.joined_channel(TOPIC, params, channel_class, self.client)
        channel.on_error(self.errors.append)
        return channel

    def assert_errors(self, *kinds: type[BaseException]) -> None:
        """These errors were reported, and no other."""
        self.assertEqual([type(error) for error in self.errors], list(kinds))


class ReconnectTests(RejoinTestCase):
    """After each reconnect the channel joins again."""

    def test_reconnect(self) -> None:
        """It joins at once with a fresh ref and the same params, and says why."""
        channel = self.channel_to_rejoin(params={"a": 1})
        self.lose_connection()
        self.assertEqual(channel.state, "errored")
        self.assertIsNone(channel.join_ref)
        self.assert_errors(ConnectionClosed)
        self.reconnect()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.sent(), [["2", "2", TOPIC, "phx_join", {"a": 1}]])
        self.assertEqual(self.attempts, [])

    def test_all(self) -> None:
        """All channels of the client do, and those that are closed do not."""
        client = self.connected_client()
        for name in ("a", "b", "c"):
            self.joined_channel(f"rooms:{name}", client=client)
        self.watch(client.leave("rooms:b"))
        self.memory.flush()
        self.lose_connection()
        self.reconnect()
        self.assertEqual([it[2] for it in self.sent()], ["rooms:a", "rooms:c"])

    def test_disconnect(self) -> None:
        """After disconnect() it waits for connect(), and joins again by itself."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.watch(client.disconnect())
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "errored")
        client.connect()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")

    def test_restarted_client(self) -> None:
        """After stopService() it is closed; a client started again can join it."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.stop_client(client)
        self.assertEqual(channel.state, "closed")
        client.startService()
        self.memory.flush()
        self.assertEqual((channel.state, client.connected), ("closed", True))
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(outcome, {})

    def test_lost_while_rejoining(self) -> None:
        """A connection that is lost during the rejoin is followed by another join."""
        channel = self.channel_to_rejoin()
        self.memory.answers = False
        for _ in range(3):
            self.lose_connection()
            self.reconnect()
            self.assertEqual(channel.state, "joining")
        self.assert_errors(*[ConnectionClosed] * 3)
        self.answer(self.sent()[-1])
        self.assertEqual(channel.state, "joined")


class CrashOnServerTests(RejoinTestCase):
    """After a crash on the server the channel joins again, with rejoin_backoff."""

    def test_crash(self) -> None:
        """It waits for the delay, joins, and reports what the server said."""
        channel = self.channel_to_rejoin()
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(channel.state, "errored")
        [error] = self.errors
        assert isinstance(error, ChannelClosed)
        self.assertEqual(error.reason, {"reason": "channel_crash"})
        self.memory.advance(0.9)
        self.assertEqual(channel.state, "errored")
        self.memory.advance(0.1)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.attempts, [0])

    def test_delays_begin_anew(self) -> None:
        """Decision 7: delays grow with each rejoin, until one has lasted."""
        channel = self.channel_to_rejoin()
        self.memory.refusal = {"reason": "later"}
        self.memory.kill_channel(TOPIC)
        self.memory.advance(1.0 + 2.0 + 3.0)
        self.assertEqual(self.attempts, [0, 1, 2, 3])
        self.assert_errors(ChannelClosed, JoinError, JoinError, JoinError)
        self.memory.refusal = None
        self.memory.advance(4.0)
        self.assertEqual(channel.state, "joined")
        self.memory.kill_channel(TOPIC)
        self.memory.advance(5.0)
        self.assertEqual((channel.state, self.attempts), ("joined", [0, 1, 2, 3, 4]))
        self.memory.advance(10.0)
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(self.attempts, [0, 1, 2, 3, 4, 0])

    def test_crash_while_rejoining(self) -> None:
        """A ``phx_error`` during the rejoin is one more failed rejoin."""
        channel = self.channel_to_rejoin()
        self.memory.answers = False
        self.lose_connection()
        self.reconnect()
        ref = channel.join_ref
        self.server_sends(ref, ref, TOPIC, "phx_error", {"reason": "dead"})
        self.assertEqual(channel.state, "errored")
        error = self.errors[-1]
        assert isinstance(error, JoinError)
        self.assertEqual(error.reason, "dead")

    def test_one_rejoin_at_a_time(self) -> None:
        """Late replies and a second ``phx_error`` plan no second rejoin."""
        channel = self.channel_to_rejoin()
        self.memory.answers = False
        self.server_sends("1", "1", TOPIC, "phx_error", {})
        self.server_sends("1", "1", TOPIC, "phx_error", {})
        self.server_sends(None, None, TOPIC, "phx_error", {})
        self.answer(["1", "1", TOPIC], "error")
        self.assertEqual(self.attempts, [0])
        self.memory.advance(1.0)
        self.answer(self.sent()[-1])
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent().count("phx_join"), 2)
        self.assert_errors(ChannelClosed)

    def test_unmatched_topic(self) -> None:
        """A server that does not hold the topic joined says so to a push.

        That push fails with it, others with PushInterrupted, and the channel rejoins.
        """
        channel = self.channel_to_rejoin()
        self.memory.answers = False
        other = self.watch(channel.push("silent"))
        outcome = self.watch(channel.push("echo"))
        self.memory.flush()
        states: list[str] = []
        outcome.deferred.addCallback(lambda _: states.append(channel.state))
        self.server_sends(
            None,
            "3",
            TOPIC,
            "phx_reply",
            {"status": "error", "response": {"reason": "unmatched topic"}},
        )
        error = self.assert_failed(outcome, PushError)
        self.assertEqual(error.reason, "unmatched topic")
        self.assertIs(self.assert_failed(other, PushInterrupted).cause, error)
        self.assertEqual(self.errors, [error])
        self.assertEqual(channel.state, "errored")
        self.memory.answers = True
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")

    def test_other_reply_without_join_ref(self) -> None:
        """Any other error in a reply without join_ref is the push's alone."""
        channel = self.channel_to_rejoin()
        self.memory.answers = False
        outcome = self.watch(channel.push("echo"))
        self.memory.flush()
        self.server_sends(
            None, "2", TOPIC, "phx_reply", {"status": "error", "response": {}}
        )
        self.assert_failed(outcome, PushError)
        self.assertEqual(channel.state, "joined")


class FailedRejoinTests(RejoinTestCase):
    """A rejoin that fails is tried again."""

    def test_refused(self) -> None:
        """Decision 7: a refused rejoin is reported, and retried."""
        channel = self.channel_to_rejoin()
        self.memory.refusal = {"reason": "full"}
        self.lose_connection()
        self.reconnect()
        self.assertEqual(channel.state, "errored")
        self.assert_errors(ConnectionClosed, JoinError)
        error = self.errors[-1]
        assert isinstance(error, JoinError)
        self.assertEqual(error.response, {"reason": "full"})
        self.memory.refusal = None
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")

    def test_log(self) -> None:
        """Decision 7: the log has the first no after each loss, and not the others."""
        channel = self.channel_to_rejoin()
        self.memory.refusal = {"reason": "full"}
        for lose in (self.lose_connection, lambda: self.memory.kill_channel(TOPIC)):
            with capturedLogs() as captured:
                lose()
                self.memory.advance(60.0)
            warnings = [
                formatEvent(event)
                for event in captured
                if event["log_level"] is LogLevel.warn
                # Beside those of the connection.
                and event["log_namespace"] == "txphoenix.channels"
            ]
            self.assertEqual(len(warnings), 1)
            self.assertIn(f"join of '{TOPIC}' refused: 'full'", warnings[0])
            self.memory.refusal, refusal = None, self.memory.refusal
            self.memory.advance(60.0)
            self.assertEqual(channel.state, "joined")
            self.memory.refusal = refusal

    def test_timeout(self) -> None:
        """Decision 7: so is one without an answer, after a leave of its join.

        The leave must not end the next join.
        """
        channel = self.channel_to_rejoin()
        self.memory.answers = False
        self.lose_connection()
        self.reconnect()
        self.memory.advance(5.0)
        self.assertEqual(channel.state, "errored")
        self.assert_errors(ConnectionClosed, JoinTimeout)
        self.assertEqual(self.sent()[-1], ["2", "3", TOPIC, "phx_leave", {}])
        self.memory.advance(1.0)
        self.assertEqual(self.sent()[-1], ["4", "4", TOPIC, "phx_join", {}])
        # The answers to the old join and its leave come after the new join.
        self.answer(["2", "2", TOPIC])
        self.answer(["2", "3", TOPIC])
        self.server_sends("2", "2", TOPIC, "phx_close", {})
        self.assertEqual(channel.state, "joining")
        self.answer(["4", "4", TOPIC])
        self.assertEqual(channel.state, "joined")

    def test_while_connection_closes(self) -> None:
        """A rejoin that falls due while the connection closes comes with the next."""
        channel = self.channel_to_rejoin()
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.memory.is_stalled = True
        self.watch(self.client.reconfigure(params={"a": "1"}))
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "errored")
        self.memory.is_stalled = False
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(0), ["phx_join"])
        self.assertEqual(self.events_sent(1), ["phx_join"])

    def test_joined_while_connection_closes(self) -> None:
        """A join that is answered while the connection closes sends nothing any more.

        What was kept for it goes out after the rejoin.
        """
        client = self.connected_client()
        channel = client.channel(TOPIC)
        self.memory.answers = False
        joined = self.watch(channel.join())
        kept = self.watch(channel.push("echo", {"a": 1}))
        self.memory.flush()
        self.memory.is_stalled = True
        self.answer(self.sent()[-1])
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.answers = True
        self.memory.is_stalled = False
        self.memory.flush()
        self.assert_fired(done, None)
        self.assert_fired(joined, {})
        self.assert_fired(kept, {"a": 1})
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(0), ["phx_join"])
        self.assertEqual(self.events_sent(1), ["phx_join", "echo"])


class PermanentTests(RejoinTestCase):
    """What a server's close does."""

    def test_transient(self) -> None:
        """A close by the server is the end of a channel."""
        channel = self.channel_to_rejoin()
        self.watch(channel.push("stop"))
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.errors, [])

    def test_permanent(self) -> None:
        """Decision 8: a permanent one joins again, as after a crash."""

        class Permanent(Channel):
            restart = "permanent"

        channel = self.channel_to_rejoin(channel_class=Permanent)
        self.watch(channel.push("stop"))
        self.memory.flush()
        self.assertEqual(channel.state, "errored")
        self.assert_errors(ChannelClosed)
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")

    def test_permanent_refused(self) -> None:
        """A first join that the server closes is final even so."""

        class Permanent(Channel):
            restart = "permanent"

        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC, None, Permanent)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.server_sends("1", "1", TOPIC, "phx_close", {})
        self.assert_failed(outcome, ChannelClosed)
        self.assertEqual(channel.state, "closed")


class KeepTryingTests(RejoinTestCase):
    """A channel that the client joins by itself, as ``join_channels`` has it do."""

    def test_refused(self) -> None:
        """It is asked for again until it is taken; who waits hears of the first no."""
        client = self.connected_client()
        self.memory.refusal = {"reason": "not yet"}
        channel = client.channel(TOPIC)
        keep_trying(channel)
        channel.on_error(self.errors.append)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_failed(outcome, JoinError)
        self.assertEqual(channel.state, "errored")
        self.memory.advance(1.0)
        self.assert_errors(JoinError, JoinError)
        self.memory.refusal = None
        self.memory.advance(2.0)
        self.assertEqual(channel.state, "joined")

    def test_disconnect(self) -> None:
        """A disconnect() is no failure of it: it joins after connect()."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        keep_trying(channel)
        channel.on_error(self.errors.append)
        outcome = self.watch(channel.join())
        self.watch(client.disconnect())
        self.assert_waits(outcome)
        self.assertEqual(channel.state, "joining")
        self.memory.holds_connections = False
        client.connect()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual((outcome.fired, self.errors), ([{}], []))


def v1_end(event: str, ref: str | None) -> bytes:
    """The end of a channel in version 1 of the wire format."""
    message: dict[str, Any] = {
        "topic": TOPIC,
        "event": event,
        "payload": {},
        "ref": ref,
    }
    return json.dumps(message).encode()


class FirstVersionTests(RejoinTestCase):
    """Version 1 of the wire format: no message of the server has a join_ref."""

    def setUp(self) -> None:
        """Be warned: it is deprecated."""
        super().setUp()
        self.channel = self.channel_to_rejoin(vsn="1.0.0")
        self.flushWarnings()

    def test_crash(self) -> None:
        """A crash is seen by the ref, which is that of the join."""
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(self.channel.state, "errored")
        self.memory.advance(1.0)
        self.assertEqual(self.channel.state, "joined")

    def test_close_of_earlier_join(self) -> None:
        """The end of an earlier join does not end the next."""
        self.memory.answers = False
        self.memory.sessions[-1].send_frame(v1_end("phx_error", "1"), False)
        self.memory.flush()
        self.memory.advance(1.0)
        self.memory.sessions[-1].send_frame(v1_end("phx_close", "1"), False)
        self.memory.sessions[-1].send_frame(v1_end("phx_error", "1"), False)
        self.memory.flush()
        self.assertEqual(self.channel.state, "joining")
        self.assertEqual(self.client.state.stale_messages, 2)
        ref = self.channel.join_ref
        assert ref is not None
        self.memory.sessions[-1].send_frame(v1_end("phx_close", ref), False)
        self.memory.flush()
        self.assertEqual(self.channel.state, "closed")

    def test_join_ref(self) -> None:
        """Every message of a channel has its join_ref, in each of its joins.

        Phoenix 1.8.3 to 1.8.11 drop a push without it, silently.
        """
        self.watch(self.channel.push("echo"))
        self.channel.push_async("silent")
        self.client.push(Message(None, None, TOPIC, "silent", {}))
        self.memory.flush()
        self.lose_connection()
        self.watch(self.channel.push("echo"))
        self.reconnect()
        self.watch(self.channel.leave())
        self.memory.flush()
        seen: list[list[Any]] = []
        for session in self.memory.sessions:
            sent = [json.loads(it.data) for it in session.frames if not it.is_sent]
            refs = {it["ref"] for it in sent if it["event"] == "phx_join"}
            seen.append([it["event"] for it in sent if it["topic"] == TOPIC])
            self.assertEqual({it.get("join_ref") for it in sent}, refs)
        self.assertEqual(seen[0], ["phx_join", "echo", "silent", "silent"])
        self.assertEqual(seen[1], ["phx_join", "echo", "phx_leave"])

    def test_without_ref(self) -> None:
        """An end without a ref is that of the join there is."""
        self.memory.sessions[-1].send_frame(v1_end("phx_error", None), False)
        self.memory.flush()
        self.assertEqual(self.channel.state, "errored")
