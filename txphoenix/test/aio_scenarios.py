"""What asyncio programs do with txphoenix: see :mod:`txphoenix.test.aio_program`.

Each is a coroutine function of a URL and the options of a client, and returns what its
test looks at.
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

from txphoenix.aio import Channel, Presence, connect, running_reactor, wait
from txphoenix.errors import (
    ChannelClosed,
    ConnectionFailed,
    NotConnected,
    PhoenixError,
    PushInterrupted,
    PushTimeout,
)

from .aio_program import say

USER: ContextVar[str] = ContextVar("USER", default="nobody")


def options(url: str = "", certificate: str = "") -> dict[str, Any]:
    """The options that a URL asks for."""
    given: dict[str, Any] = {}
    if url.startswith("http"):
        given["transport"] = "longpoll"
    if certificate:
        from twisted.internet.ssl import Certificate

        from txphoenix import client_tls

        with open(certificate, "rb") as file:
            trusted = Certificate.loadPEM(file.read())
        given["tls"] = client_tls(str(urlsplit(url).hostname), trusted)
    return given


class Room(Channel):
    """A class whose callbacks await what is asyncio's."""

    def __init__(self, topic: str, params: Any, maker: Any) -> None:
        super().__init__(topic, params, maker)
        self.told: asyncio.Queue[Any] = asyncio.Queue()

    async def init(self, params: Any) -> None:
        """Take a moment."""
        await asyncio.sleep(0)
        await self.told.put(["init", params])

    async def handle_join(self, response: Any) -> None:
        """Tell it."""
        await asyncio.sleep(0)
        await self.told.put(["join", response])

    async def handle_in(self, event: str, payload: Any) -> None:
        """Push from here, and tell the reply."""
        if event == "shouted":
            await self.told.put([event, await self.push("echo", payload)])

    async def handle_close(self, reason: object) -> None:
        """Take a moment, and tell it."""
        await asyncio.sleep(0)
        await self.told.put(["close", reason])


async def params() -> dict[str, str]:
    """Make parameters, later."""
    await asyncio.sleep(0)
    return {"user_id": USER.get()}


async def talk(url: str, **given: Any) -> Any:
    """Do what there is to do, each in asyncio's way."""
    # The outage that it has is told on standard error, which is to stay empty.
    logging.getLogger("txphoenix.client").setLevel(logging.ERROR)
    USER.set("ann")
    heard: asyncio.Queue[Any] = asyncio.Queue()
    seen: dict[str, Any] = {}

    async def hear(payload: Any) -> None:
        await asyncio.sleep(0)
        await heard.put([payload, USER.get()])

    async with connect(url, params=params, backoff=lambda _: 0.01, **given) as client:
        seen["connected"] = client.connected
        response, channel = await client.join("rooms:lobby", params)
        seen["joined"] = response
        remove = channel.on("shouted", hear)
        USER.set("bob")
        await channel.push("shout", {"n": 1})
        # In the context in which it was added.
        seen["heard"] = await heard.get()
        remove()
        await channel.push("shout", {"n": 2})
        seen["iterated"] = [each.payload async for each in taken(channel, 1)]
        if "transport" not in given:
            # The answer to a poll is JSON.
            seen["binary"] = (await channel.push("echo", b"\x00\xff")).hex()
        lost = asyncio.Event()
        client.on_close(lambda _: lost.set())
        channel.push_async("drop")
        await lost.wait()
        # It is kept for the rejoin.
        seen["after"] = await channel.push("echo", {"n": 3})
        seen["pinged"] = 0 <= await client.ping() < 60
        await channel.leave()
        seen["state"] = channel.state
    seen["status"] = client.status
    return seen


async def taken(channel: Channel, count: int) -> Any:
    """The first messages of a channel."""
    async for message in channel:
        yield message
        count -= 1
        if not count:
            return


async def all_of(channel: Channel) -> list[Any]:
    """The messages of a channel to its end."""
    return [each.payload async for each in channel]


async def classes(url: str, **given: Any) -> Any:
    """Have callbacks of a class, and functions among the options, await."""
    async with connect(
        url,
        topic_channel_map={"rooms:*": Room},
        default_channel_params=params,
        auth_token=lambda: asyncio.sleep(0, "token"),
        headers=lambda: asyncio.sleep(0, {"X-A": "b"}),
        join_channels={"rooms:b": params},
        **given,
    ) as client:
        channel = client.channel("rooms:a", {"a": 1}, Room)
        await channel.join()
        channel.push_async("shout", {"n": 1})
        told = [await channel.told.get() for _ in range(3)]
        await client.channels.when_settled()
        topics = sorted(each.topic for each in client.channels)
    told.append(channel.told.get_nowait())
    return [told, topics]


async def presence(url: str, **given: Any) -> Any:
    """Follow who is on a channel, by hooks that await."""
    told: asyncio.Queue[Any] = asyncio.Queue()

    async def join(key: str, current: Any, new: Any) -> None:
        await asyncio.sleep(0)
        await told.put(["join", key, len(new["metas"])])

    async def sync() -> None:
        await asyncio.sleep(0)
        await told.put("sync")

    async with connect(url, **given) as client:
        channel = client.channel("tracked:a")
        followed = Presence(channel)
        followed.on_join(join)
        followed.on_sync(sync)
        await channel.join()
        first = [await told.get() for _ in range(2)]
        return [*first, sorted(followed.state), followed.synced]


async def cancelled(url: str, **given: Any) -> Any:
    """Cancel each thing that can be awaited, and go on."""
    seen: dict[str, Any] = {}
    async with connect(url, **given) as client:
        _, channel = await client.join("rooms:a")
        for name, forever in {
            "push": lambda: channel.push("silent"),
            "receive": channel.receive,
            "when_stopped": channel.when_stopped,
            "next": lambda: anext(channel),
        }.items():
            try:
                async with asyncio.timeout(0.01):
                    await forever()
            except TimeoutError:
                seen[name] = "TimeoutError"
            task = asyncio.ensure_future(forever())
            await asyncio.sleep(0)
            task.cancel()
            outcome: Any = (await asyncio.gather(task, return_exceptions=True))[0]
            seen[name] += f" {type(outcome).__module__}.{type(outcome).__name__}"
        try:
            await channel.push("silent", timeout=0.01)
        except PushTimeout as error:
            seen["timeout"] = isinstance(error, TimeoutError)
        seen["echo"] = await channel.push("echo", 1)
        # A task of its own: before 3.11.3, a group that has failed makes each later
        # asyncio.timeout() of its task end with a CancelledError (gh-102780).
        seen["group"] = await asyncio.create_task(group_fails(channel))
        waiting = asyncio.ensure_future(channel.push("silent"))
        reading = asyncio.ensure_future(channel.receive())
        iterating = asyncio.ensure_future(all_of(channel))
        await asyncio.sleep(0)
    async with connect(url, **given) as client:
        # As with Phoenix, nothing else is answered behind a join that is not.
        held = client.channel("held:a")
        try:
            async with asyncio.timeout(0.01):
                await held.join()
        except TimeoutError:
            seen["join"] = held.state
    outcomes = await asyncio.gather(waiting, reading, iterating, return_exceptions=True)
    seen["ended"] = [type(each).__name__ for each in outcomes]
    return seen


async def group_fails(channel: Channel) -> list[object]:
    """Have a group of tasks in which one fails; what has failed is returned."""
    failed: list[object] = []
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(channel.push("silent"))
            group.create_task(channel.receive())
            group.create_task(channel.push("refuse", {"reason": "no"}))
    except* PhoenixError as errors:
        failed += [getattr(each, "reason", each) for each in errors.exceptions]
    return failed


async def unheard(url: str, **given: Any) -> Any:
    """Leave while all is at work, and look at none of it."""
    async with connect(url, **given) as client:
        _, channel = await client.join("rooms:a")

        async def hook(payload: Any) -> None:
            await channel.push("silent")

        channel.on("shouted", hook)
        channel.on_close(tell)
        await channel.push("shout")
        await channel.push("shout")


async def tell(reason: object) -> None:
    """Take a moment, and print it."""
    await asyncio.sleep(0)
    say(str(reason))


async def both(url: str, **given: Any) -> Any:
    """Have several clients at once, and one after the other."""
    replies = []
    async with connect(url, **given) as first:
        _, channel = await first.join("rooms:a")
        for n in range(2):
            async with connect(url, **given) as second:
                _, other = await second.join("rooms:a")
                replies.append(await other.push("echo", n))
        # The reactor has not gone with the others.
        replies.append(await channel.push("echo", 2))
    async with connect(url, **given) as third:
        _, channel = await third.join("rooms:a")
        replies.append(await channel.push("echo", 3))
    return replies


async def crowd(url: str, **given: Any) -> Any:
    """Have many clients at once, each in a task of its own."""

    async def one(n: int) -> Any:
        async with connect(url, **given) as client:
            _, channel = await client.join("rooms:a")
            return await channel.push("echo", n)

    return await asyncio.gather(*map(one, range(10)))


async def refused(url: str, **given: Any) -> Any:
    """Connect to where nobody is."""
    asked: list[str] = []

    async def decide(reason: Exception) -> bool:
        await asyncio.sleep(0)
        asked.append(type(reason).__name__)
        return len(asked) < 2

    # What the log says of it is known.
    logging.getLogger("txphoenix").setLevel(logging.CRITICAL)
    outcomes = []
    deciding: dict[str, Any] = {
        "should_reconnect": decide,
        "fail_after_failures": None,
    }
    for more in ({}, deciding):
        try:
            async with connect(url, backoff=lambda _: 0.01, **more, **given):
                outcomes.append("connected")
        except ConnectionFailed as error:
            outcomes.append(type(error).__name__)
    return [outcomes, asked]


async def framework(url: str, **given: Any) -> Any:
    """Enter in one task and leave in another, as an ASGI server's lifespan does."""
    entered, leaving = asyncio.Event(), asyncio.Event()
    clients = []

    async def lifespan() -> None:
        async with connect(url, **given) as client:
            clients.append(client)
            entered.set()
            await leaving.wait()

    lives = asyncio.create_task(lifespan())
    await entered.wait()

    async def request(n: int) -> Any:
        channel = clients[0].channel(f"rooms:{n}")
        await channel.join()
        return await channel.push("echo", n)

    replies = await asyncio.gather(*[asyncio.create_task(request(n)) for n in range(3)])
    context = connect(url, **given)
    second = await asyncio.create_task(context.__aenter__())
    _, channel = await second.join("rooms:a")
    replies.append(await channel.push("echo", 3))
    await asyncio.create_task(context.__aexit__(None, None, None))
    leaving.set()
    await lives
    return replies


async def twisted(url: str = "", **given: Any) -> Any:
    """Use Twisted's own things beside the client."""
    from txphoenix.testing import ChatRoom, PhoenixServer

    async with running_reactor():
        server = await wait(PhoenixServer({"rooms:*": ChatRoom}).start())
        async with connect(server.url, **given) as client:
            response, _ = await client.join("rooms:lobby")
        await wait(server.stop())
    return response


async def closed(url: str, **given: Any) -> Any:
    """Meet each end of a channel and of a client."""
    seen: list[Any] = []
    async with connect(url, **given) as client:
        _, channel = await client.join("rooms:a")
        await channel.push("shout", 1)
        await channel.push("stop")
        seen.append([each.payload async for each in channel])
        try:
            await channel.push("echo")
        except ChannelClosed:
            seen.append("ChannelClosed")
        await channel.join()
        waiting = asyncio.ensure_future(channel.push("silent"))
        await asyncio.sleep(0)
        await client.disconnect()
        try:
            await waiting
        except PushInterrupted:
            seen.append("PushInterrupted")
        try:
            await client.when_connected()
        except NotConnected:
            seen.append("NotConnected")
        client.connect()
        await client.when_connected()
        seen.append(await channel.push("echo", 2))
    return seen
