"""A TCP proxy that goes wrong on command, to stand between a client and a server.

::

    proxy = await FaultProxy(server.port).start()
    client = SocketClient(proxy.url(server.url))
    ...
    proxy.to_client.hold()            # the server falls silent, its connection stays
    proxy.to_client.rate = 250_000    # bytes a second, and they are read no faster
    proxy.to_server.stall()           # the server reads nothing more, and stays
    proxy.to_server.cut_after = 100   # the connection ends in the middle of a frame
    proxy.cut(reset=True)             # ... or at once

What is set on a direction holds for all connections, those to come included.
"""

from __future__ import annotations

import re
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IListeningPort,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from .endpoint import global_reactor

__all__ = ["Direction", "FaultProxy"]

# On a slow line something comes as often as that, in seconds.
_TICK = 0.01


class Direction:
    """What happens to the bytes on their way to one side.

    :ivar delay: seconds that each read is late.
    :ivar segment_size: the most bytes that are passed on in one turn of the reactor;
        ``None`` for as they come.
    :ivar cut_after: how many bytes of a connection are passed on before it is cut;
        ``None`` for all.
    :ivar rate: the bytes a second that are passed on; they are read no faster, so that
        the sender is held up as by a slow line.
        ``None`` for as fast as they come.
    :ivar change: ``change(data)`` gives what is passed on in place of what was read.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self.segment_size: int | None = None
        self.cut_after: int | None = None
        self.rate: float | None = None
        self.change: Callable[[bytes], bytes] | None = None
        self.is_held = False
        self.is_stalled = False
        self.pipes: dict[_Pipe, None] = {}

    def hold(self) -> None:
        """Pass on nothing, not even an end, until :meth:`release`: a black hole."""
        self.is_held = True

    def stall(self) -> None:
        """Read nothing and pass on nothing until :meth:`release`: a stopped process.

        What the system still takes for it, the sender takes for sent.
        """
        self.is_held = self.is_stalled = True
        for pipe in tuple(self.pipes):
            pipe.pause()

    def release(self) -> None:
        """Pass on what was held back, and go on."""
        self.is_held = self.is_stalled = False
        for pipe in tuple(self.pipes):
            pipe.work()

    def inject(self, data: bytes) -> None:
        """Send bytes of your own on each connection."""
        for pipe in tuple(self.pipes):
            pipe.write(data)


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

    def link_made(self, link: _Link) -> None:
        """A client has connected."""
        self.connections_made += 1
        self._links[link] = None

    def link_lost(self, link: _Link) -> None:
        """A connection has ended on both sides."""
        del self._links[link]
        if not self._links:
            waiting, self._empty = self._empty, []
            for deferred in waiting:
                deferred.callback(None)


class _Pipe:
    """The bytes of one connection on their way to one side."""

    def __init__(self, link: _Link, direction: Direction) -> None:
        self._link = link
        self._direction = direction
        self._queue: deque[tuple[float, bytes | None]] = deque()
        self._call: IDelayedCall | None = None
        self._passed = 0
        self._is_paused = False
        self.source: Any = None
        self.transport: Any = None
        direction.pipes[self] = None

    def feed(self, data: bytes | None) -> None:
        """Take what was read, or ``None`` for the end."""
        direction = self._direction
        if data is not None and direction.change is not None:
            data = direction.change(data)
        due = self._link.seconds() + direction.delay
        for piece in _pieces(data, direction.segment_size):
            self._queue.append((due, piece))
        if direction.is_stalled or direction.rate is not None:
            self.pause()
        self.work()

    def pause(self) -> None:
        """Read no more until what was read has been passed on."""
        if not self._is_paused and self.source is not None:
            self._is_paused = True
            self.source.pauseProducing()

    def work(self) -> None:
        """Pass on what is due, one piece in a turn of the reactor if it is cut up."""
        if self._call is not None or self._direction.is_held or self.transport is None:
            return
        while self._queue:
            wait = self._queue[0][0] - self._link.seconds()
            if wait > 0:
                self._later(wait)
                return
            if self._direction.rate is not None and self._queue[0][1]:
                self._pass_on_slowly(self._direction.rate)
                return
            self._pass_on(self._queue.popleft()[1])
            if self._direction.segment_size is not None and self._queue:
                self._later(0)
                return

        if self._is_paused:
            self._is_paused = False
            self.source.resumeProducing()

    def _pass_on_slowly(self, rate: float) -> None:
        due, data = self._queue.popleft()
        piece = (data or b"")[: max(1, int(rate * _TICK))]
        if data is not None and len(piece) < len(data):
            self._queue.appendleft((due, data[len(piece) :]))
        self._later(len(piece) / rate)
        self._pass_on(piece)

    def _later(self, wait: float) -> None:
        self._call = self._link.call_later(wait, self._again)

    def _again(self) -> None:
        self._call = None
        self.work()

    def _pass_on(self, data: bytes | None) -> None:
        if data is None:
            self.transport.loseConnection()
            return
        limit = self._direction.cut_after
        if limit is not None and self._passed + len(data) >= limit:
            self.transport.write(data[: max(0, limit - self._passed)])
            self._link.cut(False)
            return
        self._passed += len(data)
        self.transport.write(data)

    def write(self, data: bytes) -> None:
        """Write at once, before anything that is held back."""
        if self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        """Nothing is passed on any more."""
        self._queue.clear()
        self._direction.pipes.pop(self, None)
        if self._call is not None:
            self._call.cancel()
            self._call = None


def _pieces(data: bytes | None, size: int | None) -> list[bytes | None]:
    if data is None or size is None:
        return [data]
    return [data[i : i + size] for i in range(0, len(data), size)]


class _Link:
    """A client's connection to the proxy, and the proxy's to the server."""

    def __init__(self, proxy: FaultProxy, client: _Side) -> None:
        self._proxy = proxy
        self._to_server = _Pipe(self, proxy.to_server)
        self._to_client = _Pipe(self, proxy.to_client)
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
        proxy.link_made(self)
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
        cast(_Pipe, side.reads_into).feed(None)
        if self._connecting is not None and side is self._client:
            self._connecting.cancel()
        if not self._open:
            self._to_server.close()
            self._to_client.close()
            self._proxy.link_lost(self)

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

    def seconds(self) -> float:
        """The reactor's time."""
        return float(self._proxy.reactor.seconds())

    def call_later(self, delay: float, action: Callable[[], None]) -> IDelayedCall:
        """Call later, by the reactor's time."""
        return cast(IDelayedCall, self._proxy.reactor.callLater(delay, action))


class _Side(Protocol):
    """One of the two connections of a link."""

    link: _Link | None = None
    reads_into: _Pipe | None = None

    def connectionMade(self) -> None:
        transport, link = cast(Any, self.transport), cast(_Link, self.link)
        transport.setTcpNoDelay(True)
        if link.receive_buffer is not None:
            transport.getHandle().setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, link.receive_buffer
            )
        link.side_made(self)

    def dataReceived(self, data: bytes) -> None:
        cast(_Pipe, self.reads_into).feed(data)

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
