"""What a topic does: channels, their joins, pushes and messages."""

from __future__ import annotations

from .manager import ChannelManager

__all__ = ["ChannelManager"]
