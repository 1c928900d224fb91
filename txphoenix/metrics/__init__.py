"""Metrics for Prometheus, of all that telemetry tells, and whether all is well.

It needs ``prometheus_client``: ``pip install 'txphoenix[metrics]'``. ::

    from txphoenix.metrics import MetricsService

    MetricsService(9464).setServiceParent(application)

Then ``http://127.0.0.1:9464/metrics`` has what all clients of the process do, and
``http://127.0.0.1:9464/health`` whether they are connected and joined.
A program that serves its metrics already attaches a :class:`MetricsExporter` to its
registry instead.
"""

from __future__ import annotations

try:
    import prometheus_client as _  # noqa: F401
except ImportError:
    raise ImportError(
        "txphoenix.metrics needs prometheus_client: pip install 'txphoenix[metrics]'",
        name="prometheus_client",
    ) from None

from .definitions import BUCKETS
from .exporter import MetricsExporter
from .labels import Topics
from .series import Buckets
from .service import MetricsService

__all__ = ["BUCKETS", "Buckets", "MetricsExporter", "MetricsService", "Topics"]
