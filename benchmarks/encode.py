"""Making frames' payloads of messages, without a connection."""

from __future__ import annotations

from typing import Any

import orjson

from txphoenix import Message
from txphoenix.protocol.serializer import V2Serializer

from .address import Address
from .checks import Wrong
from .ping import BODY
from .stopwatch import Stopwatch

PAYLOAD = {"n": 1, "body": BODY}


async def txphoenix(reactor: Any, where: Address, count: int) -> dict[str, float]:
    """A message is made and encoded."""
    encode = V2Serializer().encode
    data = b""
    stopwatch = Stopwatch()
    for _ in range(count):
        data, _ = encode(Message("1", "2", "bench:0", "ping", PAYLOAD))
    measured = stopwatch.rates(count)
    if orjson.loads(data) != ["1", "2", "bench:0", "ping", PAYLOAD]:
        raise Wrong(f"encoded {data!r}")
    return measured


async def stock(reactor: Any, where: Address, count: int) -> dict[str, float]:
    """A tuple is made and given to orjson."""
    dumps = orjson.dumps
    stopwatch = Stopwatch()
    for _ in range(count):
        dumps(("1", "2", "bench:0", "ping", PAYLOAD))
    return stopwatch.rates(count)
