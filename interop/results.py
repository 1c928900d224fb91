"""What came out, and how it is told."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Result", "Tally"]


class Result(NamedTuple):
    """How a case or a scenario went.

    :ivar title: what it is.
    :ivar faults: what was wrong, a text each; none if all was right.
    """

    title: str
    faults: list[str]

    @property
    def has_passed(self) -> bool:
        """Whether all was right."""
        return not self.faults


class Tally:
    """Counts results, and makes the lines that tell of them.

    :param count: how many results there will be.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.passed = 0
        self.failed: list[Result] = []

    def lines(self, result: Result) -> list[str]:
        """Take a result, and return what is to be printed of it."""
        if result.has_passed:
            self.passed += 1
        else:
            self.failed.append(result)
        number = self.passed + len(self.failed)
        verdict = "passed" if result.has_passed else "FAILED"
        lines = [f"[{number}/{self.count}] {verdict}  {result.title}"]
        for fault in result.faults:
            lines.extend(f"    {line}" for line in fault.splitlines())
        return lines

    def summary(self, seconds: float) -> str:
        """The last line."""
        return f"{self.passed} passed, {len(self.failed)} failed in {seconds:.2f}s"
