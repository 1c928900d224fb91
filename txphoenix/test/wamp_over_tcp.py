"""The WAMP router of the tests, over TCP: for what makes its connections itself."""

from __future__ import annotations

from typing import Any, cast

from autobahn.twisted.rawsocket import WampRawSocketServerFactory
from twisted.internet.interfaces import IListeningPort

from .wamp_router import Connection, WampRouter

__all__ = ["listen"]


class _Session:
    """What the router takes for a session: it passes all on to the socket."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.connection: Connection | None = None

    def onOpen(self, connection: Connection) -> None:
        """The router has a connection to it."""
        self.connection = connection

    def onMessage(self, sent: Any) -> None:
        """The router has sent something."""
        if self.transport.isOpen():
            self.transport.send(sent)

    def onClose(self, _was_clean: bool) -> None:
        """The router has closed the connection."""
        if self.transport.isOpen():
            self.transport.close()


class _Socket:
    """What a socket takes for a session: it passes all on to the router."""

    # A transport of Autobahn's shows these in its log.
    _authid = _session_id = None

    def __init__(self, router: WampRouter, reactor: Any) -> None:
        self._router = router
        self._reactor = reactor
        self._session: _Session | None = None

    def onOpen(self, transport: Any) -> None:
        """The socket is connected."""
        self._session = _Session(transport)
        self._router.attach(cast(Any, self._session))

    def onMessage(self, received: Any) -> None:
        """Something has come over the socket."""
        connection = self._connection()
        if connection is not None:
            connection.send(received)
            self._reactor.callLater(0, self._router.pump)

    def onClose(self, _was_clean: bool) -> None:
        """The socket is gone."""
        connection = self._connection()
        if connection is not None:
            connection.lose()
            self._router.pump()

    def _connection(self) -> Connection | None:
        return None if self._session is None else self._session.connection


def listen(router: WampRouter, reactor: Any) -> IListeningPort:
    """Listen for WAMP over RawSocket, on a port that the system picks."""
    factory = WampRawSocketServerFactory(lambda: _Socket(router, reactor))
    return cast(IListeningPort, reactor.listenTCP(0, factory, interface="127.0.0.1"))
