"""What the tests of the log of outages share: a client that is down, and its lines."""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs

from .log_case import told, told_by_others
from .support import ClientTestCase

__all__ = ["HOUR", "OutageLogCase"]

HOUR = 3600.0


class OutageLogCase(ClientTestCase):
    """A client with a name, and what is logged."""

    def setUp(self) -> None:
        """Capture all that is logged."""
        super().setUp()
        manager = capturedLogs()
        self.captured: Any = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)

    def named_client(self, channels: int = 1, **options: Any) -> Any:
        """A client that is connected, with channels that are joined."""
        topics = [f"rooms:{number}" for number in range(channels)]
        client = self.connected_client(name="chat", join_channels=topics, **options)
        self.memory.flush()
        self.assertEqual(len(client.channels.routes), channels)
        self.lines()
        return client

    def lines(self) -> list[str]:
        """What was logged since this was called last, of info and above."""
        lines = told(self.captured)
        self.assertEqual(told_by_others(self.captured), [])
        self.captured[:] = []
        return lines

    def go_down(self, seconds: float) -> None:
        """Have the server end, and stay away for some time."""
        self.memory.is_listening = False
        self.memory.cut()
        self.memory.advance(seconds)

    def come_back(self) -> None:
        """Have it back."""
        self.memory.is_listening = True
        self.memory.advance(0.5)
