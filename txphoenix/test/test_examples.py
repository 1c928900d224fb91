"""Each of ``examples/`` says what it is and how to run it, has an entry, and is run.

They are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import ast
import os
import re
import textwrap
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

from .cli_program import ROOT, start_program

EXAMPLES = ROOT / "examples"
PAGE = ROOT / "docs" / "examples.rst"
NOT_HERE = None if EXAMPLES.exists() else "installed without its examples"
NOT_SHOWN = {"__pycache__", "dropin.cache", "messages.jsonl"}

# Those that begin with "Run it" and "You see", which is as the page has it.
SHOWN = [
    "absinthe_comments.py",
    "asyncio_program.py",
    "chat.py",
    "crossbar/run.py",
    "first_program.py",
    "nerveshub/run.py",
    "outage_log.py",
    "outbox.py",
    "presence_roster.py",
    "prometheus_metrics.py",
    "room_log.tac",
    "supabase_changes.py",
    "treq_token.py",
    "webhook_bridge.py",
]


def files() -> list[Path]:
    """All files of all examples."""
    return [
        path
        for path in sorted(EXAMPLES.rglob("*"))
        if path.is_file() and NOT_SHOWN.isdisjoint(path.parts)
    ]


def head(path: Path) -> str:
    """The text that a program begins with."""
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


def piece(text: str, title: str) -> list[str]:
    """The lines of the block that such a paragraph of a text is before."""
    found = re.search(rf"^{title}.*?::\n\n((?:    [^\n]*\n?)+)", text, re.M | re.S)
    assert found is not None, title
    return textwrap.dedent(found[1]).splitlines()


class ExamplesTests(SynchronousTestCase):
    """What is said of each."""

    skip = NOT_HERE

    def test_run(self) -> None:
        """Each file is named in a test, which is where it is run or read."""
        texts = [
            path.read_text("utf-8")
            for folder in ("txphoenix", "crossbar_node")
            for path in (ROOT / folder / "test").glob("*.py")
            # This one looks at all, and runs none.
            if path.name != Path(__file__).name
        ]
        tests = "\n".join(texts)
        for path in files():
            stem, name = re.escape(path.stem), re.escape(path.name)
            named = rf'\b{name}\b|(from|import) {stem}\b|"{stem}"'
            shown = path.relative_to(EXAMPLES)
            self.assertTrue(re.search(named, tests), f"no test runs {shown}")

    def test_entries(self) -> None:
        """Each file and each folder has its entry on the page, with its code."""
        page = PAGE.read_text("utf-8")
        for path in EXAMPLES.iterdir():
            if path.is_dir() and path.name not in NOT_SHOWN:
                self.assertIn(f"examples/{path.name}``", page)
            elif path.is_file():
                self.assertIn(f".. literalinclude:: ../examples/{path.name}\n", page)

    def test_heads(self) -> None:
        """Each program begins with what it shows, and the command that runs it."""
        for path in files():
            text = path.read_text("utf-8")
            if "__main__" in text or path.suffix == ".tac":
                empty = head(path).splitlines()[1]
                shown = path.relative_to(EXAMPLES)
                self.assertEqual(empty, "", shown)
                # A folder's programs are run by one of them.
                ran = f"examples/{shown.parts[0]}"
                self.assertIn(ran, head(path), shown)

    def test_seen(self) -> None:
        """What one sees is the same at a program's head and on the page."""
        page = PAGE.read_text("utf-8").splitlines()
        lines = {line.strip().removeprefix("... ") for line in page}
        for name in SHOWN:
            text = head(EXAMPLES / name)
            self.assertIn(f"examples/{name}", "\n".join(piece(text, "Run it")))
            for line in piece(text, "You see"):
                self.assertIn(line.strip(), lines, name)


class HelpTests(TestCase):
    """``--help`` of the programs."""

    skip = NOT_HERE
    timeout = 120

    async def test_help(self) -> None:
        """It says what a program shows, how to run it and what one sees, and ends."""
        for name in SHOWN:
            # The first is to be short; Crossbar's is run where that is installed.
            if name in ("first_program.py", "room_log.tac"):
                continue
            path = EXAMPLES / name
            program = start_program(self, os.fspath(path), "--help")
            self.assertEqual((await program.ended, program.err.text), (0, ""), name)
            self.assertIn(head(path), program.out.text)
