"""What tests of whole logs share: all that is logged, by whomever, line by line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.logger import LogEvent, LogLevel, formatEvent

__all__ = ["told", "told_by_others", "whole_log"]

# What Twisted says of the servers of tests, which no client has any part in.
_OF_SERVERS = ("Site (", "(TCP Port ", "(TLS Port ", "(Port ")


def whole_log(
    captured: Iterable[LogEvent], least: Any = LogLevel.info
) -> list[LogEvent]:
    """All events of at least a level, whatever the namespace.

    Those that Twisted logs of a server's port, in the process of the test, are left
    out, and nothing else.
    """
    return [
        event
        for event in captured
        if event.get("log_level", LogLevel.info) >= least
        and not formatEvent(event).startswith(_OF_SERVERS)
        and event.get("log_namespace") != "twisted.python.log"
        and formatEvent(event)
    ]


def told(captured: Iterable[LogEvent], least: Any = LogLevel.info) -> list[str]:
    """The lines of all that is logged, each with its level."""
    return [
        f"{event['log_level'].name}: {formatEvent(event)}"
        for event in whole_log(captured, least)
    ]


def told_by_others(captured: Iterable[LogEvent]) -> list[LogEvent]:
    """All events, of any level, that are not in a namespace of the library's."""
    return [
        event
        for event in whole_log(captured, LogLevel.debug)
        if not event.get("log_namespace", "").startswith("txphoenix")
    ]
