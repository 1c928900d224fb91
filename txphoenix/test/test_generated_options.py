"""What is written from the declarations of the options is what is checked in.

What writes it is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix.options.options import CONNECTION_OPTIONS, OPTIONS
from txphoenix.options.texts import TEXTS

ROOT = Path(txphoenix.__file__).parent.parent
GENERATOR = ROOT / "docs" / "generate_options.py"

NOT_THERE = None if GENERATOR.exists() else "installed without its documents"


class GeneratedTests(SynchronousTestCase):
    """The files that ``docs/generate_options.py`` writes."""

    skip = NOT_THERE

    def generator(self) -> dict[str, Any]:
        """The names that it defines."""
        # It adds the working copy to the path.
        self.patch(sys, "path", [*sys.path])
        return runpy.run_path(str(GENERATOR))

    def test_written_anew(self) -> None:
        """Each file is what it would be, were it written anew."""
        files = self.generator()["files"]()
        self.assertEqual(
            {path.name for path in files},
            {"types.py", "texts.py", "option_types.py", "options.rst"},
        )
        for path, text in files.items():
            self.assertEqual(
                path.read_text("utf-8"),
                text,
                f"{path.name}: python docs/generate_options.py writes it",
            )

    def test_tables(self) -> None:
        """Each option is in one table, and marked where a change reconnects."""
        rows = [
            row
            for row in self.generator()["tables"]().splitlines()
            if row.startswith("   `")
        ]
        names = [row.split("`")[1].partition(" ")[0] for row in rows]
        self.assertEqual(sorted(names), sorted(OPTIONS))
        marked = {
            name for name, row in zip(names, rows, strict=True) if "  yes  " in row
        }
        self.assertEqual(marked, CONNECTION_OPTIONS)

    def test_descriptions(self) -> None:
        """The page has each option's docstring whole, and an anchor to link to."""
        page = (ROOT / "docs" / "options.rst").read_text("utf-8")
        texts = self.generator()["docstrings"](whole=True)
        self.assertEqual(list(texts), list(OPTIONS))
        for name, text in texts.items():
            self.assertIn(f"\n.. _option-{name}:\n\n{name}\n^", page)
            self.assertIn(f"`{name} <option-{name}_>`__ ", page)
            # But for what links are made of.
            for line in text.splitlines():
                if ":attr:" not in line:
                    self.assertIn(f"\n{line}\n", page)
        self.assertNotIn(":attr:", page)

    def test_types(self) -> None:
        """A number has its unit in the table."""
        rows = self.generator()["tables"]()
        self.assertRegex(rows, r"`timeout <option-timeout_>`__ +float, seconds +5 s ")
        self.assertRegex(rows, r"`write_buffer <\S+>`__ +int, bytes +16 MiB ")
        self.assertNotRegex(rows, r"__ +(int|float)  ")

    def test_command(self) -> None:
        """CONTRIBUTING tells how they are written."""
        text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
        self.assertIn("python docs/generate_options.py", text)


class TextsTests(SynchronousTestCase):
    """What is there of the docstrings when a program runs."""

    def test_each(self) -> None:
        """Each option has a text, in the order of the declarations."""
        self.assertEqual(list(TEXTS), list(OPTIONS))

    def test_plain(self) -> None:
        """They are sentences without markup, for a terminal."""
        for text in TEXTS.values():
            self.assertTrue(text.endswith("."), text)
            self.assertNotIn("`", text)
            self.assertNotIn("\n", text)
