"""The handshake: the public names."""

from __future__ import annotations

from .protocol.handshake import Handshake

__all__ = ["Handshake"]
