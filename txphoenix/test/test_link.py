"""Tests of :mod:`txphoenix.client.link`."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import telemetry
from txphoenix.client.link import Link
from txphoenix.errors import (
    ConnectionClosed,
    HeartbeatTimeout,
    MessageTooLarge,
    NotConnected,
    SerializerError,
)
from txphoenix.options.options import Options
from txphoenix.protocol.message import Message
from txphoenix.runtime.deadlines import Deadlines

MESSAGE = Message("1", "2", "rooms:lobby", "event", {"n": 1})


class Broken(Exception):
    """What a transport raises."""


class Transport:
    """A transport that notes what is asked of it.

    :param raises: the names of methods that raise.
    """

    needs_heartbeat = True

    def __init__(self, *raises: str) -> None:
        self.raises = raises
        self.asked: list[Any] = []
        self.meanwhile = lambda: None

    def ask(self, name: str, *args: Any) -> None:
        """Note it, or raise."""
        self.asked.append((name, *args))
        self.meanwhile()
        if name in self.raises:
            raise Broken(name)

    def send(self, data: bytes, is_binary: bool) -> int | None:
        """Note it."""
        self.ask("send", data)
        return len(self.asked)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Note it."""
        self.ask("close", code, reason)

    def abort(self) -> None:
        """Note it."""
        self.ask("abort")

    def pause_reading(self) -> None:
        """Note it."""
        self.ask("pause_reading")

    def resume_reading(self) -> None:
        """Note it."""
        self.ask("resume_reading")


class Owner:
    """Who has the link, and notes what it is told."""

    def __init__(self) -> None:
        self.listener = self
        self.is_open = False
        self.status = "disconnected"
        self.attempts = 0
        self.told: list[Any] = []

    def transport_raised(self, lost: ConnectionClosed) -> None:
        """Note it."""
        self.is_open = False
        self.told.append(("raised", type(lost.__cause__)))

    def transport_broke(self, lost: ConnectionClosed) -> None:
        """Note it."""
        self.told.append(("broke", type(lost.__cause__)))

    def drop(self, reason: HeartbeatTimeout) -> None:
        """Note it."""
        self.told.append(reason)

    def heartbeat_sent(self) -> None:
        """Note it."""
        self.told.append("beat")

    def heartbeat_unsent(self, error: SerializerError) -> None:
        """Note it."""
        self.told.append(error)

    def heartbeat_answered(self, round_trip: float) -> None:
        """Note it."""
        self.told.append(round_trip)

    def reading_paused(self) -> None:
        """Note it."""
        self.told.append("paused")

    def reading_resumed(self, duration: float) -> None:
        """Note it."""
        self.told.append(("resumed", duration))

    def messages_unsent(self, count: int) -> None:
        """Note it."""
        self.told.append(("unsent", count))


class LinkTestCase(SynchronousTestCase):
    """A link, and transports for it."""

    def setUp(self) -> None:
        """Make it, without a transport."""
        self.clock = Clock()
        self.owner = Owner()
        self.codec = Codec()
        options = Options.check(
            "ws://host/socket",
            max_message_size=200,
            heartbeat_interval=10.0,
            heartbeat_timeout=5.0,
            serializer=self.codec,
        )
        self.link = Link(self.clock, options, self.owner, client="the client")

    def open(self, *raises: str) -> Transport:
        """Have a transport open."""
        transport = Transport(*raises)
        self.owner.attempts += 1
        self.owner.is_open, self.owner.status = True, "connected"
        self.link.opened(transport)
        self.link.begin()
        return transport

    def lose(self) -> None:
        """Have it be lost."""
        self.owner.is_open, self.owner.status = False, "disconnected"
        heartbeat = self.link.lost()
        if heartbeat is not None:
            heartbeat.stop(ConnectionClosed(1006))

    def answer_heartbeat(self) -> None:
        """Have the answer to the first heartbeat come."""
        assert self.link.heartbeat is not None
        self.link.heartbeat.dispatch(Message(None, "1", "phoenix", "phx_reply", {}))


class Codec:
    """JSON, with something to do meanwhile."""

    def __init__(self) -> None:
        self.meanwhile: Any = lambda: None

    def dumps(self, value: Any) -> str:
        """Do it, and encode."""
        import json

        self.meanwhile()
        return json.dumps(value)

    def loads(self, data: Any) -> Any:
        """Decode."""
        raise ValueError(data)


class SendTests(LinkTestCase):
    """Messages on their way out."""

    def test_refs(self) -> None:
        """They count up, over all transports."""
        self.assertEqual([self.link.next_ref() for _ in range(3)], ["1", "2", "3"])
        self.open()
        self.assertEqual(self.link.next_ref(), "4")

    def test_not_open(self) -> None:
        """Without a transport nothing is sent, in one step or in two."""
        for _ in ("before", "after"):
            self.assertRaises(NotConnected, self.link.send, MESSAGE)
            frame = self.link.encode(MESSAGE)
            self.assertRaises(NotConnected, self.link.write, MESSAGE, *frame)
            transport = self.open()
            self.lose()
            self.assertEqual(transport.asked, [])

    def test_sent(self) -> None:
        """What the transport returns is the mark, and telemetry knows whose it is."""
        seen: list[Any] = []

        def see(_name: Any, _numbers: Any, metadata: Any, _config: Any) -> None:
            seen.append((metadata["action"], metadata["client"]))

        telemetry.attach("test", telemetry.MESSAGE, see)
        self.addCleanup(telemetry.detach, "test")
        transport = self.open()
        self.assertEqual(self.link.send(MESSAGE), 1)
        self.assertEqual(self.link.write(MESSAGE, *self.link.encode(MESSAGE)), 2)
        self.assertEqual(transport.asked[0], transport.asked[1])
        self.assertEqual(seen, [("sent", "the client")] * 2)

    def test_too_large(self) -> None:
        """What is over the limit is not sent."""
        transport = self.open()
        message = MESSAGE._replace(payload="x" * 200)
        self.assertRaises(MessageTooLarge, self.link.send, message)
        self.assertRaises(MessageTooLarge, self.link.encode, message)
        self.assertEqual(transport.asked, [])

    def test_codec_closes(self) -> None:
        """What was encoded for one transport is not sent by the next."""
        first = self.open()
        opened: list[Transport] = []

        def reopen() -> None:
            self.codec.meanwhile = lambda: None
            self.lose()
            opened.append(self.open())

        self.codec.meanwhile = reopen
        self.assertRaises(NotConnected, self.link.send, MESSAGE)
        self.assertEqual(first.asked + opened[0].asked, [])
        self.codec.meanwhile = self.lose
        self.assertRaises(NotConnected, self.link.send, MESSAGE)


class TrafficTests(LinkTestCase):
    """What telemetry counts."""

    def test_loss(self) -> None:
        """What was counted in the turn of the loss is told of with it."""
        told: list[Any] = []
        telemetry.attach("test", telemetry.TRAFFIC, lambda *event: told.append(event))
        self.addCleanup(telemetry.detach, "test")
        self.open()
        self.link.send(MESSAGE)
        self.assertEqual(told, [])
        self.lose()
        self.link.told_of_loss()
        ((_, measurements, metadata, _),) = told
        self.assertEqual(measurements["count"], 1)
        self.assertEqual(metadata["action"], "sent")
        self.assertEqual(metadata["client"], "the client")
        self.clock.advance(0)
        self.assertEqual(len(told), 1)


class RaisingTests(LinkTestCase):
    """A transport that raises."""

    def test_in_use(self) -> None:
        """While it is used that is a loss, which is told later."""
        for name, use in (
            ("send", lambda: self.link.send(MESSAGE)),
            ("send", lambda: self.link.write(MESSAGE, b"frame", False)),
            ("pause_reading", self.link.pause_reading),
            ("resume_reading", self.link.resume_reading),
        ):
            with self.subTest(name=name):
                self.open(name)
                self.assertIsNone(use())
                self.assertEqual(self.owner.told, [("raised", Broken)])
                self.assertEqual(len(self.flushLoggedErrors(Broken)), 1)
                self.owner.told.clear()
                self.lose()

    def test_at_its_end(self) -> None:
        """Where it is told to end it has ended."""
        for name, end in (
            ("resume_reading", self.link.release),
            ("close", self.link.close),
            ("abort", self.link.abort),
        ):
            with self.subTest(name=name):
                self.open(name)
                end()
                self.assertEqual(self.owner.told, [("broke", Broken)])
                self.assertEqual(len(self.flushLoggedErrors(Broken)), 1)
                self.owner.told.clear()
                self.lose()

    def test_told_before(self) -> None:
        """One that has told of its loss, and then raises, is not lost twice."""

        def reopen() -> None:
            self.lose()
            self.open()

        for meanwhile in (self.lose, reopen):
            transport = self.open("abort")
            transport.meanwhile = meanwhile
            self.link.abort()
            self.assertEqual(self.owner.told, [])
            self.assertEqual(len(self.flushLoggedErrors(Broken)), 1)

    def test_none(self) -> None:
        """Without a transport there is nothing to end or to pause."""
        for ask in (
            self.link.release,
            self.link.close,
            self.link.abort,
            self.link.pause_reading,
            self.link.resume_reading,
            self.link.begin,
        ):
            ask()
        self.assertIsNone(self.link.lost())
        self.assertEqual(self.owner.told, [])


class HeartbeatTests(LinkTestCase):
    """The heartbeat of the transport that is open."""

    def test_beats(self) -> None:
        """It begins with the transport, and an answer is told."""
        transport = self.open()
        self.clock.advance(10)
        self.assertEqual(self.owner.told, ["beat"])
        self.clock.advance(1)
        self.answer_heartbeat()
        self.assertEqual(self.owner.told, ["beat", 1.0])
        self.assertEqual(len(transport.asked), 1)
        self.lose()

    def test_no_answer(self) -> None:
        """Without one the transport is given up."""
        self.open()
        self.clock.advance(10)
        self.clock.advance(5)
        self.assertIsInstance(self.owner.told[-1], HeartbeatTimeout)
        self.lose()

    def test_closing(self) -> None:
        """A transport that is closing has none, and nobody is told of one."""
        transport = self.open()
        self.owner.is_open = False
        self.clock.advance(10)
        self.assertEqual((self.owner.told, transport.asked), ([], []))
        self.lose()

    def test_not_needed(self) -> None:
        """A transport that needs none sends none, and can be asked for a ping."""
        transport = Transport()
        transport.needs_heartbeat = False
        self.owner.is_open = True
        self.link.opened(transport)
        self.link.begin()
        self.clock.advance(60)
        self.assertEqual(transport.asked, [])
        deadlines = Deadlines.of(self.clock)
        outcome = self.link.ping(deadlines, 5.0)
        self.assertNoResult(outcome)
        self.clock.advance(2)
        self.answer_heartbeat()
        self.assertEqual(self.successResultOf(outcome), 2.0)
        self.lose()

    def test_no_ping(self) -> None:
        """Without a transport a ping fails, and its error says why."""
        deadlines = Deadlines.of(self.clock)
        error = self.failureResultOf(self.link.ping(deadlines, 5.0), NotConnected)
        self.assertIn("no ping while the client is disconnected", str(error.value))
        self.assertIsNone(self.link.heartbeat)

    def test_lost(self) -> None:
        """The loss of a transport ends its heartbeat alone."""
        self.open()
        self.lose()
        self.clock.advance(60)
        self.assertEqual(self.owner.told, [])
        self.open()
        self.clock.advance(10)
        self.assertEqual(self.owner.told, ["beat"])
        self.lose()
