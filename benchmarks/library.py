"""This library's client, connected and joined as the workloads need it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import gatherResults

from txphoenix import Channel, SocketClient

from .address import Address

__all__ = ["connect", "join"]

TIMEOUT = 60.0
"""Seconds: no workload may end because a busy machine was slow."""


async def connect(
    reactor: Any, where: Address, path: str = "/socket", **options: Any
) -> SocketClient:
    """Start a client and wait until it is connected."""
    client = SocketClient(
        where.url(path), reactor=reactor, timeout=TIMEOUT, tls=where.tls, **options
    )
    client.startService()
    await client.when_connected(fail_after_failures=1)
    return client


async def join(client: SocketClient, channels: int) -> list[Channel]:
    """Join the channels ``bench:0``, ``bench:1``, ... all at once."""
    made = [client.channel(f"bench:{number}", {}) for number in range(channels)]
    await gatherResults([channel.join() for channel in made])
    return made
