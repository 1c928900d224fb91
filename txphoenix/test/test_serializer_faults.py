"""What a serializer of the user's may do wrong costs a message or a frame.

The connection, the channels and all other messages go on, over each transport.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

from txphoenix import Channel, PushError, SerializerError, SocketClient, telemetry
from txphoenix.protocol.message import Message
from txphoenix.protocol.serializer import V2Serializer

from .behaviour import BehaviourCase
from .custom_serializers import Scripted, raiser
from .support import ClientTestCase

# What is no Exception is here as well: see decision 8.
RAISED = (
    KeyError("x"),
    RecursionError("deep"),
    asyncio.CancelledError(),
    SystemExit(1),
)


class FaultsMixin(BehaviourCase):
    """A client with a serializer that is told what to do."""

    def setUp(self) -> None:
        """Join a channel, and note what is told."""
        super().setUp()
        self.scripted = Scripted()
        self.errors: list[Exception] = []
        self.told: list[str] = []
        for name in (telemetry.SOCKET, telemetry.PUSH):
            telemetry.attach(("faults", name), name, self.take)
            self.addCleanup(telemetry.detach, ("faults", name))
        self.channel = self.begin()
        self.client = self._clients[-1]
        self.client.on_error(self.errors.append)

    def take(self, _: Any, __: Any, told: Any, ___: Any) -> None:
        """Note what telemetry tells of errors."""
        if isinstance(told.get("error"), SerializerError):
            self.told.append(told["action"])

    def begin(self) -> Channel:
        """A channel of a client with the serializer."""
        _, channel = self.joined(serializer=self.scripted)
        return channel

    def wrong(self, encode: Any = None, decode: Any = None, **only: str) -> None:
        """Do something else with messages of an event."""
        ours = self.scripted._v2

        def encoded(message: Message) -> Any:
            is_it = message.event == only.get("event", message.event)
            return encode(message) if is_it else ours.encode(message)

        self.scripted.on_encode = encoded if encode else None
        self.scripted.on_decode = decode

    def assert_well(self) -> None:
        """The connection is the first one, and messages pass both ways."""
        self.wrong()
        self.assertEqual(self.answered(self.channel.push("echo", {"a": 1})), {"a": 1})
        self.assertEqual(len(self.memory.sessions), 1)
        self.assertTrue(self.client.connected)

    def returning(self, result: Any, *_args: Any) -> Any:
        """What a function returns, whatever it is called with."""
        return result


class SendingMixin(FaultsMixin):
    """What is sent."""

    def test_push(self) -> None:
        """A push whose frame cannot be made fails, whatever is raised or returned."""
        wrongs = [raiser(error) for error in RAISED]
        for result in (None, b"", ("", False)):
            wrongs.append(partial(self.returning, result))
        for wrong in wrongs:
            self.wrong(encode=wrong, event="echo")
            error = self.answered(self.channel.push("echo", {}))
            self.assertIs(type(error), SerializerError)
            self.assertIn("the payload of 'echo' to 'echo:a'", str(error))
            self.assert_well()
        self.assertEqual(self.told, ["failed"] * len(wrongs))

    def test_push_async(self) -> None:
        """One that nobody waits for raises."""
        self.wrong(encode=raiser(KeyError("x")), event="echo")
        self.assertRaises(SerializerError, self.channel.push_async, "echo", {})
        self.assert_well()

    def test_kept_push(self) -> None:
        """One that was kept for the join fails alone."""
        other = self.client.channel("echo:b")
        joined = self.watch(other.join())
        kept = [self.watch(other.push(event, {"a": 1})) for event in ("echo", "bad")]
        self.wrong(encode=raiser(KeyError("x")), event="bad")
        self.wait_until(lambda: joined.fired and all(it.fired for it in kept))
        self.assert_fired(kept[0], {"a": 1})
        self.assert_failed(kept[1], SerializerError)
        self.assert_well()

    def test_join(self) -> None:
        """A join that cannot be sent fails, and the other channels are as before."""
        self.wrong(encode=lambda _: (b"\xff", False), event="phx_join")
        error = self.answered(self.client.channel("echo:b").join())
        self.assertIn("text frame must be UTF-8", str(error))
        self.assert_well()

    def test_leave(self) -> None:
        """A channel leaves all the same, though the server is not told."""
        other = self.client.channel("echo:b")
        self.answered(other.join())
        self.wrong(encode=raiser(RecursionError()), event="phx_leave")
        self.answered(other.leave())
        self.assertEqual(other.state, "closed")
        self.assertEqual(len(self.flushLoggedErrors(SerializerError)), 1)
        self.assert_well()

    def test_ping(self) -> None:
        """A heartbeat that cannot be sent fails the ping."""
        self.wrong(encode=raiser(KeyError("x")), event="heartbeat")
        self.assertIsInstance(self.answered(self.client.ping()), SerializerError)
        self.assert_well()

    def test_without_a_channel(self) -> None:
        """A message that is sent past the channels raises."""
        self.wrong(encode=raiser(KeyError("x")))
        self.assertRaises(
            SerializerError, self.client.push, Message.push("echo:a", "echo", {})
        )
        self.assert_well()


class ReceivingMixin(FaultsMixin):
    """What is received."""

    def test_frame(self) -> None:
        """A frame that cannot be read is dropped, told and counted."""
        wrongs = [raiser(error) for error in RAISED]
        results: list[Any] = [None, [], ("1", "2", "t", "e", {})]
        for result in results:
            wrongs.append(partial(self.returning, result))
        for wrong in wrongs:
            before = self.client.state.dropped_frames
            self.errors.clear()
            self.told.clear()
            self.wrong(decode=wrong)
            self.memory.broadcast(self.channel.topic, "shout", {})
            self.wait_until(lambda: self.errors)
            self.assertIs(type(self.errors[0]), SerializerError)
            self.assertEqual(self.told, ["undecodable"])
            self.assertEqual(self.client.state.dropped_frames, before + 1)
            self.assert_well()
        self.assertEqual(self.client.get_state("dropped_frames"), len(wrongs))

    def test_fields(self) -> None:
        """Fields that could not be looked up are no message."""
        for name, value in (("topic", []), ("event", {}), ("join_ref", object())):
            changed: dict[str, Any] = {name: value}
            message = Message("1", None, "echo:a", "shout", {})._replace(**changed)
            self.errors.clear()
            self.wrong(decode=partial(self.returning, message))
            self.memory.broadcast(self.channel.topic, "shout", {})
            self.wait_until(lambda: self.errors)
            self.assertIn(f"as {name}", str(self.errors[0]))
            self.assert_well()

    def test_endless_ref(self) -> None:
        """A ref of more digits than Python writes is no message.

        CBOR has such numbers, so that a server could end the connection by one.
        """
        long: Any = 10**5000
        for name in ("join_ref", "ref"):
            fields: Any = {name: long}
            message = Message(None, None, "echo:a", "shout", {})._replace(**fields)
            self.errors.clear()
            self.wrong(decode=partial(self.returning, message))
            self.memory.broadcast(self.channel.topic, "shout", {})
            self.wait_until(lambda: self.errors)
            self.assertIn("a shorter number as ref", str(self.errors[0]))
            self.assert_well()

    def test_odd_replies(self) -> None:
        """A reply whose payload is none fails its push, and nothing else."""
        ours = self.scripted._v2
        for payload in (None, [], {}, {"status": []}, b"ok", object()):

            def decode(data: bytes, is_binary: bool, payload: Any = payload) -> Message:
                return ours.decode(data, is_binary)._replace(payload=payload)

            self.wrong(decode=decode)
            error = self.answered(self.channel.push("echo", {}))
            self.assertIs(type(error), PushError)
            self.assertEqual(error.status, "malformed")
            self.assert_well()

    def test_ends_the_connection(self) -> None:
        """Who reads a frame may disconnect; its message is the last that comes."""
        ours = self.scripted._v2
        done: list[Any] = []

        def decode(data: bytes, is_binary: bool) -> Message:
            if not done:
                done.append(self.watch(self.client.disconnect()))
            return ours.decode(data, is_binary)

        self.wrong(decode=decode)
        heard = self.hear(self.channel, "shout")
        self.memory.broadcast(self.channel.topic, "shout", {})
        self.wait_until(lambda: done and done[0].fired)
        self.assertEqual(self.errors, [])
        self.assertEqual(heard, [{}])
        self.wrong()
        self.client.connect()
        self.wait_until(lambda: self.channel.state == "joined")

    def test_between_good_ones(self) -> None:
        """What comes before and after a bad frame is delivered, in order."""
        ours = self.scripted._v2
        heard = self.hear(self.channel, "shout")

        def decode(data: bytes, is_binary: bool) -> Message:
            message = ours.decode(data, is_binary)
            if message.payload == 1:
                raise KeyError("x")
            return message

        self.wrong(decode=decode)
        for number in range(3):
            self.memory.broadcast(self.channel.topic, "shout", number)
        self.wait_until(lambda: len(heard) == 2)
        self.assertEqual((heard, len(self.errors)), ([0, 2], 1))
        self.assert_well()


class PartsTests(FaultsMixin, ClientTestCase):
    """A part of V2 that a subclass has in its own way."""

    def test_to_message(self) -> None:
        """What makes messages of text may do the same wrongs, and costs that frame."""

        class Maker(V2Serializer):
            on_text: Any = None

            def to_message(self, fields: Any, data: bytes) -> Message:
                made = super().to_message(fields, data)
                return self.on_text(made) if self.on_text else made

        maker = Maker()
        client, channel = self.joined(serializer=maker)
        client.on_error(self.errors.append)
        for wrong in (*map(raiser, RAISED), partial(self.returning, None)):
            self.errors.clear()
            maker.on_text = wrong
            self.memory.broadcast(channel.topic, "shout", {})
            self.wait_until(lambda: self.errors)
            self.assertIs(type(self.errors[0]), SerializerError)
            maker.on_text = None
            push = channel.push("echo", {"a": 1})
            self.assertEqual(self.answered(push), {"a": 1})
        self.assertEqual(len(self.memory.sessions), 2)


class WebSocketSendingTests(SendingMixin, ClientTestCase):
    """What is sent over a WebSocket."""


class WebSocketReceivingTests(ReceivingMixin, ClientTestCase):
    """What is received over a WebSocket."""


class StockFramesReceivingTests(ReceivingMixin, ClientTestCase):
    """What is received over a WebSocket whose frames all go Autobahn's way."""

    client_options: ClassVar[Any] = {"fast_frames": False}


class LongPollSendingTests(SendingMixin, ClientTestCase):
    """What is sent over long-poll."""

    client_options: ClassVar[Any] = {"transport": "longpoll"}


class LongPollReceivingTests(ReceivingMixin, ClientTestCase):
    """What is received over long-poll."""

    client_options: ClassVar[Any] = {"transport": "longpoll"}


class FallbackReceivingTests(ReceivingMixin, ClientTestCase):
    """What is received over a WebSocket with long-poll to fall back to."""

    client_options: ClassVar[Any] = {"longpoll_fallback": 2.5}


class HeartbeatTests(ClientTestCase):
    """Heartbeats that cannot be made, though all else can."""

    def unhealthy_client(self, **options: Any) -> SocketClient:
        """A client whose serializer makes no heartbeats, as long as it is not told."""
        self.scripted = Scripted()
        self.errors: list[Exception] = []

        def encode(message: Message) -> Any:
            if message.event == "heartbeat":
                raise KeyError("x")
            return self.scripted._v2.encode(message)

        self.scripted.on_encode = encode
        client = self.connected_client(serializer=self.scripted, **options)
        client.on_error(self.errors.append)
        return client

    def test_beats(self) -> None:
        """Each is told; the next may go, and the connection is none the worse."""
        client = self.unhealthy_client()
        for number in (1, 2):
            self.memory.advance(30.0 - 10.0)
            self.assertEqual(len(self.errors), number - 1)
            self.memory.advance(10.0)
            self.assertEqual(len(self.errors), number)
            # The server closes after 60 seconds without a sign of life.
            self.joined_channel(f"rooms:{number}", client=client)
        self.assertEqual({type(error) for error in self.errors}, {SerializerError})
        self.assertEqual(len(self.flushLoggedErrors(SerializerError)), 2)
        self.scripted.on_encode = None
        self.memory.advance(30.0)
        self.assertEqual(self.events_sent()[-1], "heartbeat")
        self.memory.advance(30.0)
        self.assertEqual((len(self.errors), len(self.memory.sessions)), (2, 1))

    def test_fallback(self) -> None:
        """Where there is long-poll, it is taken, for it needs none."""
        client = self.unhealthy_client(longpoll_fallback=2.5)
        self.assertEqual(len(self.flushLoggedErrors(SerializerError)), 1)
        self.joined_channel(client=client)
        self.memory.advance(100.0)
        self.assertEqual(self.memory.sessions[-1].socket.transport, "longpoll")
        self.assertTrue(client.connected)
