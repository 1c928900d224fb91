"""phoenix.js's socket tests: a connection that closes, fails, or cannot be opened."""

from __future__ import annotations

from typing import Any

from txphoenix import (
    Channel,
    ConnectionClosed,
    ConnectionFailed,
    HeartbeatTimeout,
    SocketClient,
)

from .support import TOPIC, Outcome, PhoenixJSTestCase

OTHER = "rooms:other"


class LossTestCase(PhoenixJSTestCase):
    """A test of a connection that ends without the client's wish."""

    def close(self, code: int) -> None:
        """Have the server close the latest connection; 1006 is without a close."""
        if code == 1006:
            self.memory.cut()
        else:
            self.memory.sessions[-1].close(code)
        self.memory.flush()

    def assert_retried(self, made: int = 2) -> None:
        """There is one attempt more, which succeeds, and no further one."""
        self.assertEqual(self.memory.connections_made, made - 1)
        self.memory.advance(0.5)
        self.assert_one_open(made)

    def joining_channel(
        self, client: SocketClient
    ) -> tuple[Channel, Outcome[Any], list[BaseException]]:
        """A channel whose join has been sent, and not answered.

        :return: the channel, the outcome of its join, and the errors it tells.
        """
        self.memory.answers = False
        channel = client.channel(TOPIC)
        errors = self.errors_of(channel)
        joined = self.watch(channel.join())
        self.memory.flush()
        self.memory.answers = True
        return channel, joined, errors


class OnConnCloseTests(LossTestCase):
    """The connection is closed."""

    def test_does_not_schedule_reconnect_timer_if_normal_close(self) -> None:
        """S100, otherwise: a server's 1000 is retried like any other close.

        A should_reconnect function may decide that it is not.
        """
        client = self.connected_client()
        self.close(1000)
        self.assert_retried()
        self.stop_client(client)
        reasons: list[Exception] = []

        def decide(reason: Exception) -> bool:
            reasons.append(reason)
            return not (isinstance(reason, ConnectionClosed) and reason.code == 1000)

        client = self.connected_client(should_reconnect=decide)
        self.close(1000)
        self.assertEqual(len(reasons), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_schedules_reconnect_timer_timeout_if_abnormal_close(self) -> None:
        """S101: an end without a close, which is 1006, is retried."""
        self.connected_client()
        self.close(1006)
        self.assert_retried()

    def test_does_not_schedule_reconnect_timer_if_normal_close_after_disconnect(
        self,
    ) -> None:
        """S102: what the server answers to our own close is not retried."""
        client = self.connected_client()
        self.watch(client.disconnect())
        self.memory.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.wait_long()
        self.assertEqual(self.memory.connections_made, 1)

    def test_schedules_reconnect_timer_timeout_if_not_normal_close(self) -> None:
        """S103: any other code is retried, 1001 for one."""
        self.connected_client()
        self.close(1001)
        self.assert_retried()

    def test_schedules_reconnect_timer_timeout_if_connection_cannot_be_made_again(
        self,
    ) -> None:
        """S104: connect() after a disconnect() tries again as the first one does."""
        client = self.connected_client()
        self.watch(client.disconnect())
        self.memory.flush()
        self.memory.is_listening = False
        client.connect()
        self.memory.advance(2.0)
        self.assertFalse(client.connected)
        self.memory.is_listening = True
        self.memory.advance(0.5)
        self.assertTrue(client.connected)

    def test_triggers_on_close_callback(self) -> None:
        """S105: hooks of on_close get code, reason and whether it was clean."""
        client = self.connected_client()
        reasons: list[Any] = []
        client.on_close(reasons.append)
        self.close(1001)
        self.reconnect()
        self.close(1006)
        self.assertEqual(
            [(reason.code, reason.was_clean) for reason in reasons],
            [(1001, True), (1006, False)],
        )
        self.assertEqual(reasons[0].reason, "")

    def test_triggers_channel_error_if_joining(self) -> None:
        """S106: a channel that is joining is errored.

        Its first join goes on: it is sent anew with the next connection, and has its
        timeout for both.
        """
        client = self.connected_client()
        channel, joined, errors = self.joining_channel(client)
        self.close(1001)
        self.assertEqual(channel.state, "errored")
        self.assertEqual(len(errors), 1)
        self.assert_waits(joined)
        self.reconnect()
        self.assert_fired(joined, {})
        self.assertEqual(channel.state, "joined")
        self.assertEqual([join[0] for join in self.joins()], ["1", "2"])

    def test_triggers_channel_error_if_joined(self) -> None:
        """S107: a channel that is joined is errored, and its hooks get the reason."""
        channel = self.joined_channel()
        errors = self.errors_of(channel)
        self.close(1001)
        self.assertEqual(channel.state, "errored")
        [error] = errors
        assert isinstance(error, ConnectionClosed)
        self.assertEqual(error.code, 1001)

    def test_does_not_trigger_channel_error_after_leave(self) -> None:
        """S108: a channel that has left hears nothing of it."""
        channel = self.joined_channel()
        errors = self.errors_of(channel)
        self.watch(channel.leave())
        self.memory.flush()
        self.close(1001)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(errors, [])


class ConnectingAnewTests(LossTestCase):
    """Who connects while a retry is due, or in a hook that hears of the loss."""

    def test_does_not_error_later_channels_rejoined_by_a_close_error_callback(
        self,
    ) -> None:
        """S111: if a channel's hook connects anew, all channels join, and stay.

        Otherwise: after the delay.
        """
        client = self.connected_client()
        first = self.joined_channel(client=client)
        second = self.joined_channel(OTHER, client=client)
        errors = self.errors_of(second)
        self.connect_anew_once(client, first.on_error)
        self.close(1001)
        self.memory.advance(0.5)
        self.assertEqual([first.state, second.state], ["joined", "joined"])
        self.assertEqual(len(errors), 1)
        self.assert_one_open(2)
        self.assertEqual(len(self.joins()), 4)

    def test_still_reconnects_when_the_server_only_confirmed_our_close(self) -> None:
        """S113: a missed heartbeat is retried, whatever the server does then.

        The server may be there again, and close in good order, at that very moment.
        """
        client = self.connected_client()
        reasons: list[Exception] = []
        client.on_close(reasons.append)
        self.memory.pause()
        self.memory.advance(client.options.heartbeat_interval)
        self.memory.sessions[0].close(1000)
        self.clock.advance(client.options.heartbeat_timeout)
        self.memory.resume()
        self.memory.flush()
        self.assertEqual([type(reason) for reason in reasons], [HeartbeatTimeout])
        self.assert_retried()

    def test_does_not_let_a_scheduled_reconnect_replace_a_connection(
        self,
    ) -> None:
        """S114: connect() while a retry is due takes its place: one connection."""
        client = self.connected_client()
        self.close(1000)
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.memory.advance(0.5)
        self.assert_one_open(2)

    def test_connects_again_when_asked_to_after_a_normal_close(self) -> None:
        """S115: after a close with 1000 the client connects, asked to or not.

        Where it is told not to by itself, connect() has it do so.
        """
        client = self.connected_client(reconnect=False)
        self.close(1000)
        self.wait_long()
        self.assertFalse(client.connected)
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assert_one_open(2)

    def test_preserves_a_connection_opened_by_a_channel_error_callback(self) -> None:
        """S116: nothing of the loss touches the connection that its hook opens.

        It has a heartbeat, and its own loss is retried.
        """
        for code in (1000, 1006):
            self.preserve(code)

    def preserve(self, code: int) -> None:
        """Close with a code, and see what becomes of the connection made then."""
        client = self.connected_client()
        made = self.memory.connections_made
        channel = self.joined_channel(client=client)
        self.connect_anew_once(client, channel.on_error)
        self.close(code)
        self.memory.advance(0.5)
        self.assertEqual(self.memory.connections_made, made + 1)
        self.assertEqual(channel.state, "joined")
        self.memory.advance(client.options.heartbeat_interval)
        self.assertEqual(self.events_sent(), ["phx_join", "heartbeat"])
        self.assertEqual(self.memory.connections_made, made + 1)
        self.close(code)
        self.assertEqual(channel.state, "errored")
        self.assert_retried(made + 2)
        self.assertEqual(channel.state, "joined")
        self.stop_client(client)

    def test_does_not_connect_twice_when_asked_to_while_a_reconnect_is_scheduled(
        self,
    ) -> None:
        """S117: connect() during the wait makes the planned attempt at once.

        Otherwise: where that fails, another comes after its delay, and none besides.
        """
        client = self.connected_client()
        self.memory.is_listening = False
        self.close(1006)
        self.memory.advance(0.2)
        for _ in range(3):
            client.connect()
        self.assertEqual(client.connection.attempts, 4)
        self.memory.is_listening = True
        self.memory.advance(0.4)
        self.assertFalse(client.connected)
        self.memory.advance(0.1)
        self.assertTrue(client.connected)
        self.assert_one_open(2)


class OnConnErrorTests(LossTestCase):
    """The connection fails, or cannot be opened."""

    def test_triggers_on_error_callback(self) -> None:
        """S118: hooks of on_error get the error of a failed attempt.

        Otherwise: they get nothing else; telemetry counts the attempts.
        """
        self.memory.is_listening = False
        client = self.make_client()
        told: list[tuple[Any, ...]] = []
        client.on_error(lambda *args: told.append(args))
        client.startService()
        self.memory.flush()
        [[error]] = told
        assert isinstance(error, ConnectionFailed)
        self.assertIn("ConnectionRefusedError", str(error))

    def test_triggers_channel_error_if_joining_with_open_connection(self) -> None:
        """S119: a channel that is joining is errored when the connection is cut."""
        client = self.connected_client()
        channel, joined, errors = self.joining_channel(client)
        self.close(1006)
        self.assertEqual(channel.state, "errored")
        self.assertEqual(len(errors), 1)
        self.reconnect()
        self.assert_fired(joined, {})

    def test_triggers_channel_error_if_joining_with_no_connection(self) -> None:
        """S120, otherwise: a failed attempt is told to the client's hooks alone.

        A join goes on waiting, up to its timeout.
        """
        self.memory.is_listening = False
        client = self.make_client()
        client_errors: list[Exception] = []
        client.on_error(client_errors.append)
        client.startService()
        channel = client.channel(TOPIC)
        errors = self.errors_of(channel)
        joined = self.watch(channel.join())
        self.memory.advance(2.0)
        self.assertGreater(len(client_errors), 1)
        self.assertEqual(errors, [])
        self.assertEqual(channel.state, "joining")
        self.memory.is_listening = True
        self.memory.advance(0.5)
        self.assert_fired(joined, {})

    def test_triggers_channel_error_if_joined(self) -> None:
        """S121: a channel that is joined is errored, once for each loss.

        The attempts that fail after it are none of its business.
        """
        channel = self.joined_channel()
        errors = self.errors_of(channel)
        self.memory.is_listening = False
        self.close(1006)
        self.assertEqual(channel.state, "errored")
        self.memory.advance(2.0)
        [error] = errors
        assert isinstance(error, ConnectionClosed)
        self.assertEqual((error.code, error.was_clean), (1006, False))

    def test_does_not_trigger_channel_error_after_leave(self) -> None:
        """S122: a channel that has left hears nothing of it."""
        channel = self.joined_channel()
        errors = self.errors_of(channel)
        self.watch(channel.leave())
        self.memory.flush()
        self.close(1006)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(errors, [])

    def test_does_not_trigger_channel_error_if_transport_replaced(
        self,
    ) -> None:
        """S123, otherwise: reconfigure() in a hook of a failed attempt is as good.

        A join that waits goes on waiting, and succeeds after the delay.
        """
        self.memory.is_listening = False
        client = self.make_client()

        def replace(_error: Exception) -> None:
            self.memory.is_listening = True
            self.watch(client.reconfigure(params={"token": "new"}))

        client.on_error(replace)
        client.startService()
        channel = client.channel(TOPIC)
        errors = self.errors_of(channel)
        joined = self.watch(channel.join())
        self.memory.advance(0.5)
        self.assert_fired(joined, {})
        self.assertEqual(errors, [])
        self.assertEqual(len(self.joins()), 1)
        self.assertEqual(self.memory.sessions[0].socket.params["token"], "new")
