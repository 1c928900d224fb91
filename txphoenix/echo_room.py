"""The channel of topics for which no class is named: it keeps or forwards messages."""

from __future__ import annotations

from .channels.echo_room import EchoRoom

__all__ = ["EchoRoom"]
