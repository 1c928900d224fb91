"""What the tests of the seed's features share: a server over TCP, and its clients."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import TestCase

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.message import Message
from txphoenix.testing import PhoenixServer, Refused, ServerChannel, ok
from txphoenix.testing.cases import PhoenixMixin

__all__ = ["TOPIC", "Hook", "Lobby", "SeedTestCase", "WholeMessages"]

TOPIC = "rooms:lobby"


class Room(ServerChannel):
    """The server's channel."""

    def join(self, params: Any) -> Any:
        """Answer with the params, unless they ask for a refusal."""
        if "refuse" in params:
            raise Refused({"reason": "unauthorized"})
        return params

    def handle_in(self, event: str, payload: Any) -> Any:
        """Answer with the payload; ``shout`` goes to all, ``silent`` has no answer."""
        if event == "shout":
            self.broadcast("shouted", payload)
        return None if event == "silent" else ok(payload)


class Lobby(Channel):
    """A channel class with every callback."""

    def init(self, params: Any) -> None:
        """Begin."""
        self.seen: list[Any] = [("init", params)]

    def handle_join(self, response: Any) -> None:
        """Be joined."""
        self.seen.append(("handle_join", response))

    def handle_in(self, event: str, payload: Any) -> None:
        """Take a message."""
        self.seen.append(("handle_in", event, payload))

    def handle_close(self, reason: object) -> None:
        """Be closed."""
        self.seen.append(("handle_close", reason))


class WholeMessages(Lobby):
    """A channel class that takes messages whole, as the seed's ``handle_message``."""

    def handle_message(self, message: Message) -> None:
        """Take a message."""
        self.seen.append(message)


class Hook:
    """An object with ``handle_in``, as the seed's hook modules."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def handle_in(self, event: str, payload: Any) -> None:
        """Take a message."""
        self.seen.append((event, payload))


class SeedTestCase(PhoenixMixin, TestCase):
    """A server, and clients that are stopped in the end."""

    timeout = 120

    async def serve(self, **options: Any) -> PhoenixServer:
        """Start the server."""
        self.server = await self.phoenix_server({"rooms:*": Room}, **options)
        return self.server

    async def connected(self, **options: Any) -> SocketClient:
        """Start the server, and connect a client to it."""
        await self.serve()
        client = SocketClient(
            options.pop("url", self.server.url), backoff=steps([0.01]), **options
        )
        client.startService()
        self.addCleanup(client.stopService)
        return await client.when_connected()
