"""What telemetry tells, as metrics of a registry of ``prometheus_client``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.registry import REGISTRY

from .. import __version__, telemetry
from ..client import SocketClient
from ..errors import ConfigurationError
from .clients import Clients
from .counting import Counting
from .families import Family, all_families, counted, info
from .gauges import gauges
from .in_reactor import in_reactor
from .labels import TopicLabels, Topics
from .series import Buckets, checked_buckets

__all__ = ["MetricsExporter"]


class MetricsExporter:
    """Counts what the clients of this process do, for Prometheus.

    Once it is attached it is a collector of its registry::

        exporter = MetricsExporter().attach()

    It counts for all clients of the process, from now on: one that was there before is
    known by the next thing that it does, or at once if it is named here or to
    :meth:`watch`.
    The label ``client`` is a client's name, ``"unnamed"`` without one; what clients of
    one name do is added up.
    No client is kept alive.
    The series of a name are there for five more minutes once no client of the name runs
    any more, so that the last of it is scraped, and are dropped then.

    :param registry: where the metrics go; by default ``prometheus_client.REGISTRY``.
    :param clients: clients that are there already.
    :param topics: which topics the metrics of channels tell apart, by their label
        ``topic``: patterns such as ``"rooms:*"``, of which the longest that fits is the
        label, or a function from a topic to a label; by default none, and there is no
        such label.
        With it there are counters of each topic's messages, too, for which each message
        is looked at.
    :param max_topics: how many labels of topics there are; all further topics, and
        those that no pattern fits, are ``"other"``.
    :param buckets: the upper bounds of the histograms, in seconds: for all of them, or
        for some by their names; by default :data:`~txphoenix.metrics.BUCKETS`.
    :param now: tells the time, in seconds; for tests.
    :raises ConfigurationError: an argument is not what it must be.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        clients: Iterable[SocketClient] = (),
        topics: Topics | None = None,
        max_topics: int = 100,
        buckets: Buckets | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        if registry is None:
            registry = REGISTRY
        if not isinstance(registry, CollectorRegistry):
            raise ConfigurationError(
                "registry must be a prometheus_client.CollectorRegistry, not of type "
                f"{type(registry).__name__}"
            )
        self.registry = registry
        labels = None if topics is None else TopicLabels(topics, max_topics)
        self._has_topics = labels is not None
        self._clients = Clients(now)
        self._counting = Counting(self._clients, labels, checked_buckets(buckets), now)
        self._is_attached = False
        self.watch(*clients)

    @property
    def is_attached(self) -> bool:
        """Whether it counts."""
        return self._is_attached

    @property
    def clients(self) -> Sequence[SocketClient]:
        """The clients that it knows and that run."""
        return list(self._clients.running())

    def watch(self, *clients: SocketClient) -> None:
        """Make clients known that are there already."""
        for client in clients:
            self._counting.add_client(client)

    def heartbeat_age(self, client: SocketClient) -> float | None:
        """The seconds since a heartbeat of a client was answered.

        :return: None if none was since this was attached.
        """
        return self._clients.heartbeat_age(client)

    def attach(self) -> MetricsExporter:
        """Begin to count, and give the metrics to the registry.

        An attached one stays as it is.

        :return: itself.
        :raises ConfigurationError: the registry has such metrics already.
        """
        if self._is_attached:
            return self
        try:
            self.registry.register(self)
        except ValueError:
            raise ConfigurationError(
                "the registry has txphoenix's metrics already: one exporter counts for "
                "all clients of a process; give another one its own CollectorRegistry()"
            ) from None
        self._counting.attach(self)
        self._is_attached = True
        return self

    def detach(self) -> None:
        """Count no more, and take the metrics out of the registry.

        What has been counted goes on from there if it is attached again.
        """
        if self._is_attached:
            self._is_attached = False
            telemetry.detach(self)
            self.registry.unregister(self)

    # -- What the registry calls --------------------------------------------------

    def describe(self) -> Iterable[Family]:
        """The metrics without their values."""
        return all_families(self._has_topics)

    def collect(self) -> Iterable[Family]:
        """The metrics as they are now.

        It may be called from any thread, as ``prometheus_client`` does.
        """
        return in_reactor(self._collect)

    def _collect(self) -> Sequence[Family]:
        self._counting.drop_gone()
        return [
            *counted(self._counting.items(), self._has_topics),
            *gauges(self._clients),
            info(__version__),
        ]
