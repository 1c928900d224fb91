"""The targets of the fuzzing, without what makes their inputs: over the seeds alone.

They are in a clone, not in a wheel.
"""

from __future__ import annotations

import io
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from .clone import ROOT, clone_on_path

NOT_THERE = None if (ROOT / "fuzz").is_dir() else "installed without its fuzz targets"
"""Why a test that needs them is skipped."""

if NOT_THERE is None:
    with clone_on_path():
        from fuzz import engine, runs
        from fuzz.faults import FAULTS, planted
        from fuzz.targets import TARGETS

# So many changed seeds are enough for a fault, as a rule a tenth of it.
MOST = 8000

TARGET_NAMES = {"serializers", "frames", "handshake", "http", "urls", "presence"}


def changed(random: Random, seeds: list[bytes], words: list[bytes]) -> bytes:
    """A seed with a thing or two done to it, as a fuzzer does."""
    made = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(made) + 1)
        edges = [edge for found in re.finditer(rb"\W+", made) for edge in found.span()]
        if edges and random.random() < 0.5:
            # Where words and lines begin and end most depends on a byte.
            at = random.choice(edges)
        way = random.randrange(4)
        if way == 0 and made:
            made[at % len(made)] = random.randrange(256)
        elif way == 1:
            del made[at : at + random.randrange(1, 9)]
        elif way == 2:
            other = random.choice(seeds)
            made[at:] = other[random.randrange(len(other) + 1) :]
        else:
            made[at:at] = random.choice(words)
    return bytes(made)


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run ``python -m fuzz``."""
    return subprocess.run(
        [sys.executable, "-m", "fuzz", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        **options,
    )


class FuzzCase(SynchronousTestCase):
    """A test of the targets."""

    skip = NOT_THERE


class TargetTests(FuzzCase):
    """The targets by themselves."""

    def test_seeds(self) -> None:
        """Each target has seeds, and nothing is wrong with any."""
        self.assertEqual(set(TARGETS), TARGET_NAMES)
        for name, target in TARGETS.items():
            seeds = list(target.seeds())
            self.assertGreater(len(seeds), 10, name)
            for seed in seeds:
                with self.subTest(name=name, seed=seed):
                    target.run(seed)

    def test_changed_seeds(self) -> None:
        """Nor with what a few changes make of them, nor with next to nothing."""
        for name, target in TARGETS.items():
            for data in (
                b"",
                b"\0",
                b"\1",
                b"\2",
                b"\3",
                b"\0\0",
                b"\1\1",
                b"\xff" * 9,
            ):
                target.run(data)
            random, seeds = Random(1), list(target.seeds())
            for _ in range(300):
                data = changed(random, seeds, list(target.words))
                with self.subTest(name=name, data=data):
                    target.run(data)

    def test_no_secret(self) -> None:
        """An error that would hold a text without the secret as well shows none."""
        for data in (
            # Of "[redacted]" and of the host.
            b"\1ws://[redacted]@h@host",
            # Of a path that repr() has escaped.
            b"\1ws://h/" + b"\\" * 6 + b"?a=" + b"\\" * 12,
            b"\0x://h/\xff\xff?a=\\udcff\\udcff",
            # Of what the error says in any case.
            b"\0ws://h/\r?a=must not hold spaces",
        ):
            with self.subTest(data=data):
                TARGETS["urls"].run(data)
        with planted("urls", "secret"):
            for secret in ("abcdefghijkl", "\\" * 12, "[redacted]@h"):
                for url in (f"ws://{secret}@host", f"ws://host/?a={secret}"):
                    with self.subTest(url=url), self.assertRaises(AssertionError):
                        TARGETS["urls"].run(b"\1" + url.encode())

    def test_faults(self) -> None:
        """Each target finds the faults that are planted for it."""
        self.assertEqual(set(FAULTS), TARGET_NAMES)
        for name, target in TARGETS.items():
            self.assertGreater(len(FAULTS[name]), 1)
            for fault in FAULTS[name]:
                with self.subTest(name=name, fault=fault), planted(name, fault):
                    self.assertTrue(self.finds(target), f"{name}: {fault}")
        # Some are logged, too, as errors of the library.
        self.flushLoggedErrors()

    def finds(self, target: Any) -> bool:
        """Whether a target finds something wrong."""
        random, seeds, words = Random(2), list(target.seeds()), list(target.words)
        for number in range(MOST):
            data = (
                seeds[number] if number < len(seeds) else changed(random, seeds, words)
            )
            try:
                target.run(data)
            except Exception:
                return True
        return False


class ProgramTests(FuzzCase):
    """``python -m fuzz``."""

    def test_replay(self) -> None:
        """An input is run again, by a file, without atheris."""
        path = Path(self.mktemp()).absolute()
        path.write_bytes(next(iter(TARGETS["urls"].seeds())))
        done = run("urls", os.fspath(path))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("urls: nothing is wrong", done.stdout)

    def test_replay_of_what_is_wrong(self) -> None:
        """Exit status 1 if something is wrong with it, and what."""
        path = Path(self.mktemp()).absolute()
        # Not what a serializer takes, but a fault in the target is one as well.
        path.write_bytes(b"\0x")
        script = (
            "import sys, fuzz.targets as t, fuzz.__main__ as m\n"
            "t.TARGETS['urls'] = t.TARGETS['urls']._replace(run=lambda data: 1 / 0)\n"
            "sys.argv[1:] = ['urls', sys.argv[1]]\n"
            "sys.exit(m.main())"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, os.fspath(path)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("ZeroDivisionError", done.stderr)
        self.assertIn("urls: something is wrong with", done.stdout)

    def test_unknown(self) -> None:
        """A name that is no target's is told, with the names that are."""
        done = run("nothing")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no such target: nothing; there are serializers,", done.stderr)

    def test_missing(self) -> None:
        """Where atheris is missing it is said what that takes, whatever the system."""
        self.patch(engine, "find_spec", lambda _name: None)
        self.patch(sys, "platform", "linux")
        self.patch(platform, "machine", lambda: "x86_64")
        self.assertIn("tox -e fuzz", engine.why_not())
        self.assertEqual(engine.why_not(is_installed=False), "")
        self.patch(platform, "machine", lambda: "aarch64")
        for is_installed in (True, False):
            self.assertIn("Linux on x86_64 alone", engine.why_not(is_installed))


class EngineTests(FuzzCase):
    """What atheris is given."""

    def test_kept(self) -> None:
        """An input at which a target raises is in a file, and its path is told."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        told = io.StringIO()
        self.patch(sys, "stderr", told)
        options = ["corpus", f"-artifact_prefix={folder}{os.sep}", "-max_len=9"]
        run = engine.kept(lambda data: print(1 // len(data), file=told), options)
        run(b"x")
        self.assertEqual(list(folder.iterdir()), [])
        self.assertRaises(ZeroDivisionError, run, b"")
        (path,) = folder.iterdir()
        self.assertEqual(path.read_bytes(), b"")
        self.assertIn(f"Test unit written to {path}\n", told.getvalue())


class OutcomeTests(FuzzCase):
    """What is made of libFuzzer's words."""

    def run_of(self, *lines: str) -> Any:
        """A run that has said so."""
        run = runs.Run("urls", Path(self.mktemp()), runs.Limits(1))
        for line in lines:
            run.take(line + "\n")
        return run

    def test_nothing_found(self) -> None:
        """The numbers of a run to its end."""
        run = self.run_of(
            "#9\tINITED cov: 100 ft: 120 corp: 9/99b exec/s: 0 rss: 80Mb",
            "#50\tNEW    cov: 130 ft: 160 corp: 10/99b lim: 4 exec/s: 9 rss: 80Mb",
            "stat::number_of_executed_units: 60",
            "stat::average_exec_per_sec:     7",
            "stat::peak_rss_mb:              81",
        )
        self.assertEqual((run.executions, run.covered), (50, 130))
        self.patch(run, "_process", FinishedProcess(0))
        outcome = run.outcome()
        self.assertTrue(outcome.is_good)
        self.assertEqual(
            outcome, runs.Outcome("urls", 60, 7, (130, 30), 81, found="", error="")
        )
        self.assertTrue(runs.table([outcome])[1].endswith(" nothing"))

    def test_found(self) -> None:
        """The error and the input of a run that has found something."""
        run = self.run_of(
            " === Uncaught Python exception: ===",
            "AssertionError: it is wrong",
            "Traceback (most recent call last):",
            "==1== ERROR: libFuzzer: fuzz target exited",
            "artifact_prefix='x/'; Test unit written to x/crash-1",
        )
        self.patch(run, "_process", FinishedProcess(77))
        outcome = run.outcome()
        self.assertFalse(outcome.is_good)
        self.assertEqual(outcome.found, "x/crash-1")
        self.assertEqual(outcome.error, "AssertionError: it is wrong")

    def test_limits(self) -> None:
        """Too much memory or time is named; so is the status of a process that died."""
        for word in ("out-of-memory", "timeout"):
            run = self.run_of(
                f"==1== ERROR: libFuzzer: {word} (used: 600Mb)",
                "Test unit written to x/y",
            )
            self.patch(run, "_process", FinishedProcess(71))
            self.assertEqual(run.outcome().error, word)
        run = self.run_of("nothing that is known")
        self.patch(run, "_process", FinishedProcess(-9))
        self.assertEqual(run.outcome().error, "exit status -9")

    def test_dictionary(self) -> None:
        """Any bytes can be a word."""
        self.assertEqual(
            runs.dictionary([b'a"', b"\\\0"]), '"\\x61\\x22"\n"\\x5c\\x00"\n'
        )


class FinishedProcess:
    """A process that has ended."""

    def __init__(self, status: int) -> None:
        self._status = status

    def wait(self) -> int:
        """Its status."""
        return self._status
