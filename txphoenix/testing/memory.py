"""The server in memory: the real client and the real server, no network, no waiting.

::

    memory = MemoryServer({"rooms:*": Room})
    client = SocketClient(memory.url, endpoint=memory.endpoint, reactor=memory.clock)
    client.startService()
    memory.flush()            # bytes go both ways until all is quiet
    memory.advance(30.0)      # time passes: timers run, and bytes flow between them
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, Unpack, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.server import Site
from zope.interface import implementer

from .connections import Connections
from .endpoint import Endpoint, EndpointOptions
from .memory_connection import MemoryConnection, MemoryTransport
from .options import Channels
from .root import Root

__all__ = ["MemoryConnection", "MemoryEndpoint", "MemoryServer", "MemoryTransport"]

_PORT = 4000


def _tell(result: Any, waiting: Deferred[IProtocol]) -> None:
    """Tell who waits for a connection that was held back."""
    if not waiting.called:
        waiting.callback(result)
    elif not isinstance(result, Failure):
        # Given up while it was made: nobody else would end it.
        result.transport.abortConnection()


@implementer(IStreamClientEndpoint)
class MemoryEndpoint:
    """What a client is given to connect to a :class:`MemoryServer`."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect at once, or as the server's controls say."""
        return self._server.accept(protocolFactory)


class MemoryServer(Endpoint):
    """A Phoenix server in memory, on a clock that the test advances.

    :param channels: topic, or beginning of a topic and ``*`` -> class of its channels.
    :param clock: the clock; a new one if not given.
    :param options: see :class:`Endpoint`.
    :ivar endpoint: for the client's ``endpoint`` option.
    :ivar clock: for the client's ``reactor``.
    :ivar connections_made: how many connections clients have opened.
    :ivar segment_size: the most bytes that are carried over in one read; ``None`` for
        all at once.
    :ivar is_stalled: set it, and no byte and no end of a connection arrives.
    :ivar is_listening: unset it, and connections are refused.
    :ivar holds_connections: set it, and connecting is neither accepted nor refused
        until :meth:`release_connections`.
    """

    def __init__(
        self,
        channels: Channels,
        *,
        clock: Clock | None = None,
        **options: Unpack[EndpointOptions],
    ) -> None:
        self.clock = Clock() if clock is None else clock
        super().__init__(channels, self.clock, **options)
        self.endpoint = MemoryEndpoint(self)
        self.connections_made = 0
        self.segment_size: int | None = None
        self.is_stalled = False
        self.is_listening = True
        self.holds_connections = False
        # The connections held back, the oldest first: who waits, and what is connected.
        self._held: dict[Deferred[IProtocol], IProtocolFactory] = {}
        self._pairs: list[MemoryConnection] = []
        self._client_ports = count(50_000)
        self._is_flushing = False
        site = Site(Root(self), reactor=self.clock)
        self._server_factory = Connections(site)

    @property
    def url(self) -> str:
        """The URL of the first socket."""
        return self.url_of(self.path)

    def url_of(self, path: str) -> str:
        """The URL of the socket of that path."""
        return f"ws://127.0.0.1:{_PORT}{path}"

    @property
    def pairs(self) -> list[MemoryConnection]:
        """The connections, the oldest first."""
        return [pair for pair in self._pairs if pair.is_open]

    # Connecting.

    def accept(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect a client's factory; called by the endpoint."""
        if self.holds_connections:
            held: Deferred[IProtocol] = Deferred(self._forget_held)
            self._held[held] = factory
            return held
        if not self.is_listening:
            return fail(ConnectionRefusedError())
        self.connections_made += 1
        server_address = IPv4Address("TCP", "127.0.0.1", _PORT)
        client_address = IPv4Address("TCP", "127.0.0.1", next(self._client_ports))
        client = factory.buildProtocol(server_address)
        if client is None:
            return fail(ConnectionRefusedError("the factory gave no protocol"))
        pair = MemoryConnection(
            MemoryTransport(client_address, server_address),
            MemoryTransport(server_address, client_address),
        )
        self._pairs = [*self.pairs, pair]
        pair.server.protocol = self._server_factory.buildProtocol(client_address)
        pair.client.protocol = client
        pair.server.protocol.makeConnection(pair.server)
        client.makeConnection(cast(Any, pair.client))
        return succeed(client)

    def release_connections(self) -> None:
        """Decide on the connections held back, and hold no further ones."""
        self.holds_connections = False
        for deferred in list(self._held):
            # Whoever was told before may have given this one up.
            factory = self._held.pop(deferred, None)
            if factory is not None:
                self.accept(factory).addBoth(_tell, deferred)

    def _forget_held(self, held: Deferred[IProtocol]) -> None:
        # It may be decided on just now.
        self._held.pop(held, None)

    def stop(self, drain: bool = True) -> None:
        """Refuse connections and end those there are; :meth:`flush` carries it out.

        :param drain: whether clients are closed with 1012; if not, their connections
            end without a close frame.
        """
        self.is_listening = False
        if drain and not self.is_paused:
            self.drain()
        else:
            self.drop()
        self._server_factory.lose_http()

    def start(self) -> None:
        """Accept connections again."""
        self.is_listening = True

    def cut(self) -> None:
        """End all connections without a word, and lose what is under way."""
        for pair in self.pairs:
            pair.cut()

    # Time and bytes.

    def flush(self) -> None:
        """Carry bytes both ways, and run what is due, until all is quiet."""
        if self._is_flushing:
            return
        self._is_flushing = True
        try:
            self.clock.advance(0)
            while self._pump():
                self.clock.advance(0)
        finally:
            self._is_flushing = False

    def _pump(self) -> bool:
        if self.is_stalled:
            return False
        moved = [pair.pump(self.segment_size) for pair in self.pairs]
        return any(moved)

    def advance(self, seconds: float) -> None:
        """Let time pass from one delayed call to the next, with a flush after each.

        :param seconds: how much.
        """
        self.flush()
        end = self.clock.seconds() + seconds
        while (due := self._next_call()) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock.seconds()))
            self.flush()
        self.clock.advance(max(0.0, end - self.clock.seconds()))
        self.flush()

    def _next_call(self) -> float | None:
        times = [call.getTime() for call in self.clock.getDelayedCalls()]
        return min(times, default=None)

    def wait_for(self, condition: Callable[[], object], timeout: float = 60.0) -> None:
        """Let time pass until a condition holds.

        :param condition: asked before each step.
        :param timeout: the most seconds of the clock's time.
        :raises TimeoutError: it does not hold by then.
        """
        self.flush()
        end = self.clock.seconds() + timeout
        while not condition():
            due = self._next_call()
            if due is None or due > end:
                raise TimeoutError(f"{condition!r} does not hold after {timeout} s")
            self.clock.advance(max(0.0, due - self.clock.seconds()))
            self.flush()
