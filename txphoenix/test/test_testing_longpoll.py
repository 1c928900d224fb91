"""Tests of ``testing/longpoll.py``: how a session begins and ends.

They are about what the recordings do not show.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from txphoenix.testing import Refused, Socket

from .http_wire import request
from .longpoll_kit import PATH, KitLongPollTestCase


class OpeningTests(KitLongPollTestCase):
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


class TokenTests(KitLongPollTestCase):
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


class EndTests(KitLongPollTestCase):
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
