"""Channels that are joined without anybody who waits for it: ``start_channel()``."""

from __future__ import annotations

from typing import Any

from twisted.logger import LogLevel, capturedLogs

from txphoenix.channels.channel import Channel
from txphoenix.errors import JoinError

from .support import TOPIC, ClientTestCase


class Room(Channel):
    """A channel class of the tests."""


class StartChannelTests(ClientTestCase):
    """Channels that the manager joins by itself."""

    def test_start(self) -> None:
        """start_channel() makes a channel and has it join."""
        client = self.connected_client()
        channel = client.channels.start_channel(TOPIC, {"a": 1}, Room)
        self.assertIsInstance(channel, Room)
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.sent()[-1][4], {"a": 1})

    def test_refused(self) -> None:
        """A server that refuses is asked again; the log and on_error say why."""
        client = self.connected_client()
        self.memory.refusal = {"reason": "not yet"}
        with capturedLogs() as captured:
            channel = client.channels.start_channel(TOPIC)
            errors: list[BaseException] = []
            channel.on_error(errors.append)
            self.memory.flush()
            self.memory.advance(1.0)
        self.assertEqual([type(error) for error in errors], [JoinError, JoinError])
        self.assertEqual(channel.state, "errored")
        [event] = [each for each in captured if each["log_level"] is LogLevel.warn]
        self.assertIn("not yet", event["log_format"].format(**event))
        self.memory.refusal = None
        self.memory.advance(2.0)
        self.assertEqual(channel.state, "joined")

    def test_not_connected(self) -> None:
        """It may be called before there is a connection."""
        client = self.connecting_client()
        channel = client.channels.start_channel(TOPIC)
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")

    def test_before_the_start(self) -> None:
        """It may be called before the client is started, which says nothing."""
        client = self.make_client()
        with capturedLogs() as captured:
            channel = client.channels.start_channel(TOPIC)
            self.assertEqual(channel.state, "joining")
            self.memory.advance(client.options.timeout + 1)
            client.startService()
            self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.warnings(captured), [])

    def test_before_connect(self) -> None:
        """It may be called before connect(), where nothing else connects."""
        client = self.make_client(auto_connect=False)
        client.startService()
        channel = client.channels.start_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(channel.state, "joining")
        client.connect()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")

    def test_after_disconnect(self) -> None:
        """After disconnect() the channel joins once connect() has been called."""
        client = self.connected_client()
        self.watch(client.disconnect())
        self.memory.flush()
        channel = client.channels.start_channel(TOPIC)
        self.assertEqual(channel.state, "joining")
        client.connect()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")

    def test_never_started(self) -> None:
        """A client that stops without a start has nothing left, and says nothing."""
        client = self.make_client()
        with capturedLogs() as captured:
            channel = client.channels.start_channel(TOPIC)
            stopped = channel.when_stopped()
            self.watch(client.stopService())
            self.memory.flush()
        self.successResultOf(stopped)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(list(client.channels), [])
        self.assertEqual(self.warnings(captured), [])

    def test_after_the_stop(self) -> None:
        """After the stop the channel stays closed, and the log promises no more."""
        client = self.connected_client()
        self.watch(client.stopService())
        self.memory.flush()
        with capturedLogs() as captured:
            channel = client.channels.start_channel(TOPIC)
        [line] = self.warnings(captured)
        self.assertIn("could not be joined: ", line)
        self.assertIn("the client has been stopped", line)
        client.startService()
        self.memory.flush()
        self.assertEqual(channel.state, "closed")

    def test_taken(self) -> None:
        """A topic that is taken stays with its channel, and the log says so."""
        client = self.connected_client()
        first = self.joined_channel(client=client)
        with capturedLogs() as captured:
            second = client.channels.start_channel(TOPIC)
        self.assertEqual(second.state, "closed")
        self.assertIs(client.channels.find(TOPIC), first)
        [line] = self.warnings(captured)
        self.assertIn("could not be joined: ", line)

    def warnings(self, captured: Any) -> list[str]:
        """What the log has of that level."""
        events = [each for each in captured if each["log_level"] is LogLevel.warn]
        return [each["log_format"].format(**each) for each in events]
