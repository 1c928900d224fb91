"""The path to what a user writes: see :mod:`txphoenix.testing.endpoint`."""

from __future__ import annotations

from .endpoint import ServerChannel, UnhandledEvent

__all__ = ["ServerChannel", "UnhandledEvent"]
