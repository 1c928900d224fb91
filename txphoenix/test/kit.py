"""What the tests of the server kit share: a client that says and hears JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.testing import MemoryServer, ServerChannel
from txphoenix.testing.cases import PhoenixMixin

from .recordings import Closed, WireFrame
from .wire_client import WireClient

__all__ = ["KitTestCase", "Talker"]


class Talker(WireClient):
    """A client that sends messages, and tells those that have come since it was asked.

    Messages are lists of five, and a close is its code.
    """

    server: MemoryServer

    def say(self, *message: Any) -> list[Any]:
        """Send a message of five parts and flush; see :meth:`heard`."""
        self.send(json.dumps(message).encode("utf-8"))
        return self.heard()

    def join(self, topic: str, params: Any = None, ref: str = "1") -> Any:
        """Join a topic.

        :return: the payload of the first answer.
        """
        heard = self.say(ref, ref, topic, "phx_join", {} if params is None else params)
        return heard[0][4]

    def heard(self) -> list[Any]:
        """Flush, and take what has come."""
        self.server.flush()
        happenings, self.happenings = self.happenings, []
        heard: list[Any] = []
        for it in happenings:
            if isinstance(it, WireFrame):
                heard.append(it.data if it.is_binary else json.loads(it.data))
            elif isinstance(it, Closed):
                heard.append(it.code)
            else:
                heard.append(it)
        return heard


class KitTestCase(PhoenixMixin, SynchronousTestCase):
    """A test with a server in memory and clients of plain bytes."""

    def serve(
        self, channels: Mapping[str, type[ServerChannel]] | None = None, **options: Any
    ) -> MemoryServer:
        """A server in memory, which leaves nothing on its clock."""
        self.memory = self.phoenix_memory_server(channels, **options)
        self.addCleanup(self._check_clock, self.memory)
        return self.memory

    def _check_clock(self, memory: MemoryServer) -> None:
        memory.stop(drain=False)
        memory.resume()
        memory.is_stalled = False
        memory.flush()
        self.assertEqual(memory.clock.getDelayedCalls(), [])
        self.assertEqual(memory.pairs, [])

    def talker(self, target: str = "/socket/websocket?vsn=2.0.0") -> Talker:
        """A connected client of the server."""
        talker: Talker = Talker.connect(self.memory)
        talker.server = self.memory
        talker.open(target)
        self.memory.flush()
        return talker
