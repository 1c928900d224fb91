"""Tests of :mod:`txphoenix.runtime.package_log`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from twisted.logger import (
    LogEvent,
    Logger,
    LogLevel,
    eventAsText,
    formatEvent,
    globalLogPublisher,
)
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

import txphoenix
from txphoenix.runtime.package_log import PackageLog, _line, package_log

from .extra import needs
from .mute import Mute, MuteError


def module_names() -> Iterator[str]:
    """The modules of the package, without its tests and without its program."""
    for module in walk_packages(txphoenix.__path__, "txphoenix."):
        if not module.name.startswith(("txphoenix.test.", "txphoenix.__main__")):
            yield module.name


def loggers(name: str) -> Iterator[Logger]:
    """The loggers of a module and of its classes."""
    values = list(vars(import_module(name)).values())
    for value in values:
        attributes = vars(value).values() if isinstance(value, type) else ()
        for found in (value, *attributes):
            if isinstance(found, Logger) and found.namespace.startswith("txphoenix"):
                yield found


class PackageLogTests(SynchronousTestCase):
    """:class:`PackageLog`."""

    def setUp(self) -> None:
        """A log that a list stands behind."""
        self.events: list[LogEvent] = []
        self.package_log = PackageLog(self.events.append)  # type: ignore[arg-type]
        self.log = Logger("any", observer=self.package_log)

    def logged(self) -> list[str]:
        """Log at each level; the levels that came through."""
        self.events.clear()
        for level in LogLevel.iterconstants():
            self.log.emit(level, "text")
        return [event["log_level"].name for event in self.events]

    def test_all(self) -> None:
        """By itself it passes everything on, as it is."""
        self.log.info("{n} of them", n=3)
        [event] = self.events
        self.assertEqual((event["log_namespace"], event["n"]), ("any", 3))
        self.assertEqual(len(self.logged()), 5)

    def test_legible(self) -> None:
        """A line is of bounded length and without controls; the fields are kept."""
        words = "\x1b[2J\n\u202e" + "x" * 48_000
        self.log.info("{topic!r}: {words}", topic="a", words=words)
        [event] = self.events
        text = formatEvent(event)
        self.assertTrue(text.isprintable())
        self.assertEqual(text[:23], "'a': \\x1b[2J\\n\\u202exxx")
        self.assertLess(len(text), 1100)
        self.assertTrue(text.endswith("... (48011 characters)"))
        self.assertIs(event["words"], words)
        self.log.info("{words}", words="x" * 48_000)
        self.log.info("{words}", words="a\x1bb")
        long, short = map(formatEvent, self.events[1:])
        self.assertEqual(len(long), 1000 + len("... (48000 characters)"))
        self.assertEqual(short, "a\\x1bb")

    def test_long_names(self) -> None:
        """A long topic, or name of a client, leaves room for what is said of it."""
        name = "n" * 3000
        self.log.warn("{client}: is lost", client=name)
        self.log.warn("{topic}: is left, {client}", topic=name, client="c")
        lost, left = map(formatEvent, self.events)
        self.assertEqual(lost, f"{name[:200]}... (3000 characters): is lost")
        self.assertEqual(left, f"{name[:200]}... (3000 characters): is left, c")
        self.assertEqual(self.events[0]["client"], name)

    def test_formats(self) -> None:
        """Whatever the format, the line is the one that Twisted makes of it."""
        fields = {"a": "it", "b": 2, "c": 1.5, "d": ["x"], "e": LogLevel.info}
        for text in (
            "",
            "nothing",
            "{a}: {a!r}, {b}{c} {d!r}{e}",
            "{{a}} {a}",
            "{c:.3f}",
            "{d[0]}",
            "{a.__class__}",
            "{missing}",
            "{a!s}",
            "{",
            "a } b",
            "{a()}",
            7,
            ["{a}"],
            None,
        ):
            event: Any = {**fields, "log_format": text}
            self.assertEqual(_line(event), formatEvent(event))
        self.assertEqual(_line({}), formatEvent({}))

    def test_untouched(self) -> None:
        """An event that is fine is passed on as it is."""
        self.log.info("a {b}", b=1)
        [event] = self.events
        self.assertEqual(event["log_format"], "a {b}")

    def test_values_that_raise(self) -> None:
        """What cannot be shown is named, and the rest of the line is there."""
        self.log.info("{a!r} and {b}, {c:.1f}", a=Mute(), b=MuteError("x"), c=1.0)
        [event] = self.events
        self.assertEqual(formatEvent(event), "<Mute object> and MuteError, 1.0")

    def test_failures(self) -> None:
        """The traceback of a failure is legible too, and the failure is the same."""
        failure = Failure(ValueError("\x1b[2J\n\x9b" + "x" * 48_000))
        self.log.failure("it raised", failure)
        [event] = self.events
        lines = eventAsText(event).split("\n")
        self.assertTrue(all(line.isprintable() for line in lines))
        self.assertLess(max(map(len, lines)), 1100)
        self.assertIn("ValueError: \\x1b[2J", "\n".join(lines))
        logged = event["log_failure"]
        self.assertIs(logged.value, failure.value)
        self.assertIs(logged.check(ValueError), ValueError)

    def test_common_failures(self) -> None:
        """A failure that is fine is passed on as it is."""
        failure = Failure(ValueError("no"))
        self.log.failure("it raised", failure)
        self.assertIs(self.events[0]["log_failure"], failure)

    def test_drop(self) -> None:
        """What is below a level is dropped, until it is taken back."""
        stop = self.package_log.drop_below(LogLevel.warn)
        self.assertEqual(self.logged(), ["warn", "error", "critical"])
        stop()
        self.assertEqual(len(self.logged()), 5)

    def test_several(self) -> None:
        """The highest level holds, and each taker takes back its own, once."""
        stops = [
            self.package_log.drop_below(level)
            for level in (LogLevel.info, LogLevel.error, LogLevel.info)
        ]
        self.assertEqual(self.logged(), ["error", "critical"])
        stops[0]()
        stops[0]()
        self.assertEqual(self.logged(), ["error", "critical"])
        stops[1]()
        self.assertEqual(self.logged()[0], "info")
        stops[2]()
        self.assertEqual(len(self.logged()), 5)

    @needs("prompt_toolkit", "prometheus_client", "opentelemetry")
    def test_used_by_all(self) -> None:
        """Every logger of the package writes to it, and it writes to Twisted's log."""
        names = list(module_names())
        self.assertIn("txphoenix.transports.longpoll", names)
        found = [logger for name in names for logger in loggers(name)]
        self.assertGreater(len(found), 15)
        others = {it.namespace for it in found if it.observer is not package_log}
        self.assertEqual(others, set(), "these need Logger(observer=package_log)")
        self.assertIs(package_log._observer, globalLogPublisher)
        self.assertNotIn("txphoenix.__main__", sys.modules)
