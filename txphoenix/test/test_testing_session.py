"""Tests of :mod:`txphoenix.testing.session` and :mod:`txphoenix.testing.endpoint`."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from txphoenix.protocol.message import Message
from txphoenix.testing import CodecError, ServerChannel, ok
from txphoenix.testing.flavour import FLAVOURS

from .kit import KitTestCase
from .recordings import Pong
from .wire_client import CLOSE, PING, client_frame

HEARTBEAT: tuple[Any, ...] = (None, "9", "phoenix", "heartbeat", {})
ANSWER = [None, "9", "phoenix", "phx_reply", {"status": "ok", "response": {}}]


class Held(ServerChannel):
    """Its joins wait until the test fires the last of ``joins``."""

    joins: list[Deferred[Any]] = []

    def join(self, params: Any) -> Any:
        """Wait, if asked to."""
        if params.get("wait"):
            self.joins.append(Deferred())
            return self.joins[-1]
        return {}

    def handle_in(self, event: str, payload: Any) -> Any:
        """Echo."""
        return ok(payload)


class SessionTestCase(KitTestCase):
    """A test with a server of these channels."""

    def setUp(self) -> None:
        """A server and a client."""
        self.serve({"t:*": Held}, keep_frames=True)
        self.client = self.talker()

    def refs(self, heard: list[Any]) -> list[Any]:
        """The refs, or the events where there is none."""
        return [it[1] or it[3] if isinstance(it, list) else it for it in heard]


class HoldingTests(SessionTestCase):
    """While a join is awaited, or the server paused, nothing is done."""

    def test_slow_join(self) -> None:
        """Frames, broadcasts and pings wait for the join, and go on in their order.

        A channel's own reply comes after all that had waited, as it does when the
        channel is a process of its own.
        """
        self.client.join("t:a")
        self.client.say("2", "2", "t:b", "phx_join", {"wait": True})
        self.client.say("1", "3", "t:a", "echo", {})
        self.memory.broadcast("t:a", "news", {})
        self.client.write(client_frame(PING, b"hey"))
        self.assertEqual(self.client.say(*HEARTBEAT), [])
        Held.joins.pop().callback({})
        self.assertEqual(
            self.refs(self.client.heard()), ["2", "news", Pong("", b"hey"), "9", "3"]
        )

    def test_close_waits(self) -> None:
        """The client's close is answered after the join, too."""
        self.client.say("2", "2", "t:b", "phx_join", {"wait": True})
        self.client.send_close(1000)
        self.assertEqual(self.client.heard(), [])
        Held.joins.pop().callback({})
        self.assertEqual(self.refs(self.client.heard()), ["2", 1000])

    def test_other_clients(self) -> None:
        """Another client is served meanwhile."""
        self.client.say("2", "2", "t:b", "phx_join", {"wait": True})
        self.assertEqual(self.talker().say(*HEARTBEAT), [ANSWER])
        Held.joins.pop().callback({})

    def test_paused(self) -> None:
        """A paused server answers nothing, and everything after resume."""
        self.client.join("t:a")
        self.memory.pause()
        self.assertEqual(self.client.say(*HEARTBEAT), [])
        self.memory.broadcast("t:a", "news", {})
        self.assertEqual(self.client.heard(), [])
        self.memory.resume()
        self.assertEqual(self.refs(self.client.heard()), ["9", "news"])

    def test_paused_join(self) -> None:
        """A join that is decided while the server is paused is answered first."""
        self.client.say("2", "2", "t:b", "phx_join", {"wait": True})
        self.memory.pause()
        self.client.say(*HEARTBEAT)
        Held.joins.pop().callback({})
        self.assertEqual(self.client.heard(), [])
        self.memory.resume()
        self.assertEqual(self.refs(self.client.heard()), ["2", "9"])

    def test_held_end(self) -> None:
        """An end that has waited comes before what a channel answers to the rest."""
        self.client.join("t:a")
        self.memory.pause()
        self.client.say("1", "3", "t:a", "echo", {})
        self.client.say("1", "4", "t:a", "echo", {})
        self.memory.drain()
        self.memory.resume()
        self.assertEqual(self.refs(self.client.heard()), [1012])


class JoinRefTests(KitTestCase):
    """Which messages are a channel's, by their join_ref and that of its join."""

    def heard_by(self, flavour: str, of_join: str | None) -> dict[str | None, bool]:
        """Whether a push is answered, by the join_ref that it has."""
        self.serve({"t:*": Held}, flavour=flavour)
        client = self.talker()
        client.say(of_join, "1", "t:a", "phx_join", {})
        return {
            of_push: client.say(of_push, "2", "t:a", "echo", {}) != []
            for of_push in (None, "1", "999")
        }

    def test_pushes(self) -> None:
        """As `lib/phoenix/socket.ex` has it, which is not the same in each release."""
        for flavour, of_join, expected in (
            ("1.7-bandit", "1", (True, True, True)),
            ("1.8.11-bandit", "1", (False, True, False)),
            ("1.8-bandit", "1", (True, True, False)),
            ("1.8-cowboy", "1", (True, True, False)),
            ("1.7-bandit", None, (True, True, True)),
            ("1.8.11-bandit", None, (True, True, True)),
            ("1.8-bandit", None, (True, False, False)),
        ):
            with self.subTest(flavour=flavour, of_join=of_join):
                heard = self.heard_by(flavour, of_join)
                self.assertEqual(tuple(heard.values()), expected)

    def test_leave(self) -> None:
        """A leave names its join, unless that had no name, whatever the release."""
        for flavour in FLAVOURS:
            for of_join, of_leave, is_heard in (
                ("1", None, False),
                ("1", "999", False),
                ("1", "1", True),
                (None, None, True),
                (None, "1", True),
            ):
                with self.subTest(flavour=flavour, of_join=of_join, of_leave=of_leave):
                    self.serve({"t:*": Held}, flavour=flavour)
                    client = self.talker()
                    client.say(of_join, "1", "t:a", "phx_join", {})
                    client.say(of_leave, "2", "t:a", "phx_leave", {})
                    self.assertEqual(self.memory.channels() == [], is_heard)


class MessageTests(SessionTestCase):
    """What the session answers by itself."""

    def test_limit(self) -> None:
        """Joining one topic again is no further channel."""
        self.serve({"t:*": Held}, channel_limit=1)
        client = self.talker()
        client.join("t:a")
        self.assertEqual(client.join("t:a", ref="2")["status"], "ok")
        self.assertEqual(client.heard(), [])
        refused = client.join("t:b", ref="3")
        self.assertEqual(refused["response"], {"reason": "too many channels joined"})

    def test_topic_of_another_type(self) -> None:
        """A topic that is no string is unmatched, whatever it is."""
        for event in ("phx_join", "echo"):
            [answer] = self.client.say("1", "1", {"a": 1}, event, {})
            self.assertEqual(answer[4]["response"], {"reason": "unmatched topic"})
            self.assertEqual(answer[2], {"a": 1})

    def test_answer_that_is_no_json(self) -> None:
        """A join reply that cannot be encoded ends the connection, as a crash does."""
        self.client.say("1", "1", "t:a", "phx_join", {"wait": True})
        Held.joins.pop().callback(object())
        self.assertEqual(self.client.heard(), [1011])
        self.assertEqual(self.memory.connections, [])

    def test_frames(self) -> None:
        """With keep_frames the session keeps what went to and fro, as recorded."""
        self.client.say(*HEARTBEAT)
        push = bytes([0, 1, 1, 1, 1]) + b"11te"
        self.client.send(push, is_binary=True)
        self.client.heard()
        [session] = self.memory.connections
        sent, answered, binary = map(str, session.frames[:3])
        self.assertTrue(sent.startswith('C> [null, "9", "phoenix"'))
        self.assertTrue(answered.startswith('S< [null,"9","phoenix","phx_reply"'))
        self.assertEqual(binary, f"C> binary {push.hex()}")

    def test_no_frames(self) -> None:
        """Without it nothing is kept."""
        self.serve({})
        self.talker().say(*HEARTBEAT)
        self.assertEqual(self.memory.connections[0].frames, [])


class ControlTests(SessionTestCase):
    """What a test asks of the server."""

    def test_channels(self) -> None:
        """The joined channels, all or of a topic."""
        self.client.join("t:a")
        self.client.join("t:b", ref="2")
        self.assertEqual([it.topic for it in self.memory.channels()], ["t:a", "t:b"])
        self.assertEqual([it.topic for it in self.memory.channels("t:b")], ["t:b"])
        self.assertEqual(self.memory.channels("t:c"), [])
        [session] = self.memory.connections
        self.assertEqual(len(session.processes), 2)

    def test_broadcast(self) -> None:
        """A broadcast reaches each serializer in its own form, and says how many."""
        self.client.join("t:a")
        old = self.talker("/socket/websocket")
        old.send(b'{"topic":"t:a","event":"phx_join","payload":{},"ref":"1"}')
        old.heard()
        self.assertEqual(self.memory.broadcast("t:a", "e", {"a": 1}), 2)
        self.assertEqual(self.client.heard(), [[None, None, "t:a", "e", {"a": 1}]])
        self.assertEqual(
            old.heard(),
            [{"topic": "t:a", "event": "e", "payload": {"a": 1}, "ref": None}],
        )
        self.assertEqual(self.memory.broadcast("t:b", "e", {}), 0)

    def test_broadcast_that_is_no_json(self) -> None:
        """The caller of a broadcast that cannot be encoded gets the error."""
        self.client.join("t:a")
        self.assertRaises(CodecError, self.memory.broadcast, "t:a", "e", object())

    def test_ends_by_id(self) -> None:
        """kick, drop and drain pick by id, and say how many."""
        self.serve({}, connect=lambda params, socket: params.get("id"))
        one, two, three = (
            self.talker(f"/socket/websocket?vsn=2.0.0&id={id}") for id in "aab"
        )
        self.assertEqual(self.memory.kick("a"), 2)
        self.assertEqual(
            (one.heard(), two.heard(), three.heard()), ([1001], [1001], [])
        )
        self.assertEqual(self.memory.drain("b"), 1)
        self.assertEqual(three.heard(), [1012])
        self.assertEqual(self.memory.drop(), 0)

    def test_drop(self) -> None:
        """A drop sends no close frame, but what was sent before arrives."""
        self.client.join("t:a")
        self.memory.broadcast("t:a", "last", {})
        self.assertEqual(self.memory.drop(), 1)
        self.assertEqual(self.refs(self.client.heard()), ["last", 1006])

    def test_no_answer_to_close(self) -> None:
        """A client that does not answer the close is dropped after close_timeout."""
        [pair] = self.memory.pairs
        self.memory.drain()
        pair.client.pauseProducing()
        self.memory.advance(0.9)
        self.assertTrue(pair.is_open)
        self.memory.advance(0.2)
        self.assertFalse(pair.is_open)

    def test_close_after_close(self) -> None:
        """Closing twice sends one close frame, and a late message none at all."""
        self.client.join("t:a")
        [session] = self.memory.connections
        session.close(1012)
        session.close(1001)
        session.send_frame(b"late", False)
        session.lost()
        self.assertEqual(self.client.heard(), [1012])

    def test_message_after_client_close(self) -> None:
        """What is broadcast once the client has closed goes nowhere."""
        self.client.join("t:a")
        self.client.send_close(1000)
        [pair] = self.memory.pairs
        pair.pump(None)
        self.assertTrue(self.memory.connections)
        self.memory.broadcast("t:a", "late", {})
        self.assertEqual(self.client.heard(), [1000])

    def test_close_crossing(self) -> None:
        """A client's close that crosses the server's ends the connection."""
        self.client.write(client_frame(CLOSE, b"\x03\xe8"))
        self.memory.drain()
        self.assertEqual(self.client.heard(), [1012])
        self.assertIsNotNone(self.client.lost)

    def test_never_silent(self) -> None:
        """With no timeout a silent client stays."""
        self.serve({}, timeout=None)
        client = self.talker()
        self.memory.advance(1000.0)
        self.assertEqual(client.heard(), [])

    def test_not_silent_while_paused(self) -> None:
        """What a client sends to a paused server ends its silence as well."""
        self.serve({}, timeout=2.0)
        client = self.talker()
        self.memory.pause()
        for _ in range(3):
            self.memory.advance(1.0)
            client.write(client_frame(PING, b""))
        self.memory.resume()
        self.assertEqual(client.heard(), [Pong("", b"")] * 3)
        self.memory.advance(1.9)
        self.assertEqual(client.heard(), [])
        self.memory.advance(0.2)
        self.assertEqual(client.heard(), [1002])

    def test_sockets(self) -> None:
        """Another path takes its options from the first one, but for what is given."""
        self.memory.add_socket("/other", channel_limit=0)
        answer = self.talker("/other/websocket?vsn=2.0.0").join("t:a")
        self.assertEqual(answer["response"], {"reason": "too many channels joined"})
        self.assertRaises(TypeError, self.memory.add_socket, "/third", limit=1)

    def test_flood(self) -> None:
        """The transport's producer calls make the session writable or not."""
        [session] = self.memory.connections
        transport: Any = session._transport
        transport.pauseProducing()
        waiting = session.when_writable()
        self.assertNoResult(waiting)
        transport.resumeProducing()
        self.successResultOf(waiting)
        transport.pauseProducing()
        waiting = session.when_writable()
        transport.stopProducing()
        self.successResultOf(waiting)


class WaitTests(SessionTestCase):
    """The Deferreds for what happens."""

    def test_connected(self) -> None:
        """when_connected fires at once if so many are there, or when they are."""
        first = self.memory.connections[0]
        self.assertIs(self.successResultOf(self.memory.when_connected()), first)
        second = self.memory.when_connected(2)
        self.assertNoResult(second)
        self.talker()
        self.assertIs(self.successResultOf(second), self.memory.connections[1])

    def test_disconnected(self) -> None:
        """when_disconnected fires with the next session that ends."""
        [session] = self.memory.connections
        ended = self.memory.when_disconnected()
        self.assertNoResult(ended)
        self.client.send_close(1000)
        self.client.heard()
        self.assertIs(self.successResultOf(ended), session)

    def test_who_is_told_cancels_another(self) -> None:
        """Whoever is told first may cancel what the others wait for."""
        first = self.memory.when_connected(9)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        first, second = self.memory.when_disconnected(), self.memory.when_disconnected()
        first.addCallback(lambda _: second.cancel())
        self.memory.drop()
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)

    def test_joined_and_left(self) -> None:
        """when_joined and when_left fire for their own topic, with the channel."""
        joined, left = self.memory.when_joined("t:a"), self.memory.when_left("t:a")
        self.client.join("t:b", ref="2")
        self.client.say("2", "3", "t:b", "phx_leave", {})
        self.assertNoResult(joined)
        self.assertNoResult(left)
        self.client.join("t:a")
        channel = self.successResultOf(joined)
        self.assertEqual(channel.topic, "t:a")
        self.assertIs(self.successResultOf(self.memory.when_joined("t:a")), channel)
        self.memory.drop()
        self.assertIs(self.successResultOf(left), channel)

    def test_received(self) -> None:
        """when_received fires with the next message of that event, and topic."""
        some = self.memory.when_received("echo")
        mine = self.memory.when_received("echo", "t:a")
        self.client.say("1", "2", "t:b", "echo", 1)
        self.assertEqual(
            self.successResultOf(some), Message("1", "2", "t:b", "echo", 1)
        )
        self.assertNoResult(mine)
        self.client.say("1", "3", "t:a", "echo", 2)
        self.assertEqual(self.successResultOf(mine).payload, 2)

    def test_cancel(self) -> None:
        """Who has cancelled is not called any more, and nothing is kept of it."""
        waiting = self.memory.when_received("echo")
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(len(self.memory._waits), 0)
        self.client.say("1", "2", "t:b", "echo", 1)

    def test_resumed(self) -> None:
        """when_resumed fires at once, or at resume."""
        self.successResultOf(self.memory.when_resumed())
        self.memory.pause()
        waiting = self.memory.when_resumed()
        self.assertNoResult(waiting)
        self.memory.resume()
        self.successResultOf(waiting)
