"""``twistd txphoenix``: the service maker, and the options of its command line.

``makeService`` gives another application's maker the same service.
"""

from __future__ import annotations

from .service.maker import (
    LoggedChannel,
    Options,
    makeService,
)

__all__ = ["LoggedChannel", "Options", "makeService"]
