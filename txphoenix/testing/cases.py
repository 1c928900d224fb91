"""Servers for trial's test cases, stopped when the test has ended.

::

    class RoomTests(PhoenixMixin, TestCase):
        async def test_room(self):
            server = await self.phoenix_server({"rooms:*": Room})
            ...

    class QuickRoomTests(PhoenixMixin, SynchronousTestCase):
        def test_room(self):
            memory = self.phoenix_memory_server({"rooms:*": Room})
            ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from .endpoint import EndpointOptions
from .memory import MemoryServer
from .options import Channels
from .proxy import FaultProxy
from .rooms import demo_channels
from .server import PhoenixServer

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as _Case
else:
    _Case = object

__all__ = ["PhoenixMixin"]


class PhoenixMixin(_Case):
    """Mix it with :class:`twisted.trial.unittest.TestCase` or its synchronous kin."""

    async def phoenix_server(
        self, channels: Channels | None = None, **options: Unpack[EndpointOptions]
    ) -> PhoenixServer:
        """A server on a free port of 127.0.0.1.

        :param channels: the demonstration's channels if not given.
        :param options: see :class:`.Endpoint`.
        """
        server = PhoenixServer(
            demo_channels() if channels is None else channels, **options
        )
        await server.start()
        self.addCleanup(server.stop, drain=False)
        return server

    async def phoenix_proxy(self, server: PhoenixServer) -> FaultProxy:
        """A fault proxy before a server."""
        proxy = FaultProxy(server.port, server.reactor, interface=server.interface)
        await proxy.start()
        self.addCleanup(proxy.stop)
        return proxy

    def phoenix_memory_server(
        self, channels: Channels | None = None, **options: Unpack[EndpointOptions]
    ) -> MemoryServer:
        """A server in memory; see :meth:`phoenix_server`."""
        server = MemoryServer(
            demo_channels() if channels is None else channels, **options
        )

        def stop() -> None:
            server.stop(drain=False)
            server.flush()

        self.addCleanup(stop)
        return server
