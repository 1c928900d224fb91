"""Tests of :meth:`txphoenix.SocketClient.reconfigure`."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred, succeed

from txphoenix.errors import ConfigurationError
from txphoenix.message import Message

from .support import TOPIC, ClientTestCase, Room


class SlowRoom(Room):
    """A room whose joins wait for the test."""

    waiting: list[Deferred[Any]] = []

    def join(self, params: Any) -> Any:
        """Wait, if the test has a place to wait."""
        return self.waiting[0] if self.waiting else succeed(params)


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
