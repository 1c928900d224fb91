"""A server that stops reading: ``benchmarks.stopped_reader``, in its short form."""

from __future__ import annotations

import os
import sys
from collections import Counter
from importlib.util import find_spec
from typing import Any

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from .benchmark_runs import NOT_THERE, ROOT

if NOT_THERE is None:
    from benchmarks.stopped_chart import svg
    from benchmarks.stopped_reader import Figures

MIB = 2**20


class FigureTests(SynchronousTestCase):
    """What is judged."""

    skip = NOT_THERE

    def figures(self, **changes: Any) -> Any:
        """A run with nothing to be said against it."""
        return Figures(
            **{
                "seconds": 6.0,
                "size": 1000,
                "limit": MIB,
                "resident": [MIB, 2 * MIB, 3 * MIB, 3 * MIB, 2 * MIB, 3 * MIB],
                "waiting": MIB,
                "ends": Counter(BufferFull=5, PushTimeout=5),
                "made": 10,
                **changes,
            }
        )

    def test_good(self) -> None:
        """It is bounded, and all pushes have ended."""
        self.assertEqual(self.figures().faults(), [])

    def test_bad(self) -> None:
        """It has grown too much, or on and on; too much waited; a push is missing."""
        for fault, changes in (
            ("grew by 200.0 MiB, and", {"resident": [200 * MIB]}),
            ("still growing", {"resident": [n * 4 * MIB for n in range(9)]}),
            ("8.0 MiB waited, and", {"waiting": 8 * MIB}),
            ("11 pushes had 10 ends", {"made": 11}),
        ):
            (told,) = self.figures(**changes).faults()
            self.assertIn(fault, told)


class PictureTests(SynchronousTestCase):
    """The picture."""

    skip = NOT_THERE or (
        None if find_spec("matplotlib") else "without matplotlib, the extra benchmarks"
    )

    def test_lines(self) -> None:
        """A run is a line, and what it shows is said in words."""
        drawn = svg({"wss, one connection": (2.0, [0, MIB, 3 * MIB])}, 2 * MIB)
        self.assertIn("wss, one connection: at most 3.0 MiB more.", drawn)


class RunTests(TestCase):
    """The program itself."""

    skip = NOT_THERE or (
        None if sys.platform == "linux" else "what is resident is told by Linux"
    )
    timeout = 100

    async def run_it(self, *arguments: str) -> tuple[str, str, int]:
        """Run it, for two seconds."""
        out, err, code = await getProcessOutputAndValue(
            sys.executable,
            ["-m", "benchmarks.stopped_reader", "--short", *arguments],
            env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
        )
        return out.decode(), err.decode(), code

    async def test_bounded(self) -> None:
        """A WebSocket holds no more than ``write_buffer`` says."""
        out, err, code = await self.run_it("websocket")
        self.assertEqual((err, code), ("", 0))
        self.assertIn("BufferFull", out)

    async def test_without_bound(self) -> None:
        """Without that limit, it is told."""
        _, err, code = await self.run_it("longpoll", "--limit", str(2**40))
        self.assertEqual(code, 1)
        self.assertIn("waited, and", err)
