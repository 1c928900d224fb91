"""A flood with the exporter of metrics attached."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry

from txphoenix.metrics import MetricsExporter

from . import flood
from .address import Address
from .checks import Wrong


async def txphoenix(
    reactor: Any, where: Address, count: int, channels: int, topics: int = 0
) -> dict[str, float]:
    """The exporter counts the messages, and must have counted each.

    :param topics: whether topics are told apart, for which each message is looked at.
    """
    registry = CollectorRegistry()
    exporter = MetricsExporter(registry, topics=["bench:*"] if topics else None)
    exporter.attach()
    measured = await flood.txphoenix(reactor, where, count, channels)
    metric, labels = "received_messages", {"client": "unnamed"}
    if topics:
        metric, labels = f"topic_{metric}", {**labels, "topic": "bench:*"}
    seen = registry.get_sample_value(f"txphoenix_{metric}_total", labels)
    exporter.detach()
    if seen is None or seen < count:
        raise Wrong(f"metrics have {seen} of {count} messages")
    del measured["log_lines"]
    return measured
