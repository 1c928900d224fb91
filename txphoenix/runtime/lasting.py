"""When a connection, or a joined channel, has proved that it works; and patience.

That it opens proves nothing, nor does a join: a server that takes us in and throws us
out again, each time, would be asked without end.
So only what has *lasted* begins the delays before attempts anew.

Nor may somebody who asks for an attempt at once, again and again, do away with the
delays; such wishes have a :class:`Pace`, and :class:`Patience` is what a connection
has of both.
"""

from __future__ import annotations

from typing import Final

from twisted.logger import Logger

from .package_log import package_log

# So many attempts that somebody asks for begin at once: while others fail, and to
# replace what is open.
# Whoever asks may be a hook that does so each time, and must not do away with the
# delays; so there is one more in each time that the longest of these takes.
_MOST_HURRIED: Final = 5
_MOST_REPLACED: Final = 20

__all__ = ["LEAST", "Pace", "Patience", "has_lasted"]

log = Logger("txphoenix.client", observer=package_log)

LEAST: Final = 10.0
"""The seconds after which an answer of the server shows that it means to keep us."""


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


class Patience:
    """What one connection knows of its attempts, and of those that are asked for.

    :param longest_delay: the longest delay (seconds) between two attempts.
    """

    __slots__ = (
        "_has_told",
        "began_at",
        "close_code",
        "delay",
        "hurried",
        "latest",
        "opened_at",
        "replaced",
    )

    def __init__(self, longest_delay: float) -> None:
        self.delay = 0.0
        """The delay that led to the latest attempt."""
        self.began_at = 0.0
        """When the latest attempt began."""
        self.opened_at = 0.0
        """When the latest transport was opened."""
        self.close_code: int | None = None
        """What the latest transport was closed with, if that has ended last."""
        self.hurried = Pace(_MOST_HURRIED, longest_delay)
        """The attempts that are begun at once while others fail."""
        self.replaced = Pace(_MOST_REPLACED, longest_delay)
        """Those in the place of what was open."""
        self.latest = self.replaced
        """Which of the two an attempt after the latest end comes under."""
        # Whether the log has it that no attempt at once is left.
        self._has_told = False

    def reset(self, longest_delay: float) -> None:
        """Go by another longest delay from now on."""
        self.hurried.reset(longest_delay)
        self.replaced.reset(longest_delay)

    def may_hurry(self, now: float) -> bool:
        """Take a turn for an attempt at once.

        Where there is none the log says so, once until there is one again.
        """
        may_hurry = self.hurried.take(now)
        has_told, self._has_told = self._has_told, not may_hurry
        if not (may_hurry or has_told):
            log.info(
                "an attempt at once was asked for too often, and waits for its time:"
                " {most} at once, then one each {seconds:g} s",
                most=_MOST_HURRIED,
                seconds=self.hurried.seconds,
            )
        return may_hurry

    def has_answered(self, now: float) -> bool:
        """Whether an answer of the server shows that it means to keep us."""
        return now - self.opened_at >= LEAST

    def has_lasted(self, now: float) -> bool:
        """Whether the transport was there for long enough."""
        return has_lasted(now - self.opened_at, self.delay)
