"""How a step of the plan is done to proxies and servers, and undone."""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Any, cast

from txphoenix.testing import FaultProxy, PhoenixServer
from txphoenix.testing.proxy import Direction

from .room import Room
from .seats import CHANNELS, topic_of

__all__ = ["Faults", "Spoiler"]


class Spoiler:
    """Changes a bit of some reads.

    :param seed: decides which.
    :param chance: how many of the reads, as a share of 1.
    """

    def __init__(self, seed: int, chance: float) -> None:
        self._random = random.Random(seed)
        self._chance = chance

    def __call__(self, data: bytes) -> bytes:
        """What is passed on in place of what was read."""
        if not data or self._random.random() >= self._chance:
            return data
        changed = bytearray(data)
        changed[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
        return bytes(changed)


class Faults:
    """Does what a step says, and undoes it.

    :param proxies: those of the clients, by number.
    :param servers: ``"plain"`` and ``"secure"``.
    :param compressed: the numbers of the clients that offer compression.
    """

    def __init__(
        self,
        proxies: list[FaultProxy],
        servers: dict[str, PhoenixServer],
        compressed: Collection[int] = (),
    ) -> None:
        self._proxies = proxies
        self._servers = servers
        self._compressed = compressed

    async def begin(self, step: dict[str, Any]) -> None:
        """Do it."""
        fault, details = step["fault"], step["details"]
        for server in self._of_servers(details):
            await self._begin_of_server(server, fault)
        for number in step["clients"]:
            proxy = self._proxies[number]
            if fault == "refuse":
                await proxy.refuse()
                proxy.cut(details["reset"])
            elif fault == "cut":
                proxy.cut(details["reset"])
            elif fault == "kick":
                self._kick(number)
            elif fault in {"crash", "full-queue"}:
                self._speak(number, details.get("messages"))
            else:
                self._set(getattr(proxy, details["direction"]), fault, details)

    async def end(self, step: dict[str, Any]) -> None:
        """Undo it, so that all may come back."""
        fault, details = step["fault"], step["details"]
        for server in self._of_servers(details):
            if fault == "restart":
                await server.start()
            else:
                server.refuse(None)
        for number in step["clients"]:
            proxy = self._proxies[number]
            if fault == "refuse":
                await proxy.start()
            elif "direction" in details:
                self._unset(getattr(proxy, details["direction"]))
            if fault == "corrupt" and (
                # The server may have taken it for other topics, and no client knows.
                details["direction"] == "to_server"
                # What is inflated repeats what was spoilt before, and has no checksum.
                or number in self._compressed
            ):
                self._drop(number)
                proxy.cut(True)

    def _of_servers(self, details: dict[str, Any]) -> list[PhoenixServer]:
        where = details.get("where")
        if where == "both":
            return list(self._servers.values())
        return [] if where is None else [self._servers[where]]

    async def _begin_of_server(self, server: PhoenixServer, fault: str) -> None:
        if fault == "restart":
            await server.stop()
            return
        server.refuse(503)
        server.drop()

    def _kick(self, number: int) -> None:
        for server in self._servers.values():
            server.kick(str(number))

    def _drop(self, number: int) -> None:
        for server in self._servers.values():
            server.drop(str(number))

    def _speak(self, number: int, messages: int | None) -> None:
        """Have a client's channels say much, or crash."""
        for channel in range(CHANNELS):
            for server in self._servers.values():
                topic = topic_of(number, channel)
                if messages is None:
                    server.kill_channel(topic)
                    continue
                for joined in server.channels(topic):
                    for _ in range(messages):
                        cast(Room, joined).tick("much")

    def _set(self, line: Direction, fault: str, details: dict[str, Any]) -> None:
        if fault == "stall":
            line.stall()
        elif fault == "hold":
            line.hold()
        elif fault == "trickle":
            line.rate, line.segment_size = details["rate"], details["piece"]
        elif fault == "cut-after":
            line.cut_after = details["bytes"]
        elif fault == "half-close":
            line.half_close()
        elif fault == "corrupt":
            line.change = Spoiler(details["seed"], details["chance"])
        elif fault == "delay":
            line.delay = details["delay"]
        else:
            raise ValueError(f"there is no fault called {fault!r}")

    def _unset(self, line: Direction) -> None:
        line.rate = line.segment_size = line.cut_after = line.change = None
        line.delay = 0.0
        line.release()
