"""phoenix.js's socket tests: channels and connections that replace others in hooks."""

from __future__ import annotations

from typing import Any

from txphoenix import Channel, ConnectionClosed, NotConnected, SocketClient

from .support import TOPIC, Outcome, PhoenixJSTestCase

OTHER = "rooms:other"


class JoinInErrorHookTests(PhoenixJSTestCase):
    """A channel is joined in another one's hook of on_error."""

    def lose(self, client: SocketClient, how: Any) -> tuple[Channel, Outcome[Any]]:
        """Lose the connection, and join another channel in the hook that hears of it.

        :param how: what loses the connection.
        """
        first = self.joined_channel(client=client)
        other = client.channel(OTHER)
        joins: list[Outcome[Any]] = []
        first.on_error(lambda _: joins.append(self.watch(other.join())))
        how()
        self.memory.flush()
        [joined] = joins
        return other, joined

    def assert_joins_once(self, other: Channel, joined: Outcome[Any]) -> None:
        """The join waits, unharmed, and is sent once with the next connection."""
        self.assert_waits(joined)
        self.assertEqual(other.state, "joining")
        self.reconnect()
        self.assert_fired(joined, {})
        self.assertEqual(self.events_sent(1), ["phx_join", "phx_join"])

    def test_does_not_error_it_again_when_the_close_event_arrives_during_teardown(
        self,
    ) -> None:
        """S53: a join that is made in the hook waits for the next connection.

        Otherwise: disconnect() calls no such hook, and in that of on_close the join
        fails, as no connection will come.
        """
        client = self.connected_client()
        other, joined = self.lose(client, lambda: self.memory.sessions[0].close(1001))
        self.assert_joins_once(other, joined)
        errors = self.errors_of(other)
        third = client.channel("rooms:third")
        joins: list[Outcome[Any]] = []
        client.on_close(lambda _: joins.append(self.watch(third.join())))
        self.watch(client.disconnect())
        self.memory.flush()
        self.assert_failed(joins[0], NotConnected)
        self.assertEqual((errors, third.state), ([], "closed"))

    def test_does_not_error_it_again_when_the_close_event_is_emitted_synchronously(
        self,
    ) -> None:
        """S54: nor does it matter if the transport tells of its end within close()."""
        client = self.connected_client()

        def reopen() -> None:
            [pair] = self.memory.pairs
            self.patch(pair.client, "write", lambda _data: pair.cut())
            self.watch(client.reconfigure(params={"token": "new"}))

        other, joined = self.lose(client, reopen)
        self.assert_fired(joined, {})
        self.assertEqual(other.state, "joined")
        self.assertEqual(self.events_sent(1), ["phx_join", "phx_join"])
        self.assert_one_open(2)

    def test_does_not_error_it_again_when_a_failed_connection_emits_error_before_close(
        self,
    ) -> None:
        """S55: a connection that is cut is told once, by one reason."""
        client = self.connected_client()
        reasons: list[Exception] = []
        client.on_close(reasons.append)
        client.on_error(reasons.append)
        other, joined = self.lose(client, self.memory.cut)
        self.assert_joins_once(other, joined)
        self.assertEqual([type(reason) for reason in reasons], [ConnectionClosed])

    def test_does_not_error_it_again_where_it_was_left_and_joined_in_the_hook(
        self,
    ) -> None:
        """S53: this holds for a channel too that was joined before the loss."""
        client = self.connected_client()
        first = self.joined_channel(client=client)
        other = self.joined_channel(OTHER, client=client)
        joins: list[Outcome[Any]] = []

        def join_anew(_error: BaseException) -> None:
            self.watch(other.leave())
            joins.append(self.watch(other.join()))

        first.on_error(join_anew)
        errors = self.errors_of(other)
        self.lose_connection()
        [joined] = joins
        self.assertEqual(errors, [])
        self.assert_joins_once(other, joined)

    def test_errors_channels_after_the_connection_stopped_being_connected(
        self,
    ) -> None:
        """S56: in such a hook the client is not connected, and nothing is sent."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        seen: list[tuple[bool, str, str]] = []
        channel.on_error(
            lambda _: seen.append((client.connected, client.status, channel.state))
        )
        self.lose_connection()
        self.assertEqual(seen, [(False, "disconnected", "errored")])
        # No rejoin is planned either: it comes with the connection.
        self.memory.is_listening = False
        self.memory.advance(20.0)
        self.assertEqual(channel.state, "errored")

    def test_does_not_error_channels_when_the_connection_never_opened(self) -> None:
        """S57, otherwise: disconnect() fails a join that waits for the connection.

        connect() does not bring it back.
        """
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        errors = self.errors_of(channel)
        joined = self.watch(channel.join())
        self.watch(client.disconnect())
        self.assert_failed(joined, NotConnected)
        self.assertEqual(errors, [])
        self.memory.release_connections()
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.joins(), [])


class ReplacedConnectionTests(PhoenixJSTestCase):
    """A connection that was replaced by another."""

    def test_ignores_the_close_event_of_a_connection_that_was_replaced(self) -> None:
        """S58: what is left of the old connection calls nobody; the new one counts."""
        client = self.connected_client(close_timeout=2.0)
        channel = self.joined_channel(client=client)
        self.disconnect_slowly(client)
        client.connect()
        [old] = self.memory.pairs
        self.memory.advance(2.0)
        self.resume()
        self.assertEqual(channel.state, "joined")
        told: list[Any] = []
        client.on_close(told.append)
        channel.on_error(told.append)
        old.cut()
        self.memory.flush()
        self.assertEqual(told, [])
        self.assertEqual(channel.state, "joined")
        self.lose_connection()
        self.assertEqual(len(told), 2)
        self.reconnect()
        self.assertEqual(self.memory.connections_made, 3)

    def test_ignores_errors_and_messages_of_a_connection_that_was_replaced(
        self,
    ) -> None:
        """S59: a message that is still under way when the connection goes is lost."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        events: list[str] = []
        channel.on("event", lambda _: events.append("hook"))
        client.on_message(lambda message: events.append(message.event))
        outcome = self.watch(client.disconnect())
        client.connect()
        # It is on its way when the close arrives.
        self.memory.broadcast(TOPIC, "event", {})
        self.memory.flush()
        self.assert_fired(outcome, None)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(events, ["phx_reply"])

    def test_does_not_error_a_replacement_opened_by_an_on_error_callback(self) -> None:
        """S60: nothing of a failed attempt reaches the one that its hook began."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        errors = self.errors_of(channel)
        self.connect_anew_on_error(client)
        self.memory.is_listening = False
        self.lose_connection()
        self.memory.advance(0.5)
        self.memory.advance(0.5)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(len(errors), 1)
        self.assert_one_open(2)

    def test_rejoins_channels_when_an_on_error_callback_replaces_the_transport(
        self,
    ) -> None:
        """S61, otherwise: reconfigure() in the hook makes one connection, one join."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        done: list[Outcome[None]] = []

        def replace(_error: Exception) -> None:
            self.memory.is_listening = True
            done.append(self.watch(client.reconfigure(params={"token": "new"})))

        client.on_error(replace)
        self.memory.is_listening = False
        self.lose_connection()
        self.memory.advance(0.5)
        self.memory.advance(0.5)
        self.assertEqual(channel.state, "joined")
        self.assert_fired(done[0], None)
        self.assertEqual(self.memory.sessions[1].socket.params["token"], "new")
        self.assertEqual(self.events_sent(1), ["phx_join"])
        self.assert_one_open(2)

    def test_does_not_error_channels_created_for_a_new_connection_by_an_error_hook(
        self,
    ) -> None:
        """S62: joins that are made in the hook are sent once, and not failed."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        errors = self.errors_of(channel)
        joins: list[Outcome[Any]] = []
        self.connect_anew_on_error(
            client, lambda: joins.append(self.watch(channel.join()))
        )
        self.memory.is_listening = False
        self.lose_connection()
        self.memory.advance(0.5)
        self.memory.advance(0.5)
        self.assert_fired(joins[0], {})
        self.assertEqual(errors, [])
        self.assertEqual(self.events_sent(1), ["phx_join"])
        self.assert_one_open(2)

    def connect_anew_on_error(self, client: SocketClient, then: Any = None) -> None:
        """Have a hook of on_error disconnect and connect, where that will succeed."""

        def replace(_error: Exception) -> None:
            self.memory.is_listening = True
            self.connect_anew(client)
            if then is not None:
                then()

        client.on_error(replace)
