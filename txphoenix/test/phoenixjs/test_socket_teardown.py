"""phoenix.js's socket tests: an old connection that ends while a new one begins."""

from __future__ import annotations

from txphoenix import NotConnected

from .support import TOPIC, PhoenixJSTestCase

OTHER = "rooms:other"


class DisconnectTests(PhoenixJSTestCase):
    """disconnect() and connect() in quick succession."""

    def test_properly_tears_down_old_connection_when_immediately_reconnecting(
        self,
    ) -> None:
        """S40: connect() during the close opens one that stays; the old one ends."""
        client = self.connected_client()
        outcome = self.disconnect_slowly(client)
        client.connect()
        self.memory.flush()
        self.assert_waits(outcome)
        self.resume()
        self.assert_fired(outcome, None)
        self.assertTrue(client.connected)
        self.assert_one_open(2)

    def test_properly_tears_down_old_connection_when_disconnecting_twice(self) -> None:
        """S41: of two disconnect() during one close both fire."""
        client = self.connected_client()
        first = self.disconnect_slowly(client)
        client.connect()
        second = self.watch(client.disconnect())
        self.resume()
        self.assert_fired(first, None)
        self.assert_fired(second, None)
        self.wait_long()
        self.assertEqual(self.memory.connections_made, 1)
        self.assertEqual(self.memory.connections, [])
        self.assertFalse(client.connected)

    def test_does_not_replace_the_new_connection_when_connecting_again(self) -> None:
        """S51: connect() twice during a close opens one connection."""
        client = self.connected_client()
        self.disconnect_slowly(client)
        client.connect()
        client.connect()
        self.resume()
        self.assertTrue(client.connected)
        self.assert_one_open(2)

    def test_does_not_let_an_old_teardown_clear_a_newer_disconnect(self) -> None:
        """S52: each disconnect() is answered when its connection is gone."""
        client = self.connected_client()
        first = self.disconnect_slowly(client)
        client.connect()
        self.resume()
        self.assert_fired(first, None)
        second = self.disconnect_slowly(client)
        client.connect()
        self.assert_waits(second)
        self.resume()
        self.assert_fired(second, None)
        self.assertTrue(client.connected)
        self.assert_one_open(3)

    def test_does_not_fall_back_to_longpoll_when_disconnecting_while_connecting(
        self,
    ) -> None:
        """S68: disconnect() ends an attempt under way, which is no error."""
        client = self.connecting_client()
        errors: list[Exception] = []
        client.on_error(errors.append)
        outcome = self.watch(client.disconnect())
        self.memory.flush()
        self.assert_fired(outcome, None)
        self.memory.release_connections()
        self.wait_long()
        self.assertEqual(errors, [])
        self.assertEqual(self.memory.connections_made, 0)


class DelayedCloseTests(PhoenixJSTestCase):
    """The close takes its time, and there are channels."""

    def test_rejoins_channels_on_the_next_connection_after_teardown_stopped_waiting(
        self,
    ) -> None:
        """S42: a close without an answer ends after close_timeout.

        connect() then joins again, once, what was joined before.
        """
        client = self.connected_client(close_timeout=2.0)
        channel = self.joined_channel(client=client)
        outcome = self.disconnect_slowly(client)
        self.memory.advance(1.9)
        self.assert_waits(outcome)
        self.memory.advance(0.1)
        self.assert_fired(outcome, None)
        self.assertEqual(self.memory.pairs, [])
        client.connect()
        self.resume()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(1), ["phx_join"])

    def test_rejoins_channels_when_connecting_again_before_the_old_connection_closed(
        self,
    ) -> None:
        """S43: so does connect() during the close, on the new connection alone."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.disconnect_slowly(client)
        client.connect()
        self.resume()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(0), ["phx_join"])
        self.assertEqual(self.events_sent(1), ["phx_join"])

    def test_does_not_error_a_later_channel_rejoined_by_an_earlier_error_callback(
        self,
    ) -> None:
        """S44: each channel hears once of a loss, whoever connects anew meanwhile.

        Otherwise: of a close that was asked for it hears nothing.
        """
        client = self.connected_client()
        first = self.joined_channel(client=client)
        second = self.joined_channel(OTHER, client=client)
        errors = self.errors_of(second)
        self.connect_anew_once(client, first.on_error)
        self.lose_connection()
        self.memory.advance(0.5)
        self.assertEqual([first.state, second.state], ["joined", "joined"])
        self.assertEqual(len(errors), 1)
        self.assertEqual(self.events_sent(1), ["phx_join", "phx_join"])
        self.disconnect_slowly(client)
        self.resume()
        self.assertEqual([first.state, second.state], ["errored", "errored"])
        self.assertEqual(len(errors), 1)

    def test_does_not_error_channels_that_already_rejoined_on_the_new_connection(
        self,
    ) -> None:
        """S45: what has joined on the new connection hears nothing of the old.

        Otherwise: it has not heard of it before either, since that was asked for.
        """
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        errors = self.errors_of(channel)
        self.disconnect_slowly(client)
        client.connect()
        self.resume()
        self.assertEqual(channel.state, "joined")
        self.wait_long()
        self.assertEqual(errors, [])
        self.assertEqual(len(self.joins()), 2)

    def test_rejoins_channels_that_were_joined_over_the_old_connection(self) -> None:
        """S46: channels are errored by the end, and join with the next connect()."""
        client = self.connected_client()
        channels = [self.joined_channel(f"rooms:{n}", client=client) for n in range(3)]
        self.disconnect_slowly(client)
        self.resume()
        self.assertEqual({str(channel.state) for channel in channels}, {"errored"})
        self.wait_long()
        self.assertEqual(len(self.joins()), 3)
        client.connect()
        self.memory.flush()
        self.assertEqual({str(channel.state) for channel in channels}, {"joined"})
        self.assertEqual(len(self.joins()), 6)

    def test_rejoins_channels_that_joined_over_the_old_connection_while_it_drained(
        self,
    ) -> None:
        """S47, otherwise: after disconnect() a join() fails, and nothing is sent."""
        client = self.connected_client()
        outcome = self.disconnect_slowly(client)
        channel = client.channel(TOPIC)
        self.assert_failed(self.watch(channel.join()), NotConnected)
        self.assertEqual(channel.state, "closed")
        self.resume()
        self.assert_fired(outcome, None)
        self.assertEqual(self.joins(), [])

    def test_rejoins_a_new_channel_that_joined_while_draining(self) -> None:
        """S48, otherwise: with a connect() as well, a join() waits for the new one."""
        client = self.connected_client()
        self.disconnect_slowly(client)
        client.connect()
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join())
        self.memory.flush()
        self.assert_waits(joined)
        self.resume()
        self.assert_fired(joined, {})
        self.assertEqual(self.events_sent(0), [])
        self.assertEqual(self.events_sent(1), ["phx_join"])

    def test_rejoins_a_channel_that_rejoined_on_the_old_conn_while_it_drained(
        self,
    ) -> None:
        """S49, otherwise: a rejoin that falls due during the close is not sent.

        It comes with the next connect().
        """
        client = self.connected_client(close_timeout=10.0)
        channel = self.joined_channel(client=client)
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.disconnect_slowly(client)
        self.memory.advance(5.0)
        self.assertEqual(self.memory.connections_made, 1)
        self.resume()
        self.assertEqual(channel.state, "errored")
        client.connect()
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(0), ["phx_join"])
        self.assertEqual(self.events_sent(1), ["phx_join"])

    def test_does_not_error_a_channel_whose_rejoin_is_buffered_for_the_new_conn(
        self,
    ) -> None:
        """S50: a join that waits for the new connection is untouched by the old."""
        client = self.connected_client()
        self.disconnect_slowly(client)
        client.connect()
        channel = client.channel(TOPIC)
        errors = self.errors_of(channel)
        joined = self.watch(channel.join())
        self.resume()
        self.wait_long()
        self.assert_fired(joined, {})
        self.assertEqual(errors, [])
        self.assertEqual(self.events_sent(1).count("phx_join"), 1)
