"""The endpoint of an HTTP session, which knows its connections, and ends them all."""

from __future__ import annotations

from typing import Any, Final, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint

from ..runtime.deadlines import Deadlines, Timer

__all__ = ["TrackedEndpoint"]

# Under TLS an end in good order takes two, and a peer may never do its part.
_LONGEST_END: Final = 4


class _Tracked(Protocol):
    """A connection, as its endpoint knows it."""

    transport: Any

    def abortConnection(self) -> None:
        """End it at once."""


_C = TypeVar("_C", bound=_Tracked)


class TrackedEndpoint(Generic[_C]):
    """An endpoint that knows its connections, and ends them all.

    :param endpoint: what connects.
    :param deadlines: time how long a connection takes to end.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, deadlines: Deadlines) -> None:
        self._endpoint = endpoint
        self._deadlines = deadlines
        # With what ends those that are about to end by themselves.
        self._connections: dict[_C, Timer | None] = {}
        self._empty: list[Deferred[None]] = []

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        """Connect as the endpoint does.

        :param factory: makes a connection that tells of its beginning and its end.
        """
        # An endpoint of the user's may raise.
        return maybeDeferred(self._endpoint.connect, factory)

    def close(self) -> Deferred[None]:
        """End all connections.

        :return: a Deferred of None that fires when none is left.
        """
        for connection in list(self._connections):
            connection.abortConnection()
        if not self._connections:
            return succeed(None)
        empty: Deferred[None] = Deferred()
        self._empty.append(empty)
        return empty

    def oldest(self) -> Any:
        """The transport of the connection that was made first; None if none is open."""
        for connection in self._connections:
            return connection.transport
        return None

    def connected(self, connection: _C) -> None:
        """There is another connection."""
        self._connections[connection] = None

    def ends(self, connection: _C) -> None:
        """A connection ends in good order; it is aborted if that takes too long."""
        if connection in self._connections and self._connections[connection] is None:
            timer = Timer(connection.abortConnection)
            self._connections[connection] = timer
            self._deadlines.set(timer, _LONGEST_END)

    def disconnected(self, connection: _C) -> None:
        """A connection has ended."""
        timer = self._connections.pop(connection)
        if timer is not None:
            timer.unset()
            self._deadlines.sweep()
        if not self._connections:
            waiting, self._empty = self._empty, []
            for deferred in waiting:
                deferred.callback(None)
