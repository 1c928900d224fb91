"""Which topics a channel may have: all that a server could take."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

from txphoenix.channels.channel import Channel
from txphoenix.errors import ConfigurationError, SerializerError

from .support import ClientTestCase, Room, ScriptedServer


class TopicTests(ClientTestCase):
    """What can never work is refused at once."""

    def test_impossible_topic(self) -> None:
        """Phoenix's own topic is refused everywhere, with why; so is no UTF-8."""
        client = self.connected_client()
        for topic, said in (
            ("phoenix", "must not be 'phoenix': the heartbeats of the connection have"),
            ("rooms:\ud800", "must be text that UTF-8 can hold"),
        ):
            ways: list[Callable[[], Any]] = [
                partial(client.channel, topic),
                partial(client.channels.make, topic),
                partial(client.channels.start_channel, topic),
                partial(client.reconfigure, join_channels=[topic]),
                partial(client.reconfigure, join_channels={topic: None}),
                partial(client.reconfigure, topic_channel_map={topic: Channel}),
                partial(self.make_client, join_channels=[topic]),
                partial(self.make_client, topic_channel_map={topic: Channel}),
            ]
            for way in ways:
                error = self.assertRaises(ConfigurationError, way)
                self.assertIn(said, str(error))
            error = self.assert_failed(
                self.watch(client.join(topic)), ConfigurationError
            )
            self.assertIn(said, str(error))
        self.memory.advance(100)
        self.assertTrue(client.connected)
        self.assertEqual(len(self.memory.sessions), 1)

    def test_subclass_of_str(self) -> None:
        """A topic is kept as the text that is sent, whatever kind of str it was."""

        class Name(str):
            __slots__ = ()

            def __str__(self) -> str:
                return "odd"

            def __eq__(self, other: object) -> bool:
                return self is other

            def __hash__(self) -> int:
                return 1

        class Topic(str, Enum):  # noqa: UP042  # A StrEnum is shown as its text.
            ROOM = "rooms:lobby"

        client = self.connected_client()
        for topic in (Name("rooms:lobby"), Topic.ROOM):
            channel = client.channel(topic)
            self.watch(channel.join())
            self.memory.flush()
            self.assertEqual(repr(channel), "<EchoRoom rooms:lobby joined>")
            self.assertIs(client.channels.find("rooms:lobby"), channel)
            channel.stop()
            options = self.make_client(
                join_channels=[topic], topic_channel_map={topic: Channel}
            ).options
            for mapping in (options.join_channels, options.topic_channel_map):
                self.assertEqual([type(key) for key in mapping], [str])

    def test_odd_topics(self) -> None:
        """Topics that a server may have, however odd, are taken."""
        self.memory = ScriptedServer({"*": Room})
        self.clock = self.memory.clock
        client = self.connected_client()
        for topic in (" ", "phoenix:", "Phoenix", "phoenix*", "\0", "t" * 300, "ä"):
            channel = client.channel(topic)
            self.watch(channel.join())
            self.memory.flush()
            self.assertEqual(channel.state, "joined", topic)
            pushed = self.watch(channel.push("echo", b"binary"))
            self.memory.flush()
            if len(topic) < 256:
                self.assert_fired(pushed, b"binary")
            else:
                error = self.assert_failed(pushed, SerializerError)
                self.assertIn("topic has at most 255 bytes", str(error))
