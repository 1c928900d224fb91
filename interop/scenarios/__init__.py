"""All scenarios."""

from __future__ import annotations

from ..script import Scenario
from . import connecting, ending, joining, leaving, pushing, returning

__all__ = ["SCENARIOS"]

SCENARIOS: tuple[Scenario, ...] = (
    *joining.SCENARIOS,
    *pushing.SCENARIOS,
    *leaving.SCENARIOS,
    *ending.SCENARIOS,
    *returning.SCENARIOS,
    *connecting.SCENARIOS,
)
