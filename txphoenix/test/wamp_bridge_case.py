"""Bridges between a Phoenix server and a WAMP router, both in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from autobahn.twisted.wamp import ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import ComponentConfig, SubscribeOptions
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.test.wamp_router import Connection, WampRouter
from txphoenix.test.wamp_topics_case import People, Room
from txphoenix.testing import MemoryServer
from txphoenix.wamp import BridgeSession, split_uri

_S = TypeVar("_S", bound=ApplicationSession)


def told(captured: Sequence[Any]) -> list[str]:
    """The lines of a captured log that an operator looks at.

    But for refused joins, and Autobahn's own of a session that was closed.
    """
    return [
        formatEvent(event)
        for event in captured
        if event["log_level"] >= LogLevel.warn
        and "the bridge cannot join it" not in formatEvent(event)
        and not formatEvent(event).startswith("session closed")
    ]


class BridgeCase(SynchronousTestCase):
    """A router and a server on one clock, and workers that bridge them.

    :cvar extra: what each bridge is told beside the URL.
    """

    extra: dict[str, Any] = {}

    def setUp(self) -> None:
        """Have a server with rooms, and a router with one user."""

        class OneRoom(Room):
            joins: list[Any] = []

        self.room: type[Room] = OneRoom
        self.server = MemoryServer({"rooms:*": OneRoom, "people:*": People})
        self.clock = self.server.clock
        self.router = WampRouter(self.clock)
        self.addCleanup(self.end)
        self.user, self.user_connection = self.attach(
            ApplicationSession(ComponentConfig(realm="realm1"))
        )

    def end(self) -> None:
        """End all sessions, after which nothing is left on the clock."""
        self.router.stop()
        self.settle(60)
        self.assertEqual(self.router.faults, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def settle(self, seconds: float = 0.0) -> None:
        """Let all get around, and time pass."""
        while True:
            for _ in range(50):
                self.router.pump()
                self.server.flush()
                if not self.router.queues():
                    break
            if seconds <= 0:
                return
            step = min(0.05, seconds)
            self.server.advance(step)
            seconds -= step

    def attach(self, session: _S) -> tuple[_S, Connection]:
        """Have a session join the realm."""
        connection = self.router.attach(session)
        self.settle()
        return session, connection

    def worker(self, **extra: Any) -> tuple[BridgeSession, Connection]:
        """One more bridge, which has become a worker."""
        client = {"endpoint": self.server.endpoint, **extra.pop("client", {})}
        told = {"url": self.server.url, **self.extra, **extra, "client": client}
        session, connection = self.attach(
            BridgeSession(ComponentConfig(realm="realm1", extra=told), self.clock)
        )
        self.settle(1)
        return session, connection

    def subscribe(
        self,
        uri: str,
        match: str = "exact",
        session: ApplicationSession | None = None,
    ) -> tuple[Any, list[tuple[str, str, Any]]]:
        """Subscribe; the subscription, and the list that what is heard goes into."""
        heard: list[tuple[str, str, Any]] = []

        def hear(payload: Any, details: Any) -> None:
            heard.append((*split_uri("phx", details.topic), payload))

        options = SubscribeOptions(match=match, details_arg="details")
        subscribed = (session or self.user).subscribe(hear, uri, options)
        self.settle(1)
        return self.successResultOf(subscribed), heard

    def call(self, procedure: str, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Call a procedure of the bridge as the user, and let all get around."""
        answer: Deferred[Any] = self.user.call(f"phx.{procedure}", *args, **kwargs)
        self.settle()
        return answer

    def result(self, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """The result of a call, which comes within a second."""
        answer = self.call(procedure, *args, **kwargs)
        self.settle(1)
        return self.successResultOf(answer)

    def error(self, procedure: str, *args: Any, **kwargs: Any) -> ApplicationError:
        """The error of a call, which comes within a second."""
        answer = self.call(procedure, *args, **kwargs)
        self.settle(1)
        return self.error_of(answer)

    def error_of(self, answer: Deferred[Any]) -> ApplicationError:
        """The error with which a call has ended."""
        failure = self.failureResultOf(answer, ApplicationError)
        assert isinstance(failure.value, ApplicationError)
        return failure.value

    def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until something is so."""
        for _ in range(1200):
            if condition():
                return
            self.settle(0.1)
        self.fail("it has not come about in two minutes")
