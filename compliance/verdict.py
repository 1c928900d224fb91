"""Read what the server found, and compare two agents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["Comparison", "Report", "compare", "table"]

# From good to bad; anything else, such as "WRONG CODE" or "UNCLEAN", is a failure.
_ORDER = ("OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED")
_FAILURE = len(_ORDER)

Report = Mapping[str, Mapping[str, Any]]
"""A case's number to what the suite writes of it: ``behavior``, ``duration``, ..."""


class Comparison(NamedTuple):
    """What is wrong with an agent, a line for each case."""

    failed: list[str]
    """Cases that it failed."""

    worse: list[str]
    """Cases in which it did worse than the other."""


def compare(agent: Report, other: Report) -> Comparison:
    """Look for cases that an agent failed, or did worse in than another agent."""
    failed, worse = [], []
    for case in sorted({*agent, *other}, key=_by_number):
        mine, its = _behavior(agent, case), _behavior(other, case)
        line = f"{case}: {' and '.join(mine)}; the other {' and '.join(its)}"
        if any(_rank(kind) == _FAILURE for kind in mine):
            failed.append(line)
        if any(_rank(a) > _rank(b) for a, b in zip(mine, its, strict=True)):
            worse.append(line)
    return Comparison(failed, worse)


def table(reports: Mapping[str, Report]) -> Iterator[str]:
    """Lines of text: groups of cases down, agents across.

    A cell counts how an agent behaved and adds up its seconds.
    """
    groups = sorted(
        {_by_number(case)[0] for report in reports.values() for case in report}
    )
    yield "        " + "".join(f"{agent:<46}" for agent in reports).rstrip()
    for group in groups:
        cells = (f"{_cell(report, group):<46}" for report in reports.values())
        yield f"{group:>4}.*  " + "".join(cells).rstrip()


def _cell(report: Report, group: int) -> str:
    cases = [case for case in report if _by_number(case)[0] == group]
    seconds = sum(report[case]["duration"] for case in cases) / 1000
    # A case is as bad as its worse part.
    kinds = Counter(max(_behavior(report, case), key=_rank) for case in cases)
    counts = (f"{kinds[kind]} {kind}" for kind in sorted(kinds, key=_rank))
    return f"{', '.join(counts)} ({seconds:.0f} s)"


def _behavior(report: Report, case: str) -> tuple[str, str]:
    """How the agent behaved in the case itself and in its close."""
    found = report.get(case)
    if found is None:
        return "NOT RUN", "NOT RUN"
    return found["behavior"], found["behaviorClose"]


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else _FAILURE


def _by_number(case: str) -> list[int]:
    return [int(part) for part in case.split(".")]
