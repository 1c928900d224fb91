"""Which connector opens a client's transports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from twisted.internet.error import NotConnectingError
from twisted.internet.interfaces import IReactorTime

from ..errors import ConfigurationError
from ..options.options import Options
from .connector import EndpointConnector
from .interfaces import Connector
from .own_connector import HeardFactory, OwnConnector

if TYPE_CHECKING:
    from .websocket import PhoenixClientFactory

__all__ = ["DismissibleConnector", "NoConnector", "connector_kind", "make_connector"]

_METHODS: Final = ("connect", "stopConnecting", "reset_options")


class DismissibleConnector(Connector, Protocol):
    """A connector that can be told to be silent."""

    def dismiss(self) -> None:
        """Tell nothing more, whatever becomes of the attempt or the transport."""


class NoConnector:
    """What stands in for a connector that was dismissed, until there is another."""

    def connect(self) -> None:
        """Another one does that."""

    def stopConnecting(self) -> None:
        """There is no attempt."""
        raise NotConnectingError()

    def reset_options(self, options: Options) -> None:
        """Nothing depends on them."""

    def dismiss(self) -> None:
        """It is silent."""


def connector_kind(options: Options) -> tuple[Any, bool]:
    """What must change for another connector to be made."""
    return options.transport, options.longpoll_fallback is not None


def make_connector(
    reactor: IReactorTime, factory: PhoenixClientFactory, options: Options
) -> DismissibleConnector:
    """Make the connector that the option ``transport`` asks for.

    :param factory: what the connector tells how each attempt and transport ended.
    :raises ConfigurationError: the callable ``transport`` has returned something else.
    """
    transport = options.transport
    if callable(transport):
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
        from .longpoll import LongPollConnector

        return LongPollConnector(reactor, factory, options)
    if options.longpoll_fallback is not None:
        # It is made of two factories, so that it needs this module first.
        from .fallback import FallbackConnector

        return FallbackConnector(reactor, factory, options)
    return EndpointConnector(reactor, factory, options)
