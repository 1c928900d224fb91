"""The growth curves as lines: each relative to its least cost, so that flat is flat."""

from __future__ import annotations

# mypy: allow-untyped-calls
from typing import Any

from .growth_plan import CURVES, PANELS
from .growth_results import FLAT, Growth, verdict
from .pictures import COLOURS, INK, WIDTH, draw
from .table import number

__all__ = ["svg"]

_TICKS = (1, 2, 5, 10, 20, 50, 100)
_FINE_TICKS = (1, 1.5, 2, 3, 4)
_MARKERS = ("o", "s", "^")


def svg(growth: Growth) -> str:
    """The chart: a panel for each thing that costs, with its curves."""
    panels = {
        panel: [name for name in growth.curves() if CURVES[name].panel == panel]
        for panel in PANELS
    }
    panels = {panel: names for panel, names in panels.items() if names}
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns) if panels else 1

    def plot(figure: Any) -> None:
        figure.suptitle(
            "What one costs, the more there are", fontsize=11, fontweight="bold"
        )
        every = figure.subplots(rows, max(1, columns), squeeze=False).flat
        for axes, (panel, names) in zip(every, panels.items(), strict=False):
            _plot_panel(axes, panel, names, growth)
        for axes in list(every)[len(panels) :]:
            axes.set_visible(False)

    told = " ".join(
        f"{CURVES[name].panel}, {CURVES[name].title}: {verdict(growth, name)}."
        for names in panels.values()
        for name in names
    )
    title = "What a message, a rejoin and a socket cost, the more there are"
    return draw(title, told, rows * WIDTH * 0.40 + 0.3, plot)


def _plot_panel(axes: Any, panel: str, names: list[str], growth: Growth) -> None:
    top = 1.0
    axes.axhspan(1, 1 + FLAT, color=COLOURS[3], alpha=0.3, linewidth=0)
    for index, name in enumerate(names):
        curve = CURVES[name]
        points = growth.points(name)
        least = min(points.values())
        times = [cost / least for cost in points.values()]
        top = max(top, *times)
        axes.plot(
            list(points),
            times,
            color=COLOURS[index],
            marker=_MARKERS[index],
            markersize=4.5,
            linewidth=1.8,
            label=f"{curve.title}\n(1.0 is {number(least)} {curve.unit})",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(0.93, max(2.2, top * 1.9))
    ticks = _TICKS if top > max(_FINE_TICKS) else _FINE_TICKS
    shown = [tick for tick in ticks if tick <= max(2.2, top * 1.2)]
    axes.set_yticks(shown, [f"{tick:g}x" for tick in shown])
    axes.set_yticks([], minor=True)
    sizes = sorted({size for name in names for size in growth.points(name)})
    axes.set_xticks(sizes, [_short(size) for size in sizes])
    axes.set_xticks([], minor=True)
    nouns = dict.fromkeys(CURVES[name].noun for name in names)
    axes.set_xlabel(" or ".join(nouns))
    is_cpu = any(CURVES[name].metric == "cpu" for name in names)
    axes.set_title(f"{panel}, {'CPU time' if is_cpu else 'KB'}", loc="left")
    axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.6)
    axes.legend(loc="upper right", fontsize=7.5)


def _short(size: int) -> str:
    return f"{size // 1000}k" if size >= 1000 else str(size)
