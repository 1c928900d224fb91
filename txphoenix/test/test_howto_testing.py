"""What the page about testing shows works as it is printed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.trial.reporter import TestResult
from twisted.trial.unittest import SynchronousTestCase

import txphoenix

from .test_howtos import NOT_THERE, blocks

PAGE = "howto-testing"


class TestingPageTests(SynchronousTestCase):
    """The page's pieces of code."""

    skip = NOT_THERE

    def test_program(self) -> None:
        """The example in memory holds what it asserts, and its test case passes."""
        pieces = [it.text for it in blocks(PAGE, "python") if it.caption is None]
        namespace: dict[str, Any] = {"__name__": PAGE}
        exec(compile("\n".join(pieces), PAGE, "exec"), namespace)
        result = TestResult()
        namespace["LobbyTests"]("test_push").run(result)
        self.assertEqual((result.testsRun, result.failures, result.errors), (1, [], []))

    def test_pytest(self) -> None:
        """The two files for pytest are a test that passes."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        # Its own configuration: not that of a project around it.
        (folder / "pytest.ini").write_text("[pytest]\n", "utf-8")
        for block in blocks(PAGE, "python"):
            if block.caption is not None:
                (folder / block.caption).write_text(block.text, "utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--rootdir={folder}", str(folder)],
            cwd=Path(txphoenix.__file__).parent.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertIn("1 passed", done.stdout, done.stdout + done.stderr)
