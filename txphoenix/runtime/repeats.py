"""Lines of the log that thousands may have to say in the same moment.

A process may have thousands of clients of one server, and a client thousands of
channels; when that server ends, a line of each would say no more than a few do.
So in each minute the first lines of a kind are told as they are, and after these the
first that is left out, the second, the fourth, the eighth and so on, each with the
number of those that were left out.
The others are of the level debug.

Nothing is timed for this, so that nothing is left behind by whoever has logged.
"""

from __future__ import annotations

from typing import Any, Final
from weakref import WeakKeyDictionary

from twisted.logger import Logger, LogLevel

from .deadlines import Deadlines

__all__ = ["Repeats"]

# So many seconds are told as one moment, and of these so many lines in full.
_WINDOW: Final = 60.0
_MOST: Final = 10


class Repeats:
    """The lines of each kind that were told of late, by all that share a clock.

    :param deadlines: tell the time.
    """

    __slots__ = ("__weakref__", "_elapsed", "_windows")

    @classmethod
    def of(cls, deadlines: Deadlines) -> Repeats:
        """Those of a clock."""
        repeats = _of_clock.get(deadlines)
        if repeats is None:
            repeats = _of_clock[deadlines] = cls(deadlines)
        return repeats

    def __init__(self, deadlines: Deadlines) -> None:
        self._elapsed = deadlines.elapsed
        # When the latest lines of a kind began, and how many there are since then.
        self._windows: dict[str, tuple[float, int]] = {}

    def emit(self, log: Logger, level: LogLevel, text: str, **fields: Any) -> None:
        """Log a line, at the level debug if there are too many of its kind.

        :param log: where.
        :param level: its level if there are not.
        :param text: its format, which is its kind as well.
        """
        more = self._count(text) - _MOST if level > LogLevel.debug else 0
        if more > 0:
            if more & (more - 1):
                level = LogLevel.debug
            text += "; as with {more} more within a minute"
            fields["more"] = more
        log.emit(level, text, **fields)

    def _count(self, kind: str) -> int:
        now = self._elapsed()
        since, count = self._windows.get(kind, (now, 0))
        if now - since >= _WINDOW:
            since, count = now, 0
        self._windows[kind] = since, count + 1
        return count + 1


_of_clock: WeakKeyDictionary[Deadlines, Repeats] = WeakKeyDictionary()
