"""Who is told of which event: handlers are attached, detached and called here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from twisted.logger import Logger, LogLevel

from ..errors import ConfigurationError
from ..legible import legible
from ..runtime.package_log import package_log

__all__ = [
    "CHANNEL",
    "MESSAGE",
    "PUSH",
    "SOCKET",
    "STATE_CHANGE",
    "TRAFFIC",
    "Attachment",
    "EventName",
    "attach",
    "attach_many",
    "channel_handlers",
    "detach",
    "detach_failed",
    "emit",
    "execute",
    "list_handlers",
    "message_calls",
    "message_handlers",
    "message_watchers",
    "push_handlers",
    "socket_handlers",
    "state_change_handlers",
    "traffic_handlers",
]

log = Logger("txphoenix.telemetry", observer=package_log)

EventName: TypeAlias = tuple[str, ...]
"""The name of an event: words, as Elixir's ``telemetry`` has them."""

Function: TypeAlias = Callable[
    [EventName, Mapping[str, Any], Mapping[str, Any], Any], Any
]

SOCKET: EventName = ("txphoenix", "socket")
"""Events of connections."""

CHANNEL: EventName = ("txphoenix", "channel")
"""Events of channels."""

MESSAGE: EventName = ("txphoenix", "message")
"""Events of single messages."""

PUSH: EventName = ("txphoenix", "push")
"""Events of pushes."""

TRAFFIC: EventName = ("txphoenix", "traffic")
"""Events of the messages of one turn of the reactor."""

STATE_CHANGE: EventName = ("txphoenix", "state_change")
"""Events of what a client or a channel has become."""


class Attachment(NamedTuple):
    """One handler of one event."""

    handler_id: Hashable
    """What it is found by, and detached."""

    event_name: EventName
    """The event that it is for."""

    function: Function
    """What is called."""

    config: Any
    """What it is called with beside what is told."""


# These lists are changed in place and never replaced, so that a module may bind one at
# import, and ask with one truth test whether anybody wants to know.
socket_handlers: list[Attachment] = []
"""Who is told of connections; empty if nobody is."""

channel_handlers: list[Attachment] = []
"""Who is told of channels."""

message_handlers: list[Attachment] = []
"""Who is told of single messages."""

push_handlers: list[Attachment] = []
"""Who is told of pushes."""

traffic_handlers: list[Attachment] = []
"""Who is told of traffic."""

state_change_handlers: list[Attachment] = []
"""Who is told of changes of states."""

# Those of messages and of traffic: one truth test of a message asks for both.
message_watchers: list[Attachment] = []


class MessageCalls:
    """What is called for each message.

    Unlike the lists the tuple is replaced and never changed, so that calling it needs
    no copy.
    """

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: tuple[tuple[Function, Any, Attachment], ...] = ()
        """The function and the config of each handler, and the handler."""

    def renew(self) -> None:
        """Take the handlers that are attached now."""
        self.entries = tuple(
            (handler.function, handler.config, handler) for handler in message_handlers
        )
        message_watchers[:] = [*message_handlers, *traffic_handlers]


message_calls = MessageCalls()

_handlers: dict[EventName, list[Attachment]] = {
    SOCKET: socket_handlers,
    CHANNEL: channel_handlers,
    MESSAGE: message_handlers,
    PUSH: push_handlers,
    TRAFFIC: traffic_handlers,
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
    :param event_name: :data:`SOCKET`, :data:`CHANNEL`, :data:`PUSH`, :data:`MESSAGE`,
        :data:`TRAFFIC`, :data:`STATE_CHANGE`, or another that :func:`execute` is called
        with.
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
    message_calls.renew()


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
    message_calls.renew()
    return found


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
    emit(event_name, measurements, metadata, SystemExit, KeyboardInterrupt)


def emit(
    event_name: EventName,
    measurements: Mapping[str, Any],
    metadata: Mapping[str, Any],
    *let_out: type[BaseException],
) -> None:
    """As :func:`execute`, but for what is let out.

    :param let_out: what a handler may raise that its caller is to have.
    """
    for handler in tuple(_handlers.get(event_name, ())):
        try:
            handler.function(event_name, measurements, metadata, handler.config)
        except let_out:
            raise
        except BaseException:
            detach_failed(handler)


def detach_failed(handler: Attachment) -> None:
    """Log what a handler has just raised, and call it no more."""
    # Whatever it raised, the connection must not suffer for its observer.
    log.failure(
        "the telemetry handler {handler_id!r} raised at {event_name}; it is detached",
        level=LogLevel.error,
        handler_id=handler.handler_id,
        event_name=handler.event_name,
    )
    # It may have been replaced meanwhile by another under the same id.
    if any(handler is attached for attached in _handlers[handler.event_name]):
        detach(handler.handler_id)
