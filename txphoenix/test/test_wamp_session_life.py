"""How a bridge's session starts, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from autobahn.wamp import message
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import ComponentConfig, SessionDetails
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs, formatEvent

from txphoenix.test.wamp_bridge_case import BridgeCase, told
from txphoenix.test.wamp_router import Connection
from txphoenix.wamp import CONFIGURATION_ERROR, BridgeSession

LOBBY = "rooms:lobby"


class EndTests(BridgeCase):
    """However the session ends, all Phoenix sockets are closed."""

    def setUp(self) -> None:
        """Have a bridge with a topic, and a call that waits."""
        super().setUp()
        self.session, self.connection = self.worker()
        self.subscribe("phx.rooms:lobby.", "prefix")
        self.waiting = self.call("push", LOBBY, "silence", {}, 60)
        self.assertEqual(len(self.server.connections), 1)

    def assert_stopped(self, seconds: float = 1) -> None:
        """Nothing of the bridge is left, and nobody has complained."""
        with capturedLogs() as captured:
            self.settle(seconds)
        self.assertEqual(self.server.connections, [])
        self.assertEqual(told(captured), [])
        self.assertEqual(self.flushLoggedErrors(), [])
        self.ending = self.error_of(self.waiting).error

    def test_connection_lost(self) -> None:
        """The router is gone without a word."""
        self.connection.lose()
        self.assert_stopped()

    def test_goodbye(self) -> None:
        """The router says goodbye."""
        self.connection.deliver(message.Goodbye("wamp.close.system_shutdown"))
        self.router.said_goodbye(self.connection)
        with capturedLogs():
            self.settle(1)
        self.assert_stopped()

    def test_leave(self) -> None:
        """The session leaves; the caller is told that it has moved."""
        self.session.leave()
        self.assert_stopped()
        self.assertEqual(self.ending, "phx.error.moved")

    def test_disconnect(self) -> None:
        """The session closes its connection."""
        self.session.disconnect()
        self.assert_stopped()

    def test_server_gone(self) -> None:
        """The Phoenix server does not answer any more."""
        ended: list[str] = []
        for event in ("leave", "disconnect"):
            self.session.on(event, lambda *_, event=event, **__: ended.append(event))
        self.server.pause()
        self.connection.lose()
        self.settle(1)
        self.assertEqual(ended, ["leave"])
        self.assert_stopped(20)
        self.assertEqual(ended, ["leave", "disconnect"])
        self.server.resume()

    def test_leave_while_the_server_is_gone(self) -> None:
        """It ends in bounded time then, too."""
        self.server.is_listening = False
        self.server.drop()
        self.settle(0.1)
        left = self.session.leave()
        self.assert_stopped(20)
        self.successResultOf(left)

    def test_twice(self) -> None:
        """Who leaves twice leaves once."""
        one, two = self.session.leave(), self.session.leave()
        self.assert_stopped(5)
        self.successResultOf(one)
        self.successResultOf(two)


class AnyMomentTests(BridgeCase):
    """The session ends in the midst of its start, at each single step of it."""

    def end_at_each(self, end: Callable[[BridgeSession, Connection], Any]) -> None:
        """Have bridges end by one way, each one step later than the one before."""
        for steps in range(200):
            extra = {
                "url": self.server.url,
                "topics": [LOBBY],
                "client": {"endpoint": self.server.endpoint},
            }
            session = BridgeSession(
                ComponentConfig(realm="realm1", extra=extra), self.clock
            )
            with capturedLogs() as captured:
                connection = self.router.attach(session)
                is_under_way = True
                for _ in range(steps):
                    is_under_way = self.router.step()
                    self.server.flush()
                end(session, connection)
                self.settle(2)
                connection.lose()
                self.settle(1)
            self.assertEqual(told(captured), [], f"after {steps} steps")
            self.assertEqual(self.server.connections, [], f"after {steps} steps")
            if not is_under_way:
                self.assertGreater(steps, 20)
                return
        self.fail("it never stops to start")

    def test_lost(self) -> None:
        """The connection to the router is lost."""
        self.end_at_each(lambda _session, connection: connection.lose())

    def test_leave(self) -> None:
        """The session leaves."""
        self.end_at_each(lambda session, _connection: session.leave())

    def test_disconnect(self) -> None:
        """The session closes its connection."""
        self.end_at_each(lambda session, _connection: session.disconnect())

    def test_before_its_turn(self) -> None:
        """A session that is gone before its bridge starts does nothing."""
        session = BridgeSession(
            ComponentConfig(realm="realm1", extra={"url": self.server.url}), self.clock
        )
        with capturedLogs() as captured:
            started = Deferred.fromCoroutine(session.onJoin(SessionDetails()))
        self.successResultOf(started)
        self.assertEqual(told(captured), [])


class StartTests(BridgeCase):
    """What keeps a bridge from starting."""

    def start(self, extra: Any) -> tuple[Any, list[str]]:
        """The reason with which it leaves, and what the log says."""
        session = BridgeSession(
            ComponentConfig(realm="realm1", extra=extra), self.clock
        )
        left: list[Any] = []
        session.on("leave", lambda _session, details: left.append(details))
        # Who waits for it to be ready has to hear first that it will not be.
        order: list[str] = []
        for event in ("leave", "ready"):
            session.on(event, lambda *_, event=event: order.append(event))
        with capturedLogs() as captured:
            connection = self.router.attach(session)
            self.settle(5)
        self.assertFalse(connection.isOpen())
        [details] = left
        self.assertEqual(order, ["leave", "ready"])
        lines = [
            formatEvent(event)
            for event in captured
            if event["log_level"] >= LogLevel.warn
        ]
        self.assertEqual(self.server.connections, [])
        return details, lines

    def test_configuration(self) -> None:
        """A wrong extra is one line of the log, and the session leaves."""
        details, [line] = self.start({"url": "ws://x/socket", "tokn": "s3cret"})
        self.assertEqual(details.reason, CONFIGURATION_ERROR)
        self.assertIn("did you mean 'token'", details.message)
        self.assertIn("did you mean 'token'", line)
        self.assertNotIn("s3cret", line)
        _, [line] = self.start(None)
        self.assertIn("url", line)

    def test_strict_realm(self) -> None:
        """A realm that is strict about URIs is named, with what to change."""
        call = self.router.dealer.call

        def strict(connection: Any, received: Any) -> None:
            if ":" in received.procedure:
                connection.refuse(received, ApplicationError.INVALID_URI)
            else:
                call(connection, received)

        with patch.object(self.router.dealer, "call", strict):
            _, [line] = self.start({"url": self.server.url})
        self.assertIn('"uri_check": "loose"', line)
        self.assertIn("realm1", line)

    def test_not_authorized(self) -> None:
        """A router that lets it register nothing is named."""

        def refuse(connection: Any, received: Any) -> None:
            connection.refuse(received, ApplicationError.NOT_AUTHORIZED, "not allowed")

        with patch.object(self.router.dealer, "register", refuse):
            _, [line] = self.start({"url": self.server.url})
        self.assertIn("not allowed", line)

    def test_reason(self) -> None:
        """The reason is one that a supervisor can tell from others."""
        session = BridgeSession(ComponentConfig(realm="realm1", extra={}), self.clock)
        sent: list[Any] = []
        connection = self.router.attach(session)
        send = connection.send

        def spy(sending: Any) -> None:
            sent.append(sending)
            send(sending)

        with patch.object(connection, "send", spy):
            self.settle(1)
        [goodbye] = [it for it in sent if isinstance(it, message.Goodbye)]
        self.assertEqual(goodbye.reason, CONFIGURATION_ERROR)
        self.assertIn("url", goodbye.message)
