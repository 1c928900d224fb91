"""A connection in memory: two transports, and what carries bytes between them."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IConsumer,
    IProducer,
    IPushProducer,
    ITCPTransport,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..runtime.package_log import package_log

__all__ = ["MemoryConnection", "MemoryTransport"]

log = Logger("txphoenix.testing.memory.MemoryTransport", observer=package_log)


@implementer(ITCPTransport, IConsumer, IPushProducer)
class MemoryTransport:
    """One end of a connection in memory.

    What is written waits until :meth:`MemoryConnection.pump` carries it over.

    :ivar bytes_received: how many bytes have ever come, those among them that wait for
        a protocol that has paused.
    """

    disconnecting = False
    connected = True

    def __init__(self, host: IPv4Address, peer: IPv4Address) -> None:
        self.protocol: Any = None
        self.is_reading = True
        self.unsent = bytearray()
        self.bytes_received = self.bytes_delivered = 0
        self.loss: Exception | None = None
        self._host = host
        self._peer = peer

    def write(self, data: bytes) -> None:
        """Keep the bytes for the next pump; after the end, drop them."""
        if self.connected and not self.disconnecting:
            self.unsent += data

    def writeSequence(self, iovec: Any) -> None:
        """Write several pieces."""
        self.write(b"".join(iovec))

    def loseConnection(self, *_: object) -> None:
        """End the connection once all has been sent."""
        self.disconnecting = True

    def loseWriteConnection(self) -> None:
        """Half a close is a whole one here."""
        self.loseConnection()

    def abortConnection(self) -> None:
        """End the connection, and send nothing more."""
        self.disconnecting = True
        self.unsent.clear()
        self.loss = self.loss or ConnectionAborted()

    def deliver(self, data: bytes) -> None:
        """Give the protocol what has come.

        As a reactor does, log what it raises and end the connection.
        """
        self.bytes_delivered += len(data)
        self.came(0)
        try:
            self.protocol.dataReceived(data)
        except Exception as error:
            log.failure("Unhandled Error")
            self.lost(error)

    def came(self, waiting: int) -> None:
        """So many bytes have come that wait to be delivered."""
        self.bytes_received = max(self.bytes_received, self.bytes_delivered + waiting)

    def lost(self, reason: Exception) -> None:
        """The connection has ended."""
        if self.connected:
            self.connected = False
            self.disconnecting = True
            self.unsent.clear()
            self.protocol.connectionLost(Failure(reason))

    def getHost(self) -> IPv4Address:
        """The address of this end."""
        return self._host

    def getPeer(self) -> IPv4Address:
        """The address of the other end."""
        return self._peer

    def pauseProducing(self) -> None:
        """Read no more."""
        self.is_reading = False

    def resumeProducing(self) -> None:
        """Read again."""
        self.is_reading = True

    def stopProducing(self) -> None:
        """Nothing more is wanted."""
        self.loseConnection()

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """There is room for everything: no producer is ever paused."""

    def unregisterProducer(self) -> None:
        """The counterpart of :meth:`registerProducer`."""

    def getTcpNoDelay(self) -> bool:
        """There is no delay."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """There is no delay."""

    def getTcpKeepAlive(self) -> bool:
        """Nothing needs to be kept alive."""
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Nothing needs to be kept alive."""


class MemoryConnection:
    """A client's end and the server's end.

    :ivar client: the client's transport.
    :ivar server: the server's transport.
    """

    def __init__(self, client: MemoryTransport, server: MemoryTransport) -> None:
        self.client = client
        self.server = server

    @property
    def is_open(self) -> bool:
        """Whether either end still believes in it."""
        return self.client.connected or self.server.connected

    def cut(self) -> None:
        """End it without a word, and lose what is under way."""
        self.client.lost(ConnectionLost())
        self.server.lost(ConnectionLost())

    def pump(self, segment_size: int | None) -> bool:
        """Carry over what either end has written, and its end.

        :param segment_size: the most bytes of one read; ``None`` for all at once.
        :return: whether there was anything.
        """
        there = self._carry(self.client, self.server, segment_size)
        back = self._carry(self.server, self.client, segment_size)
        return there or back

    def _carry(
        self, source: MemoryTransport, target: MemoryTransport, size: int | None
    ) -> bool:
        if source.unsent and self._is_gone(target, source):
            # TCP answers with a reset, and the writer knows, even if it does not read.
            source.lost(ConnectionLost())
            return True
        if source.unsent:
            if not target.is_reading:
                target.came(len(source.unsent))
                return False
            data = bytes(source.unsent[:size])
            del source.unsent[: len(data)]
            target.deliver(data)
            return True
        if source.disconnecting and source.connected:
            source.lost(source.loss or ConnectionDone())
            if source.loss is not None and target.connected:
                target.lost(ConnectionLost())
            return True
        if not source.connected and target.connected and target.is_reading:
            target.lost(ConnectionDone())
            return True
        return False

    def _is_gone(self, end: MemoryTransport, other: MemoryTransport) -> bool:
        """Whether an end has closed, as far as TCP goes.

        It has with its last bytes under way; but while the other end reads, these come
        before all else.
        """
        return not end.connected or (end.disconnecting and not other.is_reading)
