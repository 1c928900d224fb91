"""The message that travels over a Phoenix socket, and the names Phoenix gives events.

``Message`` is what hooks for all messages are called with, and what a serializer
encodes and decodes.
"""

from __future__ import annotations

from .protocol.event_names import (
    HEARTBEAT,
    PHOENIX_TOPIC,
    PHX_CLOSE,
    PHX_ERROR,
    PHX_JOIN,
    PHX_LEAVE,
    PHX_REPLY,
    PRESENCE_DIFF,
    PRESENCE_STATE,
)
from .protocol.message import Message, generate_ref, new_message

__all__ = [
    "HEARTBEAT",
    "PHOENIX_TOPIC",
    "PHX_CLOSE",
    "PHX_ERROR",
    "PHX_JOIN",
    "PHX_LEAVE",
    "PHX_REPLY",
    "PRESENCE_DIFF",
    "PRESENCE_STATE",
    "Message",
    "generate_ref",
    "new_message",
]
