"""A fleet keeps its promises, whatever befalls it, and these tests can tell.

Never do two workers hold a topic, as far as the router can see, nor one without its
lock; after quiet each wanted topic is held by its owner, and no other is; a call ends,
and is made once at most.
"""

from __future__ import annotations

from collections import Counter
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.test.extra import needs
from txphoenix.test.properties import checked
from txphoenix.test.wamp_fleet_faults import FAULTS
from txphoenix.test.wamp_fleet_kit import CHECK_EVERY, NEVER, World
from txphoenix.test.wamp_fleet_scenarios import (
    SCENARIOS,
    Scenario,
    lists_are_old,
    subscribe,
)


def broken_by(scenario: Scenario) -> list[str]:
    """Play a scenario; what it broke.

    Nothing is compared with the router's lists in it, unless that is what it is about:
    it has to do with what the router tells.
    """
    world = World(0, CHECK_EVERY if scenario is lists_are_old else NEVER)
    try:
        scenario(world)
    except KeyError as error:
        # Who should hold something does not.
        world.broken.append(repr(error))
    return world.broken


class ScenarioTests(SynchronousTestCase):
    """One thing at a time."""

    def test_faults(self) -> None:
        """Each fault that is planted breaks a promise in some scenario."""
        missed = []
        for fault in FAULTS:
            with mock.patch.object(fault.owner, fault.attribute, fault.value):
                if not any(map(broken_by, SCENARIOS)):
                    missed.append(fault.name)
        self.assertEqual(missed, [])


def _add_tests() -> None:
    for scenario in SCENARIOS:

        def test(self: ScenarioTests, scenario: Scenario = scenario) -> None:
            self.assertEqual(broken_by(scenario), [])

        test.__doc__ = scenario.__doc__
        setattr(ScenarioTests, f"test_{scenario.__name__}", test)


_add_tests()


class AnyOrderTests(SynchronousTestCase):
    """All of it, in any order."""

    @needs("hypothesis")
    def test_promises(self) -> None:
        """They hold."""
        from hypothesis import HealthCheck, Phase, settings
        from hypothesis.stateful import run_state_machine_as_test

        from txphoenix.test.wamp_fleet_machine import FleetMachine

        chosen = settings(
            checked,
            max_examples=100,
            stateful_step_count=30,
            phases=[Phase.generate, Phase.shrink],
            report_multiple_bugs=False,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
        )
        run_state_machine_as_test(FleetMachine, settings=chosen)


class ManyTopicsTests(SynchronousTestCase):
    """A hundred topics."""

    def test_a_fourth_worker(self) -> None:
        """Topics are divided about evenly, and few move to a worker that comes."""
        world = World()
        for _ in range(3):
            world.add_worker()
        client = world.add_client()
        world.pump()
        for number in range(100):
            subscribe(world, client, f"rooms:{number}")
        world.settle(5)
        before = {topic: worker.number for topic, worker in world.held()}
        self.assertEqual(len(before), 100)
        self.assertGreaterEqual(min(Counter(before.values()).values()), 20)
        new = world.add_worker()
        world.settle(5)
        after = {topic: worker.number for topic, worker in world.held()}
        moved = {topic for topic in before if before[topic] != after[topic]}
        self.assertEqual({after[topic] for topic in moved}, {new.number})
        self.assertLessEqual(len(moved), 35)
        world.check_quiet()
        self.assertEqual(world.broken, [])
