"""Tests of :mod:`txphoenix.client`: the tree, hooks, messages and state."""

from __future__ import annotations

import json
from typing import Any

from twisted.application.service import Application, IService, MultiService

from txphoenix.client.socket_client import SocketClient
from txphoenix.errors import (
    BufferFull,
    ConfigurationError,
    ConnectionClosed,
    MessageTooLarge,
    NotConnected,
    SerializerError,
)
from txphoenix.protocol.message import Message

from .support import TOPIC, ClientTestCase


class TreeTests(ClientTestCase):
    """The client is a tree of services."""

    def test_children(self) -> None:
        """Each child is found by its name, a channel by its topic."""
        channel = self.joined_channel()
        client = self._clients[0]
        names = [IService(child).name for child in client]
        self.assertEqual(names, ["state", "connection", "channels"])
        for name in names:
            self.assertIs(client.getServiceNamed(name), getattr(client, name))
        self.assertIs(client.channels.getServiceNamed(TOPIC), channel)

    def test_part_of_an_application(self) -> None:
        """It starts and stops with the service it belongs to."""
        parent = MultiService()
        client = self.make_client(name="phoenix")
        client.setServiceParent(parent)
        self.assertEqual(client.status, "disconnected")
        parent.startService()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertIs(parent.getServiceNamed("phoenix"), client)
        stopped = self.watch(parent.stopService())
        self.memory.flush()
        self.assertEqual(len(stopped.fired), 1)
        self.assertFalse(client.connected)
        client.setServiceParent(Application("other"))

    def test_auto_connect(self) -> None:
        """With ``auto_connect=False`` the service starts and does not connect."""
        client = self.make_client(auto_connect=False)
        client.startService()
        self.memory.advance(100)
        self.assertEqual(
            (client.status, self.memory.connections_made), ("disconnected", 0)
        )
        client.connect()
        self.memory.flush()
        self.assertTrue(client.connected)

    def test_start_twice(self) -> None:
        """A second start or connect is no error, and no second connection."""
        client = self.connected_client()
        client.startService()
        client.connect()
        self.memory.flush()
        self.assertEqual(self.memory.connections_made, 1)

    def test_connect_starts(self) -> None:
        """``connect()`` is enough."""
        client = self.make_client(auto_connect=False)
        client.connect()
        self.memory.flush()
        self.assertTrue(client.running and client.connected)

    def test_repr(self) -> None:
        """It shows where the client connects to and how it stands, and no secret."""
        client = self.make_client(url="ws://host/socket?token=s3cret")
        self.assertEqual(
            repr(client),
            "<SocketClient ws://host/socket?token=[redacted] disconnected>",
        )
        client = self.make_client(url=lambda: "ws://host/socket")
        self.assertEqual(repr(client), "<SocketClient <callable> disconnected>")

    def test_global_reactor(self) -> None:
        """Without a reactor it is the process's."""
        from twisted.internet import reactor

        client = SocketClient("ws://127.0.0.1:1/socket")
        self.assertIs(client.connection.link.clock, reactor)

    def test_wrong_options(self) -> None:
        """A wrong option is an error where the client is made."""
        for options, said in (
            ({"heartbeat": 3}, "there is no option 'heartbeat'"),
            ({"timeout": 0}, "timeout must be"),
            ({"headers": {"X": "a\r\nb"}}, "must not hold line breaks"),
        ):
            with self.subTest(options=options):
                error = self.assertRaises(
                    ConfigurationError, self.make_client, **options
                )
                self.assertIn(said, str(error))


class HookTests(ClientTestCase):
    """``on_open``, ``on_close``, ``on_error`` and ``on_message``."""

    def test_each(self) -> None:
        """Each hook is told of its own, every time, in the order they were added."""
        client = self.make_client()
        told: list[Any] = []
        for name in ("open", "close", "error", "message"):
            add = getattr(client, f"on_{name}")
            for number in (1, 2):
                add(lambda *args, it=(name, number): told.append((*it, *args)))
        client.startService()
        self.memory.flush()
        self.assertEqual(told, [("open", 1), ("open", 2)])
        told.clear()
        self.server_sends(None, None, TOPIC, "news", 1)
        message = Message(None, None, TOPIC, "news", 1)
        self.assertEqual(told, [("message", 1, message), ("message", 2, message)])
        told.clear()
        self.lose_connection()
        self.assertEqual([it[:2] for it in told], [("close", 1), ("close", 2)])
        self.assertIsInstance(told[0][2], ConnectionClosed)
        told.clear()
        self.memory.is_listening = False
        self.memory.advance(0.5)
        self.assertEqual([it[:2] for it in told], [("error", 1), ("error", 2)])

    def test_removers(self) -> None:
        """What adding returns takes the hook away; doing so twice is no error."""
        client = self.make_client()
        told: list[Any] = []
        removers = [
            add(lambda *args: told.append(args))
            for add in (
                client.on_open,
                client.on_close,
                client.on_error,
                client.on_message,
            )
        ]
        for remove in removers * 2:
            remove()
        client.startService()
        self.memory.flush()
        self.server_sends(None, None, TOPIC, "news", 1)
        self.lose_connection()
        self.memory.is_listening = False
        self.memory.advance(0.5)
        self.assertEqual(told, [])

    def test_raising(self) -> None:
        """Decision 8: a hook that raises is logged, and touches nothing else."""
        channel = self.joined_channel()
        client = self._clients[0]
        told: list[Any] = []

        def raises(*args: Any) -> None:
            raise ZeroDivisionError

        async def raises_later(*args: Any) -> None:
            raise ZeroDivisionError

        for add in (
            client.on_open,
            client.on_close,
            client.on_error,
            client.on_message,
        ):
            add(raises)
            add(raises_later)
            add(lambda *args: told.append(args))
        push = self.watch(channel.push("echo", 1))
        self.memory.flush()
        self.assert_fired(push, 1)
        self.lose_connection()
        self.memory.is_listening = False
        self.memory.advance(0.5)
        self.memory.is_listening = True
        self.memory.advance(0.5)
        self.assertEqual(channel.state, "joined")
        self.stop_client(client)
        # A reply, the loss, a failed attempt, the open, the reply to the rejoin, the
        # end.
        self.assertEqual(len(told), 6)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 12)

    def test_no_function(self) -> None:
        """A hook that cannot be called is refused."""
        client = self.make_client()
        self.assertRaises(TypeError, client.on_open, "function")

    def test_order(self) -> None:
        """A message's hooks are called before its channel has it."""
        channel = self.joined_channel()
        told: list[str] = []
        self._clients[0].on_message(lambda message: told.append("client"))
        channel.on("news", lambda payload: told.append("channel"))
        self.server_sends(None, None, TOPIC, "news", 1)
        self.assertEqual(told, ["client", "channel"])


class PushTests(ClientTestCase):
    """``client.push(message)``."""

    def message(self, event: str = "silent", ref: str | None = "99") -> Message:
        """A message with a ref of the user's."""
        return Message.push(TOPIC, event, {"a": 1}, ref, None)

    def test_online(self) -> None:
        """It goes out at once with the client's own ref and the channel's join_ref."""
        self.joined_channel()
        client = self._clients[0]
        sent = client.push(self.message())
        self.assertEqual(sent, Message(None, "2", TOPIC, "silent", {"a": 1}))
        self.memory.flush()
        self.assertEqual(self.sent()[-1], ["1", "2", TOPIC, "silent", {"a": 1}])

    def test_own_join_ref(self) -> None:
        """A join_ref of the user's stays as it is."""
        self.joined_channel()
        self._clients[0].push(self.message()._replace(join_ref="7"))
        self.memory.flush()
        self.assertEqual(self.sent()[-1][0], "7")

    def test_reply(self) -> None:
        """Its reply is seen by the hooks alone, and takes nobody else's."""
        channel = self.joined_channel()
        client = self._clients[0]
        seen: list[Message] = []
        client.on_message(seen.append)
        sent = client.push(self.message("echo"))
        push = self.watch(channel.push("echo", {"b": 2}))
        self.memory.flush()
        self.assert_fired(push, {"b": 2})
        self.assertEqual(seen[0].ref, sent.ref)
        self.assertEqual(seen[0].payload["response"], {"a": 1})

    def test_offline(self) -> None:
        """Without a connection it is kept, and sent in order after the joins."""
        channel = self.joined_channel()
        client = self._clients[0]
        self.lose_connection()
        for event in ("first", "second"):
            client.push(self.message(event))
        self.assertEqual(client.get_state()["to_send"], 2)
        self.reconnect()
        self.assertEqual(self.events_sent(), ["phx_join", "first", "second"])
        self.assertEqual([it[0] for it in self.sent()], [channel.join_ref] * 3)
        self.assertEqual(client.get_state()["to_send"], 0)

    def test_full_buffer(self) -> None:
        """Decision 10: ``send_buffer`` messages are kept, and one more is refused."""
        client = self.connecting_client(send_buffer=2)
        client.push(self.message())
        client.push(self.message())
        error = self.assertRaises(BufferFull, client.push, self.message("third"))
        self.assertEqual((error.limit, error.topic, error.event), (2, TOPIC, "third"))
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["silent", "silent"])

    def test_not_started(self) -> None:
        """Before the start and after a disconnect it is refused, not kept."""
        client = self.make_client()
        self.assertRaises(NotConnected, client.push, self.message())
        client = self.connected_client()
        self.watch(client.disconnect())
        self.assertRaises(NotConnected, client.push, self.message())
        self.assertEqual(len(client.state.to_send), 0)

    def test_given_up(self) -> None:
        """What was kept is not sent after a disconnect; the log says so."""
        client = self.connecting_client()
        client.push(self.message())
        self.watch(client.disconnect())
        self.memory.release_connections()
        client.connect()
        self.memory.flush()
        self.assertEqual(self.events_sent(), [])

    def test_unencodable(self) -> None:
        """What cannot be encoded is refused at once where there is a connection."""
        client = self.connected_client()
        message = self.message()._replace(payload={"a": object()})
        self.assertRaises(SerializerError, client.push, message)
        client.push(self.message())
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["silent"])

    def test_unencodable_offline(self) -> None:
        """Kept, it is told when its time has come, and the others are sent."""
        client = self.connecting_client(max_message_size=100)
        errors: list[Exception] = []
        client.on_error(errors.append)
        client.push(self.message("first"))
        client.push(self.message()._replace(payload={"a": object()}))
        client.push(self.message()._replace(payload="x" * 100))
        client.push(self.message("last"))
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(self.events_sent(), ["first", "last"])
        self.assertEqual(
            [type(it) for it in errors], [SerializerError, MessageTooLarge]
        )

    def test_no_message(self) -> None:
        """Anything else than a Message is refused."""
        client = self.connected_client()
        given: Any = ("1", "1", TOPIC, "event", {})
        error = self.assertRaises(ConfigurationError, client.push, given)
        self.assertEqual(str(error), "push() takes a Message, not a tuple")

    def test_kept_while_a_hook_closes(self) -> None:
        """A connection that a hook closes while messages go out loses none of them."""
        client = self.connecting_client()
        client.on_error(lambda error: self.watch(client.reconfigure(params={"a": 1})))
        client.push(self.message()._replace(payload={"a": object()}))
        client.push(self.message("later"))
        self.memory.release_connections()
        self.memory.flush()
        self.assertTrue(client.connected)
        self.assertEqual(self.memory.connections_made, 2)
        self.assertEqual(self.events_sent(0), [])
        self.assertEqual(self.events_sent(1), ["later"])


class ShortcutTests(ClientTestCase):
    """``join()`` and ``leave()`` of the client."""

    def test_join_and_leave(self) -> None:
        """They do what the channel's do."""
        client = self.connected_client()
        join = self.watch(client.join(TOPIC, {"a": 1}))
        self.memory.flush()
        ((response, channel),) = join.fired
        self.assertEqual(response, {"a": 1})
        self.assertIs(client.channels.find(TOPIC), channel)
        leave = self.watch(client.leave(TOPIC))
        self.memory.flush()
        self.assert_fired(leave, None)
        self.assertEqual(channel.state, "closed")

    def test_leave_nothing(self) -> None:
        """To leave a topic that nobody holds is done at once."""
        client = self.connected_client()
        self.assert_fired(self.watch(client.leave(TOPIC)), None)

    def test_join_channels(self) -> None:
        """The option's topics are joined with their params at the first open, once."""
        client = self.connected_client(
            join_channels={"rooms:a": {"n": 1}, "rooms:b": None}
        )
        self.assertEqual(
            [(it[2], it[4]) for it in self.sent()],
            [("rooms:a", {"n": 1}), ("rooms:b", {})],
        )
        self.watch(client.leave("rooms:a"))
        self.lose_connection()
        self.reconnect()
        self.assertEqual([it[2] for it in self.sent()], ["rooms:b"])

    def test_join_channels_that_are_joined(self) -> None:
        """A topic that the user has joined before is the user's."""
        client = self.connecting_client(join_channels=[TOPIC])
        join = self.watch(client.join(TOPIC, {"mine": 1}))
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(join.fired[0][0], {"mine": 1})
        self.assertEqual(self.events_sent(), ["phx_join"])


class StateTests(ClientTestCase):
    """``get_state()`` and ``put_state()``; see also :mod:`.test_state`."""

    def test_whole(self) -> None:
        """The whole state is JSON, secrets cut out, and says how things stand."""
        self.joined_channel(
            params={"password": "s3cret"},
            url=f"{self.memory.url}?key=s3cret",
            headers={"Authorization": "s3cret"},
            auth_token="s3cret",
        )
        client = self._clients[0]
        client.put_state("mine", 1)
        state = client.get_state()
        text = json.dumps(state)
        self.assertNotIn("s3cret", text)
        self.assertEqual((state["status"], state["connected"]), ("connected", True))
        self.assertEqual(state["joined_channels"][TOPIC]["status"], "joined")
        self.assertEqual(state["mine"], 1)

    def test_by_key(self) -> None:
        """One key gives the value itself: options first, then the user's own."""
        client = self.make_client(params={"token": "s3cret"})
        self.assertEqual(client.get_state("params"), {"token": "s3cret"})
        self.assertEqual(client.get_state("status"), "disconnected")
        client.put_state("mine", {"any": "thing"})
        self.assertEqual(client.get_state("mine"), {"any": "thing"})
        self.assertRaises(KeyError, client.get_state, "nothing")

    def test_taken_keys(self) -> None:
        """An option's key, or one of the client's, cannot be put."""
        client = self.make_client()
        error = self.assertRaises(ConfigurationError, client.put_state, "params", {})
        self.assertIn("reconfigure(params=...)", str(error))
        self.assertRaises(ConfigurationError, client.put_state, "status", "connected")

    def test_status(self) -> None:
        """The status follows the connection."""
        client = self.connecting_client()
        self.assertEqual(client.get_state("status"), "connecting")
        self.memory.release_connections()
        self.memory.flush()
        self.assertEqual(client.get_state("status"), "connected")
        self.assertIs(client.get_state("connected"), True)
        closed = self.watch(client.disconnect())
        self.assert_waits(closed)
        self.assertEqual(client.get_state("status"), "disconnected")
        self.assertIs(client.get_state()["connected"], False)
