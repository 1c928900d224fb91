"""Every metric moves by what it measures, and by that alone."""

from __future__ import annotations

from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from txphoenix import telemetry
from txphoenix.channels.channel import Channel
from txphoenix.errors import JoinError, JoinTimeout, PushError, PushTimeout
from txphoenix.metrics.definitions import COUNTERS, HISTOGRAMS, METRICS
from txphoenix.metrics.rules import RULES

from .metrics_kit import NAME, MetricsCase
from .support import TOPIC
from .test_telemetry_events import EVENTS


class Crashing(Channel):
    """A channel whose callback raises."""

    def handle_in(self, event: str, payload: Any) -> None:
        """Raise."""
        raise KeyError(event)


class ConnectionTests(MetricsCase):
    """What happens to the connection."""

    def test_connect(self) -> None:
        """An attempt, a connection, and how long it took."""
        self.connecting_client()
        self.assert_changed({}, connect_attempts=1, client_status_changes__connecting=1)
        before = self.changes()
        self.memory.advance(0.75)
        self.memory.release_connections()
        self.memory.flush()
        self.assert_changed(before, connections=1, client_status_changes__connected=1)
        self.assert_timed("connect_duration", 0.75)

    def test_refused(self) -> None:
        """An attempt that fails, by its error, and the wait before the next."""
        self.memory.refuse(503)
        self.make_client().startService()
        self.memory.flush()
        self.assert_changed(
            {},
            connect_attempts=1,
            connect_errors__HandshakeRefused=1,
            client_status_changes__connecting=1,
            client_status_changes__disconnected=1,
        )
        self.assert_timed("reconnect_delay", 0.5)
        self.memory.advance(0.5)
        self.assertEqual(
            self.value("connect_errors_total", error="HandshakeRefused"), 2
        )
        self.assert_timed("reconnect_delay", 0.5, 0.5)

    def test_lost(self) -> None:
        """A connection that ends, by what ended it."""
        self.connected_client()
        before = self.changes()
        self.lose_connection()
        self.assert_changed(
            before,
            disconnects__ConnectionClosed=1,
            client_status_changes__disconnected=1,
        )

    def test_heartbeats(self) -> None:
        """A heartbeat is counted, its round trip timed, and its age is known."""
        self.connected_client(heartbeat_interval=30.0)
        self.assert_values(heartbeats_total=0, heartbeat_age_seconds=None)
        before = self.changes()
        self.memory.advance(30)
        self.assert_timed("heartbeat_duration", 0)
        self.memory.advance(7)
        self.assertEqual(self.value("heartbeat_age_seconds"), 7)
        sent = self.frames()[-2:]
        self.assertEqual(len(sent), 2)
        frames = [frame.data for frame in self.memory.sessions[-1].frames]
        self.assert_changed(
            before,
            heartbeats=1,
            sent_messages=1,
            sent_bytes=len(frames[0]),
            received_messages=1,
            received_bytes=len(frames[1]),
        )

    def test_dead_peer(self) -> None:
        """A connection that ends since nothing is answered is another error."""
        self.connected_client(heartbeat_interval=30.0, heartbeat_timeout=10.0)
        self.memory.is_stalled = True
        self.memory.advance(45)
        self.memory.is_stalled = False
        self.assertEqual(self.value("disconnects_total", error="HeartbeatTimeout"), 1)
        self.assertEqual(self.value("disconnects_total", error="ConnectionClosed"), 0)

    def test_undecodable(self) -> None:
        """A frame that is no message."""
        self.connected_client()
        before = self.changes()
        self.memory.sessions[-1].send_frame(b"[1,2]", False)
        self.memory.flush()
        self.assert_changed(before, undecodable_frames__SerializerError=1)

    def test_reading_pauses(self) -> None:
        """A pause of reading, and how long it was."""
        channel = self.settled_channel(receive_buffer=2)
        first = channel.receive()
        for number in range(3):
            channel.push_async("whisper", number)
        self.memory.flush()
        self.assertEqual(self.successResultOf(first).payload, 0)
        self.assert_values(reading_pauses_total=1)
        self.memory.advance(3)
        self.assertIsNone(self.value("reading_pause_duration_seconds_count"))
        for number in (1, 2):
            self.assertEqual(self.successResultOf(channel.receive()).payload, number)
        self.memory.flush()
        self.assert_values(reading_pauses_total=1)
        self.assert_timed("reading_pause_duration", 3)

    def test_gauges(self) -> None:
        """Clients are there by their status, and not at all once they are stopped."""
        client = self.connecting_client()

        def by_status() -> list[float | None]:
            names = ("disconnected", "connecting", "connected")
            return [self.value("clients", status=name) for name in names]

        self.assertEqual(by_status(), [0, 1, 0])
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(by_status(), [0, 0, 1])
        self.lose_connection()
        self.assertEqual(by_status(), [1, 0, 0])
        self.stop_client(client)
        self.assertEqual(by_status(), [None, None, None])


class ChannelTests(MetricsCase):
    """What happens to channels."""

    def statuses(self) -> dict[str, float | None]:
        """How many channels there are of each status."""
        names = ("joining", "joined", "leaving", "errored", "failed")
        return {name: self.value("channels", status=name) for name in names}

    def test_join(self) -> None:
        """A join, how long it took, and its two messages to the byte."""
        client = self.connected_client()
        before = self.changes()
        self.memory.is_stalled = True
        client.channel(TOPIC).join()
        self.memory.flush()
        self.assertEqual(
            self.statuses(),
            {"joining": 1, "joined": 0, "leaving": 0, "errored": 0, "failed": 0},
        )
        self.memory.advance(0.25)
        self.memory.is_stalled = False
        self.memory.flush()
        self.assertEqual(
            self.statuses(),
            {"joining": 0, "joined": 1, "leaving": 0, "errored": 0, "failed": 0},
        )
        sent, received = (len(one.data) for one in self.memory.sessions[-1].frames)
        self.assert_changed(
            before,
            joins=1,
            channel_status_changes__joining=1,
            channel_status_changes__joined=1,
            sent_messages=1,
            sent_bytes=sent,
            received_messages=1,
            received_bytes=received,
        )
        self.assert_timed("join_duration", 0.25)

    def test_join_errors(self) -> None:
        """A join that is refused, one that is not answered, and the waits after."""
        client = self.connected_client(timeout=5.0)
        self.memory.refusal = {"reason": "full"}
        refused = self.watch(client.channel(TOPIC).join())
        self.memory.flush()
        self.assert_failed(refused, JoinError)
        self.assertEqual(self.value("join_errors_total", error="JoinError"), 1)
        self.memory.refusal, self.memory.holds_joins = None, True
        late = self.watch(client.channel("rooms:late").join())
        self.memory.advance(5)
        self.assert_failed(late, JoinTimeout)
        self.assertEqual(self.value("join_errors_total", error="JoinTimeout"), 1)
        self.assert_values(joins_total=0)

    def test_rejoin(self) -> None:
        """A channel that crashes on the server waits, and is joined once more."""
        channel = self.settled_channel()
        before = self.changes()
        push = self.watch(channel.push("crash"))
        self.memory.flush()
        self.flushLoggedErrors(ValueError)
        self.assertEqual(len(push.fired), 1)
        self.assert_timed("rejoin_delay", 1.0)
        self.assertEqual(self.statuses()["errored"], 1)
        self.memory.advance(1)
        self.assertEqual(self.statuses()["joined"], 1)
        after = self.changes()
        self.assertEqual(after["joins"] - before["joins"], 1)
        self.assertEqual(after["channel_status_changes errored"], 1)
        self.assertEqual(after["push_errors PushInterrupted"], 1)

    def test_leave(self) -> None:
        """A leave, and how long the server took."""
        channel = self.settled_channel()
        before = self.changes()
        self.memory.is_stalled = True
        channel.leave()
        self.memory.flush()
        self.assertEqual(self.statuses()["leaving"], 1)
        self.memory.advance(0.5)
        self.memory.is_stalled = False
        self.memory.flush()
        self.assertEqual(sum(filter(None, self.statuses().values())), 0)
        after = self.changes()
        self.assertNotIn("channels_left", before)
        self.assertEqual(after["channels_left"], 1)
        self.assertEqual(after["channel_status_changes left"], 1)
        self.assert_timed("leave_duration", 0.5)

    def test_crashes(self) -> None:
        """A crash is counted by its class, a restart with it, the last one without."""
        channel = self.settled_channel(channel_class=Crashing, max_restarts=1)
        for crashes, restarts in ((1, 1), (2, 1)):
            channel.push_async("whisper", {})
            self.memory.flush()
            self.memory.advance(1)
            self.assertEqual(
                self.value("channel_crashes_total", error="KeyError"), crashes
            )
            self.assert_values(channel_restarts_total=restarts)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 2)
        self.assert_values(channels_left_total=1)

    def test_unread(self) -> None:
        """Messages that nobody reads are dropped, and counted one by one."""
        channel = self.settled_channel(receive_buffer=2)
        for number in range(5):
            channel.push_async("whisper", number)
        self.memory.flush()
        self.memory.advance(1)
        self.assertEqual(self.value("dropped_messages_total", reason="unread"), 3)
        self.assertEqual(self.value("buffered_messages", buffer="unread"), 2)
        self.assertEqual(self.value("buffer_fill_ratio", buffer="unread"), 1)

    def test_unrouted(self) -> None:
        """Messages for a topic without a channel are dropped as well."""
        self.connected_client()
        self.server_sends(None, None, "rooms:nobody", "news", {})
        self.assertEqual(self.value("dropped_messages_total", reason="unrouted"), 1)


class PushTests(MetricsCase):
    """What becomes of pushes."""

    def test_replies(self) -> None:
        """A reply is counted by its status, whatever that is, and timed."""
        channel = self.settled_channel()
        pushes = [
            self.watch(channel.push(name)) for name in ("echo", "refuse", "other")
        ]
        self.memory.flush()
        self.assertEqual(pushes[0].fired, [{}])
        self.assert_failed(pushes[1], PushError)
        for status in ("ok", "error", "other"):
            self.assertEqual(self.value("push_replies_total", status=status), 1)
        self.assert_timed("push_duration", 0, 0, 0, outcome="replied")
        self.assertIsNone(self.value("push_duration_seconds_count", outcome="failed"))

    def test_duration(self) -> None:
        """It is from the push to the reply, and in its bucket."""
        channel = self.settled_channel()
        self.memory.is_stalled = True
        channel.push("echo")
        self.memory.flush()
        self.assertEqual(self.value("buffered_messages", buffer="awaiting_reply"), 1)
        self.memory.advance(0.3)
        self.memory.is_stalled = False
        self.memory.flush()
        self.assertEqual(self.value("buffered_messages", buffer="awaiting_reply"), 0)
        self.assert_timed("push_duration", 0.3, outcome="replied")
        for bound, count in (("0.25", 0), ("0.5", 1), ("60.0", 1), ("+Inf", 1)):
            self.assertEqual(
                self.value("push_duration_seconds_bucket", outcome="replied", le=bound),
                count,
            )

    def test_timeout(self) -> None:
        """A push without a reply fails by its error, as late as it does."""
        channel = self.settled_channel(timeout=4.0)
        silent = self.watch(channel.push("silent"))
        self.memory.advance(4)
        self.assert_failed(silent, PushTimeout)
        self.assertEqual(self.value("push_errors_total", error="PushTimeout"), 1)
        self.assert_timed("push_duration", 4.0, outcome="failed")

    def test_kept(self) -> None:
        """Pushes that wait are in their buffer; one too many is an error."""
        client = self.connecting_client(push_buffer=2)
        channel = client.channel(TOPIC)
        channel.join()
        for _ in range(3):
            self.watch(channel.push("echo"))
        self.assertEqual(self.value("buffered_messages", buffer="kept_pushes"), 2)
        self.assertEqual(self.value("buffer_fill_ratio", buffer="kept_pushes"), 1)
        self.assertEqual(self.value("push_errors_total", error="BufferFull"), 1)
        self.assertEqual(self.value("unwritten_bytes"), 0)
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.value("push_replies_total", status="ok"), 2)


class CompletenessTests(MetricsCase):
    """All that telemetry tells is counted."""

    def test_every_event(self) -> None:
        """Each event counts for something, and nothing else does."""
        rules = {
            (event, action) for event, actions in RULES.items() for action in actions
        }
        events = {key for key in EVENTS if key[0] != telemetry.MESSAGE}
        self.assertEqual(rules, events)

    def test_every_metric(self) -> None:
        """Each counter and each histogram has an event that moves it."""
        moved = {
            f"txphoenix_{rule.metric}"
            for actions in RULES.values()
            for rules in actions.values()
            for rule in rules
        }
        self.assertEqual(moved, {metric.name for metric in (*COUNTERS, *HISTOGRAMS)})

    def test_unsent(self) -> None:
        """Messages that a loss finds unwritten are counted by their number."""
        client = self.connected_client()
        before = self.changes()
        telemetry.messages_unsent(client, self.memory.url, 3)
        self.assert_changed(before, unsent_messages=3)

    def test_somebody_elses_event(self) -> None:
        """Events under these names that are of no client count for nothing."""
        self.connected_client()
        before = self.changes()
        for event in (telemetry.SOCKET, telemetry.TRAFFIC, telemetry.PUSH):
            telemetry.execute(event, {}, {"action": "sent", "client": object()})
        self.assert_changed(before)
        self.assertTrue(telemetry.list_handlers())

    def test_unknown_action(self) -> None:
        """An action that came later than this counts for nothing."""
        client = self.connected_client()
        before = self.changes()
        telemetry.execute(telemetry.SOCKET, {}, {"action": "new", "client": client})
        self.assert_changed(before)
        self.assertTrue(telemetry.list_handlers())

    def test_names(self) -> None:
        """Names end in what Prometheus wants of their type, in base units."""
        for metric in METRICS:
            self.assertRegex(metric.name, r"^txphoenix_[a-z]+(_[a-z]+)*$")
            self.assertEqual(metric.name.endswith("_total"), metric.kind == "counter")
            if metric.kind == "histogram":
                self.assertRegex(metric.name, "_seconds$")
            self.assertRegex(metric.text, r"^[A-Z1].*\.$")
        self.assertEqual(len({metric.name for metric in METRICS}), len(METRICS))

    def test_text(self) -> None:
        """What is scraped is text that Prometheus's own grammar takes."""
        self.settled_channel(heartbeat_interval=0.5)
        text = generate_latest(self.registry).decode("utf-8")
        families = {
            family.name: family for family in text_string_to_metric_families(text)
        }
        self.assertEqual(
            families["txphoenix_joins"].samples[0].labels, {"client": NAME}
        )
