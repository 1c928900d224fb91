"""The log of the whole package, which can be turned down.

All that txphoenix logs goes to Twisted's log by way of :data:`package_log`: every
module has ``log = Logger("txphoenix.<subject>", observer=package_log)``.
The namespace is by what people filter the log, so it stays where the code moves.
So what is dropped here is dropped for all of them, whenever they are imported, and for
nobody else.

What is logged may be what a server has sent.
So here each event becomes one line of a bounded length, without control characters; its
fields stay as they are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from twisted.logger import (
    ILogObserver,
    LogEvent,
    LogLevel,
    formatEvent,
    globalLogPublisher,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from ..legible import cut, error_text, legible
from .remover import Remover

__all__ = ["PackageLog", "package_log"]

# The most characters of a line; what it is made of is mostly cut before.
_LONGEST_LINE = 1000
# What many lines begin with.
_NAMES = ("client", "topic")
# The most lines of a traceback: Python's own recursion has no more.
_MOST_LINES = 4000


@implementer(ILogObserver)
class PackageLog:
    """Passes events on, legible, but for those below a level.

    :param observer: takes what is passed on.
    """

    def __init__(self, observer: ILogObserver) -> None:
        self._observer = observer
        # Each is an entry of its own, so that every remover takes its own away.
        # The tuple is replaced, never changed: a thread may be logging.
        self._levels: tuple[tuple[LogLevel], ...] = ()

    def __call__(self, event: LogEvent) -> None:
        """Take an event."""
        for (level,) in self._levels:
            if event["log_level"] < level:
                return
        self._observer(_legible_event(event))

    def drop_below(self, level: LogLevel) -> Remover:
        """Drop what is below a level, until the remover is called.

        Of several levels the highest holds.

        :param level: such as ``LogLevel.warn``.
        """
        entry = (level,)
        self._levels = (*self._levels, entry)
        return lambda: self._remove(entry)

    def _remove(self, entry: object) -> None:
        self._levels = tuple(each for each in self._levels if each is not entry)


def _legible_event(event: LogEvent) -> LogEvent:
    """The event, or one like it whose text is fit for a line."""
    text = _line(event)
    if text.startswith(("Unable to format event", "MESSAGE LOST")):
        # Something in it raises when it is asked for its text.
        text = formatEvent({name: _Legible.of(each) for name, each in event.items()})
        event = {**event, "log_format": "{log_line}", "log_line": text}
    if len(text) > _LONGEST_LINE or not text.isprintable():
        # A long name or topic must not leave out what is said of it.
        names = {name: cut(str(event[name])) for name in _NAMES if name in event}
        text = _line({**event, **names})
        line = cut(text, _LONGEST_LINE)
        event = {**event, "log_format": "{log_line}", "log_line": line}
    failure = event.get("log_failure")
    if failure is not None and _LegibleFailure.is_needed(failure):
        event = {**event, "log_failure": _LegibleFailure(failure)}
    return event


def _line(event: LogEvent) -> str:
    """The event as a line, as ``formatEvent`` has it.

    That reads the format anew each time, by a parser that knows much more than most
    formats have.
    """
    text = event.get("log_format")
    pieces = _pieces(text) if isinstance(text, str) else None
    if pieces is not None:
        try:
            return (
                "".join(
                    [
                        literal
                        + (repr(event[name]) if is_repr else format(event[name]))
                        for literal, name, is_repr in pieces[0]
                    ]
                )
                + pieces[1]
            )
        except BaseException:
            # It raises there as well, and has words for it.
            pass
    return formatEvent(event)


@lru_cache(maxsize=256)
def _pieces(text: str) -> tuple[list[tuple[str, str, bool]], str] | None:
    """Take a format apart, if all of its fields are plain names.

    :return: the text before each field, its name, and whether its ``repr`` is wanted;
        then the text behind the last.
    """
    literal, *parts = text.split("{")
    fields = []
    for part in parts:
        field, brace, behind = part.partition("}")
        name = field.removesuffix("!r")
        if not brace or not name.isidentifier() or "}" in literal:
            return None
        fields.append((literal, name, name != field))
        literal = behind
    return None if "}" in literal else (fields, literal)


class _Legible:
    """Stands for a value of which the text cannot be had."""

    def __init__(self, value: object) -> None:
        self._text = (
            error_text(value) if isinstance(value, BaseException) else legible(value)
        )

    @classmethod
    def of(cls, value: object) -> object:
        """What stands for a field of an event."""
        return value if isinstance(value, str | int | float) else cls(value)

    def __repr__(self) -> str:
        return self._text


class _LegibleFailure(Failure):
    """A failure like another, whose traceback has no control characters.

    :param failure: the other.
    """

    def __init__(self, failure: Failure) -> None:
        self.__dict__.update(failure.__dict__)

    @staticmethod
    def is_needed(failure: Failure) -> bool:
        """Whether the error's text is not fit for the log as it is."""
        text = failure.getErrorMessage()
        return len(text) > _LONGEST_LINE or not text.isprintable()

    def getTraceback(self, *args: Any, **options: Any) -> str:
        """The traceback, each line escaped and cut."""
        lines = super().getTraceback(*args, **options).split("\n")
        return "\n".join(cut(line, _LONGEST_LINE) for line in lines[:_MOST_LINES])


package_log = PackageLog(globalLogPublisher)
"""Where the loggers of this package write."""
