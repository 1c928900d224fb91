"""Handlers of telemetry that do something to what they are told of.

A life in which there is every event is lived again and again, and each time the handler
of another of them does another thing, in the middle of it.
Whatever that is, each Deferred fires once, each push ends with one event, messages are
counted as they are told of, and nothing is left on the clock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from txphoenix import Channel, Message, PhoenixError, telemetry
from txphoenix.telemetry import CHANNEL, MESSAGE, PUSH, SOCKET, TRAFFIC

from .support import TOPIC, ClientTestCase, Outcome

OTHER = "rooms:other"

# What is told of in the life below, and was not before.
EVENTS = [
    (SOCKET, "reading_paused"),
    (SOCKET, "reading_resumed"),
    (SOCKET, "undecodable"),
    (SOCKET, "unsent"),
    (CHANNEL, "rejoining"),
    (CHANNEL, "crashed"),
    (CHANNEL, "restarted"),
    (CHANNEL, "dropped"),
    (PUSH, "replied"),
    (PUSH, "failed"),
    (TRAFFIC, "sent"),
    (TRAFFIC, "received"),
]


class Boom(Exception):
    """What the channel raises, and what a handler does."""


class Crashing(Channel):
    """A channel that crashes at one message."""

    def handle_message(self, message: Message) -> Any:
        """Crash, or keep it."""
        if message.payload == "boom":
            raise Boom
        return super().handle_message(message)


class Life(ClientTestCase):
    """One life of a client, in which all of it happens."""

    options: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        """Count what is told, before any other handler is."""
        super().setUp()
        self.ends = 0
        self.counted: dict[Any, list[int]] = {}
        telemetry.attach("ends", PUSH, self.count_end)
        telemetry.attach_many("counts", (MESSAGE, TRAFFIC), self.count)
        for each in "ends", "counts", "deed":
            self.addCleanup(telemetry.detach, each)
        self.pushes: list[Outcome[Any]] = []
        self.waiting: list[Deferred[Any]] = []
        self.happened: set[Any] = set()

    def count_end(self, _: Any, __: Any, told: Any, ___: Any) -> None:
        """Count the end of a push that has a Deferred."""
        self.ends += told["event"] != "async"

    def count(self, name: Any, measured: Any, told: Any, _: Any) -> None:
        """Count messages."""
        counted = self.counted.setdefault((name, told["action"]), [0, 0])
        counted[0] += measured["count"]
        counted[1] += measured["size"]

    def push(self, event: str, payload: Any = None, timeout: float = 2.0) -> None:
        """Push, and push without a reply."""
        deferred = self.channel.push(event, payload, timeout)
        self.waiting.append(deferred)
        self.pushes.append(self.watch(deferred))
        with contextlib.suppress(PhoenixError):
            self.channel.push_async("async", payload)

    def server_does(self, do: Callable[[Any], object]) -> None:
        """Have the server do something with its session, if there is one."""
        for session in self.memory.connections:
            do(session)
        self.memory.flush()

    def live(self) -> None:
        """Live it, whatever has become of the client meanwhile."""
        client = self.client = self.make_client(
            receive_buffer=2, timeout=2.0, push_buffer=8, **self.options
        )
        client.startService()
        self.memory.flush()
        self.channel = client.channel(TOPIC, channel_class=Crashing)
        self.other = client.channel(OTHER)
        for each in self.channel, self.other:
            self.waiting.append(each.join())
            self.watch(self.waiting[-1])
        self.memory.advance(0.1)
        for event in "echo", "refuse", "silent":
            self.push(event, {})
        self.memory.advance(2.5)
        self.read_slowly()
        self.memory.advance(0.1)
        self.memory.broadcast(TOPIC, "news", "boom")
        self.memory.advance(0.1)
        self.server_does(lambda session: session.send_frame(b"no message", False))
        stale = Message("999", None, TOPIC, "news", {})
        self.server_does(lambda session: session.send(stale))
        self.server_does(lambda session: session.send(stale._replace(topic="nobody")))
        for number in range(3):
            self.push("silent", number)
        self.lose_what_was_sent()
        for number in range(3):
            self.push("echo", number, 60.0)
        self.memory.advance(3.0)
        self.push("crash", {})
        self.memory.advance(3.0)

    def read_slowly(self) -> None:
        """Have one channel pause, and another drop what nobody reads."""
        self.watch(self.channel.receive())
        for number in range(5):
            self.memory.broadcast(TOPIC, "news", number)
            self.memory.broadcast(OTHER, "news", number)
        self.memory.advance(0.1)
        for _ in range(4):
            self.watch(self.channel.receive())
        self.memory.flush()

    def lose_what_was_sent(self) -> None:
        """Lose the connection before what was pushed has left."""
        link: Any = self.client.connection.link
        # Connections in memory have room for everything, and say so; this one does not.
        writer = getattr(link.transport, "_writer", None)
        if writer is not None and writer.is_open:
            writer._buffer.pauseProducing()
        self.push("echo", {})
        link.abort()
        self.memory.flush()

    def check(self) -> None:
        """Stop the client, and see what must hold."""
        self.stop_client(self.client)
        self.memory.advance(0)
        self.assertEqual([len(each.fired) for each in self.pushes], [1] * self.made)
        self.assertEqual(self.ends, self.made)
        for action in "sent", "received":
            self.assertEqual(
                self.counted.get((TRAFFIC, action)), self.counted.get((MESSAGE, action))
            )
        self.flushLoggedErrors(Boom)

    @property
    def made(self) -> int:
        """How many pushes there were."""
        return len(self.pushes)


class EventTests(Life):
    """That there is every event in that life."""

    def test_all_happen(self) -> None:
        """Each of the table happens."""

        def note(name: Any, _: Any, told: Any, __: Any) -> None:
            self.happened.add((name, told["action"]))

        telemetry.attach_many("deed", {name for name, _ in EVENTS}, note)
        self.live()
        self.assertEqual(set(EVENTS) - self.happened, set())
        self.check()


class DeedsMixin(Life):
    """Each deed, in each event."""

    def during(self, deed: Callable[[], object], times: int = 1) -> None:
        """Live once for each event, with a handler of it that does this."""
        for name, action in EVENTS:
            self.done = 0

            def handle(
                _: Any, __: Any, told: Any, ___: Any, action: str = action
            ) -> None:
                if told["action"] == action and self.done < times:
                    self.done += 1
                    deed()

            self.waiting.clear()
            telemetry.attach("deed", name, handle)
            self.live()
            telemetry.detach("deed")
            self.check()
            self.assertGreater(self.done, 0, (name, action))

    def test_push(self) -> None:
        """It pushes."""
        self.during(lambda: self.push("echo", {}), times=3)

    def test_cancel(self) -> None:
        """It cancels all that waits."""

        def cancel() -> None:
            for each in self.waiting:
                each.cancel()

        self.during(cancel)

    def test_leave(self) -> None:
        """It leaves."""
        self.during(lambda: self.watch(self.channel.leave()))

    def test_leave_all(self) -> None:
        """It leaves both channels, and joins one of them again."""

        def leave() -> None:
            for channel in self.channel, self.other:
                self.watch(channel.leave())
            self.watch(self.channel.join())

        self.during(leave)

    def test_stop(self) -> None:
        """It stops the channels."""

        def stop() -> None:
            for channel in self.channel, self.other:
                channel.stop()

        self.during(stop)

    def test_disconnect(self) -> None:
        """It disconnects."""
        self.during(lambda: self.watch(self.client.disconnect()))

    def test_reconnect(self) -> None:
        """It disconnects, and connects again."""

        def reconnect() -> None:
            self.watch(self.client.disconnect())
            self.client.connect()

        self.during(reconnect)

    def test_reconfigure(self) -> None:
        """It has the client reconnect, with other buffers."""
        self.during(
            lambda: self.watch(
                self.client.reconfigure(params={"a": "1"}, receive_buffer=1)
            )
        )

    def test_stop_service(self) -> None:
        """It stops the client."""
        self.during(lambda: self.watch(self.client.stopService()))

    def test_restart_service(self) -> None:
        """It stops the client, and starts it again."""

        def restart() -> None:
            self.watch(self.client.stopService())
            self.client.startService()

        self.during(restart)

    def test_read(self) -> None:
        """It reads."""
        self.during(lambda: self.watch(self.channel.receive()), times=3)

    def test_raise(self) -> None:
        """It raises, and is told of nothing more."""

        def fail() -> None:
            raise Boom

        self.during(fail, times=2)
        self.assertEqual(self.done, 1)

    def test_attach(self) -> None:
        """It detaches itself, and attaches others, of the same event and of all."""

        def attach() -> None:
            telemetry.detach("deed")
            telemetry.attach_many(
                "deed", {name for name, _ in EVENTS}, lambda *_: self.happened.add(1)
            )

        self.during(attach)
        self.assertTrue(self.happened)


class WebSocketTests(DeedsMixin):
    """Over a WebSocket."""


class LongPollTests(DeedsMixin):
    """Over long-poll."""

    options: ClassVar[Any] = {"transport": "longpoll"}


del DeedsMixin
