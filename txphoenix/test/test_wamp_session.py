"""Events and calls, through all of the bridge."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import ComponentConfig
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs

from txphoenix.test.wamp_bridge_case import BridgeCase, told
from txphoenix.wamp.calls import Calls
from txphoenix.wamp.config import check_extra
from txphoenix.wamp.uris import URIs

LOBBY = "rooms:lobby"


class BridgeTests(BridgeCase):
    """Events and calls, through all of the bridge."""

    def test_events(self) -> None:
        """Who subscribes has the topic joined, and hears it; the last one leaves."""
        self.worker()
        self.assertEqual(self.server.channels(), [])
        subscription, heard = self.subscribe("phx.rooms:lobby.", "prefix")
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.server.broadcast(LOBBY, "new_msg", {"body": "hi"})
        self.settle()
        self.assertEqual(heard, [(LOBBY, "new_msg", {"body": "hi"})])
        subscription.unsubscribe()
        self.settle(1)
        self.assertEqual(self.server.channels(LOBBY), [])

    def test_one_argument(self) -> None:
        """A handler without details gets the payload, and nothing else."""
        self.worker()
        heard: list[Any] = []
        self.user.subscribe(heard.append, "phx.rooms:lobby.new_msg")
        self.settle(1)
        for payload in ({"a": 1}, [1], "x", None, b"\x00\xff"):
            self.server.broadcast(LOBBY, "new_msg", payload)
        self.server.broadcast(LOBBY, "other", 1)
        self.settle()
        self.assertEqual(heard, [{"a": 1}, [1], "x", None, b"\x00\xff"])

    def test_session_dies(self) -> None:
        """A topic is left as well when the last one who had subscribed is gone."""
        self.worker()
        other, connection = self.attach(
            ApplicationSession(ComponentConfig(realm="realm1"))
        )
        self.subscribe("phx.rooms:lobby.a", session=other)
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        connection.kill()
        self.settle(1)
        self.assertEqual(self.server.channels(LOBBY), [])

    def test_topics(self) -> None:
        """Topics of the configuration are joined whoever subscribes."""
        self.worker(topics={LOBBY: {"own": 1}})
        self.assertEqual(self.room.joins, [{"own": 1}])
        self.settle(60)
        self.assertEqual(len(self.server.channels(LOBBY)), 1)

    def test_push(self) -> None:
        """A push is answered by what the server said, and joins the topic for it."""
        self.worker()
        self.assertEqual(self.result("push", LOBBY, "yes", {"a": 1}, 2), {"a": 1})
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.settle(40)
        self.assertEqual(self.server.channels(LOBBY), [])

    def test_slow_push(self) -> None:
        """A topic is idle from the end of its last call, however long that takes."""
        self.worker(idle=5)
        call = self.call("push", LOBBY, "silence", {}, 20)
        self.settle(19)
        self.assertNoResult(call)
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.settle(1.5)
        self.assertEqual(self.error_of(call).error, "phx.error.timeout")
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.settle(5)
        self.assertEqual(self.server.channels(LOBBY), [])

    def test_never_idle(self) -> None:
        """Without idle time a topic is kept for as long as a call takes."""
        self.worker(idle=0)
        self.assertEqual(self.result("push", LOBBY, "yes", 1), 1)
        self.settle(1)
        self.assertEqual(self.server.channels(LOBBY), [])

    def test_push_payloads(self) -> None:
        """Any JSON value and bytes, there and back; without one it is an empty map."""
        self.worker()
        payloads: list[Any] = [{}, [1, {"a": None}], "x", 7, None, True, b"\x00\xff"]
        for payload in payloads:
            self.assertEqual(self.result("push", LOBBY, "yes", payload), payload)
        self.assertEqual(self.result("push", LOBBY, "yes"), {})
        named = {"topic": LOBBY, "event": "yes", "payload": 3, "timeout": 1.5}
        self.assertEqual(self.result("push", **named), 3)

    def test_push_refused(self) -> None:
        """What the server said is in the error."""
        self.worker()
        error = self.error("push", LOBBY, "no", {"reason": "bad"})
        self.assertEqual(error.error, "phx.error.refused")
        self.assertEqual(list(error.args), ["error", {"reason": "bad"}])
        self.assertEqual(error.kwargs["topic"], LOBBY)
        self.assertEqual(error.kwargs["event"], "no")

    def test_join_refused(self) -> None:
        """A caller and a subscriber learn why a join is refused."""
        self.worker()
        self.room.refusal = {"reason": "full"}
        with capturedLogs() as captured:
            _, heard = self.subscribe("phx.rooms:lobby.", "prefix")
            error = self.error("push", LOBBY, "yes")
        self.assertEqual(error.error, "phx.error.join_refused")
        self.assertEqual(list(error.args), [{"reason": "full"}])
        self.assertEqual([event for _, event, _ in heard], ["phx_error"])
        self.assertEqual(heard[0][2]["response"], {"reason": "full"})
        self.assertEqual(told(captured), [])
        self.room.refusal = None
        self.settle(40)
        self.assertEqual(self.result("push", LOBBY, "yes", 1), 1)

    def test_timeout(self) -> None:
        """A caller's timeout holds, the join included."""
        self.worker()
        call = self.call("push", LOBBY, "silence", {}, 2)
        self.settle(1.8)
        self.assertNoResult(call)
        self.settle(0.4)
        error = self.error_of(call)
        self.assertEqual(error.error, "phx.error.timeout")
        self.assertEqual(error.kwargs["topic"], LOBBY)

    def test_wrong_arguments(self) -> None:
        """Each wrong argument is said to be one, and joins nothing."""
        self.worker()
        wrong: list[tuple[Any, ...]] = [
            (),
            (LOBBY,),
            (7, "yes"),
            (LOBBY, None),
            (LOBBY, "yes", {}, 0),
            (LOBBY, "yes", {}, -1),
            (LOBBY, "yes", {}, "1"),
            (LOBBY, "yes", {}, True),
            (LOBBY, "yes", {}, 10**400),
            ("", "yes"),
            ("phoenix", "yes"),
            (LOBBY, "yes", {"a": b"nested"}),
            (LOBBY, "yes", {}, 1, "more"),
        ]
        for args in wrong:
            error = self.error("push", *args)
            self.assertEqual(error.error, "phx.error.invalid_argument", args)
        error = self.error("push", LOBBY, "yes", paylod=1)
        self.assertEqual(error.error, "phx.error.invalid_argument")
        self.assertIn("paylod", error.args[0])
        wrong = [(), (7,), (LOBBY, 1), ("",), ("phoenix",)]
        for args in wrong:
            error = self.error("presence", *args)
            self.assertEqual(error.error, "phx.error.invalid_argument", args)
        self.assertEqual(self.room.joins, [])

    def test_endless_numbers(self) -> None:
        """A number that Python does not write, as CBOR has it, is a wrong argument."""
        calls = Calls(URIs("phx"), check_extra({"url": self.server.url}))
        endless: Any = 10**5000
        for args in [(endless, "a"), (LOBBY, endless), (LOBBY, "a", {}, endless)]:
            pushed = Deferred.fromCoroutine(calls.push(*args))
            failure = self.failureResultOf(pushed, ApplicationError)
            self.assertIn("invalid_argument", str(failure.value))

    def test_too_large(self) -> None:
        """A push beyond the limit fails, and joins nothing."""
        self.worker(max_payload=50)
        error = self.error("push", LOBBY, "yes", "x" * 60)
        self.assertEqual(error.error, "phx.error.too_large")
        self.assertEqual((error.kwargs["size"], error.kwargs["limit"]), (62, 50))
        self.assertEqual(self.room.joins, [])

    def test_presence(self) -> None:
        """Who is present, as a procedure, and as events for who subscribes."""
        self.worker()
        state = self.result("presence", "people:crew")
        self.assertEqual(list(state), ["bridge"])
        self.assertEqual(state["bridge"]["metas"][0]["device"], 1)
        _, heard = self.subscribe("phx.people:crew.", "prefix")
        self.server.channels("people:crew")[0].track("ann")  # type: ignore[attr-defined]
        self.settle()
        [(_, event, diff)] = heard
        self.assertEqual((event, list(diff["joins"])), ("presence_diff", ["ann"]))

    def test_cancelled(self) -> None:
        """A call that its caller cancels ends, and the push with it."""
        self.worker()
        call = self.call("push", LOBBY, "silence", {}, 60)
        self.settle(1)
        with capturedLogs() as captured:
            call.cancel()
            self.settle(1)
        self.failureResultOf(call, CancelledError, ApplicationError)
        self.assertEqual(told(captured), [])
        self.assertEqual(self.result("push", LOBBY, "yes", 1), 1)

    def test_prefix(self) -> None:
        """All URIs begin with the prefix of the configuration."""
        self.worker(prefix="org.example.chat")
        heard: list[Any] = []
        self.user.subscribe(heard.append, "org.example.chat.rooms:lobby.new_msg")
        self.settle(1)
        self.server.broadcast(LOBBY, "new_msg", 1)
        self.settle()
        self.assertEqual(heard, [1])
        answer = self.user.call("org.example.chat.push", LOBBY, "no", 2)
        self.settle(1)
        self.assertEqual(self.error_of(answer).error, "org.example.chat.error.refused")

    def test_broken(self) -> None:
        """A fault of the bridge's own is logged, and called internal to the caller."""
        session, _ = self.worker()
        bridge = session._bridge
        assert bridge is not None
        with patch.object(bridge.topics, "push", side_effect=ZeroDivisionError):
            error = self.error("push", LOBBY, "yes")
        self.assertEqual(error.error, "phx.error.internal")
        self.assertNotIn("Zero", repr(error))
        self.assertGreaterEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class FleetOfTwoTests(BridgeCase):
    """Two bridges in one realm."""

    def test_divide(self) -> None:
        """Each topic is joined once, and reached by whoever is called."""
        self.worker()
        self.worker()
        topics = [f"rooms:{number}" for number in range(10)]
        for topic in topics:
            self.subscribe(f"phx.{topic}.", "prefix")
        for topic in topics:
            self.assertEqual(len(self.server.channels(topic)), 1)
            for _ in range(2):
                self.assertEqual(self.result("push", topic, "yes", topic), topic)
        self.assertEqual(len(self.server.connections), 2)

    def test_killed(self) -> None:
        """What a killed one had is joined by the other; pending calls say so."""
        one, connection = self.worker()
        self.worker()
        topics = [f"rooms:{number}" for number in range(10)]
        for topic in topics:
            self.subscribe(f"phx.{topic}.", "prefix")
        calls = [self.call("push", topic, "silence", {}, 30) for topic in topics]
        connection.kill()
        [client] = one._bridge.topics.sockets.clients  # type: ignore[union-attr]
        client.stopService()
        self.settle(5)
        for topic in topics:
            self.assertEqual(len(self.server.channels(topic)), 1)
        self.settle(30)
        names = {self.error_of(call).error for call in calls}
        self.assertLessEqual(
            names,
            {
                "phx.error.timeout",
                "phx.error.interrupted",
                ApplicationError.CANCELED,
            },
        )
        one.onClose(False)
        self.settle(5)

    def test_leaves(self) -> None:
        """One that leaves hands its topics over, and its pending calls have moved."""
        one, _ = self.worker()
        topics = [f"rooms:{number}" for number in range(10)]
        for topic in topics:
            self.subscribe(f"phx.{topic}.", "prefix")
        calls = [self.call("push", topic, "silence", {}, 30) for topic in topics]
        self.worker()
        left = one.leave()
        self.settle(5)
        self.successResultOf(left)
        self.assertEqual(len(self.server.connections), 1)
        for topic in topics:
            self.assertEqual(len(self.server.channels(topic)), 1)
        for call in calls:
            self.assertEqual(self.error_of(call).error, "phx.error.moved")
