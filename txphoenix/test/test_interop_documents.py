"""The pages that have what the comparisons with official clients find."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from .clone import ROOT, clone_on_path

DOCS = ROOT / "docs"

IS_THERE = (ROOT / "interop").is_dir() and DOCS.is_dir()
NOT_THERE = None if IS_THERE else "installed without interop or documents"

if NOT_THERE is None:
    with clone_on_path():
        from interop.absinthe.absinthe_socket import OFFICIAL as ABSINTHE
        from interop.phoenix_js import OFFICIAL as PHOENIX_JS

if TYPE_CHECKING:
    _TestCase = SynchronousTestCase
else:
    _TestCase = object


class DocumentMixin(_TestCase):
    """A page says what the scenarios say.

    :cvar page: its file in ``docs``.
    :ivar official: the client.
    """

    official: Any
    page: ClassVar[str]

    def setUp(self) -> None:
        """Read the page."""
        self.text = (DOCS / self.page).read_text("utf-8")

    def test_alike(self) -> None:
        """Each scenario in which all is the same is in the table, and no other."""
        rows = re.findall(r"^   \* - ``(.+)``\n     - (.+)$", self.text, re.M)
        wanted = [
            (scenario.name, scenario.title)
            for scenario in self.official.scenarios
            if scenario.difference is None and scenario.posts is None
        ]
        self.assertEqual(rows, wanted)

    def test_otherwise(self) -> None:
        """Each difference is there to the line, below its reason, and no other."""
        found = {}
        for section in re.split(r"\n(?=\.\. _|.+\n\^+\n)", self.text):
            blocks = re.findall(
                r"^``(.+)``: (.+)\n\n\.\. code-block:: text\n\n((?:   .+\n)+)",
                section,
                re.M,
            )
            reasons = set(re.findall(r"\b(phoenixjs-[\w-]+)>?`", section))
            for name, title, block in blocks:
                found[name] = (title, block, reasons)
        labels = dict(
            zip(
                re.findall(r"^\.\. _(interop-[\w-]+):", self.text, re.M),
                re.split(r"^\.\. _interop-[\w-]+:", self.text, flags=re.M)[1:],
                strict=True,
            )
        )
        for scenario in self.official.scenarios:
            unlike = scenario.difference or scenario.posts
            if unlike is None:
                continue
            title, block, reasons = found.pop(scenario.name)
            self.assertEqual(title, scenario.title)
            sides = (unlike.official, unlike.txphoenix)
            width = max(map(len, self.official.clients))
            lines = [
                f"   {client:<{width}}  {line}"
                for client, alone in zip(self.official.clients, sides, strict=True)
                for line in alone
            ]
            self.assertEqual(block.splitlines(), lines)
            if unlike.reason.startswith("interop-"):
                self.assertIn(f"``{scenario.name}``: ", labels[unlike.reason])
            else:
                self.assertIn(unlike.reason, reasons)
        self.assertEqual(found, {})

    def test_release(self) -> None:
        """The page names the release that is installed."""
        releases = self.official.packages.releases
        self.assertIn(next(iter(releases.values())), self.text)


class PhoenixJsTests(DocumentMixin, SynchronousTestCase):
    """phoenix.js."""

    skip = NOT_THERE
    page = "interop.rst"

    def setUp(self) -> None:
        """Choose it."""
        self.official = PHOENIX_JS
        super().setUp()


class AbsintheTests(DocumentMixin, SynchronousTestCase):
    """@absinthe/socket."""

    skip = NOT_THERE
    page = "interop-absinthe.rst"

    def setUp(self) -> None:
        """Choose it."""
        self.official = ABSINTHE
        super().setUp()
