"""Backoff: the public names."""

from __future__ import annotations

from .protocol.backoff import (
    Backoff,
    exponential,
    jittered,
    rejoin,
    spread,
    steps,
)

__all__ = [
    "Backoff",
    "exponential",
    "jittered",
    "rejoin",
    "spread",
    "steps",
]
