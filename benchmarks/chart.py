"""The medians of one run as bars, a picture for each family of workloads."""

from __future__ import annotations

# mypy: allow-untyped-calls
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from .pictures import COLOURS, INK, draw
from .plan import CLIENTS, WORKLOADS
from .results import Results
from .table import number

__all__ = ["FAMILIES", "family_of", "svg", "write_charts"]

_CLIENTS = ("txphoenix", "phoenix_js", "stock")
_COLOURS = dict(zip(_CLIENTS, (COLOURS[0], COLOURS[1], COLOURS[3]), strict=True))

_BAR = 0.15
_GAP = 0.11
_HEAD = 0.75
_PANEL = 0.42
"""In inches: of a bar, of what is between two groups, of the legend, of a heading."""


@dataclass(frozen=True)
class Family:
    """Workloads that are drawn in one picture.

    :param suffix: what the file's name has for it; nothing for the first.
    :param title: the picture's.
    :param prefixes: what the names of its workloads begin with; those that no family
        has are in the first.
    """

    suffix: str
    title: str
    prefixes: tuple[str, ...]


FAMILIES = (
    Family("", "Plain TCP", ()),
    Family("-wss", "Over TLS", ("wss-",)),
    Family("-large", "Large messages", ("large-",)),
    Family("-wss-large", "Large messages over TLS", ("wss-large-",)),
    Family(
        "-more", "Long-polling and compression", ("longpoll-", "https-", "compressed-")
    ),
)
"""In the order in which they are looked through, from the last."""


@dataclass(frozen=True)
class _Group:
    """What several clients did in one workload."""

    title: str
    unit: str
    bars: tuple[tuple[str, float, float, float], ...]
    """Of each client, its name, its median, and its least and its largest value."""


def family_of(workload: str) -> Family:
    """The family of a workload."""
    for family in reversed(FAMILIES):
        if workload.startswith(family.prefixes):
            return family
    return FAMILIES[0]


def write_charts(results: Results, file: Path) -> None:
    """Write a picture for each family of which something was measured.

    :param file: for the first family; the others' names have a suffix more.
    """
    measured = {family_of(name) for name, _, _, _ in results.rows()}
    for family in FAMILIES:
        if family in measured:
            beside = file.with_name(f"{file.stem}{family.suffix}{file.suffix}")
            beside.write_text(svg(results, family), "utf-8")


def svg(results: Results, family: Family = FAMILIES[0]) -> str:
    """One picture."""
    panels = {
        "Rates: a longer bar is better": list(_groups(results, family, is_size=False)),
        "Memory: a shorter bar is better": list(_groups(results, family, is_size=True)),
    }
    panels = {heading: groups for heading, groups in panels.items() if groups}
    heights = [_inches(groups) for groups in panels.values()] or [1.0]

    def plot(figure: Any) -> None:
        figure.suptitle(
            f"{family.title}: medians of one run", fontsize=11, fontweight="bold"
        )
        rows = figure.subplots(
            max(1, len(panels)), squeeze=False, height_ratios=heights
        )
        for (axes,), (heading, groups) in zip(rows, panels.items(), strict=False):
            _plot_panel(axes, heading, groups)
        _legend(figure, panels)

    told = "; ".join(
        f"{group.title}: "
        + ", ".join(
            f"{CLIENTS[client]} {number(middle)} {group.unit}"
            for client, middle, _, _ in group.bars
        )
        for groups in panels.values()
        for group in groups
    )
    title = f"{family.title}: medians of one run; each group has a scale of its own"
    return draw(title, f"{told}.", _HEAD + sum(heights), plot)


def _groups(results: Results, family: Family, is_size: bool) -> Iterator[_Group]:
    rows = [
        row
        for row in results.rows()
        if row[3] in _COLOURS
        and family_of(row[0]) is family
        # The peaks of large messages are in their table.
        and row[2] != "x"
        and row[2].startswith("KB") is is_size
    ]
    for (name, metric, unit), group in groupby(rows, lambda row: row[:3]):
        workload = WORKLOADS[name]
        # Where a workload has one metric, or one of each kind, its title will do.
        kind = [each for _, each in workload.metrics.items() if each != "KB"]
        is_plain = metric == "rate" or is_size or len(kind) == 1
        clients = sorted((row[3] for row in group), key=_CLIENTS.index)
        bars = []
        for client in clients:
            values = results.values[name, client, metric]
            middle = results.median(name, client, metric) or 0.0
            bars.append((client, middle, min(values), max(values)))
        title = workload.title if is_plain else f"{workload.title}, {metric}"
        yield _Group(title, unit, tuple(bars))


def _inches(groups: list[_Group]) -> float:
    return _PANEL + sum(len(group.bars) * _BAR + _GAP for group in groups)


def _plot_panel(axes: Any, heading: str, groups: list[_Group]) -> None:
    """One group below the other, each on a scale of its own."""
    axes.set_title(heading, loc="left", fontsize=9)
    y = 0.0
    ticks, titles = [], []
    for group in groups:
        top = max(largest for _, _, _, largest in group.bars) or 1.0
        ticks.append(y + _BAR * (len(group.bars) - 1) / 2)
        titles.append(group.title)
        for client, middle, least, largest in group.bars:
            axes.barh(y, middle / top, _BAR * 0.8, color=_COLOURS[client])
            # From the least to the largest of the repeats.
            axes.plot([least / top, largest / top], [y, y], color=INK, linewidth=0.8)
            axes.text(
                max(middle, largest) / top + 0.012,
                y,
                f"{number(middle)} {group.unit}",
                va="center",
                fontsize=7.5,
            )
            y += _BAR
        y += _GAP
    axes.set_yticks(ticks, titles)
    axes.set_ylim(y - _GAP, -_BAR)
    axes.set_xlim(0, 1.26)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)


def _legend(figure: Any, panels: dict[str, list[_Group]]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shown = {
        bar[0] for groups in panels.values() for each in groups for bar in each.bars
    }
    keys: list[Any] = [
        Patch(color=_COLOURS[client], label=CLIENTS[client])
        for client in _CLIENTS
        if client in shown
    ]
    keys.append(Line2D([], [], color=INK, linewidth=0.8, label="least to largest"))
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), fontsize=8)
