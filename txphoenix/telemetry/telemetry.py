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
    (``error``), ``reconnecting`` (``attempt``), ``connection_duration``, ``heartbeat``,
    ``heartbeat_duration``

``("txphoenix", "channel")``, each with ``topic`` and ``channel``
    ``joined`` (``response``), ``join_error`` (``error``), ``left`` (``reason``),
    ``join_duration``, ``leave_duration``

``("txphoenix", "message")``
    ``sent``, ``received``, each with ``topic``, ``event``, ``payload``, ``ref`` and
    ``join_ref``

``("txphoenix", "state_change")``
    ``socket`` (``id`` is the URL), ``channel`` (``id`` is the topic), each with
    ``type``, ``id``, ``old_status`` and ``new_status``

The measurements are ``duration`` for the actions that end so, ``delay`` for
``reconnecting``, both in seconds, and ``count`` (1) for the others; a message has its
``size`` in bytes besides.

URLs come without the values in their queries.
A payload, a response, an error and a reason are handed on as they are: a handler that
passes them on decides what is a secret in them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from twisted.logger import Logger, LogLevel

from ..errors import ConfigurationError
from ..legible import legible
from ..protocol.redact import redact_url
from ..runtime.package_log import package_log

__all__ = [
    "CHANNEL",
    "MESSAGE",
    "SOCKET",
    "STATE_CHANGE",
    "Attachment",
    "attach",
    "attach_debug_handler",
    "attach_many",
    "channel_handlers",
    "channel_join_duration",
    "channel_join_error",
    "channel_joined",
    "channel_leave_duration",
    "channel_left",
    "channel_status_changed",
    "detach",
    "detach_debug_handler",
    "execute",
    "heartbeat_duration",
    "heartbeat_sent",
    "list_handlers",
    "message_event",
    "message_handlers",
    "reconnecting",
    "socket_connected",
    "socket_connecting",
    "socket_connection_duration",
    "socket_connection_error",
    "socket_disconnected",
    "socket_handlers",
    "socket_status_changed",
    "state_change_handlers",
]

_log = Logger(observer=package_log)

EventName: TypeAlias = tuple[str, ...]
Function: TypeAlias = Callable[
    [EventName, Mapping[str, Any], Mapping[str, Any], Any], Any
]

SOCKET: EventName = ("txphoenix", "socket")
CHANNEL: EventName = ("txphoenix", "channel")
MESSAGE: EventName = ("txphoenix", "message")
STATE_CHANGE: EventName = ("txphoenix", "state_change")


class Attachment(NamedTuple):
    """One handler of one event."""

    handler_id: Hashable
    event_name: EventName
    function: Function
    config: Any


# These lists are changed in place and never replaced, so that a module may bind one at
# import, and ask with one truth test whether anybody wants to know.
socket_handlers: list[Attachment] = []
channel_handlers: list[Attachment] = []
message_handlers: list[Attachment] = []
state_change_handlers: list[Attachment] = []

# What is called for each message.
# Unlike the lists it is replaced and never changed, so that calling it needs no copy.
_message_calls: tuple[tuple[Function, Any, Attachment], ...] = ()

_handlers: dict[EventName, list[Attachment]] = {
    SOCKET: socket_handlers,
    CHANNEL: channel_handlers,
    MESSAGE: message_handlers,
    STATE_CHANGE: state_change_handlers,
}


def attach(
    handler_id: Hashable,
    event_name: Iterable[str],
    function: Function,
    config: Any = None,
) -> None:
    """Call a function at each event of a name.

    :param handler_id: what :func:`detach` is told; each one can be attached once.
    :param event_name: :data:`SOCKET`, :data:`CHANNEL`, :data:`MESSAGE`,
        :data:`STATE_CHANGE`, or another that :func:`execute` is called with.
    :param function: called as ``function(event_name, measurements, metadata, config)``.
    :param config: handed to the function each time.
    :raises ConfigurationError: if the id is attached already, or an argument is not
        what it must be.
    """
    attach_many(handler_id, [event_name], function, config)


def attach_many(
    handler_id: Hashable,
    event_names: Iterable[Iterable[str]],
    function: Function,
    config: Any = None,
) -> None:
    """Call a function at each event of several names, under one id.

    :param event_names: the names of the events, at least one.
    :raises ConfigurationError: as :func:`attach`.
    """
    if not callable(function):
        raise ConfigurationError(
            f"function must be a callable, not of type {type(function).__name__}"
        )
    if any(handler.handler_id == handler_id for handler in list_handlers()):
        raise ConfigurationError(
            f"a handler is attached as {legible(handler_id)} already; detach it first"
        )
    names = dict.fromkeys(_event_name(name) for name in event_names)
    if not names:
        raise ConfigurationError("event_names must hold at least one event's name")
    for name in names:
        handlers = _handlers.setdefault(name, [])
        handlers.append(Attachment(handler_id, name, function, config))
    _renew_message_calls()


def _event_name(name: Iterable[str]) -> EventName:
    """The checked name of an event, or the beginning of one."""
    if isinstance(name, tuple | list) and all(isinstance(part, str) for part in name):
        return tuple(name)
    raise ConfigurationError(
        f"an event's name must be a tuple of str, such as ('txphoenix', 'socket'), "
        f"not {name!r:.100}"
    )


def detach(handler_id: Hashable) -> bool:
    """Call a handler no more, for none of its events.

    :return: whether it was attached.
        It may not be, without a mistake of anybody's: one that raised is detached.
    """
    found = False
    for handlers in _handlers.values():
        kept = [handler for handler in handlers if handler.handler_id != handler_id]
        found = found or len(kept) < len(handlers)
        handlers[:] = kept
    _renew_message_calls()
    return found


def _renew_message_calls() -> None:
    global _message_calls  # noqa: PLW0603
    _message_calls = tuple(
        (handler.function, handler.config, handler) for handler in message_handlers
    )


def list_handlers(event_prefix: Iterable[str] = ()) -> list[Attachment]:
    """The handlers of all events whose names begin so, in the order of attachment."""
    prefix = _event_name(event_prefix)
    return [
        handler
        for name, handlers in _handlers.items()
        if name[: len(prefix)] == prefix
        for handler in handlers
    ]


def execute(
    event_name: EventName, measurements: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
    """Tell the handlers of an event that it has happened.

    Whoever is attached when it happens is called, also if one of them detaches another.

    :param event_name: the name of the event, a tuple of ``str``.
    :param measurements: its numbers, such as durations in seconds.
    :param metadata: what else there is to know of it.
    """
    # Whoever calls this may mean the two; the client's own events let nothing out.
    _emit(event_name, measurements, metadata, SystemExit, KeyboardInterrupt)


def _emit(
    event_name: EventName,
    measurements: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *let_out: type[BaseException],
) -> None:
    for handler in tuple(_handlers.get(event_name, ())):
        try:
            handler.function(event_name, measurements, metadata, handler.config)
        except let_out:
            raise
        except BaseException:
            _detach_failed(handler)


def _detach_failed(handler: Attachment) -> None:
    """Log what a handler has just raised, and call it no more."""
    # Whatever it raised, the connection must not suffer for its observer.
    _log.failure(
        "the telemetry handler {handler_id!r} raised at {event_name}; it is detached",
        handler_id=handler.handler_id,
        event_name=handler.event_name,
    )
    # It may have been replaced meanwhile by another under the same id.
    if any(handler is attached for attached in _handlers[handler.event_name]):
        detach(handler.handler_id)


# The events. Those of a message build what they need only after a truth test by their
# caller; all others test for themselves, as they are rare.

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
        _emit(SOCKET, dict(measurements), metadata)


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


def reconnecting(client: object, url: str, attempt: int, delay: float) -> None:
    """The attempt of this number, from 1, begins in ``delay`` seconds."""
    _socket_event("reconnecting", client, url, {"delay": delay}, attempt=attempt)


def heartbeat_sent(client: object, url: str) -> None:
    """A heartbeat was sent."""
    _socket_event("heartbeat", client, url)


def heartbeat_duration(client: object, url: str, duration: float) -> None:
    """A heartbeat was answered; ``duration`` is its round trip in seconds."""
    _socket_event("heartbeat_duration", client, url, {"duration": duration})


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
        _emit(CHANNEL, dict(measurements), metadata)


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
    # As _emit() does it.
    for function, config, handler in _message_calls:
        try:
            function(MESSAGE, measurements, metadata, config)
        except BaseException:
            _detach_failed(handler)


def _state_change_event(
    action: str, client: object, identity: str, old_status: str, new_status: str
) -> None:
    _emit(
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


_DEBUG_HANDLER = "txphoenix-debug"

# What is no news in a line, and what may hold secrets or be of any length.
_NOT_LOGGED = {
    "action",
    "channel",
    "client",
    "count",
    "payload",
    "response",
    "timestamp",
    "type",
}


def attach_debug_handler() -> None:
    """Log a line for each event.

    Messages and heartbeats are logged at the level debug, everything else at info.
    The lines hold no payloads and no responses, since these may hold secrets.

    :raises ConfigurationError: if the debug handler is attached already.
    """
    attach_many(_DEBUG_HANDLER, (SOCKET, CHANNEL, MESSAGE, STATE_CHANGE), _log_event)


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
    frequent = event_name == MESSAGE or action.startswith("heartbeat")
    told = {
        "name": getattr(metadata["client"], "name", None),
        **metadata,
        **measurements,
    }
    details = ", ".join(
        f"{name}={legible(value)}"
        for name, value in told.items()
        if name not in _NOT_LOGGED and value is not None
    )
    _log.emit(
        LogLevel.debug if frequent else LogLevel.info,
        "{event} {action}: {details}",
        event=event_name[-1],
        action=action,
        details=details,
    )
