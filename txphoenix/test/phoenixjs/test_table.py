"""The tables of phoenix.js's cases in ``docs/phoenixjs/`` hold what they say.

The documents are in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix.test import phoenixjs
from txphoenix.test.named_tests import docstring_of, names_of_tests

TABLES = Path(txphoenix.__file__).parent.parent / "docs" / "phoenixjs"
NOT_THERE = None if TABLES.exists() else "installed without its documents"

# How many cases each of phoenix.js's files has; O is of its earlier versions.
CASES = {"C": 67, "O": 1, "S": 147, "H": 2, "P": 14, "Z": 9, "L": 40, "A": 2, "W": 4}


class Row(NamedTuple):
    """One case: its id, its name, and what there is to say of it here."""

    case: str
    name: str
    here: str

    @property
    def counterparts(self) -> list[str]:
        """The dotted names of its tests, from ``txphoenix.test`` on."""
        return re.findall(r"``((?:phoenixjs\.)?test_\w+\.\w+\.test_\w+)``", self.here)


def rows() -> list[Row]:
    """The rows of all tables of the documents."""
    text = "\n".join(page.read_text("utf-8") for page in sorted(TABLES.glob("*.rst")))
    found = re.findall(
        r"^   \* - ([A-Z]\d+)\n     - (.+)\n     - (.+(?:\n       .+)*)",
        text,
        re.MULTILINE,
    )
    return [Row(*parts) for parts in found]


def names_of_all_tests() -> Iterator[str]:
    """The dotted names of this package's tests, but for those of the table."""
    for found in pkgutil.iter_modules(phoenixjs.__path__):
        if found.name.startswith("test_") and found.name != "test_table":
            module = import_module(f"{phoenixjs.__name__}.{found.name}")
            for test in names_of_tests(module):
                yield f"phoenixjs.{found.name}.{test}"


class TableTests(SynchronousTestCase):
    """The tables and the tests."""

    skip = NOT_THERE

    def test_every_case_has_a_row(self) -> None:
        """Each case of phoenix.js is there once, with its name."""
        wanted = [
            f"{letter}{number}"
            for letter, count in CASES.items()
            for number in range(1, count + 1)
        ]
        self.assertEqual(sorted(row.case for row in rows()), sorted(wanted))

    def test_every_counterpart_exists(self) -> None:
        """Each test that the table names is there, and says which case it is of."""
        for row in rows():
            for test in row.counterparts:
                docstring = docstring_of(test)
                if test.startswith("phoenixjs."):
                    cases, _, _ = (docstring or "").partition(":")
                    self.assertIn(row.case, re.split(", ", cases), test)

    def test_every_test_is_in_the_table(self) -> None:
        """Each test of this package is named by the table."""
        named = {test for row in rows() for test in row.counterparts}
        self.assertEqual(
            [test for test in names_of_all_tests() if test not in named], []
        )

    def test_every_case_without_a_test_says_why(self) -> None:
        """A row without a counterpart has a sentence instead."""
        for row in rows():
            if not row.counterparts:
                self.assertRegex(row.here, r"^Does not apply: .+\.$", row.case)
                self.assertNotIn("``", row.here)
