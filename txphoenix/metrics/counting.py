"""Counts the events of telemetry, under the names of their clients."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..client import SocketClient
from ..errors import ConfigurationError
from ..telemetry import MESSAGE, STATE_CHANGE, EventName, attach_many
from .clients import Clients, client_label
from .definitions import COUNTERS, HISTOGRAMS, Metric
from .labels import Bounded, TopicLabels
from .rules import ONE, RULES, Rule
from .series import Key, Series

__all__ = ["KEPT", "Counting"]

KEPT = 300.0
"""For how many seconds the series of a name are kept without a client that runs.

It is how far Prometheus looks back for a value by default, and some scrapes.
"""

# How many values of a label are told apart: the classes of errors, the statuses of
# replies.
_MOST_VALUES = 50

# How many names there are before some are looked for that are gone.
_FEW_NAMES = 100


class _Plan(NamedTuple):
    """A rule with all that it needs of its metric."""

    name: str
    measurement: str
    is_histogram: bool
    is_of_topic: bool
    value: Callable[[Mapping[str, Any]], object] | None
    values: Bounded


class Counting:
    """All counters and histograms.

    :param clients: remembers the clients.
    :param topics: makes labels of topics; None if topics are not told apart.
    :param bounds: the bounds of each histogram, by its name.
    :param now: tells the time in seconds.
    """

    def __init__(
        self,
        clients: Clients,
        topics: TopicLabels | None,
        bounds: Mapping[str, Sequence[float]],
        now: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._topics = topics
        self._bounds = bounds
        self._now = now
        self._series: dict[str, Series] = {}
        # By the names themselves, as that is quicker; of those, several may have the
        # same label.
        self._by_name: dict[str | None, Series] = {}
        self._sweep_at = _FEW_NAMES
        self._plans = self._make_plans()
        self._known = tuple(self._known_keys())

    def attach(self, handler_id: Hashable) -> None:
        """Have telemetry tell of all that is counted."""
        names = list(self._plans)
        if self._topics is not None:
            names.append(MESSAGE)
        attach_many(handler_id, names, self._take)

    def add_client(self, client: SocketClient) -> None:
        """Remember a client, and have the counters of its name begin.

        :raises ConfigurationError: it is none.
        """
        if not isinstance(client, SocketClient):
            raise ConfigurationError(
                f"clients must be of SocketClient, not of type {type(client).__name__}"
            )
        self._clients.add(client)
        self._series_of(client)

    def drop_gone(self) -> None:
        """Forget the names that no client has had for :data:`KEPT` seconds."""
        names = {client_label(client) for client in self._clients.running()}
        now = self._now()
        for name, series in list(self._series.items()):
            if name in names:
                series.gone_at = None
            elif series.gone_at is None:
                series.gone_at = now
            elif now - series.gone_at >= KEPT:
                del self._series[name]
        # Long names may have one label, and would be kept for as long as that is.
        self._by_name.clear()
        self._sweep_at = max(_FEW_NAMES, 2 * len(self._series))

    def items(self) -> Sequence[tuple[str, Series]]:
        """The series of each name."""
        return list(self._series.items())

    # -- Inside -------------------------------------------------------------------

    def _make_plans(self) -> dict[EventName, dict[str, tuple[_Plan, ...]]]:
        metrics = {metric.name: metric for metric in (*COUNTERS, *HISTOGRAMS)}
        values = {
            name: Bounded(_MOST_VALUES, metric.known)
            for name, metric in metrics.items()
        }
        return {
            event: {
                action: tuple(self._plan(rule, metrics, values) for rule in rules)
                for action, rules in actions.items()
            }
            for event, actions in RULES.items()
        }

    def _plan(
        self, rule: Rule, metrics: Mapping[str, Metric], values: Mapping[str, Bounded]
    ) -> _Plan:
        name = f"txphoenix_{rule.metric}"
        metric = metrics[name]
        return _Plan(
            name,
            rule.measurement,
            metric.kind == "histogram",
            metric.is_of_topic and self._topics is not None,
            rule.value,
            values[name],
        )

    def _known_keys(self) -> Iterator[Key]:
        """The counters that are there before anything has happened."""
        for metric in COUNTERS:
            if metric.is_of_topic and self._topics is not None:
                continue
            if not metric.label:
                yield (metric.name,)
            for value in metric.known:
                yield metric.name, value

    def _series_of(self, client: SocketClient) -> Series:
        series = self._by_name.get(client.name)
        if series is None:
            if max(len(self._series), len(self._by_name)) >= self._sweep_at:
                self.drop_gone()
            label = client_label(client)
            series = self._series.get(label)
            if series is None:
                series = self._series[label] = Series(self._known, self._bounds)
            self._by_name[client.name] = series
        return series

    def _take(
        self,
        event_name: EventName,
        measurements: Mapping[str, Any],
        metadata: Mapping[str, Any],
        _config: object,
    ) -> None:
        client = metadata["client"]
        if not isinstance(client, SocketClient):
            # Somebody else's event, under a name of ours.
            return
        series = self._series_of(client)
        if event_name == MESSAGE:
            self._take_message(series, measurements, metadata)
            return
        seen = self._clients.add(client)
        action = metadata["action"]
        if action == "heartbeat_duration":
            seen.answered_at = self._now()
        elif action == "idle":
            # Nobody asks the server any more, so its silence says nothing.
            seen.answered_at = None
        for plan in self._plans[event_name].get(action, ()):
            number = 1 if plan.measurement == ONE else measurements[plan.measurement]
            key: Key = (plan.name,)
            if plan.value is not None:
                key = (*key, plan.values.of(plan.value(metadata)))
            if plan.is_of_topic:
                key = (*key, self._topic(event_name, metadata))
            if plan.is_histogram:
                series.observe(key, number)
            else:
                series.count(key, number)

    def _topic(self, event_name: EventName, metadata: Mapping[str, Any]) -> str:
        topics = self._topics
        topic = metadata["id" if event_name == STATE_CHANGE else "topic"]
        return "" if topics is None else topics.of(topic)

    def _take_message(
        self,
        series: Series,
        measurements: Mapping[str, Any],
        metadata: Mapping[str, Any],
    ) -> None:
        topic = self._topic(MESSAGE, metadata)
        action = metadata["action"]
        size = measurements["size"]
        series.count((f"txphoenix_topic_{action}_messages_total", topic), 1)
        series.count((f"txphoenix_topic_{action}_bytes_total", topic), size)
