"""The memory of a client whose server stops reading, as lines over the time."""

from __future__ import annotations

# mypy: allow-untyped-calls
from collections.abc import Mapping
from typing import Any

from .pictures import COLOURS, INK, WIDTH, draw

__all__ = ["svg"]

_MIB = 2**20


def svg(runs: Mapping[str, tuple[float, list[int]]], limit: int) -> str:
    """The chart.

    :param runs: of each run the seconds that it took, and the growth of the resident
        set in bytes, at even distances.
    :param limit: the client's ``write_buffer``.
    """
    names = list(dict.fromkeys(name.split(",")[0] for name in runs))

    def plot(figure: Any) -> None:
        axes = figure.subplots()
        axes.axhline(limit / _MIB, color=INK, linewidth=0.8, linestyle=":")
        axes.text(0, limit / _MIB + 0.5, "write_buffer", fontsize=7.5)
        for name, (seconds, resident) in runs.items():
            count = max(1, len(resident) - 1)
            axes.plot(
                [index * seconds / count for index in range(len(resident))],
                [each / _MIB for each in resident],
                color=COLOURS[names.index(name.split(",")[0])],
                linestyle="--" if "reconnecting" in name else "-",
                linewidth=1.6,
                label=name,
            )
        axes.set_ylim(0, 1.5 * max(limit, *map(_highest, runs.values())) / _MIB)
        axes.set_xlabel("seconds of pushes at full speed")
        axes.set_ylabel("resident set, MiB more than before")
        axes.set_title("A client whose server has stopped reading", loc="left")
        axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.6)
        axes.legend(loc="upper right", ncols=2, fontsize=7.5)

    told = " ".join(
        f"{name}: at most {_highest(run) / _MIB:.1f} MiB more."
        for name, run in runs.items()
    )
    title = "The memory of a client that pushes on while its server reads nothing"
    return draw(title, told, WIDTH * 0.45, plot)


def _highest(run: tuple[float, list[int]]) -> int:
    return max(run[1], default=0)
