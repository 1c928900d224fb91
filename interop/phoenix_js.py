"""phoenix.js, the client that comes with Phoenix."""

from __future__ import annotations

from .controls import controls
from .environment import PHOENIX_JS
from .official import Official
from .scenarios import SCENARIOS
from .server import InteropServer
from .txphoenix_client import TxphoenixClient

__all__ = ["OFFICIAL"]

OFFICIAL = Official(
    name="phoenix.js",
    packages=PHOENIX_JS,
    cases="cases.mjs",
    actions="scenario.mjs",
    server=InteropServer,
    controls=controls,
    ours=TxphoenixClient,
    scenarios=SCENARIOS,
)
