"""Which connector opens a client's transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReactorTime

from ..interfaces import Connector
from ..options import Options
from .connector import EndpointConnector

if TYPE_CHECKING:
    from .websocket import PhoenixClientFactory

__all__ = ["connector_kind", "make_connector"]


def connector_kind(options: Options) -> tuple[Any, bool]:
    """What must change for another connector to be made."""
    return options.transport, options.longpoll_fallback is not None


def make_connector(
    reactor: IReactorTime, factory: PhoenixClientFactory, options: Options
) -> Connector:
    """Make the connector that the option ``transport`` asks for.

    :param factory: what the connector tells how each attempt and transport ended.
    """
    transport = options.transport
    if callable(transport):
        made: Connector = transport(reactor, factory, options)
        return made
    if transport == "longpoll":
        # HTTP's client takes a moment to load, which others need not wait for.
        from .longpoll import LongPollConnector

        return LongPollConnector(reactor, factory, options)
    if options.longpoll_fallback is not None:
        # It is made of two factories, so that it needs this module first.
        from .fallback import FallbackConnector

        return FallbackConnector(reactor, factory, options)
    return EndpointConnector(reactor, factory, options)
