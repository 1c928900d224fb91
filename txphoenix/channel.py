"""Channels: the public names."""

from __future__ import annotations

from .channels.channel import Channel

__all__ = ["Channel"]
