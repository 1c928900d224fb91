"""Fixtures for pytest with pytest-twisted.

In ``conftest.py``::

    pytest_plugins = ["txphoenix.testing.fixtures"]

In a test::

    @pytest_twisted.ensureDeferred
    async def test_room(phoenix_server):
        client = SocketClient(phoenix_server.url)
        ...

The servers have the demonstration's channels; a module or a class overrides
``phoenix_channels`` and ``phoenix_options`` to have others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_twisted  # type: ignore[import-untyped]

from .endpoint import EndpointOptions
from .memory import MemoryServer
from .options import Channels
from .rooms import demo_channels
from .server import PhoenixServer

__all__ = [
    "phoenix_channels",
    "phoenix_memory_server",
    "phoenix_options",
    "phoenix_server",
]


@pytest.fixture
def phoenix_channels() -> Channels:
    """The servers' channels: override it for channels of your own."""
    return demo_channels()


@pytest.fixture
def phoenix_options() -> EndpointOptions:
    """The servers' other options: override it for others than the defaults."""
    return {}


@pytest_twisted.async_yield_fixture  # type: ignore[untyped-decorator]
async def phoenix_server(
    phoenix_channels: Channels, phoenix_options: EndpointOptions
) -> AsyncIterator[PhoenixServer]:
    """A server on a free port of 127.0.0.1, stopped after the test."""
    server = PhoenixServer(phoenix_channels, **phoenix_options)
    await server.start()
    yield server
    await server.stop(drain=False)


@pytest.fixture
def phoenix_memory_server(
    phoenix_channels: Channels, phoenix_options: EndpointOptions
) -> Iterator[MemoryServer]:
    """A server in memory, stopped after the test."""
    server = MemoryServer(phoenix_channels, **phoenix_options)
    yield server
    server.stop(drain=False)
    server.flush()
