"""What comes after the handshakes of a storm: all channels join again.

::

    python -m benchmarks.storm_rejoins [--short] [--schedulers N]

The clients are the real ones, with their default options, on a clock and in memory,
where the network carries bytes a hundred times a second.
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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from txphoenix import Channel, SocketClient
from txphoenix.options.options import Options
from txphoenix.runtime.lasting import LEAST

from .program import exit_code, run_program
from .storm_schedulers import StormServer

__all__ = [
    "Rejoins",
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

_STEP: Final = 0.01
"""The seconds after which the network carries bytes, if a join does not take longer.

What a socket has under way keeps the server busy meanwhile.
"""

_PATIENCE: Final = 3600.0
_TELL_EACH: Final = 5.0
_FIRST_DELAYS: Final = 2.5
"""The seconds within which clients that are lost together come back."""


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
        who = _who(self.clients, self.channels)
        return f"{who}, {self.each * 1000:g} ms for a join"


def _who(clients: int, channels: int) -> str:
    who = "1 client" if clients == 1 else f"{clients:,} clients"
    return f"{who} of {channels:,} channels"


def run_rejoins(
    clients: int,
    channels: int,
    times: Sequence[float],
    schedulers: int,
    tell: Callable[[str], object] = lambda _: None,
    **options: Any,
) -> Iterator[Rejoins]:
    """Have all lose their connection, and wait until all channels are joined again.

    :param times: the seconds that a join takes; of each there is a loss.
    :param options: of the clients, where they are not to be the default's.
    """
    server = StormServer(schedulers)
    made = [
        SocketClient(
            server.url, endpoint=server.endpoint, reactor=server.clock, **options
        )
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
    tell(f"{_count(joined):,} are joined for the first time")
    for each in times:
        server.schedulers.seconds = 0.0
        # The connections have lasted then, so that the delays begin anew.
        _advance(server, LEAST, 1.0)
        server.schedulers.seconds = each
        connections = server.connections_made
        lost_at = server.clock.seconds()
        server.restart()
        _wait(server, joined, max(_STEP, each), tell)
        now = server.clock.seconds()
        yield Rejoins(
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


def _advance(server: StormServer, seconds: float, step: float) -> None:
    end = server.clock.seconds() + seconds
    while server.clock.seconds() < end:
        server.clock.advance(step)
        server.flush()


def _wait(
    server: StormServer,
    channels: list[Channel],
    step: float,
    tell: Callable[[str], object],
) -> None:
    """Let time pass until all are joined; tell now and then how many are."""
    left = list(channels)
    began = server.clock.seconds()
    told = time.monotonic()
    while server.clock.seconds() - began < _PATIENCE:
        server.clock.advance(step)
        server.flush()
        # Most often it is the last that is not, so that looking at it is enough.
        while left and left[-1].is_joined:
            left.pop()
        if not left:
            if all(channel.is_joined for channel in channels):
                return
            left = list(channels)
        if time.monotonic() - told > _TELL_EACH:
            told = time.monotonic()
            passed = server.clock.seconds() - began
            tell(f"after {passed:,.0f} s {_count(channels):,} are joined again")


def _count(channels: list[Channel]) -> int:
    return sum(channel.is_joined for channel in channels)


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
    parser.add_argument(
        "--heartbeat-timeout",
        type=float,
        default=Options(url="ws://localhost/socket").heartbeat_timeout,
        metavar="SECONDS",
        help="the option of the clients; by default its default",
    )
    wanted = parser.parse_args(arguments)
    if wanted.schedulers < 1 or wanted.heartbeat_timeout <= 0:
        parser.error("--schedulers and --heartbeat-timeout must be above 0")
    sizes = _SHORT_SIZES if wanted.short else _SIZES
    every: list[Rejoins] = []
    for clients, channels in sizes:
        print(f"{_who(clients, channels)}:", file=sys.stderr)
        for each in run_rejoins(
            clients,
            channels,
            _TIMES,
            wanted.schedulers,
            _tell,
            heartbeat_timeout=wanted.heartbeat_timeout,
        ):
            every.append(each)
            print(f"[{len(every)}/{len(sizes) * len(_TIMES)}] {each}", file=sys.stderr)
    print(*rejoin_lines(every, wanted.schedulers), sep="\n")
    failures = [f"{each}: {each.failure}" for each in every if each.failure]
    return exit_code(failures, "loads FAILED", "Each channel was joined by one join.")


def _tell(text: str) -> None:
    print(f"    {text}", file=sys.stderr)


if __name__ == "__main__":
    run_program(main)
