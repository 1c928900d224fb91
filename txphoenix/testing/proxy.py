"""A TCP proxy that goes wrong on command, to stand between a client and a server.

::

    proxy = await FaultProxy(server.port).start()
    client = SocketClient(proxy.url(server.url))
    ...
    proxy.to_client.hold()            # the server falls silent, its connection stays
    proxy.to_client.rate = 250_000    # bytes a second, and they are read no faster
    proxy.to_server.stall()           # the server reads nothing more, and stays
    proxy.to_server.cut_after = 100   # the connection ends in the middle of a frame
    proxy.to_client.half_close()      # the server says no more, and still reads
    proxy.cut(reset=True)             # ... or at once

What is set on a direction holds for all connections, those to come included.
"""

from __future__ import annotations

import re
import socket
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorTime
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from .endpoint import global_reactor
from .proxy_pipe import Direction, Pipe

__all__ = ["Direction", "FaultProxy"]


class FaultProxy:
    """Listens on a port of one address and passes on to another port of it.

    :param target_port: the server's port.
    :param reactor: the reactor; the global one if not given.
    :param interface: the address, the server's own.
    :param receive_buffer: how many bytes the system may take for the proxy before it
        reads them (``SO_RCVBUF``); by default as many as it likes.
    :ivar port: the port it listens on; the same after :meth:`refuse`.
    :ivar to_server: what happens to the client's bytes.
    :ivar to_client: what happens to the server's bytes.
    :ivar connections_made: how many connections it has accepted.
    """

    def __init__(
        self,
        target_port: int,
        reactor: IReactorTime | None = None,
        *,
        interface: str = "127.0.0.1",
        receive_buffer: int | None = None,
    ) -> None:
        self.target_port = target_port
        self.receive_buffer = receive_buffer
        self.interface = interface
        self.port = 0
        self.to_server = Direction()
        self.to_client = Direction()
        self.connections_made = 0
        self.reactor: Any = reactor or global_reactor()
        self._links: dict[_Link, None] = {}
        self._listening: IListeningPort | None = None
        self._empty: list[Deferred[None]] = []

    def url(self, url: str) -> str:
        """A server's URL, by way of the proxy."""
        # A colon and digits may be in an address and in a query as well.
        return re.sub(
            rf"^(\w+://[^/?]*):{self.target_port}(?=[/?]|$)", rf"\1:{self.port}", url
        )

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._links)

    def start(self) -> Deferred[FaultProxy]:
        """Listen; also again after :meth:`refuse`.

        :return: a Deferred that fires with the proxy once it listens.
        """
        return Deferred.fromCoroutine(self._start())

    def refuse(self) -> Deferred[None]:
        """Listen no more: further clients are refused until :meth:`start`.

        :return: a Deferred that fires once that is so.
        """
        return Deferred.fromCoroutine(self._refuse())

    def stop(self) -> Deferred[None]:
        """Listen no more and end all connections.

        :return: a Deferred that fires when no connection is left.
        """
        return Deferred.fromCoroutine(self._stop())

    async def _start(self) -> FaultProxy:
        if self._listening is None:
            endpoint = TCP4ServerEndpoint(
                self.reactor, self.port, interface=self.interface
            )
            self._listening = await endpoint.listen(_Accepting(self))
            self.port = cast(Any, self._listening.getHost()).port
        return self

    async def _refuse(self) -> None:
        listening, self._listening = self._listening, None
        if listening is not None:
            await maybeDeferred(listening.stopListening)

    async def _stop(self) -> None:
        await self._refuse()
        self.cut(reset=True)
        if self._links:
            empty: Deferred[None] = Deferred()
            self._empty.append(empty)
            await empty

    def cut(self, reset: bool = False) -> int:
        """End all connections on both sides.

        :param reset: whether by a TCP reset; if not, in TCP's good order.
        :return: how many there were.
        """
        links = tuple(self._links)
        for link in links:
            link.cut(reset)
        return len(links)

    def _link_made(self, link: _Link) -> None:
        """A client has connected."""
        self.connections_made += 1
        self._links[link] = None

    def _link_lost(self, link: _Link) -> None:
        """A connection has ended on both sides."""
        # A side that is half closed ends within the other's end, and tells of both.
        self._links.pop(link, None)
        if not self._links:
            waiting, self._empty = self._empty, []
            for deferred in waiting:
                deferred.callback(None)


class _Link:
    """A client's connection to the proxy, and the proxy's to the server."""

    def __init__(self, proxy: FaultProxy, client: _Side) -> None:
        self._proxy = proxy
        self._to_server = Pipe(proxy.to_server, proxy.reactor, self._end)
        self._to_client = Pipe(proxy.to_client, proxy.reactor, self._end)
        self._client, self._server = client, _Side()
        self._client.reads_into, self._server.reads_into = (
            self._to_server,
            self._to_client,
        )
        self._client.link = self._server.link = self
        self._open: set[_Side] = {self._client}
        self._connecting: Deferred[Any] | None = None

    def start(self) -> None:
        """The client is there: connect to the server."""
        proxy = self._proxy
        proxy._link_made(self)
        self._to_client.transport = self._to_server.source = self._client.transport
        endpoint = TCP4ClientEndpoint(proxy.reactor, proxy.interface, proxy.target_port)
        self._connecting = endpoint.connect(_Connecting(self._server))
        self._connecting.addErrback(lambda _: self.cut(True))

    def side_made(self, side: _Side) -> None:
        """The server is there, or the client."""
        if side is self._server:
            self._open.add(side)
            self._to_server.transport = self._to_client.source = side.transport
            self._to_server.work()
        else:
            self.start()

    def side_lost(self, side: _Side) -> None:
        """One side is gone: the other gets to know it the way its bytes go."""
        self._open.discard(side)
        cast(Pipe, side.reads_into).feed(None)
        if self._connecting is not None and side is self._client:
            self._connecting.cancel()
        if not self._open:
            self._to_server.close()
            self._to_client.close()
            self._proxy._link_lost(self)

    def _end(self) -> None:
        self.cut(False)

    def cut(self, reset: bool) -> None:
        """End both sides."""
        self._to_server.close()
        self._to_client.close()
        for side in tuple(self._open):
            transport: Any = side.transport
            if reset:
                transport.abortConnection()
            else:
                transport.loseConnection()

    @property
    def receive_buffer(self) -> int | None:
        """What the system may take for the proxy."""
        return self._proxy.receive_buffer


class _Side(Protocol):
    """One of the two connections of a link."""

    link: _Link | None = None
    reads_into: Pipe | None = None

    def connectionMade(self) -> None:
        transport, link = cast(Any, self.transport), cast(_Link, self.link)
        transport.setTcpNoDelay(True)
        if link.receive_buffer is not None:
            transport.getHandle().setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, link.receive_buffer
            )
        link.side_made(self)

    def dataReceived(self, data: bytes) -> None:
        cast(Pipe, self.reads_into).feed(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        cast(_Link, self.link).side_lost(self)


class _Connecting(Factory):
    noisy = False

    def __init__(self, server: _Side) -> None:
        self._server = server

    def buildProtocol(self, addr: IAddress | None) -> _Side:
        return self._server


class _Accepting(Factory):
    noisy = False

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy

    def buildProtocol(self, addr: IAddress | None) -> _Side:
        side = _Side()
        _Link(self._proxy, side)
        return side
