"""phoenix.js's socket tests: the heartbeat, its timeout, and what comes in between."""

from __future__ import annotations

from txphoenix import ConnectionClosed, HeartbeatTimeout, SocketClient

from .support import PhoenixJSTestCase


class HeartbeatTestCase(PhoenixJSTestCase):
    """A test of a server that may fall silent."""

    # The server must not be the one who loses patience.
    server_options = {"timeout": None}

    def fall_silent(self, client: SocketClient) -> None:
        """Let the server answer nothing, until the client's heartbeat is overdue."""
        self.memory.pause()
        self.memory.advance(
            client.options.heartbeat_interval + client.options.heartbeat_timeout
        )

    def come_back(self) -> None:
        """Let the server answer again, and the client connect again."""
        self.memory.resume()
        self.memory.advance(0.5)


class SendHeartbeatTests(HeartbeatTestCase):
    """When heartbeats are sent, and what becomes of one without an answer."""

    def test_closes_socket_when_heartbeat_is_not_ackd_within_heartbeat_window(
        self,
    ) -> None:
        """S82: the connection is given up heartbeat_timeout after the heartbeat."""
        client = self.connected_client(heartbeat_interval=30, heartbeat_timeout=8)
        reasons: list[Exception] = []
        client.on_close(reasons.append)
        self.memory.pause()
        self.memory.advance(37.9)
        self.assertTrue(client.connected)
        self.memory.advance(0.1)
        self.assertFalse(client.connected)
        [reason] = reasons
        assert isinstance(reason, HeartbeatTimeout)
        self.assertIsInstance(reason, TimeoutError)
        self.assertEqual(reason.timeout, 8)
        self.come_back()
        self.assertTrue(client.connected)

    def test_pushes_heartbeat_data_when_connected(self) -> None:
        """S83: a heartbeat is sent each interval, byte for byte that of phoenix.js."""
        self.connected_client()
        self.memory.advance(60.0)
        self.assertEqual(
            [frame for frame in self.frames() if frame.startswith("C>")],
            [
                'C> [null,"1","phoenix","heartbeat",{}]',
                'C> [null,"2","phoenix","heartbeat",{}]',
            ],
        )

    def test_no_ops_when_not_connected(self) -> None:
        """S84: there is none before the connection is open, and none after its loss."""
        client = self.connecting_client(connect_timeout=100.0, reconnect=False)
        self.memory.advance(90.0)
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.sent(), [])
        self.lose_connection()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertFalse(client.connected)


class HeartbeatTimeoutTests(HeartbeatTestCase):
    """A heartbeat has had no answer."""

    def test_triggers_channel_error_with_the_heartbeat_timeout_reason(self) -> None:
        """S93: hooks of on_error of a channel get the HeartbeatTimeout."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.fall_silent(client)
        self.assertEqual([type(error) for error in errors], [HeartbeatTimeout])
        self.come_back()
        self.assertEqual(channel.state, "joined")

    def test_errors_channels_after_closing_the_connection(self) -> None:
        """S94: they are called once, when the client is not connected any more."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        seen: list[tuple[bool, str]] = []
        channel.on_error(lambda _: seen.append((client.connected, channel.state)))
        self.fall_silent(client)
        self.assertEqual(seen, [(False, "errored")])
        self.come_back()
        self.wait_long()
        self.assertEqual(len(seen), 1)

    def test_reconnects_without_waiting_for_the_buffer_to_drain(self) -> None:
        """S95: the end is not waited for, not even as long as a close's would be."""
        client = self.connected_client(close_timeout=1000.0)
        self.fall_silent(client)
        self.assertEqual(self.memory.connections_made, 1)
        self.come_back()
        self.assertTrue(client.connected)
        self.assertEqual(self.memory.connections_made, 2)

    def test_does_not_reconnect_when_a_heartbeat_error_callback_disconnects(
        self,
    ) -> None:
        """S96: disconnect() in a channel's hook of on_error is the end."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        channel.on_error(lambda _: self.watch(client.disconnect()))
        self.fall_silent(client)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.memory.resume()
        self.wait_long()
        self.assertEqual(self.memory.connections_made, 1)
        self.assertEqual(client.status, "disconnected")

    def test_keeps_a_replacement_opened_by_a_heartbeat_error_callback(self) -> None:
        """S97: a connection that is opened in such a hook is the one that stays."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.connect_anew_once(client, channel.on_error)
        self.fall_silent(client)
        self.assert_kept(client)
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(1)[:1], ["phx_join"])

    def test_keeps_a_replacement_opened_by_a_synchronous_heartbeat_close_callback(
        self,
    ) -> None:
        """S99: so is one that is opened in a hook of on_close.

        The transport may even tell of its end while it is being given up.
        """
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        reasons: list[Exception] = []
        client.on_close(reasons.append)
        self.connect_anew_once(client, client.on_close)
        [pair] = self.memory.pairs
        self.patch(pair.client, "abortConnection", pair.cut)
        self.fall_silent(client)
        self.assertIsInstance(reasons[0], HeartbeatTimeout)
        self.assert_kept(client)
        self.assertEqual(channel.state, "joined")

    def assert_kept(self, client: SocketClient) -> None:
        """There is a second connection after the delay, and there will be no third."""
        self.memory.advance(0.5)
        self.assertEqual(self.memory.connections_made, 2)
        self.memory.resume()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.wait_long()
        self.assertEqual(self.memory.connections_made, 2)
        self.assertEqual(len(self.memory.connections), 1)


class DisconnectTests(HeartbeatTestCase):
    """disconnect() and the heartbeat."""

    def test_stops_the_heartbeat_so_that_it_does_not_reconnect_the_socket(
        self,
    ) -> None:
        """S63: after disconnect() nothing happens, for many intervals."""
        client = self.connected_client()
        self.watch(client.disconnect())
        self.memory.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.wait_long()
        self.assertEqual(self.memory.connections_made, 1)
        self.assertEqual(self.sent(), [])

    def test_does_not_restart_the_heartbeat_when_its_reply_arrives_while_draining(
        self,
    ) -> None:
        """S64: an answer that comes during the close starts no timer."""
        client = self.connected_client()
        self.memory.pause()
        self.memory.advance(client.options.heartbeat_interval)
        outcome = self.watch(client.disconnect())
        self.memory.flush()
        self.memory.resume()
        self.memory.flush()
        self.assertIn("phx_reply", self.frames()[-1])
        self.assert_fired(outcome, None)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_does_not_reconnect_after_a_heartbeat_timeout_when_disconnected_meanwhile(
        self,
    ) -> None:
        """S65: disconnect() between the timeout and the transport's end holds."""
        client = self.connected_client()
        self.memory.pause()
        self.memory.advance(client.options.heartbeat_interval)
        self.clock.advance(client.options.heartbeat_timeout)
        self.assertFalse(client.connected)
        self.assertEqual(len(self.memory.pairs), 1)
        outcome = self.watch(client.disconnect())
        self.memory.resume()
        self.wait_long()
        self.assert_fired(outcome, None)
        self.assertEqual(self.memory.connections_made, 1)

    def test_does_not_send_heartbeat_after_explicit_disconnect(self) -> None:
        """S109: no heartbeat is sent during the close either."""
        client = self.connected_client(close_timeout=90.0)
        self.memory.pause()
        outcome = self.watch(client.disconnect())
        self.memory.advance(80.0)
        self.assert_waits(outcome)
        self.memory.resume()
        self.memory.flush()
        self.assert_fired(outcome, None)
        self.assertEqual(self.sent(), [])

    def test_does_not_timeout_the_heartbeat_after_explicit_disconnect(self) -> None:
        """S110: nor is one missed that was sent before it."""
        client = self.connected_client(close_timeout=90.0)
        reasons: list[Exception] = []
        client.on_close(reasons.append)
        self.memory.pause()
        self.memory.advance(client.options.heartbeat_interval)
        outcome = self.watch(client.disconnect())
        self.memory.advance(80.0)
        self.assert_waits(outcome)
        self.memory.resume()
        self.memory.flush()
        self.assertEqual([type(reason) for reason in reasons], [ConnectionClosed])

    def test_does_not_reconnect_when_a_heartbeat_reply_is_decoded_after_the_close(
        self,
    ) -> None:
        """S141: an answer that comes with the server's close starts no timer."""
        client = self.connected_client(reconnect=False)
        self.memory.pause()
        self.memory.advance(client.options.heartbeat_interval)
        self.memory.sessions[0].close(1000)
        self.memory.resume()
        self.memory.flush()
        self.assertIn("phx_reply", self.frames()[-1])
        self.assertFalse(client.connected)
        self.assertEqual(self.clock.getDelayedCalls(), [])
