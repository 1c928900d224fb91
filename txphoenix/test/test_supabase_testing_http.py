"""Tests of :mod:`txphoenix.supabase.testing`: broadcasts by HTTP, and over TCP."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import TestCase

from txphoenix.supabase.testing import SupabaseServer

from .http_wire import Answer, request
from .supabase_wire import SupabaseCase

BATCH = "/realtime/v1/api/broadcast"
ROOM = "realtime:room"
JSON = {"content-type": "application/json"}
MESSAGE = {"topic": "room", "event": "shout", "payload": {"n": 1}}


class SendTests(SupabaseCase):
    """Broadcasts by HTTP."""

    def setUp(self) -> None:
        """A project."""
        super().setUp()
        self.denied: set[str] = set()
        self.project(
            max_payload_size=100,
            max_events_per_second=3,
            policy=lambda claims, topic, action: action not in self.denied,
        )

    def post(
        self, path: str, body: Any, method: str = "POST", **headers: str
    ) -> Answer:
        """Send a request with the project's key."""
        sent = {"apikey": self.memory.publishable_key, **JSON, **headers}
        text = body if isinstance(body, str) else json.dumps(body)
        answer = request(self.memory, method, path, sent, text).answer
        if answer is None:
            self.fail("there was no answer")
        return answer

    def test_batch(self) -> None:
        """Each message is broadcast, as text, and with its id."""
        talker = self.joined()
        answer = self.post(BATCH, {"messages": [MESSAGE, {**MESSAGE, "id": "7"}]})
        self.assertEqual((answer.status, answer.body), (202, ""))
        payload = {"type": "broadcast", "event": "shout", "payload": {"n": 1}}
        one, two = talker.heard()
        self.assertEqual(one, [None, None, ROOM, "broadcast", payload])
        self.assertEqual(two[4], {**payload, "meta": {"id": "7"}})

    def test_one(self) -> None:
        """The body is broadcast by the event and topic of the path, in kind 4."""
        talker = self.joined("realtime:a/b ü")
        path = f"{BATCH}/a%2Fb%20%C3%BC/events/h%C3%A9"
        self.assertEqual(self.post(path, {"n": 1}).status, 202)
        kind = {"content-type": "application/octet-stream"}
        self.assertEqual(self.post(path, "bytes", **kind).status, 202)
        topic, event = "realtime:a/b ü".encode(), "hé".encode()
        head = bytes([4, len(topic), len(event), 0])
        self.assertEqual(
            talker.heard(),
            [
                head + b"\x01" + topic + event + b'{"n":1}',
                head + b"\x00" + topic + event + b"bytes",
            ],
        )

    def test_tokens(self) -> None:
        """A token of the header, or else the key, has to be one that is taken."""
        token = self.memory.token()
        for headers, status in (
            ({}, 202),
            ({"authorization": f"Bearer {token}", "apikey": "x"}, 202),
            ({"authorization": f"bearer {token}x"}, 401),
            ({"apikey": "nonsense"}, 401),
            ({"apikey": ""}, 401),
        ):
            answer = self.post(BATCH, {"messages": [MESSAGE]}, **headers)
            self.assertEqual(answer.status, status, headers)
            self.memory.advance(1.0)
            if status == 401:
                self.assertEqual(answer.json, {"message": "Unauthorized"})

    def test_private(self) -> None:
        """One that is private and not allowed is 403, or left out of a batch."""
        talker = self.joined(private=True)
        private = {**MESSAGE, "private": True}
        path = f"{BATCH}/room/events/shout?private=true"
        self.assertEqual(self.post(BATCH, {"messages": [private]}).status, 202)
        self.assertEqual(self.post(path, {}).status, 202)
        self.assertEqual(len(talker.heard()), 2)
        self.denied.add("broadcast.write")
        self.assertEqual(self.post(BATCH, {"messages": [private]}).status, 202)
        answer = self.post(path, {})
        self.assertEqual(
            (answer.status, answer.json), (403, {"message": "Unauthorized"})
        )
        self.assertEqual(talker.heard(), [])

    def test_unprocessable(self) -> None:
        """What is missing or odd is named, and nothing is sent."""
        talker = self.joined()
        blank, invalid = ["can't be blank"], ["is invalid"]
        for body, errors in (
            ({}, blank),
            ([], blank),
            ({"messages": []}, blank),
            ({"messages": [MESSAGE, {"topic": ""}]}, None),
            ({"messages": [7]}, [{"messages": invalid}]),
            ({"messages": [{**MESSAGE, "payload": 7}]}, [{"payload": invalid}]),
        ):
            answer = self.post(BATCH, body)
            self.assertEqual(answer.status, 422, body)
            if errors is not None:
                self.assertEqual(answer.json, {"errors": {"messages": errors}})
        answer = self.post(
            f"{BATCH}/room/events/e",
            "x" * 101,
            **{"content-type": "application/octet-stream"},
        )
        self.assertEqual(answer.status, 422)
        self.assertEqual(talker.heard(), [])

    def test_statuses(self) -> None:
        """No JSON, another type, another path or method, and a refusal."""
        one = f"{BATCH}/room/events/e"
        self.assertEqual(self.post(BATCH, "no JSON").status, 400)
        answer = self.post(one, "x", **{"content-type": "text/x"})
        self.assertEqual(answer.status, 415)
        self.assertIn("Unsupported Media Type", answer.json["error"])
        self.assertEqual(self.post(one, {}, **{"content-type": ""}).status, 202)
        for path in (f"{BATCH}/room", f"{BATCH}/room/event/e", "/realtime/v1/api"):
            self.assertEqual(self.post(path, {}).status, 404)
        self.assertEqual(self.post(BATCH, "", "GET").status, 404)
        self.memory.refuse_sends(503)
        self.assertEqual(self.post(BATCH, {"messages": [MESSAGE]}).status, 503)
        self.memory.refuse_sends(None)
        self.assertEqual(self.post(BATCH, {"messages": [MESSAGE]}).status, 202)

    def test_rate(self) -> None:
        """More in a second than allowed are 429, all of a batch."""
        talker = self.joined()
        answer = self.post(BATCH, {"messages": [MESSAGE] * 4})
        self.assertEqual(answer.status, 429)
        self.assertEqual(answer.json, {"message": "You have exceeded your rate limit"})
        self.assertEqual(talker.heard(), [])
        self.assertEqual(self.post(BATCH, {"messages": [MESSAGE] * 3}).status, 202)
        self.assertEqual(self.post(f"{BATCH}/room/events/e", {}).status, 429)

    def test_paused(self) -> None:
        """A paused server answers later; who has gone by then is not answered."""
        talker = self.joined()
        self.memory.pause()
        headers = {"apikey": self.memory.publishable_key, **JSON}
        body = json.dumps({"messages": [MESSAGE]})
        waiting = request(self.memory, "POST", BATCH, headers, body)
        gone = request(self.memory, "POST", BATCH, headers, body)
        gone.transport.loseConnection()  # type: ignore[union-attr]
        self.memory.flush()
        self.assertIsNone(waiting.answer)
        self.memory.resume()
        self.memory.flush()
        self.assertEqual(getattr(waiting.answer, "status", None), 202)
        self.assertEqual(len(talker.heard()), 1)


class TCPTests(TestCase):
    """The same over TCP."""

    async def test_server(self) -> None:
        """It listens on a port of its own, and takes a broadcast."""
        server = SupabaseServer()
        await server.start()
        self.addCleanup(server.stop, drain=False)
        ended: Deferred[bytes] = Deferred()

        class Reader(Protocol):
            received = b""

            def dataReceived(self, data: bytes) -> None:
                self.received += data

            def connectionLost(self, reason: Any = None) -> None:
                ended.callback(self.received)

        from twisted.internet import reactor

        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", server.port)
        reader: Any = await connectProtocol(endpoint, Reader())
        body = json.dumps({"messages": [MESSAGE]}).encode()
        reader.transport.write(
            f"POST {BATCH} HTTP/1.0\r\napikey: {server.anon_key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            "".encode()
            + body
        )
        self.assertIn(b"202", (await ended).splitlines()[0])
        self.assertEqual(server.project_url, f"http://127.0.0.1:{server.port}")
