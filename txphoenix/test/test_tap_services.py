"""Tests of :mod:`txphoenix.tap_services`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from twisted import internet
from twisted.logger import LogEvent, Logger, LogLevel, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from txphoenix import telemetry
from txphoenix.tap_services import CleanExit, LogFilter, LoggedChannel

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

    def setUp(self) -> None:
        """Add a logger to a module of the package."""
        self.events: list[LogEvent] = []
        self.log = Logger(observer=self.events.append)  # type: ignore[arg-type]
        self.observer = self.log.observer
        module = ModuleType("txphoenix.made_up")
        module.__dict__["log"] = self.log
        self.patch(sys, "modules", {**sys.modules, "txphoenix.made_up": module})

    def logged(self) -> list[str]:
        """Log at each level; the levels that came through."""
        self.events.clear()
        for level in LogLevel.iterconstants():
            self.log.emit(level, "text")
        return [event["log_level"].name for event in self.events]

    def test_level(self) -> None:
        """Less severe events are dropped, until the service stops."""
        service = LogFilter("warn")
        self.assertEqual(len(self.logged()), 5)
        service.startService()
        self.assertEqual(self.logged(), ["warn", "error", "critical"])
        service.stopService()
        self.assertEqual(len(self.logged()), 5)
        self.assertIs(self.log.observer, self.observer)

    def test_others_are_left_alone(self) -> None:
        """Loggers of other packages let everything through."""
        log = Logger(observer=self.events.append)  # type: ignore[arg-type]
        module = ModuleType("txphoenix_other")
        module.__dict__["log"] = log
        sys.modules["txphoenix_other"] = module
        service = LogFilter("critical")
        service.startService()
        self.addCleanup(service.stopService)
        log.debug("text")
        self.assertEqual(len(self.events), 1)

    def test_two(self) -> None:
        """The stricter of two filters holds, and each takes away its own."""
        first, second = LogFilter("info"), LogFilter("error")
        first.startService()
        second.startService()
        self.assertEqual(self.logged(), ["error", "critical"])
        second.stopService()
        self.assertEqual(self.logged(), ["info", "warn", "error", "critical"])
        first.stopService()
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
