"""The faults of Elixir's ``phoenix_socket_client``, none of which is here."""

from __future__ import annotations

from typing import Any

from txphoenix.errors import PushTimeout

from .seed_case import TOPIC, SeedTestCase


class SeedFaultTests(SeedTestCase):
    """The seed's faults, which are not ported."""

    async def test_heartbeat(self) -> None:
        """Its heartbeat was never sent."""
        await self.connected(heartbeat_interval=0.01)
        for _ in range(3):
            await self.server.when_received("heartbeat", "phoenix")

    async def test_headers(self) -> None:
        """Its headers never left."""
        await self.connected(headers={"Authorization": "Bearer token"})
        headers = self.server.connections[0].socket.headers
        self.assertEqual(headers["authorization"], "Bearer token")

    async def test_rejoin(self) -> None:
        """Its rejoin never ran."""
        client = await self.connected()
        _, channel = await client.join(TOPIC, {"a": 1})
        gone = self.server.when_disconnected()
        self.server.drop()
        await gone
        rejoined = await self.server.when_joined(TOPIC)
        self.assertEqual(rejoined.params, {"a": 1})
        self.assertEqual(await channel.push("echo", {"b": 2}), {"b": 2})

    async def test_push_timeout(self) -> None:
        """A push timeout crashed the caller."""
        client = await self.connected()
        _, channel = await client.join(TOPIC)
        error: Any = await self.assertFailure(
            channel.push("silent", timeout=0.01), PushTimeout
        )
        self.assertEqual(error.timeout, 0.01)
        self.assertEqual(await channel.push("echo", {"b": 2}), {"b": 2})
