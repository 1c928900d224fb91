"""The server of all runs: a project with two tables, whose policies are told to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txphoenix.supabase.testing import SupabaseServer

from ..watched import Watched

__all__ = ["TABLES", "SupabaseInteropServer"]

TABLES = {
    "public.todos": {"id": "int8", "title": "text", "is_done": "bool"},
    "public.notes": {"id": "int8", "tags": "jsonb", "at": "timestamp"},
}


class SupabaseInteropServer(Watched, SupabaseServer):
    """A project over TCP.

    :ivar denied: what nobody may do: topics, each with an action.
    """

    def __init__(self, reactor: Any = None, **settings: Any) -> None:
        self.denied: set[tuple[str, str]] = set()
        for name in ("longpoll_window", "longpoll_pubsub_timeout"):
            settings.pop(name, None)
        options: dict[str, Any] = {"tables": TABLES, "resubscribe_delay": 0.01}
        options |= {"retry_delay": 0.01, "policy": self._allows, **settings}
        super().__init__(reactor=reactor, **options)

    def _allows(self, claims: Mapping[str, Any], topic: str, action: str) -> bool:
        return (topic, action) not in self.denied
