"""Twisted's log in a program that is asyncio's: it goes to Python's :mod:`logging`.

Each namespace of Twisted's log is the logger of that name: ``txphoenix.connection``,
``twisted.internet.protocol``.
"""

from __future__ import annotations

import logging
import warnings

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    formatEvent,
    globalLogBeginner,
)
from zope.interface import implementer

__all__ = ["PythonLog", "begin_logging"]

_LEVELS = {
    LogLevel.debug: logging.DEBUG,
    LogLevel.info: logging.INFO,
    LogLevel.warn: logging.WARNING,
    LogLevel.error: logging.ERROR,
    LogLevel.critical: logging.CRITICAL,
}


@implementer(ILogObserver)
class PythonLog:
    """Gives each event of Twisted's log to the Python logger of its namespace."""

    def __call__(self, event: LogEvent) -> None:
        """Take an event."""
        level = _LEVELS.get(event.get("log_level", LogLevel.info), logging.INFO)
        logger = logging.getLogger(event.get("log_namespace") or "twisted")
        if not logger.isEnabledFor(level):
            return
        failure = event.get("log_failure")
        error = failure and (failure.type, failure.value, failure.getTracebackObject())
        text = formatEvent(event) or (failure.getErrorMessage() if failure else "")
        record = logger.makeRecord(
            logger.name, level, "(Twisted's log)", 0, text, (), error or None
        )
        if failure is not None:
            # What is logged may be what a server has sent, and this text is legible.
            record.exc_text = failure.getTraceback().rstrip()
        logger.handle(record)


def begin_logging() -> None:
    """Have Twisted's log go to Python's, unless somebody has begun it otherwise."""
    if getattr(globalLogBeginner, "_temporaryObserver", None) is None:
        return
    # Python's warnings go where they went.
    shown = warnings.showwarning
    globalLogBeginner.beginLoggingTo([PythonLog()], redirectStandardIO=False)
    warnings.showwarning = shown
