"""Channels of ``start_channel()``, and the stop of their client, with a start in it."""

from __future__ import annotations

from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs

from txphoenix import Channel, telemetry
from txphoenix.errors import AlreadyJoined, ChannelClosed, NotConnected
from txphoenix.telemetry import CHANNEL

from .log_case import told
from .started_case import OTHER, StartedCase
from .support import TOPIC, Outcome


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


class AgainTests(StartedCase):
    """A channel that is joined again while it ends: first it is told of the end."""

    def join_again(self, place: str) -> tuple[list[tuple[str, object]], Channel]:
        """Have a channel that is left joined anew, by what is called in that place.

        :return: its state, and the reason, of each call of its ``handle_close()``.
        """
        closes: list[tuple[str, object]] = []

        class Again(Channel):
            def init(self, params: object) -> object:
                # Its canceller is called where the channel ends.
                return Deferred(lambda _: again("init")) if place == "init" else None

            def stopService(self) -> None:
                super().stopService()
                again("stopService")

            def handle_close(self, reason: object) -> None:
                closes.append((self.state, reason))
                again("handle_close")

        def again(where: str) -> None:
            nonlocal place
            if where == place:
                place = ""
                channel.join().addErrback(lambda _: None)

        def told(_name: object, _numbers: object, event: Any, _config: object) -> None:
            if event["action"] == "left":
                again("telemetry")

        telemetry.attach("again", CHANNEL, told)
        self.addCleanup(telemetry.detach, "again")
        client = self.connected_client()
        channel = client.channels.start_channel(TOPIC, channel_class=Again)
        self.memory.flush()
        channel.receive().addErrback(lambda _: again("receive"))
        channel.on_close(lambda _reason: again("on_close"))
        channel.stop()
        self.memory.flush()
        return closes, channel

    def test_told_first(self) -> None:
        """It is closed in handle_close(), and joined then, wherever that is asked."""
        places = ["init", "stopService", "telemetry", "receive", "on_close"]
        for place in (*places, "handle_close"):
            with self.subTest(place=place):
                closes, channel = self.join_again(place)
                self.assertEqual(closes, [("closed", "stopped")])
                self.assertEqual((channel.state, channel.running), ("joined", 1))
                self.assertIsNotNone(channel.parent)
                self.watch(channel.receive())
                channel.stop()
                self.assertEqual((len(closes), channel.state), (2, "closed"))
                telemetry.detach("again")

    def test_left_again(self) -> None:
        """What is asked for before handle_close() can be taken back in it."""
        joins: list[Outcome[Any]] = []

        class Leaving(Channel):
            def stopService(self) -> None:
                super().stopService()
                if not joins:
                    joins.append(Outcome(self.join()))

            def handle_close(self, reason: object) -> None:
                self.leave()

        channel = self.connected_client().channels.start_channel(
            TOPIC, channel_class=Leaving
        )
        self.memory.flush()
        channel.stop()
        self.assert_failed(joins[0], ChannelClosed)
        self.memory.flush()
        self.assertEqual(channel.state, "closed")

    def test_other_meanwhile(self) -> None:
        """It is told first, too, where another has its topic before, and leaves it."""
        states: list[str] = []

        class Again(Channel):
            def stopService(self) -> None:
                super().stopService()
                if not states:
                    watch(other.join())
                    watch(self.join())
                    other.stop()

            def handle_close(self, reason: object) -> None:
                states.append(self.state)

        def watch(joining: Deferred[Any]) -> None:
            joins.append(self.watch(joining))

        joins: list[Outcome[Any]] = []
        client = self.connected_client()
        other = client.channel(TOPIC)
        channel = client.channels.start_channel(TOPIC, channel_class=Again)
        self.memory.flush()
        channel.stop()
        self.assertEqual(states, ["closed"])
        self.memory.flush()
        self.assert_failed(joins[0], ChannelClosed)
        self.assert_fired(joins[1], {})
        self.assertEqual((channel.state, other.state), ("joined", "closed"))
        self.assertIs(channel.parent, client.channels)

    def stop_meanwhile(self, is_lost: bool) -> None:
        """Stop the client while a channel that ends, and is joined again, is not told.

        :param is_lost: whether the connection is lost just before.
        """
        joins: list[Outcome[Any]] = []

        class Again(Channel):
            def stopService(self) -> None:
                super().stopService()
                if not joins:
                    join_and_stop()

        def join_and_stop() -> None:
            joins.append(self.watch(channel.join()))
            if is_lost:
                self.lose_connection()
            self.watch(client.stopService())

        client = self.connected_client()
        channel = client.channels.start_channel(TOPIC, channel_class=Again)
        self.memory.flush()
        channel.stop()
        self.memory.flush()
        self.assert_failed(joins[0], NotConnected)
        self.assertEqual(len(joins), 1)
        self.assertEqual((channel.state, channel.parent), ("closed", None))
        self.assertEqual(len(client.channels.next_joins), 0)

    def test_stop_meanwhile(self) -> None:
        """The join fails where the client is stopped before the channel is told."""
        self.stop_meanwhile(is_lost=False)

    def test_stop_after_loss(self) -> None:
        """So it does where the connection has been lost as well."""
        self.stop_meanwhile(is_lost=True)

    def test_reads_on(self) -> None:
        """A loop that joins it again, and waits for nothing, reads on."""
        joins: list[Outcome[Any]] = []
        came: list[object] = []

        class Again(Channel):
            def stopService(self) -> None:
                super().stopService()
                if len(joins) < 2:
                    joins.append(Outcome(self.join()))

        async def read() -> None:
            while len(came) < 2 and len(joins) < 5:
                async for message in channel:
                    came.append(message.payload)
                joins.append(Outcome(channel.join()))

        client = self.connected_client()
        channel = client.channels.start_channel(TOPIC, channel_class=Again)
        self.memory.flush()
        reading = self.watch(Deferred.fromCoroutine(read()))
        for number in range(2):
            self.memory.broadcast(TOPIC, "news", number)
            self.memory.flush()
            channel.stop()
            self.memory.flush()
        self.assertEqual(came, [0, 1])
        self.assertEqual(len(joins), 3)
        self.assert_failed(joins[1], AlreadyJoined)
        self.assert_fired(reading, None)
        self.assertEqual(channel.state, "joined")


class DisownedTests(StartedCase):
    """A channel that the program has taken away from the client's service."""

    def test_before_the_start(self) -> None:
        """It waits all the same, and is left and joined as any other."""
        client = self.make_client()
        channel = client.channels.start_channel(TOPIC)
        channel.disownServiceParent()
        client.startService()
        self.memory.flush()
        self.assertEqual((channel.state, channel.parent), ("joined", None))
        left = self.watch(channel.leave())
        self.memory.flush()
        self.assert_fired(left, None)
        joined = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(joined, {})
        self.assertIs(channel.parent, client.channels)

    def test_own_method(self) -> None:
        """What a class does in disownServiceParent() is no part of its end."""

        class Own(Channel):
            def disownServiceParent(self) -> None:
                raise LookupError("not to be overridden")

        client = self.connected_client()
        channel = client.channels.start_channel(TOPIC, channel_class=Own)
        self.memory.flush()
        channel.stop()
        self.assertEqual((channel.state, channel.parent), ("closed", None))
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(channel.state, "joined")


class StoppedTests(StartedCase):
    """A channel, and the stop of its client."""

    def test_start_again(self) -> None:
        """A stop ends it; one that is started after it waits for the next start."""
        client = self.connected_client()
        for _ in range(2):
            self.stop_client(client)
            channel = self.started(client)
            stopped = Outcome(channel.when_stopped())
            self.memory.advance(60.0)
            client.startService()
            self.assert_joined(channel)
            self.assert_waits(stopped)
            self.stop_client(client)
            self.assert_fired(stopped, None)
            self.assert_closed(channel, "stopped")
            client.startService()
            self.memory.flush()
            self.assertEqual(channel.state, "closed")

    def test_stop_twice(self) -> None:
        """A second stop ends what has waited for the next start."""
        client = self.connected_client()
        self.stop_client(client)
        channel = self.started(client)
        self.stop_client(client)
        self.assert_closed(channel, "stopped")

    def test_before_the_end(self) -> None:
        """One that is started while the client stops ends with it."""
        client = self.connected_client()
        stopped = self.watch(client.stopService())
        channel = self.started(client)
        self.memory.flush()
        self.assert_fired(stopped, None)
        self.assert_closed(channel, "stopped")

    def test_at_the_end(self) -> None:
        """One that the end of another starts is refused: nothing is left of a stop."""
        client = self.connected_client()
        made: list[Channel] = []

        def again(_reason: object) -> None:
            made.append(client.channels.start_channel(TOPIC))
            made[-1].on_close(again)

        first = client.channels.start_channel(TOPIC)
        first.on_close(again)
        self.memory.flush()
        with capturedLogs() as captured:
            self.stop_client(client)
        self.assertEqual([channel.state for channel in made], ["closed"])
        [line] = told(captured, LogLevel.warn)
        self.assertIn("the client has been stopped", line)

    def test_stop_at_the_end(self) -> None:
        """So is one that is started behind another stop, at the end of another."""
        client = self.connected_client()
        made: list[Channel] = []

        def again(_reason: object) -> None:
            client.stopService()
            made.append(client.channels.start_channel(TOPIC))
            made[-1].on_close(again)

        self.started(client).on_close(again)
        self.memory.flush()
        self.stop_client(client)
        self.assertEqual([channel.state for channel in made], ["closed"])
        self.assertEqual(client.channels.routes, {})
        # The end of a channel that starts the client again begins its next life.
        client.startService()
        self.memory.flush()
        channel = self.joined_channel(OTHER, client=client)

        def start(_reason: object) -> None:
            client.startService()
            made.append(client.channels.start_channel(TOPIC))

        channel.on_close(start)
        client.stopService()
        self.memory.flush()
        self.assertEqual((channel.state, made[-1].state), ("closed", "joined"))
