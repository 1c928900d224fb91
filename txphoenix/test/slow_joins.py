"""A server in memory whose joins take their time, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.protocol.message import Message
from txphoenix.testing import Refused
from txphoenix.testing.session import ServerSession

from .support import ClientTestCase, Outcome, Room, ScriptedServer

__all__ = ["SlowJoinsTestCase", "SlowServer"]


class SlowRoom(Room):
    """A room that is joined after a while."""

    endpoint: SlowServer

    def join(self, params: Any) -> Any:
        """Do as the server says of this topic."""
        server = self.endpoint
        server.asked.append(self.topic)
        seconds = server.seconds_of.get(self.topic, server.seconds)
        later = deferLater(server.clock, seconds, self._decide, params)
        return later.addCallback(lambda given: given)

    def _decide(self, params: Any) -> Any:
        if self.topic in self.endpoint.refused:
            raise Refused({"reason": "no"})
        if self.topic in self.endpoint.crashing:
            raise ValueError("crash")
        return params


class SlowServer(ScriptedServer):
    """The server.

    :ivar seconds: what a join takes.
    :ivar seconds_of: what the join of one topic takes, by topic.
    :ivar refused: topics whose join is refused.
    :ivar crashing: topics whose join crashes.
    :ivar asked: the topics of the joins, in the order in which it came to them.
    :ivar arrived: what has come on the latest connection, whether or not the server
        has come to it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__({"rooms:*": SlowRoom}, channel_limit=None, **options)
        self.seconds = 0.0
        self.seconds_of: dict[str, float] = {}
        self.refused: set[str] = set()
        self.crashing: set[str] = set()
        self.asked: list[str] = []
        self.arrived: list[Message] = []

    def session_opened(self, session: ServerSession) -> None:
        """Note what comes from now on, as it comes."""
        self.arrived = []
        super().session_opened(session)
        take = session.receive

        def receive(data: bytes, is_binary: bool) -> None:
            self.arrived.append(session.codec.decode(data, is_binary))
            take(data, is_binary)

        session.receive = receive  # type: ignore[method-assign]


class SlowJoinsTestCase(ClientTestCase):
    """A test with such a server.

    :ivar errors: what the channels' ``on_error`` hooks were told.
    """

    memory: SlowServer

    def setUp(self) -> None:
        """Make the server."""
        super().setUp()
        self.memory = SlowServer(**self.server_options)
        self.clock = self.memory.clock
        self.errors: list[BaseException] = []

    def topics(self, count: int) -> list[str]:
        """So many topics."""
        return [f"rooms:{number}" for number in range(count)]

    def joined(
        self, count: int, channel_class: type[Channel] | None = None, **options: Any
    ) -> tuple[SocketClient, list[Channel]]:
        """A client with so many channels, which have joined in no time.

        :return: the client and the channels; the server's notes are empty.
        """
        client = self.connected_client(**options)
        channels = [
            client.channel(topic, {}, channel_class) for topic in self.topics(count)
        ]
        for channel in channels:
            self.watch(channel.join())
            channel.on_error(self.errors.append)
        self.memory.advance(1.0)
        self.assert_joined(channels)
        self.memory.asked.clear()
        return client, channels

    def come_back(self) -> float:
        """Lose the connection, and have another.

        :return: when the other was there.
        """
        self.lose_connection()
        self.errors.clear()
        self.memory.advance(0.5)
        return self.clock.seconds()

    def join_all(
        self, client: SocketClient, topics: Iterable[str]
    ) -> list[Outcome[Any]]:
        """Join these topics.

        :return: what becomes of the joins.
        """
        joins: list[Deferred[Any]] = [client.channel(each).join() for each in topics]
        return [self.watch(join) for join in joins]

    def assert_joined(self, channels: Iterable[Channel]) -> None:
        """All of them are joined."""
        self.assertEqual([each for each in channels if not each.is_joined], [])

    def count(self, event: str) -> int:
        """How many messages of that event came on the latest connection."""
        return sum(message.event == event for message in self.memory.arrived)

    def wait_until_joined(self, channels: list[Channel]) -> None:
        """Let the time pass that it takes."""
        self.memory.wait_for(lambda: all(each.is_joined for each in channels), 600.0)
