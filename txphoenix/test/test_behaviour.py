"""The same behaviour over each transport; see :mod:`.behaviour`."""

from __future__ import annotations

from typing import Any, ClassVar

from txphoenix import (
    ConnectionClosed,
    Message,
    PushInterrupted,
    SocketClient,
)
from txphoenix.serializer import register

from .behaviour import ECHO, BehaviourCase
from .behaviour_channels import BinaryMixin, ChannelsMixin
from .behaviour_connections import ConnectionsMixin
from .behaviour_telemetry import TelemetryMixin
from .custom_serializers import Objects, OtherV2, Packed
from .support import ClientTestCase


class BehaviourMixin(ConnectionsMixin, ChannelsMixin, TelemetryMixin):
    """All there is to be the same."""


class WebSocketTests(BehaviourMixin, ClientTestCase):
    """Over a WebSocket."""


class StockFramesTests(BehaviourMixin, ClientTestCase):
    """Over a WebSocket whose frames all go Autobahn's way."""

    client_options = {"fast_frames": False}

    def test_way(self) -> None:
        """The option decides, for the next connection, which way frames go."""
        client, _ = self.joined()
        for fast_frames in (False, True):
            self.answered(client.reconfigure(fast_frames=fast_frames))
            transport: Any = client.connection.link.transport
            self.assertIs(transport._is_plain, fast_frames)


class WebSocketBinaryTests(BinaryMixin, ClientTestCase):
    """Binary payloads over a WebSocket, which carries any bytes."""

    data = bytes(range(256))


class LongPollTests(BehaviourMixin, ClientTestCase):
    """Over long-poll."""

    client_options = {"transport": "longpoll"}
    transport = "longpoll"


class LongPollByTreqTests(BehaviourMixin, ClientTestCase):
    """Over long-poll whose requests are treq's."""

    client_options: ClassVar[Any] = {"transport": "longpoll", "fast_http": False}
    transport = "longpoll"


class LongPollBinaryTests(BinaryMixin, ClientTestCase):
    """Binary payloads over long-poll, where the server sends those that are UTF-8."""

    client_options = {"transport": "longpoll"}
    transport = "longpoll"

    def test_not_utf8(self) -> None:
        """What is not UTF-8 costs the session, with an error that says so."""
        client, channel = self.joined()
        reasons: list[Any] = []
        client.on_close(reasons.append)
        error = self.answered(channel.push("binary", b"\xff"))
        self.assertIsInstance(error, PushInterrupted)
        self.assertIsInstance(reasons[0], ConnectionClosed)
        self.assertEqual(
            str(reasons[0]),
            "connection closed with code 3500: 'HTTP 500 Internal Server Error; "
            "Phoenix cannot send binary messages by long-poll'",
        )
        self.wait_until(lambda: channel.state == "joined")


class FallbackTests(BehaviourMixin, ClientTestCase):
    """Over a WebSocket, with long-poll to fall back to."""

    client_options = {"longpoll_fallback": 2.5}


class FallenBackTests(BehaviourMixin, ClientTestCase):
    """Over long-poll, since no WebSocket gets through."""

    client_options = {"longpoll_fallback": 2.5}
    transport = "longpoll"

    def setUp(self) -> None:
        """Let no WebSocket through."""
        super().setUp()
        self.memory.refuse(502, "websocket")

    def test_broadcast_between_transports(self) -> None:
        """For this one, WebSockets have to get through."""
        self.memory.refuse(None, "websocket")
        super().test_broadcast_between_transports()


class VersionOne(BehaviourMixin):
    """Version 1 of the wire format."""

    vsn = "1.0.0"

    def make_client(self, **options: Any) -> SocketClient:
        """A client of version 1, whose warning is expected."""
        client = super().make_client(**options, vsn="1.0.0")
        self.flushWarnings()
        return client

    def tearDown(self) -> None:
        """Whatever is reconfigured warns again."""
        self.flushWarnings()


class WebSocketVersionOneTests(VersionOne, ClientTestCase):
    """Version 1 over a WebSocket."""


class LongPollVersionOneTests(VersionOne, ClientTestCase):
    """Version 1 over long-poll."""

    client_options = {"transport": "longpoll"}
    transport = "longpoll"


class OtherVersion(BehaviourMixin):
    """V2 by another version's name, in a serializer of the user's."""

    vsn = OtherV2.vsn

    def make_client(self, **options: Any) -> SocketClient:
        """A client with the serializer."""
        return super().make_client(**options, serializer=OtherV2())


class WebSocketOtherVersionTests(OtherVersion, ClientTestCase):
    """V2 in another version over a WebSocket."""


class LongPollOtherVersionTests(OtherVersion, ClientTestCase):
    """V2 in another version over long-poll."""

    client_options = {"transport": "longpoll"}
    transport = "longpoll"


class OtherFormat(BehaviourMixin, BinaryMixin):
    """Messages in another format, of a serializer of the user's.

    :cvar serializer: makes it.
    """

    serializer: ClassVar[type[Objects]] = Objects
    data = bytes(range(256))

    @property
    def vsn(self) -> str:  # type: ignore[override]
        """The serializer's."""
        return self.serializer.vsn

    def make_client(self, **options: Any) -> SocketClient:
        """A client with the serializer."""
        return super().make_client(**options, serializer=self.serializer())


class WebSocketOtherFormatTests(OtherFormat, ClientTestCase):
    """Another format over a WebSocket."""


class StockFramesOtherFormatTests(OtherFormat, ClientTestCase):
    """Another format over a WebSocket whose frames all go Autobahn's way."""

    client_options = {"fast_frames": False}


class LongPollOtherFormatTests(OtherFormat, ClientTestCase):
    """Another format over long-poll, which takes its frames one a request."""

    client_options = {"transport": "longpoll"}
    transport = "longpoll"


class FallbackOtherFormatTests(OtherFormat, ClientTestCase):
    """Another format over a WebSocket, with long-poll to fall back to."""

    client_options = {"longpoll_fallback": 2.5}


class PackedTests(OtherFormat, ClientTestCase):
    """A format whose frames are all binary."""

    serializer = Packed

    def test_broadcast_between_transports(self) -> None:
        """Long-poll does not carry it; so this is between formats."""
        channels = [self.joined()[1]]
        for options in ({}, {"serializer": Objects()}, {"vsn": "1.0.0"}):
            client = ClientTestCase.make_client(self, **options)
            client.startService()
            channels.append(client.channel(ECHO))
            self.answered(channels[-1].join())
        self.flushWarnings()
        heard = [self.hear(channel, "shout") for channel in channels]
        for number, channel in enumerate(channels):
            self.answered(channel.push("broadcast", number))
        self.wait_until(lambda: all(len(it) == 4 for it in heard))
        self.assertEqual(heard, [[0, 1, 2, 3]] * 4)


class LongPollPackedTests(BehaviourCase, ClientTestCase):
    """The same where Phoenix cannot answer."""

    def test_error(self) -> None:
        """It costs the session, with an error that says so."""
        client = self.connected_client(transport="longpoll", serializer=Packed())
        reasons: list[Any] = []
        client.on_close(reasons.append)
        join = self.watch(client.channel(ECHO).join())
        self.wait_until(lambda: reasons)
        self.assertEqual(
            str(reasons[0]),
            "connection closed with code 3500: 'HTTP 500 Internal Server Error; "
            "Phoenix cannot send binary messages by long-poll'",
        )
        self.assert_waits(join)


class RegisteredFormatTests(BehaviourMixin, ClientTestCase):
    """Another format, by the name of its version alone."""

    vsn = Objects.vsn

    def setUp(self) -> None:
        """Make the version known."""
        super().setUp()
        self.addCleanup(register(Objects.vsn, lambda json: Objects()))

    def make_client(self, **options: Any) -> SocketClient:
        """A client of the version."""
        return super().make_client(**options, vsn=Objects.vsn)


class JoinRefMixin(BehaviourMixin):
    """A server that drops, without a word, what does not name its join."""

    flavour = "1.8.11-bandit"

    def joins_of(self, topic: str) -> list[list[str]]:
        """What a client has sent to a topic by the latest connection, by join_ref."""
        session = self.memory.sessions[-1]
        joins: dict[str | None, list[str]] = {}
        for frame in session.frames:
            if not frame.is_sent:
                message = session.codec.decode(frame.data, frame.is_binary)
                if message.topic == topic:
                    joins.setdefault(message.join_ref, []).append(message.event)
        self.assertNotIn(None, joins)
        return [sorted(events) for events in joins.values()]

    def test_each_message_names_its_join(self) -> None:
        """Whatever a channel sends, and whenever it was pushed, is heard."""
        client = self.make_client()
        channel = client.channel(ECHO)
        client.startService()
        self.watch(channel.join())
        # Kept until it has joined.
        early = self.watch(channel.push("ok", {}))
        channel.push_async("noreply", {})
        client.push(Message.push(ECHO, "push_me", {}))
        self.wait_until(lambda: early.fired)
        self.assertEqual(self.answered(channel.push("ok", {})), {})
        channel.push_async("noreply", {})
        client.push(Message.push(ECHO, "push_me", {}))
        self.memory.flush()
        [events] = self.joins_of(ECHO)
        twice = ("noreply", "ok", "push_me")
        self.assertEqual(events, sorted(["phx_join", *twice * 2]))

    def test_rejoined(self) -> None:
        """So is all after a reconnect and after a crash, by the ref of the rejoin."""
        client, channel = self.joined()
        self.memory.drop()
        self.memory.flush()
        # Kept until it is connected.
        kept = self.watch(channel.push("ok", {}))
        client.push(Message.push(ECHO, "push_me", {}))
        self.wait_until(lambda: kept.fired)
        self.assertEqual(kept.fired, [{}])
        self.answered(channel.push("crash", {}))
        self.wait_until(lambda: channel.state == "joined")
        self.assertEqual(self.answered(channel.push("ok", {})), {})
        self.answered(channel.leave())
        self.assertEqual(self.memory.channels(), [])
        self.assertEqual(
            self.joins_of(ECHO),
            [["crash", "ok", "phx_join", "push_me"], ["ok", "phx_join", "phx_leave"]],
        )


class WebSocketJoinRefTests(JoinRefMixin, ClientTestCase):
    """Version 2 over a WebSocket."""


class WebSocketVersionOneJoinRefTests(JoinRefMixin, VersionOne, ClientTestCase):
    """Version 1 over a WebSocket."""


class LongPollVersionOneJoinRefTests(JoinRefMixin, VersionOne, ClientTestCase):
    """Version 1 over long-poll."""

    client_options = {"transport": "longpoll"}
    transport = "longpoll"
