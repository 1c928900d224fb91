"""What the integrations log of faults that no other test has a reason to make."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from autobahn.wamp.exception import ApplicationError
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from txphoenix.wamp.repeating import Repeating

from .extra import why_skipped
from .test_wamp_publisher import PublishCase
from .wamp_bridge_case import BridgeCase

NO_METRICS = why_skipped("prometheus_client")

if NO_METRICS is None:
    from txphoenix.metrics import MetricsExporter, MetricsService
    from txphoenix.metrics.site import _Answer


class MetricsTests(SynchronousTestCase):
    """Serving metrics, without a network."""

    skip = NO_METRICS

    def service(self, reactor: Any) -> MetricsService:
        """One of a registry of its own."""
        from prometheus_client import CollectorRegistry

        exporter = MetricsExporter(CollectorRegistry())
        return MetricsService(9464, exporter, reactor=reactor)

    def test_served(self) -> None:
        """Where they are served is told."""
        service = self.service(MemoryReactorClock())
        service.startService()
        service.stopService()

    def test_not_served(self) -> None:
        """A port that is taken is told, once, as an error."""
        reactor: Any = MemoryReactorClock()
        taken = CannotListenError("127.0.0.1", 9464, OSError(98, "in use"))
        with (
            patch.object(reactor, "listenTCP", side_effect=taken),
            capturedLogs() as captured,
            self.assertRaisesRegex(Exception, "in use"),
        ):
            self.service(reactor).startService()
        [event] = captured
        self.assertEqual(
            formatEvent(event),
            "metrics cannot be served at tcp:9464:interface=127.0.0.1: in use",
        )

    def test_collector(self) -> None:
        """A collector that raises is an error with its traceback."""
        from twisted.web.test.requesthelper import DummyRequest

        request: Any = DummyRequest([b"metrics"])
        _Answer(request).end(Failure(ZeroDivisionError()))
        self.assertEqual(request.responseCode, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class FleetTests(SynchronousTestCase):
    """Faults of what is done again and again."""

    def test_backoff(self) -> None:
        """A backoff that raises ends a run, and the next one is as ever."""
        runs = []

        async def run() -> None:
            runs.append(1)
            raise ApplicationError("a.b", "no")

        def backoff(_failures: int) -> float:
            raise ZeroDivisionError

        repeating = Repeating(Clock(), run, backoff)
        repeating.ask()
        repeating.ask()
        self.assertEqual(len(runs), 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)


class BridgeTests(BridgeCase):
    """Faults of a bridge."""

    def test_leave(self) -> None:
        """A topic that cannot be left is told, and the session leaves all the same."""
        session, connection = self.worker()
        self.subscribe("phx.rooms:lobby.", "prefix")
        bridge = session._bridge
        assert bridge is not None
        drop = bridge.topics.drop

        async def raises(topic: str, why: Exception) -> None:
            await drop(topic, why)
            raise ZeroDivisionError

        with patch.object(bridge.topics, "drop", raises):
            session.leave()
            self.settle(20)
        self.assertFalse(connection.isOpen())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class PublisherTests(PublishCase):
    """Faults of publishing, and what many topics have to say at once."""

    def test_catch_up(self) -> None:
        """What raises while the queue is read is told."""
        taken: Deferred[None] = Deferred()
        with (
            patch.object(type(self.publisher), "is_writable", False),
            patch.object(self.publisher, "when_writable", return_value=taken),
        ):
            self.send("one", 1)
        self.send("two", 2)
        with patch.object(self.publisher, "publish", side_effect=ZeroDivisionError):
            taken.callback(None)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_many_topics(self) -> None:
        """A server that refuses a thousand topics is some lines, with their number."""
        self.room.refusal = {"reason": "full"}
        with capturedLogs() as captured:
            for number in range(1000):
                self.refused(self.topics.take(f"rooms:{number}"))
        lines = [
            formatEvent(event) or ""
            for event in captured
            if event["log_level"] >= LogLevel.warn
        ]
        self.assertLess(len(lines), 25)
        self.assertIn("rooms:0: the bridge cannot join it", lines[0])
        self.assertIn("as with 512 more within a minute", lines[-1])
