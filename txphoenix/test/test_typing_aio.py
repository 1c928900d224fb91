"""What a type checker knows of :mod:`txphoenix.aio`: a user's program, its mistakes.

It is mypy that checks this file, by ``tox -e types``.
There an expected error that does not come is an error: an ignore without a use.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Unpack, assert_type

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix import Message
from txphoenix.aio import (
    Channel,
    Client,
    ClientOptions,
    Presence,
    connect,
    running_reactor,
    wait,
)

URL = "ws://localhost:4000/socket"


class Room(Channel):
    """A class of the user's."""

    async def init(self, params: Any) -> None:
        """Begin with nothing."""
        self.heard: list[str] = []

    async def handle_in(self, event: str, payload: Any) -> None:
        """Keep the event."""
        self.heard.append(event)


class Stored(Channel):
    """A class that needs something of its own."""

    def __init__(self, *args: Any, db: dict[str, int]) -> None:
        super().__init__(*args)
        self.db = db


async def params() -> dict[str, str]:
    """Make parameters, later."""
    return {"user": "ann"}


async def decide(reason: Exception) -> bool:
    """Whether to go on, later."""
    return not isinstance(reason, txphoenix.HandshakeRefused)


def connected(**options: Unpack[ClientOptions]) -> AbstractAsyncContextManager[Client]:
    """Connect, with an option of ours."""
    options.setdefault("timeout", 1.0)
    return connect(URL, **options)


async def program() -> None:
    """What a program does, and what comes of it."""
    async with connected(
        params=params, should_reconnect=decide, topic_channel_map={"rooms:*": Room}
    ) as client:
        assert_type(client, Client)
        response, channel = await client.join("rooms:lobby", params)
        assert_type(channel, Channel)
        assert_type(response, Any)
        assert_type(client.channel("rooms:a"), Channel)
        assert_type(client.channel("rooms:a", channel_class=Room), Room)
        stored = client.channel("rooms:a", None, partial(Stored, db={}))
        assert_type(stored, Stored)
        assert_type(client.channels.find("rooms:a"), Channel | None)
        assert_type(await channel.receive(), Message)
        assert_type([message async for message in channel], list[Message])
        assert_type(await client.ping(), float)
        remove = client.on_open(params)
        remove()
        Presence(channel).on_sync(params)
        async with asyncio.TaskGroup() as group:
            group.create_task(channel.push("event", None))

        @channel.on("new_msg")
        async def hear(payload: Any) -> int:
            return len(payload)

        kept: Callable[[Any], Coroutine[Any, Any, int]] = hear
        assert_type(await kept(None), int)


async def twisted(deferred: Deferred[int]) -> None:
    """What a program has of Twisted."""
    assert_type(await wait(deferred), int)
    async with running_reactor() as reactor:
        assert_type(reactor, IReactorTime)


async def mistakes(client: Client, channel: Channel) -> None:
    """What is wrong before it runs."""
    connect(URL, heartbeet=3)  # type: ignore[call-arg]
    connect(URL, timeout="3")  # type: ignore[arg-type]
    connect(URL, default_channel_class=txphoenix.Channel)  # type: ignore[arg-type]
    await channel.push_async("event")  # type: ignore[func-returns-value,misc]
    channel.push("event").addCallback(print)  # type: ignore[attr-defined]
    Presence(channel.twisted)  # type: ignore[arg-type]
    client.on_close(lambda: None)  # type: ignore[arg-type,misc]


class TypingTests(SynchronousTestCase):
    """What is written here is a program that runs, too."""

    def test_classes(self) -> None:
        """Its functions are those of asyncio's."""
        for function in (program, twisted, mistakes, params, decide):
            self.assertTrue(inspect.iscoroutinefunction(function))
