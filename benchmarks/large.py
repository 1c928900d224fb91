"""Large messages, one way or the other: how fast, and at what peak of memory.

``received``: the server sends as fast as it can, to the client's hook.
``pushed``: the client pushes one, and the next when the server has acknowledged it.

The peak is that of the very first: how much the resident set had grown at most, over
what it was before, divided by the size of the message.
What was made to be pushed was there before; what was received is part of the peak.
"""

from __future__ import annotations

# Twisted and Autobahn have functions without types.
# mypy: allow-untyped-calls
import json
from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from txphoenix import Channel

from . import library
from .address import Address
from .bare import BareSocket, client_frame
from .checks import Sequence, Wrong
from .large_messages import large_frames
from .large_payloads import Pushed, Received
from .memory import Peak
from .plan import WAYS, label
from .stock import StockClient, connect_stock
from .stopwatch import Stopwatch

MEGABYTE = 1_000_000

SMALL = 1024
"""The bytes of the message that goes before: what is first used takes memory, too."""


class Conversation(Protocol):
    """A client that has joined the topic ``bench:0``."""

    async def flood(self, received: Received) -> None:
        """Have what was prepared sent, and take it."""

    async def push(self, event: str, payload: Any) -> Any:
        """Push, and return the response."""


class Ours:
    """With this library."""

    def __init__(self, reactor: Any, channel: Channel) -> None:
        self._reactor = reactor
        self._channel = channel

    async def flood(self, received: Received) -> None:
        """Have what was prepared sent, and take it."""
        ref = self._channel.on("msg", received.take)
        self._channel.push_async("flood", {})
        await received.sequence.wait(self._reactor)
        self._channel.off("msg", ref)

    async def push(self, event: str, payload: Any) -> Any:
        """Push, and return the response."""
        return await self._channel.push(event, payload)


class Stock:
    """With stock Autobahn."""

    def __init__(self, reactor: Any, client: StockClient) -> None:
        self._reactor = reactor
        self._client = client

    async def flood(self, received: Received) -> None:
        """Have what was prepared sent, and take it."""
        self._client.on_message = lambda message: received.take(message[4])
        self._client.push(1, "bench:0", "flood", {})
        await received.sequence.wait(self._reactor)

    async def push(self, event: str, payload: Any) -> Any:
        """Push, and return the response."""
        answered: Deferred[Any] = Deferred()
        self._client.on_message = answered.callback
        self._client.push(1, "bench:0", event, payload)
        answer = (await answered)[4]
        if answer["status"] != "ok":
            raise Wrong(f"the server answered {answer}")
        return answer["response"]


async def _receive(
    talk: Conversation, count: int, size: int, *, is_binary: bool
) -> dict[str, float]:
    """The server's messages; of the last the checksum is compared."""
    asked = {"count": count, "size": size, "binary": int(is_binary)}
    await talk.push("prepare-large", asked)
    received = Received(count, size, is_binary)
    peak, stopwatch = Peak(), Stopwatch()
    await talk.flood(received)
    measured = stopwatch.rates(count * size / MEGABYTE)
    measured["peak"] = peak.bytes() / size
    received.check()
    return measured


async def _push(
    talk: Conversation, count: int, size: int, *, is_binary: bool, verify: bool
) -> dict[str, float]:
    """The client's messages; the server looks at their numbers.

    :param verify: whether it compares the checksum of each as well.
    """
    event = "check" if verify else "store"
    pushed = Pushed(size, is_binary)
    acknowledged = Sequence(count)
    peak, stopwatch = Peak(), Stopwatch()
    for number in range(count):
        acknowledged.take(await talk.push(event, pushed.payload(number)))
    measured = stopwatch.rates(count * size / MEGABYTE)
    measured["peak"] = peak.bytes() / size
    acknowledged.check()
    return measured


async def _measure(
    talk: Conversation,
    kilobytes: int,
    megabytes: int,
    binary: int,
    pushed: int,
    verify: int,
) -> dict[str, float]:
    """One message for its peak of memory, and then many of them."""
    run = (
        partial(_push, talk, is_binary=bool(binary), verify=bool(verify))
        if pushed
        else partial(_receive, talk, is_binary=bool(binary))
    )
    size = 1024 * kilobytes
    await run(1, SMALL)
    first = await run(1, size)
    many = await run(_count(kilobytes, megabytes), size)
    name = _name(kilobytes, pushed)
    return {
        name: many["rate"],
        f"{name}_cpu": many["rate_cpu"],
        f"{name} peak": first["peak"],
    }


def _count(kilobytes: int, megabytes: int) -> int:
    """How many messages of one size make so many megabytes."""
    return max(3, 1024 * megabytes // kilobytes)


def _name(kilobytes: int, pushed: int) -> str:
    """The metric."""
    return f"{WAYS[pushed]} {label(kilobytes)}"


async def txphoenix(reactor: Any, where: Address, **sizes: int) -> dict[str, float]:
    """A hook, and ``push()``."""
    client = await library.connect(reactor, where)
    (channel,) = await library.join(client, 1)
    measured = await _measure(Ours(reactor, channel), **sizes)
    await client.stopService()
    return measured


async def stock(reactor: Any, where: Address, **sizes: int) -> dict[str, float]:
    """One function takes each message."""
    client = await connect_stock(reactor, where)
    await client.join(1)
    return await _measure(Stock(reactor, client), **sizes)


def bare(
    where: Address,
    kilobytes: int,
    megabytes: int,
    binary: int,
    pushed: int,
    verify: int,
) -> dict[str, float]:
    """As many bytes, from memory or to nowhere; of JSON what is pushed."""
    server = BareSocket(where)
    server.ask(client_frame(1, "bench:0", "phx_join", "{}"))
    size = 1024 * kilobytes
    count = _count(kilobytes, megabytes)
    if pushed:
        payload = Pushed(size, is_binary=False).payload(0)
        frame = client_frame(1, "bench:0", "store", json.dumps(payload))
        stopwatch = Stopwatch()
        for _ in range(count):
            server.ask(frame)
    else:
        wanted = {"count": count, "size": size, "binary": binary}
        asked = json.dumps(wanted, separators=(",", ":"))
        server.ask(client_frame(2, "bench:0", "prepare-large", asked))
        expected = sum(map(len, large_frames(count, size, bool(binary), b'"1"')))
        stopwatch = Stopwatch()
        server.send(client_frame(3, "bench:0", "flood", "{}"))
        server.skip(expected)
    measured = stopwatch.rates(count * size / MEGABYTE, _name(kilobytes, pushed))
    server.close()
    return measured
