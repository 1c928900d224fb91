"""The client: its connection, what it sends and receives, its state and buffers."""

from __future__ import annotations

from .buffers import Buffer, Buffers
from .socket_client import SocketClient

__all__ = ["Buffer", "Buffers", "SocketClient"]
