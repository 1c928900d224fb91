"""phoenix.js's channel tests: errors, closes, messages and the hooks for them."""

from __future__ import annotations

from typing import Any

from txphoenix import Channel, ChannelClosed, PushTimeout

from .support import TOPIC, PhoenixJSTestCase


class Recorder(Channel):
    """A channel that remembers what came, and how it ended."""

    def init(self, params: Any) -> None:
        """Begin with nothing."""
        self.messages: list[tuple[str, Any]] = []
        self.ends: list[object] = []

    def handle_in(self, event: str, payload: Any) -> None:
        """Remember the message."""
        self.messages.append((event, payload))

    def handle_close(self, reason: object) -> None:
        """Remember the end."""
        self.ends.append(reason)


class OnErrorTests(PhoenixJSTestCase):
    """The channel crashes on the server, or the connection is lost."""

    def test_sets_state_to_errored(self) -> None:
        """C37: a phx_error leaves the channel errored."""
        channel = self.joined_channel()
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(channel.state, "errored")

    def test_does_not_trigger_redundant_errors_during_backoff(self) -> None:
        """C38: whatever comes late, there is one rejoin at a time."""
        client = self.connected_client(timeout=30.0)
        channel = self.joined_channel(client=client)
        self.memory.answers = False
        [join] = self.joins()
        self.crash(join)
        # It is stale now, for the channel has no join any more.
        self.crash(join)
        self.memory.advance(1.0)
        self.assertEqual(len(self.joins()), 2)
        rejoin = self.joins()[1]
        self.crash(join)
        self.reply([rejoin[0], "999", TOPIC], "error", {"reason": "late"})
        self.memory.advance(10.0)
        self.assertEqual(channel.state, "joining")
        self.assertEqual(len(self.joins()), 2)
        self.reply(rejoin)
        self.assertEqual(channel.state, "joined")

    def test_does_not_rejoin_if_channel_leaving(self) -> None:
        """C39: a channel that is leaving does not come back.

        Otherwise: the lost connection ends the leave.
        """
        channel = self.joined_channel()
        self.memory.answers = False
        left = self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual(channel.state, "leaving")
        self.lose_connection()
        self.assertEqual(channel.state, "closed")
        self.assert_fired(left, None)
        self.memory.answers = True
        self.reconnect()
        self.wait_long()
        self.assertEqual(self.events_sent().count("phx_join"), 0)

    def test_does_not_rejoin_if_channel_closed(self) -> None:
        """C40: nor does one that is closed."""
        channel = self.joined_channel()
        self.watch(channel.leave())
        self.memory.flush()
        self.lose_connection()
        self.reconnect()
        self.wait_long()
        self.assertEqual(channel.state, "closed")
        self.assertEqual(len(self.joins()), 1)

    def test_triggers_additional_callbacks_after_join(self) -> None:
        """C41: a hook of on_error is called once, with what the server said."""
        channel = self.joined_channel()
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.crash(self.joins()[0], {"reason": "channel_crash"})
        [error] = errors
        assert isinstance(error, ChannelClosed)
        self.assertEqual(error.reason, {"reason": "channel_crash"})
        self.assertEqual(error.topic, TOPIC)


class RejoinTests(PhoenixJSTestCase):
    """A case of phoenix.js's earlier versions."""

    def test_tries_to_rejoin_with_backoff(self) -> None:
        """O1: each rejoin that fails is followed by a longer delay."""
        channel = self.joined_channel()
        self.memory.answers = False
        self.crash(self.joins()[0])
        began = self.clock.seconds()
        moments = []
        for delay in (1.0, 2.0, 5.0, 10.0, 10.0):
            joins = len(self.joins())
            self.memory.advance(delay)
            self.assertEqual(len(self.joins()), joins + 1)
            moments.append(self.clock.seconds() - began)
            self.crash(self.joins()[-1])
            self.assertEqual(channel.state, "errored")
        self.assertEqual(moments, [1.0, 3.0, 8.0, 18.0, 28.0])


class OnCloseTests(PhoenixJSTestCase):
    """The server closes the channel."""

    def close(self, join: list[Any]) -> None:
        """Have the server close the channel of a join."""
        join_ref, _, topic, *_ = join
        self.server_sends(join_ref, join_ref, topic, "phx_close", {})

    def test_sets_state_to_closed(self) -> None:
        """C42: a phx_close closes the channel, in the middle of a join as well."""
        channel = self.joined_channel()
        self.close(self.joins()[0])
        self.assertEqual(channel.state, "closed")
        self.memory.answers = False
        joined = self.watch(channel.join())
        self.memory.flush()
        self.close(self.joins()[1])
        self.assertEqual(channel.state, "closed")
        self.assert_failed(joined, ChannelClosed)

    def test_does_not_rejoin(self) -> None:
        """C43: no join follows."""
        self.joined_channel()
        self.close(self.joins()[0])
        self.wait_long()
        self.assertEqual(len(self.joins()), 1)

    def test_does_not_rejoin_unless_permanent(self) -> None:
        """C43, otherwise: a channel whose restart is "permanent" joins again."""

        class Permanent(Channel):
            restart = "permanent"

        channel = self.joined_channel(channel_class=Permanent)
        self.close(self.joins()[0])
        self.assertEqual(channel.state, "errored")
        self.memory.advance(1.0)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(self.joins()), 2)

    def test_triggers_additional_callbacks(self) -> None:
        """C44: a hook of on_close is called once, and handle_close too."""
        channel = self.joined_channel(channel_class=Recorder)
        assert isinstance(channel, Recorder)
        reasons: list[object] = []
        channel.on_close(reasons.append)
        self.close(self.joins()[0])
        self.close(self.joins()[0])
        self.assertEqual(reasons, ["closed"])
        self.assertEqual(channel.ends, ["closed"])

    def test_removes_channel_from_socket(self) -> None:
        """C45: the topic is free, for another channel as well."""
        client = self.connected_client()
        self.joined_channel(client=client)
        self.close(self.joins()[0])
        self.assertIsNone(client.channels.find(TOPIC))
        other = self.joined_channel(client=client)
        self.assertIs(client.channels.find(TOPIC), other)


class OnMessageTests(PhoenixJSTestCase):
    """What a subclass is given."""

    def test_returns_payload_by_default(self) -> None:
        """C46, otherwise: nothing rewrites a payload on its way to handle_in()."""
        channel = self.joined_channel(channel_class=Recorder)
        assert isinstance(channel, Recorder)
        payloads = [{"one": "two"}, [1, [2]], "text", 3, 0.5, True, None, {}]
        for payload in payloads:
            self.memory.broadcast(TOPIC, "event", payload)
        self.memory.flush()
        self.assertEqual(channel.messages, [("event", payload) for payload in payloads])


class CanPushTests(PhoenixJSTestCase):
    """When a push goes straight out."""

    def test_returns_true_when_socket_connected_and_channel_joined(self) -> None:
        """C47: it does on a joined channel."""
        channel = self.joined_channel()
        pushed = self.watch(channel.push("echo", {"n": 1}))
        self.memory.flush()
        self.assert_fired(pushed, {"n": 1})

    def test_otherwise_returns_false(self) -> None:
        """C48: joining, or offline, or both, a channel keeps it, and sends nothing."""
        client = self.connecting_client(timeout=2.0)
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join(timeout=10))
        early = self.watch(channel.push("echo", {"when": "joining, offline"}))
        self.memory.advance(1.0)
        self.assert_waits(early)
        self.memory.answers = False
        self.memory.release_connections()
        self.memory.flush()
        pushed = self.watch(channel.push("echo", {"when": "joining, online"}))
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join"])
        self.memory.answers = True
        self.reply(self.joins()[0])
        self.assert_fired(joined, {})
        self.assertEqual(self.events_sent(), ["phx_join", "echo", "echo"])
        self.memory.holds_connections = True
        self.lose_connection()
        late = self.watch(channel.push("echo", {"when": "errored, offline"}))
        self.memory.advance(2.0)
        self.assert_failed(late, PushTimeout)
        self.assertEqual(len(self.all_sent("echo")), 2)
        for outcome in (early, pushed):
            self.assertEqual(len(outcome.fired), 1)


class OnTests(PhoenixJSTestCase):
    """Hooks of events."""

    def test_sets_up_callback_for_event(self) -> None:
        """C49: a hook is called from its registration on.

        What came before, with no hook to take it, waits for receive().
        """
        channel = self.joined_channel()
        payloads: list[Any] = []
        self.memory.broadcast(TOPIC, "event", {"n": 1})
        self.memory.flush()
        channel.on("event", payloads.append)
        self.memory.broadcast(TOPIC, "event", {"n": 2})
        self.memory.flush()
        self.assertEqual(payloads, [{"n": 2}])
        self.assertEqual(self.successResultOf(channel.receive()).payload, {"n": 1})

    def test_other_event_callbacks_are_ignored(self) -> None:
        """C50: the hooks of other events are not called."""
        channel = self.joined_channel()
        called: list[str] = []
        channel.on("event", lambda _: called.append("event"))
        channel.on("otherEvent", lambda _: called.append("otherEvent"))
        self.memory.broadcast(TOPIC, "event", {})
        self.memory.flush()
        self.assertEqual(called, ["event"])

    def test_generates_unique_refs_for_callbacks(self) -> None:
        """C51: what on() returns removes that hook alone.

        A function that was added twice is called once from then on.
        """
        channel = self.joined_channel()
        payloads: list[Any] = []
        remove = channel.on("event", payloads.append)
        channel.on("event", payloads.append)
        remove()
        remove()
        self.memory.broadcast(TOPIC, "event", {"n": 1})
        self.memory.flush()
        self.assertEqual(payloads, [{"n": 1}])

    def test_calls_all_callbacks_for_event_if_they_modified_during_event_processing(
        self,
    ) -> None:
        """C52: a hook that removes itself does not make the next be left out."""
        channel = self.joined_channel()
        called: list[str] = []

        def once(_payload: Any) -> None:
            called.append("once")
            remove()

        remove = channel.on("event", once)
        channel.on("event", lambda _: called.append("always"))
        for _ in range(2):
            self.memory.broadcast(TOPIC, "event", {})
            self.memory.flush()
        self.assertEqual(called, ["once", "always", "always"])


class OffTests(PhoenixJSTestCase):
    """Hooks that are removed."""

    def test_removes_all_callbacks_for_event(self) -> None:
        """C53: off() with an event removes its hooks, and no others."""
        channel = self.joined_channel()
        called: list[str] = []
        channel.on("event", lambda _: called.append("event 1"))
        channel.on("event", lambda _: called.append("event 2"))
        channel.on("other", lambda _: called.append("other"))
        channel.off("event")
        for event in ("event", "other"):
            self.memory.broadcast(TOPIC, event, {})
        self.memory.flush()
        self.assertEqual(called, ["other"])

    def test_removes_callback_by_its_ref(self) -> None:
        """C54: one hook is removed by its function, or by what on() returned."""
        channel = self.joined_channel()
        called: list[str] = []

        def first(_payload: Any) -> None:
            called.append("first")

        def second(_payload: Any) -> None:
            called.append("second")

        channel.on("event", first)
        remove = channel.on("event", second)
        channel.off("event", first)
        self.memory.broadcast(TOPIC, "event", {})
        self.memory.flush()
        self.assertEqual(called, ["second"])
        remove()
        self.memory.broadcast(TOPIC, "event", {})
        self.memory.flush()
        self.assertEqual(called, ["second"])
