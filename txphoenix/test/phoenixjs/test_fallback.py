"""phoenix.js's socket tests: going over to long-poll.

There a WebSocket is open before it is known whether a frame comes through, and its
channels go over with it; here it is not, so that nobody hears of one that is given up.
"""

from __future__ import annotations

from typing import Any

from txphoenix import ConnectionClosed

from ..fallback_case import FallbackTestCase
from .support import TOPIC


class FallbackTests(FallbackTestCase):
    """longPollFallbackMs, which is longpoll_fallback here."""

    def assert_stays(self, transports: list[str]) -> None:
        """There were these connections, and the last of them stays."""
        self.assertEqual(self.transports(), transports)
        self.memory.advance(120.0)
        self.assertEqual(self.transports(), transports)
        self.assertEqual(self.memory.connections, self.memory.sessions[-1:])

    def test_ignores_the_close_of_an_open_primary_transport_when_falling_back(
        self,
    ) -> None:
        """S6, otherwise: the close of a WebSocket that is given up is told to nobody.

        The channels hear of the connection's loss before, and join on long-poll.
        """
        client = self.begin()
        channel = self.joined_channel(client=client)
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.memory.is_deaf = True
        self.lose()
        self.assertEqual(self.transports(), ["websocket"] * 2)
        self.assertEqual((client.status, channel.state), ("connecting", "errored"))
        self.memory.advance(2.5)
        self.assertEqual(channel.state, "joined")
        self.assertEqual([join[2] for join in self.sent()], [TOPIC])
        self.assert_stays(["websocket", "websocket", "longpoll"])
        self.assertEqual([type(error) for error in errors], [ConnectionClosed])
        self.assertEqual((self.errors, len(self.losses)), ([], 1))

    def test_falls_back_once_when_a_previous_attempt_failed_without_an_error(
        self,
    ) -> None:
        """S8: each attempt goes over at most once, whatever became of those before."""
        self.memory.refuse(503)
        self.begin()
        self.assertEqual(len(self.errors), 1)
        self.memory.refuse(None)
        self.memory.refuse(503, "websocket")
        self.memory.advance(0.5)
        self.assert_stays(["longpoll"])

    def test_remembers_longpoll_when_a_later_fallback_connection_opens(self) -> None:
        """S10: long-poll is remembered once it opens, though it failed before."""
        self.memory.refuse(503)
        self.begin()
        self.memory.refuse(None)
        self.memory.refuse(503, "websocket")
        self.memory.advance(0.5)
        self.memory.refuse(None, "websocket")
        self.lose()
        self.assert_stays(["longpoll"] * 2)

    def test_does_not_remember_fallback_when_an_earlier_on_open_callback_disconnects(
        self,
    ) -> None:
        """S11, otherwise: a hook that disconnects leaves nothing of the fallback.

        But long-poll has opened, so that it comes first in the next attempt.
        """
        self.memory.refuse(503, "websocket")
        client = self.make_client(longpoll_fallback=2.5)
        remove = client.on_open(client.disconnect)
        client.startService()
        self.memory.flush()
        self.assert_nothing_left(client)
        self.assertEqual(self.transports(), ["longpoll"])
        self.memory.refuse(None, "websocket")
        remove()
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.transports(), ["longpoll"] * 2)

    def test_does_not_connect_fallback_when_a_channel_error_callback_disconnects(
        self,
    ) -> None:
        """S14: disconnect() in a channel's hook of on_error means no attempt at all."""
        client = self.begin()
        channel = self.joined_channel(client=client)
        channel.on_error(lambda _: self.watch(client.disconnect()))
        self.memory.refuse(503, "websocket")
        self.memory.drop()
        self.memory.flush()
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.memory.advance(120.0)
        self.assertEqual(self.memory.connections_made, 1)

    def test_keeps_a_connection_created_by_a_channel_error_callback_during_fallback(
        self,
    ) -> None:
        """S15: the connection that such a hook asks for stays, with one join on it.

        Otherwise: it comes after its delay, for nothing says that the server is well.
        """
        client = self.begin()
        channel = self.joined_channel(client=client)

        def connect_anew(_error: Any) -> None:
            remove()
            self.watch(client.disconnect())
            client.connect()

        remove = channel.on_error(connect_anew)
        self.memory.refuse(503, "websocket")
        self.memory.drop()
        self.memory.flush()
        self.memory.advance(0.5)
        self.assertEqual(channel.state, "joined")
        self.assertEqual([join[3] for join in self.sent()], ["phx_join"])
        self.assert_stays(["websocket", "longpoll"])
