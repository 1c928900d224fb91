"""A flood with a telemetry handler attached: to the messages, or to their number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txphoenix import telemetry

from . import flood
from .address import Address
from .checks import Wrong


async def txphoenix(
    reactor: Any, where: Address, count: int, channels: int, traffic: int = 0
) -> dict[str, float]:
    """The handler counts the messages, and must have been told of each.

    :param traffic: whether it is told of those of a turn of the reactor together.
    """
    seen = 0

    def count_message(
        _event_name: Any, _measurements: Any, _metadata: Any, _config: Any
    ) -> None:
        nonlocal seen
        seen += 1

    def count_messages(
        _event_name: Any, measurements: Mapping[str, int], _metadata: Any, _config: Any
    ) -> None:
        nonlocal seen
        seen += measurements["count"]

    if traffic:
        telemetry.attach("benchmarks", telemetry.TRAFFIC, count_messages)
    else:
        telemetry.attach("benchmarks", telemetry.MESSAGE, count_message)
    measured = await flood.txphoenix(reactor, where, count, channels)
    telemetry.detach("benchmarks")
    if seen < count:
        raise Wrong(f"telemetry told of {seen} of {count} messages")
    del measured["log_lines"]
    return measured
