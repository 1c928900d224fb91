"""Every connection of a server, so that a stopped one holds none."""

from __future__ import annotations

from typing import cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IProtocol, ITransport
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.server import Site

from ..runtime.protocol_negotiation import OnlyHTTP1

__all__ = ["ConnectionWrapper", "Connections"]


class ConnectionWrapper(ProtocolWrapper):
    """One connection, whatever protocol it speaks just now.

    :ivar is_upgraded: whether it is a WebSocket.
    """

    is_upgraded = False

    def upgrade(self, protocol: IProtocol) -> None:
        """Give the connection to another protocol.

        HTTP's channel had registered itself as the producer of what is written.
        """
        self.is_upgraded = True
        self.unregisterProducer()
        self.wrappedProtocol = protocol
        protocol.makeConnection(cast(ITransport, self))
        # HTTP pauses a connection that sends more while a request is under way.
        self.resumeProducing()


class Connections(OnlyHTTP1, WrappingFactory):
    """Wraps a site and knows the connections it has."""

    protocol = ConnectionWrapper
    noisy = False

    def __init__(self, site: Site) -> None:
        site.noisy = False
        super().__init__(site)
        self._empty: list[Deferred[None]] = []

    def abort_all(self) -> None:
        """End every connection at once."""
        for connection in list(self.protocols):
            connection.abortConnection()

    def lose_http(self) -> None:
        """End the connections that are not, or not yet, a WebSocket."""
        for connection in list(self.protocols):
            if not connection.is_upgraded:
                connection.abortConnection()

    def when_empty(self) -> Deferred[None]:
        """A Deferred that fires once there is no connection."""
        if not self.protocols:
            return succeed(None)
        deferred: Deferred[None] = Deferred()
        self._empty.append(deferred)
        return deferred

    def unregisterProtocol(self, p: ProtocolWrapper) -> None:
        """A connection has ended."""
        super().unregisterProtocol(p)
        if not self.protocols:
            waiting, self._empty = self._empty, []
            for deferred in waiting:
                deferred.callback(None)
