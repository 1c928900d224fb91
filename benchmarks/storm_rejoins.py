"""What comes after the handshakes of a storm: all channels join again.

::

    python -m benchmarks.storm_rejoins [--short] [--schedulers N]

The clients are the real ones, with their default options, on a clock and in memory.
They lose their connections while the server stays up, come back by themselves, and
join their channels again.

A socket of Phoenix is one process, and works on its joins one after the other.
The joins of several sockets run beside each other, but no more of them than the server
has schedulers: a join is taken to be work, and not waiting for something else.
So the time of the work itself is that of all joins, divided by the schedulers that have
something to do.

The exit code is 1 if a join was sent twice, or if it takes much longer than the work.
"""

from __future__ import annotations

# Twisted has functions without types.
# mypy: allow-untyped-calls
import argparse
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txphoenix import Channel, SocketClient
from txphoenix.testing import MemoryServer, ServerChannel
from txphoenix.testing.session import ServerSession

__all__ = [
    "Rejoins",
    "Schedulers",
    "StormServer",
    "main",
    "rejoin_lines",
    "run_rejoins",
]

_TIMES = (0.001, 0.01, 0.05)
_SIZES = ((1, 10_000), (1000, 100))
_SHORT_SIZES = ((1, 500), (40, 10))
_SCHEDULERS = 8

_SLACK: Final = 1.1
"""How many times the work's time it may take."""

_PATIENCE: Final = 3600.0
_FIRST_DELAYS: Final = 2.5
"""The seconds within which clients that are lost together come back."""


class Schedulers:
    """So many that work at a time; what is more than that waits in line.

    :param clock: tells the time.
    :param count: how many there are.
    :ivar seconds: how long one is busy with each piece of work.
    """

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock = clock
        self._idle = count
        self._waiting: deque[Deferred[None]] = deque()
        self.seconds = 0.0

    def work(self) -> Deferred[None]:
        """Have a piece of work done; fires when it is."""
        done: Deferred[None] = Deferred()
        if self._idle:
            self._idle -= 1
            self._begin(done)
        else:
            self._waiting.append(done)
        return done

    def _begin(self, done: Deferred[None]) -> None:
        if self.seconds:
            self._clock.callLater(self.seconds, self._done, done)
        else:
            self._done(done)

    def _done(self, done: Deferred[None]) -> None:
        if self._waiting:
            self._begin(self._waiting.popleft())
        else:
            self._idle += 1
        if not done.called:
            done.callback(None)


class _Room(ServerChannel):
    """One whose join is a piece of work."""

    endpoint: StormServer

    def join(self, params: Any) -> Deferred[None]:
        return self.endpoint.schedulers.work()


class StormServer(MemoryServer):
    """A server in memory with so many schedulers.

    :ivar joins: how many joins have come since :meth:`restart`.
    :ivar back_at: when the first connection was opened since then.
    """

    def __init__(self, schedulers: int) -> None:
        super().__init__({"storm:*": _Room}, channel_limit=None)
        self.schedulers = Schedulers(self.clock, schedulers)
        self.joins = 0
        self.back_at: float | None = None

    def restart(self) -> None:
        """Lose all clients, and be there for them at once."""
        self.joins, self.back_at = 0, None
        self.drop()
        self.flush()

    def session_opened(self, session: ServerSession) -> None:
        """Count what comes on it."""
        super().session_opened(session)
        if self.back_at is None:
            self.back_at = self.clock.seconds()
        take = session.receive

        def receive(data: bytes, is_binary: bool) -> None:
            self.joins += b'"phx_join"' in data
            take(data, is_binary)

        session.receive = receive  # type: ignore[method-assign]


@dataclass(frozen=True)
class Rejoins:
    """What became of it.

    :ivar clients: how many there were.
    :ivar channels: how many each of them had.
    :ivar each: the seconds that the server needs for a join.
    :ivar work: the seconds of the work itself.
    :ivar taken: the seconds from the first connection until all were joined.
    :ivar away: the seconds from the loss until then.
    :ivar sent: how many joins were sent.
    :ivar connections: how many connections were opened for that.
    """

    clients: int
    channels: int
    each: float
    work: float
    taken: float
    away: float
    sent: int
    connections: int

    @property
    def joins_each(self) -> float:
        """How many joins were sent for each channel."""
        return self.sent / (self.clients * self.channels)

    @property
    def failure(self) -> str | None:
        """What is wrong with that, if anything is."""
        if self.sent != self.clients * self.channels:
            return f"{self.joins_each:.4f} joins were sent for each channel"
        if self.connections != self.clients:
            return f"{self.connections:,} connections were opened"
        if self.taken > self.work * _SLACK + (self.clients > 1) * _FIRST_DELAYS:
            return f"it took {self.taken:,.1f} s for {self.work:,.1f} s of work"
        return None

    def __str__(self) -> str:
        return _title(self.clients, self.channels, self.each)


def _title(clients: int, channels: int, each: float) -> str:
    who = "1 client" if clients == 1 else f"{clients:,} clients"
    return f"{who} of {channels:,} channels, {each * 1000:g} ms for a join"


def run_rejoins(
    clients: int,
    channels: int,
    each: float,
    schedulers: int,
    tell: Callable[[str], object] = lambda _: None,
) -> Rejoins:
    """Have all lose their connection, and wait until all channels are joined again."""
    server = StormServer(schedulers)
    made = [
        SocketClient(server.url, endpoint=server.endpoint, reactor=server.clock)
        for _ in range(clients)
    ]
    joined: list[Channel] = []
    for client in made:
        client.startService()
        for number in range(channels):
            channel = client.channel(f"storm:{number}", {})
            channel.join()
            joined.append(channel)
    server.flush()
    _wait(server, joined, tell)
    server.schedulers.seconds = each
    connections = server.connections_made
    lost_at = server.clock.seconds()
    server.restart()
    _wait(server, joined, tell)
    now = server.clock.seconds()
    rejoins = Rejoins(
        clients,
        channels,
        each,
        clients * channels * each / min(clients, schedulers),
        now - (server.back_at or 0.0),
        now - lost_at,
        server.joins,
        server.connections_made - connections,
    )
    for client in made:
        client.stopService()
    server.flush()
    return rejoins


def _wait(
    server: StormServer, channels: list[Channel], tell: Callable[[str], object]
) -> None:
    """Let time pass until all are joined; tell now and then how many are."""
    left = list(channels)
    told = time.monotonic()

    def all_joined() -> bool:
        nonlocal told
        # Most often it is the last that is not, so that looking at it is enough.
        while left and left[-1].is_joined:
            left.pop()
        if time.monotonic() - told > 5:
            told = time.monotonic()
            count = sum(channel.is_joined for channel in channels)
            tell(f"after {server.clock.seconds():,.0f} s {count:,} are joined")
        return not left and all(channel.is_joined for channel in channels)

    server.wait_for(all_joined, _PATIENCE)


def rejoin_lines(every: list[Rejoins], schedulers: int) -> Iterator[str]:
    """A table."""
    yield (
        f"Joins again after a loss, on a server with {schedulers} schedulers; all are"
        " joined so long after the first is connected again."
    )
    yield (
        f"  {'':46}{'the work':>10}{'all joined':>12}{'since the loss':>16}"
        f"{'joins each':>12}{'connections':>13}"
    )
    for each in every:
        yield (
            f"  {each!s:46}{each.work:>8,.1f} s{each.taken:>10,.1f} s"
            f"{each.away:>14,.1f} s{each.joins_each:>12.4f}{each.connections:>13,}"
        )


def main(arguments: list[str]) -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.storm_rejoins",
        description="Have clients with many channels lose their connections. The exit "
        "code is 1 if a join is sent twice, or if they take much longer than the work.",
    )
    parser.add_argument("--short", action="store_true", help="with fewer channels")
    parser.add_argument(
        "--schedulers",
        type=int,
        default=_SCHEDULERS,
        help="how many joins the server works on at a time; by default 8",
    )
    wanted = parser.parse_args(arguments)
    if wanted.schedulers < 1:
        parser.error("--schedulers must be at least 1")
    sizes = _SHORT_SIZES if wanted.short else _SIZES
    steps = [(*size, each) for size in sizes for each in _TIMES]
    every = []
    for done, (clients, channels, each) in enumerate(steps, 1):
        print(
            f"[{done}/{len(steps)}] {_title(clients, channels, each)}", file=sys.stderr
        )
        every.append(
            run_rejoins(
                clients,
                channels,
                each,
                wanted.schedulers,
                lambda text: print(f"    {text}", file=sys.stderr),
            )
        )
    print(*rejoin_lines(every, wanted.schedulers), sep="\n")
    failures = [f"{each}: {each.failure}" for each in every if each.failure]
    if failures:
        print(*failures, sep="\n", file=sys.stderr)
        return 1
    print("Each channel was joined by one join.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
