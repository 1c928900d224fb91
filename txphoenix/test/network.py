"""What the tests on the real reactor share.

They are trial's, and run under ``pytest`` with pytest-twisted as well.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, ClassVar, cast

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXServerEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock, LoopingCall, deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from txphoenix.client.socket_client import SocketClient
from txphoenix.protocol.backoff import steps
from txphoenix.testing import PhoenixServer, ServerChannel, ok
from txphoenix.testing.longpoll import PollTransport
from txphoenix.testing.proxy import FaultProxy

__all__ = [
    "NO_IPV6",
    "TOPIC",
    "FarSide",
    "NetworkTestCase",
    "Room",
    "Tunnel",
    "reactor",
]

reactor: Any = global_reactor

TOPIC = "rooms:lobby"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


NO_IPV6 = None if _has_ipv6() else "this machine has no IPv6"
"""Why a test of IPv6 must be skipped, if it must."""


class Room(ServerChannel):
    """A channel that answers with what it is asked."""

    def join(self, params: Any) -> Any:
        """Take everybody."""
        return params

    def handle_in(self, event: str, payload: Any) -> Any:
        """Answer, unless it is asked to be silent."""
        return None if event == "silent" else ok(payload)


class Tunnel(Protocol):
    """An HTTP proxy that connects wherever it is told to.

    :cvar heads: what it was told, by all clients.
    """

    heads: ClassVar[list[bytes]] = []
    _unread = b""
    _far: Protocol | None = None

    def dataReceived(self, data: bytes) -> None:
        """Connect, then pass on."""
        if self._far is not None:
            cast(Any, self._far.transport).write(data)
            return
        self.read_request(data)

    def read_request(self, data: bytes) -> None:
        """Read what has come so far, and connect once it says where to."""
        self._unread += data
        head, end, _ = self._unread.partition(b"\r\n\r\n")
        if end:
            self.heads.append(head)
            host, _, port = head.split(b" ")[1].decode().rpartition(":")
            self.open(host, int(port))

    def open(self, host: str, port: int) -> None:
        """Connect to a port; whatever the host, on this machine."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        far = Factory.forProtocol(lambda: FarSide(self))
        endpoint.connect(far).addCallback(self._connected)

    def opened(self) -> bytes:
        """What is said once the tunnel is open."""
        return b"HTTP/1.1 200 Connected\r\n\r\n"

    def _connected(self, far: Any) -> None:
        self._far = far
        cast(Any, self.transport).write(self.opened())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the other side as well."""
        if self._far is not None:
            cast(Any, self._far.transport).loseConnection()


class FarSide(Protocol):
    """A tunnel's connection to where it leads."""

    def __init__(self, near: Tunnel) -> None:
        self._near = cast(Any, near.transport)

    def dataReceived(self, data: bytes) -> None:
        """Pass on."""
        self._near.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the other side as well."""
        self._near.loseConnection()


class OwnTime(Clock):
    """The reactor, but for its time, which goes on as the test says."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def begin(self) -> LoopingCall:
        """Have it go on while the reactor turns.

        A process that stands still finds that no time has passed.
        """
        going_on = LoopingCall(self.advance, 0.005)
        going_on.clock = reactor
        going_on.start(0.005)
        return going_on


class NetworkTestCase(TestCase):
    """A test of clients against servers on free ports of 127.0.0.1."""

    timeout = 120

    def setUp(self) -> None:
        """Note what the reactor holds before there is any client."""
        self._before: set[Any] = set()

    async def serve(self, **options: Any) -> PhoenixServer:
        """A server, stopped after the test."""
        server = PhoenixServer(**{"channels": {"rooms:*": Room}, **options})
        await server.start()
        self.addCleanup(server.stop, drain=False)
        self._before = self.held()
        return server

    async def listen(self, protocol: type[Protocol], tls: Any = None) -> int:
        """Serve a protocol until the end of the test.

        :param tls: the server's certificate, if it has one.
        :return: the port.
        """
        endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        if tls is not None:
            endpoint = SSL4ServerEndpoint(reactor, 0, tls, interface="127.0.0.1")
        port = await endpoint.listen(Factory.forProtocol(protocol))
        self.addCleanup(port.stopListening)
        self._before = self.held()
        number: int = port.getHost().port
        return number

    async def serve_unix(self) -> tuple[PhoenixServer, str]:
        """A server at a UNIX socket, until the end of the test.

        :return: the server, and the socket's path.
        """
        server = PhoenixServer({"rooms:*": Room})
        # A longer one than 107 bytes is none, so it is relative.
        directory = os.path.relpath(self.mktemp())
        os.makedirs(directory)
        path = os.path.join(directory, "socket")
        port = await UNIXServerEndpoint(reactor, path).listen(server._connections)
        self.addCleanup(port.stopListening)
        self._before = self.held()
        return server, path

    async def stand_between(
        self,
        server: PhoenixServer,
        receive_buffer: int | None = None,
        time: Any = reactor,
    ) -> FaultProxy:
        """A fault proxy before a server, stopped after the test."""
        proxy = FaultProxy(
            server.port,
            time,
            interface=server.interface,
            receive_buffer=receive_buffer,
        )
        await proxy.start()
        self.addCleanup(proxy.stop)
        return proxy

    def keep_sessions(self) -> None:
        """Have servers keep sessions of long-poll, however late the next poll is.

        Where a window is short, a machine that stands still for a moment would have
        them end.
        """
        self.patch(PollTransport, "_patience", 60.0)

    def client(self, url: Any, **options: Any) -> SocketClient:
        """A client that has been started, stopped after the test."""
        # The time only ends what hangs.
        options = {"backoff": steps([0.02]), "timeout": 20.0, **options}
        client = SocketClient(url, **options)
        self.addCleanup(client.stopService)
        client.startService()
        return client

    def held(self) -> set[Any]:
        """What the reactor holds, but for its own, trial's and the HTTP server's."""
        everything = [
            *reactor.getDelayedCalls(),
            *reactor.getReaders(),
            *reactor.getWriters(),
        ]
        others = ("Waker", "TestCase._run", "HTTPFactory", "Clock.advance")
        return {it for it in everything if not any(name in str(it) for name in others)}

    async def assert_nothing_held(self) -> None:
        """The reactor holds nothing that it did not hold before the client."""
        # The server's side may need a turn or two, the client's needs none.
        turns = 100
        while (left := self.held() - self._before) and turns:
            turns -= 1
            await self.sleep(0.01)
        self.assertEqual(left, set())

    async def stop_both(self, client: SocketClient, server: PhoenixServer) -> None:
        """Stop a client and its server, of which the reactor then holds nothing."""
        await client.stopService()
        await server.stop(drain=False)
        await self.assert_nothing_held()

    async def failure_of(self, waiting: Deferred[Any]) -> Exception:
        """The error that a Deferred fails with."""
        try:
            result = await waiting
        except Exception as error:
            return error
        raise self.failureException(f"it has fired with {result!r}")

    def sleep(self, seconds: float) -> Deferred[None]:
        """Let time pass."""
        return deferLater(reactor, seconds, lambda: None)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds; the test's timeout is the limit."""
        while not condition():
            await self.sleep(0.005)

    def next_call(self, add: Callable[[Callable[..., Any]], Any]) -> Deferred[Any]:
        """A Deferred of what the next call of a hook is told.

        :param add: what adds the hook, such as ``client.on_close``.
        """
        told: Deferred[Any] = Deferred()

        def hook(*arguments: Any) -> None:
            remove()
            told.callback(arguments[0] if arguments else None)

        remove = add(hook)
        return told
