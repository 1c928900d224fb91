"""How much memory a client takes whose server stops reading, while it pushes on.

::

    python -m benchmarks.stopped_reader --seconds 60
    python -m benchmarks.stopped_reader --short

The server is a process of its own, which is stopped as by a debugger once the client
has joined: its system goes on taking what is sent until it has no more room.
The client then pushes as fast as it can, a turn of the reactor after the other, and
lets each push become what it will: sent and never answered, or refused at once since
``write_buffer`` bytes wait, or interrupted when the heartbeat ends the connection.

Each transport is run twice: with heartbeats that never end the connection, and with
such that end it every few seconds, after which no other can be had from that server.

The exit code is 1 if

- the resident set has grown past what the limits allow, or was still growing in the
  last third of the time;
- more than ``write_buffer`` bytes, and one turn's pushes, waited in the process;
- a push had no end, or more than one.

It takes POSIX, for signals, and Linux, for what is resident.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.ssl import Certificate
from twisted.internet.task import deferLater, react
from twisted.python.failure import Failure

from txphoenix import Channel, SocketClient, client_tls
from txphoenix.testing import PhoenixServer, ServerChannel
from txphoenix.testing.tls import self_signed
from txphoenix.transports.writing import unwritten

from .memory import resident_kilobytes
from .pictures import NoPlotting, check_plotting
from .program import exit_code, run_program
from .stopped_chart import svg

__all__ = ["TRANSPORTS", "Figures", "main"]

TRANSPORTS: Final = ("websocket", "wss", "longpoll")
"""What can be run."""

# So many pushes are made in one turn of the reactor.
_AT_ONCE: Final = 200
# So many bytes of ours, besides its frame, a push costs that waits for its answer.
_FOR_A_PUSH: Final = 2048
# Whatever the systems of both sides keep of what was sent, and what is not ours.
_IN_SYSTEMS: Final = 2**24
_BESIDES: Final = 2**24
# What the resident set may go up and down by.
_RIPPLE: Final = 2**23
_MIB: Final = 2**20


class Sink(ServerChannel):
    """Takes whatever it is pushed."""

    def handle_in(self, event: str, payload: Any) -> None:
        """Say nothing."""


@dataclass
class Figures:
    """What came of one run.

    :ivar resident: the growth of the resident set (bytes), about each second.
    :ivar waiting: the most bytes that waited in the process.
    :ivar ends: how many pushes have ended, by their class of error.
    :ivar made: how many were made.
    :ivar attempts: how often the client has tried to connect.
    """

    seconds: float
    size: int
    limit: int
    resident: list[int] = field(default_factory=list)
    waiting: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    made: int = 0
    attempts: int = 0

    @property
    def allowed(self) -> int:
        """How much the resident set may grow, by the limits."""
        pushes = (self.limit + _IN_SYSTEMS) / self.size
        return int(self.limit + pushes * _FOR_A_PUSH) + _BESIDES

    def faults(self) -> list[str]:
        """What is not as it must be."""
        faults = []
        highest = max(self.resident, default=0)
        if highest > self.allowed:
            faults.append(f"grew by {_mib(highest)}, and {_mib(self.allowed)} may be")
        third = len(self.resident) // 3
        before, after = self.resident[: 2 * third], self.resident[2 * third :]
        if third and max(after) > max(before) + _RIPPLE:
            faults.append("was still growing in the last third of the time")
        most = self.limit + 2 * _AT_ONCE * (self.size + 200)
        if self.waiting > most:
            faults.append(f"{_mib(self.waiting)} waited, and {_mib(most)} may")
        if self.ends.total() != self.made:
            faults.append(f"{self.made} pushes had {self.ends.total()} ends")
        return faults


def _mib(size: float) -> str:
    return f"{size / _MIB:.1f} MiB"


# -- The server ------------------------------------------------------------------------


async def _serve(reactor: Any, is_secure: bool) -> None:
    credentials = self_signed() if is_secure else None
    server = PhoenixServer(
        {"rooms:*": Sink}, tls=credentials and credentials.server, reactor=reactor
    )
    await server.start()
    authority = credentials.trust_root.dumpPEM().decode() if credentials else ""
    print(json.dumps({"url": server.url, "authority": authority}), flush=True)
    await Deferred()


def _start_server(is_secure: bool) -> tuple[subprocess.Popen[str], dict[str, str]]:
    command = [sys.executable, "-m", "benchmarks.stopped_reader", "--serve"]
    process = subprocess.Popen(
        command + ["--secure"] * is_secure, stdout=subprocess.PIPE, text=True
    )
    line = process.stdout.readline() if process.stdout else ""
    return process, json.loads(line)


# -- The client ------------------------------------------------------------------------


def _waiting_in(client: SocketClient) -> int:
    """How many bytes this process holds for the connection."""
    transport: Any = client.connection.link.transport
    if transport is None:
        return 0
    if hasattr(transport, "_outgoing"):
        return int(transport._outgoing.size)
    writer = transport._writer
    held: int = writer._buffer.waiting if writer._buffer is not None else 0
    return held + unwritten(transport.transport) + sum(map(len, writer.parts))


async def _push_on(
    reactor: Any, client: SocketClient, room: Channel, figures: Figures
) -> None:
    """Push until the time is over."""
    payload = {"body": os.urandom(figures.size // 2).hex()}
    ends = figures.ends

    def ended(result: Any) -> None:
        is_failure = isinstance(result, Failure)
        ends[type(result.value).__name__ if is_failure else "answered"] += 1

    before, began, told = resident_kilobytes(), monotonic(), 0.0
    while (passed := monotonic() - began) < figures.seconds:
        for _ in range(_AT_ONCE):
            room.push("put", payload).addBoth(ended)
        figures.made += _AT_ONCE
        figures.waiting = max(figures.waiting, _waiting_in(client))
        if passed >= told:
            told += min(1.0, figures.seconds / 12)
            grown = int(1024 * (resident_kilobytes(garbage=True) - before))
            figures.resident.append(grown)
            if sys.stderr.isatty():
                print(
                    f"\r  {passed:3.0f} s  {figures.made:>10,} pushes"
                    f"  +{_mib(grown):>10}",
                    end="",
                    file=sys.stderr,
                )
        await deferLater(reactor, 0)
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr)


async def _measure(reactor: Any, arguments: argparse.Namespace) -> None:
    process, said = _start_server(arguments.transport == "wss")
    client = SocketClient(
        said["url"],
        transport="longpoll" if arguments.transport == "longpoll" else "websocket",
        tls=client_tls(
            "127.0.0.1", trust_root=Certificate.loadPEM(said["authority"].encode())
        )
        if said["authority"]
        else None,
        heartbeat_interval=2.0 if arguments.reconnects else 3600.0,
        heartbeat_timeout=1.0 if arguments.reconnects else 3600.0,
        connect_timeout=2.0,
        reactor=reactor,
        **({"write_buffer": arguments.limit} if arguments.limit else {}),
    )
    # What is judged is the limit that the documents tell of.
    limit = min(
        client.options.write_buffer, SocketClient("ws://x").options.write_buffer
    )
    figures = Figures(arguments.seconds, arguments.size, limit)
    client.on_error(lambda _: None)
    try:
        client.startService()
        _, room = await client.join("rooms:lobby")
        process.send_signal(signal.SIGSTOP)
        await _push_on(reactor, client, room, figures)
        figures.attempts = client.connection.attempts
        await client.stopService()
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()
    print(json.dumps({**vars(figures), "ends": dict(figures.ends)}))


# -- The program -----------------------------------------------------------------------


def _run(transport: str, reconnects: bool, arguments: argparse.Namespace) -> Figures:
    """Run one client, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.stopped_reader"]
    command += ["--transport", transport, "--seconds", str(arguments.seconds)]
    command += ["--size", str(arguments.size), "--limit", str(arguments.limit)]
    done = subprocess.run(
        command + ["--reconnects"] * reconnects,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    return Figures(**{**said, "ends": Counter(said["ends"])})


def _tell(name: str, figures: Figures) -> None:
    ends = ", ".join(f"{each} {n:,}" for each, n in sorted(figures.ends.items()))
    print(
        f"{name:24} {figures.made:>12,} pushes  highest +{_mib(max(figures.resident))}"
        f"  at the end +{_mib(figures.resident[-1])} of {_mib(figures.allowed)}"
        f"  waiting {_mib(figures.waiting)}  attempts {figures.attempts}\n    {ends}",
        flush=True,
    )


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stopped_reader",
        description="How much memory a client takes whose server stops reading.",
    )
    parser.add_argument("transports", nargs="*", help="by default all three")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run")
    parser.add_argument(
        "--short", action="store_true", help="two seconds each, over one connection"
    )
    parser.add_argument("--size", type=int, default=1000, help="of a push, in bytes")
    parser.add_argument(
        "--limit", type=int, default=0, help="the client's write_buffer, in bytes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw them")
    for inside in ("--serve", "--secure", "--reconnects"):
        parser.add_argument(inside, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--transport", choices=TRANSPORTS, help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.short:
        # Of such a size that any machine reaches the limit.
        parsed.seconds, parsed.size = 2.0, 10_000
    if parsed.svg is not None:
        try:
            check_plotting()
        except NoPlotting as missing:
            parser.error(str(missing))
    for transport in parsed.transports:
        if transport not in TRANSPORTS:
            parser.error(f"{transport} is none of {', '.join(TRANSPORTS)}")
    return parsed


def main(arguments: list[str] | None = None) -> int:
    """Run all transports; return the exit code."""
    parsed = _parse(arguments)
    if parsed.serve:
        react(_in_reactor(_serve, parsed.secure))
    if parsed.transport:
        react(_in_reactor(_measure, parsed))
    all_figures, faults = {}, []
    for transport in parsed.transports or TRANSPORTS:
        for reconnects in (False,) if parsed.short else (False, True):
            name = f"{transport}, {'reconnecting' if reconnects else 'one connection'}"
            figures = all_figures[name] = _run(transport, reconnects, parsed)
            _tell(name, figures)
            faults += [f"{name}: {fault}" for fault in figures.faults()]
    if parsed.json is not None:
        parsed.json.write_text(
            json.dumps({name: vars(each) for name, each in all_figures.items()})
        )
    if parsed.svg is not None:
        runs = {name: (it.seconds, it.resident) for name, it in all_figures.items()}
        parsed.svg.write_text(svg(runs, next(iter(all_figures.values())).limit))
    return exit_code(faults, "limits were NOT kept", "All stayed within its limits.")


def _in_reactor(function: Any, argument: Any) -> Any:
    def run(reactor: IReactorTime) -> Deferred[None]:
        return Deferred.fromCoroutine(function(reactor, argument))

    return run


if __name__ == "__main__":
    run_program(main)
