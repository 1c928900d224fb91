"""The Phoenix sockets of one bridge: as many as its topics need.

A server lets a socket join so many topics, 100 by default.
A socket is opened for the first topic that has no place in the others, and closed when
it has had none for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from txphoenix import SocketClient

__all__ = ["Socket", "Sockets"]


class Socket:
    """One Phoenix socket, and how many topics have a place on it.

    :ivar client: its client, which has been started.
    """

    __slots__ = ("client", "closing", "topics")

    def __init__(self, client: SocketClient) -> None:
        self.client = client
        self.topics = 0
        # Ends it, while it has no topic.
        self.closing: IDelayedCall | None = None


class Sockets:
    """Opens Phoenix sockets, gives topics their places, and closes empty ones.

    :param new_client: makes the client of one more; it is given a number from 1.
    :param places: how many topics there may be on one.
    :param idle: for how many seconds an empty one stays open.
    """

    def __init__(
        self,
        new_client: Callable[[int], SocketClient],
        places: int,
        idle: float,
        clock: IReactorTime,
    ) -> None:
        self._new_client = new_client
        self._places = places
        self._idle = idle
        self._clock = clock
        self._opened = 0
        # In the order in which they were opened.
        self._open: dict[Socket, None] = {}
        # Those that are being closed: who waits for the end waits for these as well.
        self._ending: dict[Deferred[Any], None] = {}

    @property
    def clients(self) -> list[SocketClient]:
        """The clients of the sockets that are open, the oldest first."""
        return [socket.client for socket in self._open]

    def place(self) -> Socket:
        """A socket with a place for one more topic, which is taken by this.

        The oldest that has one, so that the last ones become empty, and can be closed.
        """
        for socket in self._open:
            if socket.topics < self._places:
                break
        else:
            self._opened += 1
            socket = Socket(self._new_client(self._opened))
            self._open[socket] = None
            socket.client.startService()
        if socket.closing is not None:
            socket.closing.cancel()
            socket.closing = None
        socket.topics += 1
        return socket

    def free(self, socket: Socket) -> None:
        """Give a place back: its topic has been left."""
        socket.topics -= 1
        if not socket.topics and socket in self._open:
            socket.closing = self._clock.callLater(self._idle, self._close, socket)

    async def stop(self) -> None:
        """Close all, and return when the reactor holds nothing of them any more."""
        for socket in list(self._open):
            if socket.closing is not None:
                socket.closing.cancel()
            self._close(socket)
        await DeferredList(list(self._ending))

    def _close(self, socket: Socket) -> None:
        socket.closing = None
        del self._open[socket]
        ended: Deferred[Any] = socket.client.stopService()
        waited: Deferred[Any] = Deferred()
        self._ending[waited] = None

        def end(result: Any) -> Any:
            self._ending.pop(waited, None)
            waited.callback(None)
            return result

        ended.addBoth(end)
