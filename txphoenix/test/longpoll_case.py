"""What the tests of the long-poll transport share.

They have a real client and a server whose answers the test writes.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from txphoenix import Channel, ConnectionClosed, SocketClient

from .http_ways import HTTPWay
from .scripted_http import Asked, ScriptedHTTP

__all__ = ["SHOUT", "LongPollTestCase"]

SHOUT = '[null,null,"rooms:1","shout",{"i":%d}]'
"""A message of the server's, once it has its number."""


class LongPollTestCase(HTTPWay, SynchronousTestCase):
    """A test with a client, and a server whose answers the test writes."""

    def setUp(self) -> None:
        """Make the server."""
        self.server = ScriptedHTTP()
        self.clients: list[SocketClient] = []
        self.errors: list[Any] = []
        self.losses: list[Any] = []
        self.addCleanup(self.stop_all)

    def begin(self, **options: Any) -> SocketClient:
        """A client that has asked for a session."""
        client = self.server.client(fast_http=self.fast_http, **options)
        self.clients.append(client)
        client.on_error(self.errors.append)
        client.on_close(self.losses.append)
        client.startService()
        self.server.flush()
        return client

    def open(self, **options: Any) -> tuple[SocketClient, Asked]:
        """A client with a session, and its first poll."""
        client = self.begin(**options)
        poll = self.server.open_session()
        self.assertTrue(client.connected)
        return client, poll

    def stop_all(self) -> None:
        """Stop every client; nothing of it is left."""
        for client in self.clients:
            stopped = client.stopService()
            self.server.flush()
            self.server.advance(client.options.close_timeout)
            self.successResultOf(stopped)
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def joined(self, client: SocketClient, poll: Asked) -> tuple[Channel, Asked]:
        """A joined channel, and the next poll."""
        channel = client.channel("rooms:1")
        joining = channel.join()
        publish = self.server.take("POST")
        publish.say(200)
        join_ref = json.loads(publish.body)[0]
        poll.say(200, messages=[_reply(join_ref, join_ref)])
        self.successResultOf(joining)
        return channel, self.server.take("GET")

    def failure(self, client: SocketClient) -> Any:
        """What the only attempt has failed with."""
        [error] = self.errors
        self.assertEqual(self.losses, [])
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.server.pairs, [])
        return error

    def loss(self, client: SocketClient) -> ConnectionClosed:
        """What the open session was lost with."""
        [reason] = self.losses
        self.assertIsInstance(reason, ConnectionClosed)
        self.assertFalse(reason.was_clean)
        self.assertFalse(client.connected)
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.asked, [])
        return reason  # type: ignore[no-any-return]


def _reply(join_ref: str, ref: str, status: str = "ok") -> str:
    payload = {"status": status, "response": {}}
    return json.dumps([join_ref, ref, "rooms:1", "phx_reply", payload])
