"""Supabase Realtime: Postgres changes, broadcast and presence."""

from __future__ import annotations

__all__: list[str] = []
