"""Tests of :mod:`txphoenix.channels.settling`.

Who waits for the joins of a connection.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.settling import Settling
from txphoenix.errors import ConnectionFailed
from txphoenix.protocol.channel_states import State
from txphoenix.runtime.deadlines import Deadlines


class SettlingTests(SynchronousTestCase):
    """Channels that join, and somebody who waits for all of them."""

    def setUp(self) -> None:
        """Have two that join."""
        self.routes: dict[str, Any] = {}
        self.settling = Settling(self.routes, Deadlines(Clock()))
        self.channels: list[Any] = [SimpleNamespace(topic=topic) for topic in "ab"]
        for channel in self.channels:
            self.change(channel, State.CLOSED, State.JOINING)

    def change(self, channel: Any, old: State, new: State) -> None:
        """A channel's state changes."""
        self.routes[channel.topic] = SimpleNamespace(state=new)
        self.settling.channel_changed(channel, old, new)
        self.settling.check()

    def fail_join(self, channel: Any, is_awaited: bool = False) -> list[Any]:
        """A join fails.

        :return: what the log warns of.
        """
        with capturedLogs() as captured:
            self.settling.join_failed(channel, ValueError("no"), is_awaited)
        self.settling.check()
        return [each for each in captured if each["log_level"] is LogLevel.warn]

    def test_joined(self) -> None:
        """It is done when the last has joined, and at once from then on."""
        waiting = self.settling.wait()
        self.change(self.channels[0], State.JOINING, State.JOINED)
        self.assertNoResult(waiting)
        self.change(self.channels[1], State.JOINING, State.JOINED)
        self.assertIsNone(self.successResultOf(waiting))
        self.assertIsNone(self.successResultOf(self.settling.wait()))

    def test_failed(self) -> None:
        """One that fails is waited for no more, and the log has the first failure."""
        self.change(self.channels[0], State.JOINING, State.JOINED)
        waiting = self.settling.wait()
        self.assertEqual(len(self.fail_join(self.channels[1])), 1)
        self.assertIsNone(self.successResultOf(waiting))
        self.assertEqual(self.fail_join(self.channels[1]), [])

    def test_awaited(self) -> None:
        """Where somebody waits for the join, it is theirs and not the log's."""
        self.assertEqual(self.fail_join(self.channels[0], is_awaited=True), [])

    def test_lost(self) -> None:
        """After a loss all that are not joined are waited for again."""
        self.fail_join(self.channels[0])
        self.change(self.channels[0], State.JOINING, State.ERRORED)
        self.change(self.channels[1], State.JOINING, State.JOINED)
        self.assertIsNone(self.successResultOf(self.settling.wait()))
        self.settling.connection_lost()
        waiting = self.settling.wait()
        self.assertNoResult(waiting)
        self.change(self.channels[0], State.ERRORED, State.JOINING)
        self.assertNoResult(waiting)
        self.change(self.channels[0], State.JOINING, State.JOINED)
        self.assertIsNone(self.successResultOf(waiting))

    def test_abandoned(self) -> None:
        """Where there will be no connection, it fails with the reason."""
        waiting = self.settling.wait()
        error = ConnectionFailed("gone")
        self.settling.abandon(error)
        self.assertIs(self.failureResultOf(waiting).value, error)
