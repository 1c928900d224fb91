"""Adds up what ``.ci/run`` has run: ``python -m release.results LOG STATUS``.

It needs nothing but Python, for ``.ci/run`` has nothing else.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Environment", "add_up", "environments", "main"]

# The lines of tox: what it begins to run, and how that has ended.
_COMMAND: Final = re.compile(r"(\S+): commands\[\d+\]")
_FAILED: Final = re.compile(r"  (\S+): FAIL\b")

# The closing line of trial: "FAILED (skips=2, failures=1, successes=12)".
_TRIAL: Final = re.compile(r"(?:PASSED|FAILED) \((.+)\)$")
# That of pytest, and of interop: "1 failed, 12 passed, 2 warnings in 3.45s (0:00:03)".
_PYTEST: Final = re.compile(r"(?:=+ )?(\d+ [a-z ]+(?:, \d+ [a-z ]+)*) in [\d.]+s\b")
# That of compliance.
_CASES: Final = re.compile(r"(\d+) cases, (\d+) failed, (\d+) worse than stock$")
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")

Counts = tuple[int, int]


@dataclass(slots=True)
class Environment:
    """What an environment of tox has run.

    :ivar commands: how many have passed and failed, by each command that counts.
    :ivar is_failed: tox says that it has failed.
    """

    commands: list[Counts] = field(default_factory=list)
    is_failed: bool = False

    @property
    def passed(self) -> int:
        """How many tests have passed."""
        return sum(passed for passed, _ in self.commands)

    @property
    def failed(self) -> int:
        """How many have failed; what fails and counts nothing, such as lint, is one."""
        return sum(failed for _, failed in self.commands) or int(self.is_failed)


def counts(line: str) -> Counts | None:
    """How many have passed and failed, if this is a line that says so."""
    if found := _TRIAL.match(line):
        by_name = {name: int(n) for name, n in re.findall(r"(\w+)=(\d+)", found[1])}
        wrong = by_name.get("failures", 0) + by_name.get("errors", 0)
        return by_name.get("successes", 0), wrong
    if found := _PYTEST.match(line):
        kinds = [part.split(" ", 1) for part in found[1].split(", ")]
        by_name = {name.removesuffix("s"): int(n) for n, name in kinds}
        wrong = by_name.get("failed", 0) + by_name.get("error", 0)
        return by_name.get("passed", 0), wrong
    if found := _CASES.match(line):
        cases, failed, worse = map(int, found.groups())
        return max(cases - failed - worse, 0), failed + worse
    return None


def environments(lines: Iterable[str]) -> dict[str, Environment]:
    """What each environment has run, by its name, in the order of their commands.

    A command's last closing line counts: those before it are of runs within tests.
    """
    every: dict[str, Environment] = defaultdict(Environment)
    current = every[""]
    last: Counts | None = None
    for raw in lines:
        line = _COLOUR.sub("", raw).rstrip()
        command, failed = _COMMAND.match(line), _FAILED.match(line)
        if command or failed:
            if last is not None:
                current.commands.append(last)
            last = None
        if command:
            current = every[command[1]]
        elif failed:
            every[failed[1]].is_failed = True
        else:
            last = counts(line) or last
    if last is not None:
        current.commands.append(last)
    return every


def add_up(lines: Iterable[str], is_failed: bool) -> str:
    """All of it in a line, and one above it with the environments that have failed.

    :param is_failed: something has, as its exit code says.
    """
    every = environments(lines)
    passed = sum(it.passed for it in every.values())
    failed = sum(it.failed for it in every.values())
    if is_failed and not failed:
        failed = 1
    wrong = [name for name, it in every.items() if it.failed and name]
    told = [f"failed: {', '.join(wrong)}"] if wrong else []
    return "\n".join([*told, f"{passed} passed, {failed} failed"])


def main(arguments: Sequence[str]) -> None:
    """Print the sums of a log: ``LOG STATUS``, what was printed and the exit code."""
    if len(arguments) != 2 or not Path(arguments[0]).is_file():
        sys.exit("python -m release.results: a log and an exit code are expected")
    log, status = arguments
    text = Path(log).read_text("utf-8", errors="replace")
    print(add_up(text.split("\n"), is_failed=status != "0"))


if __name__ == "__main__":
    main(sys.argv[1:])
