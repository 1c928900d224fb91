"""What the tests on a real Crossbar router say where there is none, and how they look.

``python -m crossbar_node`` is in a clone and in a source distribution, not in a wheel.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
from pathlib import Path
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import txphoenix

ROOT = Path(txphoenix.__file__).parent.parent
NOT_THERE = (
    None if (ROOT / "crossbar_node").is_dir() else "installed without crossbar_node"
)

if TYPE_CHECKING or NOT_THERE is None:
    from crossbar_node import __main__ as program
    from crossbar_node.environment import Missing, find_crossbar
    from crossbar_node.phoenix_side import Book
    from crossbar_node.throughput import Measured, core_each, table


def version_is(version: str | None) -> str:
    """What is said of a version of Crossbar; None is for none."""

    def version_of(name: str) -> str:
        if version is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return version

    return find_crossbar(version_of, "posix")


class MissingTests(SynchronousTestCase):
    """Where it cannot run, one line says what is missing, and how to get it."""

    skip = NOT_THERE

    def test_versions(self) -> None:
        """The release of the tests and what comes after it will do."""
        for version in ("26.10.1", "26.10.2.dev1", "27.1.1"):
            self.assertEqual(version_is(version), version)
        for wrong in ("26.10.0", "25.12.2", None):
            error = self.assertRaises(Missing, version_is, wrong)
            self.assertIn("pip install 'txphoenix[crossbar]'", str(error))

    def test_system(self) -> None:
        """Where there are no POSIX signals it says so."""
        error = self.assertRaises(Missing, find_crossbar, str, "nt")
        self.assertIn("POSIX signals", str(error))

    def test_program(self) -> None:
        """The program prints that line alone, and its exit code is interop's."""

        def missing() -> str:
            raise Missing("crossbar is not installed")

        self.patch(program, "find_crossbar", missing)
        told, printed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(printed):
            self.assertEqual(program.main([]), program.CANNOT_RUN)
        self.assertEqual(told.getvalue(), "cannot run: crossbar is not installed\n")
        self.assertEqual(printed.getvalue(), "")


class BookTests(SynchronousTestCase):
    """The server's book, from which the tests know who has joined what."""

    skip = NOT_THERE

    def setUp(self) -> None:
        """Two topics, joined by two bridges."""
        self.clock = Clock()
        self.book = Book(self.clock)
        self.book.write(True, "a", "one")
        self.book.write(True, "b", "two")

    def test_once(self) -> None:
        """A topic that is joined by two at a time, or by none, is seen."""
        self.assertTrue(self.book.is_once({"a", "b"}))
        self.assertFalse(self.book.is_once({"a"}))
        self.assertFalse(self.book.is_once({"a", "b", "c"}))
        self.book.write(True, "a", "two")
        self.assertFalse(self.book.is_once({"a", "b"}))
        self.book.write(False, "a", "one")
        self.assertTrue(self.book.is_once({"a", "b"}))
        self.assertEqual(self.book.of("two"), {"a", "b"})
        self.assertEqual(self.book.counts(), {"two": 2})
        self.assertEqual(self.book.owners(), {"a": "two", "b": "two"})

    def test_gaps(self) -> None:
        """A gap is from when nobody has joined a topic until somebody has."""
        self.clock.advance(1)
        self.book.write(False, "a", "one")
        self.clock.advance(0.25)
        self.book.write(True, "a", "two")
        since = len(self.book.entries)
        self.assertEqual(self.book.gaps(), {"a": 0.25})
        self.assertEqual(self.book.gaps(since), {})
        # Two at a time are no gap.
        self.book.write(True, "b", "one")
        self.book.write(False, "b", "two")
        self.assertEqual(self.book.gaps(since), {})

    def test_until(self) -> None:
        """Who waits is told when it is so, and not before."""
        waiting = Deferred.fromCoroutine(self.book.until_joined({"a"}))
        self.book.write(False, "a", "one")
        self.book.write(False, "b", "two")
        self.assertNoResult(waiting)
        self.book.write(True, "a", "two")
        self.successResultOf(waiting)


class ThroughputTests(SynchronousTestCase):
    """What the benchmark makes of what it has measured."""

    skip = NOT_THERE

    def test_limit(self) -> None:
        """Of a core for each process, the slowest part is the limit."""
        cpu = {"server": 900.0, "worker": 200.0, "router": 500.0, "client": 800.0}
        self.assertEqual(core_each(cpu, 1), (200.0, "worker"))
        self.assertEqual(core_each(cpu, 2), (400.0, "worker"))
        self.assertEqual(core_each(cpu, 3), (500.0, "router"))

    def test_table(self) -> None:
        """Ratios are to the first number of workers."""
        cpu = dict.fromkeys(("server", "worker", "router", "client"), 1000.0)
        results = {
            ("events", 1): [Measured(100.0, cpu), Measured(300.0, cpu)],
            ("events", 2): [Measured(500.0, cpu)],
        }
        lines = list(table(results, 2))
        self.assertEqual(lines[1].split()[:4], ["events", "1", "200", "1.00"])
        self.assertEqual(lines[2].split()[:4], ["events", "2", "500", "2.50"])
