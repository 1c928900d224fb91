"""Whom a client tells what happens to its connection: the ``on_...`` of a client."""

from __future__ import annotations

from .client.hooks import ClientHooks

__all__ = ["ClientHooks"]
