"""Tests of :mod:`txphoenix.service.services`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from twisted import internet
from twisted.logger import LogEvent, Logger, LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import telemetry
from txphoenix.client.connection_log import log as package_logger
from txphoenix.service.services import CleanExit, LogFilter, LoggedChannel

from .support import TOPIC, ClientTestCase


class LoggedChannelTests(ClientTestCase):
    """Messages in the log."""

    def setUp(self) -> None:
        """Observe the channel's logger."""
        super().setUp()
        self.events: list[LogEvent] = []
        self.patch(
            sys.modules[LoggedChannel.__module__],
            "log",
            Logger(observer=self.events.append),  # type: ignore[arg-type]
        )

    def test_message(self) -> None:
        """A message is an event with its topic, event and payload."""
        channel = self.joined_channel(channel_class=LoggedChannel)
        self.events.clear()
        channel.push_async("shout", {"body": "hi"})
        self.memory.flush()
        (event,) = self.events
        self.assertEqual(event["log_level"], LogLevel.info)
        self.assertEqual(
            (event["topic"], event["event"], event["payload"]),
            (TOPIC, "shouted", {"body": "hi"}),
        )
        self.assertEqual(formatEvent(event), f"{TOPIC}: shouted {{'body': 'hi'}}")

    def test_life(self) -> None:
        """A join with its response and an end with its reason are events as well."""
        channel = self.joined_channel(channel_class=LoggedChannel, params={"a": 1})
        channel.stop()
        joined, closed = self.events
        self.assertEqual(formatEvent(joined), f"{TOPIC}: joined")
        self.assertEqual(joined["response"], {"a": 1})
        self.assertEqual(formatEvent(closed), f"{TOPIC}: closed: stopped")


class LogFilterTests(SynchronousTestCase):
    """The least level."""

    def logged(self, log: Logger = package_logger) -> list[str]:
        """Log at each level; the levels that came through."""
        with capturedLogs() as events:
            for level in LogLevel.iterconstants():
                log.emit(level, "text")
        return [event["log_level"].name for event in events]

    def started(self, level: str) -> LogFilter:
        """A filter that is started, and stops at the latest with the test."""
        service = LogFilter(level)
        service.startService()
        self.addCleanup(service.stopService)
        return service

    def test_level(self) -> None:
        """Less severe events are dropped, until the service stops."""
        self.assertEqual(len(self.logged()), 5)
        service = self.started("warn")
        self.assertEqual(self.logged(), ["warn", "error", "critical"])
        service.stopService()
        self.assertEqual(len(self.logged()), 5)

    def test_others_are_left_alone(self) -> None:
        """Loggers of other packages let everything through."""
        self.started("critical")
        self.assertEqual(len(self.logged(Logger("txphoenix_other"))), 5)

    def test_two(self) -> None:
        """The stricter of two filters holds, in whatever order they stop."""
        for least, last in ((0, 1), (1, 0)):
            services = [self.started("info"), self.started("error")]
            self.assertEqual(self.logged(), ["error", "critical"])
            services[least].stopService()
            left = ["error", "critical"] if least == 0 else ["info", "warn"]
            self.assertEqual(self.logged()[:2], left)
            services[last].stopService()
            self.assertEqual(len(self.logged()), 5)

    def handlers(self) -> int:
        """How many telemetry handlers there are."""
        return len(telemetry.list_handlers())

    def test_debug(self) -> None:
        """With debug, each event of telemetry is logged, until the service stops."""
        before = self.handlers()
        other = LogFilter("info")
        other.startService()
        self.addCleanup(other.stopService)
        self.assertEqual(self.handlers(), before)
        service = LogFilter("debug")
        service.startService()
        self.assertGreater(self.handlers(), before)
        service.stopService()
        self.assertEqual(self.handlers(), before)

    def test_debug_twice(self) -> None:
        """A debug handler that somebody else has attached stays with them."""
        telemetry.attach_debug_handler()
        attached = self.handlers()
        service = LogFilter("debug")
        service.startService()
        service.stopService()
        self.assertEqual(self.handlers(), attached)
        telemetry.detach_debug_handler()


class FakeReactor:
    """A reactor that runs when it is told to."""

    def __init__(self) -> None:
        self.starting: list[Callable[[], object]] = []
        self.called: list[Callable[[], object]] = []

    def callWhenRunning(self, function: Callable[[], object]) -> None:
        """Keep what to call."""
        self.starting.append(function)

    def callFromThread(self, function: Callable[[], object]) -> None:
        """Keep what to call."""
        self.called.append(function)

    def stop(self) -> None:
        """Stop."""


class CleanExitTests(SynchronousTestCase):
    """SIGTERM."""

    def setUp(self) -> None:
        """Take the place of the reactor and of the system."""
        # There is one to replace as soon as somebody imports it.
        from twisted.internet import reactor  # noqa: F401

        self.reactor = FakeReactor()
        self.patch(internet, "reactor", self.reactor)
        self.handlers: dict[int, Any] = {}
        self.patch(
            sys.modules[CleanExit.__module__],
            "signal",
            SimpleNamespace(SIGTERM=signal.SIGTERM, signal=self.handlers.__setitem__),
        )

    def test_signal(self) -> None:
        """Once the reactor runs, SIGTERM stops it in its turn."""
        CleanExit().startService()
        self.assertEqual(self.handlers, {})
        (run,) = self.reactor.starting
        run()
        self.handlers[signal.SIGTERM](signal.SIGTERM, None)
        self.assertEqual(self.reactor.called, [self.reactor.stop])

    def test_stopped_before(self) -> None:
        """A service that was stopped before the reactor ran takes no signal."""
        service = CleanExit()
        service.startService()
        service.stopService()
        (run,) = self.reactor.starting
        run()
        self.assertEqual(self.handlers, {})
