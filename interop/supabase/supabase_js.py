"""supabase-js, and realtime-js in it: the client that comes with Supabase."""

from __future__ import annotations

from typing import Any

from ..environment import Packages
from ..official import Client, Official
from .controls import controls
from .decoding import decoded
from .server import SupabaseInteropServer

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


def _ours(reactor: Any, transport: str, url: str) -> Client:
    raise NotImplementedError("txphoenix.supabase has no client yet")


OFFICIAL = Official(
    name="supabase-js",
    packages=PACKAGES,
    cases="supabase/cases.mjs",
    actions="supabase/scenario.mjs",
    server=SupabaseInteropServer,
    controls=controls,
    ours=_ours,
    scenarios=(),
    decoded=decoded,
)
