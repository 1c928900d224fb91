"""The log of outages of many channels, and of many clients: few lines, and counts."""

from __future__ import annotations

from .outage_log_case import HOUR, OutageLogCase
from .support import TOPIC


class RejoinTests(OutageLogCase):
    """Channels that are joined again, by the thousand, or not."""

    server_options = {"channel_limit": None}

    def test_thousand(self) -> None:
        """They are one line, and told again by the warning that it is over."""
        self.named_client(1000)
        self.go_down(1)
        self.come_back()
        _, _, rejoined, over = self.lines()
        self.assertIn("rejoined 1000 of 1000 channels, ", rejoined)
        self.assertIn("rejoined 1000 of 1000 channels", over)

    def test_refused(self) -> None:
        """Those that are refused are told for twenty times, and counted."""
        self.named_client(1000)
        self.memory.refusal = {"reason": "full"}
        self.go_down(1)
        self.come_back()
        _, _, *refused, rejoined, over = self.lines()
        self.assertEqual(len(refused), 10 + 10)
        self.assertIn("rooms:0: could not be joined again, and is tried", refused[0])
        self.assertIn("; as with 512 more within a minute", refused[-1])
        self.assertIn("info: chat: rejoined 0 of 1000 channels", rejoined)
        self.assertIn("; 1000 refused and tried again, such as rooms:0: join", rejoined)
        self.assertIn("is over after 1.5 s; attempts: 3; rejoined 0 of 1000", over)

    def test_slow(self) -> None:
        """Where the server answers no join, the outage is not over, and reminded of."""
        self.named_client(3, heartbeat_interval=HOUR, timeout=2 * HOUR)
        self.memory.holds_joins = True
        self.go_down(1)
        self.come_back()
        self.memory.advance(130)
        _, _, *reminders = self.lines()
        self.assertEqual(len(reminders), 2)
        self.assertIn(
            "is not over: connected, but 3 of 3 channels have had no answer",
            reminders[0],
        )

    def test_left(self) -> None:
        """A channel that is left meanwhile is waited for no more."""
        client = self.named_client(2, heartbeat_interval=HOUR, timeout=2 * HOUR)
        self.memory.holds_joins = True
        self.go_down(1)
        self.come_back()
        self.lines()
        for topic in ("rooms:0", "rooms:1"):
            client.channels.find(topic).stop()
        rejoined, over = self.lines()
        self.assertIn("rejoined 0 of 2 channels", rejoined)
        self.assertIn("is over", over)

    def test_first_joins(self) -> None:
        """Joins that were never sent before are no rejoins."""
        client = self.named_client(0)
        self.go_down(1)
        client.channel(TOPIC).join()
        self.come_back()
        _, _, over = self.lines()
        self.assertNotIn("rejoined", over)


class ThousandsTests(OutageLogCase):
    """Many clients in one process."""

    def test_clients(self) -> None:
        """The lines of a moment are few, and say how many there were."""
        count = 300
        for number in range(count):
            self.make_client(name=f"client {number}", backoff=lambda _: 30.0)
        for client in self._clients:
            client.startService()
        self.memory.flush()
        lines = self.lines()
        self.assertEqual(len(lines), 10 + 9)
        self.assertTrue(lines[-1].endswith("; as with 256 more within a minute"))
        self.memory.is_listening = False
        self.memory.drop()
        self.memory.advance(100)
        lines = self.lines()
        self.assertEqual(len(lines), 2 * (10 + 9))
        self.memory.is_listening = True
        self.memory.advance(30)
        lines = self.lines()
        self.assertLessEqual(len(lines), 3 * (10 + 9))
        for client in self._clients:
            client.stopService()
        self.memory.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
