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

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary, ref

from twisted.logger import Logger, LogLevel

from .wake_ups import WakeUps

__all__ = ["Repeats"]

# So many seconds are told as one moment, and of these so many lines in full.
_WINDOW: Final = 60.0
_MOST: Final = 10
# So many clients may tell all: each sees to it that it does not repeat itself.
_FEW: Final = 20


class Repeats:
    """The lines of each kind that were told of late.

    :param elapsed: tells the time.
    """

    __slots__ = ("_crowd", "_elapsed", "_windows")

    @classmethod
    def of(cls, clients: WakeUps, elapsed: Callable[[], float]) -> Repeats:
        """Those of all clients that share a clock."""
        repeats = _of_clients.get(clients)
        if repeats is None:
            repeats = _of_clients[clients] = cls(elapsed)
            # Not for longer than that holds them.
            repeats._crowd = ref(clients)
        return repeats

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._crowd: ref[WakeUps] | None = None
        # When the latest lines of a kind began, and how many there are since then.
        self._windows: dict[str, tuple[float, int]] = {}

    def emit(self, log: Logger, level: LogLevel, text: str, **fields: Any) -> None:
        """Log a line, at the level debug if there are too many of its kind.

        :param log: where.
        :param level: its level if there are not.
        :param text: its format, which is its kind as well.
        """
        if level > LogLevel.debug and not self._are_few():
            more = self._count(text) - _MOST
            if more > 0:
                if more & (more - 1):
                    level = LogLevel.debug
                text += "; as with {more} more within a minute"
                fields["more"] = more
        log.emit(level, text, **fields)

    def _are_few(self) -> bool:
        clients = None if self._crowd is None else self._crowd()
        return clients is not None and len(clients) <= _FEW

    def _count(self, kind: str) -> int:
        now = self._elapsed()
        since, count = self._windows.get(kind, (now, 0))
        if now - since >= _WINDOW:
            since, count = now, 0
        self._windows[kind] = since, count + 1
        return count + 1


_of_clients: WeakKeyDictionary[WakeUps, Repeats] = WeakKeyDictionary()
