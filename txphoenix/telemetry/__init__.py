"""Events that tell what the clients of this process do.

A handler is attached to an event's name.
It is called as ``function(event_name, measurements, metadata, config)`` whenever the
event happens, as in Elixir's ``telemetry``::

    from txphoenix import telemetry

    def count(event_name, measurements, metadata, config):
        config[metadata["action"]] += 1

    telemetry.attach("count", telemetry.SOCKET, count, collections.Counter())

A handler that raises is logged and detached, and the others go on.
Handlers run in the reactor's thread, in the middle of what they are told of, so they
must be quick.

The events, by name and ``metadata["action"]``, and what else their metadata hold
besides ``timestamp`` (seconds since the epoch) and ``client``:

``("txphoenix", "socket")``, each with ``url``
    ``connecting``, ``connected``, ``disconnected`` (``reason``), ``connection_error``
    (``error``), ``reconnecting`` (``attempt`` and
    ``next_attempt_at``), ``connection_duration``, ``heartbeat``,
    ``heartbeat_duration``, ``idle``, ``reading_paused``, ``reading_resumed``,
    ``undecodable`` (``error``), ``unsent``

``("txphoenix", "channel")``, each with ``topic`` and ``channel``
    ``joined`` (``response``), ``join_error`` (``error``), ``left`` (``reason``),
    ``join_duration``, ``leave_duration``, ``rejoining`` (``error``),
    ``crashed`` (``error`` and ``callback``), ``restarted``, ``dropped`` (``reason``)

``("txphoenix", "push")``, each with ``topic``, ``channel`` and ``event``
    ``replied`` (``status`` and ``response``), ``failed`` (``error``)

``("txphoenix", "message")``
    ``sent``, ``received``, each with ``topic``, ``event``, ``payload``, ``ref`` and
    ``join_ref``

``("txphoenix", "traffic")``
    ``sent``, ``received``: the messages of one turn of the reactor, in one event

``("txphoenix", "state_change")``
    ``socket`` (``id`` is the URL), ``channel`` (``id`` is the topic), each with
    ``type``, ``id``, ``old_status`` and ``new_status``

The measurements are ``duration`` for the actions that end so, for pushes, for ``idle``
and for ``reading_resumed``, ``delay`` for ``reconnecting`` and ``rejoining``, both in
seconds, and ``count`` for the others.
That is 1, or a number of messages: of ``dropped``, of ``unsent``, and of traffic.
A message, and traffic, have their ``size`` in bytes besides.

A push ends with one event, before its Deferred fires.
One without a reply, and one of the client's, has one if it is refused or dropped.

A :class:`Tracer` is told of calls where they are made, in their caller's context, and
may add to what they send.

URLs come without the values in their queries.
A payload, a response, a status, an error and a reason are handed on as they are: a
handler that passes them on decides what is a secret in them.
"""

from __future__ import annotations

from .debug_handler import (
    attach_debug_handler,
    detach_debug_handler,
)
from .events import (
    channel_crashed,
    channel_dropped,
    channel_join_duration,
    channel_join_error,
    channel_joined,
    channel_leave_duration,
    channel_left,
    channel_rejoining,
    channel_restarted,
    channel_status_changed,
    frame_undecodable,
    heartbeat_duration,
    heartbeat_sent,
    message_event,
    messages_unsent,
    push_failed,
    push_replied,
    reading_paused,
    reading_resumed,
    reconnecting,
    socket_connected,
    socket_connecting,
    socket_connection_duration,
    socket_connection_error,
    socket_disconnected,
    socket_idle,
    socket_status_changed,
    traffic_event,
)
from .handlers import (
    CHANNEL,
    MESSAGE,
    PUSH,
    SOCKET,
    STATE_CHANGE,
    TRAFFIC,
    Attachment,
    EventName,
    attach,
    attach_many,
    channel_handlers,
    detach,
    execute,
    list_handlers,
    message_handlers,
    push_handlers,
    socket_handlers,
    state_change_handlers,
    traffic_handlers,
)
from .tracing import CallEnded, Tracer, attach_tracer, detach_tracer

__all__ = [
    "CHANNEL",
    "MESSAGE",
    "PUSH",
    "SOCKET",
    "STATE_CHANGE",
    "TRAFFIC",
    "Attachment",
    "CallEnded",
    "EventName",
    "Tracer",
    "attach",
    "attach_debug_handler",
    "attach_many",
    "attach_tracer",
    "channel_crashed",
    "channel_dropped",
    "channel_handlers",
    "channel_join_duration",
    "channel_join_error",
    "channel_joined",
    "channel_leave_duration",
    "channel_left",
    "channel_rejoining",
    "channel_restarted",
    "channel_status_changed",
    "detach",
    "detach_debug_handler",
    "detach_tracer",
    "execute",
    "frame_undecodable",
    "heartbeat_duration",
    "heartbeat_sent",
    "list_handlers",
    "message_event",
    "message_handlers",
    "messages_unsent",
    "push_failed",
    "push_handlers",
    "push_replied",
    "reading_paused",
    "reading_resumed",
    "reconnecting",
    "socket_connected",
    "socket_connecting",
    "socket_connection_duration",
    "socket_connection_error",
    "socket_disconnected",
    "socket_handlers",
    "socket_idle",
    "socket_status_changed",
    "state_change_handlers",
    "traffic_event",
    "traffic_handlers",
]
