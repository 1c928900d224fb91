"""This library's client, connected and joined as the workloads need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix import Channel, SocketClient

from .address import Address

__all__ = ["connect", "join", "wait_for_each"]

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
    await wait_for_each([channel.join() for channel in made])
    return made


async def wait_for_each(deferreds: Sequence[Deferred[Any]]) -> None:
    """Wait for all of them, in their order.

    ``gatherResults`` makes as many objects for each of them as a join does itself, and
    the collector goes through these as well: of ten thousand joins that was a fifth.
    """
    for deferred in deferreds:
        await deferred
