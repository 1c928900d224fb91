"""When what is begun again and again has lasted, and how often it may be begun.

That it begins proves nothing: what is taken in and thrown out again, each time, would
be begun without end.
So only what has *lasted* begins the delays before attempts anew, and wishes for an
attempt at once have a :class:`Pace`.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LEAST", "Pace", "has_lasted"]

LEAST: Final = 10.0
"""The seconds after which something has lasted, whatever the delay before it was."""


def has_lasted(seconds: float, delay: float) -> bool:
    """Whether something was there for long enough.

    That is as long as the delay which led to it, and at least :data:`LEAST`: what comes
    and goes is then away for no less than it is there.

    :param seconds: how long it was there.
    :param delay: the delay (seconds) before the attempt that led to it.
    """
    return seconds >= max(LEAST, delay)


class Pace:
    """How often something may be done: so many times at once, and then in turn.

    :param most: how many times at once.
    :param seconds: how long a turn takes from then on.
    """

    __slots__ = ("_due", "_most", "seconds")

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self.seconds = seconds
        """How long a turn takes."""
        # When the turn after the last would begin, had each taken its time.
        self._due = 0.0

    def reset(self, seconds: float) -> None:
        """Let a turn take another time from now on."""
        self.seconds = seconds

    def is_rested(self, now: float) -> bool:
        """Whether no turn is under way."""
        return self._due <= now

    def take(self, now: float) -> bool:
        """Take a turn.

        :param now: the time in seconds.
        :return: whether it may be done now; if not, no turn is taken.
        """
        # A clock that was set back must not make anybody wait for it.
        self._due = due = min(max(self._due, now), now + self._most * self.seconds)
        if due - now > (self._most - 1) * self.seconds:
            return False
        self._due = due + self.seconds
        return True
