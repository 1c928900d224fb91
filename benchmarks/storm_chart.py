"""The storms as lines: how many attempts there are, and who is back."""

from __future__ import annotations

# mypy: allow-untyped-calls
from typing import Any

from .pictures import COLOURS, INK, draw
from .storm_clients import CLIENTS
from .storm_results import Case, Outcome, Storms

__all__ = ["svg"]

_DRAWN = {"phoenix_js": (COLOURS[1], "-"), "txphoenix": (COLOURS[0], "-")}
_HEIGHT = 4.6


def _label(name: str) -> str:
    """The client, and those whose storm is the same."""
    others = [each.title for each in CLIENTS.values() if each.same_as == name]
    return " and ".join([CLIENTS[name].title, *others])


def _chosen(storms: Storms) -> list[Case]:
    """The storms of the most clients, at the server that is named first."""
    every = storms.cases()
    most = max(case.clients for case in every)
    first = every[0]
    return [
        case
        for case in every
        if (case.clients, case.overload, case.work)
        == (most, first.overload, first.work)
    ]


def svg(storms: Storms) -> str:
    """The chart: a column for each outage, attempts above and who is back below."""
    chosen = _chosen(storms)

    def plot(figure: Any) -> None:
        case = chosen[0]
        figure.suptitle(
            f"{case.clients:,} clients come back to a server that takes"
            f" {case.rate:,.0f} a second",
            fontsize=11,
            fontweight="bold",
        )
        rows = figure.subplots(2, len(chosen), squeeze=False, sharex="col")
        for column, case in enumerate(chosen):
            _plot_case(rows[0][column], rows[1][column], case, storms)
        rows[0][0].set_ylabel("attempts in a second,\nfor each client")
        rows[1][0].set_ylabel("clients that are back")
        labels = rows[0][0].get_legend_handles_labels()
        figure.legend(*labels, loc="outside lower center", ncols=3, fontsize=8)

    told = " ".join(
        f"Down for {case.outage:g} s, {CLIENTS[name].title}: a peak of"
        f" {storms.outcomes[case, name].peak / case.clients:.2f} attempts a second for"
        f" each client, half are back after {storms.outcomes[case, name].until[0]:.0f}"
        " s."
        for case in chosen
        for name in _DRAWN
    )
    title = "Attempts a second, and who is back, after a server's restart"
    return draw(title, told, _HEIGHT, plot)


def _plot_case(above: Any, below: Any, case: Case, storms: Storms) -> None:
    ends = [storms.outcomes[case, name].until[2] for name in _DRAWN]
    end = min(max(ends), case.outage + 6 * case.work) * 1.03
    for name, (colour, style) in _DRAWN.items():
        outcome = storms.outcomes[case, name]
        _plot_attempts(above, case, outcome, colour, style, _label(name))
        below.plot(
            [*range(len(outcome.shares) + 1), max(end, len(outcome.shares))],
            [0.0, *outcome.shares, outcome.shares[-1]],
            color=colour,
            linestyle=style,
            linewidth=1.8,
        )
    for axes in (above, below):
        axes.axvspan(0, case.outage, color=COLOURS[3], alpha=0.2, linewidth=0)
        axes.set_xlim(0, end)
        axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.6)
    above.set_title(f"down for {case.outage:g} s", loc="left")
    above.set_yscale("log")
    ticks = (0.01, 0.1, 1, 6)
    above.set_ylim(0.005, 12)
    above.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    above.set_yticks([], minor=True)
    below.set_ylim(0, 1.04)
    shares = (0, 0.5, 0.9, 1)
    below.set_yticks(shares, [f"{share:.0%}" for share in shares])
    below.set_xlabel("seconds since the loss")


def _plot_attempts(
    axes: Any, case: Case, outcome: Outcome, colour: str, style: str, label: str
) -> None:
    each = [count / case.clients for count in outcome.seconds]
    axes.fill_between(
        range(len(each)), each, 0.0001, step="post", color=colour, alpha=0.25, lw=0
    )
    axes.step(
        range(len(each)),
        each,
        where="post",
        color=colour,
        linestyle=style,
        linewidth=1.2,
        label=label,
    )
