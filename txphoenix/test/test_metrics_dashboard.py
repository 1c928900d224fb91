"""The dashboard, the rules for alerts and the page agree with the metrics there are.

These files are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix.metrics.definitions import (
    COUNTERS,
    GAUGES,
    HISTOGRAMS,
    INFO,
    METRICS,
    TOPIC_COUNTERS,
    Metric,
)

ROOT = Path(txphoenix.__file__).parent.parent
EXAMPLES = ROOT / "examples" / "grafana"
DASHBOARD = EXAMPLES / "txphoenix.json"
ALERTS = EXAMPLES / "alerts.yml"
PAGE = ROOT / "docs" / "howto-metrics.rst"

NOT_THERE = None if DASHBOARD.exists() and PAGE.exists() else "installed without them"

# Labels that Prometheus adds by itself, or that are an expression's own.
OTHERS_LABELS = {"instance", "le"}


def series() -> dict[str, tuple[Metric, set[str]]]:
    """The name of each sample, with its metric and its labels."""
    found: dict[str, tuple[Metric, set[str]]] = {}
    for metric in METRICS:
        labels = {"client"} if metric is not INFO else set()
        labels |= {metric.label} if metric.label else set()
        labels |= {"topic"} if metric.is_of_topic else set()
        suffixes = (
            ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        )
        for suffix in suffixes:
            found[metric.name + suffix] = metric, labels
    return found


def wrong_with(expression: str) -> list[str]:
    """What is wrong with an expression, as far as metrics and labels go."""
    known = series()
    problems = []
    labels: set[str] = set()
    for name in re.findall(r"txphoenix_\w+", expression):
        if name not in known:
            problems.append(f"there is no {name}")
            continue
        metric, own = known[name]
        labels |= own
        is_rated = bool(re.search(rf"(rate|increase)\({name}\b", expression))
        if is_rated == (metric.kind == "gauge"):
            problems.append(f"{name} is a {metric.kind}")
    used = set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        used |= set(group.split(", "))
    problems += [f"no label {name}" for name in used - labels - OTHERS_LABELS]
    if expression.count("(") != expression.count(")"):
        problems.append("a bracket is not closed")
    return problems


class DashboardTests(SynchronousTestCase):
    """``examples/grafana/txphoenix.json``."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Read it."""
        self.dashboard = json.loads(DASHBOARD.read_text("utf-8"))

    def panels(self) -> Iterator[dict[str, Any]]:
        """The panels, but for the titles of rows."""
        return (one for one in self.dashboard["panels"] if one["type"] != "row")

    def expressions(self) -> list[str]:
        """What the panels ask for."""
        return [
            target["expr"] for panel in self.panels() for target in panel["targets"]
        ]

    def test_queries(self) -> None:
        """Each panel asks for metrics that there are, by labels that these have."""
        for panel in self.panels():
            self.assertTrue(panel["targets"], panel["title"])
            for target in panel["targets"]:
                self.assertEqual(wrong_with(target["expr"]), [], target["expr"])

    def test_legends(self) -> None:
        """A legend names labels that its query has."""
        for panel in self.panels():
            for target in panel["targets"]:
                grouped = re.findall(r"by \(([^)]*)\)", target["expr"])
                for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                    self.assertIn(label, ", ".join(grouped).split(", "), target)

    def test_every_metric(self) -> None:
        """Each metric is on it."""
        asked = " ".join(self.expressions())
        for metric in METRICS:
            self.assertRegex(asked, rf"\b{metric.name}(_bucket|_count|_sum)?\b")

    def test_variables(self) -> None:
        """It chooses by variables that it has, of metrics that there are."""
        variables = {one["name"]: one for one in self.dashboard["templating"]["list"]}
        self.assertEqual(list(variables), ["datasource", "instance", "client"])
        used = set(re.findall(r"\$(\w+)", " ".join(self.expressions())))
        self.assertEqual(used - {"__rate_interval"}, {"instance", "client"})
        for name in ("instance", "client"):
            query = variables[name]["query"]["query"]
            for metric in re.findall(r"txphoenix_\w+", query):
                self.assertIn(metric, series())
        for panel in self.panels():
            self.assertEqual(panel["datasource"]["uid"], "${datasource}")

    def test_layout(self) -> None:
        """Panels have ids of their own, and none lies over another."""
        ids = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(set(ids)), len(ids))
        taken: set[tuple[int, int]] = set()
        for panel in self.dashboard["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells

    def test_named(self) -> None:
        """The page names each panel, with the words of its description."""
        text = PAGE.read_text("utf-8").partition("\nDashboard\n")[2]
        named = re.findall(r"^- \*(.*)\*: (.*)$", text, re.M)
        self.assertEqual(
            named,
            [
                (one["title"], one["description"][0].lower() + one["description"][1:])
                for one in self.panels()
            ],
        )


class AlertTests(SynchronousTestCase):
    """``examples/grafana/alerts.yml``."""

    skip = NOT_THERE

    def test_rules(self) -> None:
        """Each rule asks for metrics that there are, and tells of what it has."""
        text = ALERTS.read_text("utf-8")
        rules = text.split("- alert: ")[1:]
        self.assertGreaterEqual(len(rules), 5)
        for rule in rules:
            name = rule.split("\n", 1)[0]
            found = re.search(r"expr: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)", rule)
            assert found is not None, name
            expression = found.group(1) or found.group(2)
            self.assertEqual(wrong_with(expression), [], name)
            self.assertIn("summary: ", rule)


class CheckTests(SynchronousTestCase):
    """The check itself sees what is wrong."""

    def test_wrong(self) -> None:
        """A name, a label, a rate of what is none, and a bracket."""
        for expression, problem in (
            (
                "rate(txphoenix_nothing_total[5m])",
                "there is no txphoenix_nothing_total",
            ),
            ('txphoenix_clients{topic="x"}', "no label topic"),
            ("sum by (error) (txphoenix_clients)", "no label error"),
            ("rate(txphoenix_clients[5m])", "txphoenix_clients is a gauge"),
            ("txphoenix_joins_total", "txphoenix_joins_total is a counter"),
            ("sum(txphoenix_clients", "a bracket is not closed"),
        ):
            self.assertEqual(wrong_with(expression), [problem])
        self.assertEqual(
            wrong_with('sum by (client) (txphoenix_clients{status="x"})'), []
        )


class PageTests(SynchronousTestCase):
    """The tables of ``docs/howto-metrics.rst``."""

    skip = NOT_THERE

    def test_tables(self) -> None:
        """They have each metric once, in its place, with its label and its meaning."""
        text = PAGE.read_text("utf-8").partition("\nAll metrics\n")[2]
        text = text.partition("\nDashboard\n")[0]
        row = re.compile(r"^``(txphoenix_\w+)`` +(?:``(\w+)`` +)?(\S.*)$")
        found: dict[str, list[tuple[str, str, str]]] = {}
        title = ""
        for line in text.splitlines():
            match = row.match(line)
            if line.endswith(":"):
                title = line
            elif match is not None:
                name, label, meaning = match.groups()
                found.setdefault(title, []).append((name, label or "", meaning))
        expected: dict[str, list[tuple[str, str, str]]] = {}
        of_channels = (
            " of channels, which have the label ``topic`` where topics were asked for:"
        )
        for metric in METRICS:
            if metric in TOPIC_COUNTERS:
                title = "Counters that are only there where topics were asked for:"
            elif metric in (*GAUGES, INFO):
                title = "Gauges, which are read when somebody asks:"
            else:
                title = "Histograms" if metric in HISTOGRAMS else "Counters"
                title += of_channels if metric.is_of_topic else " of connections:"
            expected.setdefault(title, []).append(
                (metric.name, metric.label, metric.text)
            )
        self.assertEqual(found, expected)
        self.assertEqual(len(COUNTERS) + len(TOPIC_COUNTERS), 27)
