"""Tests of :mod:`txphoenix.channels.state_changes`.

What telemetry is told of new states.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from txphoenix import telemetry
from txphoenix.channels.channel import Channel

from .support import TOPIC, ClientTestCase


class StateChangesTests(ClientTestCase):
    """Two functions, of which the first calls the channel back."""

    def told(self, at: str, call: Callable[[Channel], object]) -> list[list[str]]:
        """What each of the two is told, from the join on."""
        channel = self.connected_client().channel(TOPIC)
        told: list[list[str]] = []

        def listen(act: bool) -> None:
            seen: list[str] = []
            told.append(seen)

            def function(_name: Any, _numbers: Any, event: Any, _config: Any) -> None:
                if event["type"] != "channel":
                    return
                seen.append(f"{event['old_status']} {event['new_status']}")
                if act and event["new_status"] == at:
                    call(channel)

            name = f"{self.id()} {act}"
            telemetry.attach(name, telemetry.STATE_CHANGE, function)
            self.addCleanup(telemetry.detach, name)

        listen(True)
        listen(False)
        self.watch(channel.join())
        self.memory.flush()
        return told

    def assert_in_order(self, at: str, call: Callable[[Channel], object]) -> None:
        """Both are told of all, in the order in which it happened."""
        first, second = self.told(at, call)
        self.assertEqual(first, second)
        self.assertTrue(first[-1].endswith(" left"), first)
        for before, after in pairwise(first):
            self.assertEqual(before.split()[1], after.split()[0])

    def test_leave(self) -> None:
        """A leave follows the join, whoever hears of it."""
        self.assert_in_order("joined", lambda channel: channel.leave())

    def test_stop(self) -> None:
        """So does a stop, and nobody takes the channel for joined at the end."""
        self.assert_in_order("joined", lambda channel: channel.stop())

    def test_stop_before_the_join(self) -> None:
        """A channel may be stopped as soon as it wants to join."""
        self.assert_in_order("joining", lambda channel: channel.stop())
