"""The fleet keeps its promises, whatever befalls it, and the machine can tell."""

from __future__ import annotations

from unittest import mock

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.test.properties import checked
from txphoenix.test.wamp_fleet_faults import FAULTS
from txphoenix.test.wamp_fleet_machine import FleetMachine


def run(examples: int, *phases: Phase) -> None:
    """Run the machine, alike each time."""
    chosen = settings(
        checked,
        max_examples=examples,
        stateful_step_count=30,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
        ],
    )
    run_state_machine_as_test(FleetMachine, settings=chosen)


class PromiseTests(SynchronousTestCase):
    """What must hold of a fleet, in any order of what befalls it.

    Never do two workers hold a topic, as far as the router can see, nor one without
    its lock; after quiet each wanted topic is held by its owner, and no other is; a
    call ends, and is made once at most.
    """

    def test_promises(self) -> None:
        """They hold."""
        run(150, Phase.generate, Phase.shrink)

    def test_faults(self) -> None:
        """Each fault that is planted breaks one."""
        for fault in FAULTS:
            with (
                self.subTest(fault.name),
                mock.patch.object(fault.owner, fault.attribute, fault.value),
                self.assertRaises(AssertionError, msg=fault.name),
            ):
                run(500, Phase.generate)
