"""The benchmarks' short form: nothing is lost, all is in order, and nothing is timed.

The benchmarks are in a clone, not in a wheel.
"""

from __future__ import annotations

import json
import os
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from .benchmark_runs import NOT_THERE, ROOT, run

if NOT_THERE is None:
    from benchmarks.__main__ import parse, steps
    from benchmarks.chart import svg
    from benchmarks.checks import Sequence, Wrong
    from benchmarks.goal import Goal
    from benchmarks.goals import judge
    from benchmarks.plan import WORKLOADS
    from benchmarks.results import Results
    from benchmarks.table import goal_lines, result_lines


class ProfileTests(TestCase):
    """Where the time goes."""

    skip = NOT_THERE
    timeout = 120

    async def test_profile(self) -> None:
        """It names the functions of txphoenix that were called, and times nothing."""
        _, err, code = await run("--profile", "flood")
        self.assertEqual(code, 0, err)
        self.assertIn(b"receiving.py", err)
        self.assertNotIn(b"stock", err)


class StepsTests(SynchronousTestCase):
    """Which measurements are taken."""

    skip = NOT_THERE

    def count(self, *arguments: str) -> int:
        """How often txphoenix is measured."""
        clients = [client for _, client, _ in steps(parse(list(arguments)))]
        return clients.count("txphoenix")

    def test_repeats(self) -> None:
        """Three of each by default, one in the short form, or as many as wanted."""
        self.assertEqual(self.count("flood"), 3)
        self.assertEqual(self.count("--short", "flood"), 1)
        self.assertEqual(self.count("--repeats", "5", "flood", "joins"), 10)

    def test_turns(self) -> None:
        """One push at a time varies most, and is measured three times as often."""
        self.assertEqual(self.count("ping-1"), 9)
        self.assertEqual(self.count("--short", "ping-1"), 1)

    def test_profile(self) -> None:
        """A profile is taken once, and of txphoenix alone."""
        taken = list(steps(parse(["--profile", "ping-1", "flood"])))
        self.assertEqual([client for _, client, _ in taken], ["txphoenix"] * 2)

    def test_clients(self) -> None:
        """Those clients alone are measured that are named."""
        taken = list(steps(parse(["--short", "--client", "stock", "flood", "pairs"])))
        self.assertEqual([client for _, client, _ in taken], ["stock"] * 2)


class ShortFormTests(TestCase):
    """The program as a whole, over TCP."""

    skip = NOT_THERE
    timeout = 120

    async def test_workloads(self) -> None:
        """The workloads that send messages run through, and the results are kept."""
        workloads = ("flood", "fan-in", "ping-64", "pairs", "joins", "reconnect")
        kept, drawn = Path(self.mktemp()), Path(self.mktemp())
        out, err, code = await run(
            "--json", os.fspath(kept), "--svg", os.fspath(drawn), *workloads
        )
        self.assertEqual(code, 0, err.decode())
        self.assertIn(b"Every message came, once and in order.", out)
        document = json.loads(kept.read_text("utf-8"))
        self.assertEqual(document["failures"], [])
        for client in ("txphoenix", "stock"):
            measured = {
                each["workload"]
                for each in document["results"]
                if each["client"] == client
            }
            self.assertEqual(measured, set(workloads))
        ElementTree.fromstring(drawn.read_text("utf-8"))

    async def test_lost(self) -> None:
        """A message that is lost fails the run, and is named."""
        _, err, code = await run("--fault", "lose", "telemetry")
        self.assertEqual(code, 1)
        self.assertIn(b"expected message 1000, got message 1001", err)

    async def test_repeated(self) -> None:
        """A message that comes twice fails the run."""
        _, err, code = await run("--fault", "repeat", "telemetry")
        self.assertEqual(code, 1)
        self.assertIn(b"expected message 1001, got message 1000", err)

    async def test_out_of_order(self) -> None:
        """Messages that change places fail the run."""
        _, err, code = await run("--fault", "swap", "telemetry")
        self.assertEqual(code, 1)
        self.assertIn(b"expected message 1000, got message 1001", err)

    async def test_unknown_workload(self) -> None:
        """A workload that does not exist is an error of the command line."""
        _, err, code = await run("floods")
        self.assertEqual(code, 2)
        self.assertIn(b"no such workload: floods", err)

    async def test_list(self) -> None:
        """The workloads can be listed, each with what it is."""
        out, _, code = await run("--list")
        self.assertEqual(code, 0)
        lines = out.decode().splitlines()
        self.assertEqual([line.split()[0] for line in lines], list(WORKLOADS))


class SequenceTests(SynchronousTestCase):
    """What holds the messages' numbers against the order."""

    skip = NOT_THERE

    def test_in_order(self) -> None:
        """All messages in order are what was wanted."""
        sequence = Sequence(2)
        done = sequence.wait(Clock())
        sequence.take({"n": 0})
        self.assertNoResult(done)
        sequence.take({"n": 1})
        self.successResultOf(done)
        sequence.check()

    def test_last_is_lost(self) -> None:
        """A last message that does not come is waited for and then missed."""
        clock = Clock()
        sequence = Sequence(2)
        done = sequence.wait(clock, 5.0)
        sequence.take({"n": 0})
        clock.advance(5.0)
        error = self.failureResultOf(done, Wrong).value
        self.assertEqual(str(error), "expected 2 messages, got 1")

    def test_one_too_many(self) -> None:
        """A message after the last one is found by the last check."""
        sequence = Sequence(1)
        sequence.take({"n": 0})
        sequence.take({"n": 1})
        with self.assertRaisesRegex(Wrong, "expected 1 messages, got 2"):
            sequence.check()

    def test_first_fault_is_told(self) -> None:
        """What went wrong first is what is told."""
        sequence = Sequence(5)
        done = sequence.wait(Clock())
        for number in (1, 3, 2, 4, 5):
            sequence.take({"n": number})
        error = self.failureResultOf(done, Wrong).value
        self.assertEqual(str(error), "expected message 0, got message 1")


class ReportTests(SynchronousTestCase):
    """What is made of the measurements."""

    skip = NOT_THERE

    def results(self) -> Results:
        """The measurements of a flood, with an outlier."""
        results = Results()
        for rate in (500.0, 600.0, 9000.0):
            results.add("flood", "txphoenix", {"rate": rate, "log_lines": 0})
        for rate in (100.0, 90.0, 110.0):
            results.add("flood", "stock", {"rate": rate})
        return results

    def goals(self) -> dict[str, Goal]:
        """The goals by their text."""
        return {goal.text: goal for goal in judge(self.results())}

    def test_medians(self) -> None:
        """The median is reported, its spread, and its ratio to stock Autobahn's."""
        results = self.results()
        self.assertEqual(results.median("flood", "txphoenix"), 600.0)
        self.assertAlmostEqual(results.spread("flood", "stock", "rate"), 0.2)
        self.assertEqual(results.ratio("flood", "txphoenix", "rate"), 6.0)
        self.assertIsNone(results.median("joins", "txphoenix", "joins"))

    def test_goals(self) -> None:
        """A goal holds, fails, or could not be judged."""
        goals = self.goals()
        self.assertIs(goals["flood against stock Autobahn"].holds, True)
        self.assertIs(goals["lines of log in a flood"].holds, True)
        self.assertIsNone(goals["flood against phoenix.js"].holds)
        self.assertIs(Goal("slow", 2.0, 1.9).holds, False)

    def test_table(self) -> None:
        """Each client has its line, and each goal a verdict."""
        lines = list(result_lines(self.results()))
        self.assertEqual(len(lines), 3)
        self.assertIn("6.00", lines[1])
        told = "\n".join(goal_lines([*self.goals().values(), Goal("slow", 2.0, 1.9)]))
        for verdict in ("holds", "FAILS", "not measured"):
            self.assertIn(verdict, told)

    def test_chart(self) -> None:
        """The chart is XML with a bar for each client."""
        root = ElementTree.fromstring(svg(self.results()))
        texts = [text for text in root.itertext() if text.endswith(" /s")]
        self.assertEqual(texts, ["600 /s", "100 /s"])

    def test_json(self) -> None:
        """What is kept can be turned into JSON, each single value included."""
        document = json.loads(json.dumps(self.results().as_json(form="full")))
        self.assertEqual(document["results"][0]["values"], [500.0, 600.0, 9000.0])
        self.assertEqual(document["form"], "full")


class PlanTests(SynchronousTestCase):
    """The list of workloads."""

    skip = NOT_THERE

    def test_modules(self) -> None:
        """Each workload has its module, and each client of it a function there."""
        scripts = (ROOT / "benchmarks").glob("*.mjs")
        in_node = "".join(script.read_text("utf-8") for script in scripts)
        for workload in WORKLOADS.values():
            source = ROOT / "benchmarks" / f"{workload.module}.py"
            text = source.read_text("utf-8")
            for client in set(workload.clients) - {"phoenix_js"}:
                self.assertIn(f"def {client}(", text)
            if "phoenix_js" in workload.clients:
                self.assertIn(f"async {workload.module}({{", in_node)
            for full, short in product(workload.sizes(False), workload.sizes(True)):
                self.assertEqual(full.keys(), short.keys())
