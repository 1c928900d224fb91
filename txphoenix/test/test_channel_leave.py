"""The end of a channel: leave, stop, and who is told."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError

from txphoenix.channels.channel import Channel
from txphoenix.errors import (
    ChannelClosed,
    ConfigurationError,
    JoinError,
    PushError,
)

from .support import TOPIC, ClientTestCase


class LeaveTests(ClientTestCase):
    """Leaving a topic."""

    def test_leave(self) -> None:
        """The leave has the join_ref and a fresh ref; its reply closes the channel."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        other = self.joined_channel("rooms:other", client=client)
        outcome = self.watch(channel.leave())
        self.assertEqual(channel.state, "leaving")
        self.assert_waits(outcome)
        self.memory.flush()
        self.assert_fired(outcome, None)
        self.assertEqual(channel.state, "closed")
        self.assertIsNone(channel.join_ref)
        self.assertIsNone(client.channels.find(TOPIC))
        self.assertEqual(self.sent()[-1], ["1", "3", TOPIC, "phx_leave", {}])
        self.assertEqual(other.state, "joined")

    def test_no_rejoin(self) -> None:
        """A channel that was left does not come back by itself."""
        channel = self.joined_channel()
        self.watch(channel.leave())
        self.memory.flush()
        self.lose_connection()
        self.reconnect()
        self.memory.advance(60.0)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.all_sent()[2:], [])

    def test_join_again(self) -> None:
        """It may be joined again."""
        channel = self.joined_channel()
        self.watch(channel.leave())
        self.memory.flush()
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(outcome, {})
        echoed = self.watch(channel.push("echo", 1))
        self.memory.flush()
        self.assert_fired(echoed, 1)

    def test_refused(self) -> None:
        """Whatever the server answers, the channel has left."""
        channel = self.joined_channel()
        self.memory.answers = False
        outcome = self.watch(channel.leave())
        self.memory.flush()
        self.answer(self.sent()[-1], "error", {"reason": "no"})
        self.assert_fired(outcome, None)
        self.assertEqual(channel.state, "closed")

    def test_timeout(self) -> None:
        """Without an answer it has left when the time is over, by its own timeout."""
        channel = self.joined_channel()
        self.memory.answers = False
        outcome = self.watch(channel.leave(timeout=2.0))
        self.memory.advance(1.9)
        self.assertEqual(channel.state, "leaving")
        self.memory.advance(0.1)
        self.assert_fired(outcome, None)
        self.assertEqual(channel.state, "closed")

    def test_bad_timeout(self) -> None:
        """A wrong timeout is an error, and leaves nothing behind."""
        channel = self.joined_channel()
        self.assert_failed(self.watch(channel.leave(-1.0)), ConfigurationError)
        self.assertEqual(channel.state, "joined")

    def test_cancel(self) -> None:
        """Cancelling does not stop the leave, which ends in its time all the same."""
        channel = self.joined_channel()
        self.memory.answers = False
        deferred = channel.leave(timeout=2.0)
        outcome = self.watch(deferred)
        second = self.watch(channel.leave())
        deferred.cancel()
        self.assert_failed(outcome, CancelledError)
        self.assertEqual(channel.state, "leaving")
        self.memory.advance(2.0)
        self.assertEqual(channel.state, "closed")
        self.assert_fired(second, None)

    def test_while_the_connection_closes(self) -> None:
        """A leave while the connection closes is done at once: nothing can be sent."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        done = self.watch(client.reconfigure(params={"a": "1"}))
        outcome = self.watch(channel.leave())
        self.assert_fired(outcome, None)
        self.memory.flush()
        self.assert_fired(done, None)
        self.assertEqual(self.all_sent(), [["1", "1", TOPIC, "phx_join", {}]])

    def test_never_sent_join(self) -> None:
        """Leaving before the join was sent sends nothing at all."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join())
        outcome = self.watch(channel.leave())
        self.assert_fired(outcome, None)
        self.assertEqual(self.assert_failed(joined, ChannelClosed).reason, "left")
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.all_sent(), [])

    def test_messages_meanwhile(self) -> None:
        """Until the server has answered, messages still come."""
        channel = self.joined_channel()
        self.memory.answers = False
        self.watch(channel.leave())
        received = self.watch(channel.receive())
        self.server_sends(None, None, TOPIC, "news", 1)
        self.assertEqual([it.payload for it in received.fired], [1])

    def test_unread_messages(self) -> None:
        """Decision 10: a full queue does not hold the answer back.

        It drops its oldest again, as one without a reader does.
        """
        channel = self.joined_channel(receive_buffer=4)
        received = [self.watch(channel.receive())]
        for number in range(7):
            self.memory.broadcast(TOPIC, "news", number)
            self.memory.flush()
        outcome = self.watch(channel.leave())
        self.memory.flush()
        self.assert_fired(outcome, None)
        received += [self.watch(channel.receive()) for _ in range(4)]
        self.assertEqual([it.fired[0].payload for it in received], [0, 3, 4, 5, 6])
        self.assertEqual(channel.dropped_messages, 2)
        self.assert_failed(self.watch(channel.receive()), ChannelClosed)


class StopTests(ClientTestCase):
    """Ending at once."""

    def test_stop(self) -> None:
        """The server is told and not waited for."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        pushed = self.watch(channel.push("silent"))
        channel.stop()
        self.assertEqual(channel.state, "closed")
        error = self.assert_failed(pushed, ChannelClosed)
        self.assertEqual((error.reason, error.was_sent), ("stopped", True))
        self.memory.flush()
        self.assertEqual(self.sent()[-1], ["1", "3", TOPIC, "phx_leave", {}])
        self.assertEqual(self.memory.channels(TOPIC), [])

    def test_late_answers(self) -> None:
        """What the server still says is counted as unrouted."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        channel.stop()
        self.memory.flush()
        # The reply to the leave, and phx_close.
        self.assertEqual(client.state.unrouted_messages, 2)

    def test_join_at_once(self) -> None:
        """A stopped channel may join at once; the old join's end does not touch it."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        channel.stop()
        outcome = self.watch(channel.join())
        self.memory.flush()
        self.assert_fired(outcome, {})
        self.assertEqual(channel.state, "joined")
        self.assertEqual(client.state.stale_messages, 2)

    def test_offline(self) -> None:
        """Without a connection nothing is sent."""
        channel = self.joined_channel()
        self.lose_connection()
        channel.stop()
        self.reconnect()
        self.assertEqual(self.all_sent()[1:], [])

    def test_service(self) -> None:
        """stopService() of the channel is stop()."""
        channel = self.joined_channel()
        self.assertTrue(channel.running)
        channel.stopService()
        self.assertEqual(channel.state, "closed")
        self.assertFalse(channel.running)


class ToldTests(ClientTestCase):
    """Who is told of the end."""

    def ending_channel(
        self, channel_class: type[Channel] | None = None
    ) -> tuple[Channel, list[Any]]:
        """A joined channel, and what its hooks were told."""
        told: list[Any] = []
        channel = self.joined_channel(channel_class=channel_class)
        channel.on_close(told.append)
        return channel, told

    def test_left(self) -> None:
        """A leave ends with the reason ``left``, told once."""
        channel, told = self.ending_channel()
        stopped = self.watch(channel.when_stopped())
        self.watch(channel.leave())
        self.assertEqual(told, [])
        self.memory.flush()
        self.assertEqual(told, ["left"])
        self.assert_fired(stopped, None)

    def test_closed(self) -> None:
        """The server's close has the reason ``closed``."""
        channel, told = self.ending_channel()
        stopped = self.watch(channel.when_stopped())
        outcome = self.watch(channel.push("stop"))
        self.memory.flush()
        self.assertEqual(told, ["closed"])
        self.assert_fired(stopped, None)
        self.assert_fired(outcome, {})

    def test_stopped(self) -> None:
        """stop() has the reason ``stopped``, also through the client."""
        channel, told = self.ending_channel()
        stopped = self.watch(channel.when_stopped())
        self.stop_client(self._clients[0])
        self.assertEqual(told, ["stopped"])
        self.assert_fired(stopped, None)

    def test_refused(self) -> None:
        """A refused join has its error for the reason, and when_stopped() fails."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        told: list[Any] = []
        channel.on_close(told.append)
        stopped = self.watch(channel.when_stopped())
        self.memory.refusal = {}
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual([self.assert_failed(stopped, JoinError)], told)

    def test_handle_close(self) -> None:
        """A subclass's handle_close is called once; what it raises is logged."""

        class Closing(Channel):
            reasons: list[object] = []

            def handle_close(self, reason: object) -> None:
                self.reasons.append(reason)
                raise ValueError("handle_close")

        channel, told = self.ending_channel(Closing)
        outcome = self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual(Closing.reasons, ["left"])
        self.assertEqual(told, ["left"])
        self.assert_fired(outcome, None)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_hook_raises(self) -> None:
        """Decision 8: a hook that raises is logged, and the next is told all the same.

        One that was removed is not.
        """
        channel, told = self.ending_channel()
        channel.on_close(lambda _: [].pop())
        channel.on_close(told.append)
        channel.on_close(lambda _: told.append("removed"))()
        channel.stop()
        self.assertEqual(told, ["stopped", "stopped"])
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)

    def test_each_end(self) -> None:
        """Each end of a channel that is joined several times is told."""
        channel, told = self.ending_channel()
        channel.stop()
        self.watch(channel.join())
        self.memory.flush()
        self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual(told, ["stopped", "left"])

    def test_when_stopped_waits(self) -> None:
        """when_stopped() of a closed channel waits for the end after its next join."""
        client = self.connected_client()
        channel = client.channel(TOPIC)
        stopped = self.watch(channel.when_stopped())
        self.watch(channel.join())
        self.memory.flush()
        self.assert_waits(stopped)
        channel.stop()
        self.assert_fired(stopped, None)

    def test_when_stopped_cancelled(self) -> None:
        """One that is cancelled is forgotten, the others fire.

        This holds as well where the callback of one cancels another.
        """
        channel, _ = self.ending_channel()
        first = channel.when_stopped()
        second = channel.when_stopped()
        first.addCallback(lambda _: second.cancel())
        third = channel.when_stopped()
        third.cancel()
        outcomes = [self.watch(each) for each in (first, second, third)]
        fourth = self.watch(channel.when_stopped())
        channel.stop()
        self.assert_fired(outcomes[0], None)
        self.assert_failed(outcomes[1], CancelledError)
        self.assert_failed(outcomes[2], CancelledError)
        self.assert_fired(fourth, None)


class ErrorHookTests(ClientTestCase):
    """Who is told of what does not end the channel."""

    def test_several(self) -> None:
        """Decision 8: each hook is told, though one raises, until it is removed."""
        channel = self.joined_channel()
        told: list[str] = []
        channel.on_error(lambda _: [].pop())
        remove = channel.on_error(lambda _: told.append("first"))
        channel.on_error(lambda error: told.append(type(error).__name__))
        self.lose_connection()
        self.assertEqual(told, ["first", "ConnectionClosed"])
        remove()
        self.reconnect()
        self.lose_connection()
        self.assertEqual(told[2:], ["ConnectionClosed"])
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 2)

    def test_not_a_push(self) -> None:
        """An error that the server answers to a push is that push's alone."""
        channel = self.joined_channel()
        told: list[BaseException] = []
        channel.on_error(told.append)
        outcome = self.watch(channel.push("refuse"))
        self.memory.flush()
        self.assert_failed(outcome, PushError)
        self.assertEqual(told, [])
