"""How the model is run: how many examples, of how many steps, and by which seed."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from txphoenix.test.properties import checked

from .machine import machine_for

__all__ = ["EXAMPLES", "STEPS", "run"]

EXAMPLES = {"websocket": 360, "longpoll": 240, "fallback": 240}
"""Transport -> how many examples there are of it where nobody says more."""

STEPS = 40
"""The most steps of an example."""

# So many times as many examples; see CONTRIBUTING.md.
_TIMES = "TXPHOENIX_MODEL_TIMES"

_SUPPRESSED = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.filter_too_much,
]


def run(
    transport: str,
    examples: int | None = None,
    steps: int = STEPS,
    number: int | None = None,
    shrinks: bool = True,
) -> None:
    """Run the model over one transport.

    :param examples: how many; by default :data:`EXAMPLES`, as many times as
        ``TXPHOENIX_MODEL_TIMES`` says.
    :param number: the seed; by default all runs are alike.
    :param shrinks: whether an example that fails is made as short as it can be.
    :raises Broken: a promise was broken; the notes have the steps.
    """
    if examples is None:
        examples = EXAMPLES[transport] * int(os.environ.get(_TIMES, "1"))
    phases = [Phase.generate, *([Phase.shrink] if shrinks else [])]
    chosen = settings(
        checked,
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=number is None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=_SUPPRESSED,
    )
    machine = machine_for(transport)
    if number is not None:
        machine = seed(number)(machine)
    run_state_machine_as_test(machine, settings=chosen)
