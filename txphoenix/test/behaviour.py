"""What a client does, whatever carries its frames.

The tests here know nothing of the transport; :mod:`.test_behaviour` runs them over each
of them.
The server is the application of :mod:`.recorded_app`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from twisted.internet.defer import Deferred, succeed

from txphoenix import (
    Channel,
    ChannelClosed,
    HandshakeRefused,
    JoinError,
    MessageTooLarge,
    Presence,
    PushError,
    PushInterrupted,
    PushTimeout,
    SocketClient,
)

from .recorded_app import CHANNELS, SOCKETS, connect
from .support import ClientTestCase, ScriptedServer

if TYPE_CHECKING:
    _TestCase = ClientTestCase
else:
    _TestCase = object

__all__ = ["BehaviourMixin", "BinaryMixin"]

ECHO = "echo:a"
ROOM = "room:lobby"


class BehaviourMixin(_TestCase):
    """The tests, to be mixed with :class:`.support.ClientTestCase`.

    :cvar client_options: what makes the client take the transport.
    :cvar transport: what the server says that it is.
    """

    client_options: ClassVar[dict[str, Any]] = {}
    transport: ClassVar[str] = "websocket"

    def setUp(self) -> None:
        """Make the server."""
        super().setUp()
        self.memory = ScriptedServer(CHANNELS, connect=connect)
        for path, changes in SOCKETS.items():
            self.memory.add_socket(path, **changes)
        self.clock = self.memory.clock

    # -- Doing things -------------------------------------------------------------

    def make_client(self, **options: Any) -> SocketClient:
        """A client of the transport."""
        return super().make_client(**{**self.client_options, **options})

    def joined(
        self, topic: str = ECHO, join_params: Any = None, **options: Any
    ) -> tuple[SocketClient, Channel]:
        """A new client, and a channel that it has joined."""
        client = self.connected_client(**options)
        channel = client.channel(topic, join_params)
        self.answered(channel.join())
        return client, channel

    def answered(self, deferred: Deferred[Any]) -> Any:
        """The result of a Deferred, or the error with which it fails."""
        outcome = self.watch(deferred)
        self.wait_until(lambda: outcome.fired)
        return outcome.fired[0]

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Let the time pass until something is so."""
        self.memory.wait_for(condition)

    def hear(self, channel: Channel, event: str) -> list[Any]:
        """Collect the payloads of an event."""
        heard: list[Any] = []
        channel.on(event, heard.append)
        return heard

    def is_back(self, *channels: Channel) -> None:
        """Wait until channels are joined again, on another connection."""
        self.wait_until(lambda: all(it.state == "errored" for it in channels))
        self.wait_until(lambda: all(it.state == "joined" for it in channels))

    # -- Connecting ---------------------------------------------------------------

    def test_transport(self) -> None:
        """The server knows the transport, the params and the headers."""
        _, channel = self.joined(params={"n": 1}, headers={"x-test": "yes"})
        info = self.answered(channel.push("conn_info", {}))
        self.assertEqual(info["transport"], self.transport)
        self.assertEqual(info["params"]["vsn"], self.vsn)
        self.assertEqual(info["x_headers"]["x-test"], "yes")

    vsn: ClassVar[str] = "2.0.0"

    def test_params(self) -> None:
        """Params are asked for before each attempt, and arrive as they were."""
        asked: list[int] = []

        def params() -> Deferred[Any]:
            asked.append(1)
            return succeed({"user": {"name": "ä b"}, "ids": [1, 2], "n": len(asked)})

        client = self.connected_client(params=params)
        socket = self.memory.sessions[-1].socket
        self.assertEqual(socket.params["user"], {"name": "ä b"})
        self.assertEqual(socket.params["ids"], ["1", "2"])
        first = int(socket.params["n"])
        self.memory.drop()
        self.wait_until(lambda: len(self.memory.sessions) > 1 and client.connected)
        self.assertGreater(int(self.memory.sessions[-1].socket.params["n"]), first)

    def test_auth_token(self) -> None:
        """The auth token arrives as it is, and is asked for before each attempt."""
        tokens = ["s3cret:tok/+=", "another"]
        asked: list[str] = []

        def token() -> str:
            asked.append(tokens[len(self.memory.sessions)])
            return asked[-1]

        client = self.connected_client(
            url=self.memory.url_of("/authsocket"), auth_token=token
        )
        self.memory.drop()
        self.wait_until(lambda: len(self.memory.sessions) > 1 and client.connected)
        self.assertEqual(
            [session.socket.auth_token for session in self.memory.sessions], tokens
        )

    def test_refused(self) -> None:
        """A refused connect is a 403, however it is told; a crash is a 500."""
        for token, status in (("invalid", 403), ("raise", 500)):
            client = self.make_client(params={"token": token}, reconnect=False)
            waiting = client.when_connected()
            client.startService()
            error = self.answered(waiting)
            self.assertIsInstance(error, HandshakeRefused)
            self.assertEqual(error.status, status)

    def test_hooks(self) -> None:
        """on_open and on_close are called once for each connection."""
        client = self.make_client()
        happened: list[Any] = []
        client.on_open(lambda: happened.append("open"))
        client.on_close(lambda reason: happened.append(type(reason).__name__))
        client.startService()
        self.memory.flush()
        self.memory.drop()
        self.wait_until(lambda: len(happened) == 3)
        self.assertEqual(happened, ["open", "ConnectionClosed", "open"])
        self.answered(client.disconnect())
        self.assertEqual(happened[3:], ["ConnectionClosed"])

    def test_ping(self) -> None:
        """A heartbeat can be sent and is answered."""
        client = self.connected_client()
        self.assertIsInstance(self.answered(client.ping()), float)

    def test_long_quiet(self) -> None:
        """Ten quiet minutes are no reason to lose a connection."""
        client, channel = self.joined()
        self.memory.advance(600.0)
        self.assertTrue(client.connected)
        self.assertEqual(len(self.memory.sessions), 1)
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)

    # -- Joining and leaving ------------------------------------------------------

    def test_join(self) -> None:
        """A join carries the params and fires with the response."""
        client = self.connected_client()
        channel = client.channel(ECHO, {"a": 1})
        response = self.answered(channel.join())
        self.assertEqual(response, {"topic": ECHO, "params": {"a": 1}})
        self.assertEqual(channel.state, "joined")

    def test_join_before_connected(self) -> None:
        """A join waits for the connection."""
        client = self.make_client()
        client.startService()
        response, channel = self.answered(client.join(ECHO))
        self.assertEqual(channel.state, "joined")
        self.assertEqual(response["topic"], ECHO)

    def test_refused_joins(self) -> None:
        """A refusal says why, and closes the channel."""
        client = self.connected_client()
        for topic, reason in (
            ("room:private", "unauthorized"),
            ("room:crash", "join crashed"),
            ("nothing:there", "unmatched topic"),
        ):
            channel = client.channel(topic)
            error = self.answered(channel.join())
            self.assertIsInstance(error, JoinError)
            self.assertEqual((error.reason, channel.state), (reason, "closed"))

    def test_slow_join(self) -> None:
        """A join may take its time."""
        client = self.connected_client()
        channel = client.channel("room:slowms", {"ms": 700})
        self.assertEqual(self.answered(channel.join()), {})

    def test_leave(self) -> None:
        """A channel that is left is closed, and can be joined again."""
        _, channel = self.joined()
        self.assertIsNone(self.answered(channel.leave()))
        self.assertEqual(channel.state, "closed")
        self.assertEqual(self.memory.channels(), [])
        self.answered(channel.join())
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)

    def test_many_channels(self) -> None:
        """Channels are apart from each other."""
        client = self.connected_client()
        channels = [client.channel(f"echo:{i}") for i in range(50)]
        joins = [self.watch(channel.join()) for channel in channels]
        self.memory.flush()
        pushes = [self.watch(it.push("echo", it.topic)) for it in channels]
        self.memory.flush()
        self.assertTrue(all(join.fired for join in joins))
        self.assertEqual(
            [push.fired for push in pushes], [[channel.topic] for channel in channels]
        )

    # -- Pushes -------------------------------------------------------------------

    def test_push(self) -> None:
        """A reply fires the push, with any JSON value."""
        _, channel = self.joined()
        for payload in ({}, {"a": [1, None, "ü€😀\n"]}, [], [1], "", "x", 0, 1.5, True):
            self.assertEqual(self.answered(channel.push("echo", payload)), payload)

    def test_push_error(self) -> None:
        """A reply of another status fails it, with the status and the response."""
        _, channel = self.joined()
        error = self.answered(channel.push("echo_error", {"reason": "no"}))
        self.assertIsInstance(error, PushError)
        self.assertEqual((error.status, error.reason), ("error", "no"))

    def test_no_reply(self) -> None:
        """Without a reply it times out; a late one changes nothing."""
        _, channel = self.joined()
        error = self.answered(channel.push("noreply", {}, timeout=3.0))
        self.assertIsInstance(error, PushTimeout)
        error = self.answered(channel.push("slow", {"ms": 500}, timeout=0.4))
        self.assertIsInstance(error, PushTimeout)
        self.assertEqual(self.answered(channel.push("reply_twice", 1)), 1)
        self.memory.advance(1.0)

    def test_order(self) -> None:
        """A thousand pushes arrive, and are answered, in their order."""
        _, channel = self.joined(push_buffer=1000)
        heard = self.hear(channel, "pushed")
        fired: list[int] = []
        for i in range(1000):
            push = channel.push("push_me", i)
            push.addCallback(lambda _, at: fired.append(at), i)
        self.wait_until(lambda: len(fired) == 1000)
        self.assertEqual(fired, list(range(1000)))
        self.assertEqual(heard, list(range(1000)))

    def test_pushed_before_joined(self) -> None:
        """What is pushed during the join goes out after it."""
        client = self.connected_client()
        channel = client.channel(ECHO)
        self.watch(channel.join())
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)

    def test_flood(self) -> None:
        """Thousands of messages come in order, with none missing."""
        _, channel = self.joined()
        heard = self.hear(channel, "tick")
        reply = self.answered(channel.push("push_n", {"n": 3000}, timeout=60.0))
        self.assertEqual(reply, {"n": 3000})
        self.assertEqual([tick["i"] for tick in heard], list(range(3000)))

    def test_large(self) -> None:
        """A message of a megabyte goes both ways."""
        _, channel = self.joined()
        text = "ä" * 500_000
        self.assertEqual(self.answered(channel.push("echo", text)), text)

    def test_too_large(self) -> None:
        """A message over the limit is not sent, and is not received."""
        client, channel = self.joined(max_message_size=10_000)
        error = self.answered(channel.push("echo", "x" * 10_000))
        self.assertIsInstance(error, MessageTooLarge)
        self.assertTrue(client.connected)
        reasons: list[Any] = []
        client.on_close(reasons.append)
        self.memory.broadcast(ECHO, "shout", "x" * 10_000)
        self.wait_until(lambda: reasons)
        self.assertEqual(reasons[0].code, 1009)
        self.is_back(channel)

    def test_receive(self) -> None:
        """A reader that is slower than the server loses nothing."""
        _, channel = self.joined(receive_buffer=10)
        got: list[int] = []
        push = self.watch(channel.push("push_n", {"n": 500}, timeout=60.0))
        while len(got) < 500:
            message = self.answered(channel.receive())
            got.append(message.payload["i"])
        self.assertEqual(got, list(range(500)))
        self.wait_until(lambda: push.fired)

    # -- Broadcasts ---------------------------------------------------------------

    def test_broadcast(self) -> None:
        """A broadcast goes to all, or to all but the sender."""
        _, sender = self.joined()
        _, other = self.joined()
        heard = [self.hear(channel, "shout") for channel in (sender, other)]
        self.answered(sender.push("broadcast", 1))
        self.answered(sender.push("broadcast_from", 2))
        self.memory.flush()
        self.assertEqual(heard, [[1], [1, 2]])

    def test_broadcast_between_transports(self) -> None:
        """Clients of different transports hear each other."""
        _, one = self.joined()
        _, two = self.joined(transport="websocket", longpoll_fallback=None)
        _, three = self.joined(transport="longpoll")
        heard = [self.hear(channel, "shout") for channel in (one, two, three)]
        for i, channel in enumerate((one, two, three)):
            self.answered(channel.push("broadcast", i))
        self.memory.flush()
        self.assertEqual(heard, [[0, 1, 2]] * 3)

    # -- What goes wrong ----------------------------------------------------------

    def test_channel_crashes(self) -> None:
        """A channel that crashes on the server is joined again."""
        _, channel = self.joined()
        errors: list[Any] = []
        channel.on_error(errors.append)
        error = self.answered(channel.push("crash", {}))
        self.assertIsInstance(error, PushInterrupted)
        self.assertIsInstance(errors[0], ChannelClosed)
        self.wait_until(lambda: channel.state == "joined")
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)
        self.assertEqual(len(self.memory.sessions), 1)

    def test_channel_closed(self) -> None:
        """A channel that the server closes stays closed."""
        _, channel = self.joined()
        self.answered(channel.push("stop_reply", {"bye": 1}))
        self.wait_until(lambda: channel.state == "closed")
        self.memory.advance(30.0)
        self.assertEqual(self.memory.channels(), [])

    def test_kick(self) -> None:
        """Who is kicked comes back, and all channels with him."""
        client, channel = self.joined(params={"user_id": "me"})
        other = client.channel(ROOM)
        self.answered(other.join())
        self.memory.kick("user_socket:me")
        self.is_back(channel, other)
        self.assertEqual(len(self.memory.channels()), 2)
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)

    def test_deploy(self) -> None:
        """A server that restarts is found again."""
        _, channel = self.joined()
        self.memory.stop()
        self.memory.advance(30.0)
        self.assertEqual(channel.state, "errored")
        self.memory.start()
        self.wait_until(lambda: channel.state == "joined")

    def test_network_gone(self) -> None:
        """What was under way fails at once; what is pushed meanwhile is kept."""
        client, channel = self.joined()
        under_way = self.watch(channel.push("noreply", {}))
        self.memory.flush()
        self.memory.drop()
        self.memory.flush()
        self.assertFalse(client.connected)
        self.assert_failed(under_way, PushInterrupted)
        self.assertEqual(self.answered(channel.push("echo", 1)), 1)
        self.assertEqual(len(self.memory.sessions), 2)

    def test_silent_server(self) -> None:
        """A server that answers nothing any more is given up and tried again."""
        client, channel = self.joined()
        reasons: list[Any] = []
        client.on_close(reasons.append)
        self.memory.pause()
        self.memory.advance(45.0)
        self.assertEqual(len(reasons), 1)
        self.memory.resume()
        self.wait_until(lambda: channel.state == "joined")

    def test_again_and_again(self) -> None:
        """Each time the channels are joined once, and hooks hear a message once."""
        client, channel = self.joined()
        heard = self.hear(channel, "shout")
        for i in range(5):
            self.memory.drop()
            self.is_back(channel)
            self.answered(channel.push("broadcast", i))
        self.assertEqual(heard, [0, 1, 2, 3, 4])
        self.assertEqual(len(self.memory.channels(ECHO)), 1)
        self.assertTrue(client.connected)

    # -- The user's doing ---------------------------------------------------------

    def test_disconnect(self) -> None:
        """After disconnect() nothing is left, and connect() joins again."""
        client, channel = self.joined()
        under_way = self.watch(channel.push("noreply", {}))
        self.memory.flush()
        self.assertIsNone(self.answered(client.disconnect()))
        self.assert_failed(under_way, PushInterrupted)
        self.assertEqual(self.memory.pairs, [])
        self.assertEqual(channel.state, "errored")
        self.memory.advance(60.0)
        self.assertEqual(len(self.memory.sessions), 1)
        client.connect()
        self.wait_until(lambda: channel.state == "joined")

    def test_pushed_before_disconnect(self) -> None:
        """What was pushed before disconnect() arrives."""
        client, channel = self.joined()
        got: list[Any] = []
        self.memory.when_received("noreply").addCallback(got.append)
        channel.push_async("noreply", {"last": 1})
        self.answered(client.disconnect())
        self.assertEqual(got[0].payload, {"last": 1})

    def test_reconfigure(self) -> None:
        """New params make a new connection, on which all is joined again."""
        client, channel = self.joined()
        self.assertIsNone(self.answered(client.reconfigure(params={"user_id": "x"})))
        self.assertEqual(channel.state, "joined")
        self.assertEqual(self.memory.sessions[-1].socket.id, "user_socket:x")

    # -- Presence -----------------------------------------------------------------

    def present(self, user_id: str, **options: Any) -> tuple[SocketClient, Presence]:
        """A new client that is present in the room."""
        client = self.connected_client(**options)
        channel = client.channel(ROOM, {"user_id": user_id})
        presence = Presence(channel)
        self.answered(channel.join())
        self.wait_until(lambda: user_id in presence.state)
        return client, presence

    def go(self, client: SocketClient) -> None:
        """Have a client leave the room."""
        self.answered(client.leave(ROOM))

    def watch_presence(self, presence: Presence) -> list[tuple[str, str]]:
        """Collect who comes and who goes."""
        happened: list[tuple[str, str]] = []
        presence.on_join(lambda key, *_: happened.append(("join", key)))
        presence.on_leave(lambda key, *_: happened.append(("leave", key)))
        return happened

    def test_presence(self) -> None:
        """Everybody knows who is there, and who comes and goes."""
        _, presence = self.present("ann")
        happened = self.watch_presence(presence)
        bob, of_bob = self.present("bob")
        self.assertEqual(set(of_bob.state), {"ann", "bob"})
        self.wait_until(lambda: happened)
        self.go(bob)
        self.wait_until(lambda: len(happened) == 2)
        self.assertEqual(happened, [("join", "bob"), ("leave", "bob")])
        self.assertEqual(set(presence.state), {"ann"})

    def test_presence_after_reconnect(self) -> None:
        """After a rejoin, what has changed meanwhile is told, and nothing else."""
        self.present("bob")
        cid, _ = self.present("cid")
        ann, presence = self.present("ann", params={"user_id": "ann"})
        self.assertEqual(set(presence.state), {"ann", "bob", "cid"})
        happened = self.watch_presence(presence)
        self.memory.drop("user_socket:ann")
        self.memory.flush()
        self.assertFalse(ann.connected)
        self.go(cid)
        self.wait_until(lambda: "cid" not in presence.state)
        # Ann herself is there anew.
        self.assertEqual([it for it in happened if it[1] != "ann"], [("leave", "cid")])
        self.assertEqual(set(presence.state), {"ann", "bob"})


class BinaryMixin(_TestCase):
    """Binary payloads, for the versions that have them."""

    joined: Callable[..., tuple[SocketClient, Channel]]
    answered: Callable[[Deferred[Any]], Any]
    hear: Callable[[Channel, str], list[Any]]

    # Bytes that long-poll can carry from the server, which not all are.
    data: ClassVar[bytes] = "binär".encode()

    def test_push(self) -> None:
        """Any bytes are pushed, as any type of bytes."""
        _, channel = self.joined()
        data = bytes(range(256))
        for payload in (data, bytearray(data), memoryview(data), b""):
            reply = self.answered(channel.push("binary_size", payload))
            self.assertEqual(reply["size"], len(payload))

    def test_between_text(self) -> None:
        """Binary frames and others keep their order."""
        _, channel = self.joined()
        heard = self.hear(channel, "shout")
        for i in range(10):
            channel.push_async("broadcast", i)
            channel.push_async("broadcast_binary", self.data)
        self.answered(channel.push("echo", {}))
        expected: list[Any] = []
        for i in range(10):
            expected += [i, self.data]
        self.assertEqual(heard, expected)

    def test_replies(self) -> None:
        """Replies ok and error may be binary."""
        _, channel = self.joined()
        self.assertEqual(self.answered(channel.push("binary", self.data)), self.data)
        error = self.answered(channel.push("binary_error", self.data))
        self.assertIsInstance(error, PushError)
        self.assertEqual((error.status, error.response), ("error", self.data))

    def test_pushed(self) -> None:
        """So may what the server pushes and broadcasts."""
        _, channel = self.joined()
        pushed, shouted = (
            self.hear(channel, "pushed_binary"),
            self.hear(channel, "shout"),
        )
        self.answered(channel.push("push_binary", self.data))
        self.answered(channel.push("broadcast_binary", self.data))
        self.assertEqual((pushed, shouted), ([self.data], [self.data]))
