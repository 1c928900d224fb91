"""Presence: the public names."""

from __future__ import annotations

from .channels.presence import (
    Presence,
    list_by,
    sync_diff,
    sync_state,
)

__all__ = [
    "Presence",
    "list_by",
    "sync_diff",
    "sync_state",
]
