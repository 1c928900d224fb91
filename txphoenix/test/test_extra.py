"""Tests of what skips the tests that need a package which is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from .extra import PACKAGES, needs, why_skipped

# Has no module of what the extra brings, and runs trial on what it is given.
WITHOUT = """\
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname.partition(".")[0] in {packages!r}:
            return None
        return super().find_spec(fullname, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
sys.path[:0] = {path!r}
from twisted.scripts.trial import run
run()
"""


class ExtraTests(SynchronousTestCase):
    """Where nothing is installed but the requirements."""

    def trial(self, *names: str) -> str:
        """What trial prints of these tests, which pass."""
        code = WITHOUT.format(packages=PACKAGES, path=sys.path)
        options = ["--reporter=bwverbose", f"--temp-directory={self.mktemp()}"]
        paths = [f"txphoenix.test.{name}" for name in names]
        run = subprocess.run(
            [sys.executable, "-c", code, *options, *paths],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout

    def test_module(self) -> None:
        """Each test of a module that cannot be imported is skipped, and says why."""
        said = self.trial("test_otel_attempts")
        self.assertIn("test_otel_attempts.JoinTests.test_rejoin ... [SKIPPED]", said)
        self.assertIn("opentelemetry is missing: pip install 'txphoenix[test]'", said)
        self.assertRegex(said, r"(?m)^PASSED \(skips=\d+\)$")

    def test_property(self) -> None:
        """Properties are skipped; the tests beside them run."""
        said = self.trial("test_receiving", "test_presence_history", "test_url")
        self.assertIn("hypothesis is missing: pip install 'txphoenix[test]'", said)
        self.assertRegex(said, r"(?m)^PASSED \(skips=\d+, successes=\d+\)$")

    def test_heads(self) -> None:
        """A module that has hypothesis at its head is a machine's, and holds no test.

        Any other imports it from :mod:`txphoenix.test.properties`.
        """
        heads = {
            path.name
            for path in Path(__file__).parent.rglob("*.py")
            if re.search(r"^(from|import) hypothesis\b", path.read_text("utf-8"), re.M)
        }
        machines = {"machine.py", "running.py", "wamp_fleet_machine.py"}
        self.assertEqual(heads, machines)

    def test_one(self) -> None:
        """A test that alone needs a package is skipped where it is missing, alone."""

        def test() -> None: ...

        self.assertIs(needs("no_such_package")(test), test)
        reason = vars(test)["skip"]
        self.assertEqual(
            reason, "no_such_package is missing: pip install 'txphoenix[test]'"
        )

    def test_there(self) -> None:
        """What is there is no reason to skip."""
        self.assertIsNone(why_skipped("twisted"))
