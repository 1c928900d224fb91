"""The endpoint of an IP address, which leaves nothing between protocol and connection.

Twisted's ``TCP4ClientEndpoint`` has a protocol of its own around the one that is
wanted, for as long as the connection lives: each read passes it, and each socket keeps
it and what made it.
Nor does this one have a time limit, since all of an attempt has one.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from .tuned import tune

__all__ = ["DirectEndpoint"]


@implementer(IStreamClientEndpoint)
class DirectEndpoint:
    """Connects to an IP address, by TCP.

    The connection is tuned as :class:`.tuned.TunedEndpoint` does it.

    :param reactor: connects.
    :param host: an IP address.
    :param port: the TCP port.
    :param keepalive: whether the system shall look after idle connections.
    """

    __slots__ = ("_host", "_keepalive", "_port", "_reactor")

    def __init__(self, reactor: Any, host: str, port: int, keepalive: bool) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port
        self._keepalive = keepalive

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect.

        :return: a Deferred of the protocol, fired when that is made and about to have
            its connection.
            It fails with the error of the system, or when it is cancelled.
        """
        dialling = _Dialling(protocolFactory, self._keepalive)
        # It lets go of it when it is over, which may be before this returns.
        connecting = dialling.connecting
        self._reactor.connectTCP(self._host, self._port, dialling, timeout=None)
        return connecting


class _Dialling:
    """One attempt to connect: a ``ClientFactory``, as a reactor knows it."""

    __slots__ = ("_connector", "_factory", "_keepalive", "connecting")

    noisy = False

    def __init__(self, factory: IProtocolFactory, keepalive: bool) -> None:
        # None once it is over.
        self._factory: IProtocolFactory | None = factory
        self._keepalive = keepalive
        self._connector: Any = None
        self.connecting: Deferred[IProtocol] = Deferred(self._cancelled)

    def doStart(self) -> None:
        """Nobody wants to know."""

    def doStop(self) -> None:
        """Nor that it is over."""

    def startedConnecting(self, connector: Any) -> None:
        self._connector = connector

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        factory, connector = self._end()
        if factory is None:
            return None
        connecting = self._take_connecting()
        try:
            protocol = factory.buildProtocol(addr)
        except BaseException:
            connecting.errback(Failure())
            return None
        # The first to write is our handshake.
        tune(getattr(connector, "transport", None), self._keepalive)
        connecting.callback(cast(IProtocol, protocol))
        return protocol

    def clientConnectionFailed(self, _connector: Any, reason: Failure) -> None:
        factory, _ = self._end()
        if factory is not None:
            self._take_connecting().errback(reason)

    def clientConnectionLost(self, _connector: Any, _reason: Failure) -> None:
        """The protocol knows."""

    def _cancelled(self, connecting: Deferred[IProtocol]) -> None:
        _, connector = self._end()
        connecting.errback(CancelledError())
        if connector is not None:
            connector.stopConnecting()

    def _take_connecting(self) -> Deferred[IProtocol]:
        connecting = self.connecting
        del self.connecting
        return connecting

    def _end(self) -> tuple[IProtocolFactory | None, Any]:
        """Let go of all that an open connection has no use for."""
        factory, self._factory = self._factory, None
        connector, self._connector = self._connector, None
        return factory, connector
