"""phoenix.js's socket tests: codecs of the user's own, and what comes late.

Its encoders and decoders may take their time, so that a connection can be replaced
meanwhile.
Ours answer at once; what can come late here are a channel's params, and messages that
the transport holds back.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix import (
    Channel,
    ChannelClosed,
    Message,
    NotConnected,
    PushInterrupted,
    SocketClient,
)
from txphoenix.serializer import V2Serializer

from .support import TOPIC, Outcome, PhoenixJSTestCase


class DecimalJSON:
    """A codec that knows decimals, and puts a space after each comma."""

    def loads(self, data: str | bytes, /) -> Any:
        """Parse JSON, its numbers with a point as decimals."""
        return json.loads(data, parse_float=Decimal)

    def dumps(self, value: Any, /) -> str:
        """Make JSON, decimals as numbers."""
        return json.dumps(value, default=float)


class Working(V2Serializer):
    """A serializer that does something of its own where it is asked to."""

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Make a frame."""
        if message.event == "join":
            return b"encode works", False
        return super().encode(message)

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read a frame."""
        if data == b"anything":
            return Message(None, None, TOPIC, "event", "decode works")
        return super().decode(data, is_binary)


class LateParams:
    """Params that a test gives when it likes.

    :ivar asked: what has been asked for so far, the oldest first.
    """

    def __init__(self) -> None:
        self.asked: list[Deferred[Any]] = []

    def __call__(self) -> Deferred[Any]:
        """Ask for params."""
        deferred: Deferred[Any] = Deferred()
        self.asked.append(deferred)
        return deferred

    def give(self, number: int) -> None:
        """Give what was asked for as that number."""
        self.asked[number].callback({"n": number})


class AsynchronousCodecTests(PhoenixJSTestCase):
    """What takes its time, and the connection that is replaced meanwhile."""

    def joining_with_late_params(
        self, client: SocketClient
    ) -> tuple[Channel, LateParams, Outcome[Any]]:
        """A channel whose join waits for its params."""
        params = LateParams()
        channel = client.channel(TOPIC, params)
        joined = self.watch(channel.join())
        self.memory.flush()
        self.assertEqual((len(params.asked), self.joins()), (1, []))
        return channel, params, joined

    def close_slowly(self) -> None:
        """Have the server close, as far as the close has reached the client."""
        self.memory.sessions[-1].close(1001)
        [pair] = self.memory.pairs
        pair.pump(None)

    def test_delivers_encoded_pushes_and_decoded_replies_on_the_current_connection(
        self,
    ) -> None:
        """S130: a codec of the user's own is used in both directions, from join on."""
        channel = self.joined_channel(serializer=DecimalJSON())
        pushed = self.watch(channel.push("echo", {"price": Decimal("1.25")}))
        self.memory.flush()
        self.assert_fired(pushed, {"price": Decimal("1.25")})
        self.assertIsInstance(pushed.fired[0]["price"], Decimal)

    def test_does_not_send_an_old_join_on_the_replacement_connection(self) -> None:
        """S131: params that were asked for an earlier connection are not sent."""
        client = self.connected_client()
        channel, params, joined = self.joining_with_late_params(client)
        self.lose_connection()
        self.reconnect()
        params.give(0)
        self.memory.flush()
        self.assertEqual(self.joins(), [])
        params.give(1)
        self.memory.flush()
        self.assertEqual([join[4] for join in self.joins()], [{"n": 1}])
        self.assert_fired(joined, {"n": 1})
        self.assertEqual(channel.state, "joined")

    def test_does_not_send_an_encoded_push_once_its_connection_was_replaced(
        self,
    ) -> None:
        """S132: a push that was sent on one connection is not sent on the next."""
        channel = self.joined_channel()
        pushed = self.watch(channel.push("silent"))
        self.memory.flush()
        self.lose_connection()
        self.assert_failed(pushed, PushInterrupted)
        self.reconnect()
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.events_sent(0), ["phx_join", "silent"])
        self.assertEqual(self.events_sent(1), ["phx_join"])

    def test_sends_a_push_started_before_disconnect_while_the_connection_drains(
        self,
    ) -> None:
        """S133, otherwise: a push without an answer at disconnect() gets none."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        # The answer is on its way when the close begins.
        [pair] = self.memory.pairs
        pair.client.pauseProducing()
        pushed = self.watch(channel.push("echo"))
        self.memory.flush()
        self.assertEqual(self.frames()[-1][:2], "S<")
        self.watch(client.disconnect())
        pair.client.resumeProducing()
        self.memory.flush()
        self.assert_failed(pushed, PushInterrupted)

    def test_sends_a_push_started_during_disconnect_while_the_connection_drains(
        self,
    ) -> None:
        """S133, otherwise: a push after disconnect() fails, and is not sent."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.memory.pause()
        self.watch(client.disconnect())
        self.assert_failed(self.watch(channel.push("echo")), NotConnected)
        message = Message.push(TOPIC, "echo", {})
        self.assertRaises(NotConnected, client.push, message)
        self.memory.resume()
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["phx_join"])

    def test_does_not_send_an_encoded_push_once_its_current_connection_starts_closing(
        self,
    ) -> None:
        """S134: nothing is sent once the close has begun; it waits for the rejoin."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        self.close_slowly()
        self.assertFalse(client.connected)
        self.assertEqual(len(self.memory.pairs), 1)
        pushed = self.watch(channel.push("echo", {"n": 1}))
        client.push(Message.push(TOPIC, "event", {}))
        self.memory.flush()
        self.assert_waits(pushed)
        self.assertEqual(self.events_sent(0), ["phx_join"])
        self.reconnect()
        self.assert_fired(pushed, {"n": 1})
        self.assertEqual(sorted(self.events_sent(1)), ["echo", "event", "phx_join"])

    def test_rejoins_a_pending_encode_after_the_old_connection_finishes_draining(
        self,
    ) -> None:
        """S135: params that come during a close wait for nothing: new ones are asked.

        One join is sent, on the new connection.
        """
        client = self.connected_client()
        channel, params, _ = self.joining_with_late_params(client)
        self.memory.pause()
        reopened = self.watch(client.reconfigure(params={"token": "new"}))
        self.memory.flush()
        params.give(0)
        self.memory.flush()
        self.memory.resume()
        self.memory.flush()
        self.assertEqual(len(params.asked), 2)
        params.give(1)
        self.memory.flush()
        self.assertEqual(channel.state, "joined")
        self.assert_fired(reopened, None)
        self.assertEqual([join[4] for join in self.joins()], [{"n": 1}])

    def test_drops_a_join_superseded_while_encoding_on_the_same_connection(
        self,
    ) -> None:
        """S136: params of a join that was left are not sent for the next."""
        client = self.connected_client()
        channel, params, first = self.joining_with_late_params(client)
        self.watch(channel.leave())
        self.assert_failed(first, ChannelClosed)
        second = self.watch(channel.join())
        params.give(0)
        self.memory.flush()
        self.assertEqual(self.joins(), [])
        params.give(1)
        self.memory.flush()
        self.assert_fired(second, {"n": 1})
        self.assertEqual([join[4] for join in self.joins()], [{"n": 1}])

    def test_sends_a_leave_after_a_joining_channel_was_removed_locally(self) -> None:
        """S137: leave() before the join's answer sends a leave of that join."""
        client = self.connected_client()
        self.memory.answers = False
        channel = client.channel(TOPIC)
        joined = self.watch(channel.join())
        left = self.watch(channel.leave())
        self.memory.flush()
        self.assert_failed(joined, ChannelClosed)
        self.assertEqual(
            self.all_sent(),
            [["1", "1", TOPIC, "phx_join", {}], ["1", "2", TOPIC, "phx_leave", {}]],
        )
        self.reply(self.leaves()[0])
        self.assert_fired(left, None)

    def test_does_not_deliver_an_old_broadcast_after_the_connection_was_replaced(
        self,
    ) -> None:
        """S138: what a pause held back comes before the end of its connection.

        After it nothing comes any more, and the new connection is read from.
        """
        client = self.connected_client(receive_buffer=2)
        told = self.pause_by_messages(client)
        self.watch(client.reconfigure(params={"token": "new"}))
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(told.count("close"), 1)
        after = told[told.index("close") + 1 :]
        self.assertEqual(after, ["phx_reply"])
        self.memory.broadcast(TOPIC, "new", {})
        self.memory.flush()
        self.assertEqual(told[-1], "new")

    def test_delivers_a_decoded_message_after_disconnect_while_the_buffer_drains(
        self,
    ) -> None:
        """S139, otherwise: after disconnect() nothing is delivered."""
        client = self.connected_client()
        channel = self.joined_channel(client=client)
        told: list[str] = []
        client.on_message(lambda message: told.append(message.event))
        channel.on("event", lambda _: told.append("hook"))
        self.watch(client.disconnect())
        # The server has not heard of it yet.
        self.memory.broadcast(TOPIC, "event", {})
        self.memory.flush()
        self.assertEqual(self.memory.connections, [])
        self.assertEqual(told, [])

    def test_does_not_deliver_a_message_decoded_after_the_server_closed(self) -> None:
        """S140: so it is if the server closes, or the connection is cut."""
        for code in (1001, 1006):
            client = self.connected_client(receive_buffer=2)
            told = self.pause_by_messages(client)
            if code == 1006:
                self.memory.cut()
            else:
                self.memory.sessions[-1].close(code)
            self.memory.flush()
            # Who has read enough makes room for the rest, the close included.
            channel = client.channels.find(TOPIC)
            assert channel is not None
            while "close" not in told:
                self.successResultOf(channel.receive())
                self.memory.flush()
            self.memory.advance(0.5)
            self.assertTrue(client.connected)
            self.assertEqual(told[told.index("close") + 1 :], ["phx_reply"])
            self.stop_client(client)

    def pause_by_messages(self, client: SocketClient) -> list[str]:
        """Have a reader fall behind, so that the client reads no more for now.

        :return: the events that the client is told from now on, and its closes.
        """
        channel = self.joined_channel(client=client)
        told: list[str] = []
        client.on_message(lambda message: told.append(message.event))
        client.on_close(lambda _: told.append("close"))
        reading = self.watch(channel.receive())
        for number in range(10):
            self.memory.broadcast(TOPIC, "old", {"n": number})
        self.memory.flush()
        self.assertEqual(reading.fired[0].payload, {"n": 0})
        self.assertLess(len(told), 10)
        return told


class CustomCodecTests(PhoenixJSTestCase):
    """The JSON of the frames."""

    def test_encodes_to_json_array_by_default(self) -> None:
        """S142: a message is a JSON array of five, byte for byte phoenix.js's."""
        channel = self.joined_channel()
        channel.push_async("join", {"foo": "bar"})
        self.memory.flush()
        self.assertEqual(
            self.frames()[-1], 'C> ["1","2","rooms:lobby","join",{"foo":"bar"}]'
        )

    def test_allows_custom_encoding_when_using_websocket_transport(self) -> None:
        """S143: a serializer makes the whole frame; a JSON codec that of the array."""
        channel = self.joined_channel(serializer=Working())
        channel.push_async("join", {"foo": "bar"})
        self.memory.flush()
        self.assertEqual(self.frames()[-1], "C> encode works")
        channel = self.joined_channel(serializer=DecimalJSON())
        channel.push_async("join", {"foo": Decimal("0.5")})
        self.memory.flush()
        self.assertEqual(
            self.frames()[-1], 'C> ["1", "2", "rooms:lobby", "join", {"foo": 0.5}]'
        )

    def test_decodes_json_by_default(self) -> None:
        """S145: a JSON array of five is a message."""
        channel = self.joined_channel()
        data = b'["1","2","rooms:lobby","event",{"foo":"bar"}]'
        self.memory.sessions[0].send_frame(data, False)
        self.memory.flush()
        self.assertEqual(
            self.successResultOf(channel.receive()),
            Message("1", "2", TOPIC, "event", {"foo": "bar"}),
        )

    def test_allows_custom_decoding_when_using_websocket_transport(self) -> None:
        """S146: a serializer reads the whole frame; a JSON codec that of the array."""
        channel = self.joined_channel(serializer=Working())
        self.memory.sessions[-1].send_frame(b"anything", False)
        self.memory.flush()
        payload = self.successResultOf(channel.receive()).payload
        self.assertEqual(payload, "decode works")
        channel = self.joined_channel(serializer=DecimalJSON())
        data = b'[null, null, "rooms:lobby", "event", {"price": 0.1}]'
        self.memory.sessions[-1].send_frame(data, False)
        self.memory.flush()
        payload = self.successResultOf(channel.receive()).payload
        self.assertEqual(payload, {"price": Decimal("0.1")})
