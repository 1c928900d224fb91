"""Tests of :mod:`txphoenix.client.topic_hooks`: ``client.on_topic()``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import capturedLogs, formatEvent

from txphoenix import ConfigurationError, Message, telemetry
from txphoenix.client.topic_hooks import TopicHooks

from .support import TOPIC, ClientTestCase

OTHER = "rooms:other"


class OnTopicTests(ClientTestCase):
    """Messages of topics that no channel has."""

    def setUp(self) -> None:
        """Connect, and note who is told what."""
        super().setUp()
        self.client = self.connected_client()
        self.told: list[tuple[str, Any]] = []

    def tells(self, name: str) -> Callable[[Message], None]:
        """A hook that notes the payload."""
        return lambda message: self.told.append((name, message.payload))

    def news(self, payload: Any, topic: str = OTHER) -> list[tuple[str, Any]]:
        """Have the server send something, and take what the hooks were told."""
        self.server_sends(None, None, topic, "news", payload)
        told, self.told = self.told, []
        return told

    def test_order(self) -> None:
        """The topic's own come first, in their order, then the longest beginning."""
        for topic in ("rooms:*", "*", "rooms:oth*", OTHER, OTHER, "rooms:*"):
            self.client.on_topic(topic, self.tells(topic))
        self.assertEqual(
            [name for name, _ in self.news(1)],
            [OTHER, OTHER, "rooms:oth*", "rooms:*", "rooms:*", "*"],
        )

    def test_others(self) -> None:
        """A topic is itself alone, and a beginning is where it begins."""
        for topic in (OTHER, "other*", "ooms:*", "rooms:other:*"):
            self.client.on_topic(topic, self.tells(topic))
        self.assertEqual(self.news(1, "rooms:other2"), [])
        self.assertEqual(self.news(2, "rooms:othe"), [])
        self.assertEqual(self.news(3, "Rooms:other"), [])
        self.assertEqual(self.client.state.unrouted_messages, 3)
        self.assertEqual(self.news(4), [(OTHER, 4)])
        self.assertEqual(self.client.state.unrouted_messages, 3)

    def test_whole_message(self) -> None:
        """A hook has the message whole, with all of its refs."""
        messages: list[Message] = []
        self.client.on_topic(OTHER, messages.append)
        self.server_sends("7", "8", OTHER, "phx_reply", {"status": "ok"})
        self.server_sends("7", "7", OTHER, "phx_close", {})
        self.server_sends(None, None, OTHER, "phx_error", {})
        self.assertEqual(
            messages,
            [
                Message("7", "8", OTHER, "phx_reply", {"status": "ok"}),
                Message("7", "7", OTHER, "phx_close", {}),
                Message(None, None, OTHER, "phx_error", {}),
            ],
        )
        self.assertEqual(self.client.state.unrouted_messages, 0)

    def test_reply_to_a_push(self) -> None:
        """The reply to a message of the client's is among them."""
        messages: list[Message] = []
        self.client.on_topic("nobody:*", messages.append)
        sent = self.client.push(Message.push("nobody:here", "hello", {}))
        self.memory.flush()
        [reply] = messages
        self.assertEqual((reply.event, reply.ref), ("phx_reply", sent.ref))
        self.assertEqual(reply.payload["response"], {"reason": "unmatched topic"})

    def test_heartbeats(self) -> None:
        """They are nobody's: not even those who ask for all topics have them."""
        self.client.on_topic("*", self.tells("*"))
        self.client.on_topic("pho*", self.tells("pho*"))
        self.assert_fired(self.ping(), 0.0)
        self.assertEqual(self.told, [])

    def ping(self) -> Any:
        """What has become of a heartbeat."""
        outcome = self.watch(self.client.ping())
        self.memory.flush()
        return outcome

    def test_channel_has_it(self) -> None:
        """What a channel has is not for them, and stale messages of it are neither."""
        self.client.on_topic("*", self.tells("*"))
        channel = self.joined_channel(client=self.client)
        channel.on("news", lambda payload: self.told.append(("channel", payload)))
        self.assertEqual(self.news(1, TOPIC), [("channel", 1)])
        self.server_sends("999", None, TOPIC, "news", 2)
        self.assertEqual(self.told, [])
        self.assertEqual(self.client.state.stale_messages, 1)
        channel.stop()
        self.memory.flush()
        # The reply to the leave, and phx_close.
        self.assertEqual(len(self.told), 2)
        self.told.clear()
        self.assertEqual(self.news(3, TOPIC), [("*", 3)])

    def test_channel_not_joined(self) -> None:
        """A channel that was made has nothing before it joins."""
        self.client.on_topic(TOPIC, self.tells("hook"))
        channel = self.client.channel(TOPIC)
        channel.on("news", lambda payload: self.told.append(("channel", payload)))
        self.assertEqual(self.news(1, TOPIC), [("hook", 1)])
        self.watch(channel.join())
        self.memory.flush()
        self.assertEqual(self.news(2, TOPIC), [("channel", 2)])

    def test_join_inside(self) -> None:
        """A hook may join the topic, whose channel has what comes next."""
        joined: list[Any] = []

        def join(message: Message) -> None:
            joined.append(self.client.channel(message.topic))
            joined[0].on("news", lambda payload: self.told.append(("channel", payload)))
            self.watch(joined[0].join())

        self.client.on_topic("rooms:*", join)
        self.assertEqual(self.news(1), [])
        self.assertEqual(joined[0].state, "joined")
        self.assertEqual(self.news(2), [("channel", 2)])

    def test_removed(self) -> None:
        """What adding returns takes one hook away, once, and leaves the others."""
        removers = [
            self.client.on_topic(topic, self.tells(topic))
            for topic in (OTHER, OTHER, "rooms:*")
        ]
        removers[0]()
        removers[0]()
        self.assertEqual(self.news(1), [(OTHER, 1), ("rooms:*", 1)])
        removers[1]()
        removers[2]()
        self.assertEqual(self.news(2), [])
        self.assertEqual(self.client.state.unrouted_messages, 1)
        self.client.on_topic(OTHER, self.tells("anew"))
        for remove in removers:
            remove()
        self.assertEqual(self.news(3), [("anew", 3)])

    def test_removed_inside(self) -> None:
        """A hook that removes hooks, or adds some, changes the next call only."""
        removers: list[Callable[[], None]] = []

        def swap(message: Message) -> None:
            for remove in removers:
                remove()
            self.client.on_topic("rooms:o*", self.tells("new"))

        removers.append(self.client.on_topic(OTHER, swap))
        removers.append(self.client.on_topic(OTHER, self.tells("own")))
        removers.append(self.client.on_topic("rooms:*", self.tells("beginning")))
        self.assertEqual(self.news(1), [("own", 1), ("beginning", 1)])
        self.assertEqual(self.news(2), [("new", 2)])

    def test_many_come_and_go(self) -> None:
        """Nothing is kept of topics whose hooks are gone."""
        hooks = TopicHooks()
        for i in range(100):
            hooks.add(f"rooms:{i}", print)()
            hooks.add(f"rooms:{i}*", print)()
        self.assertEqual((hooks._topics, hooks._beginnings), ({}, {}))

    def test_raising(self) -> None:
        """A hook that raises, now or later, is logged with the topic, and no more."""
        later: Deferred[None] = Deferred()

        def raises(message: Message) -> None:
            raise ZeroDivisionError

        async def raises_later(message: Message) -> None:
            await later
            raise ZeroDivisionError

        self.client.on_topic(OTHER, raises)
        self.client.on_topic(OTHER, raises_later)
        self.client.on_topic(OTHER, lambda _: fail(ZeroDivisionError()))
        self.client.on_topic("rooms:*", self.tells("last"))
        with capturedLogs() as captured:
            self.assertEqual(self.news(1), [("last", 1)])
            later.callback(None)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 3)
        raised = [it for it in captured if "log_failure" in it]
        self.assertEqual(
            [(it["topic"], it["event"]) for it in raised], [(OTHER, "on_topic")] * 3
        )
        name = f"{__name__}.OnTopicTests.test_raising.<locals>.raises"
        self.assertEqual(
            formatEvent(raised[0]), f"{OTHER}: hook {name} for on_topic raised"
        )
        self.assertTrue(self.client.connected)
        self.assertEqual(self.client.state.unrouted_messages, 0)

    def test_raising_is_no_exception(self) -> None:
        """So is what is no Exception."""

        def raises(message: Message) -> None:
            raise GeneratorExit

        self.client.on_topic(OTHER, raises)
        self.client.on_topic(OTHER, self.tells("next"))
        self.assertEqual(self.news(1), [("next", 1)])
        self.assertEqual(len(self.flushLoggedErrors(GeneratorExit)), 1)

    def test_wrong_arguments(self) -> None:
        """What is no topic, or no function, is refused, and nothing is added."""
        add: Any = self.client.on_topic
        for topic in ("", None, 5, b"rooms:a", "rooms:*:a", "**", "phoenix", "\ud800"):
            with self.subTest(topic=topic):
                error = self.assertRaises(ConfigurationError, add, topic, print)
                self.assertIn("the topic of on_topic must", str(error))
        for function in (None, "function"):
            self.assertRaises(TypeError, add, OTHER, function)
        self.assertEqual(self.news(1), [])
        self.assertEqual(self.client.state.unrouted_messages, 1)

    def test_lasts(self) -> None:
        """Hooks outlive connections, and each message is told once."""
        self.client.on_topic(OTHER, self.tells("hook"))
        self.lose_connection()
        self.memory.advance(1.0)
        self.assertTrue(self.client.connected)
        self.assertEqual(self.news(1), [("hook", 1)])

    def test_on_message_first(self) -> None:
        """Hooks for all messages are called before."""
        self.client.on_topic(OTHER, self.tells("topic"))
        self.client.on_message(self.tells("all"))
        self.assertEqual(self.news(1), [("all", 1), ("topic", 1)])

    def test_telemetry(self) -> None:
        """What a hook was called with is received, and not dropped."""
        events: list[Any] = []

        def tell(_: Any, __: Any, metadata: Any, ___: Any) -> None:
            if metadata["action"] in ("received", "dropped"):
                reason = metadata.get("reason")
                events.append((metadata["action"], reason))

        for name in (telemetry.MESSAGE, telemetry.CHANNEL):
            telemetry.attach(name[-1], name, tell)
            self.addCleanup(telemetry.detach, name[-1])
        remove = self.client.on_topic(OTHER, self.tells("hook"))
        self.news(1)
        self.assertEqual(events, [("received", None)])
        remove()
        self.news(2)
        self.assertEqual(events[1:], [("received", None), ("dropped", "unrouted")])


class JoinQueueTests(ClientTestCase):
    """The queue of joins knows what was answered, whoever has the answer."""

    def test_given_up(self) -> None:
        """An answer to a join that was given up lets the next join begin."""
        self.assert_next_join_begins(is_taken=False)

    def test_given_up_and_taken(self) -> None:
        """A hook for its topic takes nothing from the queue."""
        self.assert_next_join_begins(is_taken=True)

    def assert_next_join_begins(self, is_taken: bool) -> None:
        """It begins when the first is answered, whose channel is gone."""
        client = self.connected_client(join_window=1)
        if is_taken:
            client.on_topic("*", lambda message: None)
        self.memory.answers = False
        first = client.channel(TOPIC)
        self.watch(first.join())
        self.watch(client.channel(OTHER).join())
        first.stop()
        self.memory.flush()
        joins = [it for it in self.all_sent() if it[3] == "phx_join"]
        self.assertEqual([it[2] for it in joins], [TOPIC])
        reply = {"status": "ok", "response": {}}
        self.server_sends("1", "1", TOPIC, "phx_reply", reply)
        joins = [it for it in self.all_sent() if it[3] == "phx_join"]
        self.assertEqual([it[2] for it in joins], [TOPIC, OTHER])
