"""Tests of ``transports/longpoll.py``: the session, against answers of every kind."""

from __future__ import annotations

import gzip
import json
from typing import Any

from twisted.internet.error import ConnectionRefusedError
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import (
    Channel,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    ConnectTimeout,
    HandshakeRefused,
    MessageTooLarge,
    NotConnected,
    PushInterrupted,
    SocketClient,
)
from txphoenix._version import __version__
from txphoenix.message import Message

from .scripted_http import Asked, ScriptedHTTP

SHOUT = '[null,null,"rooms:1","shout",{"i":%d}]'


class LongPollTestCase(SynchronousTestCase):
    """A test with a client, and a server whose answers the test writes."""

    def setUp(self) -> None:
        """Make the server."""
        self.server = ScriptedHTTP()
        self.clients: list[SocketClient] = []
        self.errors: list[Any] = []
        self.losses: list[Any] = []
        self.addCleanup(self.stop_all)

    def begin(self, **options: Any) -> SocketClient:
        """A client that has asked for a session."""
        client = self.server.client(**options)
        self.clients.append(client)
        client.on_error(self.errors.append)
        client.on_close(self.losses.append)
        client.startService()
        self.server.flush()
        return client

    def open(self, **options: Any) -> tuple[SocketClient, Asked]:
        """A client with a session, and its first poll."""
        client = self.begin(**options)
        poll = self.server.open_session()
        self.assertTrue(client.connected)
        return client, poll

    def stop_all(self) -> None:
        """Stop every client; nothing of it is left."""
        for client in self.clients:
            stopped = client.stopService()
            self.server.flush()
            self.server.advance(client.options.close_timeout)
            self.successResultOf(stopped)
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def joined(self, client: SocketClient, poll: Asked) -> tuple[Channel, Asked]:
        """A joined channel, and the next poll."""
        channel = client.channel("rooms:1")
        joining = channel.join()
        publish = self.server.take("POST")
        publish.say(200)
        join_ref = json.loads(publish.body)[0]
        poll.say(200, messages=[_reply(join_ref, join_ref)])
        self.successResultOf(joining)
        return channel, self.server.take("GET")

    def failure(self, client: SocketClient) -> Any:
        """What the only attempt has failed with."""
        [error] = self.errors
        self.assertEqual(self.losses, [])
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.server.pairs, [])
        return error

    def loss(self, client: SocketClient) -> ConnectionClosed:
        """What the open session was lost with."""
        [reason] = self.losses
        self.assertIsInstance(reason, ConnectionClosed)
        self.assertFalse(reason.was_clean)
        self.assertFalse(client.connected)
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.asked, [])
        return reason  # type: ignore[no-any-return]


def _reply(join_ref: str, ref: str, status: str = "ok") -> str:
    payload = {"status": status, "response": {}}
    return json.dumps([join_ref, ref, "rooms:1", "phx_reply", payload])


class OpeningTests(LongPollTestCase):
    """How a session is opened, or is not."""

    def test_request(self) -> None:
        """The first request has the params and no token of ours; later ones have it."""
        self.begin(
            url="ws://127.0.0.1:4000/socket?a=%20b",
            params={"user": {"id": 1}, "token": "mine"},
            headers={"X-Test": "yes"},
            auth_token="s3cret",
        )
        opening = self.server.take("GET")
        self.assertEqual(
            opening.uri,
            "/socket/longpoll?a=%20b&user%5Bid%5D=1&token=mine&vsn=2.0.0",
        )
        opening.say(410, token="SFM.x-y/z", messages=[])
        poll = self.server.take("GET")
        self.assertEqual(
            poll.uri,
            "/socket/longpoll?a=%20b&user%5Bid%5D=1&vsn=2.0.0&token=SFM.x-y%2Fz",
        )
        for asked in (opening, poll):
            self.assertEqual(asked.header("host"), "127.0.0.1:4000")
            self.assertEqual(asked.header("accept"), "application/json")
            self.assertEqual(asked.header("accept-encoding"), "gzip")
            self.assertEqual(asked.header("user-agent"), f"txphoenix/{__version__}")
            self.assertEqual(asked.header("x-test"), "yes")
            self.assertEqual(asked.header("x-phoenix-authtoken"), "s3cret")

    def test_publish(self) -> None:
        """A publish has the user's headers, the session's token and its type."""
        client, _ = self.open(
            headers={"X-Test": "yes", "User-Agent": "mine", "Content-Type": "no"}
        )
        client.push(Message(None, None, "a", "b", {}))
        publish = self.server.take("POST")
        self.assertEqual(publish.uri, "/socket/longpoll?vsn=2.0.0&token=the-token")
        self.assertEqual(publish.header("content-type"), "application/x-ndjson")
        self.assertEqual(publish.header("x-test"), "yes")
        self.assertEqual(publish.header("user-agent"), "mine")
        self.assertIsNone(publish.header("x-phoenix-authtoken"))

    def test_no_auth_token(self) -> None:
        """Without a token there is no header for it."""
        self.begin()
        self.assertIsNone(self.server.take("GET").header("x-phoenix-authtoken"))

    def test_asked_anew(self) -> None:
        """Url, params, headers and token are asked for before each attempt."""
        asked: list[str] = []

        def supply(name: str, value: Any) -> Any:
            def answer() -> Any:
                asked.append(name)
                return value

            return answer

        names = ["url", "params", "headers", "auth_token"]
        self.begin(
            url=supply("url", self.server.url),
            params=supply("params", {"n": 1}),
            headers=supply("headers", {}),
            auth_token=supply("auth_token", "secret"),
        )
        self.assertEqual(asked, names)
        self.server.take("GET").answer(500)
        self.server.advance(0.5)
        self.assertEqual(asked, names * 2)

    def test_refused(self) -> None:
        """A 403 in the body is a refused handshake, as it is with a WebSocket."""
        client = self.begin()
        self.server.take("GET").answer(200, b'{"status":403}', x_reason="secret")
        error = self.failure(client)
        self.assertIsInstance(error, HandshakeRefused)
        self.assertEqual((error.status, error.reason), (403, "Forbidden"))
        self.assertEqual(error.headers["x-reason"], "secret")
        self.assertNotIn("secret", f"{error} {error!r}")

    def test_http_status(self) -> None:
        """Any other status of HTTP refuses as well; a redirect is not followed."""
        for code, reason in ((302, "Found"), (404, "Not Found"), (502, "Bad Gateway")):
            self.errors.clear()
            client = self.begin(reconnect=False)
            self.server.take("GET").answer(code, b"", location="http://127.0.0.1/")
            error = self.failure(client)
            self.assertIsInstance(error, HandshakeRefused)
            self.assertEqual((error.status, error.reason), (code, reason))

    def test_not_phoenix(self) -> None:
        """Whatever does not open a session is refused, in words that say so."""
        expected = "not an answer of Phoenix's long-poll"
        for body, status, reason in (
            (b"", 200, expected),
            (b"<html>", 200, expected),
            (b"[410]", 200, expected),
            (b"{}", 200, expected),
            (b'{"status":"410"}', 200, expected),
            (b'{"status":-2000}', 200, expected),
            (b'{"status":410}', 200, expected),
            (b'{"status":410,"token":1}', 200, expected),
            (b'{"status":410,"token":""}', 200, expected),
            (b'{"status":500}', 500, "Internal Server Error"),
            (b'{"status":204,"token":"x"}', 204, "No Content"),
            (b'{"status":599}', 599, ""),
        ):
            self.errors.clear()
            client = self.begin(reconnect=False)
            self.server.take("GET").answer(200, body)
            error = self.failure(client)
            self.assertIsInstance(error, HandshakeRefused)
            self.assertEqual((error.status, error.reason), (status, reason), body)

    def test_no_connection(self) -> None:
        """A connection that is refused is told with its cause."""
        self.server.is_listening = False
        error = self.failure(self.begin())
        self.assertIs(type(error), ConnectionFailed)
        self.assertIn("ConnectionRefusedError", str(error))
        self.assertIsInstance(error.__cause__, ConnectionRefusedError)

    def test_hangs_up(self) -> None:
        """So is one that ends without an answer, or in the middle of it."""
        for has_begun in (False, True):
            self.errors.clear()
            client = self.begin(reconnect=False)
            opening = self.server.take("GET")
            if has_begun:
                opening.write(200, b'{"sta', content_length="100")
            opening.hang_up()
            error = self.failure(client)
            self.assertIs(type(error), ConnectionFailed)
            self.assertIn("ConnectionLost", str(error))

    def test_not_http(self) -> None:
        """So is an answer that is not HTTP at all."""
        client = self.begin()
        self.server.pairs[0].server.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        self.server.flush()
        self.assertIs(type(self.failure(client)), ConnectionFailed)

    def test_too_late(self) -> None:
        """An attempt that takes too long ends, and leaves nothing behind."""
        client = self.begin(connect_timeout=3.0)
        opening = self.server.take("GET")
        self.server.advance(2.9)
        self.assertEqual(client.status, "connecting")
        self.server.advance(0.1)
        self.assertIsInstance(self.failure(client), ConnectTimeout)
        self.assertTrue(opening.is_lost)

    def test_never_connected(self) -> None:
        """The same while the connection itself is not made."""
        self.server.holds_connections = True
        client = self.begin(connect_timeout=3.0)
        self.server.advance(3.0)
        self.assertIsInstance(self.failure(client), ConnectTimeout)
        self.server.release_connections()
        self.assertEqual(self.server.pairs, [])

    def test_answer_without_end(self) -> None:
        """An answer that does not end within the time is given up as well."""
        client = self.begin(connect_timeout=3.0)
        opening = self.server.take("GET")
        opening.write(200, b'{"status":410')
        self.server.advance(3.0)
        self.assertIsInstance(self.failure(client), ConnectTimeout)
        self.assertTrue(opening.is_lost)

    def test_disconnect(self) -> None:
        """disconnect() gives the attempt up, and takes its connection along."""
        client = self.begin()
        opening = self.server.take("GET")
        done = client.disconnect()
        self.server.flush()
        self.successResultOf(done)
        self.assertTrue(opening.is_lost)
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.errors, [])
        self.server.advance(60)
        self.assertEqual(self.server.asked, [])

    def test_disconnect_while_asked_for_params(self) -> None:
        """A disconnect() by one of the user's callables means no request at all."""
        client: SocketClient

        def params() -> dict[str, str]:
            client.disconnect()
            return {}

        client = SocketClient(
            self.server.url,
            reactor=self.server.clock,
            endpoint=self.server.endpoint,
            transport="longpoll",
            params=params,
        )
        self.clients.append(client)
        client.startService()
        self.server.flush()
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.server.connections_made, 0)

    def test_bad_answer_of_the_user(self) -> None:
        """Params that are none are the user's mistake, and told as that."""
        client = self.begin(params=lambda: 7)
        self.assertIsInstance(self.failure(client), ConfigurationError)

    def test_hook_disconnects(self) -> None:
        """A hook that disconnects as soon as it is open means no poll."""
        client = self.begin()
        client.on_open(client.disconnect)
        self.server.take("GET").say(410, token="t", messages=[])
        self.server.flush()
        self.assertEqual(client.status, "disconnected")
        self.assertEqual(self.server.asked, [])
        self.assertEqual(self.server.pairs, [])
        self.assertEqual(self.server.connections_made, 1)

    def test_cookies(self) -> None:
        """A load balancer's cookie comes back with each request of the session."""
        self.begin()
        self.server.take("GET").answer(
            200, b'{"status":410,"token":"t"}', set_cookie="node=7"
        )
        self.assertEqual(self.server.take("GET").header("cookie"), "node=7")

    def test_zone(self) -> None:
        """The zone of an address is not for the server."""
        self.begin(url="ws://[fe80::1%25eth0]:4000/socket")
        self.assertEqual(self.server.take("GET").header("host"), "[fe80::1]:4000")

    def test_version_1(self) -> None:
        """Version 1 is asked for, and its frames go one by one."""
        client = self.begin(vsn="1.0.0")
        self.flushWarnings()
        poll = self.server.open_session()
        self.assertIn("vsn=1.0.0", poll.uri)
        for i in range(2):
            client.push(Message(None, None, "a", "b", i))
        for i in range(2):
            publish = self.server.take("POST")
            self.assertEqual(publish.header("content-type"), "text/plain")
            self.assertEqual(json.loads(publish.body)["payload"], i)
            self.assertEqual(self.server.asked, [])
            publish.say(200)


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
        self.assertEqual(self.loss(client).code, 1006)

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
            (200, b'{"status":500}', 3500, "500 Internal Server Error"),
            (200, b'{"status":599}', 3599, "599"),
            (500, b'{"errors":{}}', 3500, "HTTP 500 Internal Server Error"),
            (502, b"", 3502, "HTTP 502 Bad Gateway"),
            (302, b"", 3302, "HTTP 302 Found"),
            (200, b"", 1002, "not an answer of Phoenix's long-poll"),
            (200, b"<html>", 1002, "not an answer of Phoenix's long-poll"),
            (200, b'{"status":2000}', 1002, "not an answer of Phoenix's long-poll"),
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
        """Once a poll is answered, the delays of the backoff begin anew."""
        delays: list[int] = []

        def backoff(attempt: int) -> float:
            delays.append(attempt)
            return 0.5

        self.begin(backoff=backoff)
        for is_answered in (False, False, True, False):
            poll = self.server.open_session()
            if is_answered:
                poll.say(204)
                poll = self.server.take("GET")
            poll.say(410, token="x")
            self.server.advance(0.5)
        self.assertEqual(delays, [0, 1, 0, 1])

    def test_large_answer(self) -> None:
        """Many messages may be longer together than one may be."""
        client, poll = self.open(max_message_size=100)
        heard: list[Any] = []
        client.on_message(heard.append)
        poll.say(200, messages=[SHOUT % i for i in range(6)])
        self.assertEqual(len(heard), 6)

    def test_answer_too_large(self) -> None:
        """An answer without bounds is not taken in whole."""
        client, poll = self.open(max_message_size=100)
        poll.write(200, b"x" * 250)
        self.assertTrue(client.connected)
        poll.write(200, b"x" * 250)
        reason = self.loss(client)
        self.assertEqual(reason.code, 1009)
        self.assertIsInstance(reason.__cause__, MessageTooLarge)
        self.assertTrue(poll.is_lost)

    def test_message_too_large(self) -> None:
        """A message that is too long ends the session with 1009, after those before."""
        client, poll = self.open(max_message_size=60)
        heard: list[Any] = []
        client.on_message(heard.append)
        long = f'[null,null,"rooms:1","shout","{"x" * 60}"]'
        poll.say(200, messages=[SHOUT % 1, long, SHOUT % 2])
        self.assertEqual([message.payload for message in heard], [{"i": 1}])
        self.assertEqual(self.loss(client).code, 1009)

    def test_limits_change(self) -> None:
        """reconfigure() changes the limits of an open session."""
        client, poll = self.open()
        client.reconfigure(max_message_size=60, heartbeat_interval=2.0)
        poll.answer(200, b"x" * 250)
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
        client, poll = self.open(heartbeat_interval=3.0, heartbeat_timeout=3.0)
        self.server.advance(3.0)
        self.push(client, "a")
        publish = self.server.take("POST")
        self.push(client, "b")
        self.server.advance(2.0)
        poll.say(204)
        self.server.take("GET")
        self.server.advance(3.9)
        self.assertTrue(client.connected)
        self.server.advance(0.1)
        self.assertEqual(self.loss(client).reason, "no answer within 6 s")
        self.assertTrue(publish.is_lost)
        self.server.advance(0.5)
        self.server.open_session()
        self.assertEqual(self.server.asked, [])

    def test_lost_before_it_was_sent(self) -> None:
        """What was to go out in the moment of the loss does not."""
        client, poll = self.open()
        self.push(client, "a")
        connection: Any = client.connection
        connection._transport.abort()
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


class CloseTests(LongPollTestCase):
    """How a session is closed by its client."""

    def test_nothing_under_way(self) -> None:
        """The poll is given up at once, and the connections with it."""
        client, poll = self.open()
        done = client.disconnect()
        self.server.flush()
        self.successResultOf(done)
        self.assertTrue(poll.is_lost)
        self.assertEqual(self.server.pairs, [])
        [reason] = self.losses
        self.assertEqual((reason.code, reason.was_clean), (1000, True))

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
        transport = connection._transport
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


class PauseTests(LongPollTestCase):
    """A reader that is slower than the server."""

    def test_no_poll_while_paused(self) -> None:
        """A full queue keeps the rest back, and no poll is made until it is read."""
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

    def test_poll_under_way(self) -> None:
        """The answer to a poll that was under way is kept as well."""
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
        connection._transport.abort()
        self.server.flush()
        self.assertEqual(len(heard), 1)
        self.assertEqual(len(self.losses), 1)


class BrokenTests(LongPollTestCase):
    """Faults that nobody expects."""

    def test_listener_raises(self) -> None:
        """An exception out of a callback is logged, and the session ends."""
        client, poll = self.open(reconnect=False)

        def broken(data: bytes, is_binary: bool) -> None:
            raise ZeroDivisionError

        connection: Any = client.connection
        connection.frame_received = broken
        poll.say(200, messages=[SHOUT % 1])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.loss(client).code, 1006)

    def test_endpoint_raises(self) -> None:
        """So is an endpoint that raises, as far as the attempt goes."""

        def endpoint(*args: Any) -> Any:
            raise ZeroDivisionError

        error = self.failure(self.begin(endpoint=endpoint))
        self.assertIsInstance(error.__cause__, ZeroDivisionError)

    def test_endpoint_ignores_cancel(self) -> None:
        """An endpoint that connects long after it was told to stop is not taken."""
        self.server.holds_connections = True
        client = self.begin()
        done = client.disconnect()
        self.server.flush()
        self.successResultOf(done)
        self.server.release_connections()
        self.server.flush()
        self.assertEqual(self.server.pairs, [])
