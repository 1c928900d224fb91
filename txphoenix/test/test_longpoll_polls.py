"""Tests of ``transports/longpoll.py``: the polls, against answers of every kind."""

from __future__ import annotations

import gzip
import json
from typing import Any

from txphoenix import MessageTooLarge
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V2Serializer
from txphoenix.transports import longpoll

from .http_ways import by_treq_too
from .longpoll_case import SHOUT, LongPollTestCase


@by_treq_too
class PollTests(LongPollTestCase):
    """The polls."""

    def test_in_order(self) -> None:
        """Messages are delivered in order, and one poll follows another."""
        client, poll = self.open()
        heard: list[Any] = []
        client.on_message(lambda message: heard.append(message.payload["i"]))
        for answer in ([0, 1, 2], [], [3], [4, 5]):
            status = 200 if answer else 204
            poll.say(status, token="x", messages=[SHOUT % i for i in answer])
            poll = self.server.take("GET")
            self.assertEqual(self.server.asked, [])
        self.assertEqual(heard, [0, 1, 2, 3, 4, 5])
        self.assertEqual(self.server.connections_made, 1)

    def test_compressed(self) -> None:
        """A compressed answer is read as any other."""
        client, poll = self.open()
        heard: list[Any] = []
        client.on_message(heard.append)
        body = json.dumps({"status": 200, "messages": [SHOUT % 1]}).encode("ascii")
        poll.answer(200, gzip.compress(body), content_encoding="gzip")
        self.assertEqual(heard[0].payload, {"i": 1})

    def test_badly_compressed(self) -> None:
        """One that only says so ends the session."""
        client, poll = self.open()
        poll.answer(200, b"x" * 100, content_encoding="gzip")
        reason = self.loss(client)
        self.assertEqual(
            (reason.code, reason.reason), (1002, "an answer is badly compressed")
        )

    def test_ended_by_the_connection(self) -> None:
        """An answer may end with its connection, as HTTP/1.0 has it."""
        client, poll = self.open()
        pair = self.server.pairs[0]
        pair.server.write(b'HTTP/1.0 200 OK\r\n\r\n{"status":204}')
        pair.server.loseConnection()
        self.server.flush()
        self.assertTrue(client.connected)
        self.assertTrue(poll.is_lost)
        self.server.take("GET")

    def test_binary_in_a_string(self) -> None:
        """A binary frame that the server has put into a string is binary again."""
        client, poll = self.open()
        heard: list[Message] = []
        client.on_message(heard.append)
        for frame in (
            b"\x00\x01\x01\x011teAB",
            b"\x01\x01\x01\x01\x0212aokAB",
            b"\x02\x01\x01aeAB",
        ):
            poll.say(200, messages=[frame.decode("utf-8")])
            poll = self.server.take("GET")
        reply = {"status": "ok", "response": b"AB"}
        self.assertEqual(
            heard,
            [
                Message("1", None, "t", "e", b"AB"),
                Message("1", "2", "a", "phx_reply", reply),
                Message(None, None, "a", "e", b"AB"),
            ],
        )

    def test_other_kinds(self) -> None:
        """So is a frame of another kind than Phoenix's, which a serializer may have."""
        seen: list[bytes] = []

        class Kinds(V2Serializer):
            def decode_binary(self, data: bytes) -> Message:
                seen.append(data)
                return Message(None, None, "t", "e", data)

        _, poll = self.open(serializer=Kinds())
        frames = [bytes((kind,)) + b"x" for kind in range(12)]
        poll.say(200, messages=[frame.decode("utf-8") for frame in frames])
        # JSON may begin with a tab and more, so that these are text, and bad JSON.
        self.assertEqual(seen, frames[:9])
        self.assertEqual(len(self.errors), 3)

    def test_no_message(self) -> None:
        """A string that is no message is reported, and nothing else."""
        client, poll = self.open()
        poll.answer(200, b'{"status":200,"messages":["","\\u0001","{}","nope"]}')
        self.assertEqual(len(self.errors), 4)
        self.assertTrue(client.connected)
        self.assertEqual(client.get_state()["dropped_frames"], 4)

    def test_gone(self) -> None:
        """A session that is gone is lost with 3410, and a new one is opened."""
        client, poll = self.open()
        poll.say(410, token="a-new-one", messages=[])
        reason = self.loss(client)
        self.assertEqual((reason.code, reason.reason), (3410, "session gone"))
        self.server.advance(0.5)
        opening = self.server.take("GET")
        self.assertNotIn("token", opening.uri)

    def test_statuses(self) -> None:
        """Every other status ends the session, with a code that tells it."""
        for code, body, expected, reason in (
            (200, b'{"status":403}', 3403, "403 Forbidden"),
            (200, b'{"status":429}', 3429, "429 Too Many Requests"),
            (200, b'{"status":500}', 3500, "500 Internal Server Error"),
            (200, b'{"status":599}', 3599, "599"),
            (500, b'{"errors":{}}', 3500, "HTTP 500 Internal Server Error"),
            (502, b"", 3502, "HTTP 502 Bad Gateway"),
            (302, b"", 3302, "HTTP 302 Found"),
            (200, b"", 1002, "not an answer of Phoenix's long-poll"),
            (200, b"<html>", 1002, "not an answer of Phoenix's long-poll"),
            (200, b'{"message":"x"}', 1002, "not an answer of Phoenix's long-poll"),
            (200, b'{"status":2000}', 1002, "not an answer of Phoenix's long-poll"),
            (200, b'{"status":-2000}', 1002, "not an answer of Phoenix's long-poll"),
            (200, b'{"status":true}', 1002, "not an answer of Phoenix's long-poll"),
            (
                200,
                b'{"status":200,"messages":{}}',
                1002,
                "not an answer of Phoenix's long-poll",
            ),
            (
                200,
                b'{"status":200,"messages":[1]}',
                1002,
                "not an answer of Phoenix's long-poll",
            ),
        ):
            self.losses.clear()
            client, poll = self.open(reconnect=False)
            poll.answer(code, body)
            closed = self.loss(client)
            self.assertEqual((closed.code, closed.reason), (expected, reason))

    def test_hangs_up(self) -> None:
        """A poll whose connection ends is the end of the session.

        It is not asked again: what it would have been answered with is lost.
        """
        client, poll = self.open()
        poll.hang_up()
        reason = self.loss(client)
        self.assertEqual(reason.code, 1006)
        self.assertIn("lost", reason.reason)
        self.assertIsNotNone(reason.__cause__)

    def test_hangs_up_an_old_connection(self) -> None:
        """That is so even where the connection had served before."""
        client, poll = self.open()
        poll.say(204)
        self.server.take("GET").hang_up()
        self.assertEqual(self.loss(client).code, 1006)

    def test_no_answer(self) -> None:
        """A poll without an answer is given up after interval and timeout."""
        client, poll = self.open(heartbeat_interval=20.0, heartbeat_timeout=4.0)
        self.server.advance(23.9)
        self.assertTrue(client.connected)
        self.server.advance(0.1)
        reason = self.loss(client)
        self.assertEqual((reason.code, reason.reason), (1006, "no answer within 24 s"))
        self.assertTrue(poll.is_lost)

    def test_no_heartbeat(self) -> None:
        """No heartbeat is sent by itself; ping() sends one."""
        client, poll = self.open(heartbeat_interval=1.0, heartbeat_timeout=1.0)
        for _ in range(10):
            self.server.advance(0.9)
            poll.say(204)
            poll = self.server.take("GET")
        self.assertEqual(self.server.asked, [])
        pong = client.ping()
        publish = self.server.take("POST")
        publish.say(200)
        ref = json.loads(publish.body)[1]
        self.server.advance(0.25)
        poll.say(
            200, messages=[f'[null,"{ref}","phoenix","phx_reply",{{"status":"ok"}}]']
        )
        self.assertEqual(self.successResultOf(pong), 0.25)

    def test_proves_stable(self) -> None:
        """An answered poll begins the delays anew, unless it is one of the first."""
        delays: list[int] = []

        def backoff(attempt: int) -> float:
            delays.append(attempt)
            return 0.5

        self.begin(backoff=backoff)
        for seconds in (None, 0.0, 10.0, None):
            poll = self.server.open_session()
            if seconds is not None:
                self.server.advance(seconds)
                poll.say(204)
                poll = self.server.take("GET")
            poll.say(410, token="x")
            self.server.advance(0.5)
        self.assertEqual(delays, [0, 1, 0, 1])

    def test_large_answer(self) -> None:
        """Many messages may be longer together than one may be, by far."""
        client, poll = self.open(max_message_size=100)
        heard: list[Any] = []
        client.on_message(heard.append)
        poll.say(200, messages=[SHOUT % i for i in range(1000)])
        self.assertEqual(len(heard), 1000)

    def test_answer_too_large(self) -> None:
        """An answer without bounds is not taken in whole.

        The bound is 16 MiB, or four of the largest messages if that is more.
        """
        for size, limit in ((100, 16 << 20), (5 << 20, 20 << 20)):
            client, poll = self.open(max_message_size=size)
            poll.write(200, b"x" * limit)
            self.assertTrue(client.connected)
            poll.write(200, b"x")
            reason = self.loss(client)
            self.assertEqual(reason.code, 1009)
            self.assertEqual(
                reason.reason,
                f"an answer of {limit + 1} bytes or more exceeds the limit of {limit}",
            )
            self.assertIsInstance(reason.__cause__, MessageTooLarge)
            self.assertTrue(poll.is_lost)
            self.losses.clear()

    def test_message_too_large(self) -> None:
        """A message that is too long ends the session with 1009, after those before."""
        client, poll = self.open(max_message_size=100)
        heard: list[Any] = []
        client.on_message(heard.append)
        long = f'[null,null,"rooms:1","shout","{"x" * 100}"]'
        poll.say(200, messages=[SHOUT % 1, long, SHOUT % 2])
        self.assertEqual([message.payload for message in heard], [{"i": 1}])
        self.assertEqual(self.loss(client).code, 1009)

    def test_long_numbers(self) -> None:
        """Integers of any size are exact, however the server writes their digits."""
        number = 123456789012345678901234567890
        text = f'[null,null,"rooms:1","shout",{number}]'
        hidden = json.dumps(text).replace("7", "\\u0037").replace("2", "\\u0032")
        client, poll = self.open()
        channel, poll = self.joined(client, poll)
        heard: list[Any] = []
        channel.on("shout", heard.append)
        for written in (json.dumps(text), hidden):
            body = f'{{"status":200,"messages":[{json.dumps(SHOUT % 1)},{written}]}}'
            poll.answer(200, body.encode())
            self.assertEqual(heard, [{"i": 1}, number])
            heard.clear()
            poll = self.server.take("GET")

    def test_one_receiver(self) -> None:
        """The messages of an answer have one receiver, picked by the whole of it."""
        client, poll = self.open()
        connection: Any = client.connection
        picked: list[bytes] = []
        receiver_of = connection.receiver_of

        def pick(read: bytes) -> Any:
            picked.append(read)
            return receiver_of(read)

        connection.receiver_of = pick
        heard: list[Any] = []
        client.on_message(lambda message: heard.append(message.payload["i"]))
        poll.say(200, messages=[SHOUT % i for i in range(10)])
        self.assertEqual(heard, list(range(10)))
        self.assertEqual(len(picked), 1)
        self.assertIn(b"shout", picked[0])

    def test_limits_change(self) -> None:
        """reconfigure() changes the limits of an open session."""
        client, poll = self.open()
        client.reconfigure(max_message_size=100, heartbeat_interval=2.0)
        poll.answer(200, b"x" * (1 + (16 << 20)))
        self.assertEqual(self.loss(client).code, 1009)

    def test_message_handler_disconnects(self) -> None:
        """What follows a message whose hook disconnects is not delivered."""
        client, poll = self.open()
        heard: list[Any] = []

        def hook(message: Message) -> None:
            heard.append(message)
            client.disconnect()

        client.on_message(hook)
        poll.say(200, messages=[SHOUT % 1, SHOUT % 2])
        self.assertEqual(len(heard), 1)
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.server.asked, [])


@by_treq_too
class PauseTests(LongPollTestCase):
    """A reader that is slower than the server."""

    def test_no_poll_with_enough(self) -> None:
        """A full queue keeps the rest back; with enough of it no poll is made."""
        self.patch(longpoll, "_ENOUGH", 5 * len(SHOUT % 1))
        client, poll = self.open(receive_buffer=4)
        channel, poll = self.joined(client, poll)
        got: list[int] = []

        def read(count: int) -> None:
            for _ in range(count):
                channel.receive().addCallback(lambda it: got.append(it.payload["i"]))

        read(1)
        poll.say(200, messages=[SHOUT % i for i in range(10)])
        self.assertEqual(self.server.asked, [])
        self.assertEqual(got, [0])
        read(9)
        self.assertEqual(got, list(range(10)))
        self.server.take("GET").say(200, messages=[SHOUT % 10])
        read(1)
        self.assertEqual(got, list(range(11)))

    def test_polls_while_paused(self) -> None:
        """Until there is enough, polls go on; what they bring is kept, in order."""
        self.patch(longpoll, "_ENOUGH", 2 * len(SHOUT % 1))
        client, poll = self.open()
        heard: list[int] = []
        client.on_message(lambda message: heard.append(message.payload["i"]))
        connection: Any = client.connection
        connection.pause_reading()
        poll.say(204)
        self.server.take("GET").say(200, messages=[SHOUT % 0])
        self.server.take("GET").say(200, messages=[SHOUT % 1])
        self.assertEqual((heard, self.server.asked), ([], []))
        connection.resume_reading()
        self.assertEqual(heard, [0, 1])
        self.server.take("GET")

    def test_gone_while_paused(self) -> None:
        """A server that is gone is found in a poll's time, though nothing is read."""
        client, poll = self.open()
        connection: Any = client.connection
        connection.pause_reading()
        poll.say(200, messages=[SHOUT % 0])
        self.server.take("GET")
        self.server.advance(39.9)
        self.assertTrue(client.connected)
        self.server.advance(0.2)
        self.assertEqual(self.loss(client).reason, "no answer within 40 s")

    def test_poll_under_way(self) -> None:
        """The answer to a poll that was under way is kept as well."""
        self.patch(longpoll, "_ENOUGH", 1)
        client, poll = self.open()
        heard: list[Any] = []
        client.on_message(heard.append)
        connection: Any = client.connection
        connection.pause_reading()
        poll.say(200, messages=[SHOUT % 1])
        self.assertEqual((heard, self.server.asked), ([], []))
        connection.resume_reading()
        self.assertEqual(len(heard), 1)
        self.server.take("GET")

    def test_resumed_within(self) -> None:
        """resume_reading() while a message is delivered changes no order."""
        client, poll = self.open()
        connection: Any = client.connection
        heard: list[int] = []

        def hook(message: Message) -> None:
            connection.pause_reading()
            connection.resume_reading()
            heard.append(message.payload["i"])

        client.on_message(hook)
        poll.say(200, messages=[SHOUT % i for i in range(3)])
        self.assertEqual(heard, [0, 1, 2])
        self.server.take("GET")
        self.assertEqual(self.server.asked, [])

    def test_lost_while_paused(self) -> None:
        """What had come before a loss is delivered before it is told."""
        self.patch(longpoll, "_ENOUGH", 1)
        client, poll = self.open()
        connection: Any = client.connection
        heard: list[int] = []

        def hook(message: Message) -> None:
            heard.append(message.payload["i"])
            self.assertEqual(self.losses, [])
            connection.pause_reading()

        client.on_message(hook)
        poll.say(200, messages=[SHOUT % i for i in range(3)])
        client.push(Message(None, None, "a", "b", {}))
        self.server.take("POST").say(410)
        self.assertEqual(heard, [0, 1, 2])
        self.loss(client)

    def test_disconnected_by_what_was_held(self) -> None:
        """One of those may disconnect; that is then the end."""
        client, poll = self.open()
        connection: Any = client.connection
        connection.pause_reading()
        poll.say(200, messages=[SHOUT % 1, SHOUT % 2])
        heard: list[Any] = []

        def hook(message: Message) -> None:
            heard.append(message)
            client.disconnect()

        client.on_message(hook)
        connection.link.transport.abort()
        self.server.flush()
        self.assertEqual(len(heard), 1)
        self.assertEqual(len(self.losses), 1)
