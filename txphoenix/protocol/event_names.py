"""The names that Phoenix gives events, and the topic of the socket itself."""

from __future__ import annotations

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
]

PHX_JOIN = "phx_join"
PHX_LEAVE = "phx_leave"
PHX_REPLY = "phx_reply"
PHX_CLOSE = "phx_close"
PHX_ERROR = "phx_error"
HEARTBEAT = "heartbeat"
PRESENCE_STATE = "presence_state"
PRESENCE_DIFF = "presence_diff"

#: The topic of the socket itself, to which heartbeats go.
PHOENIX_TOPIC = "phoenix"
