"""The default channel class: the public name."""

from __future__ import annotations

from .channels.echo_room import EchoRoom

__all__ = ["EchoRoom"]
