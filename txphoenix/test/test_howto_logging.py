"""What ``docs/howto-logging.rst`` shows is what programs print."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from io import StringIO
from typing import Any
from unittest import mock

from twisted.logger import Logger, LogLevel, globalLogBeginner, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase, TestCase

from .cli_program import ROOT, start_program
from .test_howtos import DOCS, NOT_THERE, blocks

PROGRAM = ROOT / "examples" / "outage_log.py"


def without_numbers(text: str) -> list[str]:
    """The lines without what is different in each run."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", "TIME", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", text)
    text = re.sub(r"\b[\d.]+(e-\d+)? (s|min)\b", "SO LONG", text)
    return re.sub(r"attempts: \d+", "attempts: N", text).splitlines()


class OutageTests(TestCase):
    """The program of which the page has the output."""

    timeout = 120
    skip = NOT_THERE if NOT_THERE or PROGRAM.exists() else "without its examples"

    async def test_printed(self) -> None:
        """It prints what the page has, but for the reminders of a longer outage."""
        program = start_program(self, os.fspath(PROGRAM), "--down", "0.5")
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        shown = without_numbers((DOCS / "outage-log.txt").read_text("utf-8"))
        reminders = [line for line in shown if "no connection since" in line]
        self.assertEqual(len(reminders), 1)
        shown.remove(reminders[0])
        self.assertEqual(without_numbers(program.out.text), shown)

    async def test_json(self) -> None:
        """Of a thousand channels it prints as few lines, here as JSON."""
        arguments = ("--down", "0.1", "--channels", "1000", "--json")
        program = start_program(self, os.fspath(PROGRAM), *arguments)
        self.assertEqual((await program.ended, program.err.text), (0, ""))
        events = [json.loads(line) for line in program.out.text.splitlines()]
        self.assertEqual(len(events), 5)
        self.assertEqual({event["client"] for event in events}, {"chat"})
        self.assertEqual((events[-1]["joined"], events[-1]["channels"]), (1000, 1000))


class PiecesTests(SynchronousTestCase):
    """The pieces of Python on the page."""

    skip = NOT_THERE

    def run_pieces(self) -> tuple[dict[str, Any], list[Any], StringIO]:
        """Run all of them.

        :return: their names, the observers they have begun to log to, what is printed.
        """
        begun: list[Any] = []

        def begin(observers: Any, **_options: Any) -> None:
            begun.extend(observers)

        out = StringIO()
        self.patch(sys, "stdout", out)
        names: dict[str, Any] = {}
        with (
            mock.patch.object(globalLogBeginner, "beginLoggingTo", begin),
            mock.patch.object(globalLogPublisher, "addObserver", begun.append),
        ):
            for block in blocks("howto-logging", "python"):
                exec(block.text, names)
        return names, begun, out

    def say(self, observer: Any) -> None:
        """Log at two levels in three namespaces."""
        for namespace in ("txphoenix.client", "txphoenix.channels", "other"):
            log = Logger(namespace, observer=observer)
            log.info("{namespace} info", namespace=namespace)
            log.warn("{namespace} warn", namespace=namespace)

    def test_filter(self) -> None:
        """The first passes on what its levels say."""
        _, (filtered, _), out = self.run_pieces()
        self.say(filtered)
        said = re.findall(r"\] (.*)", out.getvalue())
        self.assertEqual(
            said,
            [
                "txphoenix.client info",
                "txphoenix.client warn",
                "txphoenix.channels warn",
                "other info",
                "other warn",
            ],
        )

    def test_json(self) -> None:
        """The second writes a line of JSON for each."""
        names, _, out = self.run_pieces()
        self.say(names["as_json"])
        events = [json.loads(line) for line in out.getvalue().splitlines()]
        self.assertEqual(len(events), 6)
        self.assertEqual(events[0]["namespace"], "txphoenix.client")

    def test_journald(self) -> None:
        """The third begins each line with its priority."""
        names, _, out = self.run_pieces()
        log = Logger("txphoenix.client", observer=names["for_journald"])
        for level in LogLevel.iterconstants():
            log.emit(level, "said")
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            log.failure("raised", level=LogLevel.error)
        lines = out.getvalue().splitlines()
        self.assertEqual(
            lines[:6],
            ["<7>said", "<6>said", "<4>said", "<3>said", "<2>said", "<3>raised"],
        )
        self.assertEqual({line[:3] for line in lines[6:]}, {"<3>"})

    def test_logging(self) -> None:
        """The last hands on to Python's, by namespace."""
        logger = logging.getLogger("txphoenix")
        self.addCleanup(logger.setLevel, logger.level)
        _, (_, handed_on), _ = self.run_pieces()
        with self.assertLogs(level="INFO") as records:
            self.say(handed_on)
        self.assertEqual(
            [(each.name, each.levelname) for each in records.records],
            [
                ("txphoenix.client", "WARNING"),
                ("txphoenix.channels", "WARNING"),
                ("other", "INFO"),
                ("other", "WARNING"),
            ],
        )
