"""Labels are of bounded number, whatever comes; and buckets are what was asked for."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import SocketClient, telemetry
from txphoenix.errors import ConfigurationError
from txphoenix.metrics import BUCKETS, MetricsExporter
from txphoenix.metrics.labels import OTHER, Bounded, TopicLabels, error_class
from txphoenix.metrics.series import Histogram, checked_buckets

from .metrics_kit import NAME, MetricsCase, sample


class BoundedTests(SynchronousTestCase):
    """The values of one label."""

    def test_first_ones(self) -> None:
        """The first are told apart, the others are one, and that stays so."""
        label = Bounded(3, ["ok"])
        self.assertEqual(
            [label.of(value) for value in ("ok", "a", "b", "c", "d", "a", "ok")],
            ["ok", "a", "b", OTHER, OTHER, "a", "ok"],
        )

    def test_odd_values(self) -> None:
        """What is no text is among the others, and long texts are cut."""
        label = Bounded(10)
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        for value in (None, 7, deep, OTHER):
            self.assertEqual(label.of(value), OTHER)
        self.assertEqual(label.of("x" * 1000), "x" * 100)
        self.assertEqual(label.of("a\ud800"), "a?")

    def test_error_class(self) -> None:
        """An error's label is its class, also in a Failure."""
        for error in (KeyError("secret"), Failure(KeyError("secret"))):
            self.assertEqual(error_class(error), "KeyError")


class TopicTests(SynchronousTestCase):
    """The labels of topics."""

    def test_patterns(self) -> None:
        """The longest pattern that fits is the label."""
        labels = TopicLabels(["rooms:*", "rooms:vip:*", "rooms:lobby", "feed"], 10)
        for topic, label in (
            ("rooms:7", "rooms:*"),
            ("rooms:vip:7", "rooms:vip:*"),
            ("rooms:lobby", "rooms:lobby"),
            ("rooms:lobby2", "rooms:*"),
            ("feed", "feed"),
            ("feeds", OTHER),
        ):
            self.assertEqual(labels.of(topic), label)

    def test_one_pattern(self) -> None:
        """One pattern may be given as it is."""
        self.assertEqual(TopicLabels("*", 1).of("anything"), "*")

    def test_function(self) -> None:
        """A function makes the labels, of which there are so many at most."""
        labels = TopicLabels(lambda topic: topic, 5)
        found = {labels.of(f"rooms:{number}") for number in range(50_000)}
        self.assertEqual(len(found), 6)
        self.assertIn(OTHER, found)
        self.assertEqual(labels.of("rooms:0"), "rooms:0")

    def test_function_raises(self) -> None:
        """A topic whose label cannot be made is another one; the log says so once."""
        labels = TopicLabels(lambda topic: {"a": "b"}[topic], 5)
        self.assertEqual([labels.of(topic) for topic in "cdea"], [OTHER] * 3 + ["b"])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_no_text(self) -> None:
        """What is no topic, and what is no label, is another one."""
        labels = TopicLabels(lambda topic: None, 5)  # type: ignore[arg-type, return-value]
        self.assertEqual(labels.of(7), OTHER)
        self.assertEqual(labels.of("rooms:lobby"), OTHER)

    def test_wrong(self) -> None:
        """What is wrong is said."""
        for message, topics, limit in (
            ("topics must be", [], 10),
            ("topics must be", [7], 10),
            ("topics must be", "", 10),
            ("topics must be", 7, 10),
            ("there are 3 topics, and max_topics is 2", ["a", "b", "c"], 2),
            ("max_topics must be a positive int, not 0", ["a"], 0),
            ("max_topics must be a positive int, not True", ["a"], True),
        ):
            with self.assertRaisesRegex(ConfigurationError, message):
                MetricsExporter(
                    CollectorRegistry(),
                    topics=topics,  # type: ignore[arg-type]
                    max_topics=limit,
                )


class TopicMetricsTests(MetricsCase):
    """Metrics by topic, where that was asked for."""

    exporter_options = {"topics": ["rooms:vip:*", "rooms:*"]}

    def test_by_topic(self) -> None:
        """What is of a channel has its topic's label, and its messages are counted."""
        client = self.connected_client()
        lobby = self.joined_channel("rooms:lobby", client=client)
        self.joined_channel("rooms:vip:1", client=client)
        self.joined_channel("rooms:vip:2", client=client)
        before = len(self.memory.sessions[-1].frames)
        lobby.push("echo", {"n": 1})
        self.memory.flush()
        for topic, joins in (("rooms:*", 1), ("rooms:vip:*", 2)):
            self.assertEqual(self.value("joins_total", topic=topic), joins)
            self.assertEqual(
                self.value("join_duration_seconds_count", topic=topic), joins
            )
            self.assertEqual(
                self.value(
                    "channel_status_changes_total", status="joined", topic=topic
                ),
                joins,
            )
        self.assertIsNone(self.value("joins_total"))
        self.assertEqual(
            self.value("push_replies_total", status="ok", topic="rooms:*"), 1
        )
        frames = self.memory.sessions[-1].frames
        self.assertEqual(len(frames) - before, 2)
        for name, is_sent in (("received", True), ("sent", False)):
            sizes = [
                len(frame.data)
                for frame in frames
                if frame.is_sent == is_sent and b"lobby" in frame.data
            ]
            for metric, value in (("messages", len(sizes)), ("bytes", sum(sizes))):
                self.assertEqual(
                    self.value(f"topic_{name}_{metric}_total", topic="rooms:*"), value
                )

    def test_not_of_topics(self) -> None:
        """What is of the connection, and the gauges, have no topic."""
        self.joined_channel()
        self.assert_values(connections_total=1, sent_messages_total=1)
        self.assertEqual(self.value("channels", status="joined"), 1)

    def test_other_topics(self) -> None:
        """Topics that no pattern fits are one."""
        client = self.connected_client()
        for number in range(20):
            self.server_sends(None, None, f"nowhere:{number}", "news", {})
        self.assertEqual(
            self.value("dropped_messages_total", reason="unrouted", topic=OTHER), 20
        )
        self.assertTrue(client.connected)


class NoTopicTests(MetricsCase):
    """Metrics without topics."""

    def test_no_topic(self) -> None:
        """No sample has a topic, nor what else is of unbounded number."""
        channel = self.joined_channel(params={"token": "S3CR3T"})
        channel.push("echo", {"body": "S3CR3T"})
        self.memory.flush()
        labels: set[str] = set()
        for family in self.registry.collect():
            for one in family.samples:
                labels |= one.labels.keys()
                self.assertNotIn("S3CR3T", str(one))
                self.assertNotIn("rooms:", str(one))
        self.assertLessEqual(
            labels,
            {
                "client",
                "status",
                "error",
                "reason",
                "outcome",
                "buffer",
                "le",
                "version",
            },
        )

    def test_statuses(self) -> None:
        """A server that makes up a status for each reply makes no series of each."""
        channel = self.joined_channel()
        for number in range(200):
            channel.push(f"silent{number}").addErrback(lambda _: None)
        self.memory.flush()
        for number, message in enumerate(self.sent()[1:]):
            self.answer(message, f"status{number}")
        statuses = [
            one.labels["status"]
            for family in self.registry.collect()
            if family.name == "txphoenix_push_replies"
            for one in family.samples
        ]
        self.assertEqual(len(statuses), 51)
        self.assertEqual(self.value("push_replies_total", status=OTHER), 152)


class BucketTests(SynchronousTestCase):
    """The histograms."""

    def test_histogram(self) -> None:
        """A value is in the first bucket whose bound it does not exceed."""
        histogram = Histogram((1.0, 2.0))
        for value in (0.0, 1.0, 1.5, 2.0, 2.1):
            histogram.observe(value)
        self.assertEqual(histogram.counts, [2, 2, 1])
        self.assertAlmostEqual(histogram.total, 6.6)

    def observed(self, **options: Any) -> list[str]:
        """The buckets of two histograms, as they are scraped."""
        registry = CollectorRegistry()
        exporter = MetricsExporter(registry, **options).attach()
        self.addCleanup(exporter.detach)
        client = SocketClient("ws://127.0.0.1:1/socket", name=NAME)
        telemetry.heartbeat_duration(client, "ws://127.0.0.1:1/socket", 0.3)
        telemetry.reconnecting(client, "ws://127.0.0.1:1/socket", 1, 0.3)
        self.assertEqual(
            sample(registry, "heartbeat_duration_seconds_sum", client=NAME), 0.3
        )
        return [
            f"{one.labels['le']} {one.value:g}"
            for family in registry.collect()
            for one in family.samples
            if one.name
            in (
                "txphoenix_heartbeat_duration_seconds_bucket",
                "txphoenix_reconnect_delay_seconds_bucket",
            )
        ]

    def test_default(self) -> None:
        """They go from a millisecond to a minute."""
        self.assertEqual((BUCKETS[0], BUCKETS[-1]), (0.001, 60.0))
        found = self.observed()
        self.assertEqual(len(found), 2 * (len(BUCKETS) + 1))
        self.assertEqual(found[7:10], ["0.25 0", "0.5 1", "1.0 1"])

    def test_for_all(self) -> None:
        """Bounds for all histograms."""
        self.assertEqual(
            self.observed(buckets=[0.3, 1]), ["0.3 1", "1.0 1", "+Inf 1"] * 2
        )

    def test_for_one(self) -> None:
        """Bounds for one histogram, and the default for the others."""
        found = self.observed(buckets={"txphoenix_reconnect_delay_seconds": [0.1]})
        # In the order in which they are defined.
        self.assertEqual(found[:2], ["0.1 0", "+Inf 1"])
        self.assertEqual(len(found), 2 + len(BUCKETS) + 1)

    def test_wrong(self) -> None:
        """What are no bounds is refused."""
        for buckets in ([], [2, 1], [1, 1], [1, float("inf")], [True], ["1"], 7, "12"):
            with self.assertRaisesRegex(
                ConfigurationError, "buckets must be ascending"
            ):
                checked_buckets(buckets)  # type: ignore[arg-type]
        with self.assertRaisesRegex(ConfigurationError, "there is no histogram 'x'"):
            checked_buckets({"x": [1.0]})
        with self.assertRaisesRegex(ConfigurationError, "buckets of txphoenix_join"):
            checked_buckets({"txphoenix_join_duration_seconds": []})
