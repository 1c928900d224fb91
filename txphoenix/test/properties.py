"""How properties are checked: alike in each run, on a machine of any speed.

All that the tests use of hypothesis is imported from here.
Where hypothesis is missing, a property is skipped, and the tests beside it run.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING or find_spec("hypothesis") is not None:
    from hypothesis import HealthCheck, example, given, settings
    from hypothesis import strategies as st
else:
    from .no_properties import HealthCheck, example, given, settings, st

__all__ = ["HealthCheck", "checked", "example", "given", "settings", "st"]

checked = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
