"""What telemetry is told of crashes, drops, pauses and losses, on a clock."""

from __future__ import annotations

from typing import Any

from txphoenix import (
    Channel,
    ChannelClosed,
    JoinError,
    Message,
    Presence,
    PushTimeout,
    SerializerError,
    telemetry,
)
from txphoenix.telemetry import CHANNEL, PUSH, SOCKET

from .support import TOPIC, ClientTestCase


class Boom(Exception):
    """What callbacks raise."""


class Crashing(Channel):
    """A channel one of whose callbacks raises."""

    raises = "handle_in"
    restart = "transient"

    def init(self, params: Any) -> None:
        """Raise, the first time."""
        self.meet("init")

    def handle_join(self, response: Any) -> None:
        """Raise, the first time."""
        self.meet("handle_join")

    async def handle_in(self, event: str, payload: Any) -> None:
        """Raise, each time."""
        if self.raises == "handle_in":
            raise Boom

    def meet(self, name: str) -> None:
        """Raise where that is what this one raises in, once."""
        if self.raises == name:
            self.raises = ""
            raise Boom


class Whole(Crashing):
    """One that takes messages whole."""

    raises = "handle_message"

    def handle_message(self, message: Message) -> None:
        """Raise."""
        raise Boom


class Broken(Channel):
    """One that overrides what is not its to override."""

    def dispatch(self, message: Message) -> None:
        """Raise at what the server sends by itself."""
        if message.event == "news":
            raise Boom
        super().dispatch(message)


class TroubleCase(ClientTestCase):
    """A note of what is told of channels, the socket and pushes."""

    def setUp(self) -> None:
        """Attach the handler."""
        super().setUp()
        self.told: list[tuple[str, Any, Any]] = []
        telemetry.attach_many("test", (SOCKET, CHANNEL, PUSH), self.take)
        self.addCleanup(telemetry.detach, "test")
        self.meanwhile: dict[str, Any] = {}

    def take(self, _: Any, measured: Any, told: Any, __: Any) -> None:
        """Note it, and do what was asked for."""
        self.told.append((told["action"], measured, told))
        self.meanwhile.pop(told["action"], lambda: None)()

    def actions(self, *wanted: str) -> list[str]:
        """What was told, as far as it is of interest."""
        return [action for action, _, _ in self.told if action in wanted]

    def seen(self, action: str, *keys: str) -> list[Any]:
        """Of each event of an action these of its measurements and metadata."""
        return [
            tuple({**told, **measured}[key] for key in keys)
            for told_action, measured, told in self.told
            if told_action == action
        ]

    def make_channel(self, kind: type[Channel] = Channel, **options: Any) -> Channel:
        """A channel that is joined, or about to be."""
        client = self.connected_client(**options)
        channel = client.channel(TOPIC, channel_class=kind)
        self.watch(channel.join())
        self.memory.flush()
        return channel


class CrashTests(TroubleCase):
    """A callback that raises."""

    def crash(self, kind: type[Channel], callback: str, *follows: str) -> Channel:
        """Have a channel crash; see that the callback is named, and what follows."""
        channel = self.make_channel(kind)
        self.memory.broadcast(TOPIC, "news", {})
        self.memory.advance(2.0)
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        ((of, topic, error, name, count),) = self.seen(
            "crashed", "channel", "topic", "error", "callback", "count"
        )
        self.assertEqual((of, topic, name, count), (channel, TOPIC, callback, 1))
        self.assertIsInstance(error, Boom)
        self.assertEqual(
            self.actions("crashed", "rejoining", "restarted", "left"),
            ["crashed", *follows],
        )
        return channel

    def test_callbacks(self) -> None:
        """Each callback is named, whether it raises at once or later."""
        for name in "init", "handle_join", "handle_in":
            kind = type("Kind", (Crashing,), {"raises": name})
            channel = self.crash(kind, name, "rejoining", "restarted")
            self.assertEqual(channel.state, "joined")
            self.told.clear()
            self.stop_client(self._clients.pop())
            self.told.clear()

    def test_whole_messages(self) -> None:
        """So is the one that takes messages whole."""
        self.crash(Whole, "handle_message", "rejoining", "restarted")

    def test_temporary(self) -> None:
        """Where a crash is the end there is no restart."""
        kind = type("Kind", (Crashing,), {"restart": "temporary"})
        self.crash(kind, "handle_in", "left")

    def test_too_many(self) -> None:
        """Nor is there one after the last crash."""
        self.make_channel(Crashing, max_restarts=1)
        for _ in range(2):
            self.memory.broadcast(TOPIC, "news", {})
            self.memory.advance(0.1)
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 2)
        self.assertEqual(
            self.actions("crashed", "restarted", "left"),
            ["crashed", "restarted", "crashed", "left"],
        )

    def test_broken(self) -> None:
        """What raises outside of its callbacks is stopped; the function is named."""
        self.crash(Broken, "dispatch", "left")

    def test_left_meanwhile(self) -> None:
        """Who leaves when it is told of a crash has left, and has no restart."""
        channel = self.make_channel(Crashing, max_restarts=0)
        leaving: list[Any] = []
        self.meanwhile["crashed"] = lambda: leaving.append(self.watch(channel.leave()))
        self.memory.answers = False
        self.memory.broadcast(TOPIC, "news", {})
        self.memory.flush()
        # It is not stopped for the crash, but waits for the answer to its leave.
        self.assertEqual(channel.state, "leaving")
        self.answer(self.sent()[-1])
        self.assert_fired(leaving[0], None)
        self.assertEqual(self.actions("crashed", "restarted"), ["crashed"])
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.actions("left"), ["left"])

    def test_left_by_its_own_hook(self) -> None:
        """A channel that a hook leaves at the crash does not begin anew."""
        channel = self.make_channel(Crashing)
        channel.on_error(lambda _: channel.stop())
        self.memory.broadcast(TOPIC, "news", {})
        self.memory.flush()
        self.assertEqual(self.actions("crashed", "restarted"), ["crashed"])
        self.assertEqual(len(self.flushLoggedErrors(Boom)), 1)


class RejoinTests(TroubleCase):
    """What joins again after a delay."""

    def test_crash_of_the_server(self) -> None:
        """The delay, and what has made it necessary."""
        channel = self.make_channel()
        self.watch(channel.push("crash", {}))
        self.memory.flush()
        self.memory.refusal = {"reason": "busy"}
        self.memory.advance(1.0)
        (first, second) = self.seen("rejoining", "delay", "error", "channel")
        self.assertEqual((first[0], second[0]), (1.0, 2.0))
        self.assertIsInstance(first[1], ChannelClosed)
        self.assertIsInstance(second[1], JoinError)
        self.assertIs(first[2], channel)

    def test_left_meanwhile(self) -> None:
        """Who is told of it may leave."""
        channel = self.make_channel()
        self.meanwhile["rejoining"] = lambda: self.watch(channel.leave())
        self.watch(channel.push("crash", {}))
        self.memory.advance(5.0)
        self.assertEqual(channel.state, "closed")


class DroppedTests(TroubleCase):
    """What nobody will have."""

    def dropped(self) -> list[Any]:
        """What was dropped since this was asked last."""
        seen = self.seen("dropped", "topic", "channel", "count", "reason")
        self.told.clear()
        return seen

    def test_unread(self) -> None:
        """What nobody reads: at the limit, and at the next join."""
        channel = self.make_channel(receive_buffer=2)
        for number in range(5):
            self.memory.broadcast(TOPIC, "news", number)
        self.memory.flush()
        self.assertEqual(self.dropped(), [(TOPIC, channel, 1, "unread")] * 3)
        self.watch(channel.leave())
        self.memory.flush()
        self.watch(channel.join())
        self.assertEqual(self.dropped(), [(TOPIC, channel, 2, "unread")])
        self.assertEqual(channel.dropped_messages, 5)

    def test_unread_at_a_lower_limit(self) -> None:
        """What is more than a new limit is one event, with its number."""
        channel = self.make_channel()
        for number in range(5):
            self.memory.broadcast(TOPIC, "news", number)
        self.memory.flush()
        self._clients[0].reconfigure(receive_buffer=2)
        self.memory.broadcast(TOPIC, "news", 5)
        self.memory.flush()
        self.assertEqual(self.dropped(), [(TOPIC, channel, 4, "unread")])

    def test_unread_and_left(self) -> None:
        """Who is told of it in a join may leave: then the channel is closed."""
        channel = self.make_channel()
        self.memory.broadcast(TOPIC, "news", 1)
        self.memory.flush()
        for leave in channel.leave, channel.stop:
            self.watch(channel.leave())
            self.memory.flush()
            self.meanwhile["dropped"] = leave
            self.watch(channel.join())
            self.memory.flush()
            self.assertEqual(channel.state, "closed")
            self.assertEqual(self._clients[0].channels.routes, {})
            self.watch(channel.join())
            self.memory.flush()
            self.memory.broadcast(TOPIC, "news", 1)
            self.memory.flush()

    def test_unsent(self) -> None:
        """Pushes without a reply are one event in a moment, and each has failed."""
        channel = self.make_channel(timeout=0.25)
        self.lose_connection()
        for _ in range(3):
            channel.push_async("echo", {})
        self.memory.advance(0.25)
        self.assertEqual(self.seen("failed", "event", "duration"), [("echo", 0.25)] * 3)
        errors = [type(error) for (error,) in self.seen("failed", "error")]
        self.assertEqual(errors, [PushTimeout] * 3)
        self.assertEqual(self.dropped(), [(TOPIC, channel, 3, "unsent")])

    def test_stale_and_unrouted(self) -> None:
        """Messages of a join that is over, and of a topic that no channel has."""
        channel = self.make_channel()
        self.server_sends("999", None, TOPIC, "news", {})
        self.server_sends(None, None, "nobody", "news", {})
        self.assertEqual(
            self.dropped(),
            [(TOPIC, channel, 1, "stale"), ("nobody", None, 1, "unrouted")],
        )

    def test_presences(self) -> None:
        """Presences that are none, and those that are too many to be held."""
        channel = self.make_channel()
        presence = Presence(channel)
        self.server_sends(channel.join_ref, None, TOPIC, "presence_state", [])
        self.assertEqual(self.dropped(), [(TOPIC, channel, 1, "presence")])
        presence.held_diffs_limit = 1
        for _ in range(3):
            self.server_sends(
                channel.join_ref,
                None,
                TOPIC,
                "presence_diff",
                {"joins": {}, "leaves": {}},
            )
        self.assertEqual(self.dropped(), [(TOPIC, channel, 1, "presence")] * 2)


class PauseTests(TroubleCase):
    """A reader that is slower than the server."""

    def fill(self, channel: Channel, count: int = 4) -> None:
        """Have a reader, and more messages than it reads."""
        self.watch(channel.receive())
        for number in range(count):
            self.memory.broadcast(TOPIC, "news", number)
        self.memory.flush()

    def test_pauses(self) -> None:
        """Each pause has its end, and how long it was."""
        channel = self.make_channel(receive_buffer=2)
        self.fill(channel, 9)
        for seconds in 1.5, 0.5:
            self.memory.advance(seconds)
            self.watch(channel.receive())
            self.memory.flush()
        self.assertEqual(
            self.actions("reading_paused", "reading_resumed"),
            ["reading_paused", "reading_resumed"] * 2 + ["reading_paused"],
        )
        self.assertEqual(self.seen("reading_resumed", "duration"), [(1.5,), (0.5,)])

    def test_loss(self) -> None:
        """A pause ends with the connection, and the next one pauses anew."""
        channel = self.make_channel(receive_buffer=2)
        self.fill(channel)
        self.memory.advance(1.0)
        self.lose_connection()
        self.assertEqual(self.seen("reading_resumed", "duration"), [(1.0,)])
        self.reconnect()
        self.memory.flush()
        self.told.clear()
        self.memory.broadcast(TOPIC, "news", 1)
        self.watch(channel.receive())
        self.fill(channel, 9)
        self.assertEqual(self.actions("reading_paused")[:1], ["reading_paused"])

    def test_disconnect(self) -> None:
        """So it does with a disconnect, also out of the pause's own event."""
        for is_inside in False, True:
            channel = self.make_channel(receive_buffer=2)
            client = self._clients[-1]
            self.told.clear()

            def disconnect(client: Any = client) -> None:
                self.watch(client.disconnect())

            if is_inside:
                self.meanwhile["reading_paused"] = disconnect
            self.fill(channel)
            if not is_inside:
                disconnect()
            self.memory.flush()
            self.assertEqual(
                self.actions("reading_paused", "reading_resumed", "disconnected"),
                ["reading_paused", "reading_resumed", "disconnected"],
            )
            self.stop_client(client)


class SocketTests(TroubleCase):
    """What is wrong with frames, and what never left."""

    def test_undecodable(self) -> None:
        """Each frame that is no message, with what is wrong."""
        self.make_channel()
        for _ in range(3):
            self.memory.sessions[-1].send_frame(b"no message", False)
        self.memory.flush()
        errors = self.seen("undecodable", "error")
        self.assertEqual([type(each[0]) for each in errors], [SerializerError] * 3)

    def test_unsent(self) -> None:
        """How many messages the end of a connection has taken with it."""
        for transport in "websocket", "longpoll":
            channel = self.make_channel(transport=transport)
            link: Any = channel._membership.manager.connection.link  # type: ignore[attr-defined]
            if transport == "websocket":
                link.transport._writer._buffer.pauseProducing()
            for _ in range(3):
                channel.push_async("echo", {})
            link.abort()
            self.memory.flush()
            self.assertEqual(self.seen("unsent", "count"), [(3,)])
            self.stop_client(self._clients[-1])
            self.told.clear()

    def test_all_sent(self) -> None:
        """Where all has left there is no such event."""
        for transport in "websocket", "longpoll":
            channel = self.make_channel(transport=transport)
            channel.push_async("echo", {})
            self.memory.advance(1.0)
            self.lose_connection()
            self.assertEqual(self.seen("unsent", "count"), [])
            self.stop_client(self._clients[-1])
