"""The servers and their proxies: a process of its own, told what to do line by line.

So the process of the clients, which is measured, holds clients and nothing else.
It reads a JSON object a line, ``{"do": what, ...}``, and answers each with one; it ends
with its standard input.
"""

from __future__ import annotations

import json
from typing import Any, cast

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.stdio import StandardIO
from twisted.internet.task import LoopingCall
from twisted.logger import ILogObserver, LogLevel, globalLogPublisher
from twisted.protocols.basic import LineReceiver

from txphoenix.testing import FaultProxy, PhoenixServer, Socket
from txphoenix.testing.tls import self_signed

from ..server import allow_many_files
from .faults import Faults
from .room import Notes, Room
from .seats import BARRED, Seat, seats

__all__ = ["World"]

SLICES = 10
"""In how many parts the clients are spoken to in turn, within a second."""


def _client_id(params: Any, socket: Socket) -> str:
    """The id by which a client's sessions are found."""
    return str(params["client"])


OPTIONS: dict[str, Any] = {
    "timeout": 10.0,
    "longpoll_window": 3.0,
    "compression": True,
    "connect": _client_id,
}
"""What is shorter than Phoenix has it, so that a minute has many of each."""


class World:
    """Both servers, and a proxy for each client."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.raised: list[str] = []
        # Each world has channels of its own, which note what they do for it.
        room = type("Room", (Room,), {"notes": self.notes})
        credentials = self_signed()
        self.authority = credentials.trust_root.dumpPEM().decode("ascii")
        self.servers = {
            "plain": PhoenixServer({"soak:*": room}, **OPTIONS),
            "secure": PhoenixServer(
                {"soak:*": room}, tls=credentials.server, **OPTIONS
            ),
        }
        for server in self.servers.values():
            server.add_socket(BARRED, websocket=False)
        self.proxies: list[FaultProxy] = []
        self._compressed: set[int] = set()
        self._faults = Faults(self.proxies, self.servers, self._compressed)
        self._seats: list[Seat] = []
        self._beat = 0
        self._ticking = LoopingCall(self._tick)

    def complain(self, event: Any) -> None:
        """Take an event of the log: what broke in here is told with the rest.

        That TLS was spoilt is logged as an error, and is what the plan has asked for.
        """
        if event.get("log_level", LogLevel.info) >= LogLevel.critical:
            failure = event.get("log_failure")
            text = failure.getTraceback() if failure else event.get("log_format")
            self.raised.append(f"the servers' process has logged {text}")

    async def start(self, clients: int) -> dict[str, Any]:
        """Listen; returns where the clients' proxies are, and whom to trust."""
        await gatherResults([server.start() for server in self.servers.values()])
        self._seats = seats(clients)
        for seat in self._seats:
            if seat.options.get("compression"):
                self._compressed.add(seat.number)
            server = self.servers["secure" if seat.secure else "plain"]
            self.proxies.append(await FaultProxy(server.port).start())
        urls = [
            proxy.url(self._server_of(seat).url_of(seat.path))
            for proxy, seat in zip(self.proxies, self._seats, strict=True)
        ]
        return {"urls": urls, "authority": self.authority}

    def _server_of(self, seat: Seat) -> PhoenixServer:
        return self.servers["secure" if seat.secure else "plain"]

    async def do(self, do: str, **arguments: Any) -> Any:
        """Do what a line says."""
        if do == "start":
            return await self.start(**arguments)
        if do == "begin":
            return await self._faults.begin(**arguments)
        if do == "end":
            return await self._faults.end(**arguments)
        if do == "speak":
            return self._speak(**arguments)
        if do == "status":
            return self.status()
        raise ValueError(f"there is nothing called {do!r} to do")

    def _speak(self, on: bool) -> None:
        """Say something to every channel each second, or be silent."""
        if on and not self._ticking.running:
            self._ticking.start(1 / SLICES, now=False)
        elif not on and self._ticking.running:
            self._ticking.stop()

    def _tick(self) -> None:
        self._beat += 1
        for server in self.servers.values():
            for session in server.connections:
                number = int(session.socket.id or 0)
                if number % SLICES != self._beat % SLICES:
                    continue
                for process in session.processes:
                    process.channel.tick("", self._beat % 3 == 0)  # type: ignore[attr-defined]

    def status(self) -> dict[str, Any]:
        """What is joined by whom, and what happened."""
        joined: list[tuple[str, str]] = []
        for server in self.servers.values():
            for session in server.connections:
                client = session.socket.id or ""
                joined += [(client, it.topic) for it in session.processes]
        counts, wrong = dict(self.notes.counts), self.notes.wrong + self.raised
        return {"joined": joined, "counts": counts, "wrong": wrong}


class Control(LineReceiver):
    """Takes lines, and answers each."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 20

    def __init__(self, world: World, stop: Any) -> None:
        self._world = world
        self._stop = stop

    def lineReceived(self, line: bytes) -> None:
        """Do what it says."""
        asked = json.loads(line)
        number = asked.pop("number")
        done: Deferred[Any] = Deferred.fromCoroutine(self._world.do(**asked))
        done.addCallback(lambda value: {"number": number, "value": value})
        done.addErrback(lambda it: {"number": number, "error": it.getTraceback()})
        done.addCallback(lambda it: self.sendLine(json.dumps(it).encode("utf-8")))

    def connectionLost(self, reason: Any = None) -> None:
        """Whoever started this process is gone."""
        self._stop()


def main() -> None:
    """Serve until standard input ends."""
    from twisted.internet import reactor

    allow_many_files()
    world = World()
    globalLogPublisher.addObserver(cast(ILogObserver, world.complain))
    run: Any = reactor
    StandardIO(Control(world, lambda: run.running and run.stop()))
    run.run()


if __name__ == "__main__":
    main()
