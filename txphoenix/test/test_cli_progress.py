"""What a command tells of its connection: :mod:`txphoenix.cli.progress`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import telemetry
from txphoenix.cli.progress import RetryPolicy, follow, follow_channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConnectionClosed, HandshakeRefused
from txphoenix.test.cli_program import Room
from txphoenix.testing import MemoryServer
from txphoenix.testing.cases import PhoenixMixin


class RetryPolicyTests(SynchronousTestCase):
    """When to try again."""

    def test_refusal(self) -> None:
        """A refusal of the first attempt is final, a later one is not."""
        policy = RetryPolicy()
        refused = HandshakeRefused(403, {})
        self.assertFalse(policy(refused))
        policy.opened()
        self.assertTrue(policy(refused))

    def test_trouble(self) -> None:
        """A server or a network in trouble is tried again."""
        policy = RetryPolicy()
        for reason in (
            HandshakeRefused(503, {}),
            HandshakeRefused(None, {}),
            ConnectionClosed(1006),
        ):
            self.assertTrue(policy(reason), reason)

    def test_no_reconnect(self) -> None:
        """Who does not want it gets none."""
        policy = RetryPolicy(reconnect=False)
        policy.opened()
        self.assertFalse(policy(ConnectionClosed(1006)))


class FollowTests(PhoenixMixin, SynchronousTestCase):
    """The lines of a client's life."""

    def client(self, memory: MemoryServer) -> SocketClient:
        """A client, not started."""
        return SocketClient(
            memory.url,
            endpoint=memory.endpoint,
            reactor=memory.clock,
            params={"token": "sesame"},
            backoff=lambda attempt: 2.0,
            rejoin_backoff=lambda attempt: 2.0,
        )

    def test_life(self) -> None:
        """Each connection, loss, attempt and join is a line, and no secret is in it."""
        memory = self.phoenix_memory_server({"rooms:*": Room})
        client = self.client(memory)
        lines: list[str] = []
        stop = follow(client, lines.append)
        client.startService()
        client.join("rooms:a")
        memory.flush()
        self.assertEqual(lines, [f"connected to {memory.url}", "joined rooms:a"])
        del lines[:]

        memory.is_listening = False
        memory.drop()
        memory.flush()
        memory.advance(2.0)
        memory.is_listening = True
        memory.advance(2.0)
        lost, failed, *others = lines
        self.assertIn("connection lost: connection closed with code 1006", lost)
        self.assertIn("not connected: ", failed)
        for line in (lost, failed):
            self.assertIn("; trying again in 2.0 s", line)
        self.assertEqual(others, [f"connected to {memory.url}", "joined rooms:a"])
        self.assertNotIn("sesame", "".join(lines))
        del lines[:]

        stop()
        stopped = client.stopService()
        memory.flush()
        self.successResultOf(stopped)
        self.assertEqual(lines, [])
        self.assertEqual(telemetry.list_handlers(), [])

    def test_other_clients(self) -> None:
        """Other clients of the process are not told of."""
        memory = self.phoenix_memory_server({"rooms:*": Room})
        client, other = self.client(memory), self.client(memory)
        lines: list[str] = []
        self.addCleanup(follow(client, lines.append))
        other.startService()
        memory.flush()
        stopped = other.stopService()
        memory.flush()
        self.successResultOf(stopped)
        self.assertEqual(lines, [])

    def test_channel(self) -> None:
        """A crash on the server is told, a lost connection is told of elsewhere."""
        memory = self.phoenix_memory_server({"rooms:*": Room})
        client = self.client(memory)
        client.startService()
        channel = client.channel("rooms:a")
        lines: list[str] = []
        follow_channel(channel, lines.append)
        channel.join()
        memory.flush()
        memory.drop()
        memory.advance(2.0)
        self.assertEqual(lines, [])
        memory.kill_channel("rooms:a")
        memory.flush()
        (line,) = lines
        self.assertIn("channel 'rooms:a' closed", line)
        self.assertIn("; joining again", line)
        stopped = client.stopService()
        memory.flush()
        self.successResultOf(stopped)
