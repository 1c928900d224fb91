"""How properties are checked: alike in each run, on a machine of any speed."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

__all__ = ["checked"]

checked = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
