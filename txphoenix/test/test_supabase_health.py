"""What ``/health`` says of the channels of a Supabase client."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry

from txphoenix.errors import JoinError
from txphoenix.metrics import MetricsExporter
from txphoenix.metrics.health import health
from txphoenix.protocol.backoff import steps
from txphoenix.supabase import RealtimeChannel, RealtimeClient

from .supabase_client_case import ClientCase

TOPIC = "realtime:room"


class HealthTests(ClientCase):
    """A channel that the project refuses, and what becomes of it."""

    def setUp(self) -> None:
        """Have a project that takes private channels alone, and an exporter."""
        self.is_allowed = False
        self.project(private_only=True, policy=lambda *_: self.is_allowed)
        now = self.memory.clock.seconds
        self.exporter = MetricsExporter(CollectorRegistry(), now=now).attach()
        self.addCleanup(self.exporter.detach)

    def assert_health(self, status: str, **not_joined: str) -> None:
        """It is so well, and these are not joined."""
        report = health(self.exporter)
        (found,) = report["clients"]
        expected = {f"realtime:{name}": state for name, state in not_joined.items()}
        self.assertEqual(
            (report["status"], report["connected"], found["not_joined"]),
            (status, True, expected),
        )

    def refuse(self, client: RealtimeClient) -> RealtimeChannel:
        """A channel whose subscription is refused."""
        channel = client.channel("room", private=True)
        subscribing = channel.subscribe()
        self.memory.flush()
        self.failureResultOf(subscribing, JoinError)
        return channel

    def test_refused(self) -> None:
        """One that is refused is named, until it is subscribed or given up."""
        client = self.client()
        self.assert_health("healthy")
        channel = self.refuse(client)
        self.assert_health("unhealthy", room="failed")
        self.is_allowed = True
        self.subscribed(channel)
        self.assert_health("healthy")
        self.is_allowed = False
        channel.unsubscribe()
        self.memory.flush()
        self.assert_health("healthy")
        channel = self.refuse(client)
        self.assert_health("unhealthy", room="failed")
        channel.unsubscribe()
        self.assert_health("healthy")

    def test_started(self) -> None:
        """One of ``start_channel()`` is tried again; its token is asked for then."""
        tokens: list[str] = []

        def token() -> None:
            tokens.append("asked")

        client = RealtimeClient(
            self.memory.project_url,
            self.memory.publishable_key,
            token,
            reactor=self.memory.clock,
            endpoint=self.memory.endpoint,
            rejoin_backoff=steps([1.0]),
        )
        self.addCleanup(self.end, client)
        channel: Any = client.socket.channels.start_channel(TOPIC)
        self.assertEqual((channel.state, tokens), ("joining", []))
        client.startService()
        self.memory.flush()
        self.assertEqual(tokens, ["asked"])
        self.assert_health("unhealthy", room="errored")
        self.memory.advance(1.0)
        self.assertEqual(tokens, ["asked"] * 2)
        self.assertEqual(len(self.frames("phx_join")), 2)
        self.assertIsInstance(channel, RealtimeChannel)
        channel.unsubscribe()
        self.assert_health("healthy")
