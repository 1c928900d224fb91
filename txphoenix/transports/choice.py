"""Which connector opens a client's transports.

What an attempt and an open transport take is loaded when the first connector is made:
neither the import of a client waits for it, nor any message.
"""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IReactorTime

from ..errors import ConfigurationError
from ..options.options import Options
from .interfaces import Connector, DismissibleConnector
from .websocket_factory import PhoenixClientFactory

__all__ = ["make_connector"]

_METHODS: Final = ("connect", "stopConnecting", "reset_options")


def make_connector(
    reactor: IReactorTime, factory: PhoenixClientFactory, options: Options
) -> DismissibleConnector:
    """Make the connector that the option ``transport`` asks for.

    :param factory: what the connector tells how each attempt and transport ended.
    :raises ConfigurationError: the callable ``transport`` has returned something else.
    """
    from .connector import EndpointConnector

    transport = options.transport
    if callable(transport):
        from .own_connector import HeardFactory, OwnConnector

        heard = HeardFactory(factory)
        made: Connector = transport(reactor, heard, options)
        for name in _METHODS:
            if not callable(getattr(made, name, None)):
                raise ConfigurationError(
                    "transport must return a connector, which has the methods"
                    f" {', '.join(_METHODS)}, not a value of type {type(made).__name__}"
                )
        # One of ours has protocols that know the factory itself.
        if isinstance(made, EndpointConnector):
            return made
        return OwnConnector(reactor, heard, options, made)
    if transport == "longpoll":
        # HTTP's client takes a moment to load, which others need not wait for.
        from .longpoll_connector import LongPollConnector

        return LongPollConnector(reactor, factory, options)
    if options.longpoll_fallback is not None:
        # It needs that client as well.
        from .fallback import FallbackConnector

        return FallbackConnector(reactor, factory, options)
    return EndpointConnector(reactor, factory, options)
