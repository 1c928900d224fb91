"""What the tests share: a Phoenix server, nodes and clients, all of which are ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet import reactor as global_reactor
from twisted.trial.unittest import TestCase

from txphoenix.testing import PhoenixServer

from .. import guest
from ..client import Client, join_realm
from ..configuration import (
    PING,
    PREFIX,
    REALM,
    Config,
    bridge_container,
    bridge_guest,
    free_port,
    node,
    router,
)
from ..environment import Missing, find_crossbar
from ..node import Node
from ..phoenix_side import Book, phoenix_server
from ..program import LONGEST

__all__ = ["STAYS", "CrossbarCase"]

STAYS = ("shutdown_on_shutdown_requested",)
"""For a node that goes on when a worker has ended."""


def why_not() -> str | None:
    """Why no node can be started here."""
    try:
        find_crossbar()
    except Missing as missing:
        return str(missing)
    return None


class CrossbarCase(TestCase):
    """A Phoenix server, and as many nodes and clients as a test asks for."""

    skip = why_not()
    timeout = 5 * LONGEST
    options: ClassVar[Config] = {}
    """What bridges are given besides the server's URL."""
    channel_limit = 100
    """The most topics that the server takes on one socket."""
    finds_hung = False
    """Whether the router soon drops a bridge that hangs, and maybe a busy one."""

    server: PhoenixServer
    book: Book

    async def setUp(self) -> None:  # type: ignore[override]
        """Start the Phoenix server; nodes find each other by the ports."""
        self.reactor: Any = global_reactor
        self.server, self.book = await phoenix_server(self.reactor, self.channel_limit)
        self.addCleanup(self.server.stop, drain=False)
        self.ports = {"bridge": free_port(), "client": free_port()}

    async def start_node(
        self,
        name: str,
        workers: Sequence[Config],
        shutdown: Sequence[str] = STAYS,
    ) -> Node:
        """Start a node; it is stopped after the test, even if it has not come up."""
        folder = Path(self.mktemp()).absolute() / name
        started = Node(self.reactor, name, folder, node(workers, shutdown))
        self.addCleanup(started.stop)
        return await started.start()

    def router(self) -> Config:
        """The router worker, which finds bridges that hang."""
        return router(self.ports, PING if self.finds_hung else None)

    def container(self, name: str, **options: str) -> Config:
        """A bridge in a container."""
        return bridge_container(name, self.ports["bridge"], self.extra(name), **options)

    def guest(self, name: str) -> Config:
        """A bridge as a guest."""
        program = Path(guest.__file__)
        extra = json.dumps(self.extra(name))
        return bridge_guest(name, self.ports["bridge"], program, REALM, extra)

    def extra(self, name: str) -> Config:
        """A bridge's own configuration; the Phoenix server learns its name."""
        return {
            "url": self.server.url,
            "params": {"worker": name},
            "prefix": PREFIX,
            **self.options,
        }

    async def join(self, *, is_binary: bool = True) -> Client:
        """A client, which leaves after the test."""
        client = await join_realm(
            self.reactor, self.ports["client"], is_binary=is_binary
        )
        self.addCleanup(client.end)
        return client

    def tell(self, text: str) -> None:
        """Print a measurement, on a line of its own."""
        print(f"\n    {text}", flush=True)
