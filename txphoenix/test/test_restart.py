"""A client that is started again before it has stopped: which channels live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import PushInterrupted

from .support import TOPIC, ClientTestCase, Outcome

STARTS: list[Callable[[SocketClient], None]] = [
    SocketClient.startService,
    SocketClient.connect,
]


class RestartTests(ClientTestCase):
    """What is joined after the start belongs to the new life, all else to the old."""

    def stopping(self) -> SocketClient:
        """A client whose stop has not ended, with a joined channel."""
        client = self.connected_client(join_channels=["rooms:always"])
        self.old = self.joined_channel("rooms:old", client=client)
        self.reasons: list[object] = []
        self.old.on_close(self.reasons.append)
        self.pushed = self.watch(self.old.push("silent"))
        self.memory.flush()
        self.stopped = self.watch(client.stopService())
        self.assert_waits(self.stopped)
        return client

    def test_join(self) -> None:
        """A channel that is joined between the start and the end of the stop lives."""
        for start in STARTS:
            client = self.stopping()
            start(client)
            channel = client.channel(TOPIC)
            reasons: list[object] = []
            channel.on_close(reasons.append)
            joined = self.watch(channel.join())
            self.memory.flush()
            self.assert_fired(self.stopped, None)
            self.assertEqual([type(it) for it in joined.fired], [dict])
            self.assertEqual((channel.state, reasons), ("joined", []))
            self.assertEqual((self.old.state, self.reasons), ("closed", ["stopped"]))
            self.assert_failed(self.pushed, PushInterrupted)
            self.assertEqual(sorted(client.channels.routes), ["rooms:always", TOPIC])
            self.stop_client(client)

    def test_join_old_object(self) -> None:
        """So does one of the old life that is joined again, by object or by topic."""
        joins: list[Callable[[SocketClient], Any]] = [
            lambda client: self.old.join(),
            lambda client: client.join("rooms:old"),
            lambda client: client.channels.start_channel("rooms:old").join(),
        ]
        for join in joins:
            client = self.stopping()
            client.startService()
            self.watch(join(client))
            self.memory.flush()
            self.assert_fired(self.stopped, None)
            found = client.channels.find("rooms:old")
            self.assertEqual(found and found.state, "joined")
            self.stop_client(client)

    def test_stop_again(self) -> None:
        """The last word counts: a second stop ends what was joined between."""
        client = self.stopping()
        client.startService()
        channel = client.channel(TOPIC)
        self.watch(channel.join())
        again = self.watch(client.stopService())
        self.memory.flush()
        self.assert_fired(self.stopped, None)
        self.assert_fired(again, None)
        self.assertEqual(channel.state, "closed")
        self.assertFalse(client.running)
        self.assertEqual(list(client.channels.routes), [])

    def test_start_again(self) -> None:
        """And a second start after it has the last word."""
        client = self.stopping()
        client.startService()
        self.watch(client.stopService())
        client.startService()
        channel = client.channel(TOPIC)
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual((client.running, client.connected), (1, True))
        self.assertEqual(channel.state, "joined")

    def test_told_of_the_end(self) -> None:
        """Who is told of the end of a channel may start again, and join at once."""
        for start in STARTS:
            client = self.connected_client(join_channels=["rooms:always"])
            old = self.joined_channel("rooms:old", client=client)
            other = self.joined_channel("rooms:other", client=client)
            joined: list[Outcome[Any]] = []

            def restart(
                _: object,
                start: Any = start,
                client: SocketClient = client,
                old: Channel = old,
                joined: list[Outcome[Any]] = joined,
            ) -> None:
                if not joined:
                    start(client)
                    joined.extend(
                        [self.watch(old.join()), self.watch(client.join(TOPIC))]
                    )

            old.on_close(restart)
            stopped = self.watch(client.stopService())
            self.memory.flush()
            self.assert_fired(stopped, None)
            self.assertEqual([type(it.fired[0]) for it in joined], [dict, tuple])
            self.assertEqual([old.state, other.state], ["joined", "closed"])
            services = [client, client.state, client.connection, client.channels, old]
            self.assertEqual([each.running for each in services], [1] * 5)
            self.assertEqual(
                sorted(client.channels.routes), ["rooms:always", TOPIC, "rooms:old"]
            )
            self.stop_client(client)

    def test_told_of_the_start(self) -> None:
        """What is joined by whom the start interrupts belongs to the new life."""
        client = self.stopping()
        joined: list[Outcome[Any]] = []

        def join(_: object) -> None:
            client.connect()
            joined.append(self.watch(client.join(TOPIC)))

        self.pushed.deferred.addCallback(join)
        client.startService()
        self.memory.flush()
        self.assertEqual([type(it.fired[0]) for it in joined], [tuple])
        self.assertEqual((self.old.state, state_of(client)), ("closed", "joined"))

    def test_disconnect(self) -> None:
        """The twin: what is joined between disconnect() and its end lives as well."""
        channel = self.joined_channel("rooms:old")
        client = self._clients[0]
        ended = self.watch(client.disconnect())
        self.assert_waits(ended)
        client.connect()
        joined = self.watch(client.join(TOPIC))
        self.memory.flush()
        self.assert_fired(ended, None)
        self.assertEqual([type(it) for it in joined.fired], [tuple])
        self.assertEqual([channel.state, state_of(client)], ["joined", "joined"])

    def test_stop_after_disconnect(self) -> None:
        """So it is where the stop comes before the end of a disconnect()."""
        self.joined_channel("rooms:old")
        client = self._clients[0]
        ended = [self.watch(client.disconnect()), self.watch(client.stopService())]
        client.startService()
        self.watch(client.join(TOPIC))
        self.memory.flush()
        for outcome in ended:
            self.assert_fired(outcome, None)
        self.assertEqual(state_of(client), "joined")
        self.assertEqual(list(client.channels.routes), [TOPIC])

    def test_server_that_does_not_answer(self) -> None:
        """So it is where the close is waited for in vain."""
        client = self.stopping()
        self.memory.is_stalled = True
        client.startService()
        joined = self.watch(client.join(TOPIC))
        self.memory.advance(client.options.close_timeout)
        self.memory.is_stalled = False
        self.memory.flush()
        self.assertEqual([type(it) for it in joined.fired], [tuple])
        self.assert_fired(self.stopped, None)


def state_of(client: SocketClient) -> object:
    """The state of the channel that has the topic."""
    channel: Channel | None = client.channels.find(TOPIC)
    return channel and channel.state
