"""Types of what can be supplied later: the public names."""

from __future__ import annotations

from .options.supplied import (
    Headers,
    Params,
    Supplied,
)

__all__ = ["Headers", "Params", "Supplied"]
