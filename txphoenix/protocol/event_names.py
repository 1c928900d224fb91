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
"""What a client joins a topic with."""

PHX_LEAVE = "phx_leave"
"""What a client leaves a topic with."""

PHX_REPLY = "phx_reply"
"""What a server answers with."""

PHX_CLOSE = "phx_close"
"""What a server tells of a channel that has ended in good order."""

PHX_ERROR = "phx_error"
"""What a server tells of a channel that has crashed."""

HEARTBEAT = "heartbeat"
"""What a client shows with that it is there."""

PRESENCE_STATE = "presence_state"
"""What a server tells all presences of a topic with."""

PRESENCE_DIFF = "presence_diff"
"""What a server tells changes of them with."""

PHOENIX_TOPIC = "phoenix"
"""The topic of the socket itself, to which heartbeats go."""
