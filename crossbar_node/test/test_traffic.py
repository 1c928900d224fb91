"""What goes through the bridge: events, calls, binary payloads, presence, errors."""

from __future__ import annotations

from typing import Any, ClassVar

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import CancelledError, Deferred

from txphoenix.wamp import topic_uri

from ..client import Client
from ..configuration import Config
from ..program import LONGEST
from .case import CrossbarCase

LOBBY = "phx.rooms:lobby"


class TrafficTests(CrossbarCase):
    """One bridge in a container, and clients that speak JSON and MessagePack."""

    async def setUp(self) -> None:  # type: ignore[override]
        """Start the node."""
        await super().setUp()
        await self.start_node("node", [self.router(), self.container("one")])
        self.client = await self.join()

    async def error_of(self, *arguments: Any, **named: Any) -> ApplicationError:
        """The error that a push ends with."""
        return await self.assertFailure(
            self.client.call("phx.push", *arguments, **named), ApplicationError
        )

    async def test_traffic(self) -> None:
        """Everything comes through, both ways, as it was sent."""
        await self.events_and_calls()
        await self.binary()
        await self.presence()
        await self.errors()
        await self.to_the_owner()
        await self.phoenix_restarted()

    async def events_and_calls(self) -> None:
        """An event comes to each subscriber, and a reply to who has called."""
        heard = await self.client.hear(f"{LOBBY}.", "prefix")
        text = await self.join(is_binary=False)
        exact = await text.hear(f"{LOBBY}.said")
        await self.book.until_joined({"rooms:lobby"})
        payload = {"text": "Grüße, 世界", "numbers": [1, 2.5, None, True]}
        self.assertEqual(
            await self.client.call("phx.push", "rooms:lobby", "echo", payload), payload
        )
        self.assertEqual(
            await text.call("phx.push", topic="rooms:lobby", event="who"),
            {"worker": "one"},
        )
        await text.call("phx.push", "rooms:lobby", "say", payload)
        self.assertEqual(await heard.first(f"{LOBBY}.said"), payload)
        self.assertEqual(await exact.first(f"{LOBBY}.said"), payload)

    async def binary(self) -> None:
        """Bytes are bytes, to Phoenix and back, in a reply and in an event."""
        payload = bytes(range(256))
        for client in (self.client, await self.join(is_binary=False)):
            heard = await client.hear("phx.bytes:x.said")
            await self.book.until(lambda: "bytes:x" in self.book.held, "bytes:x")
            echo = await client.call("phx.push", "bytes:x", "echo", payload)
            self.assertEqual(echo, payload)
            await client.call("phx.push", "bytes:x", "say", payload)
            self.assertEqual(await heard.first("phx.bytes:x.said"), payload)

    async def presence(self) -> None:
        """The state is a call's result, and what changes is an event."""
        heard = await self.client.hear("phx.seats:1.presence_diff")
        call = self.client.call
        await call("phx.push", "seats:1", "enter", {"key": "ann", "meta": {"seat": 4}})
        diff = await heard.first("phx.seats:1.presence_diff")
        self.assertEqual(list(diff["joins"]), ["ann"])
        state = await call("phx.presence", "seats:1")
        (meta,) = state["ann"]["metas"]
        self.assertEqual(meta["seat"], 4)

    async def errors(self) -> None:
        """An error says what the server has said, and of what."""
        error = await self.error_of("rooms:lobby", "refuse", {"n": 1})
        self.assertEqual(error.error, "phx.error.refused")
        self.assertEqual(
            error.args[:2], ("error", {"reason": "not today", "got": {"n": 1}})
        )
        self.assertEqual(error.kwargs["topic"], "rooms:lobby")
        self.assertEqual(error.kwargs["event"], "refuse")
        error = await self.error_of("rooms:lobby", "nothing", timeout=0.2)
        self.assertEqual(error.error, "phx.error.timeout")
        error = await self.error_of("closed:1", "echo", {})
        self.assertEqual(error.error, "phx.error.join_refused")
        self.assertIn("members only", str(error))
        error = await self.error_of("rooms:lobby")
        self.assertEqual(error.error, "phx.error.invalid_argument")

    async def to_the_owner(self) -> None:
        """Who has a topic is called directly: the same comes back, errors too."""
        lobby, call = topic_uri("phx", "rooms:lobby"), self.client.call
        for payload in ({"a": [1, None]}, bytes(range(256))):
            reply = await call(lobby, "push", "echo", payload, timeout=LONGEST)
            self.assertEqual(reply, payload)
        await call("phx.push", "seats:1", "echo")
        state = await call(topic_uri("phx", "seats:1"), "presence")
        self.assertIn("ann", state)
        wrong: dict[str, tuple[Any, ...]] = {
            "phx.error.refused": ("push", "refuse"),
            "phx.error.timeout": ("push", "nothing", {}, 0.2),
            "phx.error.invalid_argument": ("pull", "echo"),
        }
        for name, arguments in wrong.items():
            error = await self.assertFailure(call(lobby, *arguments), ApplicationError)
            self.assertEqual(error.error, name)
            self.assertEqual(error.kwargs["topic"], "rooms:lobby")
        error = await self.assertFailure(
            call(topic_uri("phx", "rooms:nobody's"), "push", "echo"), ApplicationError
        )
        self.assertEqual(error.error, ApplicationError.NO_SUCH_PROCEDURE)
        silent = self.book.silent
        pending = call(lobby, "push", "nothing", timeout=LONGEST)
        await self.book.until(lambda: self.book.silent > silent, "the push")
        pending.cancel()
        await self.assertFailure(pending, CancelledError, ApplicationError)
        self.assertEqual(await call(lobby, "push", "echo", 1), 1)

    async def phoenix_restarted(self) -> None:
        """A server that was away is joined again, and subscribers are told."""
        heard = await self.client.hear(f"{LOBBY}.", "prefix")
        call = self.error_of("rooms:lobby", "nothing", timeout=LONGEST)
        silent = self.book.silent
        pending = Deferred.fromCoroutine(call)
        await self.book.until(lambda: self.book.silent > silent, "the push")
        await self.server.restart(drain=False)
        error = await pending
        self.assertEqual(error.error, "phx.error.interrupted")
        await heard.first(f"{LOBBY}.phx_join")
        await self.client.call("phx.push", "rooms:lobby", "say", "back")
        self.assertEqual(await heard.first(f"{LOBBY}.said"), "back")


class LeavingTests(CrossbarCase):
    """The last unsubscription leaves the topic."""

    # How long a topic is kept for those who call without a subscription.
    options: ClassVar[Config] = {"idle": 0.5}

    async def test_leaves(self) -> None:
        """A topic is left once nobody subscribes to it: by itself, or by its end."""
        await self.start_node("node", [self.router(), self.container("one")])
        first, second = await self.join(), await self.join()
        heard = await first.hear("phx.rooms:a.", "prefix")
        await second.hear("phx.rooms:a.said")
        await second.hear("phx.rooms:b.said")
        await self.book.until_joined({"rooms:a", "rooms:b"})
        await heard.subscription.unsubscribe()
        await self.asked_again(first)
        self.assertTrue(self.book.is_once({"rooms:a", "rooms:b"}))
        await second.end()
        await self.book.until_joined(set())

    async def asked_again(self, client: Client) -> None:
        """Once this is answered, the bridge has heard of what was before."""
        await client.call("phx.presence", "rooms:a")
