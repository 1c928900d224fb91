"""Making messages of frames' payloads, without a connection."""

from __future__ import annotations

from typing import Any

import orjson

from txphoenix import Message
from txphoenix.protocol.serializer import V2Serializer

from .address import Address
from .checks import Wrong
from .encode import PAYLOAD
from .stopwatch import Stopwatch

DATA = orjson.dumps(("1", "2", "bench:0", "ping", PAYLOAD))


async def txphoenix(reactor: Any, where: Address, count: int) -> dict[str, float]:
    """Decoded and checked."""
    decode = V2Serializer().decode
    message = decode(DATA, False)
    stopwatch = Stopwatch()
    for _ in range(count):
        message = decode(DATA, False)
    measured = stopwatch.rates(count)
    if message != Message("1", "2", "bench:0", "ping", PAYLOAD):
        raise Wrong(f"decoded {message!r}")
    return measured


async def stock(reactor: Any, where: Address, count: int) -> dict[str, float]:
    """Given to orjson."""
    loads = orjson.loads
    stopwatch = Stopwatch()
    for _ in range(count):
        loads(DATA)
    return stopwatch.rates(count)
