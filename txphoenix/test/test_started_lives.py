"""Channels of ``start_channel()``, and a start of the client in the midst of a stop."""

from __future__ import annotations

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from txphoenix import Channel

from .support import TOPIC
from .test_started_channels import OTHER, StartedCase


class LivesTests(StartedCase):
    """What is of the old life ends, and what is of the new one waits."""

    def test_start_inside(self) -> None:
        """A start at the end of one channel ends the others all the same."""
        client = self.connected_client()
        first = client.channels.start_channel(TOPIC)
        other = client.channels.start_channel(OTHER)
        first.on_close(lambda _reason: client.startService())
        self.memory.flush()
        client.stopService()
        self.memory.flush()
        self.assertEqual((first.state, other.state), ("closed", "closed"))

    def test_start_inside_again(self) -> None:
        """So it does in a later stop, when the client has been stopped before."""
        client = self.connected_client()
        self.stop_client(client)
        client.startService()
        self.memory.flush()
        self.test_start_inside()

    def test_waits_after(self) -> None:
        """The stop is over with that start, and what is started then waits."""
        client = self.make_client(auto_connect=False)
        client.connect()
        first = client.channels.start_channel(TOPIC)
        first.on_close(lambda _reason: client.startService())
        self.memory.flush()
        client.stopService()
        self.memory.flush()
        self.assertEqual(client.status, "disconnected")
        channel = client.channels.start_channel(OTHER)
        self.assertEqual((first.state, channel.state), ("closed", "joining"))
        client.connect()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")

    def test_time_anew(self) -> None:
        """Time that its params have had before a loss is not counted after it."""
        asked: list[Deferred[object]] = []

        def params() -> Deferred[object]:
            asked.append(Deferred())
            return asked[-1]

        client = self.connected_client(timeout=10.0)
        channel = self.started(client, params)
        self.memory.advance(8.0)
        self.memory.answers = False
        asked[0].callback({})
        self.lose_connection()
        self.memory.answers = True
        self.reconnect()
        self.memory.advance(8.0)
        self.assertEqual((len(asked), channel.state), (2, "joining"))
        asked[-1].callback({})
        self.memory.flush()
        self.assertEqual(channel.state, "joined")

    def test_privileged(self) -> None:
        """It is started once in each way, as any service of an application."""
        starts: list[str] = []

        class Told(Channel):
            def privilegedStartService(self) -> None:
                super().privilegedStartService()
                starts.append("privileged")

            def startService(self) -> None:
                super().startService()
                starts.append("started")

        client, application = self.make_client(), MultiService()
        client.setServiceParent(application)
        client.channels.start_channel(TOPIC, channel_class=Told)
        application.privilegedStartService()
        application.startService()
        self.assertEqual(starts, ["privileged", "started"])
