"""The client: its connection, what it sends and receives, and its state."""

from __future__ import annotations

from .socket_client import SocketClient

__all__ = ["SocketClient"]
