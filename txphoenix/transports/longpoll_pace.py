"""When a session of long-poll polls, and for how long it waits.

Phoenix answers a poll as soon as there is a message, and without one at the end of its
window, 10 seconds as it comes and any other time as it is set up.
A server, or a proxy, that answers at once without a message would be asked again at
once, thousands of times a second.
"""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IReactorTime

from ..protocol.backoff import jittered, steps
from ..runtime.elapsed import elapsed_time

__all__ = ["Pace", "Window"]

# Phoenix's, unless it is told otherwise.
_WINDOW: Final = 10.0
_LONGEST_WINDOW: Final = 300.0
# An empty answer that comes sooner (seconds) is no window's end.
_AT_ONCE: Final = 0.25
# The delays before the polls that follow such answers, of which some come in good
# order: a server's session that has just ended has one.
_delay = jittered(steps((0.0, 0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0)), least=0.5)


class Window:
    """How long a server may hold a poll, as far as is known from its earlier sessions.

    :ivar seconds: how long.
    """

    def __init__(self) -> None:
        self.seconds = _WINDOW


class Pace:
    """The pace of one session.

    :param clock: tells the time.
    :param window: what is known of the server; what this session shows is added.
    """

    def __init__(self, clock: IReactorTime, window: Window) -> None:
        self._elapsed = elapsed_time(clock)
        self._window = window
        # The longest that this session has shown.
        self._shown: float | None = None
        self._at_once = 0
        self._began = self._limit = 0.0

    def begin(self, interval: float, timeout: float) -> float:
        """Begin a poll.

        :return: the seconds that it may be silent; see :meth:`longest`.
        """
        self._began = self._elapsed()
        self._limit = self.longest(interval, timeout)
        return self._limit

    def longest(self, interval: float, timeout: float) -> float:
        """The seconds that a request may be silent.

        A poll stands where a WebSocket has its heartbeat: the interval is the server's
        window, if that is longer.
        A publish may wait for as long, for a channel that is busy.

        :param interval: the client's ``heartbeat_interval``.
        :param timeout: the client's ``heartbeat_timeout``.
        """
        window = self._window.seconds if self._shown is None else self._shown
        return max(interval, window) + timeout

    def answered(self, is_empty: bool) -> float:
        """Take note of an answer.

        :return: the seconds before the next poll.
        """
        waited = min(self._elapsed() - self._began, self._limit)
        if not is_empty:
            self._at_once = 0
            return 0.0
        if waited < _AT_ONCE:
            self._at_once += 1
            return _delay(self._at_once - 1)
        self._at_once = 0
        self._shown = max(waited, self._shown or 0.0)
        self._window.seconds = max(self._shown, _WINDOW)
        return 0.0

    def not_answered(self) -> None:
        """Take note of a poll that was given up for its silence.

        The server may be gone, or its window may be longer than is known: the next
        session waits longer.
        """
        known = max(self._window.seconds, self._shown or 0.0)
        self._window.seconds = min(2 * known, _LONGEST_WINDOW)
