"""TLS on top of an endpoint: our own, or Twisted's."""

from __future__ import annotations

from typing import Any

from OpenSSL.SSL import Connection
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import (
    IAddress,
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from zope.interface import implementer

from .fast_tls import FastTLSTransport

__all__ = ["FastTLSFactory", "secured"]


def secured(
    tls: Any, endpoint: IStreamClientEndpoint, is_fast: bool
) -> IStreamClientEndpoint:
    """Have TLS on top of an endpoint.

    :param tls: makes the connection of OpenSSL; what the option ``tls`` takes.
    :param endpoint: connects.
    :param is_fast: whether it is that of :mod:`.fast_tls`, or Twisted's.
    """
    if is_fast and IOpenSSLClientConnectionCreator.providedBy(tls):
        return _FastTLSEndpoint(tls, endpoint)
    wrapped: IStreamClientEndpoint = wrapClientTLS(tls, endpoint)
    return wrapped


@implementer(IStreamClientEndpoint)
class _FastTLSEndpoint:
    """An endpoint whose protocols talk through TLS."""

    __slots__ = ("_endpoint", "_tls")

    def __init__(self, tls: Any, endpoint: IStreamClientEndpoint) -> None:
        self._tls = tls
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect as the endpoint does; the handshake has begun then."""
        factory = FastTLSFactory(self._tls, protocolFactory)
        connecting: Deferred[Any] = self._endpoint.connect(factory)
        return connecting.addCallback(lambda transport: transport.wrappedProtocol)


@implementer(IProtocolFactory)
class FastTLSFactory:
    """A factory, with TLS below its protocols.

    :param tls: makes the connection of OpenSSL.
    :param factory: makes the protocols.
    """

    __slots__ = ("_tls", "noisy", "wrappedFactory")

    def __init__(self, tls: Any, factory: IProtocolFactory) -> None:
        self._tls = tls
        self.wrappedFactory = factory
        # Twisted has it for its log.
        self.noisy = getattr(factory, "noisy", False)

    def doStart(self) -> None:
        """Begin, as the factory does."""
        self.wrappedFactory.doStart()

    def doStop(self) -> None:
        """End, as the factory does."""
        self.wrappedFactory.doStop()

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """Make a protocol, and its TLS; None if the factory makes none."""
        protocol = self.wrappedFactory.buildProtocol(addr)
        if protocol is None:
            return None
        return FastTLSTransport(self, protocol)

    def connection_for(self, transport: FastTLSTransport) -> Connection:
        """Make the connection of OpenSSL."""
        connection: Connection = self._tls.clientConnectionForTLS(transport)
        connection.set_connect_state()
        # Twisted's contexts tell it of their troubles.
        connection.set_app_data(transport)
        return connection
