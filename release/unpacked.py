"""Runs some of the tests in an unpacked sdist: ``python -m release.unpacked SDIST``.

They are those of what is in an sdist and not in a wheel: documents, examples and tools.
It needs what the extra ``test`` brings.
``tox -e wheel`` runs it, and names the sdist by ``TOX_PACKAGE``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["TESTS", "main"]

TESTS = (
    "test_ci",
    "test_cli_examples",
    "test_decisions_page",
    "test_documents",
    "test_front_page",
    "test_house",
    "test_installed",
    "test_public_paths",
    "test_release",
    "test_setup",
    "test_site_check",
    "phoenixjs.test_table",
)
"""The modules of tests that are run."""


def main(arguments: Sequence[str]) -> int:
    """Unpack it, and run them there; the exit code is trial's."""
    given = arguments or [os.environ.get("TOX_PACKAGE", "")]
    if len(given) != 1 or not Path(given[0]).is_file():
        sys.exit("python -m release.unpacked: one sdist is expected")
    (sdist,) = given
    with tempfile.TemporaryDirectory() as directory:
        with tarfile.open(sdist) as archive:
            archive.extractall(directory, filter="data")
        (root,) = Path(directory).iterdir()
        words = [sys.executable, "-m", "twisted.trial"]
        modules = [f"txphoenix.test.{name}" for name in TESTS]
        return subprocess.run([*words, *modules], cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
