"""Tests of what a user writes: :mod:`txphoenix.testing.channel` and its process."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from txphoenix.testing import Refused, ServerChannel, error, ok, reply
from txphoenix.testing.channel import UnhandledEvent

from .kit import KitTestCase

CLOSED = ["1", "1", "t", "phx_close", {}]
CRASHED = ["1", "1", "t", "phx_error", {"reason": "channel_crash"}]


def replied(ref: Any, status: str, response: Any) -> list[Any]:
    """A reply on topic t to the client that joined with ref 1."""
    return ["1", ref, "t", "phx_reply", {"status": status, "response": response}]


class Scripted(ServerChannel):
    """Does what a test puts into ``on``; remembers its channels and their ends."""

    on: ClassVar[dict[str, Any]]
    made: ClassVar[list[Scripted]]
    ends: ClassVar[list[str]]

    def join(self, params: Any) -> Any:
        """Join as ``on["join"]`` says."""
        self.made.append(self)
        act = self.on.get("join")
        return {} if act is None else act(self, params)

    def after_join(self) -> None:
        """After the join as ``on["after_join"]`` says."""
        act = self.on.get("after_join")
        if act is not None:
            act(self)

    def handle_in(self, event: str, payload: Any) -> Any:
        """Handle as ``on[event]`` says."""
        act = self.on.get(event)
        return super().handle_in(event, payload) if act is None else act(self, payload)

    def terminate(self, reason: str) -> None:
        """Remember the reason."""
        self.ends.append(reason)
        act = self.on.get("terminate")
        if act is not None:
            act(self)


class ChannelTestCase(KitTestCase):
    """A test of one scripted channel, t."""

    def setUp(self) -> None:
        """A server with the scripted channel, and a client."""
        Scripted.on = {}
        Scripted.made = []
        Scripted.ends = []
        self.on = Scripted.on
        self.serve({"t": Scripted, "t:*": Scripted})
        self.client = self.talker()

    def joined(self) -> Scripted:
        """The channel, after the client has joined it."""
        self.client.join("t")
        return Scripted.made[-1]


class JoinTests(ChannelTestCase):
    """How a join is answered."""

    def join(self) -> list[Any]:
        """Join, and hear."""
        return self.client.say("1", "1", "t", "phx_join", {"a": 1})

    def test_value(self) -> None:
        """What join returns is the response."""
        self.on["join"] = lambda channel, params: {"got": params}
        self.assertEqual(self.join(), [replied("1", "ok", {"got": {"a": 1}})])

    def test_none(self) -> None:
        """A join that returns nothing is answered with an empty response."""
        self.on["join"] = lambda channel, params: None
        self.assertEqual(self.join(), [replied("1", "ok", {})])

    def test_base_class(self) -> None:
        """A channel that says nothing on joins takes all."""
        self.serve({"t": ServerChannel})
        answer = self.talker().say("1", "1", "t", "phx_join", {})
        self.assertEqual(answer, [replied("1", "ok", {})])

    def test_refused(self) -> None:
        """Refused gives the error reply, and the topic is not joined."""

        def refuse(channel: Any, params: Any) -> None:
            raise Refused({"reason": "no"})

        self.on["join"] = refuse
        self.assertEqual(self.join(), [replied("1", "error", {"reason": "no"})])
        self.assertEqual(self.memory.channels(), [])

    def test_refused_without_a_word(self) -> None:
        """Refused has an empty response if none is given."""

        def refuse(channel: Any, params: Any) -> None:
            raise Refused()

        self.on["join"] = refuse
        self.assertEqual(self.join(), [replied("1", "error", {})])

    def test_crash(self) -> None:
        """Any other exception is a crashed join."""
        self.on["join"] = lambda channel, params: 1 / 0
        crashed = {"reason": "join crashed"}
        self.assertEqual(self.join(), [replied("1", "error", crashed)])

    def test_coroutine(self) -> None:
        """A join may be a coroutine."""

        async def join(channel: Any, params: Any) -> Any:
            return {"later": True}

        self.on["join"] = join
        self.assertEqual(self.join(), [replied("1", "ok", {"later": True})])

    def test_reply(self) -> None:
        """A join may answer by ok() and error() too, as handle_in does."""
        for answer in (error({"reason": "full"}), ok({"at": 1})):
            self.on["join"] = lambda channel, params, answer=answer: answer
            self.assertEqual(self.join(), [replied("1", *answer)])

    def test_push_too_early(self) -> None:
        """Pushing before the join is answered is an error that says where to push."""
        seen: list[str] = []

        def join(channel: Scripted, params: Any) -> None:
            failure = self.assertRaises(RuntimeError, channel.push, "e", {})
            seen.append(str(failure))

        self.on["join"] = join
        self.join()
        self.assertIn("after_join", seen[0])

    def test_after_join(self) -> None:
        """What after_join pushes and broadcasts comes after the reply."""

        def after_join(channel: Scripted) -> None:
            channel.push("a", 1)
            channel.broadcast("b", 2)

        self.on["after_join"] = after_join
        self.assertEqual(
            self.join(),
            [
                replied("1", "ok", {}),
                ["1", None, "t", "a", 1],
                [None, None, "t", "b", 2],
            ],
        )

    def test_crash_after_join(self) -> None:
        """An exception in after_join is a crash of the joined channel."""
        self.on["after_join"] = lambda channel: 1 / 0
        self.assertEqual(self.join(), [replied("1", "ok", {}), CRASHED])

    def test_attributes(self) -> None:
        """The channel knows its topic, params, join_ref, connection and server."""
        self.client.join("t:x", {"a": 1}, ref="7")
        channel = Scripted.made[0]
        self.assertEqual(
            (channel.topic, channel.params, channel.join_ref, channel.ref),
            ("t:x", {"a": 1}, "7", "7"),
        )
        self.assertIs(channel.endpoint, self.memory)
        self.assertEqual(channel.socket.path, "/socket/websocket")
        self.assertEqual(self.memory.connections, [channel.session])
        self.assertEqual(repr(channel), "<Scripted t:x>")

    def test_client_gone(self) -> None:
        """A join that is awaited when the client goes is cancelled, in silence."""
        cancelled: list[object] = []
        waiting: Deferred[Any] = Deferred(cancelled.append)
        self.on["join"] = lambda channel, params: waiting
        self.join()
        self.memory.cut()
        self.assertEqual(cancelled, [waiting])
        self.assertEqual(self.memory.channels(), [])

    def test_client_gone_within(self) -> None:
        """A join that ends its own connection is not answered."""
        self.on["join"] = lambda channel, params: channel.session.drop()
        self.assertEqual(self.join(), [1006])


class HandleInTests(ChannelTestCase):
    """How a push is answered."""

    def push(self, event: str = "e", payload: Any = None) -> list[Any]:
        """Join, push and hear."""
        self.joined()
        return self.client.say("1", "2", "t", event, payload)

    def test_no_reply(self) -> None:
        """None is no reply."""
        self.on["e"] = lambda channel, payload: None
        self.assertEqual(self.push(), [])

    def test_replies(self) -> None:
        """ok, error and reply, with and without a response."""
        for made, expected in (
            (ok(), ("ok", {})),
            (ok([1]), ("ok", [1])),
            (ok(None), ("ok", None)),
            (error(), ("error", {})),
            (error({"reason": "x"}), ("error", {"reason": "x"})),
            (reply("maybe"), ("maybe", {})),
            (reply("maybe", "later"), ("maybe", "later")),
        ):
            self.on["e"] = lambda channel, payload, made=made: made
            self.assertEqual(self.push(), [replied("2", *expected)])
            self.client.say("1", "3", "t", "phx_leave", {})

    def test_binary(self) -> None:
        """A bytes response is a binary reply."""
        self.on["e"] = lambda channel, payload: ok(b"\xff")
        self.assertEqual(self.push(), [b"\x01\x01\x01\x01\x0212tok\xff"])

    def test_unhandled(self) -> None:
        """An event that nobody handles is a crash, as in Phoenix."""
        self.assertEqual(self.push(), [CRASHED])
        self.assertEqual(Scripted.ends, ["crashed"])

    def test_base_class(self) -> None:
        """The base class handles nothing."""
        self.assertRaises(UnhandledEvent, ServerChannel().handle_in, "e", {})

    def test_wrong_result(self) -> None:
        """A result that is no reply is a crash."""
        self.on["e"] = lambda channel, payload: {"status": "ok"}
        self.assertEqual(self.push(), [CRASHED])

    def test_no_json(self) -> None:
        """A reply that is no JSON crashes the channel, not the connection."""
        self.on["e"] = lambda channel, payload: ok(object())
        self.assertEqual(self.push(), [CRASHED])

    def test_awaited(self) -> None:
        """While a push is handled, those after it wait; other channels do not."""
        first: Deferred[Any] = Deferred()
        self.on["slow"] = lambda channel, payload: first
        self.on["e"] = lambda channel, payload: ok(payload)
        self.client.join("t:other", ref="9")
        self.assertEqual(self.push("slow"), [])
        self.assertEqual(self.client.say("1", "3", "t", "e", "after"), [])
        other = self.client.say("9", "4", "t:other", "e", "other")
        self.assertEqual([it[1] for it in other], ["4"])
        first.callback(ok("first"))
        self.assertEqual(
            self.client.heard(),
            [replied("2", "ok", "first"), replied("3", "ok", "after")],
        )

    def test_ended_while_awaited(self) -> None:
        """What is awaited when the channel ends is cancelled, and never answered."""
        waiting: Deferred[Any] = Deferred()
        self.on["slow"] = lambda channel, payload: waiting
        self.push("slow")
        self.memory.kill_channel("t")
        self.assertEqual(self.client.heard(), [CRASHED])
        self.assertTrue(waiting.called)
        self.assertEqual(Scripted.ends, ["killed"])

    def test_ends_itself_after_awaiting(self) -> None:
        """A coroutine may end its own channel after it has awaited something."""
        for act in ("stop", "crash", "drop"):
            first: Deferred[None] = Deferred()

            async def handle(
                channel: Scripted, payload: Any, first: Deferred[None] = first
            ) -> Any:
                await first
                if payload == "drop":
                    channel.session.drop()
                else:
                    getattr(channel, payload)()
                return ok()

            self.on["e"] = handle
            self.client = self.talker()
            self.push("e", act)
            first.callback(None)
            expected = {
                "stop": [replied("2", "ok", {}), CLOSED],
                "crash": [[*CRASHED[:4], {"reason": "channel_crash"}]],
                "drop": [1006],
            }
            self.assertEqual(self.client.heard(), expected[act])

    def test_reply_later(self) -> None:
        """A reply can be sent later, to the ref that was kept."""
        refs: list[Any] = []
        self.on["e"] = lambda channel, payload: refs.append(channel.ref)
        self.assertEqual(self.push(), [])
        channel = Scripted.made[-1]
        channel.reply(refs[0], "ok", {"late": 1})
        channel.reply(refs[0], "ok")
        self.assertEqual(
            self.client.heard(),
            [replied("2", "ok", {"late": 1}), replied("2", "ok", {})],
        )

    def test_reply_too_late(self) -> None:
        """A reply after the channel's end goes nowhere."""
        channel = self.joined()
        channel.stop()
        channel.reply("2", "ok")
        self.assertEqual(self.client.heard(), [CLOSED])

    def test_later_crash(self) -> None:
        """A Deferred that fails is a crash."""
        self.on["e"] = lambda channel, payload: waiting
        waiting: Deferred[Any] = Deferred()
        self.push()
        waiting.errback(ValueError("later"))
        self.assertEqual(self.client.heard(), [CRASHED])


class SendingTests(ChannelTestCase):
    """What a channel sends of itself."""

    def test_push(self) -> None:
        """A push goes to this client, with its join_ref and no ref."""
        self.joined().push("e", {"a": 1})
        self.assertEqual(self.client.heard(), [["1", None, "t", "e", {"a": 1}]])

    def test_push_after_the_end(self) -> None:
        """A push after the end is an error."""
        channel = self.joined()
        channel.stop()
        self.assertRaises(RuntimeError, channel.push, "e", {})

    def test_broadcast(self) -> None:
        """A broadcast goes to all of the topic, a broadcast_from to all others."""
        other = self.talker()
        other.join("t", ref="5")
        channel = self.joined()
        channel.broadcast("all", 1)
        channel.broadcast_from("others", 2)
        self.assertEqual(self.client.heard(), [[None, None, "t", "all", 1]])
        self.assertEqual(
            other.heard(), [[None, None, "t", "all", 1], [None, None, "t", "others", 2]]
        )

    def test_call_later(self) -> None:
        """A call later runs at its time, with its arguments."""
        self.joined().call_later(1.5, Scripted.made[0].push, "tick", 1)
        self.memory.advance(1.4)
        self.assertEqual(self.client.heard(), [])
        self.memory.advance(0.2)
        self.assertEqual(self.client.heard(), [["1", None, "t", "tick", 1]])

    def test_call_later_cancelled(self) -> None:
        """A call later ends with the channel."""
        channel = self.joined()
        channel.call_later(1.0, channel.push, "tick", 1)
        channel.stop()
        self.memory.advance(2.0)
        self.assertEqual(self.client.heard(), [CLOSED])

    def test_call_later_taken_back(self) -> None:
        """A call that the channel itself has cancelled is no trouble at its end."""
        channel = self.joined()
        channel.call_later(1.0, channel.push, "tick", 1).cancel()
        channel.stop()
        self.assertEqual(self.client.heard(), [CLOSED])

    def test_call_later_crash(self) -> None:
        """An exception in a call later is a crash."""
        self.joined().call_later(1.0, lambda: 1 / 0)
        self.memory.advance(1.0)
        self.assertEqual(self.client.heard(), [CRASHED])

    def test_ready(self) -> None:
        """ready() fires at once while the connection takes more, and else later."""
        channel = self.joined()
        self.assertTrue(channel.ready().called)
        channel.session.set_writable(False)
        first, second = channel.ready(), channel.ready()
        channel.session.set_writable(False)
        self.assertFalse(first.called or second.called)
        channel.session.set_writable(True)
        self.successResultOf(first)
        self.successResultOf(second)


class EndTests(ChannelTestCase):
    """How a channel ends."""

    def test_stop(self) -> None:
        """stop() is phx_close, and another stop is nothing."""
        channel = self.joined()
        channel.stop()
        channel.stop()
        self.assertEqual(self.client.heard(), [CLOSED])
        self.assertEqual(Scripted.ends, ["stopped"])

    def test_stop_with_reply(self) -> None:
        """stop() in handle_in takes effect after the reply, and before what waits."""

        def handle(channel: Scripted, payload: Any) -> Any:
            channel.stop("enough")
            return ok("last")

        self.on["e"] = handle
        self.joined()
        heard = self.client.say("1", "2", "t", "e", {})
        self.assertEqual(heard, [replied("2", "ok", "last"), CLOSED])
        self.assertEqual(Scripted.ends, ["enough"])

    def test_crash(self) -> None:
        """crash() is phx_error."""
        self.joined().crash()
        self.assertEqual(self.client.heard(), [CRASHED])
        self.assertEqual(Scripted.ends, ["killed"])

    def test_leave(self) -> None:
        """A leave is answered and closed."""
        self.joined()
        heard = self.client.say("1", "2", "t", "phx_leave", {})
        self.assertEqual(heard, [replied("2", "ok", {}), CLOSED])
        self.assertEqual(Scripted.ends, ["left"])

    def test_replaced(self) -> None:
        """Another join of the topic ends the first."""
        self.joined()
        heard = self.client.say("2", "2", "t", "phx_join", {})
        answer = ["2", "2", "t", "phx_reply", {"status": "ok", "response": {}}]
        self.assertEqual(heard, [answer, CLOSED])
        self.assertEqual(Scripted.ends, ["replaced"])
        self.assertEqual(self.memory.channels("t"), Scripted.made[1:])

    def test_closed(self) -> None:
        """The channel ends with its connection."""
        self.joined()
        self.client.send_close(1000)
        self.assertEqual(self.client.heard(), [1000])
        self.assertEqual(Scripted.ends, ["closed"])

    def test_terminate_crashes(self) -> None:
        """An exception in terminate changes nothing."""
        self.on["terminate"] = lambda channel: 1 / 0
        self.joined().stop()
        self.assertEqual(self.client.heard(), [CLOSED])
