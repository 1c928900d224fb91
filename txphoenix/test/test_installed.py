"""Tests of what looks at an installation, which ``tox -e bare`` runs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

from . import installed
from .installed import EXTRAS, core_modules, fault_of

SETUP = Path(txphoenix.__file__).parent.parent / "setup.py"

# Runs it as it would run where a module of an extra is missing.
WITHOUT = "import sys; sys.modules[{0!r}] = None; import txphoenix.{1}"


class InstalledTests(SynchronousTestCase):
    """It finds what does not hold."""

    def test_modules(self) -> None:
        """The core is all modules but what needs an extra, and tests."""
        modules = set(core_modules())
        self.assertGreater(len(modules), 200)
        self.assertLessEqual(
            {"txphoenix", "txphoenix.cli.demo", "txphoenix.testing.memory"}, modules
        )
        for part in (*(part for part, _ in EXTRAS.values()), "test"):
            inside = [it for it in modules if f"{it}.".startswith(f"txphoenix.{part}.")]
            self.assertEqual(inside, [])

    def test_extras_are_there(self) -> None:
        """Here all extras are, and nothing is said."""
        for extra in EXTRAS:
            self.assertIsNone(fault_of(extra))

    def test_one_line(self) -> None:
        """Without its extra a part says in one line what to install."""
        for extra, (part, module) in EXTRAS.items():
            done = subprocess.run(
                [sys.executable, "-c", WITHOUT.format(module, part)],
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual(done.returncode, 1)
            *_, line = done.stderr.strip().split("\n")
            self.assertIn(f"pip install 'txphoenix[{extra}]'", line)
            self.assertTrue(line.startswith("ImportError: "), line)

    def fault_where(self, do: Callable[[str], object]) -> str | None:
        """What is said where an import does this."""
        with mock.patch.object(installed, "import_module", do):
            return fault_of("otel")

    def test_other_words(self) -> None:
        """Another error than that is a fault."""

        def fail(path: str) -> None:
            raise ImportError(f"no module in {path}")

        self.assertIn("no module in", self.fault_where(fail) or "")

    def test_said_in_vain(self) -> None:
        """So is to ask for what is there."""

        def fail(path: str) -> None:
            raise ImportError("pip install 'txphoenix[otel]'")

        with mock.patch.dict(sys.modules, {"opentelemetry": mock.Mock()}):
            self.assertIn("lacks what is there", self.fault_where(fail) or "")


class ExtrasTests(SynchronousTestCase):
    """The extras in ``setup.py``."""

    skip = None if SETUP.exists() else "installed without its setup.py"

    def test_of_others(self) -> None:
        """Who tests a part has what its extra brings, and so has the API reference."""
        extras = next(
            ast.literal_eval(node.value)
            for node in ast.walk(ast.parse(SETUP.read_text("utf-8")))
            if isinstance(node, ast.keyword) and node.arg == "extras_require"
        )
        for extra in EXTRAS:
            # The reference has nothing of the command line.
            for other in ("test",) if extra == "console" else ("docs", "test"):
                self.assertLessEqual(set(extras[extra]), set(extras[other]), other)
