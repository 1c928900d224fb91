"""The parts of one client, made and told of each other.

What happens to the connection they are told by
:mod:`txphoenix.client.connection_events`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from twisted.internet.interfaces import IReactorTime

from ..channels.channel_events import ChannelEvents
from ..channels.channel_telemetry import ChannelTelemetry
from ..channels.join_channels import JoinChannels
from ..channels.keeper import ChannelKeeper
from ..options.options import Options
from .connection import Connection
from .connection_events import ConnectionEvents
from .connection_log import ConnectionLog
from .connection_observer import ConnectionObserver
from .connection_telemetry import ConnectionTelemetry
from .hooks import HookLists
from .outbox import Outbox
from .router import MessageRouter
from .state import SocketState
from .waiting import Waiting

__all__ = ["Parts", "make_parts"]


class Parts(NamedTuple):
    """Those that the client itself has to do with."""

    state: SocketState
    connection: Connection
    channels: ChannelKeeper
    join_channels: JoinChannels
    outbox: Outbox
    waiting: Waiting[Any]
    observers: list[ConnectionObserver]


def make_parts(
    client: object, reactor: IReactorTime, options: Options, hooks: HookLists
) -> Parts:
    """Make the parts, and hand each what it needs of the others.

    :param client: what those who wait for the connection are given, and whose telemetry
        it is.
    """
    state = SocketState(options)
    state.connection = connection = Connection(reactor, options, client)
    # Who is told what happens to the channels; the outbox subscribes as well.
    channel_events = ChannelEvents()
    channel_events.subscribe(state)
    channel_events.subscribe(ChannelTelemetry(client, channel_events))
    channel_events.subscribe(hooks)
    channels = ChannelKeeper(reactor, options, connection, channel_events, state)
    joins = JoinChannels(channels, hooks.tell_error)
    outbox = Outbox(state, connection, channels, hooks.tell_error)
    # Who is told what happens to the connection, in this order, and the log.
    observers: list[ConnectionObserver] = [
        state,
        ConnectionTelemetry(client, state, connection),
    ]
    log = ConnectionLog(state, connection, channels)
    waiting: Waiting[Any] = Waiting(
        client, connection, outbox, channels, log, observers
    )
    router = MessageRouter(connection, channels, hooks, observers)
    events = ConnectionEvents(
        observers, log, connection, channels, joins, outbox, waiting, hooks, router
    )
    connection.report_to(events)
    return Parts(state, connection, channels, joins, outbox, waiting, observers)
