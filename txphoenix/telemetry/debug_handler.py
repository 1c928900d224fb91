"""The debug handler: a line of the log for each event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.logger import LogLevel

from ..legible import legible
from .handlers import (
    CHANNEL,
    MESSAGE,
    PUSH,
    SOCKET,
    STATE_CHANGE,
    TRAFFIC,
    EventName,
    attach_many,
    detach,
    log,
)

__all__ = ["attach_debug_handler", "detach_debug_handler"]

_DEBUG_HANDLER = "txphoenix-debug"
_EVENTS = (SOCKET, CHANNEL, PUSH, MESSAGE, TRAFFIC, STATE_CHANGE)

# What may come as often as messages do, or as they are lost.
_FREQUENT = {"dropped", "heartbeat", "heartbeat_duration", "replied", "undecodable"}

# What is no news in a line, and what may hold secrets or be of any length.
_NOT_LOGGED = {
    "action",
    "channel",
    "client",
    "payload",
    "response",
    "timestamp",
    "type",
}


def attach_debug_handler() -> None:
    """Log a line for each event.

    What may come in numbers is logged at the level debug: messages and traffic, replies
    to pushes, heartbeats, and what is dropped; everything else at info.
    The lines hold no payloads and no responses, since these may hold secrets.

    :raises ConfigurationError: if the debug handler is attached already.
    """
    attach_many(_DEBUG_HANDLER, _EVENTS, _log_event)


def detach_debug_handler() -> bool:
    """Log no more lines.

    :return: whether the debug handler was attached.
    """
    return detach(_DEBUG_HANDLER)


def _log_event(
    event_name: EventName,
    measurements: Mapping[str, Any],
    metadata: Mapping[str, Any],
    config: object,
) -> None:
    action = metadata["action"]
    is_frequent = event_name in (MESSAGE, TRAFFIC) or action in _FREQUENT
    told = {
        "name": getattr(metadata["client"], "name", None),
        **metadata,
        **measurements,
    }
    if measurements.get("count") == 1:
        # Most events are of one.
        del told["count"]
    if action == "undecodable":
        # The error quotes the frame.
        del told["error"]
    details = ", ".join(
        f"{name}={legible(value)}"
        for name, value in told.items()
        if name not in _NOT_LOGGED and value is not None
    )
    log.emit(
        LogLevel.debug if is_frequent else LogLevel.info,
        "{event} {action}: {details}",
        event=event_name[-1],
        action=action,
        details=details,
    )
