"""The pages of decisions can be found, and cited.

These documents are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix import errors

from .test_front_page import DOCS, NOT_THERE, headings, pages

LABELLED = re.compile(r"^\.\. _(decision-[\w-]+):\n\n(.+)\n-+$", re.M)
NUMBERS = range(1, 13)
LONGEST_PAGE = 300
TESTS = Path(txphoenix.__file__).parent / "test"


class DecisionTests(SynchronousTestCase):
    """``docs/decisions.rst``, and the folder of that name."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Read them."""
        self.index = (DOCS / "decisions.rst").read_text("utf-8")
        self.pages = pages(DOCS / "decisions")
        self.assertGreater(len(self.pages), 5)

    def test_listed(self) -> None:
        """Each page has a line on what is in it, and is in the table of contents."""
        told = re.findall(r"^- :doc:`decisions/([\w-]+)`: .+\.$", self.index, re.M)
        listed = re.findall(r"^   .+ <decisions/([\w-]+)>$", self.index, re.M)
        self.assertEqual(listed, told)
        self.assertEqual(sorted(told), sorted(self.pages))

    def test_places(self) -> None:
        """Each section has a place that others lead to, of a name of its own."""
        seen: list[str] = []
        for name, text in self.pages.items():
            labelled = LABELLED.findall(text)
            self.assertEqual(headings(text)[1:], [title for _, title in labelled], name)
            seen += [label for label, _ in labelled]
        self.assertEqual(sorted(seen), sorted(set(seen)))

    def test_numbers(self) -> None:
        """What has a number is there once, and the index leads there."""
        found = {
            int(number): (f"{number}. {title}", name)
            for name, text in self.pages.items()
            for label, whole in LABELLED.findall(text)
            for number, title in re.findall(r"^(\d+)\. (.+)$", whole)
            if label == f"decision-{number}"
        }
        self.assertEqual(sorted(found), list(NUMBERS))
        told = re.findall(
            r"^- :ref:`(.+) <decision-(\d+)>`: :doc:`decisions/([\w-]+)`\.$",
            self.index,
            re.M,
        )
        self.assertEqual(
            [(int(number), (title, page)) for title, number, page in told],
            sorted(found.items()),
        )

    def test_named(self) -> None:
        """A decision that a test names by its number is there."""
        named = {
            int(number)
            for path in TESTS.rglob("test_*.py")
            for number in re.findall(
                r"\bdecision (\d+)", path.read_text("utf-8"), re.IGNORECASE
            )
        }
        self.assertGreater(len(named), 8)
        self.assertEqual(named - set(NUMBERS), set())

    def test_hierarchy(self) -> None:
        """The tree of exceptions has each error, below its base."""
        (tree,) = re.findall(
            r"^   PhoenixError\n(?:     .+\n)+", self.pages["deferreds"], re.M
        )
        above: list[str] = []
        drawn = set()
        for spaces, name in re.findall(r"^( +)(\w+)", tree, re.M):
            del above[(len(spaces) - 3) // 2 :]
            drawn.add((name, above[-1] if above else "Exception"))
            above.append(name)
        classes = [getattr(errors, name) for name in errors.__all__]
        self.assertEqual(
            drawn, {(it.__name__, it.__bases__[0].__name__) for it in classes}
        )

    def test_length(self) -> None:
        """No page is one that nobody reads to its end."""
        for name, text in self.pages.items():
            self.assertLess(text.count("\n"), LONGEST_PAGE, name)

    def test_said_once(self) -> None:
        """No line is there twice, as when two changes of it were both kept."""
        lines = [
            line
            for text in self.pages.values()
            for line in re.sub(LABELLED, "", text).splitlines()
            if len(line) > 60
        ]
        self.assertEqual([it for it in lines if lines.count(it) > 1], [])
