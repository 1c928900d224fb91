"""The processes of a run: each target has one of its own, which may break down.

::

    build/fuzz/TARGET/corpus/        what has led somewhere, for the next run
    build/fuzz/TARGET/found/         inputs that something is wrong with
    build/fuzz/TARGET/log            what libFuzzer has said
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable
from hashlib import sha1
from pathlib import Path
from typing import IO, NamedTuple

from .targets import TARGETS, Target

__all__ = ["LARGEST", "LONGEST", "Limits", "Outcome", "Run", "table"]

ROOT = Path(__file__).parent.parent

LARGEST = 512
"""The most memory of a process, in MB; one takes 150."""

LONGEST = 10
"""The most seconds for one input; one takes a thousandth."""

_LONGEST_INPUT = 2048
_COVERED = re.compile(r"#(\d+)\s+([A-Za-z]+)\s+cov: (\d+) ft: (\d+)")
_STATISTIC = re.compile(r"stat::(\w+):\s+(\d+)")
_FOUND = re.compile(r"Test unit written to (\S+)")
_TRACEBACK = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Warning)\b.*$", re.M)


class Limits(NamedTuple):
    """What a run may take, and where it begins.

    :ivar seed: of atheris's choices; 0 for other ones each time.
    """

    seconds: int
    memory: int = LARGEST
    timeout: int = LONGEST
    seed: int = 0


class Outcome(NamedTuple):
    """What has become of a run.

    :ivar covered: the branches that were run, and those of them that the seeds had not.
    :ivar found: the input that something is wrong with.
    :ivar error: what is wrong, in a line.
    """

    target: str
    executions: int
    rate: int
    covered: tuple[int, int]
    memory: int
    found: str
    error: str

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not self.found and not self.error


class Run:
    """One target under way.

    :param name: the target's.
    :param folder: where all runs are kept.
    :param limits: what it may take.
    :param fault: a fault to plant; the corpus is then a new one.
    """

    def __init__(
        self, name: str, folder: Path, limits: Limits, fault: str = "-"
    ) -> None:
        self.name = name
        self._limits = limits
        self._fault = fault
        home = folder / (name if fault == "-" else f"{name}-{fault.replace(' ', '-')}")
        if fault != "-":
            shutil.rmtree(home, ignore_errors=True)
        self._home = home
        self._lines: list[str] = []
        self._first: int | None = None
        self.executions = self.covered = 0
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        corpus, found = self._home / "corpus", self._home / "found"
        corpus.mkdir(parents=True, exist_ok=True)
        found.mkdir(exist_ok=True)
        target = TARGETS[self.name]
        write_seeds(target, corpus)
        words = self._home / "words"
        words.write_text(dictionary(target.words), "ascii")
        command = [
            *(sys.executable, "-m", "fuzz.engine", self.name, self._fault),
            str(corpus),
            f"-artifact_prefix={found}{os.sep}",
            f"-dict={words}",
            f"-max_len={_LONGEST_INPUT}",
            f"-max_total_time={self._limits.seconds}",
            f"-rss_limit_mb={self._limits.memory}",
            f"-timeout={self._limits.timeout}",
            f"-seed={self._limits.seed}",
            "-print_final_stats=1",
        ]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONPATH": path},
        )
        if self._process.stdout is not None:
            self._reader = threading.Thread(
                target=self._read, args=[self._process.stdout], daemon=True
            )
            self._reader.start()

    def _read(self, lines: IO[str]) -> None:
        with lines, (self._home / "log").open("w", encoding="utf-8") as log:
            for line in lines:
                log.write(line)
                self.take(line)

    def take(self, line: str) -> None:
        """Take a line of libFuzzer's."""
        said = _COVERED.match(line)
        if said is None:
            self._lines.append(line)
            return
        self.executions, self.covered = int(said[1]), int(said[3])
        if said[2] == "INITED":
            self._first = self.covered

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End it before its time."""
        if self._process is not None and self.is_running:
            self._process.terminate()
            self._process.wait()

    def outcome(self) -> Outcome:
        """What has become of it, once it runs no more."""
        status = self._process.wait() if self._process is not None else 1
        if self._reader is not None:
            # What it has said last is what counts.
            self._reader.join()
        text = "".join(self._lines)
        numbers = {name: int(value) for name, value in _STATISTIC.findall(text)}
        found = _FOUND.search(text)
        error = ""
        if found or status:
            errors = _TRACEBACK.findall(text)
            error = errors[-1] if errors else f"exit status {status}"
            # libFuzzer's own findings have no traceback of Python's.
            for word in ("out-of-memory", "timeout"):
                if f"libFuzzer: {word}" in text:
                    error = word
        first = self.covered if self._first is None else self._first
        return Outcome(
            self.name,
            numbers.get("number_of_executed_units", self.executions),
            numbers.get("average_exec_per_sec", 0),
            (self.covered, self.covered - first),
            numbers.get("peak_rss_mb", 0),
            found[1] if found else "",
            error,
        )


def write_seeds(target: Target, corpus: Path) -> None:
    """Put the seeds of a target into its corpus."""
    for seed in target.seeds():
        (corpus / sha1(seed).hexdigest()).write_bytes(seed)


def dictionary(words: Iterable[bytes]) -> str:
    """A dictionary as libFuzzer reads it."""
    return "".join(
        '"{}"\n'.format("".join(f"\\x{byte:02x}" for byte in word)) for word in words
    )


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """The outcomes, in lines that people read."""
    titles = ("executions", "a second", "branches", "new", "peak RSS", "found")
    lines = ["{:<12} {:>12} {:>9} {:>9} {:>6} {:>9}  {}".format("target", *titles)]
    for each in outcomes:
        covered, new = each.covered
        lines.append(
            f"{each.target:<12} {each.executions:>12,} {each.rate:>9,} {covered:>9,}"
            f" {new:>6,} {each.memory:>6} MB  {each.error or 'nothing'}"
        )
    return lines
