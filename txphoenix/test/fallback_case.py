"""What the tests of the fallback share.

They have a real client, and a server that may let no frame of a WebSocket through.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from zope.interface import implementer

from txphoenix import SocketClient
from txphoenix.testing.session import ServerSession

from .http_ways import HTTPWay
from .support import ClientTestCase, Room, ScriptedServer

__all__ = ["FallbackTestCase", "HalfDeafServer", "HeldEndpoint"]


class HalfDeafServer(ScriptedServer):
    """A server behind a proxy that may let no frame of a WebSocket through.

    :ivar is_deaf: whether it does not.
    """

    is_deaf = False

    def session_opened(self, session: ServerSession) -> None:
        """Take no frames, if it must be."""
        if self.is_deaf and session.socket.transport == "websocket":
            session.receive = lambda *_: None  # type: ignore[method-assign]
        super().session_opened(session)


@implementer(IStreamClientEndpoint)
class HeldEndpoint:
    """An endpoint whose first connection is never made."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint
        self.held: Deferred[Any] | None = None
        self.cancelled = 0

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, from the second time on."""
        if self.held is None:
            self.held = Deferred(self._cancel)
            return self.held
        return self._endpoint.connect(protocolFactory)

    def _cancel(self, _held: Any) -> None:
        self.cancelled += 1


class FallbackTestCase(HTTPWay, ClientTestCase):
    """A test with a client that may fall back."""

    memory: HalfDeafServer

    def setUp(self) -> None:
        """Make the server."""
        super().setUp()
        self.memory = HalfDeafServer({"rooms:*": Room})
        self.clock = self.memory.clock
        self.errors: list[Any] = []
        self.losses: list[Any] = []

    def begin(self, **options: Any) -> SocketClient:
        """A client that has begun to connect."""
        options = {"longpoll_fallback": 2.5, "fast_http": self.fast_http, **options}
        client = self.make_client(**options)
        client.on_error(self.errors.append)
        client.on_close(self.losses.append)
        client.startService()
        self.memory.flush()
        return client

    def transports(self) -> list[str]:
        """The transports of the sessions so far."""
        return [session.socket.transport for session in self.memory.sessions]

    def lose(self) -> None:
        """End the sessions, and let the time pass until the next attempt."""
        self.memory.drop()
        self.memory.flush()
        self.memory.advance(0.5)

    def assert_nothing_left(self, client: SocketClient) -> None:
        """After disconnect() the client is gone, whatever it was about to do."""
        done = client.disconnect()
        self.memory.flush()
        self.successResultOf(done)
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.memory.pairs, [])
        connections = self.memory.connections_made
        self.memory.advance(60.0)
        self.assertEqual(self.memory.connections_made, connections)
        self.assertEqual(self.errors, [])
