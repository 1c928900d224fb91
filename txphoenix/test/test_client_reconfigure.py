"""Tests of :meth:`txphoenix.SocketClient.reconfigure`."""

from __future__ import annotations

import json
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from txphoenix.errors import ConfigurationError, NotConnected
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase, Room


class SlowRoom(Room):
    """A room whose joins wait for the test."""

    waiting: list[Deferred[Any]] = []

    def join(self, params: Any) -> Any:
        """Wait, if the test has a place to wait."""
        return self.waiting[0] if self.waiting else super().join(params)


class ReconfigureTests(ClientTestCase):
    """``reconfigure()``."""

    server_channels = {"rooms:*": SlowRoom}

    def test_other_options(self) -> None:
        """Options that are not the connection's hold at once, without a reconnect."""
        channel = self.joined_channel()
        client = self._clients[0]
        self.assert_fired(self.watch(client.reconfigure(timeout=1)), None)
        push = self.watch(channel.push("silent"))
        self.memory.advance(1)
        self.assertEqual(len(push.fired), 1)
        self.assertEqual(self.memory.connections_made, 1)
        self.assertEqual(client.get_state("timeout"), 1.0)

    def test_wrong(self) -> None:
        """One wrong value, and nothing is changed."""
        client = self.connected_client()
        before = client.options
        for wrong in ({"timeout": -1}, {"tiemout": 1}):
            self.assertRaises(
                ConfigurationError, client.reconfigure, params={"a": 1}, **wrong
            )
        self.assertIs(client.options, before)
        self.memory.flush()
        self.assertEqual(self.memory.connections_made, 1)

    def test_not_connected(self) -> None:
        """A client that is not connected has them at its next attempt."""
        client = self.make_client()
        self.assert_fired(self.watch(client.reconfigure(params={"a": "1"})), None)
        client.startService()
        self.memory.flush()
        self.assertEqual(self.memory.connections[0].socket.params["a"], "1")

    def test_reconnects_and_rejoins(self) -> None:
        """With a connection's option the client reconnects, and then it fires."""
        channel = self.joined_channel()
        client = self._clients[0]
        hold: Deferred[Any] = Deferred()
        SlowRoom.waiting.append(hold)
        self.addCleanup(SlowRoom.waiting.clear)
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.assertFalse(client.connected)
        kept = self.watch(channel.push("echo", "kept"))
        client.push(Message.push(TOPIC, "kept too", {}, None, None))
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_waits(done)
        hold.callback({})
        self.memory.flush()
        self.assert_fired(done, None)
        self.assert_fired(kept, "kept")
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.memory.connections[-1].socket.params["a"], "1")
        self.assertIn("kept too", self.events_sent())

    def test_refused_rejoin(self) -> None:
        """Decision 6: a channel whose rejoin is refused is not waited for any longer.

        It is tried again all the same.
        """
        channel = self.joined_channel()
        client = self._clients[0]
        self.joined_channel("rooms:other", client=client)
        self.memory.refusal = {"reason": "full"}
        for _ in range(2):
            done = self.watch(client.reconfigure(params={"a": "1"}))
            self.memory.flush()
            self.assert_fired(done, None)
            self.assertEqual(channel.state, "errored")
            self.memory.advance(1.0)
        self.memory.refusal = None
        self.memory.advance(10.0)
        self.assertEqual(channel.state, "joined")

    def test_rejoin_without_answer(self) -> None:
        """Nor is one whose rejoin is not answered in time."""
        self.joined_channel()
        client = self._clients[0]
        self.memory.answers = False
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.advance(4.9)
        self.assert_waits(done)
        self.memory.advance(0.1)
        self.assert_fired(done, None)

    def test_disconnected_meanwhile(self) -> None:
        """It fails if the user disconnects before the channels are joined again."""
        self.joined_channel()
        client = self._clients[0]
        self.memory.answers = False
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_waits(done)
        self.watch(client.disconnect())
        self.assert_failed(done, NotConnected)

    def joined_topics(self) -> list[str]:
        """The topics that were joined on the latest connection, in order."""
        return [it[2] for it in self.sent() if it[3] == "phx_join"]

    def test_join_channels(self) -> None:
        """New topics of join_channels are joined at once, and no other."""
        client = self.connected_client(join_channels=["rooms:a", "rooms:b"])
        self.watch(client.leave("rooms:a"))
        topics = {"rooms:a": None, "rooms:c": {"n": 1}}
        self.assert_fired(self.watch(client.reconfigure(join_channels=topics)), None)
        self.memory.flush()
        self.assertEqual(self.joined_topics(), ["rooms:a", "rooms:b", "rooms:c"])
        self.assertEqual(self.sent()[-1][4], {"n": 1})
        self.assertEqual(client.channels.routes["rooms:b"].state, "joined")

    def test_join_channels_later(self) -> None:
        """Without a connection they are joined on the next."""
        client = self.connected_client(join_channels=["rooms:a"])
        self.watch(client.leave("rooms:a"))
        self.memory.flush()
        self.lose_connection()
        topics = ["rooms:a", "rooms:b"]
        self.assert_fired(self.watch(client.reconfigure(join_channels=topics)), None)
        self.reconnect()
        self.assertEqual(self.joined_topics(), ["rooms:b"])
        # Named anew after it was not named, it is new.
        self.watch(client.reconfigure(join_channels=[]))
        self.watch(client.reconfigure(join_channels=["rooms:a"]))
        self.memory.flush()
        self.assertEqual(self.joined_topics(), ["rooms:b", "rooms:a"])

    def test_name(self) -> None:
        """A new name is the service's, unless a parent knows it by the old one."""
        client = self.make_client(name="one")
        client.reconfigure(name="two")
        self.assertEqual((client.name, client.get_state("name")), ("two", "two"))
        parent = MultiService()
        client.setServiceParent(parent)
        before = client.options
        error = self.assertRaises(
            ConfigurationError, client.reconfigure, name="three", timeout=1.0
        )
        self.assertIn("name cannot be changed", str(error))
        self.assertIs(client.options, before)
        client.reconfigure(name="two", timeout=2.0)
        self.assertIs(parent.getServiceNamed("two"), client)
        client.disownServiceParent()
        client.reconfigure(name=None)
        self.assertIsNone(client.name)

    def test_name_of_its_own(self) -> None:
        """A name that the user has set stays, where the option does not change."""
        client = self.make_client()
        client.setName("mine")
        client.reconfigure(timeout=1.0)
        self.assertEqual(client.name, "mine")

    def test_while_waiting(self) -> None:
        """A client that waits for its next attempt makes it at once."""
        client = self.connected_client(backoff=lambda attempt: 1000.0)
        self.lose_connection()
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.flush()
        self.assert_fired(done, None)
        self.assertEqual(client.status, "connected")

    def test_while_closing(self) -> None:
        """A close by the server that is under way goes first."""
        client = self.connected_client(backoff=lambda attempt: 1000.0)
        self.memory.drain()
        self.memory.pairs[0].pump(None)
        self.assertFalse(client.connected)
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.flush()
        self.assert_fired(done, None)
        self.assertTrue(client.connected)

    def test_while_paused(self) -> None:
        """What a pause held back is delivered before the connection is left."""
        channel = self.joined_channel(receive_buffer=2)
        client = self._clients[0]
        first = self.watch(channel.receive())
        for number in range(6):
            self.memory.broadcast(TOPIC, "news", number)
        self.memory.flush()
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.advance(2)
        self.assert_fired(done, None)
        read = [first, *(self.watch(channel.receive()) for _ in range(5))]
        numbers = [it.fired[0].payload for it in read if it.fired]
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertGreaterEqual(len(numbers), 3)
        self.watch(client.disconnect())

    def test_while_timing_out(self) -> None:
        """An attempt whose time is just over is one that was given up."""
        self.memory.pause()
        client = self.make_client(connect_timeout=3)
        client.startService()
        self.memory.flush()
        self.memory.is_stalled = True
        self.clock.advance(3)
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.resume()
        self.memory.is_stalled = False
        self.memory.flush()
        self.assert_fired(done, None)
        self.assertTrue(client.connected)

    def test_server_that_does_not_answer(self) -> None:
        """The old connection is given up after ``close_timeout``."""
        client = self.connected_client(close_timeout=3)
        self.memory.pause()
        done = self.watch(client.reconfigure(headers={"X-A": "1"}))
        self.memory.advance(3)
        self.assertEqual(client.status, "connecting")
        self.memory.resume()
        self.memory.flush()
        self.assert_fired(done, None)

    def test_format(self) -> None:
        """The old connection keeps to its format until it has ended."""
        channel = self.joined_channel()
        client = self._clients[0]
        errors: list[Exception] = []
        client.on_error(errors.append)
        self.memory.broadcast(TOPIC, "news", {})
        done = self.watch(client.reconfigure(vsn="1.0.0"))
        (warning,) = self.flushWarnings()
        self.assertIs(warning["category"], DeprecationWarning)
        self.memory.flush()
        self.assert_fired(done, None)
        self.assertEqual((errors, client.state.dropped_frames), ([], 0))
        push = self.watch(channel.push("echo", {"v": 1}))
        self.memory.flush()
        self.assert_fired(push, {"v": 1})
        self.assertIn("event", json.loads(self.memory.sessions[-1].frames[0].data))

    def test_fails(self) -> None:
        """It fails as ``when_connected()`` does, if there will be no connection."""
        client = self.connected_client(reconnect=False)
        self.memory.is_listening = False
        done = self.watch(client.reconfigure(params={"a": "1"}))
        self.memory.flush()
        self.assertEqual(len(done.fired), 1)
        self.assertIn("ConnectionRefusedError", str(done.fired[0]))
