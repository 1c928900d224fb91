"""supabase-js, and realtime-js in it: the client that comes with Supabase."""

from __future__ import annotations

from ..environment import Packages
from ..official import Official
from .controls import controls
from .decoding import decoded
from .scenarios import SCENARIOS
from .server import SupabaseInteropServer
from .txphoenix_client import TxphoenixClient

__all__ = ["OFFICIAL"]

PACKAGES = Packages(
    "python -m interop.supabase",
    "supabase",
    {
        "@supabase/supabase-js": "2.119.1",
        "@supabase/realtime-js": "2.119.1",
        "ws": "8.23.0",
    },
)

OFFICIAL = Official(
    name="supabase-js",
    packages=PACKAGES,
    cases="supabase/cases.mjs",
    actions="supabase/scenario.mjs",
    server=SupabaseInteropServer,
    controls=controls,
    ours=TxphoenixClient,
    scenarios=SCENARIOS,
    decoded=decoded,
)
