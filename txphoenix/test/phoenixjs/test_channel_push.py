"""phoenix.js's channel tests: push and leave."""

from __future__ import annotations

from txphoenix import ChannelClosed, JoinTimeout, PushTimeout

from .support import TOPIC, PhoenixJSTestCase


class PushTests(PhoenixJSTestCase):
    """Pushes and their replies."""

    def test_sends_push_event_when_successfully_joined(self) -> None:
        """C55: a push has topic, event, payload, the join's ref and one of its own."""
        channel = self.joined_channel()
        pushed = self.watch(channel.push("event", {"foo": "bar"}))
        self.memory.flush()
        self.assertEqual(
            self.all_sent()[1], [channel.join_ref, "2", TOPIC, "event", {"foo": "bar"}]
        )
        self.assertNotEqual(channel.join_ref, "2")
        self.assert_waits(pushed)
        self.memory.advance(5.0)

    def test_enqueues_push_event_to_be_sent_once_join_has_succeeded(self) -> None:
        """C56: what is pushed before the join's answer is sent after it."""
        channel = self.connected_client().channel(TOPIC)
        self.memory.answers = False
        self.watch(channel.join())
        pushed = self.watch(channel.push("echo", {"foo": "bar"}))
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join"])
        self.reply(self.joins()[0])
        self.assertEqual(self.events_sent(), ["phx_join", "echo"])
        self.reply(self.all_sent("echo")[0], "ok", {"n": 1})
        self.assert_fired(pushed, {"n": 1})

    def test_does_not_push_if_channel_join_times_out(self) -> None:
        """C57: what waits for a join that times out is never sent, and fails.

        With a first join it fails when that does, with a rejoin in its own time.
        """
        channel = self.connected_client().channel(TOPIC)
        self.memory.answers = False
        joined = self.watch(channel.join())
        first = self.watch(channel.push("first", timeout=30))
        self.memory.advance(5.0)
        self.assert_failed(joined, JoinTimeout)
        self.assert_failed(first, ChannelClosed)
        self.reply(self.joins()[0])
        self.memory.answers = True
        channel = self.joined_channel()
        self.memory.answers = False
        self.crash(self.joins()[-1])
        second = self.watch(channel.push("second", timeout=7))
        self.memory.advance(6.0)
        self.assertEqual(channel.state, "errored")
        self.assert_waits(second)
        self.reply(self.joins()[-1])
        self.memory.advance(1.0)
        self.assert_failed(second, PushTimeout)
        self.memory.answers = True
        self.wait_long()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.all_sent("first") + self.all_sent("second"), [])

    def test_uses_channel_timeout_by_default(self) -> None:
        """C58: a push without an answer fails after the client's timeout of 5 s."""
        channel = self.joined_channel()
        pushed = self.watch(channel.push("silent"))
        self.memory.advance(4.9)
        self.assert_waits(pushed)
        self.memory.advance(0.1)
        error = self.assert_failed(pushed, PushTimeout)
        self.assertIsInstance(error, TimeoutError)
        self.assertEqual((error.timeout, error.status), (5.0, "timeout"))

    def test_accepts_timeout_arg(self) -> None:
        """C59: a push may have a timeout of its own, in seconds, from the call on."""
        channel = self.joined_channel()
        pushed = self.watch(channel.push("silent", timeout=1))
        self.memory.advance(1.0)
        self.assertEqual(self.assert_failed(pushed, PushTimeout).timeout, 1)
        self.crash(self.joins()[0])
        kept = self.watch(channel.push("silent", timeout=3))
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")
        self.memory.advance(1.9)
        self.assert_waits(kept)
        self.memory.advance(0.1)
        self.assert_failed(kept, PushTimeout)

    def test_does_not_time_out_after_receiving_ok(self) -> None:
        """C60: after the answer the timeout is nothing any more."""
        channel = self.joined_channel()
        pushed = self.watch(channel.push("echo", {"n": 1}))
        self.memory.flush()
        self.assert_fired(pushed, {"n": 1})
        self.wait_long()
        self.assert_fired(pushed, {"n": 1})

    def test_throws_if_channel_has_not_been_joined(self) -> None:
        """C61, otherwise: a push on a channel that is closed fails by its Deferred.

        push_async() has none, and raises.
        """
        client = self.connected_client()
        channel = client.channel(TOPIC)
        pushed = self.watch(channel.push("event"))
        self.assert_failed(pushed, ChannelClosed)
        self.assertRaises(ChannelClosed, channel.push_async, "event")
        self.memory.flush()
        self.assertEqual(self.all_sent(), [])


class LeaveTests(PhoenixJSTestCase):
    """Leaving."""

    def test_unsubscribes_from_server_events(self) -> None:
        """C62: a leave has the join's join_ref, a ref of its own, and no payload."""
        channel = self.joined_channel()
        join_ref = channel.join_ref
        self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual(self.leaves(), [[join_ref, "2", TOPIC, "phx_leave", {}]])
        self.assertEqual(self.memory.channels(TOPIC), [])

    def test_closes_channel_on_ok_from_server(self) -> None:
        """C63: that channel is gone, and the others stay."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        other = self.joined_channel("rooms:other", client=client)
        self.watch(channel.leave())
        self.memory.flush()
        self.assertIsNone(client.channels.find(TOPIC))
        self.assertIs(client.channels.find("rooms:other"), other)
        self.assertEqual(other.state, "joined")

    def test_sets_state_to_closed_on_ok_event(self) -> None:
        """C64: the answer closes the channel; the phx_close after it does no harm."""
        channel = self.joined_channel()
        reasons: list[object] = []
        channel.on_close(reasons.append)
        self.memory.answers = False
        left = self.watch(channel.leave())
        self.memory.flush()
        [join_ref, _, topic, *_] = self.joins()[0]
        self.reply(self.leaves()[0])
        self.assertEqual(channel.state, "closed")
        self.server_sends(join_ref, join_ref, topic, "phx_close", {})
        self.assert_fired(left, None)
        self.assertEqual(reasons, ["left"])

    def test_sets_state_to_leaving_initially(self) -> None:
        """C65: until the answer the channel is leaving."""
        channel = self.joined_channel()
        self.memory.answers = False
        left = self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual(channel.state, "leaving")
        self.assert_waits(left)
        self.reply(self.leaves()[0])
        self.assertEqual(channel.state, "closed")

    def test_closes_channel_on_timeout(self) -> None:
        """C66: without an answer the channel is closed when the time is over."""
        channel = self.joined_channel()
        self.memory.answers = False
        left = self.watch(channel.leave())
        self.memory.advance(4.9)
        self.assertEqual(channel.state, "leaving")
        self.memory.advance(0.1)
        self.assertEqual(channel.state, "closed")
        self.assert_fired(left, None)

    def test_accepts_timeout_arg(self) -> None:
        """C67: a leave may have a timeout of its own, in seconds."""
        channel = self.joined_channel()
        self.memory.answers = False
        left = self.watch(channel.leave(timeout=2))
        self.memory.advance(1.9)
        self.assertEqual(channel.state, "leaving")
        self.memory.advance(0.1)
        self.assertEqual(channel.state, "closed")
        self.assert_fired(left, None)
