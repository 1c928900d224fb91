"""What a :class:`FaultProxy` does to the bytes that it passes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime

__all__ = ["Direction", "Pipe"]

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
        self.pipes: dict[Pipe, None] = {}

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

    def half_close(self) -> None:
        """End this direction of each connection in TCP's good order: nothing follows.

        The other direction goes on, until the side that is told of the end closes.
        """
        for pipe in tuple(self.pipes):
            pipe.half_close()

    def inject(self, data: bytes) -> None:
        """Send bytes of your own on each connection."""
        for pipe in tuple(self.pipes):
            pipe.write(data)


class Pipe:
    """The bytes of one connection on their way to one side.

    :param direction: what happens to them.
    :param reactor: the reactor.
    :param cut: ends the connection on both sides, in TCP's good order.
    :ivar source: the transport that they are read from.
    :ivar transport: the one that they are passed on to; ``None`` until it is there.
    """

    def __init__(
        self, direction: Direction, reactor: IReactorTime, cut: Callable[[], None]
    ) -> None:
        self._direction = direction
        self._reactor = reactor
        self._cut = cut
        self._queue: deque[tuple[float, bytes | None]] = deque()
        self._call: IDelayedCall | None = None
        self._passed = 0
        self._is_paused = False
        self._is_ended = self._is_told = False
        self.source: Any = None
        self.transport: Any = None
        direction.pipes[self] = None

    def feed(self, data: bytes | None) -> None:
        """Take what was read, or ``None`` for the end."""
        direction = self._direction
        if data is not None and self._is_ended:
            return
        if data is not None and direction.change is not None:
            data = direction.change(data)
        due = self._reactor.seconds() + direction.delay
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
        self._tell_end()
        if self._call is not None or self._direction.is_held or self.transport is None:
            return
        while self._queue:
            wait = self._queue[0][0] - self._reactor.seconds()
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
        self._call = self._reactor.callLater(wait, self._again)

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
            self._cut()
            return
        self._passed += len(data)
        self.transport.write(data)

    def write(self, data: bytes) -> None:
        """Write at once, before anything that is held back."""
        if self.transport is not None:
            self.transport.write(data)

    def half_close(self) -> None:
        """Pass on nothing more, and say so; what is held back is lost."""
        self._queue.clear()
        # What still comes is read, as it would be by a system whose program is gone.
        self._is_ended = True
        self._tell_end()

    def _tell_end(self) -> None:
        # Who was to be told may only just be there, or be gone.
        transport = self.transport
        if self._is_ended and not self._is_told and transport is not None:
            self._is_told = True
            if transport.connected:
                transport.loseWriteConnection()

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
