"""What the tests of telemetry share: every event, and a handler that keeps them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import telemetry
from txphoenix.protocol.message import Message
from txphoenix.telemetry import CHANNEL, MESSAGE, SOCKET, STATE_CHANGE, TRAFFIC

__all__ = [
    "ALWAYS",
    "CLIENT",
    "EVENTS",
    "NOW",
    "PUSH",
    "ROOM",
    "SECRET",
    "SHOWN_URL",
    "TOPIC",
    "URL",
    "TelemetryCase",
    "emit_all",
]

SECRET = "S3CR3T"
URL = f"ws://host/socket?token={SECRET}"
SHOWN_URL = "ws://host/socket?token=[redacted]"
TOPIC = "rooms:lobby"
NOW = 1234.5

CLIENT = SimpleNamespace(name="chat")
ROOM = object()
REASON = ValueError("away")
QUOTING = ValueError(f"no message: {SECRET}")
PUSH = Message("1", "2", TOPIC, "new_msg", {"body": SECRET})

# An event's function and arguments, and the name, measurements and metadata it has.
EVENTS: list[tuple[Callable[..., None], tuple[Any, ...], Any, str, Any, Any]] = [
    (telemetry.socket_connecting, (), SOCKET, "connecting", {"count": 1}, {}),
    (telemetry.socket_connected, (), SOCKET, "connected", {"count": 1}, {}),
    (
        telemetry.socket_connection_duration,
        (0.25,),
        SOCKET,
        "connection_duration",
        {"duration": 0.25},
        {},
    ),
    (
        telemetry.socket_disconnected,
        (REASON,),
        SOCKET,
        "disconnected",
        {"count": 1},
        {"reason": REASON},
    ),
    (
        telemetry.socket_connection_error,
        (REASON,),
        SOCKET,
        "connection_error",
        {"count": 1},
        {"error": REASON},
    ),
    (
        telemetry.reconnecting,
        (3, 1.5, 99.5),
        SOCKET,
        "reconnecting",
        {"delay": 1.5},
        {"attempt": 3, "next_attempt_at": 99.5},
    ),
    (telemetry.heartbeat_sent, (), SOCKET, "heartbeat", {"count": 1}, {}),
    (
        telemetry.heartbeat_duration,
        (0.01,),
        SOCKET,
        "heartbeat_duration",
        {"duration": 0.01},
        {},
    ),
    (
        telemetry.channel_joined,
        ({"id": SECRET},),
        CHANNEL,
        "joined",
        {"count": 1},
        {"response": {"id": SECRET}},
    ),
    (
        telemetry.channel_join_error,
        (REASON,),
        CHANNEL,
        "join_error",
        {"count": 1},
        {"error": REASON},
    ),
    (
        telemetry.channel_join_duration,
        (0.5,),
        CHANNEL,
        "join_duration",
        {"duration": 0.5},
        {},
    ),
    (
        telemetry.channel_left,
        ("leave",),
        CHANNEL,
        "left",
        {"count": 1},
        {"reason": "leave"},
    ),
    (
        telemetry.channel_leave_duration,
        (0.5,),
        CHANNEL,
        "leave_duration",
        {"duration": 0.5},
        {},
    ),
    (
        telemetry.message_event,
        ("sent", CLIENT, PUSH, 99),
        MESSAGE,
        "sent",
        {"count": 1, "size": 99},
        {},
    ),
    (
        telemetry.message_event,
        ("received", CLIENT, PUSH, 99),
        MESSAGE,
        "received",
        {"count": 1, "size": 99},
        {},
    ),
    (
        telemetry.socket_status_changed,
        ("connecting", "connected"),
        STATE_CHANGE,
        "socket",
        {"count": 1},
        {"type": "socket", "id": SHOWN_URL},
    ),
    (
        telemetry.channel_status_changed,
        ("joining", "joined"),
        STATE_CHANGE,
        "channel",
        {"count": 1},
        {"type": "channel", "id": TOPIC},
    ),
    (telemetry.reading_paused, (), SOCKET, "reading_paused", {"count": 1}, {}),
    (
        telemetry.reading_resumed,
        (2.5,),
        SOCKET,
        "reading_resumed",
        {"duration": 2.5},
        {},
    ),
    (
        telemetry.frame_undecodable,
        (QUOTING,),
        SOCKET,
        "undecodable",
        {"count": 1},
        {"error": QUOTING},
    ),
    (telemetry.messages_unsent, (3,), SOCKET, "unsent", {"count": 3}, {}),
    (
        telemetry.channel_rejoining,
        (REASON, 0.5),
        CHANNEL,
        "rejoining",
        {"delay": 0.5},
        {"error": REASON},
    ),
    (
        telemetry.channel_crashed,
        (REASON, "handle_in"),
        CHANNEL,
        "crashed",
        {"count": 1},
        {"error": REASON, "callback": "handle_in"},
    ),
    (telemetry.channel_restarted, (), CHANNEL, "restarted", {"count": 1}, {}),
    (
        telemetry.channel_dropped,
        (7, "unread"),
        CHANNEL,
        "dropped",
        {"count": 7},
        {"reason": "unread"},
    ),
    (
        telemetry.push_replied,
        ("ok", {"id": SECRET}, 0.25),
        telemetry.PUSH,
        "replied",
        {"duration": 0.25},
        {"status": "ok", "response": {"id": SECRET}},
    ),
    (
        telemetry.push_failed,
        (REASON, 5.0),
        telemetry.PUSH,
        "failed",
        {"duration": 5.0},
        {"error": REASON},
    ),
    (
        telemetry.traffic_event,
        ("sent", CLIENT, 1, 99),
        TRAFFIC,
        "sent",
        {"count": 1, "size": 99},
        {},
    ),
    (
        telemetry.traffic_event,
        ("received", CLIENT, 2, 198),
        TRAFFIC,
        "received",
        {"count": 2, "size": 198},
        {},
    ),
    (telemetry.socket_idle, (2.5,), SOCKET, "idle", {"duration": 2.5}, {}),
]

# The arguments that come first, and the metadata that are always there, by event name.
FIRST: dict[Any, tuple[Any, ...]] = {
    SOCKET: (CLIENT, URL),
    CHANNEL: (CLIENT, TOPIC, ROOM),
    MESSAGE: (),
    TRAFFIC: (),
    telemetry.PUSH: (CLIENT, TOPIC, ROOM, "new_msg"),
}
ALWAYS: dict[Any, dict[str, Any]] = {
    SOCKET: {"url": SHOWN_URL},
    CHANNEL: {"topic": TOPIC, "channel": ROOM},
    MESSAGE: {
        "topic": TOPIC,
        "event": "new_msg",
        "payload": {"body": SECRET},
        "ref": "2",
        "join_ref": "1",
    },
    TRAFFIC: {},
    telemetry.PUSH: {"topic": TOPIC, "channel": ROOM, "event": "new_msg"},
    STATE_CHANGE: {},
}


def emit_all(but: Any = None) -> None:
    """Let each event happen once, but for those of one name.

    That is the name of events of which their callers ask whether somebody wants them.
    """
    for function, arguments, event_name, action, _, _ in EVENTS:
        if event_name != but:
            first = FIRST.get(event_name)
            if first is None:
                first = (CLIENT, URL if action == "socket" else TOPIC)
            function(*first, *arguments)


class TelemetryCase(SynchronousTestCase):
    """What the tests have in common: a handler that keeps what it is called with."""

    def setUp(self) -> None:
        """Start and end without handlers."""
        self.calls: list[Any] = []
        self.addCleanup(self.detach_all)

    def detach_all(self) -> None:
        """Detach every handler."""
        for handler in telemetry.list_handlers():
            telemetry.detach(handler.handler_id)

    def keep(self, *arguments: Any) -> None:
        """Keep the arguments."""
        self.calls.append(arguments)
