"""What the tests of metrics share: an exporter of a registry of its own."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.metrics import MetricsExporter

from .support import ClientTestCase

__all__ = ["NAME", "MetricsCase", "sample"]

NAME = "chat"


def sample(registry: CollectorRegistry, metric: str, **labels: str) -> float | None:
    """The value of a sample; None if there is none.

    :param metric: the sample's name, without ``txphoenix_``.
    """
    return registry.get_sample_value(f"txphoenix_{metric}", labels)


class MetricsCase(ClientTestCase):
    """A test of a client whose doings are counted.

    :cvar exporter_options: the options of the exporter.
    :ivar exporter: it, attached.
    """

    exporter_options: dict[str, Any] = {}

    def setUp(self) -> None:
        """Attach an exporter, whose clock is that of the test."""
        super().setUp()
        self.registry = CollectorRegistry()
        self.exporter = MetricsExporter(
            self.registry, now=self.clock.seconds, **self.exporter_options
        ).attach()
        self.addCleanup(self.exporter.detach)

    def make_client(self, **options: Any) -> SocketClient:
        """A client that is named."""
        return super().make_client(**{"name": NAME, **options})

    def value(self, metric: str, **labels: str) -> float | None:
        """The value of a sample of the client's name."""
        return sample(self.registry, metric, client=NAME, **labels)

    def assert_values(self, **expected: float | None) -> None:
        """The samples that have no other label have these values."""
        found = {metric: self.value(metric) for metric in expected}
        self.assertEqual(found, expected)

    def assert_timed(self, metric: str, *durations: float, **labels: str) -> None:
        """A histogram has seen exactly these durations."""
        name = f"{metric}_seconds"
        self.assertEqual(self.value(f"{name}_count", **labels), len(durations))
        total = self.value(f"{name}_sum", **labels)
        assert total is not None
        self.assertAlmostEqual(total, sum(durations))

    def changes(self) -> dict[str, float]:
        """The counters that have counted something: each with its labels."""
        return {
            f"{one.name.removeprefix('txphoenix_').removesuffix('_total')}"
            + "".join(
                f" {value}" for label, value in one.labels.items() if label != "client"
            ): one.value
            for family in self.registry.collect()
            if family.type == "counter"
            for one in family.samples
            if one.value
        }

    def assert_changed(self, before: dict[str, float], **expected: float) -> None:
        """Since then these counters have counted so much, and no other anything.

        :param expected: by the names, with ``__`` before the value of the label.
        """
        changed = {
            name: value - before.get(name, 0)
            for name, value in self.changes().items()
            if value != before.get(name, 0)
        }
        wanted = {name.replace("__", " "): value for name, value in expected.items()}
        self.assertEqual(changed, wanted)

    def settled_channel(self, **options: Any) -> Channel:
        """A channel that is joined, and a clock that has moved since."""
        channel = self.joined_channel(**options)
        self.memory.advance(1)
        return channel
