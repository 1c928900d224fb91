"""Tests of ``testing/longpoll.py``: what the recordings do not show."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix.testing import Refused, ServerChannel, Socket, error, ok

from .http_wire import Answer, WireRequest, request
from .kit import KitTestCase

NDJSON = {"content-type": "application/x-ndjson"}
PATH = "/socket/longpoll?vsn=2.0.0"


class Room(ServerChannel):
    """Answers with what it is sent, unless it is told otherwise."""

    def join(self, params: Any) -> Any:
        """Join at once, or when the test fires a Deferred."""
        held = self.endpoint.held_joins  # type: ignore[attr-defined]
        if self.topic == "rooms:held":
            held.append(Deferred())
            return held[-1]
        return params

    def handle_in(self, event: str, payload: Any) -> Any:
        """Reply ok, or flood."""
        if event == "flood":
            self.flood(payload)
            return None
        if event == "token":
            return ok({"token": self.socket.auth_token, "via": self.socket.transport})
        return ok(payload) if event == "echo" else error()

    def flood(self, count: int) -> None:
        """Push as long as the connection takes more."""
        self.sent = 0
        self.push_more(count)

    def push_more(self, count: int) -> None:
        """Push, and go on when there is room."""
        ready = self.ready()
        while ready.called and self.sent < count:
            self.push("tick", self.sent)
            self.sent += 1
            ready = self.ready()
        if self.sent < count:
            ready.addCallback(lambda _: self.push_more(count))


class LongPollTestCase(KitTestCase):
    """A test with a server, and one session of long-poll at a time."""

    def start(self, **options: Any) -> None:
        """Make a server."""
        memory = self.serve({"rooms:*": Room}, **options)
        self.held_joins: list[Deferred[Any]] = []
        memory.held_joins = self.held_joins  # type: ignore[attr-defined]
        self.token = ""

    def ask(
        self,
        method: str,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: str = "",
        path: str = PATH,
    ) -> WireRequest:
        """Make a request, in the session if there is one."""
        token = f"&token={self.token}" if self.token else ""
        return request(self.memory, method, path + query + token, headers, body)

    def answered(self, made: WireRequest) -> Answer:
        """The answer of a request that has one."""
        answer = made.answer
        assert answer is not None
        return answer

    def open(self, query: str = "", **kwargs: Any) -> Answer:
        """Open a session."""
        self.token = ""
        answer = self.answered(self.ask("GET", query, **kwargs))
        self.assertEqual(answer.json["status"], 410)
        self.token = answer.json["token"]
        return answer

    def publish(self, *messages: list[Any]) -> WireRequest:
        """Publish messages in one batch."""
        lines = [json.dumps(message) for message in messages]
        return self.ask("POST", headers=NDJSON, body="\n".join(lines))

    def join(self, topic: str = "rooms:1") -> None:
        """Join a topic, and take the reply."""
        self.publish(["1", "1", topic, "phx_join", {}])
        self.assertEqual(self.polled()[0][3], "phx_reply")

    def polled(self) -> list[Any]:
        """What a poll is answered with."""
        answer = self.answered(self.ask("GET"))
        self.assertEqual(answer.json["status"], 200)
        return [json.loads(message) for message in answer.json["messages"]]

    def assert_status(self, made: WireRequest, status: int) -> None:
        """The request is answered, with that status in the body of a 200."""
        answer = self.answered(made)
        self.assertEqual((answer.status, answer.json["status"]), (200, status))

    def assert_waits(self, made: WireRequest) -> None:
        """The request is not answered."""
        self.memory.flush()
        self.assertIsNone(made.answer)
        self.assertIsNone(made.lost)


class OpeningTests(LongPollTestCase):
    """Which sessions are opened."""

    def test_transports_of_a_socket(self) -> None:
        """A transport that a socket does not have is not found, and neither others."""
        self.start(websocket=False)
        self.memory.add_socket("/other", websocket=True, longpoll=False)
        for path, status in {
            "/socket/websocket": 404,
            "/socket/longpoll": 200,
            "/other/websocket": 400,
            "/other/longpoll": 404,
            "/socket/carrier-pigeon": 404,
            "/nowhere/longpoll": 404,
        }.items():
            answer = self.answered(self.ask("GET", path=f"{path}?vsn=2.0.0"))
            self.assertEqual(answer.status, status, path)

    def test_socket(self) -> None:
        """The application is told the params, the headers and the transport."""
        sockets: list[Socket] = []
        self.start(connect=lambda params, socket: sockets.append(socket))
        self.open("&a[b]=1&token=mine", headers={"x-test": "yes"})
        [socket] = sockets
        self.assertEqual(
            socket.params, {"vsn": "2.0.0", "a": {"b": "1"}, "token": "mine"}
        )
        self.assertEqual(socket.headers["x-test"], "yes")
        self.assertEqual(
            (socket.transport, socket.path), ("longpoll", "/socket/longpoll")
        )
        self.assertEqual(self.memory.connections[0].socket, socket)

    def test_connect_takes_its_time(self) -> None:
        """The session opens when the application has decided."""
        decision: Deferred[str] = Deferred()
        self.start(connect=lambda params, socket: decision)
        made = self.ask("GET")
        self.assert_waits(made)
        self.assertEqual(self.memory.connections, [])
        decision.callback("me")
        self.memory.flush()
        self.assert_status(made, 410)
        self.assertEqual(self.memory.connections[0].socket.id, "me")

    def test_client_gives_up(self) -> None:
        """A client that is gone before the decision gets no session."""
        cancelled: list[Any] = []
        self.start(connect=lambda params, socket: Deferred(cancelled.append))
        self.ask("GET")
        self.memory.cut()
        self.memory.flush()
        self.assertEqual(len(cancelled), 1)
        self.assertEqual(self.memory.connections, [])

    def test_refused(self) -> None:
        """A refusal is a 403 in the body, a crash is HTTP 500."""

        def connect(params: Any, socket: Socket) -> None:
            if "crash" in params:
                raise ValueError("crash")
            raise Refused()

        self.start(connect=connect)
        self.assert_status(self.ask("GET"), 403)
        crashed = self.ask("GET", "&crash=1")
        answer = self.answered(crashed)
        self.assertEqual(answer.status, 500)
        self.assertNotIn("access-control-allow-origin", answer.headers)
        self.assertIsNotNone(crashed.lost)

    def test_server_refuses(self) -> None:
        """refuse() is for new sessions, of both transports or of one."""
        self.start()
        self.open()
        for transport, status in ((None, 503), ("longpoll", 502), ("websocket", None)):
            self.memory.refuse(status or 500, transport)
            made = request(self.memory, "GET", PATH)
            self.assertEqual(self.answered(made).status, status or 200)
            self.memory.refuse(None, transport)
        self.assert_status(self.publish([None, "1", "phoenix", "heartbeat", {}]), 200)

    def test_auth_token(self) -> None:
        """The token comes in its header, to a socket that takes one."""
        for takes in (True, False):
            self.start(auth_token=takes)
            self.open(headers={"x-phoenix-authtoken": "s3cret"})
            self.join()
            self.publish(["1", "2", "rooms:1", "token", {}])
            expected = {"token": "s3cret" if takes else None, "via": "longpoll"}
            self.assertEqual(self.polled()[0][4]["response"], expected)

    def test_no_auth_token(self) -> None:
        """A socket that takes a token does not ask for one."""
        self.start(auth_token=True)
        self.open()

    def test_compression(self) -> None:
        """An answer is compressed if the client accepts it, and the server does so."""
        self.start()
        self.assertEqual(self.open().headers["content-encoding"], "gzip")
        plain = self.open(headers={"accept-encoding": "br"})
        self.assertNotIn("content-encoding", plain.headers)

    def test_options_that_ask_nothing(self) -> None:
        """A preflight without wishes is answered all the same."""
        self.start()
        answer = self.answered(self.ask("OPTIONS"))
        self.assertEqual(answer.headers["access-control-allow-headers"], "")


class TokenTests(LongPollTestCase):
    """Which token names which session."""

    def test_sessions_are_apart(self) -> None:
        """Each token has its own messages."""
        self.start()
        self.open()
        first = self.token
        self.open()
        self.assertNotEqual(self.token, first)
        self.join()
        self.token = first
        self.assert_waits(self.ask("GET"))

    def test_forged(self) -> None:
        """A token that the server has not made gets a new session, and at once."""
        self.start()
        self.open()
        ours = self.token
        for token in ("x", f"{ours}x", ours[:-1], "SFMyNTY.x.y", "SFMyNTY.%C3%BC.y"):
            self.token = token
            self.assert_status(self.ask("GET"), 410)
            self.assert_status(
                self.publish([None, "1", "phoenix", "heartbeat", {}]), 410
            )

    def test_header(self) -> None:
        """The token is taken from its header as well."""
        self.start()
        self.open()
        token, self.token = self.token, ""
        made = self.ask("GET", headers={"x-phoenix-longpoll-token": token})
        self.assert_waits(made)


class PollTests(LongPollTestCase):
    """What polls are answered with."""

    def test_messages_of_a_moment(self) -> None:
        """A poll that waits is told all that comes in the same moment."""
        self.start()
        self.open()
        self.join()
        made = self.ask("GET")
        self.assert_waits(made)
        for i in range(3):
            self.memory.broadcast("rooms:1", "tick", i)
        self.memory.flush()
        messages = [json.loads(it) for it in self.answered(made).json["messages"]]
        self.assertEqual([message[4] for message in messages], [0, 1, 2])

    def test_later_poll(self) -> None:
        """The later of two polls is told; the other waits out its window."""
        self.start(longpoll_window=4.0)
        self.open()
        self.join()
        first, second = self.ask("GET"), self.ask("GET")
        self.memory.broadcast("rooms:1", "tick", 1)
        self.memory.flush()
        self.assert_status(second, 200)
        self.memory.broadcast("rooms:1", "tick", 2)
        self.assert_waits(first)
        self.memory.advance(4.0)
        self.assert_status(first, 204)
        self.assertEqual([message[4] for message in self.polled()], [2])

    def test_earlier_poll_ends_first(self) -> None:
        """The end of an earlier poll's window takes nothing from the later one."""
        self.start(longpoll_window=4.0)
        self.open()
        self.join()
        self.ask("GET")
        self.memory.advance(3.0)
        second = self.ask("GET")
        self.memory.advance(1.0)
        self.memory.broadcast("rooms:1", "tick", 1)
        self.memory.flush()
        self.assert_status(second, 200)

    def test_client_is_gone(self) -> None:
        """What comes after a poll's client is gone is for the next poll."""
        self.start()
        self.open()
        self.join()
        self.ask("GET")
        self.memory.cut()
        self.memory.flush()
        self.memory.broadcast("rooms:1", "tick", 1)
        self.memory.flush()
        self.assertEqual([message[4] for message in self.polled()], [1])

    def test_client_goes(self) -> None:
        """So is what was about to go out when the client was gone."""
        self.start()
        self.open()
        self.join()
        self.ask("GET")
        self.memory.broadcast("rooms:1", "tick", 1)
        self.memory.cut()
        self.memory.flush()
        self.assertEqual([message[4] for message in self.polled()], [1])

    def test_paused(self) -> None:
        """A server that is paused answers nothing, not even that nothing has come."""
        self.start()
        self.open()
        self.join()
        poll = self.ask("GET")
        self.memory.pause()
        made = self.publish(["1", "2", "rooms:1", "echo", {}])
        self.memory.broadcast("rooms:1", "tick", 1)
        self.memory.advance(11.0)
        self.assert_waits(poll)
        self.assert_waits(made)
        self.memory.resume()
        self.memory.flush()
        self.assert_status(poll, 204)
        self.assert_status(made, 200)
        self.assertEqual(
            [message[3] for message in self.polled()], ["tick", "phx_reply"]
        )

    def test_not_utf8(self) -> None:
        """A binary frame that is no UTF-8 is lost with its poll; the session lives."""
        self.start()
        self.open()
        self.join()
        self.memory.broadcast("rooms:1", "tick", b"\xff")
        answer = self.answered(self.ask("GET"))
        self.assertEqual(answer.status, 500)
        self.assert_waits(self.ask("GET"))
        self.assertEqual(len(self.memory.connections), 1)

    def test_full(self) -> None:
        """A channel that cares is held back until its client polls."""
        self.start()
        self.open()
        self.join()
        self.publish(["1", "2", "rooms:1", "flood", 1000])
        received: list[int] = []
        sizes: list[int] = []
        while len(received) < 1000:
            messages = self.polled()
            sizes.append(len(messages))
            received += [message[4] for message in messages]
        self.assertEqual(received, list(range(1000)))
        self.assertLess(max(sizes), 300)


class PublishTests(LongPollTestCase):
    """What is published, and what is wrong with it."""

    def test_long_batch(self) -> None:
        """The server itself counts no lines; the limit is its client's."""
        self.start()
        self.open()
        self.join()
        pushes: list[list[Any]] = [
            ["1", str(i), "rooms:1", "echo", i] for i in range(2, 152)
        ]
        self.assert_status(self.publish(*pushes), 200)
        self.assertEqual(len(self.polled()), 150)

    def test_line_ends(self) -> None:
        """A line ends with LF or CR LF."""
        self.start()
        self.open()
        self.join()
        line = '["1","2","rooms:1","echo",1]'
        made = self.ask("POST", headers=NDJSON, body=f"{line}\r\n{line}")
        self.assert_status(made, 200)
        self.assertEqual(len(self.polled()), 2)

    def test_not_base64(self) -> None:
        """A line that is neither JSON nor base64 is HTTP 500; the session lives."""
        self.start()
        self.open()
        made = self.ask("POST", headers=NDJSON, body="{}")
        self.assertEqual(self.answered(made).status, 500)
        self.join()

    def test_binary_that_is_no_message(self) -> None:
        """Base64 of nothing sensible ends the session, and is found out late."""
        self.start()
        self.open()
        body = b64encode(b"nothing").decode("ascii")
        made = self.ask("POST", headers=NDJSON, body=body)
        self.assertEqual(self.memory.connections, [])
        self.memory.advance(9.9)
        self.assert_waits(made)
        self.memory.advance(0.1)
        self.assert_status(made, 408)

    def test_too_long(self) -> None:
        """A body that Plug would not read is HTTP 400."""
        self.start()
        self.open()
        made = self.ask("POST", headers=NDJSON, body="x" * 8_000_001)
        self.assertEqual(self.answered(made).status, 400)

    def test_slow_join(self) -> None:
        """A join that is awaited holds the session: it answers nothing meanwhile."""
        self.start()
        self.open()
        joining = self.publish(["1", "1", "rooms:held", "phx_join", {}])
        poll, push = self.ask("GET"), self.publish(["1", "2", "rooms:1", "echo", {}])
        self.memory.advance(1.9)
        for made in (joining, poll, push):
            self.assert_waits(made)
        self.memory.advance(0.1)
        # Who gets no answer takes the session for gone, though it is not.
        self.assert_status(poll, 410)
        self.assert_status(push, 410)
        self.held_joins[0].callback({})
        self.memory.flush()
        self.assert_status(joining, 200)
        self.assertEqual(self.polled()[0][4], {"status": "ok", "response": {}})

    def test_join_that_takes_too_long(self) -> None:
        """A publish that is not dealt with within the window is a 408."""
        self.start()
        self.open()
        made = self.publish(
            ["1", "1", "rooms:held", "phx_join", {}], ["2", "2", "rooms:1", "x", {}]
        )
        self.memory.advance(10.0)
        self.assert_status(made, 408)
        self.held_joins[0].callback({})
        self.memory.flush()
        # What came behind it was not taken.
        self.assertEqual(len(self.polled()), 1)


class EndTests(LongPollTestCase):
    """How sessions end."""

    def test_kick(self) -> None:
        """The poll that waits is not told, and the next one is, by silence."""
        self.start(connect=lambda params, socket: "me")
        self.open()
        self.join()
        poll = self.ask("GET")
        self.memory.advance(4.0)
        self.assertEqual(self.memory.kick("me"), 1)
        self.assertEqual(self.memory.channels(), [])
        self.assert_waits(poll)
        self.memory.advance(6.0)
        self.assert_status(poll, 204)
        poll = self.ask("GET")
        self.memory.advance(1.9)
        self.assert_waits(poll)
        self.memory.advance(0.1)
        self.assert_status(poll, 410)

    def test_timings_can_be_shorter(self) -> None:
        """Window and waiting are the socket's to set."""
        self.start(longpoll_window=0.2, longpoll_pubsub_timeout=0.1)
        self.open()
        poll = self.ask("GET")
        self.memory.advance(0.2)
        self.assert_status(poll, 204)
        self.memory.drain()
        poll = self.ask("GET")
        self.memory.advance(0.1)
        self.assert_status(poll, 410)

    def test_drop(self) -> None:
        """A session that is dropped takes the connections of its polls along."""
        self.start()
        self.open()
        poll = self.ask("GET")
        self.memory.drop()
        self.memory.flush()
        self.assertIsNotNone(poll.lost)
        self.assertIsNone(poll.answer)

    def test_drop_with_an_answer_due(self) -> None:
        """A message that was about to go out does not any more."""
        self.start()
        self.open()
        self.join()
        poll = self.ask("GET")
        self.memory.broadcast("rooms:1", "tick", 1)
        self.memory.drop()
        self.memory.flush()
        self.assertIsNone(poll.answer)

    def test_silence(self) -> None:
        """A session without polls ends after one and a half windows, or up to three."""
        self.start()
        self.open()
        self.memory.advance(3.0)
        poll = self.ask("GET")
        self.memory.advance(10.0)
        self.assert_status(poll, 204)
        # Looked at after 15 seconds, when the last poll was 12 seconds ago.
        self.memory.advance(16.9)
        self.assertEqual(len(self.memory.connections), 1)
        self.memory.advance(0.1)
        self.assertEqual(self.memory.connections, [])

    def test_server_stops(self) -> None:
        """A server that stops ends its sessions, and keeps no connection."""
        self.start()
        self.open()
        poll = self.ask("GET")
        self.memory.stop()
        self.memory.flush()
        self.assertEqual(self.memory.connections, [])
        self.assertIsNotNone(poll.lost)
