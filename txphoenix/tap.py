"""``twistd txphoenix``: the names that Twisted and users ask for."""

from __future__ import annotations

from .service.maker import (
    LoggedChannel,
    Options,
    makeService,
)

__all__ = ["LoggedChannel", "Options", "makeService"]
