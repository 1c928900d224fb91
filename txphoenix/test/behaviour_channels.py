"""What a client's channels do, whatever carries its frames."""

from __future__ import annotations

from typing import Any, ClassVar

from txphoenix import (
    JoinError,
    Message,
    MessageTooLarge,
    Presence,
    PushError,
    PushTimeout,
    SocketClient,
)

from .behaviour import ECHO, ROOM, BehaviourCase

__all__ = ["BinaryMixin", "ChannelsMixin"]


class ChannelsMixin(BehaviourCase):
    """Joins, pushes, broadcasts, and presence."""

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

    # -- Topics without a channel -------------------------------------------------

    def send_to(self, topic: str, payload: Any) -> None:
        """Have the server send a message of a topic, whoever has joined it."""
        message = Message(None, None, topic, "news", payload)
        self.memory.sessions[-1].send(message)
        self.memory.flush()

    def test_on_topic(self) -> None:
        """What no channel has goes to the hooks of its topic and its beginnings."""
        client = self.connected_client()
        heard: dict[str, list[Message]] = {}
        for topic in ("news:*", "news:a", "*", "news:b"):
            client.on_topic(topic, heard.setdefault(topic, []).append)
        self.send_to("news:a", {"n": 1})
        told = [Message(None, None, "news:a", "news", {"n": 1})]
        self.assertEqual(
            heard, {"news:*": told, "news:a": told, "*": told, "news:b": []}
        )
        self.assertEqual(client.get_state("unrouted_messages"), 0)

    def test_on_topic_and_a_channel(self) -> None:
        """A channel takes its topic's messages over, and gives them back when left."""
        client = self.connected_client()
        heard: list[Any] = []
        client.on_topic("echo:*", lambda message: heard.append(message.payload))
        self.send_to(ECHO, 1)
        channel = client.channel(ECHO)
        self.answered(channel.join())
        of_channel = self.hear(channel, "news")
        self.send_to(ECHO, 2)
        self.memory.drop()
        self.is_back(channel)
        self.send_to(ECHO, 3)
        self.answered(channel.leave())
        # What comes with a leave may be of either.
        heard[1:] = []
        self.send_to(ECHO, 4)
        self.assertEqual((heard, of_channel), ([1, 4], [2, 3]))

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


class BinaryMixin(BehaviourCase):
    """Binary payloads, for the versions that have them."""

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
