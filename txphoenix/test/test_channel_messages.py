"""What the server sends to a topic: to which join it belongs, and who gets it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from txphoenix.channels.channel import Channel
from txphoenix.channels.echo_room import EchoRoom
from txphoenix.errors import (
    ChannelClosed,
    ConfigurationError,
    JoinError,
    NotConnected,
)
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase


class MessageTestCase(ClientTestCase):
    """A joined channel, and a server that says what the test says."""

    def setUp(self) -> None:
        """Join."""
        super().setUp()
        self.client = self.connected_client()
        self.channel = self.joined_channel(client=self.client)

    def news(self, payload: Any = None, event: str = "news") -> None:
        """The server broadcasts."""
        self.server_sends(None, None, TOPIC, event, payload)


class RouteTests(MessageTestCase):
    """Which messages are the channel's."""

    def test_join_ref(self) -> None:
        """A message of the current join, or of none, is taken; others are dropped.

        Those that are dropped are counted.
        """
        got: list[Any] = []
        self.channel.on("news", got.append)
        self.server_sends("1", None, TOPIC, "news", "current")
        self.server_sends(None, None, TOPIC, "news", "broadcast")
        self.server_sends("0", None, TOPIC, "news", "stale")
        self.assertEqual(got, ["current", "broadcast"])
        self.assertEqual(self.client.get_state("stale_messages"), 1)

    def test_stale_end(self) -> None:
        """The end of an earlier join ends nothing."""
        self.server_sends("0", "0", TOPIC, "phx_error", {})
        self.server_sends("0", "0", TOPIC, "phx_close", {})
        self.assertEqual(self.channel.state, "joined")
        self.assertEqual(self.client.get_state("stale_messages"), 2)

    def test_integer_refs(self) -> None:
        """A server that sends its refs as numbers means the same."""
        got: list[Any] = []
        self.channel.on("news", got.append)
        self.server_sends(1, None, TOPIC, "news", 1)
        self.assertEqual(got, [1])

    def test_other_topic(self) -> None:
        """Messages of topics that no channel has are counted."""
        self.server_sends(None, None, "rooms:other", "news", 1)
        self.assertEqual(self.client.get_state("unrouted_messages"), 1)

    def test_every_state(self) -> None:
        """A message without a join_ref is delivered in every state."""
        got: list[tuple[Any, str]] = []
        channel = self.channel
        channel.on("news", lambda payload: got.append((payload, channel.state)))
        self.memory.answers = False
        self.news(1)
        self.memory.kill_channel(TOPIC)
        self.memory.flush()
        self.news(2)
        self.memory.advance(1.0)
        self.news(3)
        self.answer(self.sent()[-1])
        self.watch(channel.leave())
        self.news(4)
        channel.stop()
        channel.dispatch(Message(None, None, TOPIC, "news", 5))
        states = ["joined", "errored", "joining", "leaving", "closed"]
        self.assertEqual(got, list(enumerate(states, start=1)))

    def test_payloads(self) -> None:
        """A payload arrives as it was sent, of whatever JSON type, bytes included."""
        got: list[Any] = []
        self.channel.on("news", got.append)
        payloads: list[Any] = [{"a": [1]}, [], None, "text", 1.5, False, b"\x00\xff"]
        for payload in payloads:
            self.news(payload)
        self.assertEqual(got, payloads)


class HookTests(MessageTestCase):
    """Hooks of events."""

    def test_function(self) -> None:
        """A function is called with the payload, for its event alone."""
        got: list[Any] = []
        self.channel.on("news", got.append)
        self.news(1)
        self.news(2, "other")
        self.assertEqual(got, [1])

    def test_decorator(self) -> None:
        """on() without a function is a decorator, which returns the function."""
        got: list[Any] = []

        @self.channel.on("news")
        def hook(payload: Any) -> None:
            got.append(payload)

        self.news(1)
        hook(2)
        self.assertEqual(got, [1, 2])

    def test_coroutine(self) -> None:
        """An ``async def`` is started at once, and what it raises is logged."""
        gate: Deferred[None] = Deferred()
        got: list[Any] = []

        @self.channel.on("news")
        async def hook(payload: Any) -> None:
            got.append(payload)
            await gate
            raise KeyError(payload)

        self.news(1)
        self.assertEqual(got, [1])
        gate.callback(None)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.assertEqual(self.channel.state, "joined")

    def test_object(self) -> None:
        """An object with handle_in is called with the event and the payload."""

        class Recorder:
            def __init__(self) -> None:
                self.got: list[Any] = []

            def handle_in(self, event: str, payload: Any) -> None:
                self.got.append((event, payload))

        recorder = Recorder()
        self.channel.on("news", recorder)
        self.channel.on("weather", recorder)
        self.news(1)
        self.news(2, "weather")
        self.assertEqual(recorder.got, [("news", 1), ("weather", 2)])
        self.channel.off("news", recorder)
        self.news(3)
        self.assertEqual(len(recorder.got), 2)

    def test_neither(self) -> None:
        """Anything else is a TypeError that says what was expected."""
        error = self.assertRaises(TypeError, self.channel.on, "news", 5)
        self.assertIn("handle_in(event, payload)", str(error))

    def test_several(self) -> None:
        """Several hooks are called in their order; one that raises stops none."""
        got: list[str] = []
        self.channel.on("news", lambda _: got.append("first"))
        self.channel.on("news", lambda _: [].pop())
        self.channel.on("news", lambda _: got.append("third"))
        self.news()
        self.assertEqual(got, ["first", "third"])
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)
        self.assertEqual(self.channel.state, "joined")

    def test_remover(self) -> None:
        """What on() returns removes that one, the same function twice included."""
        got: list[Any] = []
        remove = self.channel.on("news", got.append)
        self.channel.on("news", got.append)
        self.news(1)
        remove()
        remove()
        self.news(2)
        self.assertEqual(got, [1, 1, 2])

    def test_off(self) -> None:
        """off() removes all hooks of an event, or those of one function."""
        got: list[str] = []

        def first(_payload: Any) -> None:
            got.append("first")

        self.channel.off("news")
        self.channel.on("news", first)
        self.channel.on("news", lambda _: got.append("second"))
        self.channel.on("other", first)
        self.channel.off("news", first)
        self.news()
        self.assertEqual(got, ["second"])
        self.channel.off("news")
        self.news()
        self.news(event="other")
        self.assertEqual(got, ["second", "first"])

    def test_snapshot(self) -> None:
        """Decision 9: hooks are called on a snapshot.

        One that removes itself does not hide the next, and one that is added is called
        from the next message on.
        """
        got: list[str] = []

        def once(_payload: Any) -> None:
            got.append("once")
            self.channel.off("news", once)
            self.channel.on("news", lambda _: got.append("added"))

        self.channel.on("news", once)
        self.channel.on("news", lambda _: got.append("second"))
        self.news()
        self.assertEqual(got, ["once", "second"])
        self.news()
        self.assertEqual(got[2:], ["second", "added"])

    def test_kept_across_rejoins(self) -> None:
        """After rejoins each hook is called once a message."""
        got: list[Any] = []
        self.channel.on("news", got.append)
        for _ in range(3):
            self.lose_connection()
            self.reconnect()
        self.news(1)
        self.assertEqual(got, [1])

    def test_protocol_events(self) -> None:
        """The protocol's own events have no hooks; the error says what has."""
        for event, instead in (
            ("phx_reply", "push()"),
            ("phx_error", "on_error()"),
            ("phx_close", "on_close()"),
        ):
            with self.assertRaises(ConfigurationError) as caught:
                self.channel.on(event, print)
            self.assertIn(event, str(caught.exception))
            self.assertIn(instead, str(caught.exception))
            self.assertRaises(ConfigurationError, self.channel.on, event)


class ReceiveTests(MessageTestCase):
    """Messages that no hook takes."""

    def test_oldest(self) -> None:
        """receive() takes the oldest message, whole."""
        self.news(1)
        self.news(2)
        for number in (1, 2):
            outcome = self.watch(self.channel.receive())
            self.assert_fired(outcome, Message(None, None, TOPIC, "news", number))

    def test_next(self) -> None:
        """With none there it waits for the next; each Deferred gets its own."""
        outcomes = [self.watch(self.channel.receive()) for _ in range(2)]
        self.news(1)
        self.assert_waits(outcomes[1])
        self.news(2)
        self.assertEqual([it.fired[0].payload for it in outcomes], [1, 2])

    def test_hooked(self) -> None:
        """Decision 10: a message that a hook takes is not queued, even if it raises."""
        self.channel.on("news", lambda _: [].pop())
        self.news(1)
        self.news(2, "other")
        outcome = self.watch(self.channel.receive())
        self.assertEqual(outcome.fired[0].payload, 2)
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)

    def test_cancel(self) -> None:
        """A cancelled receive() takes no message."""
        deferred = self.channel.receive()
        cancelled = self.watch(deferred)
        outcome = self.watch(self.channel.receive())
        deferred.cancel()
        self.assert_failed(cancelled, CancelledError)
        self.news(1)
        self.assertEqual(outcome.fired[0].payload, 1)

    def test_closed(self) -> None:
        """What came before the end can be read after it; then it fails."""
        self.news(1)
        self.channel.stop()
        outcome = self.watch(self.channel.receive())
        self.assertEqual(outcome.fired[0].payload, 1)
        error = self.assert_failed(self.watch(self.channel.receive()), ChannelClosed)
        self.assertEqual(error.reason, "stopped")

    def test_never_joined(self) -> None:
        """A channel that was never joined has nothing to wait for, until it joins."""
        channel = self.client.channel("rooms:new")
        self.assert_failed(self.watch(channel.receive()), ChannelClosed)
        self.watch(channel.join())
        outcome = self.watch(channel.receive())
        self.memory.flush()
        self.server_sends(None, None, "rooms:new", "news", 1)
        self.assertEqual(outcome.fired[0].payload, 1)

    def test_across_rejoin(self) -> None:
        """It waits through a reconnect, and fails at disconnect()."""
        outcome = self.watch(self.channel.receive())
        self.lose_connection()
        self.reconnect()
        self.news(1)
        self.assertEqual(outcome.fired[0].payload, 1)
        waiting = self.watch(self.channel.receive())
        self.watch(self.client.disconnect())
        self.assert_failed(waiting, NotConnected)


class IterationTests(MessageTestCase):
    """``async for message in channel``."""

    def iterate(self, channel: Channel) -> tuple[list[Any], Any]:
        """Iterate over the channel: what came so far, and how it ends."""
        got: list[Any] = []

        async def read() -> str:
            async for message in channel:
                got.append(message.payload)
            return "done"

        return got, self.watch(ensureDeferred(read()))

    def test_until_left(self) -> None:
        """It gives each message, and stops when the channel has been left."""
        self.news(1)
        got, outcome = self.iterate(self.channel)
        self.news(2)
        self.lose_connection()
        self.reconnect()
        self.news(3)
        self.assertEqual(got, [1, 2, 3])
        self.watch(self.channel.leave())
        self.memory.flush()
        self.assert_fired(outcome, "done")

    def test_error(self) -> None:
        """An end that is an error is raised."""
        channel = self.client.channel("rooms:new")
        self.memory.refusal = {"reason": "no"}
        self.watch(channel.join())
        _got, outcome = self.iterate(channel)
        self.memory.flush()
        error = self.assert_failed(outcome, ChannelClosed)
        self.assertIsInstance(error.reason, JoinError)

    def test_disconnect(self) -> None:
        """So is a disconnect(), after which the channel is not closed."""
        _got, outcome = self.iterate(self.channel)
        self.watch(self.client.disconnect())
        self.assert_failed(outcome, NotConnected)


class EchoRoomTests(MessageTestCase):
    """The channel that is used where no other class is named."""

    def test_default(self) -> None:
        """It is what client.channel() makes, and keeps messages for receive()."""
        self.assertIs(type(self.channel), EchoRoom)
        self.news(1)
        outcome = self.watch(self.channel.receive())
        self.assertEqual(outcome.fired[0].payload, 1)

    def test_forward_to(self) -> None:
        """forward_to() gets each message that no hook takes, whole, until removed."""
        channel = self.channel
        assert isinstance(channel, EchoRoom)
        forwarded: list[Message] = []
        remove = channel.forward_to(forwarded.append)
        channel.on("hooked", lambda _: None)
        self.news(1)
        self.news(2, "hooked")
        self.assertEqual(forwarded, [Message(None, None, TOPIC, "news", 1)])
        remove()
        self.news(3)
        self.assertEqual(len(forwarded), 1)
        outcome = self.watch(channel.receive())
        self.assertEqual(outcome.fired[0].payload, 3)

    def test_several(self) -> None:
        """Several may ask for them; one that raises is logged."""
        channel = self.channel
        assert isinstance(channel, EchoRoom)
        forwarded: list[Message] = []
        channel.forward_to(lambda _: [].pop())
        channel.forward_to(forwarded.append)
        self.news(1)
        self.assertEqual(len(forwarded), 1)
        self.assertEqual(len(self.flushLoggedErrors(IndexError)), 1)
