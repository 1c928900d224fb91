"""How long to wait before the next attempt, as plain functions of the attempt.

A backoff takes the number of attempts that have failed in a row before this one, from
0, and gives the seconds to wait.
It has no state and no clock, so one can serve any number of clients, and any function
of that shape can take its place, as the option ``backoff`` or ``rejoin_backoff``.
"""

from __future__ import annotations

from .protocol.backoff import (
    Backoff,
    ErrorBackoff,
    exponential,
    jittered,
    reconnect,
    rejoin,
    spread,
    steps,
)

__all__ = [
    "Backoff",
    "ErrorBackoff",
    "exponential",
    "jittered",
    "reconnect",
    "rejoin",
    "spread",
    "steps",
]
