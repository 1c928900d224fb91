"""Tests of :mod:`txphoenix.supabase`: a client and a project in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from txphoenix.errors import (
    ConfigurationError,
    JoinError,
    SerializerError,
)
from txphoenix.message import Message
from txphoenix.supabase import (
    Broadcast,
    MalformedMessage,
    PostgresChange,
    RealtimeChannel,
    RealtimeClient,
    SubscribeError,
    SystemMessage,
    SystemMessageError,
)

from .supabase_client_case import ClientCase
from .supabase_wire import TODOS


class SubscribeTests(ClientCase):
    """Joins with their config and filters."""

    def test_change(self) -> None:
        """A change goes to the hooks of the filters that let it through."""
        self.project(tables=TODOS)
        channel = self.client().channel("room")
        inserts: list[PostgresChange] = []
        others: list[PostgresChange] = []
        channel.on_postgres_changes("INSERT", table="todos", function=inserts.append)
        channel.on_postgres_changes(
            table="todos", filter="id=gt.5", function=others.append
        )
        self.subscribed(channel)
        self.memory.insert("public", "todos", {"id": 1, "title": "a"})
        self.memory.insert("public", "todos", {"id": 6, "title": "b"})
        self.memory.update("public", "todos", {"id": 7, "title": "c"}, {"id": 7})
        self.memory.flush()
        self.assertEqual([it.new["id"] for it in inserts], [1, 6])
        self.assertEqual([it.new["id"] for it in others], [6, 7])
        self.assertEqual(others[1].type, "UPDATE")
        self.assertEqual(others[1].old, {"id": 7})
        self.assertEqual((others[1].schema, others[1].table), ("public", "todos"))

    def test_received(self) -> None:
        """Without a function a change is for receive(), as a value."""
        self.project(tables=TODOS)
        channel = self.client().channel("room")
        channel.on_postgres_changes(table="todos")
        self.subscribed(channel)
        system = self.successResultOf(channel.receive())
        self.assertEqual(system.payload.message, "Subscribed to PostgreSQL")
        received: Deferred[Message] = channel.receive()
        self.memory.delete("public", "todos", {"id": 1})
        self.memory.flush()
        change = self.successResultOf(received).payload
        self.assertEqual(
            (change.type, change.new, change.old), ("DELETE", {}, {"id": 1})
        )

    def test_bindings(self) -> None:
        """A reply without the filters' ids is an error; the connection stays."""
        self.project(tables=TODOS)
        client = self.client()
        alterations: list[Any] = [
            lambda bindings: None,
            lambda bindings: [],
            lambda bindings: [{**bindings[0], "table": "other"}],
            lambda bindings: [{k: v for k, v in bindings[0].items() if k != "id"}],
            lambda bindings: [17],
            lambda bindings: "none",
        ]
        for alter in alterations:
            self.memory.alter_bindings(alter)
            channel = client.channel("room")
            channel.on_postgres_changes(table="todos", function=lambda _: None)
            errors: list[BaseException] = []
            channel.on_error(errors.append)
            subscribing = channel.subscribe()
            self.memory.flush()
            error = self.failureResultOf(subscribing, SubscribeError).value
            self.assertEqual(errors, [error])
            self.assertIn("postgres_changes", str(error))
            self.assertEqual(channel.state, "closed")
            self.assertTrue(client.socket.connected)
        self.memory.alter_bindings(None)
        self.subscribed(client.channel("room"))
        self.assertEqual(self.memory.connections_made, 1)

    def test_mismatch_at_rejoin(self) -> None:
        """A rejoin whose reply does not fit leaves, is told and logged; the rest stays.

        Subscribed again, the channel is as new.
        """
        self.project(tables=TODOS)
        client = self.client()
        channel, other = client.channel("room"), client.channel("other")
        changes: list[PostgresChange] = []
        for each in (channel, other):
            each.on_postgres_changes("INSERT", table="todos", function=changes.append)
        errors: list[BaseException] = []
        channel.on_error(errors.append)
        self.subscribed(channel)
        self.memory.drop()
        self.memory.alter_bindings(lambda bindings: bindings[1:])
        with capturedLogs() as events:
            self.memory.advance(5)
            self.memory.flush()
        self.assertIsInstance(errors[-1], SubscribeError)
        self.assertEqual(channel.state, "closed")
        said = [formatEvent(it) for it in events]
        self.assertTrue(any("realtime:room: left: the server's" in it for it in said))
        self.memory.alter_bindings(None)
        self.subscribed(other)
        self.subscribed(channel)
        self.memory.insert("public", "todos", {"id": 1, "title": "a"})
        self.memory.flush()
        self.assertEqual(len(changes), 2)

    def test_idle_filters(self) -> None:
        """A filter that nobody is told of is asked for no more after the channel left.

        What is removed twice, or is there twice, counts once.
        """
        self.project(tables=TODOS)
        channel = self.client().channel("room")
        remove = channel.on_postgres_changes("INSERT", function=print)
        removers = [channel.on_postgres_changes("DELETE") for _ in range(2)]
        self.subscribed(channel)
        remove()
        removers[0]()
        removers[0]()
        channel.unsubscribe()
        self.memory.flush()
        self.subscribed(channel)
        asked = [it["config"]["postgres_changes"] for it in self.frames("phx_join")]
        self.assertEqual([len(it) for it in asked], [2, 1])
        self.assertEqual(asked[1][0]["event"], "DELETE")

    def test_config(self) -> None:
        """The join says what the channel was made with."""
        self.project()
        client = self.client()
        channel = client.channel(
            "room",
            ack=True,
            receive_own=True,
            private=True,
            presence_key="ann",
            replay={"since": 5, "limit": 2},
            wait_for_postgres=3,
        )
        channel.on_presence_sync(lambda: None)
        self.subscribed(channel)
        [join] = self.frames("phx_join")
        self.assertEqual(
            join,
            {
                "config": {
                    "broadcast": {
                        "ack": True,
                        "self": True,
                        "replay": {"since": 5, "limit": 2},
                    },
                    "presence": {"key": "ann", "enabled": True},
                    "postgres_changes": [],
                    "private": True,
                    "postgres_changes_options": {"wait": True, "timeout": 3000},
                }
            },
        )

    def test_wrong(self) -> None:
        """What is not what it must be is a ConfigurationError, which shows no key."""
        self.project()
        client = self.client()
        wrong: list[Any] = [
            lambda: client.channel("room", acks=True),
            lambda: client.channel("room", ack=1),
            lambda: client.channel("room", replay={"since": 1}),
            lambda: client.channel(""),
            lambda: client.channel("room").on_postgres_changes("TRUNCATE"),
            lambda: client.channel("room").on_postgres_changes(table=3),  # type: ignore[arg-type]
            lambda: RealtimeClient("nowhere", "key"),
            lambda: RealtimeClient("https://x.supabase.co", ""),
            lambda: RealtimeClient("https://x.supabase.co", "key", vsn="3.0.0"),
            lambda: RealtimeClient("https://x.supabase.co", "key", 17),  # type: ignore[arg-type]
        ]
        for make in wrong:
            self.assertRaises(ConfigurationError, make)
        channel = client.channel("room")
        self.subscribed(channel)
        self.assertRaises(ConfigurationError, channel.on_postgres_changes)

    def test_url_that_cannot_be_read(self) -> None:
        """No error shows a password: before a host that is none, or for a version."""
        for url, vsn in (
            ("https://me:pa55w0rd\u2100@host", "2.0.0"),
            ("https://[pa55w0rd]", "2.0.0"),
            ("https://x.supabase.co", "https://me:pa55w0rd@host"),
        ):
            with self.assertRaises(ConfigurationError) as caught:
                RealtimeClient(url, "key", vsn=vsn)
            self.assertNotIn("pa55w0rd", str(caught.exception))

    def test_refused(self) -> None:
        """A refused join is a JoinError with what the server said."""
        self.project(private_only=True)
        subscribing = self.client().channel("room").subscribe()
        self.memory.flush()
        error = self.failureResultOf(subscribing, JoinError).value
        self.assertIn("PrivateOnly", str(error))

    def test_by_name(self) -> None:
        """The topics of join_channels get channels of Supabase."""
        self.project()
        client = self.client(join_channels=["realtime:room"])
        channel = client.socket.channels.find("realtime:room")
        self.assertIsInstance(channel, RealtimeChannel)
        self.assertEqual(channel.state, "joined")  # type: ignore[union-attr]

    def test_defaults(self) -> None:
        """Heartbeats and timeouts are as in Supabase's own clients."""
        self.project()
        options = self.client().socket.options
        self.assertEqual((options.heartbeat_interval, options.timeout), (25.0, 10.0))


class MessageTests(ClientCase):
    """Broadcasts, presences and what the server says."""

    def test_broadcasts(self) -> None:
        """What one sends the other gets, bytes too; the ack is waited for."""
        self.project()
        one = self.client().channel("room", ack=True)
        two = self.client().channel("room")
        heard: list[Broadcast] = []
        two.on_broadcast("shout", heard.append)
        self.subscribed(one)
        self.subscribed(two)
        payloads: list[Any] = [{"é": [1]}, b"\x00\xff", "text", None]
        for payload in payloads:
            sending = one.send_broadcast("shout", payload)
            self.assertNoResult(sending)
            self.memory.flush()
            self.assertEqual(self.successResultOf(sending), {})
        one.send_broadcast("other")
        self.memory.flush()
        self.assertEqual(
            [it.payload for it in heard], [{"é": [1]}, b"\x00\xff", "text", {}]
        )
        other = self.successResultOf(two.receive()).payload
        self.assertEqual(other, Broadcast("other", {}))
        self.assertIsNone(self.successResultOf(two.send_broadcast("shout")))

    def test_metadata(self) -> None:
        """What the server says of a broadcast comes with it."""
        self.project()
        channel = self.client().channel("room")
        self.subscribed(channel)
        self.memory.send_broadcast("room", "shout", b"x", metadata={"id": "7"})
        self.memory.flush()
        got = self.successResultOf(channel.receive()).payload
        self.assertEqual(got, Broadcast("shout", b"x", {"id": "7"}))

    def test_stored(self) -> None:
        """A private channel has broadcasts stored, which their metadata say."""
        self.project()
        client = self.client(self.memory.token(sub="ann"))
        channel = client.channel("room", private=True)
        self.subscribed(channel)
        for persist in (True, 60):
            sending = channel.send_broadcast("shout", {}, persist=persist)
            self.successResultOf(sending)
        self.memory.flush()
        [session] = self.memory.connections
        frames = [it.data for it in session.frames if it.is_binary and not it.is_sent]
        self.assertIn(b'{"persist":true}', frames[0])
        self.assertIn(b'{"persist":{"ttl":60}}', frames[1])
        for wrong in (0, -1, 1.5, "yes", None):
            for send in (channel.send_broadcast, channel.send_http):
                sending = send("shout", {}, persist=wrong)  # type: ignore[arg-type]
                self.failureResultOf(sending, ConfigurationError)
        public = client.channel("other")
        for is_subscribed in (False, True):
            if is_subscribed:
                self.subscribed(public)
            for send in (public.send_broadcast, public.send_http):
                sending = send("shout", {}, persist=True)
                self.failureResultOf(sending, ConfigurationError)

    def test_unsendable(self) -> None:
        """What cannot be sent fails the Deferred, joined or not, and raises nothing."""
        self.project()
        channel = self.client().channel("room")
        wrong: list[tuple[Any, Any, type[BaseException]]] = [
            (5, {}, ConfigurationError),
            ("", {}, ConfigurationError),
            ("\ud800", {}, ConfigurationError),
            ("shout", {"a": float("nan")}, SerializerError),
            ("shout", [float("inf")], SerializerError),
            ("shout", {"a": object()}, SerializerError),
        ]
        for is_subscribed in (False, True):
            if is_subscribed:
                self.subscribed(channel)
            for event, payload, kind in wrong:
                for send in (channel.send_broadcast, channel.send_http):
                    self.failureResultOf(send(event, payload), kind)
        self.memory.flush()
        self.assertEqual(self.frames("broadcast"), [])

    def test_bad_frames(self) -> None:
        """Frames that end too early or are of no known kind cost themselves alone."""
        self.project()
        client = self.client()
        channel = client.channel("room")
        self.subscribed(channel)
        errors: list[BaseException] = []
        client.on_error(errors.append)
        frames = [
            b"\x04",
            b"\x04\x05\x05\x00\x01room",
            b"\x09abc",
            b"\x04\x01\x01\x00\x01te{",
        ]
        for frame in frames:
            self.memory.connections[0].send_frame(frame, True)
        self.memory.flush()
        self.assertEqual([type(it) for it in errors], [SerializerError] * len(frames))
        self.assertTrue(channel.is_joined)
        self.assertEqual(self.memory.connections_made, 1)

    def test_malformed(self) -> None:
        """Payloads that are not what they must be are errors of the channel."""
        self.project(tables=TODOS)
        channel = self.client().channel("room")
        channel.on_postgres_changes(table="todos", function=lambda _: self.fail())
        self.subscribed(channel)
        errors: list[BaseException] = []
        remove = channel.on_error(errors.append)
        [served] = self.memory.channels("realtime:room")
        wrong: list[tuple[str, Any]] = [
            ("postgres_changes", {"data": {}}),
            ("postgres_changes", {"ids": [1], "data": None}),
            ("postgres_changes", 7),
            ("broadcast", {"payload": 1}),
            ("broadcast", []),
            ("system", {"message": "x"}),
        ]
        for event, payload in wrong:
            served.push(event, payload)
        self.memory.flush()
        self.assertEqual([type(it) for it in errors], [MalformedMessage] * len(wrong))
        self.assertTrue(channel.is_joined)
        remove()
        served.push("broadcast", 1)
        self.memory.flush()
        self.assertEqual(len(errors), len(wrong))

    def test_system(self) -> None:
        """What the server says is told, and as an error where it is one."""
        self.project()
        channel = self.client().channel("room")
        self.subscribed(channel)
        said: list[SystemMessage] = []
        errors: list[BaseException] = []
        channel.on_system(said.append)
        channel.on_error(errors.append)
        self.memory.system("room", "well")
        self.memory.system("room", "too much", "error")
        self.memory.flush()
        self.assertEqual([it.message for it in said], ["well", "too much"])
        [error] = errors
        self.assertIsInstance(error, SystemMessageError)
        self.assertIn("too much", str(error))

    def test_presence(self) -> None:
        """Who tracks is seen, again after a lost connection, and no more at the end."""
        self.project()
        one = self.client().channel("room", presence_key="one")
        two = self.client().channel("room", presence_key="two")
        told: list[Any] = []
        two.on_presence_join(lambda *args: told.append(("join", *args)))
        two.on_presence_leave(lambda *args: told.append(("leave", *args)))
        self.subscribed(one)
        self.subscribed(two)
        tracking = one.track({"name": "ann"})
        self.memory.flush()
        self.successResultOf(tracking)
        [(kind, key, current, new)] = told
        self.assertEqual((kind, key, current), ("join", "one", []))
        self.assertEqual(new[0]["name"], "ann")
        self.assertEqual(set(two.presence_state["one"][0]), {"name", "presence_ref"})
        self.memory.drop()
        self.memory.advance(30)
        self.memory.flush()
        self.memory.advance(1)
        self.assertEqual(two.presence_state["one"][0]["name"], "ann")
        untracking = one.untrack()
        self.memory.flush()
        self.successResultOf(untracking)
        self.assertEqual(two.presence_state, {})

    def test_presence_asked(self) -> None:
        """Hooks ask for presences, and looking does not; ``presence`` does it alone."""
        self.project()
        client = self.client()
        looking, hooked = client.channel("looking"), client.channel("hooked")
        self.assertEqual(looking.presence_state, {})
        hooked.on_presence_leave(lambda *_: None)
        chosen = client.channel("chosen", presence=True, presence_key="ann")
        for channel in (looking, hooked, chosen):
            self.subscribed(channel)
        asked = [it["config"]["presence"] for it in self.frames("phx_join")]
        self.assertEqual([it["enabled"] for it in asked], [False, True, True])
        chosen.track({"a": 1})
        self.memory.flush()
        self.assertEqual(list(chosen.presence_state), ["ann"])

    def test_presence_not_received(self) -> None:
        """Who tracks is told of presences, which receive() leaves alone."""
        self.project()
        channel = self.client().channel("room", presence_key="ann")
        self.subscribed(channel)
        channel.track({"a": 1})
        self.memory.flush()
        self.memory.send_broadcast("room", "shout", {"b": 2})
        self.memory.flush()
        message = self.successResultOf(channel.receive())
        self.assertEqual(message.payload.event, "shout")
        self.assertEqual(list(channel.presence_state), ["ann"])

    def test_presence_hooks(self) -> None:
        """What is no hook is refused at once."""
        self.project()
        channel = self.client().channel("room")
        for add in (channel.on_presence_join, channel.on_presence_leave):
            self.assertRaises(TypeError, add, 5)


class MessageV1Tests(MessageTests):
    """The same by version 1.0.0, but for what it has not."""

    vsn = "1.0.0"

    def test_broadcasts(self) -> None:
        """Bytes are an error, and JSON is broadcast."""
        self.project()
        one = self.client().channel("room", ack=True, receive_own=True)
        self.subscribed(one)
        self.failureResultOf(one.send_broadcast("shout", b"x"), SerializerError)
        sending = one.send_broadcast("shout", [1])
        self.memory.flush()
        self.assertEqual(self.successResultOf(sending), {})
        got = self.successResultOf(one.receive()).payload
        self.assertEqual(got, Broadcast("shout", [1]))

    def test_stored(self) -> None:
        """A broadcast that is to be stored cannot be sent by the socket."""
        self.project()
        client = self.client(self.memory.token(sub="ann"))
        channel = client.channel("room", private=True)
        self.subscribed(channel)
        sending = channel.send_broadcast("shout", {}, persist=True)
        self.assertIn("send_http()", str(self.failureResultOf(sending).value))

    def test_metadata(self) -> None:
        """What the server says of a broadcast comes with it."""
        self.project()
        channel = self.client().channel("room")
        self.subscribed(channel)
        self.memory.send_broadcast("room", "shout", 1, metadata={"id": "7"})
        self.memory.flush()
        got = self.successResultOf(channel.receive()).payload
        self.assertEqual(got, Broadcast("shout", 1, {"id": "7"}))
