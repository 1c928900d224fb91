"""A flood with a telemetry handler attached to the messages."""

from __future__ import annotations

from typing import Any

from txphoenix import telemetry

from . import flood
from .address import Address
from .checks import Wrong


async def txphoenix(
    reactor: Any, where: Address, count: int, channels: int
) -> dict[str, float]:
    """The handler counts the messages, and must have been told of each."""
    seen = 0

    def count_message(
        _event_name: Any, _measurements: Any, _metadata: Any, _config: Any
    ) -> None:
        nonlocal seen
        seen += 1

    telemetry.attach("benchmarks", telemetry.MESSAGE, count_message)
    measured = await flood.txphoenix(reactor, where, count, channels)
    telemetry.detach("benchmarks")
    if seen < count:
        raise Wrong(f"telemetry told of {seen} of {count} messages")
    del measured["log_lines"]
    return measured
