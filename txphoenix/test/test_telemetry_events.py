"""Every event of telemetry, provoked over a real connection."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from txphoenix import telemetry
from txphoenix.channels.channel import Channel
from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    ConnectionClosed,
    HandshakeRefused,
    JoinError,
    PushInterrupted,
)
from txphoenix.protocol.backoff import steps
from txphoenix.protocol.message import Message
from txphoenix.telemetry import (
    CHANNEL,
    MESSAGE,
    PUSH,
    SOCKET,
    STATE_CHANGE,
    TRAFFIC,
    EventName,
)
from txphoenix.testing import EchoChannel, Refused, ServerChannel
from txphoenix.testing.cases import PhoenixMixin

SECRET = "S3CR3T"
TOPIC = "echo:1"

_SOCKET = {"url"}
_CHANNEL = {"topic", "channel"}
_MESSAGE = {"topic", "event", "payload", "ref", "join_ref"}
_PUSH = {"topic", "channel", "event"}
_CHANGE = {"type", "id", "old_status", "new_status"}

# Name and action -> the keys of the measurements, and those of the metadata besides
# action, client and timestamp, which each event has.
EVENTS: dict[tuple[EventName, str], tuple[set[str], set[str]]] = {
    (SOCKET, "connecting"): ({"count"}, _SOCKET),
    (SOCKET, "connected"): ({"count"}, _SOCKET),
    (SOCKET, "disconnected"): ({"count"}, _SOCKET | {"reason"}),
    (SOCKET, "connection_error"): ({"count"}, _SOCKET | {"error"}),
    (SOCKET, "reconnecting"): ({"delay"}, _SOCKET | {"attempt", "next_attempt_at"}),
    (SOCKET, "idle"): ({"duration"}, _SOCKET),
    (SOCKET, "connection_duration"): ({"duration"}, _SOCKET),
    (SOCKET, "heartbeat"): ({"count"}, _SOCKET),
    (SOCKET, "heartbeat_duration"): ({"duration"}, _SOCKET),
    (CHANNEL, "joined"): ({"count"}, _CHANNEL | {"response"}),
    (CHANNEL, "join_error"): ({"count"}, _CHANNEL | {"error"}),
    (CHANNEL, "left"): ({"count"}, _CHANNEL | {"reason"}),
    (CHANNEL, "join_duration"): ({"duration"}, _CHANNEL),
    (CHANNEL, "leave_duration"): ({"duration"}, _CHANNEL),
    (SOCKET, "reading_paused"): ({"count"}, _SOCKET),
    (SOCKET, "reading_resumed"): ({"duration"}, _SOCKET),
    (SOCKET, "undecodable"): ({"count"}, _SOCKET | {"error"}),
    (SOCKET, "unsent"): ({"count"}, _SOCKET),
    (CHANNEL, "rejoining"): ({"delay"}, _CHANNEL | {"error"}),
    (CHANNEL, "crashed"): ({"count"}, _CHANNEL | {"error", "callback"}),
    (CHANNEL, "restarted"): ({"count"}, _CHANNEL),
    (CHANNEL, "dropped"): ({"count"}, _CHANNEL | {"reason"}),
    (PUSH, "replied"): ({"duration"}, _PUSH | {"status", "response"}),
    (PUSH, "failed"): ({"duration"}, _PUSH | {"error"}),
    (TRAFFIC, "sent"): ({"count", "size"}, set()),
    (TRAFFIC, "received"): ({"count", "size"}, set()),
    (MESSAGE, "sent"): ({"count", "size"}, _MESSAGE),
    (MESSAGE, "received"): ({"count", "size"}, _MESSAGE),
    (STATE_CHANGE, "socket"): ({"count"}, _CHANGE),
    (STATE_CHANGE, "channel"): ({"count"}, _CHANGE),
}

# Those that may be of more than one message.
COUNTED = {
    (SOCKET, "unsent"),
    (CHANNEL, "dropped"),
    (TRAFFIC, "sent"),
    (TRAFFIC, "received"),
}

Event = tuple[EventName, Mapping[str, Any], Mapping[str, Any]]


class Secret(ServerChannel):
    """A channel that nobody may join."""

    def join(self, params: Any) -> Any:
        """Refuse."""
        raise Refused({"reason": "unauthorized"})


class Crashing(Channel):
    """A channel that crashes at each message."""

    def handle_in(self, event: str, payload: Any) -> None:
        """Crash."""
        raise Crash(SECRET)


class Crash(Exception):
    """What it raises."""


class EventTests(PhoenixMixin, TestCase):
    """What the handlers are told."""

    timeout = 120

    async def start(self, **options: Any) -> SocketClient:
        """Start a server and a client, and note each event from then on."""
        self.server = await self.phoenix_server(
            {"echo:*": EchoChannel, "secret": Secret}
        )
        self.events: list[Event] = []
        self.waiting: dict[str, Deferred[None]] = {}
        telemetry.attach_many("test", {name for name, _ in EVENTS}, self.take)
        self.addCleanup(telemetry.detach, "test")
        self.began = time.time()
        client = SocketClient(
            f"{self.server.url}?token={SECRET}", backoff=steps([0.01]), **options
        )
        client.startService()
        self.addCleanup(client.stopService)
        await client.when_connected()
        return client

    def take(
        self,
        name: EventName,
        measurements: Mapping[str, Any],
        metadata: Mapping[str, Any],
        config: object,
    ) -> None:
        """Note an event, and tell who waits for it."""
        self.events.append((name, measurements, metadata))
        waiting = self.waiting.pop(metadata["action"], None)
        if waiting is not None:
            waiting.callback(None)

    def when(self, action: str) -> Deferred[None]:
        """Wait for the next event of an action."""
        waiting = self.waiting[action] = Deferred()
        return waiting

    def seen(self, name: EventName, *actions: str) -> list[tuple[Any, ...]]:
        """The events of a name: action, measurements and metadata."""
        return [
            (metadata["action"], measurements, metadata)
            for seen, measurements, metadata in self.events
            if seen == name and (not actions or metadata["action"] in actions)
        ]

    def actions(self, name: EventName) -> list[str]:
        """The actions of the events of a name, in their order."""
        return [action for action, *_ in self.seen(name)]

    async def lose_connection(self, client: SocketClient, failures: int) -> None:
        """Lose the connection, and come back after some failed attempts."""
        failed: list[Exception] = []

        def failing(error: Exception) -> None:
            failed.append(error)
            if len(failed) == failures:
                self.server.refuse(None)

        remove = client.on_error(failing)
        gone = self.server.when_disconnected()
        if failures:
            self.server.refuse(503)
        self.server.drop()
        await gone
        await self.server.when_joined(TOPIC)
        remove()

    async def provoke_all(self) -> tuple[SocketClient, Channel]:
        """Have everything happen that there is an event for."""
        client = await self.start(heartbeat_interval=0.02, receive_buffer=4)
        _, channel = await client.join(TOPIC, {"key": SECRET})
        await self.refused(client, "secret")
        await channel.push("echo", {"n": 1})
        await self.server.when_received("heartbeat")
        await channel.push("echo", {"n": 2})
        await self.lose_connection(client, failures=2)
        await channel.push("echo", {"n": 3})
        await self.trouble(client)
        await channel.leave()
        client.channels.terminate()
        idle = self.when("idle")
        client.reconfigure(disconnect_when_idle=0.01)
        await idle
        await client.stopService()
        return client, channel

    async def trouble(self, client: SocketClient) -> None:
        """Crash, read slowly or not at all, and be cut off in the middle of a push."""
        crashing = client.channel("echo:crashing", channel_class=Crashing)
        await crashing.join()
        begun_anew = self.when("restarted")
        self.server.broadcast(crashing.topic, "boom", {})
        await begun_anew
        self.assertEqual(len(self.flushLoggedErrors(Crash)), 1)
        (session,) = self.server.connections
        session.send_frame(SECRET.encode(), False)
        unread, slow = client.channel("echo:unread"), client.channel("echo:slow")
        for channel in unread, slow:
            await channel.join()
        paused, first = self.when("reading_paused"), slow.receive()
        for channel in unread, slow:
            for number in range(7):
                self.server.broadcast(channel.topic, "news", {"n": number})
        await first
        await paused
        for _ in range(6):
            await slow.receive()
        too_long = slow.push("echo", {"text": "x" * 15_000_000})
        self.server.drop()
        await self.assertFailure(too_long, PushInterrupted)
        await client.when_connected()

    async def refused(self, client: SocketClient, topic: str) -> None:
        """The join of the topic is refused."""
        try:
            await client.join(topic)
        except JoinError:
            return
        self.fail("the join was not refused")

    async def test_table(self) -> None:
        """Each event of the table happens, with just these keys, and no other does."""
        client, _ = await self.provoke_all()
        self.assertEqual(
            {(name, metadata["action"]) for name, _, metadata in self.events},
            set(EVENTS),
        )
        for name, measurements, metadata in self.events:
            action = metadata["action"]
            expected, further = EVENTS[name, action]
            self.assertEqual(set(measurements), expected, (name, action))
            self.assertEqual(
                set(metadata),
                {"action", "client", "timestamp"} | further,
                (name, action),
            )
            self.assertIs(metadata["client"], client)
            self.assertTrue(self.began <= metadata["timestamp"] <= time.time())

    async def test_measurements(self) -> None:
        """Durations and delays are seconds, counts are 1, sizes are bytes."""
        await self.provoke_all()
        elapsed = time.time() - self.began
        for name, measurements, metadata in self.events:
            for key, value in measurements.items():
                if key == "count":
                    self.assertGreaterEqual(value, 1)
                    if (name, metadata["action"]) not in COUNTED:
                        self.assertEqual(value, 1)
                elif key == "size":
                    self.assertGreater(value, len(metadata.get("topic", TOPIC)))
                else:
                    self.assertIsInstance(value, float)
                    self.assertTrue(0 <= value <= elapsed, (metadata["action"], value))

    async def test_secrets(self) -> None:
        """The URL is told without the values in its query."""
        await self.provoke_all()
        shown = f"{self.server.url}?token=[redacted]"
        urls = {metadata["url"] for _, _, metadata in self.seen(SOCKET)}
        changes = {
            metadata["id"] for _, _, metadata in self.seen(STATE_CHANGE, "socket")
        }
        self.assertEqual((urls, changes), ({shown}, {shown}))

    async def test_connection(self) -> None:
        """A connection that is lost and comes back is told attempt by attempt."""
        client = await self.start()
        await client.join(TOPIC)
        await self.lose_connection(client, failures=2)
        await client.stopService()
        opening = ["connecting", "connected", "connection_duration"]
        failing = ["connecting", "connection_error", "reconnecting"]
        self.assertEqual(
            self.actions(SOCKET),
            [
                *opening,
                *("disconnected", "reconnecting"),
                *failing,
                *failing,
                *opening,
                "disconnected",
            ],
        )
        self.assertEqual(
            [
                (metadata["attempt"], measurements["delay"])
                for _, measurements, metadata in self.seen(SOCKET, "reconnecting")
            ],
            [(1, 0.01), (2, 0.01), (3, 0.01)],
        )
        lost, closed = (
            metadata["reason"] for _, _, metadata in self.seen(SOCKET, "disconnected")
        )
        self.assertIsInstance(lost, ConnectionClosed)
        self.assertEqual((lost.code, closed.code), (1006, 1000))
        for _, _, metadata in self.seen(SOCKET, "connection_error"):
            self.assertIsInstance(metadata["error"], HandshakeRefused)
            self.assertEqual(metadata["error"].status, 503)

    async def test_channel(self) -> None:
        """A channel's life is told, with what the server said."""
        client = await self.start()
        response, channel = await client.join(TOPIC, {"key": 1})
        await self.refused(client, "secret")
        await channel.leave()
        self.assertEqual(
            [(action, metadata["topic"]) for action, _, metadata in self.seen(CHANNEL)],
            [
                ("joined", TOPIC),
                ("join_duration", TOPIC),
                ("join_error", "secret"),
                ("left", "secret"),
                ("leave_duration", TOPIC),
                ("left", TOPIC),
            ],
        )
        (joined,) = self.seen(CHANNEL, "joined")
        self.assertEqual(joined[2]["response"], response)
        self.assertIs(joined[2]["channel"], channel)
        (refused,) = self.seen(CHANNEL, "join_error")
        self.assertEqual(refused[2]["error"].response, {"reason": "unauthorized"})
        refused_end, left = self.seen(CHANNEL, "left")
        self.assertIs(refused_end[2]["reason"], refused[2]["error"])
        self.assertEqual(left[2]["reason"], "left")

    async def test_messages(self) -> None:
        """A message is told as it travels, with the size of its frame."""
        client = await self.start()
        _, channel = await client.join(TOPIC)
        del self.events[:]
        await channel.push("echo", {"n": 1})
        (sent,) = self.seen(MESSAGE, "sent")
        (received,) = self.seen(MESSAGE, "received")
        self.assertEqual((sent[2]["event"], sent[2]["payload"]), ("echo", {"n": 1}))
        self.assertEqual(received[2]["event"], "phx_reply")
        for key in ("topic", "ref", "join_ref"):
            self.assertEqual(sent[2][key], received[2][key])
        self.assertEqual(sent[2]["join_ref"], channel.join_ref)
        parts = ("join_ref", "ref", "topic", "event", "payload")
        data, _ = Message(*(sent[2][key] for key in parts)).encode()
        self.assertEqual(sent[1]["size"], len(data))

    async def test_state_changes(self) -> None:
        """Each change of a status is told with the old one and the new one."""
        client = await self.start()
        await client.join(TOPIC)
        await self.lose_connection(client, failures=1)
        channel = client.channels.find(TOPIC)
        assert channel is not None
        await channel.push("echo", {})
        await channel.leave()
        await client.stopService()

        def changes(kind: str) -> list[str]:
            told = self.seen(STATE_CHANGE, kind)
            for (_, _, before), (_, _, after) in pairwise(told):
                self.assertEqual(before["new_status"], after["old_status"])
            return [metadata["new_status"] for _, _, metadata in told]

        self.assertEqual(
            changes("socket"),
            [
                *("connecting", "connected", "disconnected"),
                *("connecting", "disconnected"),
                *("connecting", "connected", "disconnected"),
            ],
        )
        self.assertEqual(
            changes("channel"),
            [
                *("joining", "joined", "errored"),
                *("joining", "joined", "leaving", "left"),
            ],
        )
        (first, *_) = self.seen(STATE_CHANGE, "channel")
        self.assertEqual(first[2]["id"], TOPIC)
        self.assertEqual(first[2]["type"], "channel")
        self.assertEqual(first[2]["old_status"], "left")
