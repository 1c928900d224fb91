"""Tests of the option ``transport`` with a connector of the user's."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.error import NotConnectingError
from twisted.python.failure import Failure

from txphoenix.errors import ConnectionClosed

from .support import TOPIC, ClientTestCase


class Loopback:
    """A connector and its transport in one: whatever is sent is answered with ok."""

    needs_heartbeat = False

    def __init__(self, reactor: Any, factory: Any, options: Any) -> None:
        self.reactor = reactor
        self.factory = factory
        self.options = options
        self.sent: list[list[Any]] = []
        self.opened = 0

    # -- The connector ------------------------------------------------------------

    def connect(self) -> None:
        """Open at once."""
        self.opened += 1
        self.factory.connection.attempt_started()
        self.factory.connection.transport_opened(self)

    def stopConnecting(self) -> None:
        """There is nothing to stop."""
        raise NotConnectingError()

    def reset_options(self, options: Any) -> None:
        """Take other options."""
        self.options = options

    # -- The transport ------------------------------------------------------------

    def send(self, data: bytes, is_binary: bool) -> None:
        """Answer, in the reactor's next turn."""
        message = json.loads(data)
        self.sent.append(message)
        reply = [*message[:3], "phx_reply", {"status": "ok", "response": message[4]}]
        self.reactor.callLater(
            0, self.factory.connection.frame_received, json.dumps(reply).encode(), False
        )

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End."""
        lost = ConnectionClosed(code, reason, True)
        self.factory.clientConnectionLost(self, Failure(lost))

    def abort(self) -> None:
        """End."""
        self.close(1006)

    def pause_reading(self) -> None:
        """Nothing is held back."""

    def resume_reading(self) -> None:
        """Nothing is held back."""


class OwnTransportTests(ClientTestCase):
    """Decision 1: any other transport is just another connector."""

    def setUp(self) -> None:
        """Keep what is made."""
        super().setUp()
        self.made: list[Loopback] = []

    def make(self, reactor: Any, factory: Any, options: Any) -> Loopback:
        """What the option is given."""
        self.made.append(Loopback(reactor, factory, options))
        return self.made[-1]

    def test_from_the_start(self) -> None:
        """It opens, carries messages, is lost, and is opened again."""
        channel = self.joined_channel(transport=self.make, timeout=7)
        (loopback,) = self.made
        self.assertEqual(loopback.options.timeout, 7.0)
        push = self.watch(channel.push("echo", {"b": 2}))
        self.memory.flush()
        self.assert_fired(push, {"b": 2})
        loopback.abort()
        self.assertEqual(channel.state, "errored")
        self.memory.advance(0.5)
        self.assertEqual((channel.state, loopback.opened), ("joined", 2))

    def test_heartbeat(self) -> None:
        """A transport that needs no heartbeat has none, but a ping is one."""
        channel = self.joined_channel(transport=self.make)
        self.memory.advance(1000)
        self.assertEqual([it[3] for it in self.made[0].sent], ["phx_join"])
        ping = self.watch(self._clients[0].ping())
        self.memory.flush()
        self.assert_fired(ping, 0.0)
        self.assertEqual(channel.state, "joined")

    def test_reconfigured(self) -> None:
        """A client goes over to it and back, and its channels with it."""
        channel = self.joined_channel()
        client = self._clients[0]
        self.assert_fired(self.watch(client.reconfigure(timeout=3)), None)
        there = self.watch(client.reconfigure(transport=self.make))
        self.memory.flush()
        self.assert_fired(there, None)
        self.assertEqual(channel.state, "joined")
        self.assertEqual([it[2:4] for it in self.made[0].sent], [[TOPIC, "phx_join"]])
        self.assertEqual(self.memory.connections, [])
        back = self.watch(client.reconfigure(transport="websocket"))
        self.memory.flush()
        self.assert_fired(back, None)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(self.memory.connections), 1)

    def test_first_heartbeat(self) -> None:
        """A transport that is on trial can be sent a heartbeat before it is open."""
        connection = self.make_client().connection
        data, is_binary = connection.encode_heartbeat()
        self.assertEqual(json.loads(data), [None, "1", "phoenix", "heartbeat", {}])
        self.assertIs(is_binary, False)
