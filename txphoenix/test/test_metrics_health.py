"""The rule by which all is well, and what ``/health`` says of it."""

from __future__ import annotations

import json
from typing import Any

from txphoenix import Channel
from txphoenix.errors import JoinTimeout
from txphoenix.metrics.health import health

from .metrics_kit import NAME, MetricsCase
from .support import TOPIC

SECRET = "S3CR3T"


class HealthTests(MetricsCase):
    """What the clients have to be."""

    def report(self) -> dict[str, Any]:
        """What is said, which is JSON without a secret, and of bounded length."""
        report = health(self.exporter)
        text = json.dumps(report)
        self.assertNotIn(SECRET, text)
        self.assertLess(len(text), 100_000)
        return report

    def assert_health(self, status: str, connected: bool, joined: bool) -> None:
        """It is so well."""
        report = self.report()
        self.assertEqual(
            (report["status"], report["connected"], report["joined"]),
            (status, connected, joined),
        )

    def test_no_client(self) -> None:
        """Without a client nothing is well."""
        self.assert_health("unhealthy", False, False)
        self.make_client()
        self.assert_health("unhealthy", False, False)

    def test_life(self) -> None:
        """It is well from the join to the stop, but for outages."""
        client = self.connecting_client(params={"token": SECRET})
        channel = client.channel(TOPIC, {"token": SECRET})
        self.assert_health("unhealthy", False, True)
        channel.join()
        self.assert_health("unhealthy", False, False)
        self.memory.release_connections()
        self.memory.flush()
        self.assert_health("healthy", True, True)
        self.lose_connection()
        self.assert_health("unhealthy", False, False)
        self.reconnect()
        self.memory.flush()
        self.assert_health("healthy", True, True)
        self.stop_client(client)
        self.assert_health("unhealthy", False, False)

    def test_no_channels(self) -> None:
        """A client without channels is well once it is connected."""
        self.connected_client()
        self.assert_health("healthy", True, True)

    def test_refused_channel(self) -> None:
        """A channel that is not joined is named, with its status."""
        client = self.connected_client()
        self.joined_channel("rooms:den", client=client)
        self.memory.refusal = {"reason": SECRET}
        self.watch(client.channels.start_channel(TOPIC).join())
        self.memory.flush()
        self.assert_health("unhealthy", True, False)
        (found,) = self.report()["clients"]
        self.assertEqual(found["not_joined"], {TOPIC: "errored"})
        self.assertEqual(found["channels"], {"joined": 1, "errored": 1})
        self.memory.refusal = None
        self.memory.advance(10)
        self.assert_health("healthy", True, True)

    def test_failed_join(self) -> None:
        """A first join that has failed is no channel that is joined.

        It is until it is joined after all, or given up.
        """
        client = self.connecting_client()
        channel = client.channel(TOPIC, {"token": SECRET})
        joining = channel.join(timeout=5)
        self.memory.advance(5)
        self.failureResultOf(joining, JoinTimeout)
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(channel.state, "closed")
        self.assert_health("unhealthy", True, False)
        (found,) = self.report()["clients"]
        self.assertEqual(found["not_joined"], {TOPIC: "failed"})
        self.assertEqual(found["channels"], {"failed": 1})
        self.assertEqual(self.value("channels", status="failed"), 1)
        channel.join()
        self.memory.flush()
        self.assert_health("healthy", True, True)
        self.assertEqual(self.value("channels", status="failed"), 0)
        self.memory.refusal = {"reason": SECRET}
        other = client.channel("rooms:den")
        self.watch(other.join())
        self.memory.flush()
        self.assert_health("unhealthy", True, False)
        other.leave()
        self.assert_health("healthy", True, True)

    def test_waiting(self) -> None:
        """A channel that waits for ``connect()`` is named as one that is joining."""
        client = self.make_client(auto_connect=False)
        channel = client.channels.start_channel(TOPIC, {"token": SECRET})
        self.assertEqual(self.report()["client_count"], 0)
        client.startService()
        self.assert_health("unhealthy", False, False)
        (found,) = self.report()["clients"]
        self.assertEqual(found["not_joined"], {TOPIC: "joining"})
        client.connect()
        self.memory.flush()
        self.assert_health("healthy", True, True)
        self.stop_client(client)
        self.assertEqual(channel.state, "closed")
        client.startService()
        client.connect()
        self.memory.flush()
        self.assert_health("healthy", True, True)

    def test_join_channels(self) -> None:
        """What is to be joined with the first connection is not joined before it."""
        client = self.connecting_client(join_channels=[TOPIC])
        self.assert_to_join()
        self.memory.release_connections()
        self.memory.flush()
        self.assert_health("healthy", True, True)
        self.stop_client(client)
        client.startService()
        self.assert_to_join()
        self.memory.flush()
        self.assert_health("healthy", True, True)
        client.leave(TOPIC)
        self.memory.flush()
        self.assert_health("healthy", True, True)

    def assert_to_join(self) -> None:
        """The topic is named as one that is joining."""
        self.assert_health("unhealthy", False, False)
        (found,) = self.report()["clients"]
        self.assertEqual(found["not_joined"], {TOPIC: "joining"})
        self.assertEqual(found["channels"], {"joining": 1})

    def test_unmade_channel(self) -> None:
        """Nor is one whose channel could not be made, until the next connection."""
        errors = [ValueError("not yet")]

        def make(*args: Any) -> Channel:
            if errors:
                raise errors.pop()
            return Channel(*args)

        self.connected_client(join_channels=[TOPIC], default_channel_class=make)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assert_health("unhealthy", True, False)
        (found,) = self.report()["clients"]
        self.assertEqual(found["not_joined"], {TOPIC: "failed"})
        self.lose_connection()
        self.reconnect()
        self.assert_health("healthy", True, True)

    def test_leaving(self) -> None:
        """A channel that is left, or is being left, is no reason to be unwell."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.memory.is_stalled = True
        channel.leave()
        self.assertEqual(channel.state, "leaving")
        self.assert_health("healthy", True, True)
        self.memory.is_stalled = False
        self.memory.flush()
        self.assert_health("healthy", True, True)

    def test_one_of_several(self) -> None:
        """All clients have to be well; the one that is not comes first."""
        self.connected_client(name="well")
        other = self.connected_client(name="other")
        self.assert_health("healthy", True, True)
        other.disconnect()
        self.memory.flush()
        self.assert_health("unhealthy", False, True)
        self.assertEqual(
            [client["name"] for client in self.report()["clients"]], ["other", "well"]
        )

    def test_idle(self) -> None:
        """A client that has disconnected as nobody needs it is well.

        That no heartbeat of it is answered any more says nothing.
        """
        client = self.connected_client(disconnect_when_idle=5)
        client.ping()
        self.memory.advance(4)
        self.assertEqual(self.report()["last_heartbeat_seconds"], 4)
        self.memory.advance(2)
        self.assert_health("healthy", True, True)
        report = self.report()
        (found,) = report["clients"]
        self.assertEqual((found["connected"], found["idle"]), (False, True))
        self.assertIsNone(found["last_heartbeat_seconds"])
        self.assertIsNone(report["last_heartbeat_seconds"])

    def test_next_attempt(self) -> None:
        """In how long the next attempt begins, where one is planned."""
        client = self.connected_client(backoff=lambda _: 8.0)
        self.assertIsNone(self.report()["clients"][0]["next_attempt_seconds"])
        self.lose_connection()
        self.memory.advance(2)
        self.assertEqual(self.report()["clients"][0]["next_attempt_seconds"], 6)
        self.stop_client(client)

    def test_last_heartbeat(self) -> None:
        """The seconds since the last answer to a heartbeat, the longest of them."""
        self.connected_client(heartbeat_interval=30.0)
        self.assertIsNone(self.report()["last_heartbeat_seconds"])
        self.memory.advance(30)
        self.connected_client(heartbeat_interval=30.0, name=None)
        self.memory.advance(10)
        report = self.report()
        self.assertEqual(report["last_heartbeat_seconds"], 10)
        self.assertEqual(
            [
                (client["name"], client["last_heartbeat_seconds"])
                for client in report["clients"]
            ],
            [(NAME, 10), (None, None)],
        )

    def test_bounded(self) -> None:
        """However many clients and topics there are, so many are named."""
        clients = [self.connected_client(name=f"client-{n}") for n in range(130)]
        for number in range(50):
            self.watch(clients[0].channel(f"{number}" + "x" * 5000).join())
        report = self.report()
        self.assertEqual(report["client_count"], 130)
        self.assertEqual(len(report["clients"]), 100)
        self.assertEqual(report["clients"][0]["channels"], {"joining": 50})
        self.assertLessEqual(len(report["clients"][0]["not_joined"]), 20)
