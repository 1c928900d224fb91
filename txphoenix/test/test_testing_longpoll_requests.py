"""Tests of ``testing/longpoll.py``: the polls and the publishes of a session.

They are about what the recordings do not show.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from .longpoll_kit import NDJSON, KitLongPollTestCase


class PollTests(KitLongPollTestCase):
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


class PublishTests(KitLongPollTestCase):
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
