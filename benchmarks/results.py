"""What a run has measured: medians, spread and ratios."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median
from typing import Any

from .plan import WORKLOADS

__all__ = ["Results"]


@dataclass
class Results:
    """The measurements of one run: {(workload, client, metric): one each repeat}."""

    values: dict[tuple[str, str, str], list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, workload: str, client: str, measured: dict[str, float]) -> None:
        """Take one measurement in."""
        for metric, value in measured.items():
            self.values.setdefault((workload, client, metric), []).append(value)

    def median(self, workload: str, client: str, metric: str = "rate") -> float | None:
        """The median, or None if that was not measured."""
        values = self.values.get((workload, client, metric))
        return median(values) if values else None

    def spread(self, workload: str, client: str, metric: str) -> float:
        """Largest less smallest, as a part of the median."""
        values = self.values[workload, client, metric]
        middle = median(values)
        return (max(values) - min(values)) / middle if middle else 0.0

    def ratio(self, workload: str, client: str, metric: str) -> float | None:
        """How many times of stock Autobahn's median this client's is."""
        ours = self.median(workload, client, metric)
        stock = self.median(workload, "stock", metric)
        return ours / stock if ours is not None and stock else None

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Each (workload, metric, unit, client) that was measured, in order."""
        for name, workload in WORKLOADS.items():
            for metric, unit in workload.metrics.items():
                for client in workload.clients:
                    if (name, client, metric) in self.values:
                        yield name, metric, unit, client

    def as_json(self, **more: Any) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {
            "python": platform.python_version(),
            "machine": platform.platform(),
            "cores": os.cpu_count(),
            "versions": {
                name: version(name) for name in ("autobahn", "orjson", "twisted")
            },
            **more,
            "results": [
                {
                    "workload": name,
                    "client": client,
                    "metric": metric,
                    "unit": unit,
                    "median": self.median(name, client, metric),
                    "spread": self.spread(name, client, metric),
                    "per_cpu_second": self.median(name, client, f"{metric}_cpu"),
                    "of_stock": self.ratio(name, client, metric),
                    "values": self.values[name, client, metric],
                }
                for name, metric, unit, client in self.rows()
            ],
            "failures": self.failures,
        }
