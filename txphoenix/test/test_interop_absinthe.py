"""The comparisons with @absinthe/socket and gql, as far as they need neither."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from .clone import ROOT, clone_on_path

NOT_THERE = None if (ROOT / "interop").is_dir() else "installed without interop"

if NOT_THERE is None:
    with clone_on_path():
        from interop.absinthe.absinthe_socket import OFFICIAL
        from interop.absinthe.against_gql.__main__ import result
        from interop.absinthe.against_gql.gql_side import RELEASE
        from interop.absinthe.against_gql.rows import ROWS, Cell, Row
        from interop.absinthe.against_gql.situations import Stage
        from interop.absinthe.script import act, wait
        from interop.absinthe.server import AbsintheInteropServer, controls
        from interop.absinthe.txphoenix_client import AbsintheActions


class ScriptTests(SynchronousTestCase):
    """The scenarios as data."""

    skip = NOT_THERE

    def test_unknown_words(self) -> None:
        """An action and a wait that do not exist are errors where they stand."""
        with self.assertRaisesRegex(ValueError, "no action 'join'"):
            act(("join", "a"))
        with self.assertRaisesRegex(ValueError, "'heard'"):
            wait("heard")

    def test_names(self) -> None:
        """No two scenarios have one name."""
        names = [scenario.name for scenario in OFFICIAL.scenarios]
        self.assertEqual(len(names), len(set(names)))

    def test_words(self) -> None:
        """Our client and the server know every word that the scenarios have."""
        known = controls(AbsintheInteropServer(reactor=Clock()))
        for scenario in OFFICIAL.scenarios:
            for kind, words, _ in scenario.steps:
                if kind == "act":
                    for name, *_ in words:
                        self.assertTrue(hasattr(AbsintheActions, f"_{name}"), name)
                elif kind != "wait":
                    self.assertIn(words[kind == "until"], known)

    def test_pins(self) -> None:
        """Exact releases are installed, apart from those of other clients."""
        for version in OFFICIAL.packages.releases.values():
            self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        self.assertEqual(OFFICIAL.packages.folder, "absinthe")


class TableTests(SynchronousTestCase):
    """What is said of gql."""

    skip = NOT_THERE

    def read(self, name: str) -> str:
        """A file of the clone."""
        return (ROOT / name).read_text("utf-8")

    def test_table(self) -> None:
        """The documentation has each row, and no other."""
        page = self.read("docs/from-python.rst")
        found = re.findall(r"^   \* - (.+)\n     - (.+)\n     - (.+)$", page, re.M)
        rows = [(row.title, row.gql.says, row.txphoenix.says) for row in ROWS]
        self.assertEqual(found, [("situation", "gql", "txphoenix.absinthe"), *rows])

    def test_situations(self) -> None:
        """Each situation is a row's, and each row has its situation."""
        public = {
            name
            for name in vars(Stage)
            if not name.startswith("_")
            and name
            not in {"begin", "begin_listening", "listen", "goes_on", "received"}
        }
        self.assertEqual(public, {row.situation for row in ROWS})
        self.assertEqual(len(ROWS), len(public))

    def test_release(self) -> None:
        """The release that is looked at is the one that is told of."""
        for name in ("tox.ini", "docs/from-python.rst", "interop/README.md"):
            with self.subTest(name=name):
                self.assertIn(RELEASE, self.read(name))

    def test_result(self) -> None:
        """What is seen must be what the row has."""
        cell = Cell("goes on", "goes on")
        row = Row("lost", "Title", cell, cell)
        self.assertEqual(result(row, "gql", cell, "goes on").faults, [])
        failed: Any = result(row, "gql", cell, "ends")
        self.assertEqual(failed.title, "gql: Title")
        self.assertEqual(failed.faults, ["expected 'goes on', saw 'ends'"])
