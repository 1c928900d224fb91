"""What clients, channels and messages tell: a function for each event.

Those of a message build what they need only after a truth test by their caller; all
others test for themselves, as they are rare.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..protocol.redact import redact_url
from .handlers import (
    CHANNEL,
    MESSAGE,
    PUSH,
    SOCKET,
    STATE_CHANGE,
    TRAFFIC,
    channel_handlers,
    detach_failed,
    emit,
    message_calls,
    push_handlers,
    socket_handlers,
    state_change_handlers,
    traffic_handlers,
)

__all__ = [
    "channel_crashed",
    "channel_dropped",
    "channel_join_duration",
    "channel_join_error",
    "channel_joined",
    "channel_leave_duration",
    "channel_left",
    "channel_rejoining",
    "channel_restarted",
    "channel_status_changed",
    "frame_undecodable",
    "heartbeat_duration",
    "heartbeat_sent",
    "message_event",
    "messages_unsent",
    "push_failed",
    "push_replied",
    "reading_paused",
    "reading_resumed",
    "reconnecting",
    "socket_connected",
    "socket_connecting",
    "socket_connection_duration",
    "socket_connection_error",
    "socket_disconnected",
    "socket_idle",
    "socket_status_changed",
    "traffic_event",
]

_ONCE = {"count": 1}


def _socket_event(
    action: str,
    client: object,
    url: str,
    measurements: Mapping[str, Any] = _ONCE,
    **metadata: Any,
) -> None:
    if socket_handlers:
        common = {"action": action, "client": client, "url": redact_url(url)}
        metadata = {**common, **metadata, "timestamp": time.time()}
        emit(SOCKET, dict(measurements), metadata)


def socket_connecting(client: object, url: str) -> None:
    """An attempt to connect begins."""
    _socket_event("connecting", client, url)


def socket_connected(client: object, url: str) -> None:
    """The connection is open."""
    _socket_event("connected", client, url)


def socket_connection_duration(client: object, url: str, duration: float) -> None:
    """The connection is open; ``duration`` is the seconds since its attempt began."""
    _socket_event("connection_duration", client, url, {"duration": duration})


def socket_disconnected(client: object, url: str, reason: object) -> None:
    """An open connection has ended; ``reason`` is the error that says how."""
    _socket_event("disconnected", client, url, reason=reason)


def socket_connection_error(client: object, url: str, error: object) -> None:
    """An attempt to connect has failed."""
    _socket_event("connection_error", client, url, error=error)


def reconnecting(
    client: object,
    url: str,
    attempt: int,
    delay: float,
    next_attempt_at: float | None = None,
) -> None:
    """The attempt of this number, from 1, begins in ``delay`` seconds.

    ``next_attempt_at`` is that moment, as the reactor tells the time.
    """
    more = {"attempt": attempt, "next_attempt_at": next_attempt_at}
    _socket_event("reconnecting", client, url, {"delay": delay}, **more)


def heartbeat_sent(client: object, url: str) -> None:
    """A heartbeat was sent."""
    _socket_event("heartbeat", client, url)


def heartbeat_duration(client: object, url: str, duration: float) -> None:
    """A heartbeat was answered; ``duration`` is its round trip in seconds."""
    _socket_event("heartbeat_duration", client, url, {"duration": duration})


def socket_idle(client: object, url: str, duration: float) -> None:
    """It was disconnected, as it had no channel for ``duration`` seconds."""
    _socket_event("idle", client, url, {"duration": duration})


def reading_paused(client: object, url: str) -> None:
    """Nothing is read any more: a channel's reader is slower than the server."""
    _socket_event("reading_paused", client, url)


def reading_resumed(client: object, url: str, duration: float) -> None:
    """The pause is over, or the connection is; it has lasted ``duration`` seconds."""
    _socket_event("reading_resumed", client, url, {"duration": duration})


def frame_undecodable(client: object, url: str, error: object) -> None:
    """A frame was dropped that is no message; ``error`` says what is wrong with it."""
    _socket_event("undecodable", client, url, error=error)


def messages_unsent(client: object, url: str, count: int) -> None:
    """The connection has ended before so many messages had left."""
    _socket_event("unsent", client, url, {"count": count})


def _channel_event(
    action: str,
    client: object,
    topic: str,
    channel: object,
    measurements: Mapping[str, Any] = _ONCE,
    **metadata: Any,
) -> None:
    if channel_handlers:
        common = {
            "action": action,
            "client": client,
            "topic": topic,
            "channel": channel,
        }
        metadata = {**common, **metadata, "timestamp": time.time()}
        emit(CHANNEL, dict(measurements), metadata)


def channel_joined(
    client: object, topic: str, channel: object, response: object
) -> None:
    """A channel was joined, for the first time or again."""
    _channel_event("joined", client, topic, channel, response=response)


def channel_join_error(
    client: object, topic: str, channel: object, error: object
) -> None:
    """A join failed."""
    _channel_event("join_error", client, topic, channel, error=error)


def channel_join_duration(
    client: object, topic: str, channel: object, duration: float
) -> None:
    """A join was answered ``duration`` seconds after it was sent."""
    _channel_event("join_duration", client, topic, channel, {"duration": duration})


def channel_left(client: object, topic: str, channel: object, reason: object) -> None:
    """A channel was closed: left, closed by the server, or stopped."""
    _channel_event("left", client, topic, channel, reason=reason)


def channel_leave_duration(
    client: object, topic: str, channel: object, duration: float
) -> None:
    """A leave was answered ``duration`` seconds after it was sent."""
    _channel_event("leave_duration", client, topic, channel, {"duration": duration})


def channel_rejoining(
    client: object, topic: str, channel: object, error: object, delay: float
) -> None:
    """A channel that ``error`` has interrupted joins again in ``delay`` seconds."""
    _channel_event("rejoining", client, topic, channel, {"delay": delay}, error=error)


def channel_crashed(
    client: object, topic: str, channel: object, error: object, callback: str
) -> None:
    """A callback of a channel has raised; ``callback`` is its name."""
    _channel_event("crashed", client, topic, channel, error=error, callback=callback)


def channel_restarted(client: object, topic: str, channel: object) -> None:
    """A channel that has crashed begins anew."""
    _channel_event("restarted", client, topic, channel)


def channel_dropped(
    client: object, topic: str, channel: object, count: int, reason: str
) -> None:
    """So many messages of a topic were dropped, for a reason of one word.

    :param channel: the topic's; None if there is none.
    """
    _channel_event("dropped", client, topic, channel, {"count": count}, reason=reason)


def push_replied(
    client: object,
    topic: str,
    channel: object,
    event: str,
    status: object,
    response: object,
    duration: float,
) -> None:
    """The server has replied to a push that was made ``duration`` seconds ago."""
    if push_handlers:
        metadata = {
            "action": "replied",
            "client": client,
            "topic": topic,
            "channel": channel,
            "event": event,
            "status": status,
            "response": response,
            "timestamp": time.time(),
        }
        emit(PUSH, {"duration": duration}, metadata)


def push_failed(
    client: object,
    topic: str,
    channel: object,
    event: object,
    error: object,
    duration: float,
) -> None:
    """A push has ended without a reply, ``duration`` seconds after it was made.

    :param channel: the topic's; None if there is none.
    """
    if push_handlers:
        metadata = {
            "action": "failed",
            "client": client,
            "topic": topic,
            "channel": channel,
            "event": event,
            "error": error,
            "timestamp": time.time(),
        }
        emit(PUSH, {"duration": duration}, metadata)


def traffic_event(action: str, client: object, count: int, size: int) -> None:
    """So many messages were ``"sent"`` or ``"received"`` in one turn of the reactor.

    :param size: the bytes of their frames.
    """
    if traffic_handlers:
        emit(
            TRAFFIC,
            {"count": count, "size": size},
            {"action": action, "client": client, "timestamp": time.time()},
        )


def message_event(
    action: str, client: object, message: Sequence[Any], size: int
) -> None:
    """A message was ``"sent"`` or ``"received"``.

    :param message: a :class:`~txphoenix.message.Message`, or just its five fields.
    :param size: the bytes of its frame.
    """
    join_ref, ref, topic, event, payload = message
    measurements = {"count": 1, "size": size}
    metadata = {
        "action": action,
        "client": client,
        "topic": topic,
        "event": event,
        "payload": payload,
        "ref": ref,
        "join_ref": join_ref,
        "timestamp": time.time(),
    }
    # As emit() does it.
    for function, config, handler in message_calls.entries:
        try:
            function(MESSAGE, measurements, metadata, config)
        except BaseException:
            detach_failed(handler)


def _state_change_event(
    action: str, client: object, identity: str, old_status: str, new_status: str
) -> None:
    emit(
        STATE_CHANGE,
        {"count": 1},
        {
            "action": action,
            "type": action,
            "client": client,
            "id": identity,
            "old_status": old_status,
            "new_status": new_status,
            "timestamp": time.time(),
        },
    )


def socket_status_changed(
    client: object, url: str, old_status: str, new_status: str
) -> None:
    """The client's status is another: disconnected, connecting or connected."""
    if state_change_handlers:
        _state_change_event("socket", client, redact_url(url), old_status, new_status)


def channel_status_changed(
    client: object, topic: str, old_status: str, new_status: str
) -> None:
    """A channel's status is another: joining, joined, leaving, left or errored."""
    if state_change_handlers:
        _state_change_event("channel", client, topic, old_status, new_status)
