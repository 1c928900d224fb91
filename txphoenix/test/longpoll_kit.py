"""What the tests of the server kit's long-poll share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from txphoenix.testing import ServerChannel, error, ok

from .http_wire import Answer, WireRequest, request
from .kit import KitTestCase

__all__ = ["NDJSON", "PATH", "KitLongPollTestCase", "Room"]

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


class KitLongPollTestCase(KitTestCase):
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
