"""What is published, what is too large, what the router refuses, and its pace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from autobahn.exception import PayloadExceededError
from autobahn.wamp.exception import (
    ApplicationError,
    SerializationError,
    TransportLost,
)
from twisted.logger import capturedLogs, formatEvent

from txphoenix.errors import SerializerError
from txphoenix.test.wamp_topics_case import TopicsCase
from txphoenix.testing import error as error_reply
from txphoenix.testing import ok
from txphoenix.wamp.publisher import size_of

LOBBY = "rooms:lobby"


class PublishCase(TopicsCase):
    """A joined topic."""

    def setUp(self) -> None:
        """Join it."""
        super().setUp()
        self.done(self.topics.take(LOBBY))

    def send(self, event: str, payload: Any, topic: str = LOBBY) -> None:
        """Have the server send an event."""
        self.server.broadcast(topic, event, payload)
        self.server.flush()

    def lines(self, captured: Sequence[Any]) -> list[str]:
        """What the log has of the bridge."""
        return [
            formatEvent(event)
            for event in captured
            if event["log_namespace"] == "txphoenix.wamp"
        ]


class EventTests(PublishCase):
    """Each event is published as it came."""

    def test_payloads(self) -> None:
        """Whatever the payload, and whatever the event is called."""
        payloads = [{"a": 1}, {}, [], "text", 0, None, True, b"\x00\xff", 2**70]
        for payload in payloads:
            self.send("new.msg", payload)
        heard = self.heard()
        self.assertEqual(heard, [("new%2Emsg", payload) for payload in payloads])
        self.assertIs(type(heard[7][1]), bytes)

    def test_direct_push(self) -> None:
        """What is sent to this client alone is published as well, in order."""
        [channel] = self.server.channels(LOBBY)
        channel.push("one", 1)
        self.server.broadcast(LOBBY, "two", 2)
        channel.push("three", 3)
        self.server.flush()
        self.assertEqual(self.heard(), [("one", 1), ("two", 2), ("three", 3)])

    def test_presence(self) -> None:
        """State and diffs of Presence are events as others are."""
        self.done(self.topics.take("people:1"))
        events = [event for event, _ in self.heard("people:1")]
        self.assertEqual(events, ["presence_diff", "presence_state"])

    def test_odd_topics(self) -> None:
        """A topic that is no WAMP component is published under one."""
        self.done(self.topics.take("rooms:a b.c"))
        self.send("e", 1, "rooms:a b.c")
        self.assertEqual(self.heard("rooms:a%20b%2Ec"), [("e", 1)])

    def test_after_the_end(self) -> None:
        """Nothing is published once the session has ended."""
        self.publisher.stop()
        self.send("late", 1)
        self.assertEqual(self.heard(), [])
        self.realm.error = TransportLost()
        self.send("later", 1)


def nested(depth: int) -> Any:
    """Arrays and objects in each other."""
    payload: Any = 1
    for level in range(depth):
        payload = [payload] if level % 2 else {"a": payload, "b": 2}
    return payload


class DepthTests(PublishCase):
    """What is nested too deep ends the connections of those who get it over WAMP."""

    def test_depths(self) -> None:
        """Up to 200 pass, and what is wide is not deep."""
        payloads: list[Any] = [nested(200), [[]] * 500, [{"a": [nested(100)]}] * 9]
        for payload in payloads:
            self.assertEqual(
                size_of(payload), len(json.dumps(payload, separators=(",", ":")))
            )
        for depth in (201, 500, 5000):
            self.assertRaises(SerializerError, size_of, nested(depth))

    def test_event(self) -> None:
        """Such an event is told to subscribers, and not published."""
        self.send("deep", nested(200))
        self.send("deep", nested(201))
        self.send("after", 1)
        [first, (event, payload), last] = self.heard()
        self.assertEqual((first[0], event, last[0]), ("deep", "phx_error", "after"))
        self.assertEqual(
            (payload["error"], payload["event"]), ("not_published", "deep")
        )
        self.assertIn("more than 200", payload["message"])

    def test_push(self) -> None:
        """Such a push is refused before it is sent."""
        error = self.refused(self.topics.push(LOBBY, "crash", nested(201), 1))
        self.assertEqual(self.name_of(error), "invalid_argument")

    def test_answers(self) -> None:
        """Such an answer is an error that says that the push was sent."""
        for answer in (ok, error_reply):
            reply = answer(nested(201))
            setattr(self.room, "handle_in", lambda *_, it=reply: it)  # noqa: B010
            error = self.refused(self.topics.push(LOBBY, "deep", 1, 1))
            self.assertEqual(self.name_of(error), "too_large")
            self.assertTrue(error.kwargs["was_sent"])

    def test_refused_join(self) -> None:
        """A refusal of a join that is such is left out of what subscribers are told."""
        self.room.refusal = {"reason": nested(201)}
        self.refused(self.topics.take("rooms:closed"))
        [(event, payload)] = self.heard("rooms:closed")
        self.assertEqual((event, payload["error"]), ("phx_error", "join_refused"))
        self.assertNotIn("response", payload)


class LimitTests(PublishCase):
    """max_payload."""

    extra = {"max_payload": 100}

    def test_sizes(self) -> None:
        """A payload's size is that of its JSON in bytes, or its own."""
        self.assertEqual(size_of({"a": "é"}), 10)
        self.assertEqual(size_of("x" * 98), 100)
        self.assertEqual(size_of(b"x" * 100), 100)
        self.assertEqual(size_of(None), 4)
        self.assertRaises(SerializerError, size_of, {"a": b"x"})

    def test_event_at_the_limit(self) -> None:
        """A payload of just that size is published."""
        self.send("text", "x" * 98)
        self.send("binary", b"x" * 100)
        self.assertEqual(self.heard(), [("text", "x" * 98), ("binary", b"x" * 100)])

    def test_event_too_large(self) -> None:
        """One beyond it is counted, told to subscribers, and logged once a topic."""
        with capturedLogs() as captured:
            self.send("text", "x" * 99)
            self.send("binary", b"x" * 101)
        told = [(event, payload) for event, payload in self.heard()]
        self.assertEqual([event for event, _ in told], ["phx_error"] * 2)
        payload = told[0][1]
        self.assertEqual(
            {name: payload[name] for name in ("error", "event", "size", "limit")},
            {"error": "too_large", "event": "text", "size": 101, "limit": 100},
        )
        self.assertEqual(told[1][1]["event"], "binary")
        self.assertEqual(self.publisher.dropped, 2)
        [line] = self.lines(captured)
        self.assertIn("rooms:lobby: text was not published", line)
        self.done(self.topics.take("rooms:other"))
        with capturedLogs() as captured:
            self.send("text", "x" * 99, "rooms:other")
        self.assertEqual(len(self.lines(captured)), 1)

    def test_logged_anew(self) -> None:
        """A topic that was dropped and is taken again begins anew."""
        for _ in range(2):
            with capturedLogs() as captured:
                self.send("text", "x" * 99)
            self.assertEqual(len(self.lines(captured)), 1)
            self.done(self.topics.drop(LOBBY, Exception("no more")))
            self.done(self.topics.take(LOBBY))

    def test_push_too_large(self) -> None:
        """A push beyond it fails before anything is sent."""
        error = self.refused(self.topics.push(LOBBY, "crash", "x" * 99, 1))
        self.assertEqual(self.name_of(error), "too_large")
        kwargs = error.kwargs
        self.assertEqual(
            (kwargs["size"], kwargs["limit"], kwargs["was_sent"]), (101, 100, False)
        )
        self.assertEqual((kwargs["topic"], kwargs["event"]), (LOBBY, "crash"))
        self.assertEqual(self.heard(), [])

    def test_reply_too_large(self) -> None:
        """An answer beyond it is an error that says that the push was sent."""

        def handle_in(_self: Any, _event: str, _payload: Any) -> Any:
            return ok("x" * 99)

        setattr(self.room, "handle_in", handle_in)  # noqa: B010
        error = self.refused(self.topics.push(LOBBY, "big", 1, 1))
        self.assertEqual(self.name_of(error), "too_large")
        self.assertTrue(error.kwargs["was_sent"])

    def test_refusal_too_large(self) -> None:
        """So does a refusal that is too large: it is an answer as well."""
        error = self.refused(self.topics.push(LOBBY, "no", "x" * 90, 1))
        self.assertEqual(self.name_of(error), "refused")
        setattr(self.room, "handle_in", lambda *_: error_reply("x" * 99))  # noqa: B010
        error = self.refused(self.topics.push(LOBBY, "no", 1, 1))
        self.assertEqual(self.name_of(error), "too_large")
        self.assertTrue(error.kwargs["was_sent"])

    def test_refused_join(self) -> None:
        """Of a refusal that is too large subscribers get the beginning, as a text."""
        self.room.refusal = {"reason": "x" * 200}
        self.refused(self.topics.take("rooms:other"))
        [(_, told)] = self.heard("rooms:other")
        self.assertNotIn("response", told)
        self.assertIn("xxx", told["message"])
        self.assertEqual(self.publisher.dropped, 0)


class RouterTests(PublishCase):
    """What the transport or the router does not take."""

    def test_transport_too_small(self) -> None:
        """What exceeds the transport's own limit is told as too large."""
        self.realm.error = PayloadExceededError("too much")
        with capturedLogs() as captured:
            self.send("one", 1)
        self.assertEqual(len(self.lines(captured)), 1)
        self.assertEqual(self.publisher.dropped, 1)
        self.assertEqual([told["error"] for _, told in self.heard()], ["too_large"])
        self.realm.error = None
        self.send("two", 2)
        self.assertEqual(self.heard(), [("two", 2)])

    def test_not_serializable(self) -> None:
        """What WAMP's serializer does not take is dropped; the channel lives on."""
        self.realm.error = SerializationError("no such number")
        with capturedLogs() as captured:
            self.send("one", 1)
            self.send("one", 1)
        self.assertIn("no such number", self.lines(captured)[0])
        told = [told["error"] for _, told in self.heard()]
        self.assertEqual(told, ["not_published"] * 2)
        self.realm.error = None
        self.send("two", 2)
        self.assertEqual(self.heard(), [("two", 2)])
        self.assertEqual(len(self.room.joins), 1)

    def test_not_authorized(self) -> None:
        """A router that refuses publications is in the log, once a topic."""
        self.realm.holds = True
        self.send("one", 1)
        self.send("two", 2)
        [answer] = self.realm.unanswered
        self.realm.unanswered.clear()
        with capturedLogs() as captured:
            answer.errback(
                ApplicationError(ApplicationError.NOT_AUTHORIZED, "publish not allowed")
            )
        [line] = self.lines(captured)
        self.assertIn("phx.rooms:lobby.one", line)
        self.assertIn("not_authorized", line)

    def test_session_lost(self) -> None:
        """Publications that get no answer since the session ended are no news."""
        self.realm.holds = True
        self.send("one", 1)
        [answer] = self.realm.unanswered
        self.realm.unanswered.clear()
        with capturedLogs() as captured:
            answer.errback(TransportLost())
        self.assertEqual(self.lines(captured), [])


class PaceTests(PublishCase):
    """A router that is slower than the server."""

    extra = {"client": {"receive_buffer": 10}}
    size = 100_000

    def flood(self, count: int) -> None:
        """Have the server send many large events, and all arrive that can."""
        for number in range(count):
            self.server.broadcast(LOBBY, "n", [number, "x" * self.size])
        self.server.flush()

    def numbers(self) -> list[int]:
        """Which of them were published."""
        return [payload[0] for event, payload in self.heard() if event == "n"]

    def test_holds_back(self) -> None:
        """A router that answers nothing gets a bounded part; then the server waits."""
        self.realm.holds = True
        self.flood(100)
        published = self.numbers()
        self.assertEqual(published, list(range(len(published))))
        self.assertLess(len(published), 15)
        [client] = self.topics.sockets.clients
        channel = client.channels.find(LOBBY)
        assert channel is not None
        self.assertEqual(channel.dropped_messages, 0)
        self.realm.holds = False
        while self.realm.unanswered:
            self.realm.answer()
            self.server.flush()
        published += self.numbers()
        self.assertEqual(published, list(range(100)))
        self.assertEqual(channel.dropped_messages, 0)

    def test_order(self) -> None:
        """What comes while it catches up is published after what waits."""
        self.realm.holds = True
        self.flood(15)
        self.realm.holds = False
        self.realm.answer()
        self.server.flush()
        self.flood(3)
        self.assertEqual(self.numbers(), [*range(15), *range(3)])

    def test_dropped_meanwhile(self) -> None:
        """A topic that is dropped while it waits is left, and nothing goes wrong."""
        self.realm.holds = True
        self.flood(50)
        self.numbers()
        self.done(self.topics.drop(LOBBY, Exception("no more")))
        self.realm.answer()
        self.server.flush()
        self.done(self.topics.take(LOBBY))
        self.realm.holds = False
        self.realm.answer()
        self.flood(2)
        self.assertEqual(self.numbers()[-2:], [0, 1])

    def test_end_meanwhile(self) -> None:
        """The end of the session holds nobody back."""
        self.realm.holds = True
        self.flood(50)
        self.publisher.stop()
        self.server.flush()
        self.assertTrue(self.publisher.is_writable)

    def test_small_ones(self) -> None:
        """Few publications ask for an answer."""
        self.realm.holds = True
        for number in range(1000):
            self.server.broadcast(LOBBY, "n", number)
        self.server.flush()
        self.assertEqual(len(self.heard()), 1000)
        self.assertLess(len(self.realm.unanswered), 10)
        self.assertGreater(len(self.realm.unanswered), 2)
