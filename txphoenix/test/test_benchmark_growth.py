"""The growth curves: what is measured, what is found flat, and the program as a whole.

The benchmarks are in a clone, not in a wheel.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from .benchmark_runs import NOT_THERE, ROOT

if NOT_THERE is None:
    from benchmarks.growth import parse, steps
    from benchmarks.growth_costs import COLLECTORS, Cost, set_collector
    from benchmarks.growth_plan import CURVES, PANELS
    from benchmarks.growth_results import Growth, steepest, verdict, verdict_lines


def run(*arguments: str) -> Deferred[Any]:
    """Run the growth curves; fires with what was printed and the exit code."""
    outcome: Deferred[Any] = getProcessOutputAndValue(
        sys.executable,
        ["-m", "benchmarks.growth", "--short", *arguments],
        env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
    )
    return outcome


def measured(name: str, costs: list[float], collector: list[float]) -> Growth:
    """One curve with these costs, and what of each the collector had."""
    growth = Growth()
    every = zip(CURVES[name].sizes, costs, collector, strict=False)
    for size, cost, part in every:
        growth.add(name, size, {"cpu": cost, "wall": cost, "collector": part})
    return growth


class ShortFormTests(TestCase):
    """The program as a whole, over TCP."""

    skip = NOT_THERE
    timeout = 300

    async def test_curves(self) -> None:
        """Every curve is measured, of one and of more, and kept."""
        kept = Path(self.mktemp())
        out, err, code = await run("--json", os.fspath(kept))
        self.assertEqual(code, 0, err.decode())
        self.assertIn(b"Every message came, once and in order.", out)
        document = json.loads(kept.read_text("utf-8"))
        self.assertEqual(document["failures"], [])
        points = {
            each["curve"]: [point["size"] for point in each["points"]]
            for each in document["curves"]
        }
        self.assertEqual(points, {name: [1, 20] for name in CURVES})

    async def test_lost(self) -> None:
        """A message that is lost fails the run, and is named."""
        _, err, code = await run("--fault", "lose", "messages")
        self.assertEqual(code, 1)
        self.assertIn(b"expected message 20, got message 21", err)

    async def test_out_of_order(self) -> None:
        """Messages that change places fail the run."""
        _, err, code = await run("--fault", "swap", "messages")
        self.assertEqual(code, 1)
        self.assertIn(b"messages, 20 channels: expected message 20", err)

    async def test_unknown_curve(self) -> None:
        """A curve that does not exist is an error of the command line."""
        _, err, code = await run("floods")
        self.assertEqual(code, 2)
        self.assertIn(b"no such curve: floods", err)


class StepsTests(SynchronousTestCase):
    """Which measurements are taken."""

    skip = NOT_THERE

    def test_turns(self) -> None:
        """The numbers take turns, so that a slow minute meets all of a curve."""
        taken = [size for _, size in steps(parse(["sockets", "--repeats", "2"]))]
        self.assertEqual(taken, [1, 10, 100, 1000, 10_000] * 2)

    def test_most(self) -> None:
        """A small machine leaves the largest out."""
        taken = [size for _, size in steps(parse(["--repeats", "1", "--most", "100"]))]
        self.assertEqual(max(taken), 100)

    def test_plan(self) -> None:
        """Messages and rejoins go up to 100,000 channels, sockets up to 10,000."""
        for name, curve in CURVES.items():
            most = 100_000 if curve.noun == "channels" else 10_000
            self.assertEqual(curve.sizes[-1], most, name)
            self.assertIn(curve.panel, PANELS)

    def test_functions(self) -> None:
        """Each curve has its function."""
        for curve in CURVES.values():
            text = (ROOT / "benchmarks" / f"{curve.module}.py").read_text("utf-8")
            self.assertIn(f"async def {curve.function}(", text)


class VerdictTests(SynchronousTestCase):
    """What is found flat."""

    skip = NOT_THERE

    def test_steepest(self) -> None:
        """The largest rise counts, wherever it begins; a fall is none."""
        self.assertEqual(steepest({1: 10.0, 10: 8.0, 100: 12.0}), (1.5, 10, 100))
        self.assertEqual(steepest({1: 10.0, 10: 9.0}), (1.0, 0, 0))

    def test_flat(self) -> None:
        """A curve is flat whose dearest is at most 15 % dearer than its cheapest."""
        flat = measured("messages", [1.0, 1.1, 1.14, 1.0], [0.0] * 4)
        self.assertEqual(verdict(flat, "messages"), "flat within 15%")

    def test_falls(self) -> None:
        """What is dear for few alone does not grow; it is said what those share."""
        falls = measured("rejoins", [90.0, 20.0, 10.0, 11.0], [0.0] * 4)
        told = verdict(falls, "rejoins")
        self.assertIn("flat within 15% from 100 channels on", told)
        self.assertIn("share the one reconnect", told)

    def test_grows(self) -> None:
        """What grows is told, and how much it does so without the collector."""
        grows = measured("sockets", [100.0, 100.0, 110.0, 200.0], [10, 10, 10, 95])
        told = verdict(grows, "sockets")
        self.assertIn("GROWS by 100% from 1 to 1,000 sockets", told)
        self.assertIn("without the garbage collector by 17%", told)

    def test_not_the_collectors(self) -> None:
        """Where the collector has no part in it, nothing is said of it."""
        grows = measured("messages", [1.0, 1.0, 2.0], [0.0] * 3)
        self.assertEqual(
            verdict(grows, "messages"), "GROWS by 100% from 1 to 100 channels"
        )

    def test_lines(self) -> None:
        """Each curve has its numbers and its verdict."""
        growth = measured("sockets", [100.0, 90.0], [5.0, 5.0])
        lines = list(verdict_lines(growth))
        self.assertEqual(lines[0], "a socket, opened, with a join: µs of CPU each")
        self.assertIn("90.0", lines[2])
        self.assertEqual(lines[-2], "  flat within 15%")

    def test_json(self) -> None:
        """What is kept has the verdict and each single value."""
        growth = measured("sockets", [100.0, 90.0], [5.0, 5.0])
        (curve,) = json.loads(json.dumps(growth.as_json()))["curves"]
        self.assertEqual(curve["verdict"], "flat within 15%")
        self.assertEqual(curve["points"][1]["values"][0]["collector"], 5.0)


class CostTests(SynchronousTestCase):
    """What is counted."""

    skip = NOT_THERE

    def test_collector(self) -> None:
        """The collector's share is what it took while something was counted."""
        cost = Cost()
        gc.collect()
        with cost.counted():
            gc.collect()
        gc.collect()
        measured = cost.of_one(1)
        self.assertEqual(measured["full_passes"], 1.0)
        self.assertGreater(measured["collector"], 0.0)
        self.assertLessEqual(measured["collector"], measured["cpu"])

    def test_set_collector(self) -> None:
        """Each way to set the collector does as it is called."""
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        self.addCleanup(gc.enable)
        self.addCleanup(gc.unfreeze)
        before = gc.get_threshold()
        for name in COLLECTORS:
            set_collector(name)
        self.assertFalse(gc.isenabled())
        self.assertGreater(gc.get_freeze_count(), 0)
        self.assertGreater(gc.get_threshold()[0], before[0])
