"""The benchmarks' goals and tables: what holds, by which clock, and how it is shown."""

from __future__ import annotations

from operator import le

from twisted.trial.unittest import SynchronousTestCase

from .benchmark_runs import NOT_THERE

if NOT_THERE is None:
    from benchmarks.goal import Bound, Goal, MostOf, Ratio
    from benchmarks.goals import judge
    from benchmarks.large_table import large_lines
    from benchmarks.plan import LARGE, WORKLOADS
    from benchmarks.results import Results
    from benchmarks.table import result_lines


class VerdictTests(SynchronousTestCase):
    """What is said of a goal."""

    skip = NOT_THERE

    def test_both_clocks(self) -> None:
        """It holds only if it does by both clocks; if one is against it, it is told."""
        for reached, by_cpu, verdict in (
            (2.0, 2.0, "holds"),
            (2.0, None, "holds"),
            (1.9, 2.1, "FAILS by wall"),
            (2.1, 1.9, "FAILS by CPU"),
            (1.9, 1.9, "FAILS"),
            (1.9, None, "FAILS"),
            (None, None, "not measured"),
        ):
            goal = Goal("fast", 2.0, reached, by_cpu=by_cpu)
            self.assertEqual(goal.verdict, verdict)

    def test_cpu_alone(self) -> None:
        """Where the time that passes does not count, it cannot fail by it."""
        goal = Goal("fast", 2.0, 1.0, by_cpu=2.0, is_cpu_alone=True)
        self.assertIs(goal.holds, True)
        goal = Goal("fast", 2.0, 3.0, by_cpu=1.9, is_cpu_alone=True)
        self.assertEqual(goal.verdict, "FAILS by CPU")


class KindTests(SynchronousTestCase):
    """The kinds of goals."""

    skip = NOT_THERE

    def results(self) -> Results:
        """Two metrics, by two clients."""
        results = Results()
        ours = {"a": 30.0, "a_cpu": 60.0, "b": 20.0, "b_cpu": 20.0, "a peak": 2.0}
        results.add("large-json", "txphoenix", {**ours, "b peak": 3.5})
        theirs = {"a": 10.0, "a_cpu": 10.0, "b": 10.0, "b_cpu": 5.0}
        results.add("large-json", "phoenix_js", theirs)
        return results

    def test_ratio(self) -> None:
        """Of several metrics the least ratio counts, by each clock for itself."""
        ratio = Ratio("both", 1.2, "large-json", metrics=("a", "b"))
        goal = ratio.judge(self.results())
        self.assertEqual((goal.reached, goal.by_cpu), (2.0, 4.0))

    def test_ratio_incomplete(self) -> None:
        """Nothing is said of several metrics if one of them was not measured."""
        goal = Ratio("all", 1.2, "large-json", metrics=("a", "c")).judge(self.results())
        self.assertIsNone(goal.holds)

    def test_most(self) -> None:
        """Of several bounded numbers the largest counts, and all must be there."""
        peaks = MostOf("peak", 3.0, "large-json", ("a peak", "b peak"))
        goal = peaks.judge(self.results())
        self.assertEqual((goal.reached, goal.verdict), (3.5, "FAILS"))
        peaks = MostOf("peak", 3.0, "large-json", ("a peak", "c peak"))
        self.assertIsNone(peaks.judge(self.results()).holds)

    def test_bound(self) -> None:
        """A number that must not be exceeded."""
        goal = Bound("peak", 3.0, "large-json", "a peak", le).judge(self.results())
        self.assertEqual((goal.reached, goal.holds), (2.0, True))

    def test_goals_are_measured(self) -> None:
        """Each goal is about what the workloads measure: none can stay unjudged."""
        results = Results()
        for name, workload in WORKLOADS.items():
            for client in workload.clients:
                for metric in (*workload.metrics, "log_lines"):
                    results.add(name, client, {metric: 1.0, f"{metric}_cpu": 1.0})
        for goal in judge(results):
            self.assertIsNotNone(goal.holds, goal.text)

    def test_texts(self) -> None:
        """No two goals are called the same."""
        texts = [goal.text for goal in judge(Results())]
        self.assertEqual(len(texts), len(set(texts)))


class LargeTableTests(SynchronousTestCase):
    """The table of large messages."""

    skip = NOT_THERE

    def test_lines(self) -> None:
        """A line for each size and way, in it rate, rate by CPU and peak of each."""
        results = Results()
        for way in ("received 64 KiB", "pushed 8 MiB"):
            measured = {way: 400.0, f"{way}_cpu": 500.0, f"{way} peak": 2.5}
            results.add("large-json", "txphoenix", measured)
            results.add("large-json", "bare", {way: 9000.0, f"{way}_cpu": 9999.0})
        heading, columns, *lines = large_lines(results)
        self.assertIn("txphoenix", heading)
        self.assertNotIn("phoenix.js", heading)
        self.assertEqual(columns.split().count("MB/s"), 2)
        self.assertEqual(
            [line.split() for line in lines],
            [
                [*f"large JSON, {way}".split(), "400", "500", "2.50", "9,000", "9,999"]
                for way in ("received 64 KiB", "pushed 8 MiB")
            ],
        )

    def test_apart(self) -> None:
        """They are not in the table of the others; without them there is none."""
        results = Results()
        self.assertEqual(list(large_lines(results)), [])
        for name in LARGE:
            results.add(name, "txphoenix", {"received 64 KiB": 1.0})
        self.assertEqual(len(list(result_lines(results))), 1)
