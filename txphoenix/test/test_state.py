"""What get_state() and put_state() read and write."""

from __future__ import annotations

import gc
import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix.channels.echo_room import EchoRoom
from txphoenix.channels.state_changes import STATUS
from txphoenix.client.state import SocketState
from txphoenix.errors import BufferFull, ConfigurationError
from txphoenix.options.options import Options
from txphoenix.protocol.channel_states import State
from txphoenix.protocol.message import Message
from txphoenix.protocol.redact import REDACTED

from .support import TOPIC, ClientTestCase


class SocketStateTests(SynchronousTestCase):
    """The state of one client."""

    def setUp(self) -> None:
        """Have the state of a new client."""
        self.state = SocketState(
            Options.check(
                "ws://localhost:4000/socket?key=secret1",
                params={"token": "secret2"},
                headers={"Authorization": "secret3"},
                auth_token="secret4",
                send_buffer=2,
            )
        )

    def test_new(self) -> None:
        """A new client is not connected and has nothing."""
        self.assertEqual(self.state.name, "state")
        self.assertFalse(self.state.connected)
        self.assertEqual(self.state.get("status"), "disconnected")
        self.assertEqual(self.state.get("joined_channels"), {})
        self.assertEqual(list(self.state.get("to_send")), [])

    def test_connected(self) -> None:
        """``connected`` follows the status."""
        self.state.status = "connected"
        self.assertTrue(self.state.get("connected"))
        self.state.status = "connecting"
        self.assertFalse(self.state.get("connected"))

    def test_get_option(self) -> None:
        """Options come first, as they are."""
        self.assertEqual(self.state.get("heartbeat_interval"), 30.0)
        self.assertEqual(self.state.get("params"), {"token": "secret2"})

    def test_put(self) -> None:
        """A value of the user's own is kept under its name, and can be replaced."""
        value = object()
        self.state.put("mine", 1)
        self.state.put("mine", value)
        self.assertIs(self.state.get("mine"), value)

    def test_get_unknown(self) -> None:
        """An unknown name is a KeyError."""
        self.assertRaises(KeyError, self.state.get, "mine")

    def test_put_taken(self) -> None:
        """An option's name is refused with a hint, and so is the client's own."""
        error = self.assertRaises(ConfigurationError, self.state.put, "timeout", 1)
        self.assertIn("reconfigure(timeout=...)", str(error))
        for key in ("status", "connected", "to_send", "joined_channels"):
            error = self.assertRaises(ConfigurationError, self.state.put, key, 1)
            self.assertIn("kept by the client", str(error))
        bad: Any = 5
        error = self.assertRaises(ConfigurationError, self.state.put, bad, 1)
        self.assertIn("a key must be a str", str(error))

    def test_snapshot(self) -> None:
        """A snapshot can be turned into JSON, and no secret is in it."""
        self.state.put("mine", {"a": 1})
        self.state.keep_to_send(Message.push(TOPIC, "echo", "secret5"))
        self.state.update_channel_status(TOPIC, "joined", {"token": "secret6"})
        self.state.update_channel_status("rooms:list", "joined", ["secret7"])
        self.state.update_channel_status("rooms:asked", "errored", lambda: "secret8")
        self.state.dropped_frames = 1
        self.state.stale_messages = 2
        self.state.unrouted_messages = 3
        snapshot = self.state.snapshot()
        self.assertNotIn("secret", json.dumps(snapshot))
        self.assertEqual(snapshot["timeout"], 5.0)
        self.assertEqual(snapshot["status"], "disconnected")
        self.assertFalse(snapshot["connected"])
        self.assertEqual(snapshot["to_send"], 1)
        self.assertEqual(
            snapshot["joined_channels"],
            {
                TOPIC: {"status": "joined", "params": {"token": REDACTED}},
                "rooms:list": {"status": "joined", "params": REDACTED},
                "rooms:asked": {"status": "errored", "params": "<callable>"},
            },
        )
        self.assertEqual(
            [
                snapshot[key]
                for key in ("dropped_frames", "stale_messages", "unrouted_messages")
            ],
            [1, 2, 3],
        )
        self.assertEqual(snapshot["mine"], {"a": 1})

    def test_to_send(self) -> None:
        """Decision 10: messages are kept in order, up to ``send_buffer``."""
        messages = [Message.push(TOPIC, "echo", n, "1") for n in range(3)]
        for message in messages[:2]:
            self.state.keep_to_send(message)
        error = self.assertRaises(BufferFull, self.state.keep_to_send, messages[2])
        self.assertEqual((error.limit, error.topic, error.event), (2, TOPIC, "echo"))
        self.assertEqual(self.state.pop_all_to_send(), messages[:2])
        self.assertEqual(self.state.pop_all_to_send(), [])
        self.state.keep_to_send(messages[2])

    def test_pop_to_send(self) -> None:
        """They are taken one by one as well, and nothing is left of the queue."""
        messages = [Message.push(TOPIC, "echo", n, "1") for n in range(2)]
        for message in messages:
            self.state.keep_to_send(message)
        self.assertEqual(list(self.state.to_send), messages)
        taken = [self.state.pop_to_send() for _ in range(3)]
        self.assertEqual(taken, [*messages, None])
        self.assertIsNone(self.state._to_send)
        self.assertEqual(list(self.state.to_send), [])

    def test_status(self) -> None:
        """The status of a topic is what the seed calls it."""
        self.assertEqual(
            [STATUS[state] for state in State],
            ["left", "joining", "joined", "leaving", "errored"],
        )

    def test_channels(self) -> None:
        """Each topic has its status and params; it can be forgotten."""
        self.state.update_channel_status(TOPIC, "joining", {"a": 1})
        self.state.update_channel_status(TOPIC, "joined", {"a": 2})
        self.assertEqual(
            self.state.joined_channels,
            {TOPIC: {"status": "joined", "params": {"a": 2}}},
        )
        self.state.remove_channel(TOPIC)
        self.state.remove_channel(TOPIC)
        self.assertEqual(self.state.joined_channels, {})

    def test_few_objects(self) -> None:
        """A topic is nothing that the garbage collector has to look through."""
        params: dict[str, Any] = {}
        gc.collect()
        before = len(gc.get_objects())
        for number in range(1000):
            self.state.update_channel_status(f"rooms:{number}", "joined", params)
        self.assertLess(len(gc.get_objects()) - before, 100)

    def leave(self, *topics: str) -> None:
        """Topics are left."""
        for topic in topics:
            self.state.update_channel_status(topic, "left", {})

    def test_left(self) -> None:
        """Of the topics that are left the latest hundred are remembered."""
        self.state.update_channel_status("kept", "joined", {})
        self.leave(*map(str, range(150)))
        self.assertEqual(
            list(self.state.joined_channels), ["kept", *map(str, range(50, 150))]
        )

    def test_left_again(self) -> None:
        """A topic that is left again is one of the latest, however often it was."""
        self.leave("often", *map(str, range(60)))
        self.leave(*["often"] * 150)
        self.assertEqual(len(self.state.joined_channels), 61)
        self.leave(*map(str, range(60, 159)))
        self.assertEqual(len(self.state.joined_channels), 100)
        self.assertIn("often", self.state.joined_channels)
        self.leave("one more")
        self.assertNotIn("often", self.state.joined_channels)

    def test_left_and_joined(self) -> None:
        """A topic that is joined again is not forgotten with those that were left."""
        self.leave("back")
        self.state.update_channel_status("back", "joined", {})
        self.leave(*map(str, range(150)))
        self.assertEqual(self.state.joined_channels["back"]["status"], "joined")


class ClientStateTests(ClientTestCase):
    """The state as the client keeps it."""

    def status(self) -> str:
        """The status of the topic."""
        status: str = self.client.get_state("joined_channels")[TOPIC]["status"]
        return status

    def test_life(self) -> None:
        """The statuses of a channel follow its states, from its join to its end."""
        self.client = self.connected_client()
        channel = self.client.channel(TOPIC, {"a": 1})
        self.assertEqual(self.client.get_state("joined_channels"), {})
        self.watch(channel.join())
        self.assertEqual(self.status(), "joining")
        self.memory.flush()
        self.assertEqual(self.status(), "joined")
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.assertEqual(self.status(), "errored")
        self.memory.advance(1.0)
        self.watch(channel.leave())
        self.assertEqual(self.status(), "leaving")
        self.memory.flush()
        self.assertEqual(self.status(), "left")
        params = self.client.get_state("joined_channels")[TOPIC]["params"]
        self.assertEqual(params, {"a": 1})

    def test_snapshot(self) -> None:
        """The whole state of a client can be turned into JSON at any time."""
        self.client = self.connected_client(
            topic_channel_map={"rooms:*": EchoRoom}, join_channels=[TOPIC]
        )
        self.memory.flush()
        snapshot = json.loads(json.dumps(self.client.get_state()))
        self.assertEqual(snapshot["joined_channels"][TOPIC]["status"], "joined")
        self.assertEqual(snapshot["status"], "connected")
