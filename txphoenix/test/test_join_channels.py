"""Tests of :mod:`txphoenix.channels.join_channels`.

One topic that fails is one topic.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError
from txphoenix.testing import PhoenixServer, ServerChannel

from .network import NetworkTestCase
from .support import ClientTestCase

TOPICS = ["rooms:1", "rooms:broken", "rooms:3"]


class Broken(Channel):
    """A class that cannot be made."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        raise LookupError("no database")


class NeverJoins(Channel):
    """A class that overrides what is not its to override."""

    def join(self, *_: Any, **_options: Any) -> Deferred[Any]:
        """Raise."""
        raise LookupError("no join")


def raise_lookup_error(*_: Any) -> Any:
    """Be a callable that raises."""
    raise LookupError("no")


BROKEN: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"topic_channel_map": {"rooms:broken": Broken}}, LookupError),
    ({"topic_channel_map": {"rooms:b*": raise_lookup_error}}, LookupError),
    ({"topic_channel_map": {"rooms:b*": lambda *_: None}}, ConfigurationError),
    ({"topic_channel_map": {"rooms:b*": NeverJoins}}, LookupError),
]


class JoinChannelsTests(ClientTestCase):
    """A topic whose channel cannot be made."""

    def check_others(self, client: SocketClient) -> None:
        """All but the broken topic are joined."""
        states = {topic: client.channels.find(topic) for topic in TOPICS}
        self.assertEqual(
            [it and str(it.state) for it in states.values()], ["joined", None, "joined"]
        )

    def test_raises(self) -> None:
        """It fails, loudly, and nobody else notices."""
        for options, kind in BROKEN:
            client = self.make_client(join_channels=TOPICS, **options)
            errors: list[Exception] = []
            opened: list[None] = []
            client.on_error(errors.append)
            client.on_open(lambda opened=opened: opened.append(None))  # type: ignore[misc]
            connected = self.watch(client.when_connected())
            client.startService()
            self.memory.flush()
            self.check_others(client)
            self.assert_fired(connected, client)
            self.assertEqual(opened, [None])
            self.assertEqual([type(error) for error in errors], [kind])
            [failure] = self.flushLoggedErrors(kind)
            self.assertEqual(failure.value, errors[0])

    def test_tried_again(self) -> None:
        """It is tried again when the next connection opens, and joined if it can be."""
        ready: list[bool] = []

        def make(*args: Any) -> Channel:
            if not ready:
                raise LookupError("not yet")
            return Channel(*args)

        client = self.connected_client(
            join_channels=TOPICS, topic_channel_map={"rooms:broken": make}
        )
        self.lose_connection()
        self.reconnect()
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 2)
        self.check_others(client)
        ready.append(True)
        self.lose_connection()
        self.reconnect()
        found = client.channels.find("rooms:broken")
        self.assertEqual(found and found.state, "joined")

    def test_reconfigured(self) -> None:
        """reconfigure() tries again as well, and does not raise what a class raises."""
        client = self.connected_client(
            join_channels=TOPICS, topic_channel_map={"rooms:broken": Broken}
        )
        self.assert_fired(self.watch(client.reconfigure(timeout=3.0)), None)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 2)
        self.watch(client.reconfigure(topic_channel_map={}))
        self.memory.flush()
        found = client.channels.find("rooms:broken")
        self.assertEqual(found and found.state, "joined")

    def test_reconfigured_when_told(self) -> None:
        """reconfigure() of a hook that is told starts what is new.

        What has failed is tried once more, and not for ever.
        """
        made: list[str] = []

        def make(topic: str, *_: Any) -> Channel:
            made.append(topic)
            raise LookupError("no database")

        client = self.make_client(
            join_channels=TOPICS, topic_channel_map={"rooms:broken": make}
        )
        client.on_error(
            lambda _: self.watch(client.reconfigure(join_channels=[*TOPICS, "rooms:4"]))
        )
        client.startService()
        self.memory.flush()
        self.check_others(client)
        self.assertEqual(made, ["rooms:broken"] * 2)
        found = client.channels.find("rooms:4")
        self.assertEqual(found and found.state, "joined")
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 2)

    def test_mended_when_told(self) -> None:
        """A hook that is told may mend it."""
        client = self.make_client(
            join_channels=TOPICS, topic_channel_map={"rooms:broken": Broken}
        )
        client.on_error(lambda _: self.watch(client.reconfigure(topic_channel_map={})))
        client.startService()
        self.memory.flush()
        found = client.channels.find("rooms:broken")
        self.assertEqual(found and found.state, "joined")
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)

    def test_reconfigured_when_made(self) -> None:
        """A topic that is no longer named when its turn comes is not started."""

        def make(*args: Any) -> Channel:
            self.watch(client.reconfigure(join_channels=["rooms:broken", "rooms:4"]))
            return Channel(*args)

        client = self.make_client(
            join_channels=TOPICS, topic_channel_map={"rooms:broken": make}
        )
        client.startService()
        self.memory.flush()
        self.assertEqual(
            list(client.channels.routes), ["rooms:1", "rooms:broken", "rooms:4"]
        )

    def test_disconnects(self) -> None:
        """One that disconnects while it is made is the last; the others join later."""
        clients: list[SocketClient] = []

        def make(*args: Any) -> Channel:
            if not clients:
                clients.append(client)
                self.watch(client.disconnect())
            return Channel(*args)

        client = self.make_client(
            join_channels=TOPICS, topic_channel_map={"rooms:broken": make}
        )
        client.startService()
        self.memory.flush()
        self.assertFalse(client.connected)
        client.connect()
        self.memory.flush()
        found = [client.channels.find(topic) for topic in ("rooms:1", "rooms:3")]
        self.assertEqual([it and it.state for it in found], ["joined"] * 2)

    def test_left(self) -> None:
        """One that was left stays left, until the client is stopped and started."""
        client = self.connected_client(join_channels=["rooms:1"])
        self.watch(client.leave("rooms:1"))
        self.memory.flush()
        self.watch(client.disconnect())
        self.memory.flush()
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertIsNone(client.channels.find("rooms:1"))
        self.watch(client.stopService())
        self.memory.flush()
        client.startService()
        self.memory.flush()
        channel = client.channels.find("rooms:1")
        self.assertEqual(channel and str(channel.state), "joined")

    def test_params(self) -> None:
        """Params that raise, now or later, keep one topic from joining."""
        for params in (raise_lookup_error, lambda: fail(LookupError("no"))):
            channels = {"rooms:1": None, "rooms:broken": params, "rooms:3": None}
            client = self.connected_client(join_channels=channels)
            states = [str(channel.state) for channel in client.channels]
            self.assertEqual(states, ["joined", "errored", "joined"])
            self.stop_client(client)


class NetworkTests(NetworkTestCase):
    """The same over TCP."""

    async def test_raises(self) -> None:
        """A class that raises keeps nobody from being connected and joined."""
        server = await PhoenixServer({"rooms:*": ServerChannel}).start()
        self.addCleanup(server.stop)
        client = self.client(
            server.url, join_channels=TOPICS, topic_channel_map={TOPICS[1]: Broken}
        )
        errors: list[Exception] = []
        client.on_error(errors.append)
        await client.when_connected()
        await server.when_joined(TOPICS[2])
        self.assertEqual([type(error) for error in errors], [LookupError])
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
