"""Tests of ``transports/longpoll.py``: publishing, and the close that waits for it."""

from __future__ import annotations

import json
from typing import Any

from txphoenix import NotConnected, PushInterrupted, SocketClient
from txphoenix.protocol.message import Message

from .http_ways import by_treq_too
from .longpoll_case import LongPollTestCase
from .scripted_http import Asked


@by_treq_too
class PublishTests(LongPollTestCase):
    """The publishes."""

    def push(self, client: SocketClient, *payloads: Any) -> None:
        """Push messages."""
        for payload in payloads:
            client.push(Message("1", None, "rooms:1", "echo", payload))

    def payloads(self, publish: Asked) -> list[Any]:
        """The payloads of a batch."""
        return [json.loads(line)[4] for line in publish.body.split(b"\n")]

    def test_batches(self) -> None:
        """What is pushed in one moment is one batch; what comes meanwhile, the next."""
        client, _ = self.open()
        self.push(client, "a", "b", "c")
        first = self.server.take("POST")
        self.push(client, "d")
        self.server.advance(1.0)
        self.push(client, "e")
        self.server.flush()
        self.assertEqual(self.server.asked, [])
        self.assertEqual(self.payloads(first), ["a", "b", "c"])
        first.say(200)
        second = self.server.take("POST")
        self.assertEqual(self.payloads(second), ["d", "e"])
        second.say(200)
        self.assertEqual(self.server.asked, [])

    def test_lines(self) -> None:
        """A batch has at most 100 lines."""
        client, _ = self.open()
        self.push(client, *range(250))
        sent: list[int] = []
        for count in (100, 100, 50):
            publish = self.server.take("POST")
            self.assertEqual(self.server.asked, [])
            self.assertEqual(len(self.payloads(publish)), count)
            sent += self.payloads(publish)
            publish.say(200)
        self.assertEqual(sent, list(range(250)))

    def test_bytes(self) -> None:
        """A batch is cut before it is too long for a proxy; one message is not."""
        client, _ = self.open()
        self.push(client, "a", "x" * 600_000, "y" * 600_000, "z" * 1_200_000, "b")
        for count in (2, 1, 1, 1):
            publish = self.server.take("POST")
            self.assertEqual(len(self.payloads(publish)), count)
            publish.say(200)

    def test_binary(self) -> None:
        """A binary frame is a line of base64."""
        client, _ = self.open()
        self.push(client, b"AB", "text")
        publish = self.server.take("POST")
        binary, text = publish.body.split(b"\n")
        self.assertEqual(binary, b"AAEBBwQxMXJvb21zOjFlY2hvQUI=")
        self.assertEqual(json.loads(text)[4], "text")

    def test_several_lines(self) -> None:
        """A frame that is no line, because of the user's codec, goes alone."""

        class Indented:
            loads = staticmethod(json.loads)

            @staticmethod
            def dumps(value: Any) -> str:
                return json.dumps(value, indent=1 if "b" in value else None)

        client, _ = self.open(serializer=Indented())
        for event in "abca":
            client.push(Message(None, None, "t", event, {}))
        types = []
        for _ in range(3):
            publish = self.server.take("POST")
            types.append(publish.header("content-type"))
            publish.say(200)
        ndjson = "application/x-ndjson"
        self.assertEqual(types, [ndjson, "text/plain", ndjson])

    def test_not_taken(self) -> None:
        """A publish that is not taken ends the session; what was pushed fails."""
        for code, body, expected in (
            (200, b'{"status":408}', 3408),
            (200, b'{"status":410}', 3410),
            (400, b"", 3400),
            (413, b"", 3413),
            (200, b"", 1002),
        ):
            self.losses.clear()
            client, poll = self.open(reconnect=False)
            channel, poll = self.joined(client, poll)
            push = channel.push("echo", {})
            self.server.take("POST").answer(code, body)
            self.assertEqual(self.loss(client).code, expected)
            self.assertTrue(poll.is_lost)
            error = self.failureResultOf(push, PushInterrupted).value
            self.assertEqual(error.cause.code, expected)

    def test_hangs_up(self) -> None:
        """So does one whose connection ends; it is not sent again."""
        client, poll = self.open()
        self.push(client, "a")
        self.server.take("POST").hang_up()
        self.assertEqual(self.loss(client).code, 1006)
        self.assertTrue(poll.is_lost)

    def test_no_answer(self) -> None:
        """And one without an answer; what waits behind it is not sent any more."""
        client, poll = self.open(heartbeat_interval=20.0, heartbeat_timeout=4.0)
        self.server.advance(20.0)
        self.push(client, "a")
        publish = self.server.take("POST")
        self.push(client, "b")
        self.server.advance(2.0)
        poll.say(204)
        self.server.take("GET")
        self.server.advance(21.9)
        self.assertTrue(client.connected)
        self.server.advance(0.1)
        self.assertEqual(self.loss(client).reason, "no answer within 24 s")
        self.assertTrue(publish.is_lost)
        self.server.advance(0.5)
        self.server.open_session()
        self.assertEqual(self.server.asked, [])

    def test_lost_before_it_was_sent(self) -> None:
        """What was to go out in the moment of the loss does not."""
        client, poll = self.open()
        self.push(client, "a")
        connection: Any = client.connection
        connection.link.transport.abort()
        self.server.flush()
        self.assertTrue(poll.is_lost)
        self.assertEqual(self.loss(client).reason, "given up")

    def test_idle_connections(self) -> None:
        """A connection that idles is closed before a server would close it."""
        client, _ = self.open()
        self.push(client, "a")
        self.server.take("POST").say(200)
        self.assertEqual(len(self.server.pairs), 2)
        self.server.advance(4.0)
        self.assertEqual(len(self.server.pairs), 1)


@by_treq_too
class CloseTests(LongPollTestCase):
    """How a session is closed by its client."""

    def test_nothing_under_way(self) -> None:
        """The poll is given up at once, its connection too, and no error is told."""
        client, poll = self.open()
        done = client.disconnect()
        self.server.flush()
        self.successResultOf(done)
        self.assertTrue(poll.is_lost)
        self.assertEqual(self.server.pairs, [])
        [reason] = self.losses
        self.assertEqual((reason.code, reason.was_clean), (1000, True))
        self.assertEqual(self.errors, [])

    def test_flush(self) -> None:
        """What was sent before is taken first, however many batches that needs."""
        client, poll = self.open()
        for i in range(150):
            client.push(Message(None, None, "a", "b", i))
        done = client.disconnect(4001, "bye")
        for count in (100, 50):
            self.assertNoResult(done)
            publish = self.server.take("POST")
            self.assertEqual(publish.body.count(b"\n") + 1, count)
            publish.say(200)
        self.successResultOf(done)
        self.assertTrue(poll.is_lost)
        [reason] = self.losses
        self.assertEqual((reason.code, reason.reason), (4001, "bye"))

    def test_flush_under_way(self) -> None:
        """A publish that is under way is waited for."""
        client, _ = self.open()
        client.push(Message(None, None, "a", "b", {}))
        publish = self.server.take("POST")
        done = client.disconnect()
        self.server.advance(1.0)
        self.assertNoResult(done)
        publish.say(200)
        self.successResultOf(done)

    def test_flush_takes_too_long(self) -> None:
        """But not longer than close_timeout."""
        client, _ = self.open(close_timeout=3.0)
        client.push(Message(None, None, "a", "b", {}))
        publish = self.server.take("POST")
        done = client.disconnect()
        self.server.advance(2.9)
        self.assertNoResult(done)
        self.server.advance(0.1)
        self.successResultOf(done)
        self.assertTrue(publish.is_lost)
        [reason] = self.losses
        self.assertEqual((reason.code, reason.was_clean), (1006, False))

    def test_flush_fails(self) -> None:
        """Nor if the server does not take it."""
        for answers in (lambda it: it.hang_up(), lambda it: it.say(410)):
            self.losses.clear()
            client, _ = self.open()
            client.push(Message(None, None, "a", "b", {}))
            publish = self.server.take("POST")
            done = client.disconnect()
            answers(publish)
            self.successResultOf(done)
            self.assertEqual(len(self.losses), 1)

    def test_closing_takes_nothing(self) -> None:
        """A session that is being closed delivers and sends nothing more."""
        client, _ = self.open()
        client.push(Message(None, None, "a", "b", {}))
        publish = self.server.take("POST")
        connection: Any = client.connection
        transport = connection.link.transport
        client.disconnect()
        with self.assertRaises(NotConnected):
            transport.send(b"[]", False)
        # Again, it changes nothing.
        transport.close()
        publish.say(200)
        self.assertEqual(len(self.losses), 1)
        transport.close()
        transport.abort()
        self.assertEqual(len(self.losses), 1)

    def test_connect_again(self) -> None:
        """connect() opens another session, once nothing is left of the first."""
        client, poll = self.open()
        client.disconnect()
        client.connect()
        self.server.flush()
        self.assertTrue(poll.is_lost)
        self.server.open_session("another")
        self.assertTrue(client.connected)

    def test_reopened(self) -> None:
        """reconfigure() with a connection's option does so as well."""
        client, _ = self.open()
        done = client.reconfigure(params={"a": "1"})
        poll = self.server.open_session()
        self.successResultOf(done)
        self.assertIn("a=1", poll.uri)

    def test_transport_changes(self) -> None:
        """reconfigure(transport=...) changes over, and back."""
        client, _ = self.open()
        client.reconfigure(transport="websocket")
        asked = self.server.take("GET")
        self.assertEqual(asked.uri, "/socket/websocket?vsn=2.0.0")
        asked.answer(503)
        self.server.advance(0.5)
        self.server.take("GET")
        client.reconfigure(transport="longpoll")
        self.server.open_session()
        self.assertTrue(client.connected)
