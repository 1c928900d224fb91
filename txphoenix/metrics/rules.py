"""What each event of telemetry counts for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..telemetry import CHANNEL, PUSH, SOCKET, STATE_CHANGE, TRAFFIC, EventName
from .labels import error_class

__all__ = ["RULES", "Rule"]


class Rule(NamedTuple):
    """One thing that an event counts for.

    :ivar metric: the metric's name, without ``txphoenix_``.
    :ivar measurement: the measurement that is added or observed; an event without
        :data:`ONE` counts as one.
    :ivar value: makes the value of the metric's own label out of the metadata; None if
        it has none.
    """

    metric: str
    measurement: str = "count"
    value: Callable[[Mapping[str, Any]], Any] | None = None


def _error(metadata: Mapping[str, Any]) -> str:
    return error_class(metadata["error"])


def _reason_class(metadata: Mapping[str, Any]) -> str:
    return error_class(metadata["reason"])


def _reason(metadata: Mapping[str, Any]) -> Any:
    return metadata["reason"]


def _status(metadata: Mapping[str, Any]) -> Any:
    return metadata["status"]


def _new_status(metadata: Mapping[str, Any]) -> Any:
    return metadata["new_status"]


def _replied(_metadata: Mapping[str, Any]) -> str:
    return "replied"


def _failed(_metadata: Mapping[str, Any]) -> str:
    return "failed"


# The measurement of a rule that counts the event itself.
ONE = ""

RULES: dict[EventName, dict[str, tuple[Rule, ...]]] = {
    SOCKET: {
        "connecting": (Rule("connect_attempts_total"),),
        "connected": (Rule("connections_total"),),
        "connection_duration": (Rule("connect_duration_seconds", "duration"),),
        "connection_error": (Rule("connect_errors_total", "count", _error),),
        "disconnected": (Rule("disconnects_total", "count", _reason_class),),
        "reconnecting": (Rule("reconnect_delay_seconds", "delay"),),
        "heartbeat": (Rule("heartbeats_total"),),
        "heartbeat_duration": (Rule("heartbeat_duration_seconds", "duration"),),
        "idle": (Rule("idle_disconnects_total", ONE),),
        "reading_paused": (Rule("reading_pauses_total"),),
        "reading_resumed": (Rule("reading_pause_duration_seconds", "duration"),),
        "unsent": (Rule("unsent_messages_total"),),
        "undecodable": (Rule("undecodable_frames_total", "count", _error),),
    },
    CHANNEL: {
        "joined": (Rule("joins_total"),),
        "join_error": (Rule("join_errors_total", "count", _error),),
        "join_duration": (Rule("join_duration_seconds", "duration"),),
        "left": (Rule("channels_left_total"),),
        "leave_duration": (Rule("leave_duration_seconds", "duration"),),
        "rejoining": (Rule("rejoin_delay_seconds", "delay"),),
        "crashed": (Rule("channel_crashes_total", "count", _error),),
        "restarted": (Rule("channel_restarts_total"),),
        "dropped": (Rule("dropped_messages_total", "count", _reason),),
    },
    PUSH: {
        "replied": (
            Rule("push_replies_total", ONE, _status),
            Rule("push_duration_seconds", "duration", _replied),
        ),
        "failed": (
            Rule("push_errors_total", ONE, _error),
            Rule("push_duration_seconds", "duration", _failed),
        ),
    },
    TRAFFIC: {
        "received": (
            Rule("received_messages_total"),
            Rule("received_bytes_total", "size"),
        ),
        "sent": (
            Rule("sent_messages_total"),
            Rule("sent_bytes_total", "size"),
        ),
    },
    STATE_CHANGE: {
        "socket": (Rule("client_status_changes_total", "count", _new_status),),
        "channel": (Rule("channel_status_changes_total", "count", _new_status),),
    },
}
"""Event and action -> what that counts for."""
