"""The manager of a client's channels: which topic is whose, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import IServiceCollection
from twisted.internet.defer import CancelledError
from twisted.logger import LogLevel, capturedLogs

from txphoenix import telemetry
from txphoenix.channels.channel import Channel
from txphoenix.channels.echo_room import EchoRoom
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import ConfigurationError, JoinError

from .support import TOPIC, ClientTestCase


class Room(Channel):
    """A channel class of the tests."""


class VIPRoom(Room):
    """Another."""


class MakeTests(ClientTestCase):
    """Making channels."""

    def class_of(self, topic: str, **options: Any) -> type[Channel]:
        """The class that is used for a topic."""
        return type(self.make_client(**options).channel(topic))

    def test_exact(self) -> None:
        """``topic_channel_map`` names the class of a topic."""
        classes = {"rooms:lobby": Room}
        self.assertIs(self.class_of("rooms:lobby", topic_channel_map=classes), Room)
        self.assertIs(self.class_of("rooms:lob", topic_channel_map=classes), EchoRoom)

    def test_longest_prefix(self) -> None:
        """Or of all topics that begin so; the longest beginning counts.

        The exact name counts more, and the order of the mapping does not.
        """
        classes: dict[str, type[Channel]] = {
            "*": EchoRoom,
            "rooms:vip:*": VIPRoom,
            "rooms:*": Room,
            "rooms:vip:exact": Channel,
        }
        expected: dict[str, type[Channel]] = {
            "users:1": EchoRoom,
            "rooms:1": Room,
            "rooms:vip": Room,
            "rooms:vip:1": VIPRoom,
            "rooms:vip:exact": Channel,
        }
        for order in (classes, dict(reversed(classes.items()))):
            for topic, channel_class in expected.items():
                found = self.class_of(topic, topic_channel_map=order)
                self.assertIs(found, channel_class, topic)

    def test_default(self) -> None:
        """Otherwise it is ``default_channel_class``, and without that an EchoRoom."""
        self.assertIs(self.class_of("a", default_channel_class=Room), Room)
        self.assertIs(self.class_of("a"), EchoRoom)

    def test_given(self) -> None:
        """A class that is given comes before all of these."""
        client = self.make_client(topic_channel_map={"a": Room})
        self.assertIs(type(client.channel("a", {}, VIPRoom)), VIPRoom)

    def test_reconfigured(self) -> None:
        """Other options hold from the next channel on."""
        client = self.make_client()
        self.assert_fired(
            self.watch(client.reconfigure(default_channel_class=Room)), None
        )
        self.assertIs(type(client.channel("a")), Room)

    def test_bad_topic(self) -> None:
        """A topic must be a str that is not empty."""
        client = self.make_client()
        bad: list[Any] = ["", None, b"rooms:lobby", 5]
        for topic in bad:
            error = self.assertRaises(ConfigurationError, client.channel, topic)
            self.assertIn("a topic must be a str that is not empty", str(error))

    def test_bad_class(self) -> None:
        """A channel's class must be a subclass of Channel."""
        client = self.make_client()
        bad: list[Any] = [object, "Room", 5, Room(TOPIC, {}, client.channels)]
        for channel_class in bad:
            error = self.assertRaises(
                ConfigurationError, client.channel, TOPIC, {}, channel_class
            )
            self.assertIn(
                "channel_class must be a subclass of txphoenix.Channel", str(error)
            )


class FindTests(ClientTestCase):
    """Finding channels, and ending them."""

    def setUp(self) -> None:
        """Have two channels."""
        super().setUp()
        self.client = self.connected_client()
        self.first = self.joined_channel("rooms:1", client=self.client)
        self.second = self.joined_channel("rooms:2", client=self.client)

    def test_find(self) -> None:
        """find() has the channel of a topic from its join to its end."""
        channels = self.client.channels
        self.assertIs(channels.find("rooms:1"), self.first)
        self.assertIsNone(channels.find("rooms:3"))
        third = self.client.channel("rooms:3")
        self.assertIsNone(channels.find("rooms:3"))
        self.watch(third.join())
        self.assertIs(channels.find("rooms:3"), third)
        self.memory.flush()
        self.watch(third.leave())
        self.assertIs(channels.find("rooms:3"), third)
        self.memory.flush()
        self.assertIsNone(channels.find("rooms:3"))

    def test_routing_is_a_dict(self) -> None:
        """Decision 9: a message finds its channel by one look-up of its topic."""
        self.assertEqual(
            self.client.channels.routes,
            {"rooms:1": self.first._membership, "rooms:2": self.second._membership},
        )
        self.assertIs(type(self.client.channels.routes), dict)

    def test_terminate_channel(self) -> None:
        """terminate_channel() ends one at once, and says whether there was one."""
        channels = self.client.channels
        self.assertTrue(channels.terminate_channel("rooms:1"))
        self.assertFalse(channels.terminate_channel("rooms:1"))
        self.assertEqual(self.first.state, "closed")
        self.assertEqual(self.second.state, "joined")
        self.memory.flush()
        self.assertEqual(self.memory.channels("rooms:1"), [])

    def test_terminate(self) -> None:
        """terminate() ends all."""
        self.client.channels.terminate()
        self.assertEqual([self.first.state, self.second.state], ["closed", "closed"])
        self.memory.flush()
        self.assertEqual(self.memory.channels(), [])
        self.assertTrue(self.client.connected)


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

    def test_taken(self) -> None:
        """A topic that is taken stays with its channel, and the log says so."""
        client = self.connected_client()
        first = self.joined_channel(client=client)
        with capturedLogs() as captured:
            second = client.channels.start_channel(TOPIC)
        self.assertEqual(second.state, "closed")
        self.assertIs(client.channels.find(TOPIC), first)
        levels = [each["log_level"] for each in captured]
        self.assertEqual(levels, [LogLevel.warn])


class SettledTests(ClientTestCase):
    """Waiting until no channel is on its way to be joined."""

    def test_none(self) -> None:
        """Without channels, or with joined ones, there is nothing to wait for."""
        client = self.connected_client()
        self.assert_fired(self.watch(client.channels.when_settled()), None)
        self.joined_channel(client=client)
        self.assert_fired(self.watch(client.channels.when_settled()), None)

    def test_all(self) -> None:
        """It fires when the last one is joined, or closed."""
        client = self.connected_client()
        self.joined_channel("rooms:1", client=client)
        self.lose_connection()
        refused = client.channel("rooms:2")
        self.watch(refused.join())
        outcomes = [self.watch(client.channels.when_settled()) for _ in range(2)]
        self.memory.answers = False
        self.reconnect()
        self.answer(self.sent()[0])
        self.assert_waits(outcomes[0])
        self.answer(self.sent()[1], "error")
        for outcome in outcomes:
            self.assert_fired(outcome, None)

    def test_last_of_all(self) -> None:
        """Decision 5: it fires when the channel has done all that is to be done."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        order: list[str] = []
        self.watch(channel.join().addCallback(lambda _: order.append("joined")))
        settled = client.channels.when_settled()
        self.watch(settled.addCallback(lambda _: order.append("settled")))
        self.memory.flush()
        self.assertEqual(order, ["joined", "settled"])

    def test_cancel(self) -> None:
        """One that is cancelled is forgotten, even by the callback of another."""
        client = self.connected_client()
        self.watch(client.channel(TOPIC).join())
        first = client.channels.when_settled()
        second = client.channels.when_settled()
        third = client.channels.when_settled()
        first.addCallback(lambda _: second.cancel())
        outcomes = [self.watch(each) for each in (first, second, third)]
        third.cancel()
        self.memory.flush()
        self.assert_fired(outcomes[0], None)
        self.assert_failed(outcomes[1], CancelledError)
        self.assert_failed(outcomes[2], CancelledError)


class ServiceTests(ClientTestCase):
    """The tree of services."""

    def setUp(self) -> None:
        """Have a client."""
        super().setUp()
        self.client = self.connected_client()
        self.manager = self.client.channels

    def test_tree(self) -> None:
        """Each part is found by its name, down to the channel."""
        channel = self.joined_channel(client=self.client)
        manager = self.client.getServiceNamed("channels")
        self.assertIs(manager, self.manager)
        self.assertTrue(IServiceCollection.providedBy(manager))
        self.assertIs(manager.getServiceNamed(TOPIC), channel)
        self.assertIs(channel.parent, manager)
        self.assertIs(manager.parent, self.client)
        self.assertIs(self.client.getServiceNamed("state"), self.client.state)
        self.assertIs(self.client.getServiceNamed("connection"), self.client.connection)

    def test_unknown_name(self) -> None:
        """A topic without a channel is a KeyError, as for all service collections."""
        self.assertRaises(KeyError, self.manager.getServiceNamed, TOPIC)

    def test_iteration(self) -> None:
        """The manager iterates over its channels, and these may end meanwhile."""
        for number in range(3):
            self.joined_channel(f"rooms:{number}", client=self.client)
        names = []
        for service in self.manager:
            names.append(service.name)
            self.manager.terminate()
        self.assertEqual(names, ["rooms:0", "rooms:1", "rooms:2"])
        self.assertEqual(list(self.manager), [])

    def test_running(self) -> None:
        """A channel runs from its join to its end, and belongs to nobody afterwards."""
        channel = self.client.channel(TOPIC)
        self.assertFalse(channel.running)
        self.assertIsNone(channel.parent)
        self.watch(channel.join())
        self.assertTrue(channel.running)
        self.memory.flush()
        self.watch(channel.leave())
        self.memory.flush()
        self.assertFalse(channel.running)
        self.assertIsNone(channel.parent)

    def test_stop(self) -> None:
        """stopService() stops all channels, and startService() brings back none."""
        channels = [
            self.joined_channel(f"rooms:{number}", client=self.client)
            for number in range(3)
        ]
        self.stop_client(self.client)
        self.assertEqual([each.state for each in channels], ["closed"] * 3)
        self.assertEqual([each.running for each in channels], [0] * 3)
        self.client.startService()
        self.memory.flush()
        self.assertEqual(list(self.manager), [])

    def test_not_running(self) -> None:
        """A channel that is given to a manager which does not run does not run."""
        self.stop_client(self.client)
        channel = self.client.channel(TOPIC)
        self.manager.register(channel._membership)
        self.assertFalse(channel.running)
        self.manager.unregister(channel._membership)
        self.manager.unregister(channel._membership)
        self.assertIsNone(self.manager.find(TOPIC))

    def test_stop_with_manager(self) -> None:
        """stopService() of the manager alone ends the channels, not the connection."""
        channel = self.joined_channel(client=self.client)
        self.watch(self.manager.stopService())
        self.assertEqual(channel.state, "closed")
        self.assertTrue(self.client.connected)


class BackoffTests(ClientTestCase):
    """The delay before a rejoin."""

    def delay(self, backoff: Callable[[int], Any], attempt: int = 0) -> float:
        """The delay that comes of a ``rejoin_backoff``."""
        client = self.make_client(rejoin_backoff=backoff)
        return client.channels.rejoin_delay(attempt)

    def test_asked(self) -> None:
        """It is what the option answers; less than nothing is nothing."""
        self.assertEqual(self.delay(lambda attempt: attempt * 2, 3), 6.0)
        self.assertEqual(self.delay(lambda _: -1), 0.0)

    def test_default(self) -> None:
        """Without the option it is at most 1, 2, 5, then 10 seconds."""
        client = self.make_client(rejoin_backoff=None)
        for attempt, longest in enumerate([1.0, 2.0, 5.0, 10.0, 10.0]):
            delay = client.channels.rejoin_delay(attempt)
            self.assertGreater(delay, 0.0)
            self.assertLessEqual(delay, longest)

    def test_wrong(self) -> None:
        """What is no delay, and what raises, is logged and a second."""
        answers: list[Any] = ["soon", None, float("inf"), float("nan")]
        for answer in answers:
            self.assertEqual(self.delay(dict.fromkeys([0], answer).get), 1.0)
            self.assertEqual(len(self.flushLoggedErrors()), 1)
        self.assertEqual(self.delay(lambda _: 1 // 0), 1.0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_reconfigured(self) -> None:
        """Another backoff, timeout or buffer holds at once."""
        client = self.make_client()
        self.watch(
            client.reconfigure(rejoin_backoff=lambda _: 7.0, timeout=9.0, push_buffer=3)
        )
        manager = client.channels
        self.assertEqual(manager.rejoin_delay(0), 7.0)
        self.assertEqual(manager.check_timeout(None), 9.0)
        self.assertEqual(manager.options.push_buffer, 3)


class TelemetryTests(ClientTestCase):
    """What the manager tells telemetry."""

    def events(self, name: telemetry.EventName) -> list[dict[str, Any]]:
        """Keep the metadata of all events of that name from now on."""
        kept: list[dict[str, Any]] = []
        telemetry.attach(
            "test",
            name,
            lambda _name, measured, metadata, _config: kept.append(
                {**measured, **metadata}
            ),
        )
        self.addCleanup(telemetry.detach, "test")
        return kept

    def connected_channel(self) -> tuple[SocketClient, Channel]:
        """A channel that is not joined."""
        client = self.connected_client()
        return client, client.channel(TOPIC)

    def test_state_changes(self) -> None:
        """Each change of a channel's state is told with old and new status."""
        client, channel = self.connected_channel()
        events = self.events(telemetry.STATE_CHANGE)
        self.watch(channel.join())
        self.memory.flush()
        self.memory.kill_channel(TOPIC)
        self.memory.advance(1.0)
        self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual(
            [(each["old_status"], each["new_status"]) for each in events],
            [
                ("left", "joining"),
                ("joining", "joined"),
                ("joined", "errored"),
                ("errored", "joining"),
                ("joining", "joined"),
                ("joined", "leaving"),
                ("leaving", "left"),
            ],
        )
        self.assertEqual({each["id"] for each in events}, {TOPIC})
        self.assertEqual({each["client"] for each in events}, {client})

    def test_channel_events(self) -> None:
        """Joins, failed joins and leaves are told, with their durations."""
        _client, channel = self.connected_channel()
        events = self.events(telemetry.CHANNEL)
        self.memory.answers = False
        self.watch(channel.join())
        self.memory.advance(2.0)
        self.answer(self.sent()[-1], response={"a": 1})
        self.watch(channel.leave())
        self.memory.advance(3.0)
        self.answer(self.sent()[-1])
        self.watch(channel.join())
        self.memory.flush()
        self.answer(self.sent()[-1], "error")
        self.assertEqual(
            [each["action"] for each in events],
            ["joined", "join_duration", "leave_duration", "left", "join_error", "left"],
        )
        self.assertEqual(events[0]["response"], {"a": 1})
        self.assertEqual([each.get("duration") for each in events[1:3]], [2.0, 3.0])
        self.assertEqual(events[3]["reason"], "left")
        self.assertIsInstance(events[4]["error"], JoinError)
        self.assertEqual({each["channel"] for each in events}, {channel})

    def test_nobody(self) -> None:
        """Decision 9: without handlers no event is made."""
        executed: list[Any] = []
        self.patch(telemetry, "execute", lambda *args: executed.append(args))
        self.joined_channel().stop()
        self.assertEqual(executed, [])
