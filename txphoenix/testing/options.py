"""The path to the options of a server's sockets."""

from __future__ import annotations

from .endpoint import Channels, SocketOptions

__all__ = ["Channels", "SocketOptions"]
