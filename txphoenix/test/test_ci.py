"""``.ci/run``, which runs all checks, and what adds up their results.

Both are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import txphoenix

ROOT = Path(txphoenix.__file__).parent.parent
SCRIPT = ROOT / ".ci" / "run"
NOT_THERE = None if SCRIPT.is_file() else "installed without .ci/run"

if NOT_THERE is None:
    # trial's working directory is another.
    sys.path.append(os.fspath(ROOT))
    try:
        from release import results
    finally:
        sys.path.remove(os.fspath(ROOT))

# What tox prints of a run of two environments, with what they print.
TOX = """\
{a}: commands[0]> python -m twisted.trial
{first}
{a}: exit 1 (4.73 seconds) /src> python -m twisted.trial pid=1
{a}: FAIL ✖ in 5.64 seconds
{b}: commands[0]> python
{second}
  {a}: FAIL code 1 (0.89=setup[0.85]+cmd[0.04] seconds)
  {b}: OK (0.89=setup[0.85]+cmd[0.04] seconds)
  evaluation failed :( (1.50 seconds)
"""


class ResultsTests(SynchronousTestCase):
    """What has passed and failed, by what was printed."""

    skip = NOT_THERE

    def added(self, text: str, is_failed: bool = True) -> str:
        """The sums of what was printed."""
        return results.add_up(text.split("\n"), is_failed)

    def test_closing_lines(self) -> None:
        """Each runner's closing line counts; what is skipped or expected does not."""
        rows = [
            ("PASSED (successes=12)", (12, 0)),
            ("PASSED (skips=3, expectedFailures=1, successes=12)", (12, 0)),
            ("FAILED (skips=3, failures=1, errors=2, successes=12)", (12, 3)),
            ("FAILED (expectedFailures=1, failures=1, successes=7314)", (7314, 1)),
            ("12 passed in 3.45s", (12, 0)),
            ("1 failed, 12 passed, 2 skipped, 1 xfailed in 345.67s (0:05:45)", (12, 1)),
            ("6 failed, 2 passed, 3 warnings, 2 errors in 12.56s", (2, 8)),
            ("1 error in 0.50s", (0, 1)),
            ("===== 1 failed, 3 passed, 4 subtests passed in 0.01s =====", (3, 1)),
            ("\x1b[31m\x1b[1m1 failed\x1b[0m, \x1b[32m3 passed\x1b[0m in 1s", (3, 1)),
            ("337 cases, 0 failed, 0 worse than stock", (337, 0)),
            ("337 cases, 2 failed, 1 worse than stock", (334, 3)),
            ("1 cases, 1 failed, 1 worse than stock", (0, 2)),
        ]
        for line, (passed, failed) in rows:
            said = self.added(f"{line}\n", is_failed=bool(failed))
            self.assertEqual(said, f"{passed} passed, {failed} failed", line)

    def test_other_lines(self) -> None:
        """What only looks like one does not count."""
        lines = (
            "PASSED",
            "E       AssertionError: 3 failed in 1.23s",
            "FAILED txphoenix/test/test_x.py::T::test_b - 1 failed in 2.00s",
            "a: FAIL ✖ in 5.64 seconds",
            "2 passed in the end, 3 failed in 4.5 seconds",
            "12 cases, 1 failed",
        )
        for line in lines:
            said = self.added(f"{line}\n", is_failed=False)
            self.assertEqual(said, "0 passed, 0 failed", line)

    def test_environments(self) -> None:
        """Those of all environments are added, and which have failed is told."""
        first = "FAILED (failures=1, successes=10)"
        second = "3 passed in 0.01s\nb: commands[1]> python\n4 passed in 1.00s"
        text = TOX.format(a="a", b="b", first=first, second=second)
        self.assertEqual(self.added(text), "failed: a\n17 passed, 1 failed")

    def test_counts_nothing(self) -> None:
        """What fails and counts nothing is one each, whatever else has failed."""
        text = TOX.format(a="lint", b="docs", first="error: no", second="")
        text += TOX.format(a="py311", b="py312", first="Traceback", second="2 errors")
        crossbar = "PASSED (successes=5)\nlate: commands[1]> python\nlost 3 messages"
        text += TOX.format(a="late", b="bare", first=crossbar, second="")
        text += TOX.format(a="py313", b="d", first="FAILED (failures=3)", second="")
        said = self.added(text)
        self.assertEqual(said, "failed: lint, py311, late, py313\n5 passed, 6 failed")

    def test_not_begun(self) -> None:
        """An environment that could not be made has failed too."""
        text = "c: install_deps> python -I -m pip install nothing\n"
        text += "c: exit 1 (5.14 seconds) /src> python -I -m pip install nothing\n"
        text += "  c: FAIL code 1 (5.84 seconds)\n"
        self.assertEqual(self.added(text), "failed: c\n0 passed, 1 failed")

    def test_nothing(self) -> None:
        """What failed without a word of it is one."""
        self.assertEqual(self.added("3 passed in 1.00s\n"), "3 passed, 1 failed")
        self.assertEqual(self.added("", is_failed=False), "0 passed, 0 failed")

    def test_within(self) -> None:
        """A run that a test has made is not counted beside the run of that test."""
        within = "----- Captured stdout call -----\n1 failed in 0.10s\n"
        within += "FAILED (failures=1)\n1 failed, 9 passed in 3.00s"
        text = TOX.format(a="a", b="b", first=within, second="")
        self.assertEqual(self.added(text), "failed: a\n9 passed, 1 failed")

    def test_arguments(self) -> None:
        """The command wants a log, and the exit code."""
        for given in ([], ["nowhere", "0"], [os.fspath(SCRIPT)]):
            stopped = self.assertRaises(SystemExit, results.main, given)
            self.assertIn("a log and an exit code are expected", str(stopped.code))


PYTHON = """\
#!{bash}
case "$*" in
  "-m venv "*)
    mkdir -p "$3/bin"
    cp tox-stand-in "$3/bin/tox"
    cp "$0" "$3/bin/python" ;;
  "-m pip "*) ;;
  "-c import sys;"*) ;;
  "-c "*) echo 'it is not there' ;;
  *) exec {python} "$@" ;;
esac
"""
"""A Python that installs nothing, and has nothing to do with what is optional."""

TOX_STAND_IN = """\
#!{bash}
echo "tox $*"
echo "${{2:-py311}}: commands[0]> python"
case "$*" in
  "") {first} ;;
  *--notest) {crossbar} ;;
  *) echo 'PASSED (successes=5)' ;;
esac
"""

TOOLS = ("cat", "cp", "dirname", "grep", "mkdir", "mktemp", "rm", "tail", "tee")
ALL = [
    "tox",
    "tox -e demo,wheel,oldest,benchmarks,soak,planted",
    "tox -e crossbar",
]
FAULT = "echo 'FAILED (failures=2, successes=5)'; exit 1"
NO_CROSSBAR = "echo 'ERROR: No matching distribution found for crossbar'; exit 1"


class ScriptTests(SynchronousTestCase):
    """``.ci/run`` itself, with stand-ins for tox and for the Python that it finds."""

    skip = NOT_THERE

    def run_script(
        self, first: str = ":", crossbar: str = ":", cwd: str = "."
    ) -> tuple[int, list[str]]:
        """Run it in a tree of its own; return its exit code and the lines it prints.

        :param first: what tox does when it is called without an environment.
        :param crossbar: what it does to install Crossbar.
        """
        bash = shutil.which("bash")
        if bash is None:
            raise SkipTest("there is no bash")
        # Of the words of what is optional, which are no matter in a path.
        root = Path(self.mktemp()).absolute() / "a clone to fuzz"
        bin_folder = root / "bin"
        for folder in (".ci", "release", "bin", "tmp"):
            (root / folder).mkdir(parents=True)
        for name in (".ci/run", "release/__init__.py", "release/results.py"):
            shutil.copy(ROOT / name, root / name)
        for tool in TOOLS:
            (bin_folder / tool).symlink_to(str(shutil.which(tool)))
        python = bin_folder / "python3"
        python.write_text(PYTHON.format(bash=bash, python=sys.executable), "utf-8")
        tox = root / "tox-stand-in"
        text = TOX_STAND_IN.format(bash=bash, first=first, crossbar=crossbar)
        tox.write_text(text, "utf-8")
        for file in (python, tox):
            file.chmod(0o755)
        done = subprocess.run(
            [bash, os.fspath(root / ".ci" / "run")],
            cwd=root / cwd,
            # Neither HOME nor TERM; and nothing of the system's that would install.
            env={"PATH": os.fspath(bin_folder), "TMPDIR": os.fspath(root / "tmp")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.stderr.decode("utf-8"), "")
        self.assertEqual(list((root / "tmp").iterdir()), [])
        return done.returncode, done.stdout.decode("utf-8").splitlines()

    def ran(self, lines: list[str]) -> list[str]:
        """What tox was called with."""
        return [line.strip() for line in lines if line.startswith("tox ")]

    def test_passes(self) -> None:
        """If all that is there passes, so does it, and says what is not there."""
        code, lines = self.run_script(first="echo '3 passed in 1.00s'")
        self.assertEqual(code, 0)
        self.assertEqual(self.ran(lines), ALL)
        self.assertEqual(lines[-1], "13 passed, 0 failed")
        for name in ("interop", "fuzzing", "compliance"):
            self.assertIn(f"{name} was not run: it is not there", lines)

    def test_fails(self) -> None:
        """What fails keeps nothing else from running, and the exit code tells of it."""
        code, lines = self.run_script(first=FAULT)
        self.assertEqual(code, 1)
        self.assertEqual(self.ran(lines), ALL)
        self.assertIn("compliance was not run: it is not there", lines)
        self.assertEqual(lines[-1], "15 passed, 2 failed")

    def test_no_crossbar(self) -> None:
        """Where pip has no Crossbar that is forgiven, and said."""
        code, lines = self.run_script(crossbar=NO_CROSSBAR)
        self.assertEqual(code, 0)
        self.assertNotIn("tox -e crossbar", self.ran(lines))
        (said,) = (line for line in lines if line.startswith("crossbar was not run: "))
        self.assertIn("pip finds none", said)

    def test_crossbar_fails(self) -> None:
        """Whatever else keeps it from being installed is a fault, and is shown."""
        text = "echo '  crossbar: FAIL code 1'; exit 1"
        code, lines = self.run_script(crossbar=text)
        self.assertEqual(code, 1)
        self.assertIn("  crossbar: FAIL code 1", lines)
        self.assertEqual(lines[-2:], ["failed: crossbar", "5 passed, 1 failed"])
        self.assertIn("compliance was not run: it is not there", lines)

    def test_from_elsewhere(self) -> None:
        """It runs in its own tree, from wherever it is called."""
        code, lines = self.run_script(cwd="tmp")
        self.assertEqual((code, lines[-1].partition(", ")[2]), (0, "0 failed"))
