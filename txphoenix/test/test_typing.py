"""What a type checker knows of txphoenix: a user's program, and its mistakes.

It is mypy that checks this file, by ``tox -e types``.
There an expected error that does not come is an error: an ignore without a use.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Unpack, assert_type

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import (
    Channel,
    ClientOptions,
    ConfigurationError,
    ConnectionClosed,
    ConnectionFailed,
    EchoRoom,
    Message,
    SocketClient,
)
from txphoenix.channels.manager import ChannelManager
from txphoenix.interfaces import Serializer
from txphoenix.serializer import V2Serializer, register
from txphoenix.testing import (
    Endpoint,
    MemoryServer,
    ServerChannel,
    ServerCodec,
    ServerSession,
)
from txphoenix.testing.options import SocketOptions

URL = "ws://localhost:4000/socket"


class Room(Channel):
    """A class of the user's."""

    def init(self, params: Any) -> None:
        """Begin with nothing."""
        self.heard: list[str] = []

    def handle_in(self, event: str, payload: Any) -> None:
        """Keep the event."""
        self.heard.append(event)


class Stored(Channel):
    """A class that needs something of its own."""

    def __init__(self, *args: Any, db: dict[str, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.db = db


def make_stored(topic: str, params: Any, manager: ChannelManager) -> Stored:
    """Make one."""
    return Stored(topic, params, manager, db={})


async def params() -> dict[str, str]:
    """Make parameters, later."""
    return {"user": "ann"}


def token() -> Deferred[str]:
    """Make a token, later."""
    return succeed("secret")


def make_client(url: str, **options: Unpack[ClientOptions]) -> SocketClient:
    """Make a client, with an option of ours."""
    options.setdefault("timeout", 1.0)
    return SocketClient(url, **options)


def loss(reason: ConnectionFailed) -> str:
    """What a hook of on_close may do with the reason."""
    code = reason.code if isinstance(reason, ConnectionClosed) else None
    return f"{code}: {reason.reason}"


class Counting(V2Serializer):
    """A serializer that changes another's methods, typed as the reference has them."""

    sent = 0

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Count the message."""
        self.sent += 1
        return super().encode(message)

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Decode as ever."""
        return super().decode(data, is_binary)


class Unversioned:
    """Another format: a field a line."""

    def encode(self, message: Message) -> tuple[bytes, bool]:
        """Write it."""
        return "\n".join(map(str, message)).encode("utf-8"), False

    def decode(self, data: bytes, is_binary: bool) -> Message:
        """Read it."""
        return Message(*data.decode("utf-8").split("\n"))


class Lines(Unversioned):
    """The same, with the version that a server is told."""

    vsn = "3.6.0"


def kick_all(server: Endpoint) -> int:
    """What a program may have for any server."""
    return sum(server.kick(it.socket.id or "") for it in server.connections)


class Hall(ServerChannel):
    """A channel of the server kit that keeps what it is told of."""

    sessions: list[ServerSession] = []
    servers: list[Endpoint] = []

    def join(self, params: Any) -> Any:
        """Let all in."""
        self.sessions.append(self.session)
        self.servers.append(self.endpoint)

    def handle_in(self, event: str, payload: Any) -> Any:
        """Say it again, as a frame."""
        message = Message(self.join_ref, None, self.topic, event, payload)
        self.session.send_frame(*self.session.codec.encode(message))
        assert_type(kick_all(self.endpoint), int)


# Each is refused by the type checker, and again when it is run.
MISTAKES: list[Callable[[], object]] = [
    lambda: SocketClient(URL, heartbeet=3),  # type: ignore[call-arg]
    lambda: SocketClient(URL, url=URL),  # type: ignore[misc]
    lambda: SocketClient(5),  # type: ignore[arg-type]
    lambda: SocketClient(URL, timeout="5"),  # type: ignore[arg-type]
    lambda: SocketClient(URL, timeout=None),  # type: ignore[arg-type]
    lambda: SocketClient(URL, headers=["a: b"]),  # type: ignore[arg-type]
    lambda: SocketClient(URL, transport=5),  # type: ignore[arg-type]
    lambda: SocketClient(URL, backoff=5.0),  # type: ignore[arg-type]
    lambda: SocketClient(URL, join_channels=5),  # type: ignore[arg-type]
    lambda: SocketClient(URL, default_channel_class=dict),  # type: ignore[arg-type]
    lambda: SocketClient(URL, topic_channel_map={"a": dict}),  # type: ignore[dict-item]
    lambda: SocketClient(URL).reconfigure(timout=3),  # type: ignore[call-arg]
    lambda: SocketClient(URL).reconfigure(url=None),  # type: ignore[arg-type]
    lambda: SocketClient(URL).channel("a", {}, 5),  # type: ignore[call-overload]
    lambda: SocketClient(URL, default_channel_class=token),  # type: ignore[arg-type]
    lambda: SocketClient(URL, topic_channel_map={"a": token}),  # type: ignore[dict-item]
    lambda: SocketClient(URL).on_open(None),  # type: ignore[arg-type]
]


def add_wrong_hooks(client: SocketClient) -> None:
    """Add hooks that are noticed only when they are called; nobody calls this."""
    client.on_open(lambda reason: None)  # type: ignore[misc, arg-type]
    client.on_close(lambda: None)  # type: ignore[misc, arg-type]
    client.on_close(lambda reason: reason.code)  # type: ignore[attr-defined]
    client.on_error(lambda error: error.reason)  # type: ignore[attr-defined]
    client.on_message(lambda message: message.evnt)  # type: ignore[attr-defined]
    client.on_topic("a", lambda message: message.evnt)  # type: ignore[attr-defined]
    client.on_topic(print, "a")  # type: ignore[arg-type]


class TypingTests(SynchronousTestCase):
    """A user's program: what is right for mypy is right."""

    def setUp(self) -> None:
        """A client of a server in memory."""
        self.memory = MemoryServer({"rooms:*": ServerChannel})
        self.client = SocketClient(
            self.memory.url, endpoint=self.memory.endpoint, reactor=self.memory.clock
        )

    def test_options(self) -> None:
        """Options are values of many types, and functions that make them."""
        client = make_client(
            URL,
            params=params,
            headers={"x": "y"},
            auth_token=token,
            topic_channel_map={"rooms:*": Room},
            default_channel_class=Room,
            join_channels=["rooms:first"],
            backoff=lambda failures: 0.5,
            serializer=json,
            reconnect=False,
        )
        client.reconfigure(url=lambda: URL, params={"n": 1}, auth_token=None)
        self.assertEqual(client.options.timeout, 1.0)

    def test_reactor(self) -> None:
        """A clock is a reactor, as far as a client needs one."""
        SocketClient(URL, reactor=Clock())

    def test_channel_class(self) -> None:
        """A channel has the type of the class that it was asked for."""
        client = self.client
        assert_type(client.channel("rooms:a", {}, Room), Room)
        assert_type(client.channel("rooms:a", channel_class=EchoRoom), EchoRoom)
        assert_type(client.channel("rooms:a"), Channel)
        assert_type(client.channel("rooms:a", {}), Channel)
        assert_type(client.channels.make("rooms:a", channel_class=Room), Room)
        assert_type(client.channels.start_channel("rooms:b", {}, Room), Room)
        topics = [assert_type(it, Channel).topic for it in client.channels]
        self.assertEqual(topics, ["rooms:b"])
        assert_type(client.channels.find("rooms:b"), Channel | None)
        either: type[Room] | None = None
        self.assertIsInstance(client.channel("rooms:a", {}, either), EchoRoom)

    def test_channel_factory(self) -> None:
        """A channel has the type of what makes it, whatever that is."""
        client = self.client
        bound = partial(Stored, db={})
        assert_type(client.channel("rooms:a", {}, bound), Stored)
        assert_type(client.channel("rooms:a", {}, make_stored), Stored)
        assert_type(client.channels.start_channel("rooms:b", {}, bound), Stored)
        assert_type(client.channels.make("rooms:c", {}, make_stored), Stored)
        made = make_client(
            URL, default_channel_class=bound, topic_channel_map={"a": make_stored}
        )
        self.assertIsInstance(made.channel("a"), Stored)
        self.assertIsInstance(made.channel("b"), Stored)

    def test_program(self) -> None:
        """Hooks take what they are called with."""
        client, told = self.client, list[object]()
        client.on_open(lambda: told.append("open"))
        client.on_close(lambda reason: told.append(loss(reason)))
        client.on_error(lambda error: told.append(str(error)))
        messages: list[Message] = []
        client.on_message(messages.append)
        client.startService()
        room = client.channel("rooms:a", {}, Room)
        room.join()
        self.memory.flush()
        self.memory.broadcast("rooms:a", "news", {})
        self.memory.flush()
        client.reconfigure(reconnect=False, join_channels={"rooms:a": None})
        client.disconnect()
        self.memory.flush()
        self.assertEqual(room.heard, ["news"])
        self.assertEqual([it.event for it in messages], ["phx_reply", "news"])
        self.assertEqual(told, ["open", "1000: "])

    def test_serializer(self) -> None:
        """A subclass of a serializer takes messages, and is a serializer."""
        counting = Counting()
        serializer: Serializer = counting
        message = Message(None, "1", "phoenix", "heartbeat", {})
        self.assertEqual(serializer.encode(message), V2Serializer().encode(message))
        self.assertEqual(counting.sent, 1)

    def test_whole_serializer(self) -> None:
        """An object with two functions and a version is one, and not without."""
        remove = register("3.6.0", lambda codec: Lines())
        assert_type(remove, Callable[[], None])
        remove()
        codec: ServerCodec = Lines()
        memory = MemoryServer({}, serializers={Lines.vsn: codec})
        client = make_client(memory.url, serializer=Lines())
        self.assertEqual(client.options.vsn, "3.6.0")
        with self.assertRaises(ConfigurationError):
            make_client(URL, serializer=Unversioned())  # type: ignore[arg-type]

    def test_server_kit(self) -> None:
        """The server's parts know each other by the types that users import."""
        self.patch(Hall, "sessions", [])
        self.patch(Hall, "servers", [])
        memory = MemoryServer({"rooms:*": Hall})
        client = SocketClient(
            memory.url, endpoint=memory.endpoint, reactor=memory.clock
        )
        client.startService()
        room = client.channel("rooms:a", {}, Room)
        room.join()
        memory.flush()
        hall = assert_type(memory.channels(), list[ServerChannel])[0]
        session = assert_type(memory.connections, list[ServerSession])[0]
        assert_type(memory.when_connected(), Deferred[ServerSession])
        assert_type(memory.when_joined("rooms:a"), Deferred[ServerChannel])
        self.assertIs(assert_type(hall.session, ServerSession), session)
        self.assertIs(assert_type(hall.endpoint, Endpoint), memory)
        self.assertIs(assert_type(session.endpoint, Endpoint), memory)
        options = assert_type(session.options, SocketOptions)
        self.assertIs(options, memory.sockets[memory.path])
        running = assert_type(session.processes[0].channel, ServerChannel)
        self.assertIs(running, hall)
        room.push("news", {})
        memory.flush()
        self.assertEqual(room.heard, ["news"])
        self.assertEqual(Hall.sessions, [session])
        self.assertEqual(Hall.servers, [memory])

    def test_mistakes(self) -> None:
        """What is wrong for mypy is refused at run time too."""
        for mistake in MISTAKES:
            self.assertRaises((ConfigurationError, TypeError), mistake)
