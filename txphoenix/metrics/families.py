"""What was counted, in the form in which ``prometheus_client`` takes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TypeAlias

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

from .definitions import COUNTERS, GAUGES, HISTOGRAMS, INFO, TOPIC_COUNTERS, Metric
from .series import Histogram, Series

__all__ = ["Family", "all_families", "counted", "gauge_family", "info"]

Named: TypeAlias = Sequence[tuple[str, Series]]


def counted(named: Named, has_topics: bool) -> list[Family]:
    """All counters and histograms.

    :param named: the series of each client's name.
    :param has_topics: whether topics are told apart.
    """
    return [*_counters(named, has_topics), *_histograms(named, has_topics)]


def all_families(has_topics: bool) -> list[Family]:
    """Every metric that there may be, without a sample."""
    gauges = [gauge_family(metric) for metric in GAUGES]
    return [*counted([], has_topics), *gauges, info("")]


def gauge_family(metric: Metric) -> GaugeMetricFamily:
    """A gauge without a sample."""
    return GaugeMetricFamily(metric.name, metric.text, labels=_labels(metric, False))


def info(version: str) -> Family:
    """The gauge that is always 1, and says which version it is of."""
    family = GaugeMetricFamily(INFO.name, INFO.text, labels=[INFO.label])
    family.add_metric([version], 1)
    return family


def _labels(metric: Metric, has_topics: bool) -> list[str]:
    """The names of a metric's labels, in the order in which they are given."""
    own = [metric.label] if metric.label else []
    topic = ["topic"] if has_topics and metric.is_of_topic else []
    return ["client", *own, *topic]


def _counters(named: Named, has_topics: bool) -> Iterable[Family]:
    metrics = (*COUNTERS, *TOPIC_COUNTERS) if has_topics else COUNTERS
    families = {
        metric.name: CounterMetricFamily(
            metric.name, metric.text, labels=_labels(metric, has_topics)
        )
        for metric in metrics
    }
    for name, series in named:
        for (metric_name, *labels), value in series.counters.items():
            families[metric_name].add_metric([name, *labels], value)
    return families.values()


def _histograms(named: Named, has_topics: bool) -> Iterable[Family]:
    families = {
        metric.name: HistogramMetricFamily(
            metric.name, metric.text, labels=_labels(metric, has_topics)
        )
        for metric in HISTOGRAMS
    }
    for name, series in named:
        for (metric_name, *labels), histogram in series.histograms.items():
            families[metric_name].add_metric(
                [name, *labels], _buckets(histogram), histogram.total
            )
    return families.values()


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """The buckets, each with all that are before it."""
    bounds = (*map(floatToGoString, histogram.bounds), "+Inf")
    return list(zip(bounds, accumulate(histogram.counts), strict=True))
