"""The types of what a client is given as values or as callables."""

from __future__ import annotations

from .options.supplied import (
    Headers,
    Params,
    Supplied,
)

__all__ = ["Headers", "Params", "Supplied"]
