"""Joining a topic: what is sent, how it succeeds, and each way in which it fails."""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from txphoenix.channels.channel import Channel
from txphoenix.errors import (
    AlreadyJoined,
    ChannelClosed,
    ConfigurationError,
    ConnectionClosed,
    JoinError,
    JoinTimeout,
    MessageTooLarge,
    NotConnected,
    SerializerError,
)

from .support import TOPIC, ClientTestCase


class JoinTests(ClientTestCase):
    """The first join of a channel."""

    def test_new_channel(self) -> None:
        """A channel is closed until it joins, and nothing is sent for it."""
        client = self.connected_client()
        channel = client.channel(TOPIC, {"a": 1})
        self.memory.flush()
        self.assertEqual(channel.state, "closed")
        self.assertFalse(channel.is_joined)
        self.assertEqual((channel.topic, channel.params), (TOPIC, {"a": 1}))
        self.assertIsNone(channel.join_ref)
        self.assertEqual(self.all_sent(), [])
        self.assertEqual(repr(channel), "<EchoRoom rooms:lobby closed>")

    def test_ok(self) -> None:
        """The join's Deferred fires with the response, and the channel is joined."""
        client = self.connected_client()
        channel = client.channel(TOPIC, {"a": 1})
        outcome = self.watch(channel.join())
        self.assertEqual(channel.state, "joining")
        self.assert_waits(outcome)
        self.memory.flush()
        self.assert_fired(outcome, {"a": 1})
        self.assertTrue(channel.is_joined)
        self.assertEqual(self.all_sent(), [["1", "1", TOPIC, "phx_join", {"a": 1}]])
        self.assertEqual(channel.join_ref, "1")

    def test_timer_gone(self) -> None:
        """An answered join never times out, and no second reply does anything."""
        channel = self.joined_channel()
        self.memory.advance(20.0)
        self.answer(["1", "1", TOPIC], "error", {"reason": "late"})
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_refused(self) -> None:
        """Decision 7: a refused first join is final, and says what the server said."""
        client = self.connected_client()
        self.memory.refusal = {"reason": "unauthorized"}
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.memory.flush()
        error = self.assert_failed(outcome, JoinError)
        self.assertEqual(error.response, {"reason": "unauthorized"})
        self.assertEqual((error.reason, error.topic), ("unauthorized", TOPIC))
        self.assertEqual(channel.state, "closed")
        self.assertIsNone(client.channels.find(TOPIC))
        self.memory.refusal = None
        self.memory.advance(60.0)
        self.assertEqual(self.all_sent(), [["1", "1", TOPIC, "phx_join", {}]])

    def test_crashed(self) -> None:
        """Decision 7: so is one that the server ends with ``phx_error``."""
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.server_sends("1", "1", TOPIC, "phx_error", {"reason": "channel_crash"})
        error = self.assert_failed(outcome, JoinError)
        self.assertEqual(error.response, {"reason": "channel_crash"})
        self.assertEqual(channel.state, "closed")

    def test_malformed_reply(self) -> None:
        """A reply that is none refuses the join, and shows what came."""
        client = self.connected_client()
        self.memory.answers = False
        outcome = self.watch(client.channel(TOPIC).join())
        self.memory.flush()
        self.server_sends("1", "1", TOPIC, "phx_reply", ["what"])
        self.assertEqual(self.assert_failed(outcome, JoinError).response, ["what"])

    def test_again_after_refusal(self) -> None:
        """Decision 7: a closed channel may be joined again."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        self.memory.refusal = {}
        self.watch(channel.join())
        self.memory.flush()
        self.memory.refusal = None
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assertEqual(channel.join_ref, "2")

    def test_timeout(self) -> None:
        """A join that is not answered fails; the server may have joined us, so leave.

        What the server answers later changes nothing.
        """
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.memory.advance(4.9)
        self.assert_waits(outcome)
        self.memory.advance(0.1)
        error = self.assert_failed(outcome, JoinTimeout)
        self.assertEqual((error.timeout, error.topic), (5.0, TOPIC))
        self.assertEqual(channel.state, "closed")
        self.answer(["1", "1", TOPIC])
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(
            self.all_sent(),
            [["1", "1", TOPIC, "phx_join", {}], ["1", "2", TOPIC, "phx_leave", {}]],
        )

    def test_own_timeout(self) -> None:
        """The timeout can be given in the call, and is that join's alone."""
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join(timeout=2))
        self.memory.advance(2.0)
        self.assertEqual(self.assert_failed(outcome, JoinTimeout).timeout, 2.0)
        again = self.watch(channel.join())
        self.memory.advance(4.9)
        self.assert_waits(again)

    def test_bad_timeout(self) -> None:
        """A timeout must be a positive, finite number of seconds."""
        channel = self.connected_client().channel(TOPIC)
        bad: list[object] = [0, -1, float("inf"), float("nan"), "5", True]
        for timeout in bad:
            joined = self.watch(channel.join(timeout))  # type: ignore[call-overload]
            error = self.assert_failed(joined, ConfigurationError)
            self.assertIn("timeout must be", str(error))
        self.assertEqual(channel.state, "closed")


class ConnectionTests(ClientTestCase):
    """Joining with a connection that is not there."""

    def test_waits(self) -> None:
        """Decision 7: join() waits for a connection under way, and is sent once."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.memory.advance(4.0)
        self.assert_waits(outcome)
        self.assertEqual(channel.state, "joining")
        self.memory.release_connections()
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_waits_up_to_its_timeout(self) -> None:
        """Decision 7: the wait for the connection counts; nothing is sent after it."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.memory.advance(5.0)
        self.assert_failed(outcome, JoinTimeout)
        self.assertEqual(channel.state, "closed")
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.all_sent(), [])

    def test_lost_on_the_way(self) -> None:
        """A join that was sent when the connection is lost is sent on the next.

        Its time has been running all the while.
        """
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.memory.advance(3.0)
        self.lose_connection()
        self.assertEqual(channel.state, "errored")
        self.reconnect()
        self.assertEqual(self.events_sent(1), ["phx_join"])
        self.assert_waits(outcome)
        self.memory.advance(1.5)
        self.assert_failed(outcome, JoinTimeout)

    def test_closing(self) -> None:
        """A join made while the connection closes is sent on the next one alone.

        The loss of the old one is nothing that happened to it.
        """
        client = self.connected_client()
        done = self.watch(client.reconfigure(params={"a": "1"}))
        channel = client.channel(TOPIC)
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assert_fired(done, None)
        self.assertEqual(errors, [])
        self.assertEqual(self.events_sent(0), [])
        self.assertEqual(self.events_sent(1), ["phx_join"])

    def test_never_started(self) -> None:
        """Decision 7: it fails at once if the client was never started."""
        channel = self.make_client().channel(TOPIC)
        self.assert_failed(self.watch(channel.join()), NotConnected)
        self.assertEqual(channel.state, "closed")

    def test_told_to_disconnect(self) -> None:
        """Decision 7: it fails at once if the client was told to disconnect."""
        client = self.connected_client()
        self.watch(client.disconnect())
        error = self.assert_failed(
            self.watch(client.channel(TOPIC).join()), NotConnected
        )
        self.assertIn(TOPIC, str(error))

    def test_disconnected_meanwhile(self) -> None:
        """Decision 7: so does one that waits when disconnect() is called."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.watch(client.disconnect())
        self.assert_failed(outcome, NotConnected)
        self.assertEqual(channel.state, "closed")

    def test_given_up(self) -> None:
        """Where there will be no other attempt it fails with the error of the last."""
        client = self.connected_client(reconnect=False)
        self.memory.answers = False
        channel = client.channel(TOPIC)
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.lose_connection()
        self.assert_failed(outcome, ConnectionClosed)
        self.assertEqual(channel.state, "closed")
        self.assert_failed(self.watch(channel.join()), NotConnected)


class SecondJoinTests(ClientTestCase):
    """Joining a topic that is taken, or being left."""

    def test_same_channel(self) -> None:
        """Decision 7: a channel joins once, and the error has it."""
        channel = self.joined_channel()
        error = self.assert_failed(self.watch(channel.join()), AlreadyJoined)
        self.assertIs(error.channel, channel)
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_other_channel(self) -> None:
        """Decision 7: another channel of the topic is refused, in its name."""
        client = self.connecting_client()
        first = client.channel(TOPIC)
        other = client.channel(TOPIC)
        joined = self.watch(first.join())
        error = self.assert_failed(self.watch(other.join()), AlreadyJoined)
        self.assertIs(error.channel, first)
        self.assertEqual(other.state, "closed")
        self.memory.release_connections()
        self.memory.flush()
        self.assert_fired(joined, {})
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_errored(self) -> None:
        """Decision 7: a channel on its way to its rejoin has the topic still."""
        channel = self.joined_channel()
        self.lose_connection()
        self.assert_failed(self.watch(channel.join()), AlreadyJoined)

    def test_after_leave(self) -> None:
        """A join during a leave waits for it, with its time running."""
        channel = self.joined_channel()
        self.memory.answers = False
        left = self.watch(channel.leave(timeout=4.0))
        outcome = self.watch(channel.join(timeout=6.0))
        self.memory.advance(3.9)
        self.assertEqual(self.events_sent(), ["phx_join", "phx_leave"])
        self.memory.advance(0.1)
        self.assert_fired(left, None)
        self.assertEqual(channel.state, "joining")
        self.assertEqual(self.events_sent(), ["phx_join", "phx_leave", "phx_join"])
        self.memory.advance(1.9)
        self.assert_waits(outcome)
        self.memory.advance(0.1)
        self.assert_failed(outcome, JoinTimeout)

    def test_after_leave_timeout(self) -> None:
        """It may time out before the leave has ended, and is never sent then."""
        channel = self.joined_channel()
        self.memory.answers = False
        self.watch(channel.leave(timeout=4.0))
        outcome = self.watch(channel.join(timeout=1.0))
        self.memory.advance(1.0)
        self.assert_failed(outcome, JoinTimeout)
        self.memory.advance(3.0)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.events_sent(), ["phx_join", "phx_leave"])

    def test_two_after_leave(self) -> None:
        """Of several that wait the first one joins."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        other = client.channel(TOPIC)
        left = self.watch(channel.leave())
        first = self.watch(other.join())
        second = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(left, None)
        self.assert_fired(first, {})
        self.assertIs(self.assert_failed(second, AlreadyJoined).channel, other)
        self.assertEqual((other.state, channel.state), ("joined", "closed"))

    def test_stopped_while_another_waits(self) -> None:
        """stop() fails the channel's own join that waits, not another channel's."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        other = client.channel(TOPIC)
        self.watch(channel.leave())
        own = self.watch(channel.join())
        others = self.watch(other.join())
        channel.stop()
        self.assertEqual(self.assert_failed(own, ChannelClosed).reason, "stopped")
        self.memory.flush()
        self.assert_fired(others, {})

    def test_disconnected_while_it_waits(self) -> None:
        """Decision 7: one that waits for a leave fails as the others do."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.memory.answers = False
        left = self.watch(channel.leave())
        outcome = self.watch(channel.join())
        self.watch(client.disconnect())
        self.assert_failed(outcome, NotConnected)
        self.memory.flush()
        self.assert_fired(left, None)
        self.assertEqual(channel.state, "closed")


class CancelTests(ClientTestCase):
    """Cancelling the Deferred of a join leaves."""

    def cancel(self, channel: Channel, prepare: bool = True) -> None:
        """Join and cancel it."""
        deferred = channel.join()
        outcome = self.watch(deferred)
        if prepare:
            self.memory.flush()
        deferred.cancel()
        self.assert_failed(outcome, CancelledError)

    def test_sent(self) -> None:
        """The server, which may have joined us, is told."""
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        self.cancel(channel)
        self.memory.flush()
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.events_sent(), ["phx_join", "phx_leave"])
        self.answer(["1", "1", TOPIC])
        self.assertEqual(channel.state, "closed")

    def test_not_sent(self) -> None:
        """One that waits for the connection is never sent."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        self.cancel(channel)
        self.assertEqual(channel.state, "closed")
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.events_sent(), [])

    def test_waiting_for_leave(self) -> None:
        """One that waits for a leave does not begin."""
        channel = self.joined_channel()
        left = self.watch(channel.leave())
        self.cancel(channel, prepare=False)
        self.assertEqual(channel.state, "leaving")
        self.memory.flush()
        self.assert_fired(left, None)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.events_sent(), ["phx_join", "phx_leave"])

    def test_fired(self) -> None:
        """After it has fired, cancelling does nothing."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        deferred = channel.join()
        self.watch(deferred)
        self.memory.flush()
        deferred.cancel()
        self.assertEqual(channel.state, "joined")


class UnsendableTests(ClientTestCase):
    """Params that cannot be sent."""

    def test_not_json(self) -> None:
        """The join fails and the connection lives on."""
        client = self.connected_client()
        channel = client.channel(TOPIC, {"a": object()})
        self.assert_failed(self.watch(channel.join()), SerializerError)
        self.assertEqual(channel.state, "closed")
        self.joined_channel("rooms:other", client=client)
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_too_large(self) -> None:
        """Decision 10: params beyond max_message_size fail before they are sent."""
        client = self.connected_client(max_message_size=1000)
        channel = client.channel(TOPIC, {"a": "x" * 1000})
        error = self.assert_failed(self.watch(channel.join()), MessageTooLarge)
        self.assertEqual(error.limit, 1000)
        self.assertEqual(channel.state, "closed")
