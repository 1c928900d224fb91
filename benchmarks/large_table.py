"""The results of large messages as text: a line for each size and way."""

from __future__ import annotations

from collections.abc import Iterator

from .plan import CLIENTS, LARGE
from .results import Results
from .table import number

__all__ = ["large_lines"]


def large_lines(results: Results) -> Iterator[str]:
    """For each client MB/s, MB in a second of CPU time, and the peak of memory."""
    rows = [row for row in results.rows() if row[0] in LARGE and row[2] == "MB/s"]
    if not rows:
        return
    clients = [client for client in CLIENTS if client in {row[3] for row in rows}]
    names = [CLIENTS[client].partition(" (")[0] for client in clients]
    yield f"{'large messages':34}" + "".join(f"{name:>26}" for name in names)
    columns = f"{'MB/s':>10}{'per CPU s':>10}{'peak':>6}"
    yield f"{'':34}" + columns * len(clients)
    for name, metric in dict.fromkeys(row[:2] for row in rows):
        columns_of = ((metric, 10), (f"{metric}_cpu", 10), (f"{metric} peak", 6))
        cells = [
            _cell(results, name, client, each, width)
            for client in clients
            for each, width in columns_of
        ]
        yield f"{f'{LARGE[name].title}, {metric}':34}" + "".join(cells)


def _cell(results: Results, name: str, client: str, metric: str, width: int) -> str:
    value = results.median(name, client, metric)
    return f"{'' if value is None else number(value):>{width}}"
