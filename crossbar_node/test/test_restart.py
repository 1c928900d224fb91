"""What comes back by itself, and what Crossbar does not bring back."""

from __future__ import annotations

import signal

from ..client import Client
from .case import CrossbarCase

TOPICS = {f"rooms:{number}" for number in range(10)}

WILL_NOT = "will not be restarted automatically! [restart_mode={mode}"


class RestartTests(CrossbarCase):
    """A bridge whose session ends, and a router that ends."""

    async def subscribed(self) -> Client:
        """A client that subscribes to all topics."""
        client = await self.join()
        for topic in TOPICS:
            await client.hear(f"phx.{topic}.", "prefix")
        return client

    async def kill_session(self, client: Client) -> int:
        """End the session of the only bridge."""
        (member,) = await client.until_members(1)
        await client.call("wamp.session.kill", member)
        return member

    async def test_always(self) -> None:
        """``restart-always`` starts a bridge again whose session has ended."""
        await self.start_node("node", [self.router(), self.container("one")])
        client = await self.subscribed()
        await self.book.until_joined(TOPICS)
        since = len(self.book.entries)
        member = await self.kill_session(client)
        await self.book.until(
            lambda: len(self.book.entries) >= since + 2 * len(TOPICS),
            "leaves and joins",
        )
        await self.book.until_joined(TOPICS)
        self.assertNotEqual(await client.until_members(1), [member])

    async def test_on_failed(self) -> None:
        """``restart-on-failed`` is taken by Crossbar, and never restarts."""
        container = self.container("one", restart="restart-on-failed")
        node = await self.start_node("node", [self.router(), container])
        client = await self.subscribed()
        await self.kill_session(client)
        await node.program.said(WILL_NOT.format(mode="restart-on-failed"))
        await self.book.until_joined(set())

    async def test_router_restarted(self) -> None:
        """A bridge that is a program of its own comes back to a router by itself.

        A node of bridges alone ends with the router, to be started again by whoever
        has started it; ``restart-always`` tries once, and does not come back.
        """
        router = await self.start_node("router", [self.router()])
        bridges = await self.start_node(
            "bridges",
            [self.container("one", **ENDS_WITH_IT)],
            shutdown=DEFAULT,
        )
        always = await self.start_node("always", [self.container("three")])
        await self.start_node("guest", [self.guest("two")])
        first = await self.subscribed()
        await first.until_members(3)
        await self.book.until_joined(TOPICS)
        await router.stop()
        await self.book.until_joined(set())
        await bridges.program.ended()
        await always.program.said("could not connect container component to router")
        await router.start()
        client = await self.subscribed()
        await self.book.until_joined(TOPICS)
        self.assertEqual(self.book.counts(), {"two": len(TOPICS)})
        await bridges.start()
        await client.until_members(2)
        await self.book.until(lambda: bool(self.book.of("one")), "a topic for one")
        await self.book.until_joined(TOPICS)
        self.assertEqual(self.book.counts().keys(), {"one", "two"})

    async def test_node_ends(self) -> None:
        """By Crossbar's default a node ends with the first of its workers that does."""
        await self.start_node("router", [self.router()])
        bridges = await self.start_node(
            "bridges", [self.container("one"), self.container("two")], DEFAULT
        )
        await bridges.kill("one")
        await bridges.program.ended()
        client = await self.join()
        await client.until_members(0)


class HungTests(CrossbarCase):
    """A bridge whose process hangs."""

    finds_hung = True

    async def test_hangs(self) -> None:
        """The router drops it, the others join its topics, and it comes back."""
        workers = [self.router(), self.container("one"), self.container("two")]
        node = await self.start_node("node", workers)
        client = await self.join()
        await client.until_members(2)
        for topic in TOPICS:
            await client.hear(f"phx.{topic}.", "prefix")
        await self.book.until_joined(TOPICS)
        await node.signal("one", signal.SIGSTOP)
        try:
            await client.until_members(1)
            await self.book.until(
                lambda: self.book.of("two") == TOPICS, "all topics for two"
            )
        finally:
            await node.signal("one", signal.SIGCONT)
        await client.until_members(2)
        await self.book.until_joined(TOPICS)


DEFAULT = ["shutdown_on_worker_exit"]
"""Crossbar's own choice of what ends a node."""

ENDS_WITH_IT = {
    "restart": "restart-never",
    "shutdown": "shutdown-on-any-component-stopped",
}
"""A container's options: it ends with its bridge."""
