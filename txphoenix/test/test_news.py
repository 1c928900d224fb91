"""The fragments of the news: their kinds, and the sections that these make.

They are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import txphoenix

ROOT = Path(txphoenix.__file__).parent.parent
FRAGMENTS = ROOT / "newsfragments"


class NewsTests(SynchronousTestCase):
    """``newsfragments`` and ``pyproject.toml``."""

    skip = None if FRAGMENTS.exists() else "installed without its documents"

    def setUp(self) -> None:
        """Read the kinds."""
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        self.kinds = {
            kind["directory"]: kind["name"]
            for kind in settings["tool"]["towncrier"]["type"]
        }

    def test_sections(self) -> None:
        """The sections are those of most changelogs, in their order."""
        wanted = "Added Changed Deprecated Removed Fixed"
        wanted += " Performance Security Documentation Internal"
        self.assertEqual(list(self.kinds.values()), wanted.split())

    def test_described(self) -> None:
        """The kinds, and the sections they make, are described in that order."""
        text = (FRAGMENTS / "README.md").read_text("utf-8")
        rows = re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \|$", text, re.M)
        self.assertEqual(rows, list(self.kinds.items()))

    def test_fragments(self) -> None:
        """Each fragment says something, and of a kind that is there: or it is lost."""
        for path in FRAGMENTS.iterdir():
            if path.name != "README.md":
                self.assertRegex(path.name, r"^(\+|\d+\.)[\w-]+\.\w+\.md$")
                self.assertIn(path.name.split(".")[-2], self.kinds)
                self.assertNotEqual(path.read_text("utf-8").strip(), "", path.name)

    def test_template(self) -> None:
        """What a release writes has the texts, and not the names of the fragments."""
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        path = ROOT / settings["tool"]["towncrier"]["template"]
        shown = re.findall(r"~ ([a-z].*?) ~", path.read_text("utf-8"))
        self.assertEqual(shown, ['definitions[kind]["name"]', "text"])
