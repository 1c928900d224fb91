"""The rates as a bar chart in SVG; each workload has a scale of its own."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby

from .plan import CLIENTS, WORKLOADS
from .results import Results
from .table import number

__all__ = ["svg"]

_COLOURS = {"txphoenix": "#5b3fa0", "phoenix_js": "#f0743e", "stock": "#8a8f98"}
_LEFT = 190
_WIDTH = 400
_BAR = 15
_GAP = 12
_TOP = 46


def svg(results: Results) -> str:
    """The chart; rates alone, since for them a longer bar is a better one."""
    rows = [
        (name, metric, client)
        for name, metric, unit, client in results.rows()
        if unit not in ("KB", "x") and client in _COLOURS
    ]
    groups = [
        (key, [client for _, _, client in group])
        for key, group in groupby(rows, lambda row: row[:2])
    ]
    height = _TOP + sum(len(clients) * _BAR + _GAP for _, clients in groups)
    lines = [*_head(height), *_bars(results, groups), "</svg>"]
    return "\n".join(lines) + "\n"


def _head(height: int) -> Iterator[str]:
    width = _LEFT + _WIDTH + 150
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" '
        'font-family="sans-serif" font-size="11">'
    )
    yield "<title>Medians of one run; each group has a scale of its own</title>"
    yield f'<rect width="{width}" height="{height}" fill="white"/>'
    for index, (client, colour) in enumerate(_COLOURS.items()):
        x = _LEFT + index * 170
        yield f'<rect x="{x}" y="14" width="11" height="11" fill="{colour}"/>'
        yield f'<text x="{x + 16}" y="24">{escape(CLIENTS[client])}</text>'


def _bars(
    results: Results, groups: list[tuple[tuple[str, str], list[str]]]
) -> Iterator[str]:
    y = _TOP
    for (name, metric), clients in groups:
        workload = WORKLOADS[name]
        unit = workload.metrics[metric]
        medians = [results.median(name, client, metric) or 0.0 for client in clients]
        title = workload.title if metric == "rate" else f"{workload.title}, {metric}"
        yield (
            f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">'
            f"{escape(title)}</text>"
        )
        for client, value in zip(clients, medians, strict=True):
            width = _WIDTH * value / (max(medians) or 1.0)
            yield (
                f'<rect x="{_LEFT}" y="{y + 1}" width="{width:.1f}" '
                f'height="{_BAR - 2}" fill="{_COLOURS[client]}"/>'
            )
            yield (
                f'<text x="{_LEFT + width + 5:.1f}" y="{y + 12}">'
                f"{number(value)} {escape(unit)}</text>"
            )
            y += _BAR
        y += _GAP
