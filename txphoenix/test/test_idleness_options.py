"""What ``reconfigure()`` does to ``disconnect_when_idle``, and to who is idle."""

from __future__ import annotations

from txphoenix.errors import ConfigurationError

from .support import TOPIC
from .test_idleness import OTHER, IdleTestCase


class ReconfigureTests(IdleTestCase):
    """What reconfigure() does to it."""

    def test_seconds(self) -> None:
        """Other seconds take hold at once, and count from where the old ones did."""
        client = self.start()
        self.memory.advance(8)
        self.watch(client.reconfigure(disconnect_when_idle=20))
        self.memory.advance(11)
        self.assert_in_use(client)
        self.watch(client.reconfigure(disconnect_when_idle=5))
        self.memory.advance(0.1)
        self.assert_idle(client)

    def test_begins(self) -> None:
        """Where there was none the seconds count from here."""
        client = self.connected_client()
        self.memory.advance(100)
        self.watch(client.reconfigure(disconnect_when_idle=5))
        self.memory.advance(4)
        self.assert_in_use(client)
        self.memory.advance(2)
        self.assert_idle(client)

    def test_with_a_channel(self) -> None:
        """With a channel they count from its end."""
        client = self.connected_client()
        self.watch(client.join(TOPIC))
        self.memory.advance(1)
        self.watch(client.reconfigure(disconnect_when_idle=5))
        self.memory.advance(50)
        self.assert_in_use(client)
        self.watch(client.leave(TOPIC))
        self.memory.advance(6)
        self.assert_idle(client)

    def test_ends(self) -> None:
        """None ends the count."""
        client = self.start()
        self.memory.advance(8)
        self.watch(client.reconfigure(disconnect_when_idle=None))
        self.memory.advance(100)
        self.assert_in_use(client)

    def test_ends_while_idle(self) -> None:
        """None brings an idle client back."""
        client = self.idle()
        self.watch(client.reconfigure(disconnect_when_idle=None))
        self.memory.advance(100)
        self.assert_in_use(client)

    def test_others_while_idle(self) -> None:
        """Other options leave an idle client idle, and hold when it is back."""
        client = self.idle()
        self.watch(client.reconfigure(timeout=3, params={"a": "b"}))
        self.memory.advance(10)
        self.assert_idle(client)
        self.watch(client.join(TOPIC))
        self.memory.advance(1)
        self.assertEqual(self.memory.sessions[-1].socket.params["a"], "b")

    def test_more_channels(self) -> None:
        """Channels that are newly named are joined, and those left stay left."""
        client = self.start(join_channels=[TOPIC])
        self.watch(client.leave(TOPIC))
        self.memory.advance(11)
        self.assert_idle(client)
        self.watch(client.reconfigure(join_channels=[TOPIC, OTHER]))
        self.memory.advance(1)
        joined = [channel.topic for channel in client.channels]
        self.assertEqual(joined, [OTHER])

    def test_wrong(self) -> None:
        """It is a positive number of seconds or None."""
        for wrong in (0, -1, "10", True, float("inf"), float("nan")):
            with self.assertRaisesRegex(ConfigurationError, "disconnect_when_idle"):
                self.make_client(disconnect_when_idle=wrong)
