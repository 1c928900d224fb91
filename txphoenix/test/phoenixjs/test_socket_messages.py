"""phoenix.js's socket tests: its channels, its pushes, its buffer and its messages."""

from __future__ import annotations

from typing import Any

from txphoenix import BufferFull, ChannelClosed, Message, NotConnected

from .support import TOPIC, PhoenixJSTestCase


def message(event: str, payload: Any = None) -> Message:
    """A message of the client itself, on a topic that no channel has."""
    return Message.push("users:1", event, {} if payload is None else payload)


class ChannelTests(PhoenixJSTestCase):
    """channel(), and what becomes of its channels."""

    def test_returns_channel_with_given_topic_and_params(self) -> None:
        """S75: channel() makes a channel of that topic with those params."""
        client = self.make_client()
        channel = client.channel(TOPIC, {"one": "two"})
        self.assertEqual((channel.topic, channel.params), (TOPIC, {"one": "two"}))
        self.assertEqual(channel.state, "closed")

    def test_adds_channel_to_sockets_channels_list(self) -> None:
        """S76, otherwise: a channel is listed from its join() on, one a topic."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        self.assertIsNot(client.channel(TOPIC), channel)
        self.assertIsNone(client.channels.find(TOPIC))
        self.assertEqual(list(client.channels), [])
        self.watch(channel.join())
        self.assertIs(client.channels.find(TOPIC), channel)
        self.assertEqual(list(client.channels), [channel])
        self.memory.release_connections()
        self.memory.flush()

    def test_removes_given_channel_from_channels(self) -> None:
        """S77: of a channel that has left nothing is kept; the others stay."""
        client = self.connected_client()
        other = self.joined_channel("rooms:other", client=client)
        before = len(self.clock.getDelayedCalls())
        deadlines = len(client.channels.deadlines)
        channel = self.joined_channel(client=client)
        called: list[Any] = []
        channel.on("event", called.append)
        channel.on_error(called.append)
        pushed = self.watch(channel.push("silent"))
        self.watch(channel.leave())
        self.memory.flush()
        self.assert_failed(pushed, ChannelClosed)
        self.assertEqual(list(client.channels), [other])
        self.assertEqual(len(client.channels.deadlines), deadlines)
        self.memory.advance(client.options.timeout)
        self.assertLessEqual(len(self.clock.getDelayedCalls()), before)
        self.server_sends(None, None, TOPIC, "event", {})
        self.lose_connection()
        self.reconnect()
        self.assertEqual(called, [])
        self.assertEqual(other.state, "joined")


class PushTests(PhoenixJSTestCase):
    """push() of the client, and its refs."""

    def test_sends_data_to_connection_when_connected(self) -> None:
        """S78: connected, a message is sent as it is, with a ref of the client."""
        client = self.connected_client()
        sent = client.push(message("event", {"a": 1}))
        self.memory.flush()
        self.assertEqual(sent.ref, "1")
        self.assertEqual(self.all_sent(), [[None, "1", "users:1", "event", {"a": 1}]])

    def test_buffers_data_when_not_connected(self) -> None:
        """S79: on the way to a connection it is kept, up to send_buffer messages."""
        client = self.connecting_client(send_buffer=1)
        client.push(message("event"))
        self.assertEqual(client.get_state()["to_send"], 1)
        error = self.assertRaises(BufferFull, client.push, message("another"))
        self.assertEqual(error.limit, 1)
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["event"])

    def test_returns_next_message_ref(self) -> None:
        """S80: refs are counted up from "1", whatever the messages are."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        channel.push_async("event")
        client.push(message("event"))
        self.watch(client.ping())
        self.watch(channel.leave())
        self.memory.flush()
        self.assertEqual([each[1] for each in self.sent()], ["1", "2", "3", "4", "5"])


class FlushSendBufferTests(PhoenixJSTestCase):
    """What was kept goes out."""

    def test_calls_callbacks_in_buffer_when_connected(self) -> None:
        """S85: each message that was kept is sent once, in order."""
        client = self.connecting_client()
        for number in range(3):
            client.push(message("event", {"n": number}))
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual([each[4]["n"] for each in self.all_sent()], [0, 1, 2])

    def test_empties_send_buffer(self) -> None:
        """S86: nothing of it is sent again with the next connection."""
        client = self.connecting_client()
        client.push(message("event"))
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(client.get_state()["to_send"], 0)
        self.lose_connection()
        self.reconnect()
        self.assertEqual(self.events_sent(1), [])

    def test_sends_the_join_of_a_channel_that_is_still_joining(self) -> None:
        """S87: of a join before the connection one is sent, the channel's own."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join())
        self.memory.release_connections()
        self.memory.flush()
        self.assert_fired(joined, {})
        [[join_ref, ref, *_]] = self.joins()
        self.assertEqual([join_ref, ref], [channel.join_ref] * 2)

    def test_drops_the_join_of_a_channel_that_errored(self) -> None:
        """S88: however many attempts fail before, one join is sent."""
        self.memory.is_listening = False
        client = self.make_client()
        client.startService()
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join())
        self.memory.advance(2.0)
        self.memory.is_listening = True
        self.memory.advance(0.5)
        self.assert_fired(joined, {})
        self.assertEqual(len(self.joins()), 1)

    def test_drops_the_pushes_of_a_channel_that_left(self) -> None:
        """S89: of a channel that has left before the connection nothing is sent."""
        client = self.connecting_client()
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join())
        pushed = self.watch(channel.push("event"))
        left = self.watch(channel.leave())
        self.assert_failed(joined, ChannelClosed)
        self.assert_failed(pushed, ChannelClosed)
        self.assert_fired(left, None)
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.all_sent(), [])


class OnConnOpenTests(PhoenixJSTestCase):
    """The connection has opened."""

    def test_flushes_the_send_buffer(self) -> None:
        """S90: what was kept is sent.

        Otherwise: after the joins, so that a message to their topics is taken.
        """
        client = self.connecting_client()
        client.push(message("event"))
        client.push(Message.push(TOPIC, "echo", {}))
        self.watch(client.channel(TOPIC).join())
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join", "event", "echo"])
        # It belongs to the join before it.
        self.assertEqual(self.all_sent("echo")[0][0], self.joins()[0][0])

    def test_resets_reconnect_timer(self) -> None:
        """S91, otherwise: not an open begins the delays anew, but one that lasts.

        A server that accepts and closes is asked less and less often.
        """
        attempts: list[int] = []

        def backoff(attempt: int) -> float:
            attempts.append(attempt)
            return 0.5

        client = self.connected_client(backoff=backoff)
        for _ in range(3):
            self.lose_connection()
            self.reconnect()
        self.assertEqual(attempts, [0, 1, 2])
        self.memory.advance(client.options.heartbeat_interval)
        self.lose_connection()
        self.reconnect()
        self.joined_channel(client=client)
        self.lose_connection()
        self.assertEqual(attempts, [0, 1, 2, 0, 1])

    def test_triggers_on_open_callback(self) -> None:
        """S92: hooks of on_open are called, connected, once for each connection."""
        client = self.make_client()
        connected: list[bool] = []
        client.on_open(lambda: connected.append(client.connected))
        client.startService()
        self.memory.flush()
        self.assertEqual(connected, [True])
        self.lose_connection()
        self.reconnect()
        self.assertEqual(connected, [True, True])


class OnConnMessageTests(PhoenixJSTestCase):
    """A message has come."""

    def test_parses_raw_message_and_triggers_channel_event(self) -> None:
        """S124: the channel of the topic gets it, once, and no other does."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        other = self.joined_channel("rooms:other", client=client)
        waiting = self.watch(other.receive())
        self.server_sends(channel.join_ref, "77", TOPIC, "event", {"one": "two"})
        self.assertEqual(
            self.successResultOf(channel.receive()),
            Message(channel.join_ref, "77", TOPIC, "event", {"one": "two"}),
        )
        self.assert_waits(self.watch(channel.receive()))
        self.assert_waits(waiting)

    def test_triggers_on_message_callback(self) -> None:
        """S125: hooks of on_message get every message whole, null refs as None."""
        client = self.connected_client()
        messages: list[Message] = []
        client.on_message(messages.append)
        self.server_sends(None, None, TOPIC, "event", {"one": "two"})
        self.assertEqual(
            messages, [Message(None, None, TOPIC, "event", {"one": "two"})]
        )

    def test_triggers_all_channels_when_one_is_removed_while_dispatching(
        self,
    ) -> None:
        """S126, otherwise: one topic has one channel, which may have several hooks.

        One that stops the channel does not keep the message from the others.
        """
        channel = self.joined_channel()
        called: list[str] = []

        def stop(_payload: Any) -> None:
            called.append("stop")
            channel.stop()

        channel.on("event", stop)
        channel.on("event", lambda _: called.append("another"))
        self.memory.broadcast(TOPIC, "event", {})
        self.memory.flush()
        self.assertEqual(called, ["stop", "another"])
        self.assertEqual(channel.state, "closed")

    def test_triggers_all_on_message_callbacks_when_one_is_removed_while_dispatching(
        self,
    ) -> None:
        """S127: a hook that removes itself does not make the next be left out."""
        client = self.connected_client()
        called: list[str] = []

        def once(_message: Message) -> None:
            called.append("once")
            remove()

        remove = client.on_message(once)
        client.on_message(lambda _: called.append("always"))
        self.server_sends(None, None, TOPIC, "event", {})
        self.server_sends(None, None, TOPIC, "event", {})
        self.assertEqual(called, ["once", "always", "always"])


class PingTests(PhoenixJSTestCase):
    """ping()."""

    def test_pushes_when_connected(self) -> None:
        """S128: it sends a heartbeat, and fires with the round trip in seconds."""
        client = self.connected_client()
        self.memory.pause()
        outcome = self.watch(client.ping())
        self.memory.advance(0.25)
        self.assert_waits(outcome)
        self.memory.resume()
        self.memory.flush()
        self.assert_fired(outcome, 0.25)
        self.assertEqual(self.sent(), [[None, "1", "phoenix", "heartbeat", {}]])

    def test_returns_false_when_disconnected(self) -> None:
        """S129, otherwise: without a connection the Deferred fails, at once."""
        client = self.connecting_client()
        outcome = self.watch(client.ping())
        self.assert_failed(outcome, NotConnected)
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.sent(), [])
