"""Types of the options: the public names."""

from __future__ import annotations

from .options.types import ChangedOptions, ClientOptions

__all__ = ["ChangedOptions", "ClientOptions"]
