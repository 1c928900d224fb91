"""The soak's plan, and who has a seat in it.

The benchmarks are in a clone, not in a wheel.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from .benchmark_runs import NOT_THERE

if NOT_THERE is None:
    from benchmarks.soak.plan import FAULTS, SERVER_FAULTS, make_plan
    from benchmarks.soak.seats import seats


class PlanTests(SynchronousTestCase):
    """What goes wrong follows from the seed, and is all that the soak promises."""

    skip = NOT_THERE

    def test_same_seed(self) -> None:
        """The same numbers make the same plan, and another seed makes another."""
        plan = make_plan(7, 1, 50)
        self.assertEqual(plan, make_plan(7, 1, 50))
        self.assertNotEqual(plan.cycles, make_plan(8, 1, 50).cycles)

    def test_known(self) -> None:
        """It is the same on each machine and in each Python: here is its beginning."""
        first = make_plan(1, 1, 50).cycles[0].steps[1]
        self.assertEqual(
            str(first),
            "  0.01 -  2.56  refuse      12,17,18,24 reset=False",
        )

    def test_each_fault(self) -> None:
        """Each cycle has each fault of a client, and a restart."""
        for cycle in make_plan(1, 10, 50).cycles:
            names = {step.fault for step in cycle.steps}
            self.assertEqual(names - SERVER_FAULTS.keys(), FAULTS.keys())
            self.assertIn("restart", names)

    def test_servers(self) -> None:
        """A minute has a restart of each server, and HTTP 503."""
        steps = [step for cycle in make_plan(1, 1, 50).cycles for step in cycle.steps]
        where = {step.details["where"] for step in steps if step.fault == "restart"}
        self.assertEqual(where, {"plain", "secure", "both"})
        self.assertIn("unavailable", {step.fault for step in steps})

    def test_in_time(self) -> None:
        """No fault outlasts its cycle, and the cycles are in the time they have."""
        for minutes in (0.1, 1, 10):
            plan = make_plan(3, minutes, 50)
            self.assertGreaterEqual(len(plan.cycles), 2)
            self.assertLess(sum(it.seconds for it in plan.cycles), 60 * minutes)
            for cycle in plan.cycles:
                for step in cycle.steps:
                    self.assertLess(step.at + step.seconds, cycle.seconds + 0.02)

    def test_one_at_a_time(self) -> None:
        """No client has two faults of its own at once; a server's may come on top."""
        for cycle in make_plan(3, 2, 50).cycles:
            until: dict[int, float] = {}
            for step in cycle.steps:
                for client in step.clients:
                    self.assertGreaterEqual(step.at + 0.02, until.get(client, 0))
                    until[client] = step.at + step.seconds

    def test_lines(self) -> None:
        """It can be read, each step in a line."""
        plan = make_plan(1, 1, 50)
        steps = sum(len(cycle.steps) for cycle in plan.cycles)
        self.assertEqual(len(list(plan.lines())), len(plan.cycles) + steps)

    def test_few_clients(self) -> None:
        """With one client there is a plan as well."""
        self.assertTrue(make_plan(1, 1, 1).cycles[0].steps)


class SeatTests(SynchronousTestCase):
    """Who is there."""

    skip = NOT_THERE

    def test_kinds(self) -> None:
        """Each transport, over TLS as well, and a network without WebSockets."""
        found = {(it.transport, it.secure, it.falls_back) for it in seats(50)}
        self.assertEqual(
            found,
            {
                ("websocket", False, False),
                ("websocket", True, False),
                ("longpoll", False, False),
                ("longpoll", True, False),
                ("websocket", False, True),
                ("websocket", True, True),
            },
        )
