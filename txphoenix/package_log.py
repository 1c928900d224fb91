"""The log of the whole package, which can be turned down.

All that txphoenix logs goes to Twisted's log by way of :data:`package_log`: every
module has ``log = Logger(observer=package_log)``.
So what is dropped here is dropped for all of them, whenever they are imported, and for
nobody else.
"""

from __future__ import annotations

from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from .interfaces import Remover

__all__ = ["PackageLog", "package_log"]


@implementer(ILogObserver)
class PackageLog:
    """Passes events on, but for those below a level.

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
        self._observer(event)

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


package_log = PackageLog(globalLogPublisher)
"""Where the loggers of this package write."""
