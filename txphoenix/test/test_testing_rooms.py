"""Tests of :mod:`txphoenix.testing.rooms`."""

from __future__ import annotations

from typing import Any

from .kit import KitTestCase

LEFT = [None, None, "rooms:a", "user_left", {"user_id": 1}]


class RoomsTests(KitTestCase):
    """The channels of the demonstration."""

    def setUp(self) -> None:
        """The demonstration's server, and a client in the room."""
        self.serve()
        self.client = self.talker()
        answer = self.client.join("rooms:a", {"user_id": 1})
        self.assertEqual(answer["response"], {"topic": "rooms:a", "user_id": 1})

    def test_coming_and_going(self) -> None:
        """The others hear who comes and who goes."""
        other = self.talker("/socket/websocket?vsn=2.0.0&user_id=x")
        self.assertEqual(other.join("rooms:a", ref="2")["response"]["user_id"], "x")
        joined = [None, None, "rooms:a", "user_joined", {"user_id": "x"}]
        self.assertEqual(self.client.heard(), [joined])
        self.client.say("1", "3", "rooms:a", "phx_leave", {})
        self.assertEqual(other.heard(), [LEFT])

    def test_anonymous(self) -> None:
        """Who gives no name has none."""
        answer = self.talker().join("rooms:a", "not an object")
        self.assertEqual(answer["response"]["user_id"], "anonymous")

    def test_message(self) -> None:
        """A message goes to all, the sender included, and is answered."""
        message = {"body": "hi", "user_id": 1}
        self.assertEqual(
            self.client.say("1", "2", "rooms:a", "new_msg", {"body": "hi"}),
            [
                [None, None, "rooms:a", "new_msg", message],
                ["1", "2", "rooms:a", "phx_reply", {"status": "ok", "response": {}}],
            ],
        )

    def test_no_message(self) -> None:
        """A message without a body is an error, another event a crash."""
        payloads: list[Any] = [{}, "hi"]
        for payload in payloads:
            [answer] = self.client.say("1", "2", "rooms:a", "new_msg", payload)
            self.assertEqual(answer[4]["status"], "error")
        [crash] = self.client.say("1", "3", "rooms:a", "other", {})
        self.assertEqual(crash[3], "phx_error")

    def test_echo(self) -> None:
        """The echo answers a join with its params, and any event with its payload."""
        self.assertEqual(self.client.join("echo:a", {"p": 1})["response"], {"p": 1})
        [answer] = self.client.say("1", "2", "echo:a", "anything", [1])
        self.assertEqual(answer[4], {"status": "ok", "response": [1]})
