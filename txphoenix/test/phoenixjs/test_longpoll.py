"""phoenix.js's tests of long-polling that have no counterpart in ``test_longpoll``.

Its transport is told to stop, to fail and to try again; here that is the client, whose
server says what the test writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from txphoenix import (
    Channel,
    ConnectionFailed,
    Message,
    PushInterrupted,
    SocketClient,
)

from ..http_ways import by_treq_too
from ..longpoll_case import SHOUT, LongPollTestCase
from ..scripted_http import Asked
from .test_socket_codec import DecimalJSON


class LongPollTests(LongPollTestCase):
    """What the tests here share."""

    def hear(self, client: SocketClient) -> list[Message]:
        """The messages that the client has from now on."""
        heard: list[Message] = []
        client.on_message(heard.append)
        return heard

    def joins(self, channel: Channel) -> None:
        """Have a channel join, whatever becomes of it."""
        channel.join().addErrback(lambda _: None)

    def events(self, publish: Asked) -> list[tuple[str, str]]:
        """The topic and event of each message of a batch."""
        lines = [json.loads(line) for line in publish.body.split(b"\n")]
        return [(topic, event) for _, _, topic, event, _ in lines]

    def assert_quiet(self, connections_made: int) -> None:
        """Nothing is asked any more, and there were so many connections."""
        self.server.advance(120.0)
        self.assertEqual(self.server.asked, [])
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.connections_made, connections_made)


@by_treq_too
class ConnectTests(LongPollTests):
    """Connecting by long-poll."""

    def test_sets_callbacks_for_connection(self) -> None:
        """S34: each of the four hooks is called, as it is with a WebSocket."""
        told: list[Any] = []
        client = self.begin()
        client.on_open(lambda: told.append("open"))
        client.on_close(
            lambda reason: told.append(("close", getattr(reason, "code", None)))
        )
        client.on_error(lambda error: told.append(type(error)))
        client.on_message(told.append)
        poll = self.server.open_session()
        self.assertEqual(told, ["open"])
        poll.say(200, messages=[SHOUT % 1])
        self.assertEqual(told[1:], [Message(None, None, "rooms:1", "shout", {"i": 1})])
        self.server.is_listening = False
        self.server.take("GET").say(410)
        self.assertEqual(told[2:], [("close", 3410)])
        self.server.advance(0.5)
        self.assertEqual(told[3:], [ConnectionFailed])

    def test_is_idempotent(self) -> None:
        """S35: connect() again opens no second session, however far the first is."""
        client = self.begin()
        client.connect()
        poll = self.server.open_session()
        client.connect()
        self.server.flush()
        self.assertEqual(self.server.asked, [])
        poll.say(410)
        client.connect()
        self.server.advance(0.5)
        self.server.open_session()
        client.connect()
        self.server.flush()
        self.assertEqual(self.server.asked, [])
        self.assertTrue(client.connected)


@by_treq_too
class CodecTests(LongPollTests):
    """The JSON of the frames."""

    def test_forces_json_encoding_when_using_longpoll_transport(self) -> None:
        """S144, otherwise: the serializer option makes the JSON here as well."""
        client, poll = self.open(serializer=DecimalJSON())
        channel, _ = self.joined(client, poll)
        channel.push_async("join", {"foo": Decimal("0.5")})
        self.assertEqual(
            self.server.take("POST").body,
            b'["1", "2", "rooms:1", "join", {"foo": 0.5}]',
        )

    def test_forces_json_decoding_when_using_longpoll_transport(self) -> None:
        """S147, otherwise: the serializer option reads the JSON here as well."""
        client, poll = self.open(serializer=DecimalJSON())
        channel, poll = self.joined(client, poll)
        poll.say(200, messages=['[null, null, "rooms:1", "event", {"price": 0.1}]'])
        payload = self.successResultOf(channel.receive()).payload
        self.assertEqual(payload, {"price": Decimal("0.1")})


@by_treq_too
class ConstructorTests(LongPollTests):
    """A session that is not wanted any more."""

    def test_does_not_poll_when_closed_before_polling_started(self) -> None:
        """L5: disconnect() in the turn of the connect() leaves nothing to ask."""
        client = self.server.client(fast_http=self.fast_http)
        self.clients.append(client)
        client.startService()
        done = client.disconnect()
        self.server.flush()
        self.successResultOf(done)
        self.assert_quiet(1)


@by_treq_too
class QueuedMessagesTests(LongPollTests):
    """Messages that are under way when the session ends."""

    def test_does_not_deliver_messages_after_a_post_timeout_closed_the_transport(
        self,
    ) -> None:
        """L15: what comes after a publish had its time is not delivered."""
        client, poll = self.open(heartbeat_interval=12.0, heartbeat_timeout=3.0)
        heard = self.hear(client)
        client.push(Message(None, None, "rooms:1", "echo", {}))
        self.server.advance(12.0)
        poll.say(204)
        poll = self.server.take("GET")
        self.server.is_stalled = True
        poll.say(200, messages=[SHOUT % 1])
        self.server.advance(3.0)
        self.server.is_stalled = False
        self.server.take("POST")
        self.assertEqual(self.loss(client).reason, "no answer within 15 s")
        self.assertEqual(heard, [])


@by_treq_too
class FailureTests(LongPollTests):
    """A session that fails after it has opened."""

    def test_is_no_longer_open_when_it_emits_the_error(self) -> None:
        """L17: whatever ends it, hooks find no connection, and are told once.

        A poll fails, has no answer, or takes too long; the session is gone; a batch
        fails.
        """

        def refuse_batch(_poll: Asked) -> None:
            client.push(Message(None, None, "rooms:1", "echo", {}))
            self.server.take("POST").answer(500)

        ends: list[Callable[[Asked], None]] = [
            lambda poll: poll.hang_up(),
            lambda poll: poll.answer(200, b""),
            lambda _: self.server.advance(40.0),
            lambda poll: poll.say(410),
            refuse_batch,
        ]
        for end in ends:
            self.losses.clear()
            client, poll = self.open(reconnect=False)
            channel, poll = self.joined(client, poll)
            told = self.told_by(client, channel)
            end(poll)
            self.assertEqual(
                told,
                [("channel", "disconnected"), ("client", "disconnected")],
            )
            self.loss(client)
        self.assertEqual(self.errors, [])

    def told_by(self, client: SocketClient, channel: Channel) -> list[tuple[str, str]]:
        """Which hooks are called from now on, and the status that they find."""
        told: list[tuple[str, str]] = []
        channel.on_error(lambda _: told.append(("channel", client.status)))
        client.on_close(lambda _: told.append(("client", client.status)))
        return told

    def test_errors_channels_once_the_socket_is_no_longer_connected(self) -> None:
        """L19: a channel that is joined by such a hook has lost nothing.

        It joins with the next session, together with the one that has.
        """
        client, poll = self.open()
        channel, poll = self.joined(client, poll)
        errors: list[BaseException] = []
        other = client.channel("rooms:2")
        other.on_error(errors.append)
        channel.on_error(lambda _: self.assertFalse(client.connected))
        channel.on_error(lambda _: self.joins(other))
        poll.hang_up()
        self.assertEqual((channel.state, other.state), ("errored", "joining"))
        self.server.advance(0.5)
        self.server.open_session()
        self.assertEqual(
            self.events(self.server.take("POST")),
            [("rooms:1", "phx_join"), ("rooms:2", "phx_join")],
        )
        self.assertEqual(errors, [])


@by_treq_too
class CancellationTests(LongPollTests):
    """Requests that are under way when nobody wants their answers any more."""

    def test_ignores_cancelled_requests_after_a_retry(self) -> None:
        """L22: what was answered on the old session changes nothing on the new one."""
        client, poll = self.open()
        heard = self.hear(client)
        self.server.is_stalled = True
        poll.say(200, messages=[SHOUT % 1])
        client.disconnect()
        client.connect()
        self.server.is_stalled = False
        self.server.open_session("another")
        self.assertTrue(client.connected)
        self.assertEqual(heard, [])
        self.assertEqual((self.errors, len(self.losses)), ([], 1))

    def test_does_not_retry_when_an_error_callback_disconnects(self) -> None:
        """L23: disconnect() in a hook of on_error is the end, the client's or not."""
        client = self.begin()
        client.on_error(lambda _: client.disconnect())
        self.server.take("GET").answer(500)
        self.assertEqual(client.status, "disconnected")
        self.assert_quiet(1)
        client, poll = self.open()
        channel, poll = self.joined(client, poll)
        channel.on_error(lambda _: client.disconnect())
        poll.say(410)
        self.assertEqual(client.status, "disconnected")
        self.assert_quiet(3)

    def test_does_not_retry_when_a_close_callback_disconnects(self) -> None:
        """L24: disconnect() in a hook of on_close is the end."""
        client, poll = self.open()
        client.on_close(lambda _: client.disconnect())
        poll.hang_up()
        self.assertEqual(client.status, "disconnected")
        self.assert_quiet(1)


@by_treq_too
class BatchTests(LongPollTests):
    """A batch without an answer."""

    def test_closes_and_retries_when_a_batch_post_times_out(self) -> None:
        """L31, L32: what is pushed afterwards does not wait for the dead batch.

        It goes out with the next session, and the dead batch does not.
        """
        client, poll = self.open(heartbeat_interval=12.0, heartbeat_timeout=3.0)
        channel, poll = self.joined(client, poll)
        lost = channel.push("lost", {}, timeout=60.0)
        self.server.take("POST")
        self.server.advance(12.0)
        poll.say(204)
        self.server.take("GET")
        self.server.advance(3.0)
        self.assertEqual(self.loss(client).reason, "no answer within 15 s")
        self.failureResultOf(lost, PushInterrupted)
        channel.push_async("kept", {})
        self.server.advance(0.5)
        self.rejoin(self.server.open_session())
        publish = self.server.take("POST")
        self.assertEqual(self.events(publish), [("rooms:1", "kept")])
        publish.say(200)
        self.assertEqual(self.server.asked, [])

    def rejoin(self, poll: Asked) -> None:
        """Answer the rejoin, which is all there is in the first batch."""
        publish = self.server.take("POST")
        self.assertEqual(self.events(publish), [("rooms:1", "phx_join")])
        publish.say(200)
        ref = json.loads(publish.body)[0]
        reply = [ref, ref, "rooms:1", "phx_reply", {"status": "ok", "response": {}}]
        poll.say(200, messages=[json.dumps(reply)])
        self.server.take("GET")


@by_treq_too
class RequestTests(LongPollTests):
    """The time of a request."""

    def test_clears_the_timeout_timer_when_fetch_completes_successfully(self) -> None:
        """L37: an answered request leaves no delayed call."""
        _, poll = self.open()
        waiting = len(self.server.clock.getDelayedCalls())
        for i in range(3):
            poll.say(200, messages=[SHOUT % i])
            poll = self.server.take("GET")
            self.assertEqual(len(self.server.clock.getDelayedCalls()), waiting)

    def test_clears_the_timeout_timer_when_fetch_errors(self) -> None:
        """L38: nor does one that fails, or that a proxy answers."""
        ends: list[Callable[[Asked], None]] = [
            lambda poll: poll.hang_up(),
            lambda poll: poll.answer(502),
        ]
        for end in ends:
            _, poll = self.open(reconnect=False)
            end(poll)
            self.assertEqual(self.server.clock.getDelayedCalls(), [])
