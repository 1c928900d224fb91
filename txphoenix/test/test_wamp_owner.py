"""Calls to the one worker that has a topic, past the entry of all."""

from __future__ import annotations

from typing import Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import capturedLogs

from txphoenix.test.wamp_bridge_case import BridgeCase, told
from txphoenix.wamp import topic_uri

LOBBY = "rooms:lobby"
OWNER = "topic.rooms:lobby"
NOBODY = ApplicationError.NO_SUCH_PROCEDURE


class OwnerTests(BridgeCase):
    """``PREFIX.topic.<topic>``."""

    def start(self, topic: str = LOBBY, **extra: Any) -> None:
        """Start a worker, and have it hold a topic."""
        self.worker(**extra)
        self.subscribe(f"phx.{topic}.", "prefix")

    def test_push(self) -> None:
        """A push is answered by what the server said, with whatever payload."""
        self.start()
        for payload in ({"a": 1}, [1], "x", None, b"\x00\xff"):
            self.assertEqual(self.result(OWNER, "push", "yes", payload), payload)
        self.assertEqual(self.result(OWNER, "push", "yes"), {})
        self.assertEqual(self.result(OWNER, "push", "yes", 3, timeout=2), 3)
        named = {"method": "push", "event": "yes", "payload": 3, "timeout": 1.5}
        self.assertEqual(self.result(OWNER, **named), 3)

    def test_presence(self) -> None:
        """Who is present."""
        self.start("people:crew")
        state = self.result("topic.people:crew", "presence")
        self.assertEqual(list(state), ["bridge"])

    def test_escaped(self) -> None:
        """A topic is escaped as in the URIs of its events."""
        topic = "rooms:v1.2 beta"
        self.start("rooms:v1%2E2%20beta")
        uri = topic_uri("phx", topic).removeprefix("phx.")
        self.assertEqual(self.result(uri, "push", "yes", 1), 1)
        self.assertEqual(len(self.server.channels(topic)), 1)

    def test_every_worker(self) -> None:
        """Each topic's owner answers, whoever of them that is."""
        for _ in range(3):
            self.worker()
        topics = [f"rooms:{number}" for number in range(12)]
        for topic in topics:
            self.subscribe(f"phx.{topic}.", "prefix")
        for topic in topics:
            uri = f"topic.{topic}"
            self.assertEqual(self.result(uri, "push", "yes", topic), topic)

    def test_nobody(self) -> None:
        """Where nobody has the topic, that is said, and it is joined for nobody."""
        self.worker()
        self.assertEqual(self.error(OWNER, "push", "yes").error, NOBODY)
        self.assertEqual(self.room.joins, [])
        self.assertEqual(self.result("push", LOBBY, "yes", 1), 1)
        self.assertEqual(self.result(OWNER, "push", "yes", 2), 2)

    def test_kept(self) -> None:
        """Calls of the owner keep a topic as those of the entry do, and no longer."""
        self.worker(idle=5)
        self.result("push", LOBBY, "yes")
        for _ in range(3):
            self.settle(3)
            self.result(OWNER, "push", "yes")
        self.settle(3)
        self.assertEqual(len(self.server.channels(LOBBY)), 1)
        self.settle(4)
        self.assertEqual(self.server.channels(LOBBY), [])
        self.assertEqual(self.error(OWNER, "push", "yes").error, NOBODY)
        self.assertEqual(len(self.room.joins), 1)

    def test_before_the_join(self) -> None:
        """A call that comes while the topic is being joined waits for that."""
        self.worker()
        self.room.holds = Deferred()
        self.subscribe(f"phx.{LOBBY}.", "prefix")
        call = self.call(OWNER, "push", "yes", 1)
        self.assertNoResult(call)
        self.room.holds.callback(None)
        self.settle()
        self.assertEqual(self.successResultOf(call), 1)

    def test_errors(self) -> None:
        """They are those of the entry."""
        self.start(max_payload=50)
        error = self.error(OWNER, "push", "no", {"reason": "bad"})
        self.assertEqual(error.error, "phx.error.refused")
        self.assertEqual(list(error.args), ["error", {"reason": "bad"}])
        self.assertEqual((error.kwargs["topic"], error.kwargs["event"]), (LOBBY, "no"))
        error = self.error(OWNER, "push", "yes", "x" * 60)
        self.assertEqual(error.error, "phx.error.too_large")
        error = self.error(OWNER, "push", "yes", {"a": b"nested"})
        self.assertEqual(error.error, "phx.error.invalid_argument")

    def test_refused_join(self) -> None:
        """A topic whose join is refused has an owner, which says so."""
        self.room.refusal = {"reason": "full"}
        with capturedLogs():
            self.start()
            error = self.error(OWNER, "push", "yes")
        self.assertEqual(error.error, "phx.error.join_refused")
        self.assertEqual(list(error.args), [{"reason": "full"}])

    def test_wrong_arguments(self) -> None:
        """Each wrong argument is named in one line, and nothing is pushed."""
        self.start()
        wrong: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
            ("method", (), {}),
            ("'push' or 'presence', not 'pull'", ("pull",), {}),
            ("'push' or 'presence', not None", (None,), {}),
            ("'push' or 'presence', not ['push']", (["push"],), {}),
            ("event must be a string, not None", ("push",), {}),
            ("event must be a string, not 7", ("push", 7), {}),
            ("timeout must be more than 0", ("push", "yes", {}, 0), {}),
            ("timeout must be more than 0", ("push", "yes", {}, True), {}),
            ("timeout must be more than 0", ("push", "yes"), {"timeout": "1"}),
            ("too many", ("push", "yes", {}, 1, "more"), {}),
            ("paylod", ("push", "yes"), {"paylod": 1}),
            ("presence takes no", ("presence", "yes"), {}),
            ("presence takes no", ("presence",), {"payload": {}}),
            ("presence takes no", ("presence",), {"timeout": 1}),
        ]
        for text, args, kwargs in wrong:
            error = self.error(OWNER, *args, **kwargs)
            self.assertEqual(error.error, "phx.error.invalid_argument", text)
            [said] = error.args
            self.assertIn(text, said)
            self.assertNotIn("\n", said)
        self.assertEqual(self.result(OWNER, "push", "yes", 1), 1)

    def test_timeout(self) -> None:
        """A caller's timeout holds, and else the bridge's own."""
        self.start(timeout=3)
        for more, seconds in (({"timeout": 2}, 2), ({}, 3)):
            call = self.call(OWNER, "push", "silence", **more)
            self.settle(seconds - 0.2)
            self.assertNoResult(call)
            self.settle(0.4)
            error = self.error_of(call)
            self.assertEqual(error.error, "phx.error.timeout")
            self.assertEqual(error.kwargs["topic"], LOBBY)

    def test_cancelled(self) -> None:
        """A call that its caller cancels ends, and the push with it."""
        self.start()
        call = self.call(OWNER, "push", "silence", timeout=60)
        self.settle(1)
        with capturedLogs() as captured:
            call.cancel()
            self.settle(1)
        self.failureResultOf(call, CancelledError, ApplicationError)
        self.assertEqual(told(captured), [])
        self.assertEqual(self.result(OWNER, "push", "yes", 1), 1)

    def test_leaves(self) -> None:
        """When its owner leaves, a call fails as moved, and then another one has it."""
        one, _ = self.worker()
        self.subscribe(f"phx.{LOBBY}.", "prefix")
        call = self.call(OWNER, "push", "silence", timeout=60)
        self.worker()
        left = one.leave()
        self.settle(5)
        self.successResultOf(left)
        self.assertEqual(self.error_of(call).error, "phx.error.moved")
        self.assertEqual(self.result(OWNER, "push", "yes", 1), 1)

    def test_being_left(self) -> None:
        """While its owner leaves it nobody has it: nothing is pushed, and that is said.

        The entry waits for who has it next.
        """
        self.start(idle=0)
        [subscription] = self.user._subscriptions
        self.server.pause()
        self.user._subscriptions[subscription][0].unsubscribe()
        self.settle(0.2)
        call = self.call(OWNER, "push", "yes", timeout=60)
        by_entry = self.call("push", LOBBY, "yes", 7)
        self.settle(0.2)
        error = self.error_of(call)
        self.assertEqual((error.error, error.kwargs["topic"]), (NOBODY, LOBBY))
        self.assertNoResult(by_entry)
        self.server.resume()
        self.settle(2)
        self.assertEqual(self.successResultOf(by_entry), 7)

    def test_killed(self) -> None:
        """When its owner dies, a call ends with what the router says of that."""
        one, connection = self.worker()
        self.subscribe(f"phx.{LOBBY}.", "prefix")
        call = self.call(OWNER, "push", "silence", timeout=60)
        connection.kill()
        [client] = one._bridge.topics.sockets.clients  # type: ignore[union-attr]
        client.stopService()
        self.settle(5)
        self.assertEqual(self.error_of(call).error, ApplicationError.CANCELED)
        one.onClose(False)
        self.settle(5)
