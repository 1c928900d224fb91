"""The results as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from .goal import Goal
from .plan import CLIENTS, LARGE, WORKLOADS
from .results import Results

__all__ = ["goal_lines", "number", "result_lines"]


def number(value: float) -> str:
    """A number with three or more significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if value >= 10 else f"{value:,.2f}"


def result_lines(results: Results) -> Iterator[str]:
    """A line for each workload, metric and client, but for large messages."""
    yield (
        f"{'workload':28}{'client':34}{'median':>11} {'unit':11}"
        f"{'spread':>7}{'of stock':>10}{'per CPU s':>12}"
    )
    last = ""
    for name, metric, unit, client in results.rows():
        if name in LARGE:
            continue
        title = WORKLOADS[name].title
        middle = results.median(name, client, metric) or 0.0
        ratio = results.ratio(name, client, metric)
        by_cpu = results.median(name, client, f"{metric}_cpu")
        yield (
            f"{title if title != last else '':28}{CLIENTS[client]:34}"
            f"{number(middle):>11} {unit:11}"
            f"{results.spread(name, client, metric):>6.0%} "
            f"{'' if ratio is None else f'{ratio:.2f}':>9}"
            f"{'' if by_cpu is None else number(by_cpu):>12}"
        )
        last = title


def goal_lines(goals: list[Goal]) -> Iterator[str]:
    """A line for each goal."""
    yield f"{'goal':44}{'wanted':>12}{'reached':>12}{'by CPU':>12}  it"
    for goal in goals:
        sign = ">=" if goal.compare(2, 1) else "<="
        wanted = f"{sign} {number(goal.wanted)}"
        reached = "" if goal.reached is None else number(goal.reached)
        by_cpu = "" if goal.by_cpu is None else number(goal.by_cpu)
        yield f"{goal.text:44}{wanted:>12}{reached:>12}{by_cpu:>12}  {goal.verdict}"
