"""@absinthe/socket, the client that comes with Absinthe."""

from __future__ import annotations

from ..environment import Packages
from ..official import Official
from .scenarios import SCENARIOS
from .server import AbsintheInteropServer, controls
from .txphoenix_client import AbsintheActions

__all__ = ["OFFICIAL"]

OFFICIAL = Official(
    name="@absinthe/socket",
    packages=Packages(
        "python -m interop.absinthe",
        "absinthe",
        {"@absinthe/socket": "0.2.1", "phoenix": "1.8.16", "ws": "8.23.0"},
    ),
    cases="absinthe/cases.mjs",
    actions="absinthe/scenario.mjs",
    server=AbsintheInteropServer,
    controls=controls,
    ours=AbsintheActions,
    scenarios=SCENARIOS,
)
