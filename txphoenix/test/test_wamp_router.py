"""The WAMP router in memory does as Crossbar does."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import (
    CallOptions,
    ComponentConfig,
    PublishOptions,
    RegisterOptions,
    SubscribeOptions,
)
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.test.wamp_router import Connection, WampRouter

META = [
    f"wamp.{kind}.{event}"
    for kind, events in {
        "session": ["on_join", "on_leave"],
        "subscription": ["on_create", "on_subscribe", "on_unsubscribe", "on_delete"],
        "registration": ["on_create", "on_register", "on_unregister", "on_delete"],
    }.items()
    for event in events
]


class RouterCase(SynchronousTestCase):
    """A router, and sessions."""

    def setUp(self) -> None:
        """Start a router."""
        self.clock = Clock()
        self.router = WampRouter(self.clock)

    def tearDown(self) -> None:
        """No session has had cause to complain of what it was sent."""
        self.assertEqual(self.router.faults, [])

    def attach(self) -> tuple[ApplicationSession, Connection]:
        """A session that has joined."""
        session = ApplicationSession(ComponentConfig(realm="realm1"))
        connection = self.router.attach(session)
        self.router.pump()
        return session, connection

    def wait(self, deferred: Deferred[Any]) -> Any:
        """What a Deferred fires with, once nothing is under way."""
        self.router.pump()
        return self.successResultOf(deferred)

    def error(self, deferred: Deferred[Any]) -> str:
        """The URI of the error that a Deferred fails with."""
        self.router.pump()
        failure = self.failureResultOf(deferred, ApplicationError)
        assert isinstance(failure.value, ApplicationError)
        return str(failure.value.error)

    def spy(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The list that what the meta API tells goes into."""
        heard: list[tuple[str, tuple[Any, ...]]] = []
        session, _ = self.attach()
        for topic in META:

            def hear(*args: Any, topic: str = topic) -> None:
                heard.append((topic.removeprefix("wamp."), args))

            self.wait(session.subscribe(hear, topic))
        heard.clear()
        return heard


class BrokerTests(RouterCase):
    """Publications."""

    def test_match(self) -> None:
        """Each way to match takes what it should, and details tell the topic."""
        a, _ = self.attach()
        b, _ = self.attach()
        for match, uri, published, is_heard in [
            ("exact", "a.b", "a.b", True),
            ("exact", "a.b", "a.b.c", False),
            ("prefix", "a.b", "a.bc.d", True),
            ("prefix", "a.b", "a", False),
            ("wildcard", "a..c", "a.b.c", True),
            ("wildcard", "a..c", "a.b.c.d", False),
        ]:
            heard: list[Any] = []
            options = SubscribeOptions(match=match)
            one = self.wait(a.subscribe(heard.append, uri, options))
            b.publish(published, {"n": 1})
            self.router.pump()
            self.assertEqual(heard, [{"n": 1}] if is_heard else [], (match, published))
            self.wait(one.unsubscribe())
            b.publish(published, {"n": 1})
            self.router.pump()
            self.assertEqual(len(heard), is_heard)

    def test_exclude_me(self) -> None:
        """A publisher hears what it has published only if it asks for that."""
        a, _ = self.attach()
        heard: list[Any] = []
        self.wait(a.subscribe(heard.append, "a"))
        self.wait(a.publish("a", 1, options=PublishOptions(acknowledge=True)))
        self.assertEqual(heard, [])
        options = PublishOptions(acknowledge=True, exclude_me=False)
        self.wait(a.publish("a", 2, options=options))
        self.assertEqual(heard, [2])

    def test_bytes(self) -> None:
        """Payloads of bytes stay bytes."""
        a, _ = self.attach()
        b, _ = self.attach()
        heard: list[Any] = []
        self.wait(a.subscribe(heard.append, "a"))
        b.publish("a", b"\x00\xff")
        self.router.pump()
        self.assertEqual(heard, [b"\x00\xff"])


class DealerTests(RouterCase):
    """Calls."""

    def test_single(self) -> None:
        """A procedure is registered once, and again when it is free."""
        a, _ = self.attach()
        b, _ = self.attach()
        one = self.wait(a.register(lambda x: x + 1, "p"))
        self.assertEqual(self.wait(b.call("p", 1)), 2)
        self.assertEqual(
            self.error(b.register(str, "p")), "wamp.error.procedure_already_exists"
        )
        self.wait(one.unregister())
        self.assertEqual(self.error(b.call("p", 1)), "wamp.error.no_such_procedure")
        self.wait(b.register(str, "p"))
        self.assertEqual(self.wait(a.call("p", 1)), "1")

    def test_roundrobin(self) -> None:
        """Calls of a shared procedure go to each in turn."""
        options = RegisterOptions(invoke="roundrobin")
        for name in "ab":
            session, _ = self.attach()
            self.wait(session.register(lambda name=name: name, "p", options=options))
        caller, _ = self.attach()
        self.assertEqual([self.wait(caller.call("p")) for _ in range(3)], list("aba"))
        self.assertEqual(
            self.error(caller.register(str, "p")),
            "wamp.error.procedure_exists_with_different_invocation_policy",
        )

    def test_errors(self) -> None:
        """An error of the callee has its URI, arguments and keywords."""
        a, _ = self.attach()

        def fail() -> None:
            raise ApplicationError("my.error", "said", status="error")

        self.wait(a.register(fail, "p"))
        deferred = a.call("p")
        self.router.pump()
        error = self.failureResultOf(deferred, ApplicationError).value
        self.assertEqual(
            (error.error, error.args, error.kwargs),
            ("my.error", ("said",), {"status": "error"}),
        )

    def test_cancel(self) -> None:
        """A cancelled call is cancelled where it is answered."""
        a, _ = self.attach()
        b, _ = self.attach()
        cancelled: list[Any] = []
        self.wait(a.register(lambda: Deferred(cancelled.append), "p"))
        deferred = b.call("p")
        self.router.pump()
        deferred.cancel()
        self.router.pump()
        self.failureResultOf(deferred)
        self.assertEqual(len(cancelled), 1)

    def test_timeout(self) -> None:
        """A call's timeout is the router's, and cancels it at both ends."""
        a, _ = self.attach()
        b, _ = self.attach()
        cancelled: list[Any] = []
        self.wait(a.register(lambda: Deferred(cancelled.append), "p"))
        deferred = b.call("p", options=CallOptions(timeout=2))
        self.router.pump()
        self.clock.advance(2)
        self.assertEqual(self.error(deferred), "wamp.error.canceled")
        self.assertEqual(len(cancelled), 1)

    def test_dead_callee(self) -> None:
        """A call whose callee dies fails; one whose caller dies is cancelled."""
        for is_callee in (True, False):
            a, callee = self.attach()
            b, caller = self.attach()
            cancelled: list[Any] = []
            self.wait(
                a.register(lambda c=cancelled: Deferred(c.append), f"p{is_callee}")
            )
            deferred = b.call(f"p{is_callee}")
            self.router.pump()
            (callee if is_callee else caller).kill()
            self.router.pump()
            if is_callee:
                self.assertEqual(self.error(deferred), "wamp.error.canceled")
            else:
                self.assertEqual(len(cancelled), 1)

    def test_answered_twice(self) -> None:
        """A cancelled call whose callee dies is answered twice, which ends its caller.

        So Crossbar 26.10.1 and Autobahn do, of which this is no praise.
        """
        a, callee = self.attach()
        b, caller = self.attach()
        self.wait(a.register(Deferred, "p"))
        deferred = b.call("p")
        self.router.pump()
        callee.kill(is_seen=False)
        deferred.cancel()
        self.router.pump()
        self.failureResultOf(deferred)
        self.assertTrue(caller.isOpen())
        callee.vanish()
        self.router.pump()
        self.assertFalse(caller.isOpen())
        self.assertEqual(len(self.router.faults), 1)
        self.router.faults.clear()


class MetaTests(RouterCase):
    """The meta API, as a spy at Crossbar 26.10.1 has written it down."""

    def test_events(self) -> None:
        """What is told, in order, when somebody subscribes, registers and stops."""
        heard = self.spy()
        a, connection = self.attach()
        number = connection.session_number
        sub = self.wait(a.subscribe(str, "t", SubscribeOptions(match="prefix")))
        reg = self.wait(a.register(str, "p"))
        self.wait(sub.unsubscribe())
        self.wait(reg.unregister())
        a.leave()
        self.router.pump()
        self.assertEqual(
            [(event, args[0]) for event, args in heard[1:]],
            [
                ("subscription.on_create", number),
                ("subscription.on_subscribe", number),
                ("registration.on_create", number),
                ("registration.on_register", number),
                ("subscription.on_unsubscribe", number),
                ("subscription.on_delete", number),
                ("registration.on_unregister", number),
                ("registration.on_delete", number),
                ("session.on_leave", number),
            ],
        )
        self.assertEqual(heard[0][0], "session.on_join")
        self.assertEqual(heard[1][1][1]["uri"], "t")
        self.assertEqual(heard[2][1], (number, sub.id))

    def test_death(self) -> None:
        """Of a death the leaving is told first, and the rest without its ID."""
        heard = self.spy()
        a, connection = self.attach()
        sub = self.wait(a.subscribe(str, "t"))
        reg = self.wait(a.register(str, "p"))
        heard.clear()
        connection.kill()
        self.router.pump()
        self.assertEqual(
            heard,
            [
                ("session.on_leave", (connection.session_number,)),
                ("subscription.on_unsubscribe", (None, sub.id)),
                ("subscription.on_delete", (None, sub.id)),
                ("registration.on_unregister", (None, reg.id)),
                ("registration.on_delete", (None, reg.id)),
            ],
        )

    def test_goodbye(self) -> None:
        """A session that leaves is told of in the same order, and as namelessly."""
        heard = self.spy()
        a, connection = self.attach()
        sub = self.wait(a.subscribe(str, "t"))
        heard.clear()
        a.leave()
        self.router.pump()
        self.assertEqual(
            heard,
            [
                ("session.on_leave", (connection.session_number,)),
                ("subscription.on_unsubscribe", (None, sub.id)),
                ("subscription.on_delete", (None, sub.id)),
            ],
        )

    def test_shared_variable(self) -> None:
        """At a death deletions are told of all subscriptions, or of none of them."""
        seen = set()
        for seed in range(8):
            self.router = WampRouter(self.clock, seed)
            heard = self.spy()
            a, connection = self.attach()
            b, _ = self.attach()
            for session, topics in ((a, "xy"), (b, "y")):
                for topic in topics:
                    self.wait(session.subscribe(str, topic))
            heard.clear()
            connection.kill()
            self.router.pump()
            deleted = [event for event, _ in heard if event.endswith("on_delete")]
            seen.add(len(deleted))
        self.assertEqual(seen, {0, 2})

    def test_lists(self) -> None:
        """Lists leave wildcards out, unless those of one session are asked for."""
        a, connection = self.attach()
        ids = [
            self.wait(a.subscribe(str, "a..b", SubscribeOptions(match=match))).id
            for match in ("prefix", "wildcard")
        ]
        self.assertEqual(
            self.wait(a.call("wamp.subscription.list")),
            {"exact": [], "prefix": ids[:1], "wildcard": []},
        )
        self.assertEqual(
            self.wait(a.call("wamp.subscription.list", connection.session_number)),
            {"exact": [], "prefix": ids[:1], "wildcard": ids[1:]},
        )
        got = self.wait(a.call("wamp.subscription.get", ids[1]))
        self.assertEqual((got["uri"], got["match"]), ("a..b", "wildcard"))
        self.assertEqual(
            self.error(a.call("wamp.subscription.get", 5)),
            "wamp.error.no_such_subscription",
        )
        reg = self.wait(a.register(str, "p"))
        self.assertEqual(self.wait(a.call("wamp.registration.lookup", "p")), reg.id)
        self.assertEqual(
            self.wait(a.call("wamp.registration.list_callees", reg.id)),
            [connection.session_number],
        )
        self.assertEqual(
            self.error(a.call("wamp.registration.list_callees", 5)),
            "wamp.error.no_such_registration",
        )
